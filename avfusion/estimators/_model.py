"""The torch model behind an estimator."""

from functools import partial

import psutil
import torch
from torch.nn.modules.module import register_module_parameter_registration_hook

from avfusion.networks import ClipHead, FrameHead, FusionModel, InputNorm
from avfusion.sequences._messages import brief


def build_model(network, head, *, statistics, input_norm, input_noise, dtype, per_frame, n_targets):
    """Return the whole model: input norms, the network, and the head that the targets need.

    Parameters
    ----------
    network : callable
        Called with the widths of the streams, returns the network. One that has a method
        ``frame_head(n_targets, dropout)`` brings the head for labels per frame that belongs to it.
    head : dict
        Arguments of the head.
    statistics : dict of str to (mean, std)
        Per stream, arrays (width,) of the training rows.
    """
    widths = {name: len(mean) for name, (mean, _) in statistics.items()}
    norms = {name: InputNorm(width, mode=input_norm, noise=input_noise) for name, width in widths.items()}
    body = network(widths)
    if per_frame:
        make_head = getattr(body, "frame_head", partial(FrameHead, body.output_size))
        head = make_head(n_targets, dropout=head["dropout"])
    else:
        head = ClipHead(body.output_size, widths, n_targets, **head)
    model = FusionModel(norms, body, head).to(getattr(torch, dtype))
    for name, (mean, std) in statistics.items():
        norms[name].set_statistics(mean, std)
    return model


LARGE = 2048  # from which on a parameter may make a network that fits into no memory
_NO_SIZES = frozenset(
    ["random_state", "window", "hop", "batch_size", "max_epochs", "patience", "n_members", "verbose"]
)
_BYTES = 16  # of a weight in training: itself, its gradient and two means of the optimizer


def within_memory(network, parameters):
    """Return what builds a network, after a look at its size where a parameter is large.

    Parameters
    ----------
    network : callable
        Called with the widths of the streams.
    parameters : dict
        Of the estimator.

    Returns
    -------
    callable
        It raises a ValueError, which names the parameters, if the network could not be trained in the memory
        that is free. Before, the system ended the process, or torch failed in words of its own.
    """
    large = {
        name: value
        for name, value in parameters.items()
        if isinstance(value, int) and value > LARGE and name not in _NO_SIZES
    }
    return partial(_within_memory, network, large) if large else network


def _within_memory(network, large, widths):
    n_weights, free = _n_weights(network, widths), psutil.virtual_memory().available
    if _BYTES * n_weights > free:
        given = ", ".join(f"{name}={brief(value)}" for name, value in large.items())
        needed = f"{_BYTES * n_weights / 1e9:.1f} GB in training, and {free / 1e9:.1f} GB are free"
        raise ValueError(
            f"{given}: The network would have {n_weights:.1e} weights, which take {needed}. Choose less."
        )
    return network(widths)


def _n_weights(network, widths):
    """Return the number of weights of a network; of one that needs its numbers, of what is built before."""
    sizes = []
    hook = register_module_parameter_registration_hook(
        lambda module, name, weight: sizes.append(0 if weight is None else weight.numel())
    )
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):  # nothing is allocated, nothing drawn
            network(widths)
    except Exception:  # it is built in earnest next, and raises there what is to be raised
        pass
    finally:
        hook.remove()
    return sum(sizes)
