"""Recursive joint attention with LSTMs."""

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from avfusion.estimators.encoded_fusion import EncodedFusionRegressor
from avfusion.estimators.mixin import FusionTags
from avfusion.networks import AttentionStack, JointAttention


@dataclass(kw_only=True, eq=False, repr=False)
class RecursiveJointAttentionRegressor(EncodedFusionRegressor):
    r"""Fuse streams by recursive joint attention between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM. Every stream then attends, over time, by its
    correlation with all streams joined, once for each recursion; a last bidirectional LSTM reads what
    results. With steps as rows, :math:`X_m` a stream of h features and :math:`J = [X_1, ..., X_M]`, one
    recursion is

    .. math::

        C_m = \tanh(X_m W_{jm} J^T / \sqrt{M h}), \quad
        H_m = \mathrm{ReLU}((C_m / T)^T X_m W_{cm}), \quad
        X_m \leftarrow X_m + H_m W_{hm}

    with T the number of steps of the row. This is the form that relates steps of time, so that a row may have
    any length; the authors' released code relates features and needs rows of one length.

    Parameters
    ----------
    n_recursions : int, default=1
        Number of attention steps, each with weights of its own; 0 leaves the LSTMs only.
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
    EarlyFusionRegressor : The same LSTMs on concatenated features.
    LateFusionRegressor : The mean of models of one stream each.

    References
    ----------
    R. Gnana Praveen, E. Granger, P. Cardinal. Recursive Joint Attention for Audio-Visual Fusion in Regression
    Based Emotion Recognition. ICASSP 2023. arXiv 2304.07958.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.RecursiveJointAttentionRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags: ClassVar[FusionTags] = FusionTags(published_in="arXiv 2304.07958")

    n_recursions: int = 1
    attention: str = "softmax"

    _parameter_constraints: ClassVar[dict] = {
        **EncodedFusionRegressor._parameter_constraints,
        "n_recursions": [Interval(Integral, 0, None, closed="left")],
        "attention": [StrOptions({"softmax", "tanh"})],
    }

    def _core(self):
        step = partial(JointAttention, attention=self.attention, dropout=self.dropout)
        return partial(AttentionStack, step=step, n_recursions=self.n_recursions)
