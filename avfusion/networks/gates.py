"""Gates between what a stream was and what attention made of it.

With slots S_0 .. S_n, sequences (T, d) of one stream, and a query Q among them, each step is weighed anew:

    w = softmax((Q W_g + b_g) / 0.1)                        (T, n + 1)  rows sum to one
    gate(Q; S_0, ..., S_n) = ReLU(w_0 S_0 + ... + w_n S_n)  (T, d)

For streams m and recursions l = 0 .. L, where X_m^0 comes from the encoders and X_m^L is the last:

    dynamic         F_m   = gate(X_m^L; X_m^0, X_m^L)       arXiv 2403.19554
    flat            F_m   = gate(X_m^L; X_m^0, ..., X_m^L)  arXiv 2503.12261
    hierarchical    Y_m^l = gate(X_m^l; X_m^0, X_m^l), l = 1 .. L
                    F_m   = gate(Y_m^L; Y_m^1, ..., Y_m^L)  arXiv 2503.12261

All three are the same where L = 1. Gates begin with equal weights: at a temperature of 0.1 random weights
would choose one slot for good before anything is learnt.
"""

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["DynamicGate", "HierarchicalGate", "RecursionGate", "SlotGate"]


class SlotGate(nn.Module):
    """Mix sequences of one stream by weights of each step; see the module's equations.

    Parameters
    ----------
    width : int
        Number of features d.
    n_slots : int, default=2
        Number of sequences to mix.
    temperature : float, default=0.1
        What scores are divided by; small values choose, large ones average.

    Raises
    ------
    ValueError
        If there is no slot, or `temperature` is not positive.

    Examples
    --------
    >>> import torch
    >>> gate = SlotGate(4)
    >>> before, after = torch.zeros(1, 3, 4), torch.ones(1, 3, 4)
    >>> gate(after, [before, after])[0, 0]
    tensor([0.5000, 0.5000, 0.5000, 0.5000], grad_fn=...)
    """

    def __init__(self, width: int, n_slots: int = 2, temperature: float = 0.1):
        super().__init__()
        if n_slots < 1:
            raise ValueError(f"a gate needs one slot or more; got n_slots={n_slots}")
        if not temperature > 0:
            raise ValueError(f"temperature must be positive; got {temperature}")
        self.temperature = temperature
        self.score = nn.Linear(width, n_slots)  # W_g^T, b_g
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)

    def weights(self, query: Tensor) -> Tensor:
        """Weights of the slots for each step: (B, T, d) -> (B, T, n_slots)."""
        return (self.score(query) / self.temperature).softmax(-1)

    def forward(self, query: Tensor, slots: Sequence[Tensor]) -> Tensor:
        """Mix.

        Parameters
        ----------
        query : Tensor of shape (B, T, d)
            What decides.
        slots : sequence of n_slots Tensors of shape (B, T, d)

        Returns
        -------
        Tensor of shape (B, T, d)
            None of it negative; zero where all slots are.
        """
        weights = self.weights(query).split(1, -1)  # n_slots of (B, T, 1)
        return sum(w * slot for w, slot in zip(weights, slots, strict=True)).relu()


class DynamicGate(nn.Module):
    """Choose between the streams before and after attention, step by step.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality.
    n_recursions : int, default=1
        Not used: only the first and the last of a history count. `AttentionStack` gives it to every gate.
    temperature : float, default=0.1
        Of the softmax.

    Examples
    --------
    >>> import torch
    >>> gate = DynamicGate(2, 4)
    >>> before, after = ([torch.randn(1, 3, 4) for _ in range(2)] for _ in range(2))
    >>> [x.shape for x in gate([before, after])]
    [torch.Size([1, 3, 4]), torch.Size([1, 3, 4])]
    """

    def __init__(self, n_modalities: int, hidden_size: int, n_recursions: int = 1, temperature: float = 0.1):
        super().__init__()
        self.gates = nn.ModuleList(SlotGate(hidden_size, 2, temperature) for _ in range(n_modalities))

    def forward(self, history: list[list[Tensor]]) -> list[Tensor]:
        """L + 1 lists of M Tensors (B, T, h) -> M of (B, T, h)."""
        return [gate(x[-1], [x[0], x[-1]]) for gate, x in zip(self.gates, zip(*history))]


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
    temperature : float, default=0.1
        Of the softmax.

    Examples
    --------
    >>> import torch
    >>> gate = RecursionGate(1, 4, n_recursions=2)
    >>> [x.shape for x in gate([[torch.randn(1, 3, 4)] for _ in range(3)])]
    [torch.Size([1, 3, 4])]
    """

    def __init__(self, n_modalities: int, hidden_size: int, n_recursions: int = 1, temperature: float = 0.1):
        super().__init__()
        self.gates = nn.ModuleList(
            SlotGate(hidden_size, n_recursions + 1, temperature) for _ in range(n_modalities)
        )

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
    temperature : float, default=0.1
        Of the softmax.

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

    def __init__(self, n_modalities: int, hidden_size: int, n_recursions: int = 1, temperature: float = 0.1):
        super().__init__()
        self.lower = nn.ModuleList(
            nn.ModuleList(SlotGate(hidden_size, 2, temperature) for _ in range(n_recursions))
            for _ in range(n_modalities)
        )
        self.upper = nn.ModuleList(
            SlotGate(hidden_size, n_recursions, temperature) for _ in range(n_modalities)
        )

    def forward(self, history: list[list[Tensor]]) -> list[Tensor]:
        """L + 1 lists of M Tensors (B, T, h) -> M of (B, T, h)."""
        outputs = []
        for lower, upper, (first, *later) in zip(self.lower, self.upper, zip(*history)):
            gated = [gate(x, [first, x]) for gate, x in zip(lower, later)]  # L of (B, T, h)
            outputs.append(upper(gated[-1], gated))
        return outputs
