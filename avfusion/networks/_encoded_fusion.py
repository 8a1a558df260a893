"""The skeleton of the family: encode every stream, fuse the hidden sequences, encode what results.

For modalities m = 1 .. M of one row with T steps, all matrices with steps as rows:

    X_m = dropout(LayerNorm(S_m(input_m)))                  (T, h)      intra-modal encoder
    F   = core(X_1, ..., X_M)                               (T, f)      what the methods differ in
    Z   = dropout(S(F))                                     (T, h)      joint encoder

`StreamFusion` is this skeleton with any encoders. In `EncodedFusion` S is a linear map and a bidirectional
LSTM (`avfusion.networks._encoders.SequenceLayer`): methods that are its cores have the same budget of
encoders, so that differences in their scores are due to the fusion alone.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from avfusion.networks._encoders import SequenceLayer, StreamEncoder
from avfusion.networks._layers import Dropout
from avfusion.networks._masking import existing_steps

__all__ = ["EncodedFusion", "StreamFusion"]


class StreamFusion(nn.Module):
    """Encode aligned streams, fuse them by a core, encode what results.

    Parameters
    ----------
    encoders : dict of str to Module
        By the name of the stream, called as ``encoder(x, mask, row_mask)`` with the mask of the stream's own
        steps and that of the row's; gives (B, T, h), zero in the padding.
    core : callable
        ``core()`` returns the module that fuses, as `EncodedFusion` describes it.
    joint : callable
        ``joint(core.output_size, hidden_size)`` returns the module that reads the fused
        sequence, called with that and its mask.
    hidden_size : int
        Features of the output.
    dropout : float, default=0.0
        On the output.

    Raises
    ------
    ValueError
        If there is no stream.

    Examples
    --------
    >>> import torch
    >>> from avfusion.networks import AttentionStack, JointAttention, StreamEncoder
    >>> encoders = {"audio": StreamEncoder(3, 8), "video": StreamEncoder(5, 8)}
    >>> network = StreamFusion(encoders, lambda: AttentionStack(2, 8, JointAttention), SequenceLayer, 8)
    >>> streams = {"audio": torch.randn(2, 6, 3), "video": torch.randn(2, 6, 5)}
    >>> masks = {name: torch.ones(2, 6, dtype=torch.bool) for name in streams}
    >>> network(streams, masks).shape
    torch.Size([2, 6, 8])
    """

    def __init__(
        self,
        encoders: dict[str, nn.Module],
        core: Callable[[], nn.Module],
        joint: Callable[[int, int], nn.Module],
        hidden_size: int,
        dropout: float = 0.0,
    ):
        super().__init__()
        if not encoders:
            raise ValueError("encoders is empty. Give at least one stream.")
        self.names, self.output_size = tuple(encoders), hidden_size
        # a list, since names of streams may hold dots or be no strings, which ModuleDict refuses
        self.encoders = nn.ModuleList(encoders.values())
        self.core = core()
        self.joint = joint(self.core.output_size, hidden_size)
        self.dropout = Dropout(dropout)

    def forward(self, streams: dict[str, Tensor], masks: dict[str, Tensor]) -> Tensor:
        """Fuse.

        Parameters
        ----------
        streams : dict of str to Tensor of shape (B, T, D_m)
            Normalised features; NaN where not observed, anything in the padding.
        masks : dict of str to bool Tensor of shape (B, T)
            True where the step exists; padding on the right.

        Returns
        -------
        Tensor of shape (B, T, hidden_size)
            Zero in the padding.
        """
        mask = existing_steps({name: masks[name] for name in self.names})  # (B, T)
        hidden = [
            encoder(streams[name], masks[name], mask) for name, encoder in zip(self.names, self.encoders)
        ]  # M of (B, T, h)
        return self.dropout(self.joint(self.core(hidden, mask), mask))  # (B, T, h)


class EncodedFusion(StreamFusion):
    """Fuse aligned streams by a core between encoders; see the module's equations.

    Parameters
    ----------
    widths : dict of str to int
        Number of features of each stream, by name; one or more.
    core : callable
        ``core(n_modalities, hidden_size)`` returns the module that fuses. Called with a list of M hidden
        sequences (B, T, h), zero in the padding, and the mask (B, T) of existing steps, that module returns
        one sequence (B, T, ``output_size``), zero in the padding.
    hidden_size : int, default=32
        Features h per modality inside, and of the output; even where an LSTM is used.
    intra_lstm : bool, default=True
        Encode each stream with a bidirectional LSTM, or else with a linear map.
    joint_lstm : bool, default=True
        Encode the fused sequence with a bidirectional LSTM, or else with a linear map.
    dropout : float, default=0.5
        In and after the encoders, and on the output.

    Raises
    ------
    ValueError
        If there is no stream, or `hidden_size` is odd and an LSTM is used.

    Examples
    --------
    >>> from functools import partial
    >>> import torch
    >>> from avfusion.networks import AttentionStack, JointAttention
    >>> core = partial(AttentionStack, step=JointAttention, n_recursions=2)
    >>> network = EncodedFusion({"audio": 3, "video": 5}, core, hidden_size=8)
    >>> streams = {"audio": torch.randn(2, 6, 3), "video": torch.randn(2, 6, 5)}
    >>> masks = {name: torch.ones(2, 6, dtype=torch.bool) for name in streams}
    >>> network(streams, masks).shape
    torch.Size([2, 6, 8])
    """

    def __init__(
        self,
        widths: dict[str, int],
        core: Callable[[int, int], nn.Module],
        hidden_size: int = 32,
        intra_lstm: bool = True,
        joint_lstm: bool = True,
        dropout: float = 0.5,
    ):
        super().__init__(
            {name: StreamEncoder(width, hidden_size, intra_lstm, dropout) for name, width in widths.items()},
            partial(core, len(widths), hidden_size),
            partial(SequenceLayer, recurrent=joint_lstm),
            hidden_size,
            dropout,
        )
