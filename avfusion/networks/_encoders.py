"""Encoders: from the features of one stream to a hidden sequence of unit variance."""

from torch import Tensor, nn

from avfusion.networks._layers import AbsenceEmbedding, BidirectionalLSTM, Dropout
from avfusion.networks._masking import zero_padding

__all__ = ["StreamEncoder"]


class StreamEncoder(nn.Module):
    """Encode one stream, filling in the steps where it was not observed.

    Absence embedding -> `SequenceLayer` -> LayerNorm -> dropout. The LayerNorm gives hidden features of
    unit variance: with smaller ones an attention step that adds a product of three of them changes nothing.

    Parameters
    ----------
    width : int
        Number of features D of the stream.
    hidden_size : int
        Number of hidden features; even when `recurrent`.
    recurrent : bool, default=True
        Whether steps see the other steps of their row (LSTM) or only themselves (linear map).
    dropout : float, default=0.5
        Share of the entries dropped in training, within the sequence layer and of the output.

    Raises
    ------
    ValueError
        If `recurrent` and `hidden_size` is odd.

    Examples
    --------
    >>> import torch
    >>> encoder = StreamEncoder(3, hidden_size=8)
    >>> mask = torch.ones(2, 5, dtype=torch.bool)
    >>> encoder(torch.randn(2, 5, 3), mask).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, width: int, hidden_size: int, recurrent: bool = True, dropout: float = 0.5):
        super().__init__()
        self.output_size = hidden_size
        self.absence = AbsenceEmbedding(width)
        self.sequence = SequenceLayer(width, hidden_size, recurrent, dropout)
        self.norm = nn.LayerNorm(hidden_size)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, step_mask: Tensor | None = None) -> Tensor:
        """Encode.

        Parameters
        ----------
        x : Tensor of shape (B, T, D)
            NaN where not observed; anything in the padding.
        mask : bool Tensor of shape (B, T)
            Steps of this stream.
        step_mask : bool Tensor of shape (B, T), optional
            Steps of the row: those of any stream. `mask` by default.

        Returns
        -------
        Tensor of shape (B, T, hidden_size)
            Zero in the padding.
        """
        step_mask = mask if step_mask is None else step_mask
        x = self.absence(x, mask, step_mask)  # (B, T, D)
        x = self.norm(self.sequence(x, step_mask))  # (B, T, hidden)
        return zero_padding(self.dropout(x), step_mask)


class SequenceLayer(nn.Module):
    """A linear map to the hidden size, and a bidirectional LSTM around which the map is carried on.

        u = dropout(x W + b)                                (T, h)
        y = u + BLSTM(u)                                    (T, h); y = u without the LSTM

    The map keeps the LSTM small however many features there are, and the dropout within it was what kept
    overfitting to small sets.

    Parameters
    ----------
    input_size, output_size : int
    recurrent : bool, default=True
        Whether there is an LSTM; `output_size` must then be even.
    dropout : float, default=0.0

    Examples
    --------
    >>> import torch
    >>> layer = SequenceLayer(3, 7, recurrent=False)
    >>> layer(torch.zeros(1, 4, 3), torch.ones(1, 4, dtype=torch.bool)).shape
    torch.Size([1, 4, 7])
    """

    def __init__(self, input_size: int, output_size: int, recurrent: bool = True, dropout: float = 0.0):
        super().__init__()
        self.linear = nn.Linear(input_size, output_size)
        self.dropout = Dropout(dropout)
        self.lstm = BidirectionalLSTM(output_size, output_size) if recurrent else None

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, input_size), (B, T) -> (B, T, output_size); zero in the padding."""
        x = zero_padding(self.dropout(self.linear(x)), mask)
        return x if self.lstm is None else x + self.lstm(x, mask)
