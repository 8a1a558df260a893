"""Gated multimodal units."""

from dataclasses import dataclass
from typing import ClassVar

from avfusion.estimators._base import FusionTags
from avfusion.estimators._encoded_fusion import EncodedFusionRegressor
from avfusion.networks import GatedMultimodalUnit


@dataclass(kw_only=True, eq=False, repr=False)
class GatedMultimodalRegressor(EncodedFusionRegressor):
    r"""Fuse streams by a gated multimodal unit between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM. In every step a gate then decides, feature by
    feature, how much each stream says; a last bidirectional LSTM reads what results. With :math:`x_m` (h)
    one step of a stream and :math:`x = [x_1, ..., x_M]`, two streams share one gate and others have one each,

    .. math::

        z = \sigma(W_z x), \quad f = z \odot \tanh(W_1 x_1) + (1 - z) \odot \tanh(W_2 x_2), \qquad
        f = \sum_m \sigma(W_{zm} x) \odot \tanh(W_m x_m)

    Steps do not see each other in the unit, so that a row may have any length. The share of a stream can
    change from step to step and from feature to feature.

    The publication classifies films from one vector for each modality. The LSTMs are those of the whole
    family, so that figures tell of the fusion alone; switch them off with `intra_lstm` and `joint_lstm`.

    Parameters
    ----------
    {encoder_parameters}
    {shared_parameters}
    modalities : list of str, optional
        The sequence columns of X to use; by default all of them.

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    EarlyFusionRegressor : The same LSTMs on concatenated features.

    References
    ----------
    J. Arevalo, T. Solorio, M. Montes-y-Gomez, F. A. Gonzalez. Gated Multimodal Units for Information Fusion.
    2017. arXiv 1702.01992.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.GatedMultimodalRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags: ClassVar[FusionTags] = FusionTags(published_in="arXiv 1702.01992")

    def _core(self):
        return GatedMultimodalUnit
