"""Bottleneck transformer (MBT).

A transformer for each stream; they meet in a few shared tokens only.
"""

from numbers import Integral
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfusion._sklearn_compat import Interval
from avfusion.estimators import EncodedFusionRegressor, FusionTags
from avfusion.networks._masking import zero_padding
from avfusion.networks._transformer import TransformerLayer, sinusoids

__all__ = ["BottleneckTransformer", "BottleneckTransformerRegressor"]


class BottleneckTransformer(nn.Module):
    """Fuse modalities through a few shared tokens; see `BottleneckTransformerRegressor`.

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
            raise ValueError(f"fusion_layer={fusion_layer} must be within 0..n_layers={n_layers}.")
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


class BottleneckTransformerRegressor(EncodedFusionRegressor):
    """Fuse streams by a transformer with shared bottleneck tokens, between bidirectional LSTMs.

    Each of the M streams is read by a bidirectional LSTM, then by transformer layers of its own. From
    `fusion_layer` on these also see N tokens b, which are averaged over streams after each layer and are the
    only way between streams; a last bidirectional LSTM reads the streams joined. With X_m (T, h) a stream,
    sinusoidal positions added, S_m a pre-norm transformer layer of its own with GELU, b (N, h) learnt::

        layers before `fusion_layer`:   X_m = S_m(X_m)
        layers from it on:              [b_m, X_m] = S_m([b, X_m]),  b = mean over m of b_m
        F = [LayerNorm(X_1), ..., LayerNorm(X_M)]           (T, M h)

    Positions are sinusoids, so that a row may have any length. The fewer tokens, the less one stream can pass
    on to another.

    The publication has no LSTMs but 12 layers (fusion from the ninth) on patches of images and spectrograms,
    pretrained, learnt positions and a classification token for each modality; here every step has an output.
    The LSTMs are those of the whole family; switch them off with `intra_lstm` and `joint_lstm`.

    Parameters
    ----------
    n_layers : int, default=2
        Transformer layers of each stream.
    fusion_layer : int, default=0
        The first layer, counted from 0, that has bottleneck tokens; with `n_layers` none has.
    n_bottlenecks : int, default=4
        Tokens, as published.
    n_heads : int, default=2
        Heads of attention; must divide `hidden_size`.
    {encoder_parameters}
    {fusion_parameters}

    Attributes
    ----------
    {fitted_attributes}

    See Also
    --------
    CrossAttentionRegressor : Every stream attends to every other without a bottleneck.

    References
    ----------
    A. Nagrani, S. Yang, A. Arnab, A. Jansen, C. Schmid, C. Sun. Attention Bottlenecks for Multimodal Fusion.
    NeurIPS 2021. arXiv 2107.00135.

    Examples
    --------
    >>> import avfusion as av
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.BottleneckTransformerRegressor(max_epochs=3, random_state=0).fit(X, y)
    >>> model.predict(X).shape == y.shape
    True
    """

    fusion_tags = FusionTags(published_in="arXiv 2107.00135")
    core = BottleneckTransformer
    n_layers: int = 2
    fusion_layer: int = 0
    n_bottlenecks: int = 4
    n_heads: int = 2

    _parameter_constraints: ClassVar[dict] = {
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "fusion_layer": [Interval(Integral, 0, None, closed="left")],
        "n_bottlenecks": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
    }

    def _check_parameters(self):
        super()._check_parameters()
        if self.hidden_size % self.n_heads:
            raise ValueError(
                f"n_heads={self.n_heads} does not divide hidden_size={self.hidden_size}; change one."
            )
        if self.fusion_layer > self.n_layers:
            raise ValueError(
                f"fusion_layer={self.fusion_layer} is beyond n_layers={self.n_layers}; lower it."
            )
