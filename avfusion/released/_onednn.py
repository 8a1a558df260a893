"""Matrix products on a CPU, by the faster of the two libraries that torch brings.

torch multiplies float32 matrices by MKL, and runs its LSTMs by oneDNN. On processors that MKL was not made
for (AMD's) oneDNN multiplies twice as fast, to the same digits. torch itself gives linear maps to oneDNN only
once they are compiled; here they go to it at once, forwards and backwards.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Linear", "onednn_product", "product", "suits_onednn"]

SMALL_WEIGHT = 1 << 14  # entries up to which a call of oneDNN can cost more than it saves


def suits_onednn(*matrices: Tensor) -> bool:
    """Return whether oneDNN can multiply these as they are, and forwards and backwards by the same kernels.

    Parameters
    ----------
    *matrices : Tensors

    Returns
    -------
    bool
        True for float32 on a CPU, where torch has oneDNN and is neither compiling nor asked for another
        precision.

    Examples
    --------
    >>> import torch
    >>> suits_onednn(torch.ones(2, 2, dtype=torch.float64))
    False
    """
    return (
        all(x.device.type == "cpu" and x.dtype == torch.float32 for x in matrices)
        and torch.backends.mkldnn.is_available()
        and torch.backends.mkldnn.enabled
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        and not torch.compiler.is_compiling()
        and not torch.is_autocast_enabled("cpu")
    )


def product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multiply by a matrix, without a record for the backward pass.

    Parameters
    ----------
    left : Tensor of shape (..., k)
    right : Tensor of shape (k, m)
    bias : Tensor of shape (m,), optional
        Added to the product.

    Returns
    -------
    Tensor of shape (..., m)

    Examples
    --------
    >>> import torch
    >>> product(torch.ones(1, 3), torch.ones(3, 2), torch.ones(2))
    tensor([[4., 4.]])
    """
    if not suits_onednn(left, right):
        return F.linear(left, right.t(), bias)
    return onednn_product(left, right, bias)


def onednn_product(left: Tensor, right: Tensor, bias: Tensor | None = None, function: str = "none") -> Tensor:
    """Return function(left right + bias) by oneDNN: (..., k), (k, m) -> (..., m).

    Functions are none and tanh, for what `suits_onednn`.
    """
    weight = right.t()
    if not (weight.is_contiguous() or right.is_contiguous()):
        weight = weight.contiguous()  # with gaps between its rows, it would be multiplied entry by entry
    return torch.ops.mkldnn._linear_pointwise(left, weight, bias, function, [], "")


class Linear(nn.Linear):
    """torch's linear map, but a large one on a CPU by oneDNN.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool, default=True

    Examples
    --------
    >>> import torch
    >>> Linear(64, 32)(torch.zeros(2, 5, 64)).shape
    torch.Size([2, 5, 32])
    """

    def forward(self, x: Tensor) -> Tensor:
        """(..., in_features) -> (..., out_features)."""
        large = self.weight.numel() >= SMALL_WEIGHT  # however many rows, so that none depends on its batch
        if large and x.numel() and x.ndim > 1 and suits_onednn(x, self.weight):
            return LinearByOneDNN.apply(x, self.weight, self.bias)
        return F.linear(x, self.weight, self.bias)


class LinearByOneDNN(torch.autograd.Function):
    """x weight^T + bias.

    Examples
    --------
    >>> import torch
    >>> LinearByOneDNN.apply(torch.ones(1, 3), torch.ones(2, 3), torch.ones(2))
    tensor([[4., 4.]])
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """(..., k), (m, k), (m,) -> (..., m)."""
        ctx.save_for_backward(x, weight)
        return onednn_product(x, weight.t(), bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Return the gradients of x, weight and bias from that of the result, (..., m)."""
        x, weight = ctx.saved_tensors
        rows = gradient.flatten(0, -2)  # (n, m)
        d_x = onednn_product(gradient, weight) if ctx.needs_input_grad[0] else None
        d_weight = onednn_product(rows.t(), x.flatten(0, -2)) if ctx.needs_input_grad[1] else None
        d_bias = rows.sum(0) if ctx.needs_input_grad[2] else None
        return d_x, d_weight, d_bias
