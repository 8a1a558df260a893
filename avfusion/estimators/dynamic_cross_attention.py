"""Recursive joint attention behind a gate."""

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import ClassVar

from avfusion._sklearn_compat import Interval, StrOptions
from avfusion.estimators._base import FusionTags
from avfusion.estimators._encoded_fusion import EncodedFusionRegressor
from avfusion.networks import AttentionStack, DynamicGate, JointAttention


@dataclass(kw_only=True, eq=False, repr=False)
class DynamicCrossAttentionRegressor(EncodedFusionRegressor):
    r"""Fuse streams by joint attention with a gate that may pass it by, between bidirectional LSTMs.

    The network of `RecursiveJointAttentionRegressor` on the time axis, and after its `n_recursions` steps
    of attention a gate, which chooses at each step of each stream between :math:`X_m` (T, h) before
    attention and :math:`X_m^L` after it:

    .. math::

        w = \mathrm{softmax}((X_m^L W_{gm} + b_{gm}) / 0.1) \in R^{T \times 2}, \quad
        F_m = \mathrm{ReLU}(w_0 X_m + w_1 X_m^L)

    It is meant for streams that do not always add to one another, for instance when one of them is
    often bad. The gate costs 2 (h + 1) weights a stream. It begins with equal weights; the released code
    draws them at random, which at a temperature of 0.1 and on the unnormalised features here would leave
    most steps with one slot.

    Parameters
    ----------
    n_recursions : int, default=1
        Number L of attention steps, each with weights of its own; at least 1.
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
    RecursiveJointAttentionRegressor : The same without a gate.
    GatedRecursiveJointAttentionRegressor : A gate over the outputs of all recursions.

    References
    ----------
    R. Gnana Praveen, J. Alam. Cross-Attention is Not Always Needed: Dynamic Cross-Attention for Audio-Visual
    Dimensional Emotion Recognition. ICME 2024. arXiv 2403.19554.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.DynamicCrossAttentionRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags: ClassVar[FusionTags] = FusionTags(published_in="arXiv 2403.19554")

    n_recursions: int = 1
    attention: str = "softmax"

    _parameter_constraints: ClassVar[dict] = {
        **EncodedFusionRegressor._parameter_constraints,
        "n_recursions": [Interval(Integral, 1, None, closed="left")],
        "attention": [StrOptions({"softmax", "tanh"})],
    }

    def _core(self):
        step = partial(JointAttention, attention=self.attention, dropout=self.dropout)
        return partial(AttentionStack, step=step, n_recursions=self.n_recursions, gate=DynamicGate)
