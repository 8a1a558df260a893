"""Joint attention between features, as the authors' released code computes it.

For modalities m = 1 .. M of one block of T steps, all matrices with steps as rows, J = [X_1, ..., X_M] and D
the width of J. Recursive joint attention (arXiv 2304.07958):

    Q   = J W_q + b_q                                       (T, D)      one for all modalities
    K_m = A_m X_m + a_m                                     (T, d_m)    A_m: T x T, learnt, along time
    C_m = tanh(K_m^T Q / sqrt(D))                           (d_m, D)    feature of m x feature of all
    H_m = ReLU(tanh((X_m W_vm + b_vm) C_m))                 (T, D)
    X_m = X_m + dropout(ReLU(H_m W_um + b_um))              (T, d_m)

The maps along time fix T. A sequence of another length is worked on in blocks of T steps, the last one filled
up with padding, which adds nothing to any sum.

C_m is large: 512 x 1024 numbers for each row of the released network. Its dropout can stand on C_m, as
released, or on tanh(U_m C_m) (`dropout_site`). In the second case C_m is never stored: `attended_features`
computes it tile by tile, and once more on the way back, which is exact and faster than to read it again: at
the released sizes a step of attention trains six times as fast as with C stored, in 5 % of the memory
(`benchmarks/released.py`).
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfusion.networks._layers import Dropout
from avfusion.networks._masking import zero_padding
from avfusion.released._onednn import Linear, onednn_product, suits_onednn

__all__ = ["FeatureJointAttention", "attended_features"]

DROPOUT_SITES = ("attended", "correlation")
TILE = 1 << 19  # entries of C that stay in the cache of a core; a GPU gets more of them at once


class InBlocks(nn.Module):
    """Base of the steps of attention that know one length: cuts sequences into blocks of it.

    Parameters
    ----------
    n_steps : int
        T.

    Examples
    --------
    >>> InBlocks(16).n_steps
    16
    """

    def __init__(self, n_steps: int):
        super().__init__()
        self.n_steps = n_steps

    def forward(self, streams: list[Tensor], mask: Tensor) -> list[Tensor]:
        """Update all modalities from the same incoming ones.

        Parameters
        ----------
        streams : list of M Tensors of shape (B, L, d_m)
            Zero in the padding; L need not be T.
        mask : bool Tensor of shape (B, L)

        Returns
        -------
        list of M Tensors of shape (B, L, d_m)
            Zero in the padding.
        """
        n_rows, length = mask.shape
        missing = -length % self.n_steps
        blocks = F.pad(mask, (0, missing)).reshape(-1, self.n_steps)  # (B * blocks, T)
        cut = [F.pad(x, (0, 0, 0, missing)).reshape(-1, self.n_steps, x.shape[-1]) for x in streams]
        updated = self.attend(cut, blocks)  # M of (B * blocks, T, d_m)
        return [x.reshape(n_rows, -1, x.shape[-1])[:, :length] for x in updated]


class FeatureJointAttention(InBlocks):
    """One step of recursive joint attention between features; see the module's equations.

    Parameters
    ----------
    n_modalities : int
        M.
    hidden_size : int or sequence of M int
        Features d_m of each modality; one number where all have as many.
    n_steps : int
        T, the length of a block.
    dropout : float, default=0.0
        On the updates, and at `dropout_site`.
    dropout_site : {"attended", "correlation"}, default="attended"
        ``"correlation"`` drops entries of C, as released, and then all of C is kept for the backward pass;
        ``"attended"`` drops entries of H in their place, several times faster and in little memory.

    Raises
    ------
    ValueError
        If `dropout_site` is unknown.

    Examples
    --------
    >>> import torch
    >>> step = FeatureJointAttention(2, 8, n_steps=4)
    >>> mask = torch.ones(1, 5, dtype=torch.bool)
    >>> audio, video = step([torch.randn(1, 5, 8), torch.randn(1, 5, 8)], mask)
    >>> audio.shape
    torch.Size([1, 5, 8])
    """

    def __init__(
        self,
        n_modalities: int,
        hidden_size: int | Sequence[int],
        n_steps: int,
        dropout: float = 0.0,
        dropout_site: str = "attended",
    ):
        super().__init__(n_steps)
        if dropout_site not in DROPOUT_SITES:
            raise ValueError(
                f"dropout_site={dropout_site!r} is unknown. Choose one of {', '.join(DROPOUT_SITES)}."
            )
        widths = [hidden_size] * n_modalities if isinstance(hidden_size, int) else list(hidden_size)
        joint = sum(widths)
        self.scale = 1 / math.sqrt(joint)
        self.query = linear(joint, joint)
        self.keys = nn.ModuleList(TimeMap(n_steps) for _ in widths)
        self.values = nn.ModuleList(linear(width, width) for width in widths)
        self.updates = nn.ModuleList(linear(joint, width) for width in widths)
        self.dropout_site = dropout_site
        self.site_dropout, self.dropout = Dropout(dropout), Dropout(dropout)

    def attend(self, streams: list[Tensor], mask: Tensor) -> list[Tensor]:
        """Update blocks: M of (B, T, d_m), (B, T) -> M of (B, T, d_m)."""
        query = self.query(torch.cat(streams, -1))  # (B, T, D)
        updated = []
        for x, key, value, update in zip(streams, self.keys, self.values, self.updates):
            h = F.relu(self.attended(value(x), key(x, mask), query))  # (B, T, D)
            updated.append(x + zero_padding(self.dropout(F.relu(update(h))), mask))
        return updated

    def attended(self, value: Tensor, key: Tensor, query: Tensor) -> Tensor:
        """Compute tanh(U C) with dropout: (B, T, d), (B, T, d), (B, T, D) -> (B, T, D)."""
        if self.dropout_site == "attended":
            return self.site_dropout(attended_features(value, key, query, self.scale).tanh())
        return torch.bmm(value, self.site_dropout(feature_correlation(key, query, self.scale))).tanh()


class TimeMap(nn.Linear):
    """A learnt T x T map along time: A X + a, a row for each step.

    Parameters
    ----------
    n_steps : int
        T.
    bias : bool, default=True

    Examples
    --------
    >>> import torch
    >>> TimeMap(4)(torch.zeros(1, 4, 3), torch.ones(1, 4, dtype=torch.bool)).shape
    torch.Size([1, 4, 3])
    """

    def __init__(self, n_steps: int, bias: bool = True):
        super().__init__(n_steps, n_steps, bias=bias)
        start(self)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, T, d), zero in the padding, and (B, T) -> (B, T, d), zero in the padding."""
        mixed = torch.bmm(self.weight.expand(len(x), -1, -1), x)  # (B, T, d); matmul would keep a copy of x
        return zero_padding(mixed if self.bias is None else mixed + self.bias.unsqueeze(1), mask)


def linear(input_size: int, output_size: int, bias: bool = True) -> Linear:
    """Return a linear map that starts as in the released code."""
    return start(Linear(input_size, output_size, bias=bias))


def start(layer: nn.Linear) -> nn.Linear:
    """Give a linear map the weights of Glorot and Bengio, and no bias to begin with."""
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def feature_correlation(key: Tensor, query: Tensor, scale: float) -> Tensor:
    """C = tanh(key^T query scale): (B, T, d), (B, T, D) -> (B, d, D); one of the two zero in the padding."""
    return torch.bmm(key.transpose(1, 2) * scale, query).tanh()


def attended_features(value: Tensor, key: Tensor, query: Tensor, scale: float) -> Tensor:
    """Compute value C, with C = tanh(key^T query scale), without ever holding C.

    C is computed in tiles, each of which is used and forgotten, and again in the backward pass.

    Parameters
    ----------
    value, key : Tensors of shape (B, T, d)
        The key, or the query, zero in the padding.
    query : Tensor of shape (B, T, D)
        What the key is correlated with.
    scale : float
        Of the sums over time in C, before the tanh.

    Returns
    -------
    Tensor of shape (B, T, D)
        For each step, C weighed by the features of its value.

    Examples
    --------
    >>> import torch
    >>> value, key, query = torch.randn(2, 4, 3), torch.randn(2, 4, 3), torch.randn(2, 4, 5)
    >>> in_full = value @ torch.tanh(key.transpose(1, 2) @ query * 0.5)
    >>> torch.allclose(attended_features(value, key, query, 0.5), in_full, atol=1e-6)
    True
    """
    if not torch.is_autocast_enabled(value.device.type):
        return AttendedFeatures.apply(value, key * scale, query)
    # its backward pass, outside of autocast, needs operands of one type and the very C of the forward pass
    with torch.autocast(value.device.type, enabled=False):
        value, key, query = (x.to(torch.promote_types(x.dtype, torch.float32)) for x in (value, key, query))
        return AttendedFeatures.apply(value, key * scale, query)


class AttendedFeatures(torch.autograd.Function):
    """value tanh(key^T query) in tiles, with a backward pass that computes the tiles once more.

    Examples
    --------
    >>> import torch
    >>> AttendedFeatures.apply(torch.ones(1, 2, 3), torch.zeros(1, 2, 3), torch.ones(1, 2, 4)).shape
    torch.Size([1, 2, 4])
    """

    @staticmethod
    def forward(ctx, value: Tensor, key: Tensor, query: Tensor) -> Tensor:
        """(B, T, d), (B, T, d), (B, T, D) -> (B, T, D)."""
        ctx.save_for_backward(value, key, query)
        out = torch.empty_like(query)
        for rows, columns in tiles(key, query):
            k, q = key[rows], query[rows, :, columns]  # (b, T, d), (b, T, w)
            product, tanh_product = products_of_tile(k, q)
            out[rows, :, columns] = product(value[rows], tanh_product(k.transpose(1, 2), q))
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of value, key and query from that of the result, (B, T, D)."""
        value, key, query = ctx.saved_tensors
        d_value, d_key, d_query = torch.zeros_like(value), torch.zeros_like(key), torch.empty_like(query)
        for rows, columns in tiles(key, query):
            v, k = value[rows], key[rows]  # (b, T, d)
            q, g = query[rows, :, columns], gradient[rows, :, columns]  # (b, T, w)
            product, tanh_product = products_of_tile(k, q)
            correlation = tanh_product(k.transpose(1, 2), q)  # (b, d, w)
            d_value[rows] += product(g, correlation.transpose(1, 2))
            inner = product(v.transpose(1, 2), g)  # (b, d, w): gradient of the correlation,
            inner = torch.ops.aten.tanh_backward(inner, correlation)  # and of what is within the tanh
            d_key[rows] += product(q, inner.transpose(1, 2))
            d_query[rows, :, columns] = product(k, inner)
        return d_value, d_key, d_query


def products_of_tile(key: Tensor, query: Tensor) -> tuple[Callable, Callable]:
    """Return what multiplies the matrices of a tile, and what also takes the tanh of the product.

    oneDNN multiplies single matrices only, and so does those tiles that one row fills. A small row never goes
    there, alone or among others, so that its result does not depend on its batch.
    """
    filled = len(key) == 1 and 2 * key.shape[-1] * query.shape[-1] > TILE
    if filled and suits_onednn(key, query):
        return row_product, partial(row_product, function="tanh")
    return torch.bmm, tanh_product


def row_product(left: Tensor, right: Tensor, function: str = "none") -> Tensor:
    """(1, n, k), (1, k, m) -> (1, n, m)."""
    return onednn_product(left[0], right[0], function=function).unsqueeze(0)


def tanh_product(left: Tensor, right: Tensor) -> Tensor:
    """Return tanh(left right) of (B, n, k) and (B, k, m): (B, n, m)."""
    return tanh_of_half_(torch.bmm(2 * left, right))


def tanh_of_half_(x: Tensor) -> Tensor:
    """Return tanh(x / 2) in the place of x, to the last digits; on a CPU in half the time of torch's."""
    if x.device.type != "cpu":
        return x.div_(2).tanh_()
    x = x.clamp_(max=80).expm1_()  # e^x - 1, finite in float32
    return x.div_(x + 2)


def tiles(key: Tensor, query: Tensor):
    """Yield slices of rows and of columns that cut C, (B, d, D), into tiles of about `TILE` entries."""
    n_rows, n_columns, height = len(key), query.shape[-1], max(1, key.shape[-1])
    budget = TILE if key.device.type == "cpu" else TILE << 8
    width = max(1, min(n_columns, budget // height))
    rows_at_once = max(1, budget // (height * width))
    for row in range(0, n_rows, rows_at_once):
        for column in range(0, n_columns, width):
            yield slice(row, row + rows_at_once), slice(column, column + width)
