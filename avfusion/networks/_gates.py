"""A gate between several forms of one stream, such as before and after attention.

With slots S_0 .. S_n, sequences (T, d) of one stream, and a query Q among them, each step is weighed anew:

    w = softmax((Q W_g + b_g) / 0.1)                        (T, n + 1)  rows sum to one
    gate(Q; S_0, ..., S_n) = ReLU(w_0 S_0 + ... + w_n S_n)  (T, d)

Gates begin with equal weights: at a temperature of 0.1 random weights would choose one slot for good before
anything is learnt.
"""

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = ["SlotGate"]

TEMPERATURE = 0.1  # what scores are divided by, as published


class SlotGate(nn.Module):
    """Mix sequences of one stream by weights of each step; see the module's equations.

    Parameters
    ----------
    width : int
        Number of features d.
    n_slots : int, default=2
        Number of sequences to mix.

    Raises
    ------
    ValueError
        If there is no slot.

    Examples
    --------
    >>> import torch
    >>> gate = SlotGate(4)
    >>> before, after = torch.zeros(1, 3, 4), torch.ones(1, 3, 4)
    >>> gate(after, [before, after])[0, 0]
    tensor([0.5000, 0.5000, 0.5000, 0.5000], grad_fn=...)
    """

    def __init__(self, width: int, n_slots: int = 2):
        super().__init__()
        if n_slots < 1:
            raise ValueError(f"n_slots must be 1 or more, not {n_slots}.")
        self.score = nn.Linear(width, n_slots)  # W_g^T, b_g
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)

    def weights(self, query: Tensor) -> Tensor:
        """Weights of the slots for each step: (B, T, d) -> (B, T, n_slots)."""
        return (self.score(query) / TEMPERATURE).softmax(-1)

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
