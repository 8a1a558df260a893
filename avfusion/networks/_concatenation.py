"""Early fusion: the streams are one stream from the first layer on.

    X = dropout(LayerNorm(S([input_1, ..., input_M])))      (T, h)
    Z = dropout(S(X))                                       (T, h)

where S is a linear map and a bidirectional LSTM (`avfusion.networks._encoders.SequenceLayer`). The depth
is that of recursive joint attention without recursions. With one stream this is the unimodal network.
"""

import torch
from torch import Tensor, nn

from avfusion.networks._encoders import SequenceLayer
from avfusion.networks._layers import AbsenceEmbedding, Dropout
from avfusion.networks._masking import existing_steps

__all__ = ["Concatenation"]


class Concatenation(nn.Module):
    """Encode the concatenated inputs of all streams with two bidirectional LSTMs.

    Parameters
    ----------
    widths : dict of str to int
        Number of features of each stream, by name; one or more.
    hidden_size : int, default=32
        Features of both layers, and of the output; even.
    dropout : float, default=0.5
        After each layer.

    Raises
    ------
    ValueError
        If there is no stream or `hidden_size` is odd.

    Examples
    --------
    >>> import torch
    >>> network = Concatenation({"audio": 3, "video": 5}, hidden_size=8)
    >>> streams = {"audio": torch.randn(2, 6, 3), "video": torch.randn(2, 6, 5)}
    >>> masks = {name: torch.ones(2, 6, dtype=torch.bool) for name in streams}
    >>> network(streams, masks).shape
    torch.Size([2, 6, 8])
    """

    def __init__(self, widths: dict[str, int], hidden_size: int = 32, dropout: float = 0.5):
        super().__init__()
        if not widths:
            raise ValueError("widths is empty. Give at least one stream.")
        self.names, self.output_size = tuple(widths), hidden_size
        self.absences = nn.ModuleList(AbsenceEmbedding(width) for width in widths.values())
        self.sequence = SequenceLayer(sum(widths.values()), hidden_size, dropout=dropout)
        self.norm = nn.LayerNorm(hidden_size)
        self.joint = SequenceLayer(hidden_size, hidden_size)
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
        inputs = [
            absence(streams[name], masks[name], mask) for name, absence in zip(self.names, self.absences)
        ]
        x = self.dropout(self.norm(self.sequence(torch.cat(inputs, -1), mask)))  # (B, T, h)
        return self.dropout(self.joint(x, mask))  # (B, T, h)
