"""Layers that all networks are made of; `masking` tells the convention on padding and missing data."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avfusion.networks._masking import by_feature, observed, without_padding, zero_padding

__all__ = ["AbsenceEmbedding", "BidirectionalLSTM", "Dropout", "InputNorm"]

SMALL_STEP = 1 << 15  # multiplications of an LSTM step that two idle cores do no faster than one


class InputNorm(nn.Module):
    """Bring the features of one stream to a common scale; add noise in training.

    Parameters
    ----------
    width : int
        Number of features D.
    mode : {"standard", "layer", "unit", None}, default="standard"
        ``"standard"`` subtracts a mean and divides by a standard deviation per feature, given by
        `set_statistics` (0 and 1 before), and clips. ``"layer"`` standardises the features of each
        step among themselves, which removes the step's level: of two features only their order is
        left, of one nothing. ``"unit"`` divides the features of each step by their Euclidean norm: of
        one feature only its sign is left. A stream of width 1 therefore gets ``"standard"`` in place of
        these two; the attribute `mode` tells. ``None`` changes nothing.
    noise : float, default=0.0
        Standard deviation of Gaussian noise, added in training, in units of the normalised features.
    clip : float, default=5.0
        Largest absolute value that ``"standard"`` lets through.

    Raises
    ------
    ValueError
        If `mode` is none of the choices.

    Notes
    -----
    NaN stays NaN. In modes ``"layer"`` and ``"unit"`` a step with one NaN becomes NaN altogether; `impute`
    comes before, where a step of which something was observed is to be kept.

    Examples
    --------
    >>> import torch
    >>> norm = InputNorm(2)
    >>> norm.set_statistics(mean=[1.0, 2.0], std=[2.0, 0.0])
    >>> norm(torch.tensor([[[3.0, 2.5], [99.0, float("nan")]]]))
    tensor([[[1.0000, 0.5000],
             [5.0000,    nan]]])
    """

    def __init__(self, width: int, mode: str | None = "standard", noise: float = 0.0, clip: float = 5.0):
        super().__init__()
        if mode not in ("standard", "layer", "unit", None):
            raise ValueError(f"mode={mode!r} is unknown. Choose 'standard', 'layer', 'unit' or None.")
        self.width, self.noise, self.clip = width, noise, clip
        self.mode = "standard" if mode in ("layer", "unit") and width == 1 else mode
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))

    def set_statistics(self, mean, std) -> None:
        """Set the mean and standard deviation that mode ``"standard"`` uses.

        A standard deviation of zero, or so small beside the mean that it is only rounding, counts as
        one: a constant feature becomes zero.

        Parameters
        ----------
        mean, std : array-like of shape (D,)

        Raises
        ------
        ValueError
            If a shape is not (D,) or a value is not finite.
        """
        for name, values in (("mean", mean), ("std", std)):
            values = torch.as_tensor(values, dtype=torch.float64)
            if values.shape != (self.width,):
                raise ValueError(f"{name} must have the shape ({self.width},), not {tuple(values.shape)}.")
            if not values.isfinite().all():
                raise ValueError(f"{name} of feature {int((~values.isfinite()).nonzero()[0])} is not finite.")
            getattr(self, name).copy_(values)
        rounding = torch.finfo(self.std.dtype).eps * self.mean.abs()
        self.std.masked_fill_(self.std <= rounding, 1.0)

    def impute(self, x: Tensor, missing: Tensor | None) -> Tensor:
        """Put the mean of `set_statistics` in the place of missing features, not yet normalised.

        Parameters
        ----------
        x : Tensor of shape (B, T, D)
        missing : bool Tensor of shape (B, T, D) or None
            None for no feature.

        Returns
        -------
        Tensor of shape (B, T, D)
        """
        return x if missing is None else torch.where(missing, self.mean, x)

    def normalise(self, x: Tensor) -> Tensor:
        """Normalise without noise: (B, T, D) -> (B, T, D)."""
        if self.mode == "standard":
            return (x - self.mean).div_(self.std).clamp_(-self.clip, self.clip)
        if self.mode is None:
            return x
        unobserved = x.isnan().any(-1, keepdim=True)  # (B, T, 1); kept out for finite gradients
        x = x.masked_fill(unobserved, 0.0)
        x = F.layer_norm(x, (self.width,)) if self.mode == "layer" else F.normalize(x, dim=-1)
        return x.masked_fill(unobserved, torch.nan)

    def perturb(self, x: Tensor) -> Tensor:
        """Add the training noise to normalised features; does nothing in evaluation."""
        return torch.randn_like(x).mul_(self.noise).add_(x) if self.training and self.noise else x

    def forward(self, x: Tensor) -> Tensor:
        """Normalise, then add noise in training: (B, T, D) -> (B, T, D)."""
        return self.perturb(self.normalise(x))


class AbsenceEmbedding(nn.Module):
    """Put a learnt vector where a stream was not observed, and zeros in the padding.

    An unobserved step is one that exists but all of whose features are NaN, or one that exists only in other
    streams. Features that are missing from a step of which others are there take their value of the vector.
    It begins at zero, the mean of a normalised stream.

    Parameters
    ----------
    width : int
        Number of features D.

    Examples
    --------
    >>> import torch
    >>> embedding = AbsenceEmbedding(1)
    >>> _ = torch.nn.init.constant_(embedding.vector, 7.0)
    >>> x = torch.tensor([[[1.0], [float("nan")], [2.0]]])
    >>> embedding(x, torch.tensor([[True, True, False]])).flatten()
    tensor([1., 7., 0.], grad_fn=...)
    """

    def __init__(self, width: int):
        super().__init__()
        self.vector = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, mask: Tensor, step_mask: Tensor | None = None) -> Tensor:
        """Fill in the unobserved steps.

        Parameters
        ----------
        x : Tensor of shape (B, T, D)
        mask : bool Tensor of shape (B, T)
            Steps of this stream.
        step_mask : bool Tensor of shape (B, T), optional
            Steps of the row: those of any stream. `mask` by default.

        Returns
        -------
        Tensor of shape (B, T, D)
        """
        there = observed(x, mask)  # (B, T), or (B, T, D) where steps lack features
        if there.all():  # the usual case, and then no gradient needs to reach back to the features
            return x
        exists = mask if step_mask is None else step_mask
        absent = (by_feature(exists) if there.dim() == 3 else exists) & ~there
        x = zero_padding(x, there)
        return torch.where(by_feature(absent), self.vector, x) if absent.any() else x


class Dropout(nn.Dropout):
    """torch's dropout, but on a CPU from uniform numbers: torch's Bernoulli draws take four times as long.

    Parameters
    ----------
    p : float, default=0.5
        Probability of a zero.

    Examples
    --------
    >>> import torch
    >>> Dropout(0.5).eval()(torch.ones(2))
    tensor([1., 1.])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Drop entries of x, of any shape, and scale up the others, in training."""
        if not self.training or self.p in (0.0, 1.0) or x.device.type != "cpu":
            return super().forward(x)
        uniform = torch.rand_like(x, dtype=torch.promote_types(x.dtype, torch.float32))  # bfloat16 is coarse
        return (
            x * (1 / (1 - self.p)) * (uniform >= self.p)
        )  # what is kept for the way back is of single bytes


class BidirectionalLSTM(nn.Module):
    """One layer of LSTM in both directions, exact under right padding.

    The backward half runs forward over each row's own steps in reverse order, so that padding comes
    last for both halves and no packing is needed (which costs several times the LSTM itself on a CPU).

    Parameters
    ----------
    input_size : int
        Number of features D.
    output_size : int
        Number of outputs, both directions together; even.

    Raises
    ------
    ValueError
        If `output_size` is odd.

    Examples
    --------
    >>> import torch
    >>> lstm = BidirectionalLSTM(3, 8)
    >>> mask = torch.tensor([[True, True, True, False]])
    >>> lstm(torch.zeros(1, 4, 3), mask).shape
    torch.Size([1, 4, 8])
    """

    def __init__(self, input_size: int, output_size: int):
        super().__init__()
        if output_size < 2 or output_size % 2:
            raise ValueError(f"output_size={output_size} must be even: half for each direction of the LSTM.")
        self.input_size, self.output_size = input_size, output_size
        self.forwards, self.backwards = (
            nn.LSTM(input_size, output_size // 2, batch_first=True) for _ in range(2)
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Encode.

        Parameters
        ----------
        x : Tensor of shape (B, T, input_size)
            Finite everywhere; T at least 1.
        mask : bool Tensor of shape (B, T)
            True where the step exists; padding on the right.

        Returns
        -------
        Tensor of shape (B, T, output_size)
            Zero in the padding.
        """
        if self._small_steps(x):
            return on_one_thread(self._encode, x, mask)
        return self._encode(x, mask)

    def _encode(self, x: Tensor, mask: Tensor) -> Tensor:
        ahead, _ = self.forwards(x)  # (B, T, output_size / 2)
        if without_padding(mask):
            back, _ = self.backwards(x.flip(1))
            return torch.cat([ahead, back.flip(1)], -1)
        order = reversal(mask)  # (B * T,)
        back, _ = self.backwards(reorder(x, order))
        return zero_padding(torch.cat([ahead, reorder(back, order)], -1), mask)

    def _small_steps(self, x: Tensor) -> bool:
        """Return whether a step is too little work to be shared between threads of a CPU."""
        products = len(x) * self.output_size**2  # of the states of a batch with the weights of four gates
        return x.device.type == "cpu" and products <= SMALL_STEP and not torch.compiler.is_compiling()


def on_one_thread(layer: Callable[[Tensor, Tensor], Tensor], x: Tensor, mask: Tensor) -> Tensor:
    """Return ``layer(x, mask)``, computed on one thread forwards and backwards.

    An LSTM has its threads wait for each other several times a step. Where steps are small that alone takes
    longer than the work, and a hundred times longer where other processes want the same cores.
    """
    n_threads = torch.get_num_threads()
    if n_threads == 1 or (torch.is_grad_enabled() and not x.requires_grad):  # no way back to n_threads
        return layer(x, mask)
    x = ThreadsOfBackward.apply(x, n_threads)
    torch.set_num_threads(1)
    try:
        y = layer(x, mask)
    finally:
        torch.set_num_threads(n_threads)
    return ThreadsOfBackward.apply(y, 1)


class ThreadsOfBackward(torch.autograd.Function):
    """The identity, whose backward pass sets the number of threads for all that comes after it.

    Examples
    --------
    >>> import torch
    >>> ThreadsOfBackward.apply(torch.ones(2), 1)
    tensor([1., 1.])
    """

    @staticmethod
    def forward(ctx, x: Tensor, n_threads: int) -> Tensor:
        """Return x."""
        ctx.n_threads = n_threads
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the gradient, and set the number of threads."""
        torch.set_num_threads(ctx.n_threads)
        return gradient, None


def reversal(mask: Tensor) -> Tensor:
    """Index that reverses each row within its length: (B, T) -> (B * T,), its own inverse."""
    rows, steps = mask.shape
    step = torch.arange(steps, device=mask.device)
    length = mask.sum(1, keepdim=True)
    source = torch.where(step < length, length - 1 - step, step)  # (B, T)
    return (source + steps * torch.arange(rows, device=mask.device).unsqueeze(1)).flatten()


def reorder(x: Tensor, order: Tensor) -> Tensor:
    """Take the steps of a batch (B, T, D) in the order (B * T,) of `reversal`."""
    return x.flatten(0, 1).index_select(0, order).unflatten(0, x.shape[:2])
