"""Gated multimodal unit (Arevalo, Solorio, Montes-y-Gomez, Gonzalez, 2017, arXiv 1702.01992).

For the modalities m = 1 .. M of one step, x_m (h,) each and x = [x_1, ..., x_M]:

    M = 2:  z = sigmoid(W_z x),   f = z * tanh(W_1 x_1) + (1 - z) * tanh(W_2 x_2)
    else:   z_m = sigmoid(W_zm x),  f = sum over m of z_m * tanh(W_m x_m)

where * is per feature. Two modalities share one gate, more have one each. Steps do not see each other.
"""

import torch
from torch import Tensor, nn

from avfusion.networks._masking import zero_padding

__all__ = ["GatedMultimodalUnit"]


class GatedMultimodalUnit(nn.Module):
    """Weigh the modalities of each step, feature by feature; see the module's equations.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality, and of the output.

    Examples
    --------
    >>> import torch
    >>> unit = GatedMultimodalUnit(2, 8)
    >>> unit([torch.randn(1, 5, 8), torch.randn(1, 5, 8)], torch.ones(1, 5, dtype=torch.bool)).shape
    torch.Size([1, 5, 8])
    """

    def __init__(self, n_modalities: int, hidden_size: int):
        super().__init__()
        self.output_size = hidden_size
        self.value = nn.ModuleList(
            nn.Linear(hidden_size, hidden_size, bias=False) for _ in range(n_modalities)
        )
        n_gates = 1 if n_modalities == 2 else n_modalities
        self.gate = nn.Linear(n_modalities * hidden_size, n_gates * hidden_size, bias=False)

    def forward(self, streams: list[Tensor], mask: Tensor) -> Tensor:
        """M of (B, T, h), (B, T) -> (B, T, h); zero in the padding."""
        values = torch.stack([value(x).tanh() for value, x in zip(self.value, streams)], -2)  # (B, T, M, h)
        gates = self.gate(torch.cat(streams, -1)).sigmoid().unflatten(-1, (-1, self.output_size))
        if len(streams) == 2:
            gates = torch.cat([gates, 1 - gates], -2)  # (B, T, M, h)
        return zero_padding((gates * values).sum(-2), mask)
