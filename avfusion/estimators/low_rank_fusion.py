"""Low-rank fusion."""

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import ClassVar

from avfusion._sklearn_compat import Interval
from avfusion.estimators._base import FusionTags
from avfusion.estimators._encoded_fusion import EncodedFusionRegressor
from avfusion.networks import LowRankFusion


@dataclass(kw_only=True, eq=False, repr=False)
class LowRankFusionRegressor(EncodedFusionRegressor):
    r"""Fuse streams by a low-rank product of all their features, between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM. In every step maps of the streams are multiplied,
    feature by feature, and summed over R ranks; a last bidirectional LSTM reads what results. With
    :math:`x_m` (h) one step of a stream,

    .. math::

        f = b + \sum_{r=1}^R w_r \prod_m U_{mr} [1; x_m]

    Steps do not see each other in the product, so that a row may have any length. This is tensor fusion with
    weights of rank R: its cost grows with M, not with a power of it.

    The publication has one vector for each modality of a clip, from networks of its own. The LSTMs are those
    of the whole family, so that figures tell of the fusion alone; switch them off with `intra_lstm` and
    `joint_lstm`.

    Parameters
    ----------
    rank : int, default=4
        R, the number of products that are summed.
    {encoder_parameters}
    {shared_parameters}
    modalities : list of str, optional
        The sequence columns of X to use; by default all of them.

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

    fusion_tags: ClassVar[FusionTags] = FusionTags(published_in="arXiv 1806.00064")

    rank: int = 4

    _parameter_constraints: ClassVar[dict] = {
        **EncodedFusionRegressor._parameter_constraints,
        "rank": [Interval(Integral, 1, None, closed="left")],
    }

    def _core(self):
        return partial(LowRankFusion, rank=self.rank)
