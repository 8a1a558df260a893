"""Steps of attention one after the other: the core of cross, joint, recursive and gated attention.

    X^0 = X                                                             from the encoders
    X^l = step_l(X^{l-1}),  l = 1 .. L                                  with weights of its own for each l
    F   = gate([X^0, ..., X^L]), or X^L where there is no gate
    F   = [F_1, ..., F_M]                                   (T, M h)

A step takes all streams and returns all streams; every stream is updated from the same incoming ones.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["AttentionStack"]


class AttentionStack(nn.Module):
    """Repeat a step of attention and join the streams; see the module's equations.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality.
    step : callable
        ``step(n_modalities, hidden_size)`` returns a module that maps a list of M Tensors (B, T, h) and the
        mask (B, T) to such a list.
    n_recursions : int, default=1
        L; 0 joins the streams as they are.
    gate : callable, optional
        ``gate(n_modalities, hidden_size)`` returns a module that maps the list of the L + 1 lists of streams
        to one list of streams.

    Raises
    ------
    ValueError
        If `n_recursions` is negative.

    Examples
    --------
    >>> import torch
    >>> from avfusion.networks import JointAttention
    >>> stack = AttentionStack(2, 8, JointAttention, n_recursions=2)
    >>> streams, mask = [torch.randn(1, 5, 8), torch.randn(1, 5, 8)], torch.ones(1, 5, dtype=torch.bool)
    >>> stack(streams, mask).shape
    torch.Size([1, 5, 16])
    """

    def __init__(
        self,
        n_modalities: int,
        hidden_size: int,
        step: Callable[[int, int], nn.Module],
        n_recursions: int = 1,
        gate: Callable[[int, int], nn.Module] | None = None,
    ):
        super().__init__()
        if n_recursions < 0:
            raise ValueError(f"n_recursions must be 0 or more, not {n_recursions}.")
        self.output_size = n_modalities * hidden_size
        self.steps = nn.ModuleList(step(n_modalities, hidden_size) for _ in range(n_recursions))
        self.gate = None if gate is None else gate(n_modalities, hidden_size)

    def forward(self, streams: list[Tensor], mask: Tensor) -> Tensor:
        """M of (B, T, h), (B, T) -> (B, T, M h); zero in the padding."""
        history = [streams]
        for step in self.steps:
            history.append(step(history[-1], mask))
        return torch.cat(history[-1] if self.gate is None else self.gate(history), -1)
