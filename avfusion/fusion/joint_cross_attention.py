"""Joint cross-attention (JCA).

Correlates each stream with all streams joined, once.
"""

from functools import partial
from typing import ClassVar

from avfusion._sklearn_compat import StrOptions
from avfusion.estimators import EncodedFusionRegressor, FusionTags
from avfusion.networks import AttentionStack, JointCrossAttention

__all__ = ["JointCrossAttentionRegressor"]


def joint_cross_attention(
    n_modalities: int, hidden_size: int, attention: str, dropout: float
) -> AttentionStack:
    """Return one step of joint cross-attention as a core."""
    step = partial(JointCrossAttention, attention=attention, dropout=dropout)
    return AttentionStack(n_modalities, hidden_size, step)


class JointCrossAttentionRegressor(EncodedFusionRegressor):
    """Fuse streams by one step of joint cross-attention between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM and attends once by its correlation with all streams
    joined; a last bidirectional LSTM reads what results. With steps as rows, X_m (T, h) a stream, n the
    number of steps of the row and ``attention="tanh"``::

        J   = [X_1, ..., X_M]                                   (T, M h)    joint representation
        C_m = tanh(X_m W_jm J^T / sqrt(M h))                    (T, T)      joint correlation, source x target
        H_m = ReLU(X_m W_m + (C_m / n)^T X_m W_cm)              (T, h)
        X_m = X_m + dropout(H_m W_hm)                           (T, h)

    C relates steps, so that a row may have any length. Use it as the forerunner that recursive joint
    attention is compared with: what sets them apart is X_m W_m, through which each step also changes by
    itself, and the single step.

    The publication has no LSTMs: ``intra_lstm=False, joint_lstm=False`` is nearest to it; by default they are
    there, so that all methods have the same encoders. Its weights on C_m act along time and fix T:
    H_m = ReLU(W_m X_m + W_cm C_m^T). W_hm begins at zero, so that training begins without attention (CCC on
    synthetic recordings .88, else .84).

    Parameters
    ----------
    attention : {"softmax", "tanh"}, default="softmax"
        "tanh" as published; "softmax" weighs the steps of a stream by a softmax instead.
    {encoder_parameters}
    {fusion_parameters}

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

    fusion_tags = FusionTags(published_in="arXiv 2203.14779")
    core = joint_cross_attention
    attention: str = "softmax"

    _parameter_constraints: ClassVar[dict] = {"attention": [StrOptions({"softmax", "tanh"})]}
