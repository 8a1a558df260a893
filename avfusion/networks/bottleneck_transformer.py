"""Multimodal bottleneck transformer (Nagrani et al., NeurIPS 2021, arXiv 2107.00135).

For modalities m = 1 .. M of one row, X_m (T, h) with sinusoidal positions added, S a pre-norm transformer
layer of the modality, b (N, h) learnt bottleneck tokens:

    layers before `fusion_layer`:   X_m = S_m(X_m)
    layers from it on:              [b_m, X_m] = S_m([b, X_m]),  b = mean over m of b_m
    S:      a layer of `avfusion.networks._transformer`, with GELU, of the sequence to itself

and the output is [LayerNorm(X_1), ..., LayerNorm(X_M)]. Modalities meet in the N tokens only. Positions are
sinusoids, which need no longest length; they only tell steps apart, order being known to the encoders.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfusion.networks._masking import zero_padding
from avfusion.networks._transformer import TransformerLayer, sinusoids

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
    n_heads : int, default=2
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
        n_heads: int = 2,
        dropout: float = 0.0,
    ):
        super().__init__()
        if not 0 <= fusion_layer <= n_layers:
            raise ValueError(f"fusion_layer={fusion_layer} must be within 0..n_layers={n_layers}")
        self.output_size = n_modalities * hidden_size
        self.fusion_layer = fusion_layer
        self.bottlenecks = nn.Parameter(0.02 * torch.randn(n_bottlenecks, hidden_size))
        self.layers = nn.ModuleList(
            nn.ModuleList(
                TransformerLayer(hidden_size, n_heads, dropout, F.gelu) for _ in range(n_modalities)
            )
            for _ in range(n_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) for _ in range(n_modalities))

    def forward(self, streams: list[Tensor], mask: Tensor) -> Tensor:
        """M of (B, T, h), (B, T) -> (B, T, M h); zero in the padding."""
        time = torch.arange(mask.shape[1], device=mask.device, dtype=torch.float64)
        position = sinusoids(time, streams[0].shape[-1]).to(streams[0].dtype)  # (T, h)
        streams = [zero_padding(x + position, mask) for x in streams]
        n = len(self.bottlenecks)
        tokens = self.bottlenecks.expand(len(mask), -1, -1)  # (B, N, h)
        with_tokens = F.pad(mask, (n, 0), value=True)  # (B, N + T)
        for depth, layers in enumerate(self.layers):
            if depth < self.fusion_layer:
                streams = [layer(x, x, mask) for layer, x in zip(layers, streams)]
                continue
            joined = [torch.cat([tokens, x], 1) for x in streams]  # M of (B, N + T, h)
            joined = [layer(x, x, with_tokens) for layer, x in zip(layers, joined)]
            tokens = torch.stack([x[:, :n] for x in joined]).mean(0)
            streams = [x[:, n:] for x in joined]
        return zero_padding(torch.cat([norm(x) for norm, x in zip(self.norms, streams)], -1), mask)
