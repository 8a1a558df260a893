"""The `loss` of an estimator: by name, or of one's own, which is tried before any training starts."""

import inspect
from copy import deepcopy

import torch

from avfusion.networks import LOSSES
from avfusion.networks._checks import title
from avfusion.sequences._messages import brief

_LABELLED_ONLY = "lambda p, t, labelled: torch.nn.functional.mse_loss(p[labelled], t[labelled])"


class OwnLoss(torch.nn.Module):
    """A loss of the user's: zero where a batch has no label, and torch's losses see labelled entries only.

    Parameters
    ----------
    loss : callable
        ``loss(prediction, target, mask)``, or a torch module of prediction and target, such as
        `torch.nn.MSELoss`. A module is copied, as its weights may be trained.
    """

    def __init__(self, loss):
        super().__init__()
        self.loss = deepcopy(loss) if isinstance(loss, torch.nn.Module) else loss
        self.masks = not of_two(loss)

    def forward(self, prediction, target, mask, **weight):
        """Return the loss of (n, n_targets) tensors; a ``weight=`` is passed on."""
        if not mask.any():
            return (prediction * 0).sum()
        if self.masks:
            return self.loss(prediction, target, mask, **weight)
        return self.loss(prediction[mask], target[mask], **{name: w[mask] for name, w in weight.items()})


def of_two(loss):
    """Return whether a loss is a torch module that takes prediction and target, and no mask.

    Parameters
    ----------
    loss : callable

    Returns
    -------
    bool

    Examples
    --------
    >>> of_two(torch.nn.HuberLoss()), of_two(LOSSES["huber"])
    (True, False)
    """
    if not isinstance(loss, torch.nn.Module):
        return False
    given = inspect.signature(loss.forward).parameters.values()
    needed = [p for p in given if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty]
    return len(needed) == 2 and not any(p.kind is p.VAR_POSITIONAL for p in given)


def loss_name(loss, per_frame):
    """Return the name of a loss; None where a callable has none.

    Parameters
    ----------
    loss : str or callable
        "auto" depends on the labels.
    per_frame : bool
        Whether there is a label for each step.

    Returns
    -------
    str or None

    Examples
    --------
    >>> loss_name("auto", per_frame=True), loss_name(torch.nn.MSELoss(), per_frame=True)
    ('ccc+mse', 'MSELoss')
    """
    if isinstance(loss, torch.nn.Module):
        return type(loss).__name__
    if loss == "auto":
        return "ccc+mse" if per_frame else "mse"
    return loss if isinstance(loss, str) else getattr(loss, "__name__", None)


def loss_function(loss, per_frame):
    """Return a function of (prediction, target, mask) for the `loss` of an estimator.

    Parameters
    ----------
    loss : str or callable
    per_frame : bool
        Whether there is a label for each step.

    Returns
    -------
    callable

    Examples
    --------
    >>> loss_function("auto", per_frame=False) is LOSSES["mse"]
    True
    """
    return OwnLoss(loss) if callable(loss) else LOSSES[loss_name(loss, per_frame)]


def check_loss(loss, n_targets, device="cpu", dtype=torch.float32, unlabelled=True, weighted=False):
    """Raise unless ``loss(prediction, target, labelled)`` gives one number with a gradient.

    Parameters
    ----------
    loss : callable
    n_targets : int
    device, dtype
        Of the tensors.
    unlabelled : bool, default=True
        Whether labels that are NaN will be among the target.
    weighted : bool, default=False
        Whether it will be given weights, as ``weight=``.

    Raises
    ------
    TypeError
        If it is none.
    ValueError
        If labels that are NaN make it, or its gradient, NaN, or weights change nothing.

    Examples
    --------
    >>> check_loss(lambda prediction, target, labelled: (prediction - target)[labelled].abs().mean(), 2)
    """
    name = loss_name(loss, True) if inspect.isroutine(loss) or inspect.isclass(loss) else type(loss).__name__
    if inspect.isclass(loss):
        raise TypeError(f"loss={title(loss)} is a class. Give what it builds, loss={title(loss)}().")
    function = OwnLoss(loss).to(device)
    target = torch.arange(8.0 * n_targets, dtype=dtype, device=device).reshape(8, n_targets).sin()
    labelled = torch.ones_like(target, dtype=torch.bool)
    value, gradient = _value_and_gradient(function, target, labelled, name)
    labelled[::3], labelled[1, -1] = False, False
    target[~labelled] = torch.nan
    finite = bool(value.isfinite().all() and gradient.isfinite().all())
    if weighted and finite:
        seen = (target, labelled) if unlabelled else (target.nan_to_num(), torch.ones_like(labelled))
        check_weights_count(function, *seen, name)
    if not unlabelled or not finite:
        return
    value, gradient = _value_and_gradient(function, target, labelled, name)
    if not (value.isfinite().all() and gradient.isfinite().all()):
        what = "is" if not value.isfinite().all() else "has a gradient that is"
        raise ValueError(
            f"loss={name} {what} NaN where labels are. Leave them out before anything is computed of them, "
            f"as in {_LABELLED_ONLY}."
        )


def check_weights_count(function, target, labelled, name):
    """Raise unless a loss takes weights, and it matters which labels have the large ones.

    Parameters
    ----------
    function : OwnLoss
    target, labelled : Tensors of shape (n, n_targets)
    name : str
        What messages call the loss.

    Raises
    ------
    TypeError
        If it fails with weights, or gives more than one number.
    ValueError
        If weights change nothing, or make its gradient NaN.

    Examples
    --------
    >>> target = torch.arange(8.0).reshape(8, 1)
    >>> check_weights_count(OwnLoss(LOSSES["mae"]), target, torch.ones_like(target, dtype=torch.bool), "mae")
    """
    weight = torch.linspace(0.5, 1.5, target.numel(), dtype=target.dtype, device=target.device)
    weight = weight.reshape(target.shape)
    _, gradient = _value_and_gradient(function, target, labelled, name, weight=weight * labelled)
    everywhere, target = torch.ones_like(labelled), target.nan_to_num()
    gradients = [
        _value_and_gradient(function, target, everywhere, name, weight=given)[1]
        for given in (weight, weight.flip(0, 1))
    ]
    if torch.allclose(*gradients) or not gradient.isfinite().all():
        what = "has a gradient that is NaN" if not gradient.isfinite().all() else "is the same"
        raise ValueError(
            f"loss={name} {what} with sample_weight, whichever labels have the large weights. Weigh each "
            "labelled entry: (error * weight)[labelled].sum() / weight[labelled].sum()."
        )


def _value_and_gradient(function, target, labelled, name, **weight):
    """Return a loss and its gradient, without a change of the random numbers."""
    prediction = target.nan_to_num().cos().requires_grad_()
    try:
        with torch.random.fork_rng(devices=[]):
            value = function(prediction, target, labelled, **weight)
    except Exception as error:
        given = (
            "labelled entries of prediction, target"
            if of_two(function.loss)
            else "prediction, target, labelled"
        ) + ", weight=weight" * bool(weight)
        raise TypeError(
            f"loss={name} failed as loss({given}): {brief(str(error), 80)}. Wrap it, as in {_LABELLED_ONLY}."
        ) from error
    if not isinstance(value, torch.Tensor) or value.numel() != 1 or not value.requires_grad:
        shape = f"the shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
        raise TypeError(
            f"loss={name} gave {shape}, but one number with a gradient is needed: compute it with torch, and "
            "take the mean over what is labelled (reduction='mean')."
        )
    (gradient,) = torch.autograd.grad(value.sum(), prediction, allow_unused=True)
    if gradient is None:
        raise TypeError(f"loss={name} does not depend on the prediction: nothing could be learned from it.")
    return value, gradient
