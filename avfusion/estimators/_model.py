"""The torch model behind an estimator."""

from functools import partial

import torch

from avfusion.networks import ClipHead, FrameHead, FusionModel, InputNorm


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
