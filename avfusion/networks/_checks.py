"""Checks of the modules that an estimator is given, on a batch of two short rows, before training."""

from numbers import Integral

import torch
from torch import Tensor, nn

ROWS, STEPS, EXISTING = 2, 3, (3, 2)  # of the batch; existing steps of its rows


def checked_network(build, widths: dict[str, int], **parameters) -> nn.Module:
    """Return ``build(widths, **parameters)`` if its output has the promised shape.

    Parameters
    ----------
    build : callable
        As the parameter `network` of `avfusion.FusionRegressor`.
    widths : dict of str to int
        Number of features of each stream.
    **parameters : dict
        Further arguments of `build`.

    Returns
    -------
    Module

    Raises
    ------
    TypeError
        If what is built is no module, has no `output_size`, or gives no Tensor.
    ValueError
        If its output has another shape than (rows, steps, `output_size`).

    Examples
    --------
    >>> from avfusion.networks import EncodedFusion
    >>> checked_network(lambda widths: torch.nn.Identity(), {"audio": 3})
    Traceback (most recent call last):
    TypeError: network <lambda> built an Identity without the attribute output_size, ...
    """
    module = build(widths, **parameters)
    name = f"network {title(build)}"
    check_module(module, name)
    mask = _mask()
    streams = {stream: torch.zeros(ROWS, STEPS, width) for stream, width in widths.items()}
    out = _outcome(module, streams, dict.fromkeys(widths, mask))
    check_shape(out, module, name)
    check_dtype(out, torch.get_default_dtype(), name)
    return module


def checked_core(build, n_modalities: int, hidden_size: int) -> nn.Module:
    """Return ``build(n_modalities, hidden_size)`` if its output has the promised shape.

    Parameters
    ----------
    build : callable
        As the parameter `core` of `avfusion.EncodedFusionRegressor`.
    n_modalities : int
        Number of streams.
    hidden_size : int
        Features of each.

    Returns
    -------
    Module

    Raises
    ------
    TypeError, ValueError
        As `checked_network`.

    Examples
    --------
    >>> from avfusion.networks import AttentionStack, JointAttention
    >>> checked_core(lambda m, h: AttentionStack(m, h, JointAttention), 2, 8).output_size
    16
    """
    module = build(n_modalities, hidden_size)
    name = f"core {title(build)}"
    check_module(module, name)
    streams = [torch.zeros(ROWS, STEPS, hidden_size) for _ in range(n_modalities)]
    out = _outcome(module, streams, _mask())
    check_shape(out, module, name)
    check_dtype(out, torch.get_default_dtype(), name)
    return module


def check_builds(build, name: str) -> None:
    """Raise a TypeError if what should build a module is one that is built already."""
    if isinstance(build, nn.Module):
        kind = type(build).__name__
        raise TypeError(
            f"{name} is a {kind} that is built already, but each fit builds its own. Give {name}={kind} "
            f"and its parameters as {name}__parameter=value."
        )


def check_module(module, name: str) -> None:
    """Raise a TypeError unless it is a torch module with an ``output_size``."""
    if not isinstance(module, nn.Module):
        raise TypeError(f"{name} built a {type(module).__name__}, but a torch.nn.Module is needed.")
    size = getattr(module, "output_size", None)
    if not isinstance(size, Integral) or size < 1:
        kind = type(module).__name__
        found = "without the attribute" if size is None else "with the attribute"
        raise TypeError(
            f"{name} built {'an' if kind[0] in 'AEIOU' else 'a'} {kind} {found} output_size"
            f"{'' if size is None else f'={size!r}'}, which must be the number of features that it gives."
        )


def check_dtype(out: Tensor, dtype: torch.dtype, name: str) -> None:
    """Raise unless the output has the type of the numbers that went in."""
    if out.dtype != dtype:
        raise TypeError(
            f"{name} gave {out.dtype} for {dtype}. Convert nothing inside: weights and inputs have one type."
        )


def check_shape(out, module: nn.Module, name: str, n_rows: int = ROWS, n_steps: int = STEPS) -> None:
    """Raise unless the output is a Tensor of the promised shape."""
    if not isinstance(out, Tensor):
        raise TypeError(f"{name} gave a {type(out).__name__}; one Tensor is needed.")
    expected = (n_rows, n_steps, module.output_size)
    if tuple(out.shape) != expected:
        raise ValueError(
            f"{name} gave the shape {tuple(out.shape)} for a batch of {n_rows} rows with {n_steps} steps; "
            f"expected {expected}: rows, steps, output_size."
        )


def title(build) -> str:
    """Return the name of a class or function, also within partial objects."""
    while hasattr(build, "func"):
        build = build.func
    return getattr(build, "__name__", None) or repr(build)


def _mask() -> Tensor:
    return torch.arange(STEPS) < torch.tensor(EXISTING).unsqueeze(1)  # (rows, steps)


@torch.no_grad()
def _outcome(module, *arguments):
    """Run the module as in prediction; neither it nor torch's generator is changed."""
    training = module.training
    with torch.random.fork_rng(devices=[]):
        out = module.eval()(*arguments)
    module.train(training)
    return out
