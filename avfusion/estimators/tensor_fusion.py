"""Tensor fusion."""

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import ClassVar

from avfusion._sklearn_compat import Interval
from avfusion.estimators._base import FusionTags
from avfusion.estimators._encoded_fusion import EncodedFusionRegressor
from avfusion.networks import TensorFusion


@dataclass(kw_only=True, eq=False, repr=False)
class TensorFusionRegressor(EncodedFusionRegressor):
    r"""Fuse streams by the products of all their features, between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM. In every step the streams are reduced to k features
    each and multiplied, all with all; a last bidirectional LSTM reads what results. With :math:`x_m` (h) one
    step of a stream,

    .. math::

        z_m = V_m x_m + v_m, \quad f = W ([1; z_1] \otimes \dots \otimes [1; z_M]) + b

    Steps do not see each other in the product, so that a row may have any length. It has
    :math:`(k + 1)^M` numbers, at most 16384 of them; `fit` raises a ValueError where there would be more.
    By the products one stream can turn the sign of what another means.

    The publication has one vector for each modality of a clip, from networks of its own. The LSTMs are those
    of the whole family, so that figures tell of the fusion alone; switch them off with `intra_lstm` and
    `joint_lstm`.

    Parameters
    ----------
    reduced_size : int, default=8
        Number k of features that each stream is reduced to before the product.
    {encoder_parameters}
    {shared_parameters}
    modalities : list of str, optional
        The sequence columns of X to use; by default all of them.

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

    fusion_tags: ClassVar[FusionTags] = FusionTags(published_in="arXiv 1707.07250")

    reduced_size: int = 8

    _parameter_constraints: ClassVar[dict] = {
        **EncodedFusionRegressor._parameter_constraints,
        "reduced_size": [Interval(Integral, 1, None, closed="left")],
    }

    def _core(self):
        return partial(TensorFusion, reduced_size=self.reduced_size, dropout=self.dropout)
