"""Joint cross-attention, in one step."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from avfusion._sklearn_compat import StrOptions
from avfusion.estimators._base import FusionTags
from avfusion.estimators._encoded_fusion import EncodedFusionRegressor
from avfusion.networks import AttentionStack, JointCrossAttention


@dataclass(kw_only=True, eq=False, repr=False)
class JointCrossAttentionRegressor(EncodedFusionRegressor):
    r"""Fuse streams by one step of joint cross-attention between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM and attends once by its correlation with all streams
    joined; a last bidirectional LSTM reads what results. With steps as rows, :math:`X_m` (T, h) a stream,
    :math:`J = [X_1, ..., X_M]`, and T the number of steps of the row,

    .. math::

        C_m = \tanh(X_m W_{jm} J^T / \sqrt{M h}), \quad
        H_m = \mathrm{ReLU}(X_m W_m + (C_m / T)^T X_m W_{cm}), \quad
        X_m \leftarrow X_m + H_m W_{hm}

    where :math:`C_m` (T, T) relates steps, so that a row may have any length. Use it as the forerunner that
    recursive joint attention is compared with: what sets them apart is :math:`X_m W_m`, through which each
    step also changes by itself, and the single step.

    The publication has no LSTMs: ``intra_lstm=False, joint_lstm=False`` is nearest to it; by default they are
    there, so that all methods have the same encoders. :math:`W_{hm}` begins at zero, so that training begins
    with them alone (CCC on synthetic recordings .88, else .84).
    Its weights on :math:`C_m` act along time and fix T.

    Parameters
    ----------
    attention : {"softmax", "tanh"}, default="softmax"
        "tanh" as published; "softmax" weighs the steps of a stream by a softmax instead.
    {encoder_parameters}
    {shared_parameters}
    modalities : list of str, optional
        The sequence columns of X to use; by default all of them.

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    CrossAttentionRegressor : Attention between pairs of streams.
    RecursiveJointAttentionRegressor : Joint attention without the term of its own, repeated.

    References
    ----------
    R. Gnana Praveen, W. Carneiro de Melo, N. Ullah, H. Aslam, O. Zeeshan, T. Denorme, M. Pedersoli,
    A. L. Koerich, S. Bacon, P. Cardinal, E. Granger. A Joint Cross-Attention Model for Audio-Visual Fusion in
    Dimensional Emotion Recognition. CVPR Workshops 2022. arXiv 2203.14779.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.JointCrossAttentionRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags: ClassVar[FusionTags] = FusionTags(published_in="arXiv 2203.14779")

    attention: str = "softmax"

    _parameter_constraints: ClassVar[dict] = {
        **EncodedFusionRegressor._parameter_constraints,
        "attention": [StrOptions({"softmax", "tanh"})],
    }

    def _core(self):
        step = partial(JointCrossAttention, attention=self.attention, dropout=self.dropout)
        return partial(AttentionStack, step=step)
