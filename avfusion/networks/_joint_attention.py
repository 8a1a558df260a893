"""A step of joint attention on the time axis, as the methods of Praveen et al. share it.

For modalities m = 1 .. M of one row with n steps, all matrices with steps as rows:

    J   = [X_1, ..., X_M]                                   (T, M h)    joint representation
    C_m = tanh(X_m W_jm J^T / sqrt(M h))                    (T, T)      joint correlation, source x target
    H_m = ReLU((C_m / n)^T X_m W_cm)                        (T, h)      joint cross: X_m W_m added in the ReLU
    X_m = X_m + dropout(H_m W_hm)                           (T, h)

The published code correlates features and learns T x T maps over time, so its T is fixed; here weights
act on features and C relates steps, so that a row may have any length. C is divided by n, after the
tanh, so that a whole recording is treated like a training window. ``attention="softmax"`` replaces
tanh(.) / n by a softmax over source steps, which sums to one by itself:

        H_m = ReLU(softmax(J W_jm^T X_m^T / sqrt(M h)) X_m W_cm)

W_hm begin at zero, so that training begins without attention, about which the publications are silent.
From random ones the update begins near a mean over the row, by which the network overfits small data sets.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfusion.networks._layers import Dropout
from avfusion.networks._masking import zero_padding

__all__ = ["JointAttention", "JointCrossAttention"]

ATTENTIONS = ("tanh", "softmax")


class JointAttention(nn.Module):
    """One step of joint attention: every modality attends by its correlation with all of them.

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

    See Also
    --------
    JointCrossAttention : The same with a map of each step itself.

    Examples
    --------
    >>> import torch
    >>> step = JointAttention(2, 8, attention="tanh")
    >>> mask = torch.ones(1, 5, dtype=torch.bool)
    >>> audio, video = step([torch.randn(1, 5, 8), torch.randn(1, 5, 8)], mask)
    >>> audio.shape
    torch.Size([1, 5, 8])
    """

    maps_itself = False  # whether each step also changes by itself, through W_m

    def __init__(self, n_modalities: int, hidden_size: int, attention: str = "softmax", dropout: float = 0.0):
        super().__init__()
        if attention not in ATTENTIONS:
            raise ValueError(f"attention={attention!r} is unknown. Choose one of {', '.join(ATTENTIONS)}.")
        self.attend = {"tanh": tanh_attention, "softmax": softmax_attention}[attention]
        self.scale = 1 / math.sqrt(n_modalities * hidden_size)

        def maps(input_size: int) -> nn.ModuleList:
            linear = [nn.Linear(input_size, hidden_size, bias=False) for _ in range(n_modalities)]
            for layer in linear:
                nn.init.xavier_uniform_(layer.weight)
            return nn.ModuleList(linear)

        self.correlate = maps(n_modalities * hidden_size)  # weights W_jm, (h, M h)
        self.own = maps(hidden_size) if self.maps_itself else None  # W_m^T
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
        updated = []
        for m, x in enumerate(streams):
            query = self.correlate[m](joint)  # (B, T, h): the target side, J W_jm^T
            attended = self.attend(query, x, self.value[m](x), mask, self.scale)  # (B, T, h)
            if self.own is not None:
                attended = self.own[m](x) + attended
            update = self.update[m](F.relu(attended))
            updated.append(x + zero_padding(self.dropout(update), mask))
        return updated


class JointCrossAttention(JointAttention):
    """One step of joint cross-attention: joint attention, and a map of each step itself.

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

    maps_itself = True


def tanh_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scale: float) -> Tensor:
    """(tanh(query key^T scale) / n) value, where key and value are zero in the padding."""
    n_valid = mask.sum(1).clamp(min=1).view(-1, 1, 1)  # (B, 1, 1)
    correlation = torch.bmm(query * scale, key.transpose(1, 2)).tanh_()  # (B, T target, T source)
    return torch.bmm(correlation, value / n_valid)  # (B, T, h); C is undivided, it is the larger one


def softmax_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scale: float) -> Tensor:
    """softmax(query key^T scale) value over the steps in the mask; zero for a row without any."""
    sources = mask | ~mask.any(
        1, keepdim=True
    )  # an empty row looks at its zeros; not every kernel minds 0 / 0
    heads = [t.unsqueeze(1) for t in (query, key, value)]  # (B, 1, T, h)
    return F.scaled_dot_product_attention(*heads, attn_mask=sources[:, None, None], scale=scale).squeeze(1)
