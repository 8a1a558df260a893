"""The networks that the authors of recursive joint attention released: their encoders around any core.

For modalities m = 1 .. M of one row with T steps, all matrices with steps as rows:

    X_m = S_m(input_m)                                      (T, h)      intra-modal encoder
    F   = core(X_1, ..., X_M)                               (T, f)      attention between features, say
    Z   = S(F)                                              (T, h)      joint encoder
    y_k = W_k2 dropout(ReLU(W_k1 Z + b_k1)) + b_k2          (T, 1)      one head for each target k

with S a bidirectional LSTM of two layers that begins in a learnt state, past which its input is led:

    S(x) = unit(W [x, LSTM_2(LSTM_1(x))] + b),   unit(x) = x / |x|

The code of arXiv 2304.07958 (github.com/praveena2j/RecurrentJointAttentionwithLSTMs) has this form with
h = 512, heads of 128 and `avfusion.released._feature_attention` for its core; that of 2403.19554 adds a gate.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfusion.networks import SeparateHeads, StreamFusion
from avfusion.networks._layers import AbsenceEmbedding, Dropout, reorder, reversal
from avfusion.networks._masking import without_padding, zero_padding
from avfusion.released._onednn import Linear
from avfusion.released._state_lstm import StateLSTM

__all__ = ["SkipEncoder", "SkipFusion", "SkipLSTM"]


class SkipLSTM(nn.Module):
    """Layers of bidirectional LSTM past which the input is led, with outputs of length one.

    Parameters
    ----------
    input_size : int
        Number of features D.
    output_size : int
        Number of outputs, and of the outputs of each LSTM, both directions together; even.
    n_layers : int, default=2
        Number of LSTM layers; with 0 there is the linear map only.
    dropout : float, default=0.1
        Between the layers and before the linear map.

    Raises
    ------
    ValueError
        If `output_size` is odd.

    Examples
    --------
    >>> import torch
    >>> encoder = SkipLSTM(3, 8)
    >>> hidden = encoder(torch.randn(1, 5, 3), torch.ones(1, 5, dtype=torch.bool))
    >>> torch.allclose(hidden.norm(dim=-1), torch.ones(1, 5))
    True
    """

    def __init__(self, input_size: int, output_size: int, n_layers: int = 2, dropout: float = 0.1):
        super().__init__()
        if output_size < 2 or output_size % 2:
            raise ValueError(f"output_size={output_size} must be even: half for each direction of the LSTM.")
        sizes = [input_size, *[output_size] * (n_layers - 1)][:n_layers]
        self.forwards, self.backwards = (
            nn.ModuleList(StateLSTM(size, output_size // 2) for size in sizes) for _ in range(2)
        )
        # hidden states of (layer 0 forwards, layer 0 backwards, layer 1 forwards, ...), then all cell states
        self.initial_state = nn.Parameter(torch.zeros(4 * n_layers, output_size // 2)) if n_layers else None
        self.dropout = Dropout(dropout)
        self.linear = Linear(input_size + (output_size if n_layers else 0), output_size)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D), (B, T) -> (B, T, output_size), zero in the padding; x is zero there too."""
        n_layers = len(self.forwards)
        x = y = x.transpose(0, 1).contiguous()  # (T, B, D)
        turn = None if without_padding(mask) else reversal(mask)
        for layer in range(n_layers):
            y = self._layer(layer, self.dropout(y) if layer else y, turn)  # (T, B, output_size)
        joined = torch.cat([x, y], -1) if n_layers else x
        joined = F.normalize(self.linear(self.dropout(joined)), dim=-1)
        return zero_padding(joined.transpose(0, 1), mask)

    def _layer(self, layer: int, x: Tensor, turn: Tensor | None) -> Tensor:
        """(T, B, D) -> (T, B, output_size)."""
        hidden, cell = self.initial_state.chunk(2)
        ahead, back = (
            [state[2 * layer + direction].expand(x.shape[1], -1) for state in (hidden, cell)]
            for direction in range(2)
        )
        ahead = self.forwards[layer](x, *ahead)  # (T, B, output_size / 2)
        if turn is None:
            back = self.backwards[layer](x, *back, backwards=True)
        else:  # its first step is each row's last one
            back = turned(self.backwards[layer](turned(x, turn), *back), turn)
        return torch.cat([ahead, back], -1)


def turned(x: Tensor, turn: Tensor) -> Tensor:
    """Reverse each row within its length: (T, B, D), the row's `reversal` -> (T, B, D)."""
    return reorder(x.transpose(0, 1), turn).transpose(0, 1)


class SkipEncoder(SkipLSTM):
    """A `SkipLSTM` of one stream, with a learnt vector where it was not observed.

    Parameters
    ----------
    input_size, output_size, n_layers, dropout
        As in `SkipLSTM`.

    Examples
    --------
    >>> import torch
    >>> encoder, mask = SkipEncoder(3, 8), torch.ones(1, 5, dtype=torch.bool)
    >>> encoder(torch.full((1, 5, 3), torch.nan), mask, mask).isfinite().all()
    tensor(True)
    """

    def __init__(self, input_size: int, output_size: int, n_layers: int = 2, dropout: float = 0.1):
        super().__init__(input_size, output_size, n_layers, dropout)
        self.absence = AbsenceEmbedding(input_size)

    def forward(self, x: Tensor, mask: Tensor, step_mask: Tensor) -> Tensor:
        """(B, T, D), (B, T) of the stream, (B, T) of the row -> (B, T, output_size), zero in the padding."""
        return super().forward(zero_padding(self.absence(x, mask, step_mask), step_mask), step_mask)


class SkipFusion(StreamFusion):
    """Fuse aligned streams by a core between the released code's encoders; see the module's equations.

    Streams come normalised, as released to length one (`InputNorm` in mode ``"unit"``). What the released
    code does not have: a learnt vector in the place of what was not observed, padding, any number of streams
    and any core.

    Parameters
    ----------
    widths : dict of str to int
        Number of features of each stream, by name; one or more. The released network has the video first.
    core : callable
        As in `EncodedFusion`.
    hidden_size : int, default=512
        Features h per modality inside, and of the output; even.
    intra_lstm : bool, default=True
        Encode each stream with LSTMs, or else with the linear map alone.
    joint_lstm : bool, default=True
        Encode the fused sequence with LSTMs, or else with the linear map alone.
    dropout : float, default=0.1
        In the encoders of the streams; the joint one has none.

    Raises
    ------
    ValueError
        If there is no stream, or `hidden_size` is odd.

    Examples
    --------
    >>> from functools import partial
    >>> import torch
    >>> from avfusion.networks import AttentionStack
    >>> from avfusion.released import FeatureJointAttention, SkipFusion
    >>> core = partial(AttentionStack, step=partial(FeatureJointAttention, n_steps=16))
    >>> network = SkipFusion({"video": 5, "audio": 3}, core, hidden_size=8)
    >>> streams = {"audio": torch.randn(2, 6, 3), "video": torch.randn(2, 6, 5)}
    >>> masks = {name: torch.ones(2, 6, dtype=torch.bool) for name in streams}
    >>> network(streams, masks).shape
    torch.Size([2, 6, 8])
    """

    def __init__(
        self,
        widths: dict[str, int],
        core: Callable[[int, int], nn.Module],
        hidden_size: int = 512,
        intra_lstm: bool = True,
        joint_lstm: bool = True,
        dropout: float = 0.1,
    ):
        layers, joint_layers = (2 if lstm else 0 for lstm in (intra_lstm, joint_lstm))
        super().__init__(
            {name: SkipEncoder(width, hidden_size, layers, dropout) for name, width in widths.items()},
            partial(core, len(widths), hidden_size),
            partial(SkipLSTM, n_layers=joint_layers, dropout=0.0),
            hidden_size,
        )

    def frame_head(self, n_targets: int, dropout: float) -> SeparateHeads:
        """Return the head of the released network: one for each target, a quarter as wide as the network."""
        return SeparateHeads(self.output_size, n_targets, max(1, self.output_size // 4), dropout)
