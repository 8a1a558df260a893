"""Tensor fusion (TFN).

All products of the features of all streams, which are first reduced to `reduced_size`. For few streams: their
number is an exponent.
"""

from numbers import Integral
from typing import ClassVar

import torch
from torch import Tensor, nn

from avfusion._sklearn_compat import Interval
from avfusion.estimators import EncodedFusionRegressor, FusionTags
from avfusion.networks._layers import Dropout
from avfusion.networks._masking import zero_padding

__all__ = ["TensorFusion", "TensorFusionRegressor"]

LARGEST_PRODUCT = 1 << 14  # numbers per step


class TensorFusion(nn.Module):
    """Map all products of reduced modalities to one sequence; see `TensorFusionRegressor`.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality, and of the output.
    reduced_size : int, default=8
        Number k of features that each modality is reduced to first.
    dropout : float, default=0.0
        On the reduced modalities.

    Raises
    ------
    ValueError
        If the product would have more than 16384 numbers per step.

    Examples
    --------
    >>> import torch
    >>> core = TensorFusion(2, 8)
    >>> core([torch.randn(1, 5, 8), torch.randn(1, 5, 8)], torch.ones(1, 5, dtype=torch.bool)).shape
    torch.Size([1, 5, 8])
    """

    def __init__(self, n_modalities: int, hidden_size: int, reduced_size: int = 8, dropout: float = 0.0):
        super().__init__()
        product_size = (reduced_size + 1) ** n_modalities
        if product_size > LARGEST_PRODUCT:
            raise ValueError(
                f"reduced_size={reduced_size} makes products of {product_size} numbers per step with "
                f"{n_modalities} modalities, more than {LARGEST_PRODUCT}. Lower it, or use low-rank fusion."
            )
        self.output_size = hidden_size
        self.reduce = nn.ModuleList(nn.Linear(hidden_size, reduced_size) for _ in range(n_modalities))
        self.combine = nn.Linear(product_size, hidden_size)
        self.dropout = Dropout(dropout)

    def forward(self, streams: list[Tensor], mask: Tensor) -> Tensor:
        """M of (B, T, h), (B, T) -> (B, T, h); zero in the padding."""
        product = streams[0].new_ones(*mask.shape, 1)  # (B, T, 1)
        for reduce, x in zip(self.reduce, streams):
            z = with_one(self.dropout(reduce(x)))  # (B, T, k + 1)
            product = (product.unsqueeze(-1) * z.unsqueeze(-2)).flatten(-2)  # the last modality runs fastest
        return zero_padding(self.combine(product), mask)


def with_one(x: Tensor) -> Tensor:
    """Put a one before the features: (..., k) -> (..., 1 + k)."""
    return torch.cat([torch.ones_like(x[..., :1]), x], -1)


class TensorFusionRegressor(EncodedFusionRegressor):
    """Fuse streams by the products of all their features, between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM. In every step the streams are reduced to k features
    each and multiplied, all with all; a last bidirectional LSTM reads what results. For the modalities
    m = 1 .. M of one step, x_m (h,) each::

        z_m = V_m x_m + v_m                                 (k,)        reduced, k = `reduced_size`
        f   = ([1; z_1] x ... x [1; z_M]) W + b             (h,)        x: outer product, (k + 1)^M numbers

    The entries of the product are those of every subset of modalities, by the ones; there are at most 16384
    of them, and `fit` raises a ValueError where there would be more. By the products one stream can turn the
    sign of what another means. Steps do not see each other in them, so that a row may have any length.

    The publication has one vector for each modality of a clip, from networks of its own. The LSTMs are those
    of the whole family, so that scores differ by the fusion alone; switch them off with `intra_lstm` and
    `joint_lstm`.

    Parameters
    ----------
    reduced_size : int, default=8
        Number k of features that each stream is reduced to before the product.
    {encoder_parameters}
    {fusion_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    LowRankFusionRegressor : The same with factorised weights, for many streams.

    References
    ----------
    A. Zadeh, M. Chen, S. Poria, E. Cambria, L.-P. Morency. Tensor Fusion Network for Multimodal Sentiment
    Analysis. EMNLP 2017. arXiv 1707.07250.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.TensorFusionRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags = FusionTags(published_in="arXiv 1707.07250")
    core = TensorFusion
    reduced_size: int = 8

    _parameter_constraints: ClassVar[dict] = {"reduced_size": [Interval(Integral, 1, None, closed="left")]}
