"""Checks of a user's callbacks and loss, before any training starts."""

import inspect

import torch
from skorch.callbacks import BatchScoring, Checkpoint, EarlyStopping, EpochScoring, LRScheduler

from avfusion.networks._checks import title
from avfusion.sequences._messages import brief


def check_training(estimator, spec, validates):
    """Raise where the callbacks or the loss of an estimator would fail in training, or mean something else.

    Parameters
    ----------
    estimator : NetworkRegressor
    spec : DataSpec
        Of the rows to train on.
    validates : bool
        Whether there are rows for validation.

    Raises
    ------
    TypeError
        If the loss is none.
    ValueError
        If a callback does not fit the settings.
    """
    for callback in estimator.callbacks or ():
        callback = callback[1] if isinstance(callback, tuple) else callback
        kind = callback.__name__ if inspect.isclass(callback) else type(callback).__name__
        check_scoring(callback, kind)
        check_settings(callback, kind, estimator)
        check_monitor(callback, kind, validates)
    if callable(estimator.loss):
        dtype = getattr(torch, str(spec.dtype))
        check_loss(estimator.loss, spec.target_form.n_targets, estimator.device, dtype)


def check_scoring(callback, kind):
    """Raise where a callback scores batches that are sequences, of which skorch knows nothing."""
    joins = _of(callback, "use_caching") or isinstance(_of(callback, "scoring"), str)
    if _is_a(callback, EpochScoring) and joins:
        raise ValueError(
            f"{kind} joins predictions of batches, which are of different lengths. Set use_caching=False and "
            "a function of (net, dataset, y). Where fit is given X_val and y_val, net_.history has valid_ccc "
            "and valid_loss by itself."
        )
    if _is_a(callback, BatchScoring) and not _of(callback, "on_train"):
        raise ValueError(
            f"{kind} averages scores over batches, but validation scores all rows at once. Take valid_ccc "
            "and valid_loss from net_.history, or EpochScoring with use_caching=False."
        )


def check_settings(callback, kind, estimator):
    """Raise where a callback and a parameter of the estimator would undo each other's work."""
    keeps_best = _is_a(callback, (EarlyStopping, Checkpoint)) and _of(callback, "load_best")
    if keeps_best and estimator.weight_average:
        raise ValueError(
            f"{kind}(load_best=True) puts back weights that were not scored: scores are of averaged weights. "
            "Set early_stopping=True, which keeps those, with patience=...; or set weight_average=None."
        )
    if _is_a(callback, LRScheduler) and estimator.schedule is not None:
        raise ValueError(
            f"schedule={estimator.schedule!r} and the callback {kind} would both set the learning rate. Set "
            "schedule=None to use the callback."
        )


def check_monitor(callback, kind, validates):
    """Raise where a callback looks at a score of validation, and nothing is validated."""
    monitor = _of(callback, "monitor")
    if isinstance(monitor, str) and monitor.startswith("valid_") and not validates:
        raise ValueError(
            f"{kind} monitors {monitor!r}, but there are no rows for validation. Give fit X_val and y_val, "
            "or set monitor='train_loss'."
        )


def check_loss(loss, n_targets, device="cpu", dtype=torch.float32):
    """Raise unless ``loss(prediction, target, labelled)`` gives one number with a gradient.

    Parameters
    ----------
    loss : callable
    n_targets : int
    device, dtype
        Of the tensors.

    Raises
    ------
    TypeError

    Examples
    --------
    >>> check_loss(lambda prediction, target, labelled: (prediction - target)[labelled].abs().mean(), 2)
    """
    target = torch.arange(8.0 * n_targets, dtype=dtype, device=device).reshape(8, n_targets).sin()
    prediction = target.cos().requires_grad_()
    name = title(loss) if inspect.isroutine(loss) or inspect.isclass(loss) else type(loss).__name__
    try:
        with torch.random.fork_rng(devices=[]):
            value = loss(prediction, target, torch.ones_like(target, dtype=torch.bool))
    except Exception as error:
        raise TypeError(
            f"loss={name} failed as loss(prediction, target, labelled): {brief(str(error), 80)}. Wrap it, as "
            "in lambda p, t, labelled: torch.nn.functional.mse_loss(p[labelled], t[labelled])."
        ) from error
    if not isinstance(value, torch.Tensor) or value.numel() != 1 or not value.requires_grad:
        given = f"the shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
        raise TypeError(
            f"loss={name} gave {given}, but one number with a gradient is needed: compute it with torch, and "
            "take the mean over what is labelled."
        )


def _is_a(callback, kinds):
    return issubclass(callback if inspect.isclass(callback) else type(callback), kinds)


def _of(callback, name):
    """Return an attribute of a callback, or, where its class is given, the default of the parameter."""
    if not inspect.isclass(callback):
        return getattr(callback, name, None)
    known = inspect.signature(callback).parameters.get(name)
    return None if known is None else known.default
