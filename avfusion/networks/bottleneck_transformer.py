"""Multimodal bottleneck transformer (Nagrani et al., NeurIPS 2021, arXiv 2107.00135).

For modalities m = 1 .. M of one row, X_m (T, h) with sinusoidal positions added, S a pre-norm transformer
layer of the modality, b (N, h) learnt bottleneck tokens:

    layers before `fusion_layer`:   X_m = S_m(X_m)
    layers from it on:              [b_m, X_m] = S_m([b, X_m]),  b = mean over m of b_m
    S(x):   x = x + dropout(Attention(LayerNorm(x))),  x = x + dropout(W_2 gelu(W_1 LayerNorm(x)))

and the output is [LayerNorm(X_1), ..., LayerNorm(X_M)]. Modalities meet in the N tokens only. Positions are
sinusoids, which need no longest length; they only tell steps apart, order being known to the encoders.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfusion.networks.layers import Dropout
from avfusion.networks.masking import zero_padding

__all__ = ["BottleneckTransformer"]


class BottleneckTransformer(nn.Module):
    """Fuse modalities through a few shared tokens; see the module's equations.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int
        Features h of each modality; the output has M h.
    n_layers : int, default=2
        Transformer layers of each modality.
    fusion_layer : int, default=0
        The first layer, counted from 0, that has bottleneck tokens; at `n_layers` modalities never meet.
    n_bottlenecks : int, default=4
        N.
    n_heads : int, default=4
        Heads of attention.
    dropout : float, default=0.0
        On the updates.

    Raises
    ------
    ValueError
        If `n_heads` does not divide `hidden_size`, or `fusion_layer` is not within 0..n_layers.

    Examples
    --------
    >>> import torch
    >>> core = BottleneckTransformer(2, 8)
    >>> core([torch.randn(1, 5, 8), torch.randn(1, 5, 8)], torch.ones(1, 5, dtype=torch.bool)).shape
    torch.Size([1, 5, 16])
    """

    def __init__(
        self,
        n_modalities: int,
        hidden_size: int,
        n_layers: int = 2,
        fusion_layer: int = 0,
        n_bottlenecks: int = 4,
        n_heads: int = 4,
        dropout: float = 0.0,
    ):
        super().__init__()
        if not 0 <= fusion_layer <= n_layers:
            raise ValueError(f"fusion_layer={fusion_layer} must be within 0..n_layers={n_layers}")
        self.output_size = n_modalities * hidden_size
        self.fusion_layer = fusion_layer
        self.bottlenecks = nn.Parameter(0.02 * torch.randn(n_bottlenecks, hidden_size))
        self.layers = nn.ModuleList(
            nn.ModuleList(TransformerLayer(hidden_size, n_heads, dropout) for _ in range(n_modalities))
            for _ in range(n_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) for _ in range(n_modalities))

    def forward(self, streams: list[Tensor], mask: Tensor) -> Tensor:
        """M of (B, T, h), (B, T) -> (B, T, M h); zero in the padding."""
        streams = [x + positions(x) for x in streams]
        steps = mask | ~mask.any(
            1, keepdim=True
        )  # an empty row looks at its zeros; a softmax of nothing is NaN
        n = len(self.bottlenecks)
        tokens = self.bottlenecks.expand(len(mask), -1, -1)  # (B, N, h)
        with_tokens = F.pad(steps, (n, 0), value=True)  # (B, N + T)
        for depth, layers in enumerate(self.layers):
            if depth < self.fusion_layer:
                streams = [layer(x, steps) for layer, x in zip(layers, streams)]
                continue
            joined = [layer(torch.cat([tokens, x], 1), with_tokens) for layer, x in zip(layers, streams)]
            tokens = torch.stack([x[:, :n] for x in joined]).mean(0)
            streams = [x[:, n:] for x in joined]
        return zero_padding(torch.cat([norm(x) for norm, x in zip(self.norms, streams)], -1), mask)


class TransformerLayer(nn.Module):
    """Masked self-attention and two linear maps, each behind a LayerNorm and with a path around it."""

    def __init__(self, hidden_size: int, n_heads: int, dropout: float):
        super().__init__()
        if hidden_size % n_heads:
            raise ValueError(f"n_heads={n_heads} does not divide the hidden size {hidden_size}")
        self.n_heads = n_heads
        self.norm1, self.norm2 = nn.LayerNorm(hidden_size), nn.LayerNorm(hidden_size)
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size)
        self.projection = nn.Linear(hidden_size, hidden_size)
        self.linear1 = nn.Linear(hidden_size, 4 * hidden_size)
        self.linear2 = nn.Linear(4 * hidden_size, hidden_size)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, S, h), (B, S) -> (B, S, h); anything in the padding, which none attends to."""
        qkv = self.qkv(self.norm1(x)).unflatten(-1, (3, self.n_heads, -1))  # (B, S, 3, heads, h / heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, S, h / heads) each
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])
        x = x + self.dropout(self.projection(attended.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.linear2(F.gelu(self.linear1(self.norm2(x)))))


def positions(x: Tensor) -> Tensor:
    """Sinusoids of periods from 2 pi to 20000 pi steps for x (B, T, h): (T, h)."""
    steps, size = x.shape[1:]
    step = torch.arange(steps, device=x.device, dtype=x.dtype).unsqueeze(1)
    rate = 1e4 ** (-torch.arange(0, size, 2, device=x.device, dtype=x.dtype) / size)
    angle = step * rate  # (T, h / 2)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)[:, :size]
