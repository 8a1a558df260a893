"""Checks of a core or network of one's own, to be called while writing it."""

from functools import partial

import torch
from torch import Tensor, nn

from avfusion.networks._checks import check_builds, check_dtype, check_module, check_shape, title

__all__ = ["check_core", "check_network"]

LENGTHS = (7, 1, 5, 3)  # steps of the rows of a batch, which is filled up with padding
TOLERANCE = 1e-9  # in double precision


def check_core(core, hidden_size=8, n_modalities=(1, 2, 3), **parameters):
    """Check that a core gives what an `avfusion.EncodedFusionRegressor` relies on.

    For each number of streams it is built with random weights and run on rows of 1 to 7 steps: its output has
    the promised shape, is finite, zero in the padding, and that of a row depends neither on the other rows of
    the batch nor on the padding; gradients are finite.

    Parameters
    ----------
    core : callable
        As the parameter `core` of the estimator.
    hidden_size : int, default=8
        Features of each stream.
    n_modalities : tuple of int, default=(1, 2, 3)
        Numbers of streams to try; give ``(2,)`` for a core of exactly two.
    **parameters : dict
        Parameters of the core, such as ``rank=8``.

    Raises
    ------
    TypeError
        If it builds no torch module with an `output_size`.
    ValueError
        If its output is not as it must be: the message names the row and the remedy.

    Examples
    --------
    >>> from avfusion.fusion import LowRankFusion, check_core
    >>> check_core(LowRankFusion, rank=2)
    """
    check_builds(core, "core")
    for count in n_modalities:
        name = f"core {title(core)} with {count} stream(s)"
        streams = [_rows(hidden_size, seed) for seed in range(count)]
        build = partial(core, count, hidden_size, **parameters)
        _check(build, name, _run_core, streams)


def check_network(network, widths=None, **parameters):
    """Check that a network gives what an `avfusion.FusionRegressor` relies on.

    As `check_core`, but streams have NaN where they were not observed, and any numbers in the padding.

    Parameters
    ----------
    network : callable
        As the parameter `network` of the estimator.
    widths : dict of str to int, optional
        Number of features of each stream by name; by default ``{"audio": 3, "video": 5}``.
    **parameters : dict
        Parameters of the network, such as ``depth=2``.

    Raises
    ------
    TypeError, ValueError
        As `check_core`.

    Examples
    --------
    >>> from avfusion.fusion import check_network
    >>> from avfusion.networks import Concatenation
    >>> check_network(Concatenation, hidden_size=4)
    """
    check_builds(network, "network")
    widths = {"audio": 3, "video": 5} if widths is None else widths
    streams = [_rows(width, seed) for seed, width in enumerate(widths.values())]
    streams[0][0, 2] = torch.nan  # a step that was not observed
    _check(
        partial(network, widths, **parameters),
        f"network {title(network)}",
        lambda module, xs, mask: module(dict(zip(widths, xs)), dict.fromkeys(widths, mask)),
        streams,
    )


def _run_core(module: nn.Module, streams: list[Tensor], mask: Tensor) -> Tensor:
    return module([x * mask.unsqueeze(-1) for x in streams], mask)


def _check(build, name, run, streams):
    """Check a module, which ``run(module, streams, mask)`` calls in its own way."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = build()
        check_module(module, name)
        mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS).unsqueeze(1)  # (B, T)
        single = run(module.float().eval(), [x.float() for x in streams], mask)
        check_shape(single, module, name, *mask.shape)
        check_dtype(single, torch.float32, name)
        _randomise(module.double())
    together = run(module, streams, mask)
    check_dtype(together, torch.float64, name)
    _check_values(together, mask, name)
    for row, length in enumerate(LENGTHS):
        alone = run(module, [x[row : row + 1, :length] for x in streams], mask[row : row + 1, :length])
        _check_same(alone[0], together[row, :length], row, length, name)
    _check_gradients(module, together, name)


def _check_values(out: Tensor, mask: Tensor, name: str):
    for row, length in enumerate(LENGTHS):
        if not out[row, :length].isfinite().all():
            raise ValueError(f"{name}: row {row} has values that are not finite, from finite inputs.")
    row, step = (out != 0).any(-1).logical_and(~mask).nonzero()[:1].flatten().tolist() or (None, None)
    if row is not None:
        raise ValueError(
            f"{name}: row {row} has {LENGTHS[row]} steps, but its output is not zero at step {step}, in the "
            "padding. Multiply the output by mask.unsqueeze(-1)."
        )


def _check_same(alone: Tensor, together: Tensor, row: int, length: int, name: str):
    difference = (alone - together).abs().max().item()
    if difference > TOLERANCE * max(1.0, together.abs().max().item()):
        raise ValueError(
            f"{name}: the output of row {row} ({length} steps) changes by {difference:.2g} when the row is "
            "alone in its batch, without padding. Leave the other rows, and steps outside the mask, out of "
            "every mean, softmax, normalisation and recurrence."
        )


def _check_gradients(module: nn.Module, out: Tensor, name: str):
    learnt = {key: p for key, p in module.named_parameters() if p.requires_grad}
    if not learnt:
        return
    gradients = torch.autograd.grad(out.square().sum(), list(learnt.values()), allow_unused=True)
    for key, gradient in zip(learnt, gradients):
        if gradient is not None and not gradient.isfinite().all():
            raise ValueError(f"{name}: the gradient of {key} is not finite.")


def _rows(width: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(LENGTHS), max(LENGTHS), width, dtype=torch.float64, generator=generator)


@torch.no_grad()
def _randomise(module: nn.Module):
    """Give every weight a random value, so that zeros at the start hide nothing."""
    for parameter in module.parameters():
        parameter.copy_(0.5 * torch.randn(parameter.shape, dtype=torch.float64))
