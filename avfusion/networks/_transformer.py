"""Parts of transformers: a layer of attention, and positions in time.

The layer, of queries of a sequence Z (T, h), keys and values of a sequence S (T_s, h) (Z itself, or another):

    U = Z + dropout(Attention(LayerNorm(Z), LayerNorm(S)))          queries of Z, keys and values of S
    Z = U + dropout(W_2 dropout(activation(W_1 LayerNorm(U))))      W_1: (4 h, h)

Normalisation comes before each update (pre-norm), which trains without a warm-up of thousands of steps.
Positions are sines and cosines of a time, so that a row may have any length.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfusion.networks._layers import Dropout
from avfusion.networks._masking import without_padding

__all__ = ["TransformerLayer", "sinusoids"]


class TransformerLayer(nn.Module):
    """One layer of attention from a sequence to another, or to itself; see the module's equations.

    Parameters
    ----------
    size : int
        Features h of both sequences.
    n_heads : int, default=2
        Heads of attention.
    dropout : float, default=0.1
        On both updates, and inside the second.
    activation : callable, default=torch.nn.functional.relu
        Between the two maps of the second update.

    Raises
    ------
    ValueError
        If `n_heads` does not divide `size`.

    Examples
    --------
    >>> import torch
    >>> layer = TransformerLayer(8, n_heads=2)
    >>> video, audio = torch.randn(1, 5, 8), torch.randn(1, 20, 8)
    >>> layer(video, audio, torch.ones(1, 20, dtype=torch.bool)).shape
    torch.Size([1, 5, 8])
    """

    def __init__(
        self,
        size: int,
        n_heads: int = 2,
        dropout: float = 0.1,
        activation: Callable[[Tensor], Tensor] = F.relu,
    ):
        super().__init__()
        if size % n_heads:
            raise ValueError(f"n_heads={n_heads} does not divide the number of features, {size}. Change one.")
        self.n_heads, self.activation = n_heads, activation
        self.norm, self.inner_norm = nn.LayerNorm(size), nn.LayerNorm(size)
        self.query, self.key_value = nn.Linear(size, size), nn.Linear(size, 2 * size)
        self.update = nn.Linear(size, size)
        self.inner, self.outer = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, source: Tensor, source_mask: Tensor) -> Tensor:
        """(B, T, h), (B, S, h), bool (B, S) -> (B, T, h); what padded steps of x become means nothing."""
        query, source = self.query(self.norm(x)), self.norm(source)  # (B, T, h), (B, S, h)
        key, value = self.key_value(source).chunk(2, -1)  # (B, S, h) each
        x = x + self.dropout(self.update(self.attend(query, key, value, source_mask)))
        hidden = self.dropout(self.activation(self.inner(self.inner_norm(x))))  # (B, T, 4 h)
        return x + self.dropout(self.outer(hidden))

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        """Attend to the steps in the mask, in every head: (B, T, h), 2 of (B, S, h) -> (B, T, h)."""
        heads = [t.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for t in (query, key, value)]
        sources = None
        if not without_padding(mask):
            sources = (mask | ~mask.any(1, keepdim=True))[:, None, None]  # an empty row looks at its zeros
        return F.scaled_dot_product_attention(*heads, attn_mask=sources).transpose(1, 2).flatten(2)


def sinusoids(time: Tensor, size: int) -> Tensor:
    """Return sines and cosines of a time, of periods from 2 pi to about 20000 pi.

    Parameters
    ----------
    time : Tensor of shape (...)
        In steps, not necessarily whole; double precision for long rows.
    size : int
        Number of features; the last one of an odd number is zero.

    Returns
    -------
    Tensor of shape (..., size)
        First the sines, then the cosines.

    Examples
    --------
    >>> import torch
    >>> sinusoids(torch.arange(3.0), 2)
    tensor([[ 0.0000,  1.0000],
            [ 0.8415,  0.5403],
            [ 0.9093, -0.4161]])
    """
    half = size // 2
    rates = 10000.0 ** -(torch.arange(half, device=time.device, dtype=time.dtype) / max(1, half))
    angle = time.unsqueeze(-1) * rates  # (..., size / 2)
    return F.pad(torch.cat([angle.sin(), angle.cos()], -1), (0, size % 2))
