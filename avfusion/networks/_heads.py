"""Heads: from a hidden sequence to predictions, per frame or per clip."""

import torch
from torch import Tensor, nn

from avfusion.networks._layers import Dropout
from avfusion.networks._masking import (
    existing_steps,
    masked_mean,
    masked_mean_std,
    observed,
    zero_padding,
)

__all__ = ["ClipHead", "FrameHead", "MaskedBatchNorm", "SeparateHeads"]

POOLINGS = ("mean", "max", "attention")


class FrameHead(nn.Module):
    """One prediction per step: linear -> ReLU -> dropout -> linear.

    Parameters
    ----------
    input_size : int
        Features of the hidden sequence.
    n_targets : int
        K.
    dropout : float, default=0.5
        Share of the entries between the two layers that are dropped in training.

    Examples
    --------
    >>> import torch
    >>> hidden, masks = torch.randn(2, 6, 8), {"audio": torch.ones(2, 6, dtype=torch.bool)}
    >>> FrameHead(8, n_targets=2)(hidden, {}, masks).shape
    torch.Size([2, 6, 2])
    """

    needs_streams = False

    def __init__(self, input_size: int, n_targets: int, dropout: float = 0.5):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(input_size, input_size),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(input_size, n_targets),
        )

    def forward(self, hidden: Tensor, streams: dict[str, Tensor], masks: dict[str, Tensor]) -> Tensor:
        """Predict each step: (B, T, input_size) -> (B, T, K); `streams` and `masks` are not needed."""
        return self.layers(hidden)


class SeparateHeads(nn.Module):
    """One prediction per step and target, by a head of its own: linear -> ReLU -> dropout -> linear.

    Parameters
    ----------
    input_size : int
        Features of the hidden sequence.
    n_targets : int
        K.
    hidden_size : int, default=128
        Features between the two layers of each head.
    dropout : float, default=0.6
        Share of the entries between the two layers that are dropped in training.

    Examples
    --------
    >>> import torch
    >>> hidden, masks = torch.randn(2, 6, 8), {"audio": torch.ones(2, 6, dtype=torch.bool)}
    >>> SeparateHeads(8, n_targets=2, hidden_size=4)(hidden, {}, masks).shape
    torch.Size([2, 6, 2])
    """

    needs_streams = False

    def __init__(self, input_size: int, n_targets: int, hidden_size: int = 128, dropout: float = 0.6):
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(input_size, hidden_size), nn.ReLU(), Dropout(dropout), nn.Linear(hidden_size, 1)
            )
            for _ in range(n_targets)
        )

    def forward(self, hidden: Tensor, streams: dict[str, Tensor], masks: dict[str, Tensor]) -> Tensor:
        """Predict each step: (B, T, input_size) -> (B, T, K); `streams` and `masks` are not needed."""
        return torch.cat([head(hidden) for head in self.heads], -1)


class MaskedBatchNorm(nn.BatchNorm1d):
    """Batch normalisation as torch has it, but with statistics of the steps inside the mask alone.

    Parameters
    ----------
    width : int
        Number of features D.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([[[1.0], [3.0], [99.0]]])
    >>> MaskedBatchNorm(1)(x, torch.tensor([[True, True, False]])).flatten()
    tensor([-1.0000,  1.0000,  0.0000], grad_fn=...)
    """

    def __init__(self, width: int):
        super().__init__(width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, D), (B, T) -> (B, T, D), zero in the padding."""
        steps = x[mask]  # (N, D)
        if self.training and len(steps) < 2:  # no variance: as in evaluation
            scale = self.weight / (self.running_var + self.eps).sqrt()
            normal = (steps - self.running_mean) * scale + self.bias
        else:
            normal = super().forward(steps)
        return x.new_zeros(x.shape).index_put((mask,), normal.to(x.dtype))


class ClipHead(nn.Module):
    """One prediction per row, from the pooled hidden sequence and the inputs' own statistics.

    The masked mean and standard deviation of each stream's normalised inputs, of each feature over the steps
    where it was observed, go straight to the output layer. A stream that was not observed at all has zeros
    for its statistics and a one in its absence flag, whose weight then takes the place of the statistics.

    Parameters
    ----------
    input_size : int
        Features h of the hidden sequence.
    stream_widths : dict of str to int
        Number of features D_m of each stream; empty for no statistics.
    n_targets : int
        K.
    pooling : {"mean", "max", "attention"}, default="mean"
        ``"attention"`` is a mean weighted by the softmax of a learnt linear score of each step.
    dropout : float, default=0.5
        On the input of the output layer.

    Raises
    ------
    ValueError
        If `pooling` is unknown.

    Examples
    --------
    >>> import torch
    >>> head = ClipHead(8, {"audio": 3}, n_targets=2)
    >>> masks = {"audio": torch.ones(4, 6, dtype=torch.bool)}
    >>> head(torch.randn(4, 6, 8), {"audio": torch.randn(4, 6, 3)}, masks).shape
    torch.Size([4, 2])
    """

    def __init__(
        self,
        input_size: int,
        stream_widths: dict[str, int],
        n_targets: int,
        pooling: str = "mean",
        dropout: float = 0.5,
    ):
        super().__init__()
        if pooling not in POOLINGS:
            raise ValueError(f"pooling={pooling!r} is unknown. Choose one of {', '.join(POOLINGS)}.")
        self.names, self.pooling = tuple(stream_widths), pooling
        self.score = nn.Linear(input_size, 1) if pooling == "attention" else None
        n_statistics = sum(2 * width + 1 for width in stream_widths.values())
        self.dropout = Dropout(dropout)
        self.linear = nn.Linear(input_size + n_statistics, n_targets)

    def forward(self, hidden: Tensor, streams: dict[str, Tensor], masks: dict[str, Tensor]) -> Tensor:
        """Predict each row.

        Parameters
        ----------
        hidden : Tensor of shape (B, T, input_size)
        streams : dict of str to Tensor of shape (B, T, D_m)
            Normalised features; NaN where not observed.
        masks : dict of str to bool Tensor of shape (B, T)

        Returns
        -------
        Tensor of shape (B, K)
        """
        features = [self.pool(hidden, existing_steps(masks))]  # (B, h)
        for name in self.names:
            there = observed(streams[name], masks[name])  # (B, T), or (B, T, D_m) where steps lack features
            features.extend(masked_mean_std(streams[name], there))  # 2 of (B, D_m)
            features.append((~there.flatten(1).any(1, keepdim=True)).to(hidden.dtype))  # (B, 1)
        return self.linear(self.dropout(torch.cat(features, -1)))

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Reduce the sequence to one vector: (B, T, h), (B, T) -> (B, h); zero for an empty row."""
        if self.pooling == "mean":
            return masked_mean(hidden, mask)
        empty = ~mask.any(1, keepdim=True)  # (B, 1)
        if self.pooling == "max":
            highest = hidden.masked_fill(~mask.unsqueeze(-1), -torch.inf).amax(1)  # (B, h)
            return highest.masked_fill(empty, 0.0)
        score = self.score(hidden).squeeze(-1).masked_fill(~(mask | empty), -torch.inf)  # (B, T)
        return (score.softmax(1).unsqueeze(-1) * zero_padding(hidden, mask)).sum(1)
