"""Low-rank fusion (LMF).

The products of tensor fusion through factors of rank `rank`, for any number of streams.
"""

import math
from numbers import Integral
from typing import ClassVar

import torch
from torch import Tensor, nn

from avfusion._sklearn_compat import Interval
from avfusion.estimators import EncodedFusionRegressor, FusionTags
from avfusion.networks._masking import zero_padding

__all__ = ["LowRankFusion", "LowRankFusionRegressor"]


class LowRankFusion(nn.Module):
    """Fuse by a factorised product of modalities; see `LowRankFusionRegressor`.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality, and of the output.
    rank : int, default=4
        R.

    Examples
    --------
    >>> import torch
    >>> core = LowRankFusion(2, 8)
    >>> core([torch.randn(1, 5, 8), torch.randn(1, 5, 8)], torch.ones(1, 5, dtype=torch.bool)).shape
    torch.Size([1, 5, 8])
    """

    def __init__(self, n_modalities: int, hidden_size: int, rank: int = 4):
        super().__init__()
        self.output_size = hidden_size
        # the bias is the row of the one; ones keep every modality alone in the product at the start
        self.factors = nn.ModuleList(nn.Linear(hidden_size, rank * hidden_size) for _ in range(n_modalities))
        for factor in self.factors:
            nn.init.normal_(factor.weight, std=1 / math.sqrt(hidden_size))
            nn.init.ones_(factor.bias)
        self.weight = nn.Parameter(torch.full((rank,), 1 / math.sqrt(rank)))
        self.bias = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, streams: list[Tensor], mask: Tensor) -> Tensor:
        """M of (B, T, h), (B, T) -> (B, T, h); zero in the padding."""
        product = self.factors[0](streams[0])  # (B, T, R h)
        for factor, x in zip(self.factors[1:], streams[1:]):
            product = product * factor(x)
        product = product.unflatten(-1, (len(self.weight), -1))  # (B, T, R, h)
        return zero_padding(torch.einsum("btrh,r->bth", product, self.weight) + self.bias, mask)


class LowRankFusionRegressor(EncodedFusionRegressor):
    """Fuse streams by a low-rank product of all their features, between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM. In every step maps of the streams are multiplied,
    feature by feature, and summed over R ranks; a last bidirectional LSTM reads what results. For the
    modalities m = 1 .. M of one step, x_m (h,) each, and ranks r = 1 .. R::

        f = b + sum over r of w_r * product over m of ([1; x_m] U_mr)       (h,)

    where * and the product are per feature: tensor fusion whose weights are a sum of R products of factors,
    so that the outer product is never formed and the cost grows with M, not with a power of it. Steps do not
    see each other in the product, so that a row may have any length.

    The publication has one vector for each modality of a clip, from networks of its own. The LSTMs are those
    of the whole family, so that scores differ by the fusion alone; switch them off with `intra_lstm` and
    `joint_lstm`.

    Parameters
    ----------
    rank : int, default=4
        R, the number of products that are summed.
    {encoder_parameters}
    {fusion_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    TensorFusionRegressor : The product written out.

    References
    ----------
    Z. Liu, Y. Shen, V. B. Lakshminarasimhan, P. P. Liang, A. Zadeh, L.-P. Morency. Efficient Low-rank
    Multimodal Fusion with Modality-Specific Factors. ACL 2018. arXiv 1806.00064.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.LowRankFusionRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags = FusionTags(published_in="arXiv 1806.00064")
    core = LowRankFusion
    rank: int = 4

    _parameter_constraints: ClassVar[dict] = {"rank": [Interval(Integral, 1, None, closed="left")]}
