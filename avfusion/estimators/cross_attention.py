"""Cross-attention between pairs of streams."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from avfusion.estimators._base import FusionTags
from avfusion.estimators._encoded_fusion import EncodedFusionRegressor
from avfusion.networks import AttentionStack, CrossAttention


@dataclass(kw_only=True, eq=False, repr=False)
class CrossAttentionRegressor(EncodedFusionRegressor):
    r"""Fuse streams by cross-attention between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM. In every pair of streams, each then gathers from
    its own steps what the other one points to; a last bidirectional LSTM reads the streams joined. With
    steps as rows, :math:`X_m` (T, h) a stream and :math:`W_{mn} = W_{nm}^T` learnt for the pair,

    .. math::

        A_{mn} = \mathrm{softmax}_{\text{steps of } m}(X_m W_{mn} X_n^T / \sqrt{h}), \quad
        X_m \leftarrow \tanh\Big(X_m + \frac{g}{M - 1} \sum_{n \ne m} A_{mn}^T X_m\Big)

    where :math:`A_{mn}` (T, T) relates steps, so that a row may have any length, and g is a number,
    learnt from zero. Its attention has :math:`M (M - 1) h^2 / 2` weights besides, fewer than that of joint
    cross-attention, and no joint representation.

    The publication has two streams, no division by :math:`\sqrt{h}`, g = 1 and no LSTMs after the features.
    With g = 1 nothing can turn down what is attended, nearly the mean of a recording, and small sets are
    learnt by heart (forty synthetic recordings: CCC .61, with g from zero .81, without attention .88). The
    mean over the other streams is the natural form for more. A single stream attends to itself. The LSTMs
    are those of the whole family, so that figures tell of the fusion alone; switch them off with
    `intra_lstm` and `joint_lstm`.

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
    JointCrossAttentionRegressor : Every stream attends by its correlation with all streams joined.
    RecursiveJointAttentionRegressor : The same, repeated.

    References
    ----------
    R. Gnana Praveen, E. Granger, P. Cardinal. Cross Attentional Audio-Visual Fusion for Dimensional Emotion
    Recognition. FG 2021. arXiv 2111.05222.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.CrossAttentionRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags: ClassVar[FusionTags] = FusionTags(published_in="arXiv 2111.05222")

    def _core(self):
        return partial(AttentionStack, step=partial(CrossAttention, dropout=self.dropout))
