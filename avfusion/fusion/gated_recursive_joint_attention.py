"""Gated recursive joint attention (GRJCA).

A gate in every step over the outputs of all recursions, flat or hierarchical.
"""

from functools import partial
from numbers import Integral
from typing import ClassVar

from torch import Tensor, nn

from avfusion._sklearn_compat import Interval, StrOptions
from avfusion.estimators import EncodedFusionRegressor, FusionTags
from avfusion.networks import AttentionStack, JointAttention, SlotGate

__all__ = ["GatedRecursiveJointAttentionRegressor", "HierarchicalGate", "RecursionGate"]


class RecursionGate(nn.Module):
    """Choose among the outputs of all recursions and the streams before them, step by step.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality.
    n_recursions : int, default=1
        L; there are L + 1 slots.

    Examples
    --------
    >>> import torch
    >>> gate = RecursionGate(1, 4, n_recursions=2)
    >>> [x.shape for x in gate([[torch.randn(1, 3, 4)] for _ in range(3)])]
    [torch.Size([1, 3, 4])]
    """

    def __init__(self, n_modalities: int, hidden_size: int, n_recursions: int = 1):
        super().__init__()
        self.gates = nn.ModuleList(SlotGate(hidden_size, n_recursions + 1) for _ in range(n_modalities))

    def forward(self, history: list[list[Tensor]]) -> list[Tensor]:
        """L + 1 lists of M Tensors (B, T, h) -> M of (B, T, h)."""
        return [gate(x[-1], x) for gate, x in zip(self.gates, zip(*history))]


class HierarchicalGate(nn.Module):
    """Choose between the streams before and after each recursion, then among what was chosen.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality.
    n_recursions : int, default=1
        L, at least 1.

    Raises
    ------
    ValueError
        If `n_recursions` is below 1.

    Examples
    --------
    >>> import torch
    >>> gate = HierarchicalGate(1, 4, n_recursions=2)
    >>> [x.shape for x in gate([[torch.randn(1, 3, 4)] for _ in range(3)])]
    [torch.Size([1, 3, 4])]
    """

    def __init__(self, n_modalities: int, hidden_size: int, n_recursions: int = 1):
        super().__init__()
        self.lower = nn.ModuleList(
            nn.ModuleList(SlotGate(hidden_size) for _ in range(n_recursions)) for _ in range(n_modalities)
        )
        self.upper = nn.ModuleList(SlotGate(hidden_size, n_recursions) for _ in range(n_modalities))

    def forward(self, history: list[list[Tensor]]) -> list[Tensor]:
        """L + 1 lists of M Tensors (B, T, h) -> M of (B, T, h)."""
        outputs = []
        for lower, upper, (first, *later) in zip(self.lower, self.upper, zip(*history)):
            gated = [gate(x, [first, x]) for gate, x in zip(lower, later)]  # L of (B, T, h)
            outputs.append(upper(gated[-1], gated))
        return outputs


GATES = {"flat": RecursionGate, "hierarchical": HierarchicalGate}


def gated_recursive_joint_attention(
    n_modalities: int, hidden_size: int, n_recursions: int, gate: str, attention: str, dropout: float
) -> AttentionStack:
    """Return steps of joint attention with a gate over all of them as a core."""
    step = partial(JointAttention, attention=attention, dropout=dropout)
    over_all = partial(GATES[gate], n_recursions=n_recursions)
    return AttentionStack(n_modalities, hidden_size, step, n_recursions, over_all)


class GatedRecursiveJointAttentionRegressor(EncodedFusionRegressor):
    """Fuse streams by recursive joint attention, gated over its recursions, between bidirectional LSTMs.

    The network of `RecursiveJointAttentionRegressor`, with gates that choose at each step of each stream how
    much attention it gets. With X_m^0 (T, h) a stream before attention, X_m^l after recursion l of L, and for
    each gate with weights of its own::

        gate(Q; S_0, ..., S_n) = ReLU(w_0 S_0 + ... + w_n S_n)  (T, h)
        w = softmax((Q W_g + b_g) / 0.1)                        (T, n + 1)  rows sum to one

        flat            F_m   = gate(X_m^L; X_m^0, ..., X_m^L)
        hierarchical    Y_m^l = gate(X_m^l; X_m^0, X_m^l), l = 1 .. L
                        F_m   = gate(Y_m^L; Y_m^1, ..., Y_m^L)

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
    {fusion_parameters}

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

    fusion_tags = FusionTags(published_in="arXiv 2503.12261")
    core = gated_recursive_joint_attention
    n_recursions: int = 2
    gate: str = "flat"
    attention: str = "softmax"

    _parameter_constraints: ClassVar[dict] = {
        "n_recursions": [Interval(Integral, 1, None, closed="left")],
        "gate": [StrOptions(set(GATES))],
        "attention": [StrOptions({"softmax", "tanh"})],
    }
