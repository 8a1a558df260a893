"""Cross-attention (Praveen, Granger, Cardinal, arXiv 2111.05222) on the time axis, for M modalities.

For each pair of modalities a < b of one row with T steps, all matrices with steps as rows:

    Z    = X_a W_ab X_b^T / sqrt(h)                         (T, T)      step of a x step of b
    A_ab = softmax(Z) over steps of a                       (T, T)      columns sum to one
    A_ba = softmax(Z^T) over steps of b                     (T, T)

and with the other modalities n of each modality m:

    X_m  = tanh(X_m + g dropout(mean over n of A_mn^T X_m)) (T, h)

A stream thus gathers from its own steps, chosen by what the other stream does. The publication has two
modalities, no division by sqrt(h), and g = 1; the mean over the others is ours. A single stream attends to
itself (n = m).

The number g is learnt, and begins at zero. What is attended has no weights that could turn it down, and is
nearly the mean of the row: with g = 1 a small set is learnt by heart.
"""

import math
from itertools import combinations

import torch
from torch import Tensor, nn

from avfusion.networks._layers import Dropout
from avfusion.networks._masking import zero_padding
from avfusion.networks.recursive_joint_attention import softmax_attention

__all__ = ["CrossAttention"]


class CrossAttention(nn.Module):
    """One step of cross-attention between all pairs of modalities; see the module's equations.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality.
    dropout : float, default=0.0
        On what has been attended.

    Examples
    --------
    >>> import torch
    >>> mask = torch.ones(1, 5, dtype=torch.bool)
    >>> audio, video = CrossAttention(2, 8)([torch.randn(1, 5, 8), torch.randn(1, 5, 8)], mask)
    >>> audio.shape
    torch.Size([1, 5, 8])
    """

    def __init__(self, n_modalities: int, hidden_size: int, dropout: float = 0.0):
        super().__init__()
        self.pairs = list(combinations(range(n_modalities), 2)) or [(0, 0)]
        self.scale = 1 / math.sqrt(hidden_size)
        self.correlate = nn.ParameterList(
            nn.init.xavier_uniform_(torch.empty(hidden_size, hidden_size)) for _ in self.pairs
        )  # W_ab
        self.gain = nn.Parameter(torch.zeros(()))  # g
        self.dropout = Dropout(dropout)

    def forward(self, streams: list[Tensor], mask: Tensor) -> list[Tensor]:
        """Update all modalities from the same incoming ones.

        Parameters
        ----------
        streams : list of M Tensors of shape (B, T, h)
            Zero in the padding.
        mask : bool Tensor of shape (B, T)

        Returns
        -------
        list of M Tensors of shape (B, T, h)
            Zero in the padding.
        """
        attended = [[] for _ in streams]  # per modality, one (B, T, h) for each other one
        for (a, b), weight in zip(self.pairs, self.correlate):
            xa, xb = streams[a], streams[b]
            attended[a].append(softmax_attention(xb @ weight.T, xa, xa, mask, self.scale))
            if a != b:
                attended[b].append(softmax_attention(xa @ weight, xb, xb, mask, self.scale))
        return [
            torch.tanh(x + self.gain * zero_padding(self.dropout(sum(found) / len(found)), mask))
            for x, found in zip(streams, attended)
        ]
