"""Joint cross-attention (Praveen et al., CVPRW 2022, arXiv 2203.14779) on the time axis, for M modalities.

For modalities m = 1 .. M of one row with T steps, all matrices with steps as rows:

    J   = [X_1, ..., X_M]                                   (T, M h)    joint representation
    C_m = tanh(X_m W_jm J^T / sqrt(M h))                    (T, T)      joint correlation, source x target
    H_m = ReLU(X_m W_m + (C_m / n)^T X_m W_cm)              (T, h)      n: number of steps of the row
    X_m = X_m + dropout(H_m W_hm)                           (T, h)

It differs from `avfusion.networks.recursive_joint_attention` by the term X_m W_m. The publication maps C_m by
weights along time, H_m = ReLU(W_m X_m + W_cm C_m^T), so that its T is fixed; here, as there, weights act on
features. ``attention="softmax"`` replaces tanh(.) / n by a softmax over source steps. W_hm begins at zero,
so that training begins without attention.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfusion.networks._layers import Dropout
from avfusion.networks._masking import zero_padding
from avfusion.networks.recursive_joint_attention import ATTENTIONS, softmax_attention, tanh_attention

__all__ = ["JointCrossAttention"]


class JointCrossAttention(nn.Module):
    """One step of joint cross-attention; see the module's equations.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality.
    attention : {"softmax", "tanh"}, default="softmax"
        ``"tanh"`` as published.
    dropout : float, default=0.0
        On the updates.

    Raises
    ------
    ValueError
        If `attention` is unknown.

    Examples
    --------
    >>> import torch
    >>> mask = torch.ones(1, 5, dtype=torch.bool)
    >>> audio, video = JointCrossAttention(2, 8)([torch.randn(1, 5, 8), torch.randn(1, 5, 8)], mask)
    >>> audio.shape
    torch.Size([1, 5, 8])
    """

    def __init__(self, n_modalities: int, hidden_size: int, attention: str = "softmax", dropout: float = 0.0):
        super().__init__()
        if attention not in ATTENTIONS:
            raise ValueError(f"attention {attention!r} is unknown; choose one of {', '.join(ATTENTIONS)}")
        self.attend = {"tanh": tanh_attention, "softmax": softmax_attention}[attention]
        self.scale = 1 / math.sqrt(n_modalities * hidden_size)

        def maps(input_size: int) -> nn.ModuleList:
            linear = [nn.Linear(input_size, hidden_size, bias=False) for _ in range(n_modalities)]
            for layer in linear:
                nn.init.xavier_uniform_(layer.weight)
            return nn.ModuleList(linear)

        self.correlate = maps(n_modalities * hidden_size)  # weights W_jm, (h, M h)
        self.own = maps(hidden_size)  # W_m^T
        self.value = maps(hidden_size)  # W_cm^T
        self.update = maps(hidden_size)  # W_hm^T
        for layer in self.update:
            nn.init.zeros_(layer.weight)
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
        joint = torch.cat(streams, -1)  # (B, T, M h)
        maps = zip(self.correlate, self.own, self.value, self.update)
        updated = []
        for x, (correlate, own, value, update) in zip(streams, maps):
            attended = self.attend(correlate(joint), x, value(x), mask, self.scale)  # (B, T, h)
            h = F.relu(own(x) + attended)  # (B, T, h)
            updated.append(x + zero_padding(self.dropout(update(h)), mask))
        return updated
