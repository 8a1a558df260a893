"""Recursive joint attention with a gate over all recursions."""

from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import ClassVar

from avfusion._sklearn_compat import Interval, StrOptions
from avfusion.estimators._base import FusionTags
from avfusion.estimators._encoded_fusion import EncodedFusionRegressor
from avfusion.networks import AttentionStack, HierarchicalGate, JointAttention, RecursionGate

GATES = {"flat": RecursionGate, "hierarchical": HierarchicalGate}


@dataclass(kw_only=True, eq=False, repr=False)
class GatedRecursiveJointAttentionRegressor(EncodedFusionRegressor):
    r"""Fuse streams by recursive joint attention, gated over its recursions, between bidirectional LSTMs.

    The network of `RecursiveJointAttentionRegressor` on the time axis, with gates that choose at each step of
    each stream how much attention it gets. With :math:`X_m^0` (T, h) a stream before attention,
    :math:`X_m^l` after recursion l of L, and

    .. math::

        g(Q; S_0, ..., S_n) = \mathrm{ReLU}(w_0 S_0 + ... + w_n S_n), \quad
        w = \mathrm{softmax}((Q W_g + b_g) / 0.1) \in R^{T \times (n + 1)}

    with weights of its own for each gate, a stream leaves as

    .. math::

        F_m = g(X_m^L; X_m^0, ..., X_m^L)

    with `gate` "flat", and with "hierarchical" as

    .. math::

        Y_m^l = g(X_m^l; X_m^0, X_m^l), \; l = 1, ..., L, \quad F_m = g(Y_m^L; Y_m^1, ..., Y_m^L)

    It is meant for streams that do not always add to one another, and chooses how many recursions each step
    gets. With one recursion both gates are that of `DynamicCrossAttentionRegressor`. Gates begin with
    equal weights. Recursions go on from what is not gated, and the queries are the last slots: where the
    publication leaves this open, it is our reading.

    Parameters
    ----------
    n_recursions : int, default=2
        Number L of attention steps, each with weights of its own; at least 1.
    gate : {"flat", "hierarchical"}, default="flat"
        One gate over all recursions, or one for each recursion and one over what these choose.
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
    RecursiveJointAttentionRegressor : The same without gates.
    DynamicCrossAttentionRegressor : A gate between the streams before and after all recursions.

    References
    ----------
    R. Gnana Praveen, J. Alam, E. Charton. United We Stand, Divided We Fall: Handling Weak Complementary
    Relationships for Audio-Visual Emotion Recognition in Valence-Arousal Space. CVPR Workshops 2025.
    arXiv 2503.12261.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.GatedRecursiveJointAttentionRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags: ClassVar[FusionTags] = FusionTags(published_in="arXiv 2503.12261")

    n_recursions: int = 2
    gate: str = "flat"
    attention: str = "softmax"

    _parameter_constraints: ClassVar[dict] = {
        **EncodedFusionRegressor._parameter_constraints,
        "n_recursions": [Interval(Integral, 1, None, closed="left")],
        "gate": [StrOptions(set(GATES))],
        "attention": [StrOptions({"softmax", "tanh"})],
    }

    def _core(self):
        step = partial(JointAttention, attention=self.attention, dropout=self.dropout)
        return partial(AttentionStack, step=step, n_recursions=self.n_recursions, gate=GATES[self.gate])
