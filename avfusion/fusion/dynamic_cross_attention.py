"""Dynamic cross-attention (DCA).

A gate in every step chooses between the attended stream and the stream as it was.
"""

from functools import partial
from numbers import Integral
from typing import ClassVar

from torch import Tensor, nn

from avfusion._sklearn_compat import Interval, StrOptions
from avfusion.estimators import EncodedFusionRegressor, FusionTags
from avfusion.networks import AttentionStack, JointAttention, SlotGate

__all__ = ["DynamicCrossAttentionRegressor", "DynamicGate"]


class DynamicGate(nn.Module):
    """Choose between the streams before and after attention, step by step.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality.

    Examples
    --------
    >>> import torch
    >>> gate = DynamicGate(2, 4)
    >>> before, after = ([torch.randn(1, 3, 4) for _ in range(2)] for _ in range(2))
    >>> [x.shape for x in gate([before, after])]
    [torch.Size([1, 3, 4]), torch.Size([1, 3, 4])]
    """

    def __init__(self, n_modalities: int, hidden_size: int):
        super().__init__()
        self.gates = nn.ModuleList(SlotGate(hidden_size) for _ in range(n_modalities))

    def forward(self, history: list[list[Tensor]]) -> list[Tensor]:
        """L + 1 lists of M Tensors (B, T, h) -> M of (B, T, h)."""
        return [gate(x[-1], [x[0], x[-1]]) for gate, x in zip(self.gates, zip(*history))]


def dynamic_cross_attention(
    n_modalities: int, hidden_size: int, n_recursions: int, attention: str, dropout: float
) -> AttentionStack:
    """Return steps of joint attention behind a gate as a core."""
    step = partial(JointAttention, attention=attention, dropout=dropout)
    return AttentionStack(n_modalities, hidden_size, step, n_recursions, DynamicGate)


class DynamicCrossAttentionRegressor(EncodedFusionRegressor):
    """Fuse streams by joint attention with a gate that may pass it by, between bidirectional LSTMs.

    The network of `RecursiveJointAttentionRegressor`, and after its L = `n_recursions` steps of attention a
    gate, which chooses at each step of each stream between X_m (T, h) before attention and X_m^L after it::

        w   = softmax((X_m^L W_gm + b_gm) / 0.1)            (T, 2)      rows sum to one
        F_m = ReLU(w_0 X_m + w_1 X_m^L)                     (T, h)

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
    {fusion_parameters}

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

    fusion_tags = FusionTags(published_in="arXiv 2403.19554")
    core = dynamic_cross_attention
    n_recursions: int = 1
    attention: str = "softmax"

    _parameter_constraints: ClassVar[dict] = {
        "n_recursions": [Interval(Integral, 1, None, closed="left")],
        "attention": [StrOptions({"softmax", "tanh"})],
    }
