"""Recursive joint attention (Praveen, Granger, Cardinal, ICASSP 2023, arXiv 2304.07958), time-axis form.

For modalities m = 1 .. M of one row with T steps, all matrices with steps as rows:

    X_1, ..., X_M                                           (T, h)      hidden sequences of the encoders
    repeat `n_recursions` times, with weights of their own and the same incoming X for all m:
        J   = [X_1, ..., X_M]                               (T, M h)    joint representation
        C_m = tanh(X_m W_jm J^T / sqrt(M h))                (T, T)      joint correlation, source x target
        H_m = ReLU((C_m / n)^T X_m W_cm)                    (T, h)      n: number of steps of the row
        X_m = X_m + dropout(H_m W_hm)                       (T, h)

Encoders before and after are those of `avfusion.networks._encoded_fusion`, the repetition is
`avfusion.networks._attention_stack`.

The paper's own code correlates features and learns T x T maps over time, so its T is fixed; here weights
act on features and C relates steps, so that a row may have any length. C is divided by n, after the
tanh, so that a whole recording is treated like a training window. ``attention="softmax"`` replaces
tanh(.) / n by a softmax over source steps, which sums to one by itself:

        H_m = ReLU(softmax(J W_jm^T X_m^T / sqrt(M h)) X_m W_cm)

W_hm begin at zero, so that training begins with the encoders alone, about which the publication is silent.
From random ones the update begins near a mean over the row, by which a small set is learnt by heart.
"""

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfusion.networks._attention_stack import AttentionStack
from avfusion.networks._encoded_fusion import EncodedFusion
from avfusion.networks._layers import Dropout
from avfusion.networks._masking import zero_padding

__all__ = ["JointAttention", "RecursiveJointAttention"]

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

    Examples
    --------
    >>> import torch
    >>> step = JointAttention(2, 8, attention="tanh")
    >>> mask = torch.ones(1, 5, dtype=torch.bool)
    >>> audio, video = step([torch.randn(1, 5, 8), torch.randn(1, 5, 8)], mask)
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
        for x, correlate, value, update in zip(streams, self.correlate, self.value, self.update):
            query = correlate(joint)  # (B, T, h): the target side, J W_jm^T
            h = F.relu(self.attend(query, x, value(x), mask, self.scale))  # (B, T, h)
            updated.append(x + zero_padding(self.dropout(update(h)), mask))
        return updated


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


class RecursiveJointAttention(EncodedFusion):
    """Fuse aligned streams by recursive joint attention; see the module's equations.

    Parameters
    ----------
    widths : dict of str to int
        Number of features of each stream, by name; one or more.
    hidden_size : int, default=32
        Features h per modality inside, and of the output.
    n_recursions : int, default=1
        Attention steps; 0 leaves encoders and joint LSTM only.
    attention : {"softmax", "tanh"}, default="softmax"
        ``"tanh"`` as published.
    intra_lstm : bool, default=True
        Encode each stream with a bidirectional LSTM, or else with a linear map.
    joint_lstm : bool, default=True
        Encode the fused sequence with a bidirectional LSTM, or else with a linear map.
    dropout : float, default=0.5
        After the encoders, on the updates and on the output.

    Raises
    ------
    ValueError
        If there is no stream, `attention` is unknown, `n_recursions` is negative, or `hidden_size` is
        odd and an LSTM is used.

    Examples
    --------
    >>> import torch
    >>> network = RecursiveJointAttention({"audio": 3, "video": 5}, hidden_size=8)
    >>> streams = {"audio": torch.randn(2, 6, 3), "video": torch.randn(2, 6, 5)}
    >>> masks = {name: torch.ones(2, 6, dtype=torch.bool) for name in streams}
    >>> network(streams, masks).shape
    torch.Size([2, 6, 8])
    """

    def __init__(
        self,
        widths: dict[str, int],
        hidden_size: int = 32,
        n_recursions: int = 1,
        attention: str = "softmax",
        intra_lstm: bool = True,
        joint_lstm: bool = True,
        dropout: float = 0.5,
    ):
        step = partial(JointAttention, attention=attention, dropout=dropout)
        core = partial(AttentionStack, step=step, n_recursions=n_recursions)
        super().__init__(widths, core, hidden_size, intra_lstm, joint_lstm, dropout)
