"""Temporal convolutional networks (Bai, Kolter, Koltun, 2018, arXiv 1803.01271), exact under padding.

Layer l = 0 .. L - 1 of one row with T steps, rows as steps, k weights at a distance of 2^l steps:

    U   = dropout(ReLU(conv_l1(X)))                         (T, h)
    U   = dropout(ReLU(conv_l2(U)))                         (T, h)
    X   = ReLU(R X + U)                                     (T, h)      R: a linear map in layer 0, else 1

A step of the output sees (k - 1)(2^L - 1) steps of the input on either side, or, where convolutions are
causal as published, twice as many before it and none after it. Steps outside the row count as zeros, whether
they are padding or not there at all. The published weight normalisation is left out.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from avfusion.networks._heads import MaskedBatchNorm
from avfusion.networks._layers import AbsenceEmbedding, Dropout
from avfusion.networks._masking import zero_padding

__all__ = ["ConvolutionEncoder", "TemporalConvolution"]


class TemporalConvolution(nn.Module):
    """Convolve over time in layers of growing reach; see the module's equations.

    Parameters
    ----------
    input_size, output_size : int
        Number of features of the input, and of every layer.
    n_layers : int, default=4
        L.
    kernel_size : int, default=5
        k; odd unless `causal`.
    causal : bool, default=False
        Whether a step sees only itself and the steps before it, as published, or both sides alike.
    dropout : float, default=0.1
        After every convolution.

    Raises
    ------
    ValueError
        If convolutions are centred and `kernel_size` is even.

    Examples
    --------
    >>> import torch
    >>> network = TemporalConvolution(3, 8, n_layers=2)
    >>> network(torch.zeros(1, 4, 3), torch.ones(1, 4, dtype=torch.bool)).shape
    torch.Size([1, 4, 8])
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        n_layers: int = 4,
        kernel_size: int = 5,
        causal: bool = False,
        dropout: float = 0.1,
    ):
        super().__init__()
        if not causal and kernel_size % 2 == 0:
            raise ValueError(f"kernel_size={kernel_size} must be odd, or the convolution causal=True.")
        self.output_size = output_size
        sizes = [input_size] + [output_size] * n_layers
        self.layers = nn.ModuleList(
            nn.ModuleList(
                DilatedConvolution(size, output_size, kernel_size, 2**level, causal)
                for size in (sizes[level], output_size)
            )
            for level in range(n_layers)
        )
        self.carry = nn.Linear(input_size, output_size)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, input_size), zero in the padding, (B, T) -> (B, T, output_size); zero in the padding."""
        carried = zero_padding(self.carry(x), mask)  # (B, T, h)
        for layer in self.layers:
            for convolution in layer:
                x = self.dropout(F.relu(convolution(x, mask)))  # (B, T, h)
            x = carried = F.relu(carried + x)
        return carried


class DilatedConvolution(nn.Module):
    """One convolution over time that keeps the number of steps and the zeros of the padding.

    Parameters
    ----------
    input_size, output_size, kernel_size : int
    dilation : int
        Steps between two weights.
    causal : bool
        Whether all weights but one are before the step.

    Examples
    --------
    >>> import torch
    >>> convolution = DilatedConvolution(3, 8, kernel_size=3, dilation=2, causal=True)
    >>> convolution(torch.zeros(1, 4, 3), torch.ones(1, 4, dtype=torch.bool)).shape
    torch.Size([1, 4, 8])
    """

    def __init__(self, input_size: int, output_size: int, kernel_size: int, dilation: int, causal: bool):
        super().__init__()
        reach = (kernel_size - 1) * dilation
        self.margins = (reach, 0) if causal else (reach // 2, reach // 2)
        self.convolution = nn.Conv1d(input_size, output_size, kernel_size, dilation=dilation)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, input_size), zero in the padding, (B, T) -> (B, T, output_size); zero in the padding."""
        x = self.convolution(F.pad(x.transpose(1, 2), self.margins))  # (B, output_size, T)
        return zero_padding(x.transpose(1, 2), mask)


class ConvolutionEncoder(nn.Module):
    """Encode one stream by a temporal convolutional network, filling in the steps where it was not observed.

    Absence embedding -> linear map -> `TemporalConvolution`, around which the map is carried on
    -> normalisation -> dropout. The map has no dropout: with it, networks found much less (see the notes of
    `avfusion.LeaderFollowerRegressor`).

    Parameters
    ----------
    width : int
        Number of features D of the stream.
    hidden_size : int
        Number of hidden features.
    n_layers, kernel_size, causal
        As in `TemporalConvolution`.
    norm : {"layer", "batch"}, default="layer"
        Normalise each step over its features, or each feature over the existing steps of the batch (in
        evaluation: of those seen in training), as published.
    dropout : float, default=0.5
        Share of the entries of the output dropped in training; within the convolutions a fifth of it.

    Raises
    ------
    ValueError
        If convolutions are centred and `kernel_size` is even, or `norm` is unknown.

    Examples
    --------
    >>> import torch
    >>> encoder = ConvolutionEncoder(3, hidden_size=8)
    >>> mask = torch.ones(2, 5, dtype=torch.bool)
    >>> encoder(torch.randn(2, 5, 3), mask).shape
    torch.Size([2, 5, 8])
    """

    def __init__(
        self,
        width: int,
        hidden_size: int,
        n_layers: int = 4,
        kernel_size: int = 5,
        causal: bool = False,
        norm: str = "layer",
        dropout: float = 0.5,
    ):
        super().__init__()
        if norm not in ("layer", "batch"):
            raise ValueError(f"norm={norm!r} is unknown. Choose 'layer' or 'batch'.")
        self.output_size = hidden_size
        self.absence = AbsenceEmbedding(width)
        self.linear = nn.Linear(width, hidden_size)
        self.convolutions = TemporalConvolution(
            hidden_size, hidden_size, n_layers, kernel_size, causal, dropout / 5
        )
        self.norm = nn.LayerNorm(hidden_size) if norm == "layer" else MaskedBatchNorm(hidden_size)
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
        x = zero_padding(self.linear(self.absence(x, mask, step_mask)), step_mask)  # (B, T, h)
        x = x + self.convolutions(x, step_mask)  # (B, T, h)
        x = self.norm(x) if isinstance(self.norm, nn.LayerNorm) else self.norm(x, step_mask)
        return zero_padding(self.dropout(x), step_mask)
