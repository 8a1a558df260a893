"""Checks of a user's callbacks and loss, before any training starts."""

import inspect

import torch
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    InputShapeSetter,
    LRScheduler,
    PassthroughScoring,
    ProgressBar,
    WandbLogger,
)

from avfusion.estimators._losses import check_loss
from avfusion.estimators._monitors import check_monitors
from avfusion.estimators._nested_parameters import class_name, named_callbacks
from avfusion.estimators._scoring import check_scoring
from avfusion.sequences._messages import brief, quoted

HOOKS = [name for name in dir(Callback) if name.startswith("on_")]
OUR_NAMES = (  # of callbacks of the estimator and of skorch, whether they are there or not
    *("schedule", "gradient_clip", "weight_average", "stop_early", "progress"),
    *("epoch_timer", "train_loss", "valid_loss", "valid_ccc"),
)
MASTERS = (  # callback, parameter of ours, what both would do, what leaves it to the callback
    (LRScheduler, "schedule", "set the learning rate", "schedule=None"),
    (GradientNormClipping, "gradient_clip", "clip gradients", "gradient_clip=None"),
    (EarlyStopping, "early_stopping", "end the training", "early_stopping=False (and give fit X_val, y_val)"),
    (Checkpoint, "early_stopping", "choose the weights", "early_stopping=False (and give fit X_val, y_val)"),
    (ProgressBar, "verbose", "show a bar", "verbose=0"),
)


def check_training(estimator, spec, validates, by_hand=False, unlabelled=True, weighted=False):
    """Raise where the callbacks or the loss of an estimator would fail in training, or mean something else.

    Parameters
    ----------
    estimator : NetworkRegressor
    spec : DataSpec
        Of the rows to train on.
    validates : bool
        Whether there are rows for validation.
    by_hand : bool, default=False
        Whether it is `partial_fit` that trains, without schedule, early stopping and bar.
    unlabelled : bool, default=True
        Whether the loss will see labels that are NaN.
    weighted : bool, default=False
        Whether the loss will be given weights.

    Raises
    ------
    TypeError
        If the loss is none, or a callback is none.
    ValueError
        If a callback does not fit the settings, or a loss does not leave out what is not labelled.
    """
    check_callbacks(estimator.callbacks)
    named = [
        (name, callback) for name, callback in named_callbacks(estimator.callbacks) if callback is not None
    ]
    check_names([name for name, _ in named])
    for _, callback in named:
        check_masters(callback, estimator, ("gradient_clip",) if by_hand else None)
        check_validation(callback, validates)
        if is_a(callback, (BatchScoring, EpochScoring)):
            check_scoring(callback, spec.target_form.n_targets)
    check_monitors([callback for _, callback in named], validates)
    if callable(estimator.loss):
        dtype = getattr(torch, str(spec.dtype))
        seen = {"unlabelled": unlabelled, "weighted": weighted}
        check_loss(estimator.loss, spec.target_form.n_targets, estimator.device, dtype, **seen)


def check_callbacks(callbacks):
    """Raise a TypeError unless all are callbacks of skorch, or classes that can be built as they are.

    Parameters
    ----------
    callbacks : list or None

    Raises
    ------
    TypeError
        Naming the first that is none.

    Examples
    --------
    >>> check_callbacks([EarlyStopping, ("stop", EarlyStopping(patience=3)), ("none", None)])
    """
    for place, (_, callback) in enumerate(named_callbacks(callbacks)):
        if callback is None:
            continue
        kind = class_name(callback)
        if inspect.isclass(callback) and issubclass(callback, torch.optim.lr_scheduler.LRScheduler):
            raise TypeError(f"callbacks[{place}]: {kind} is a schedule of torch. Give LRScheduler({kind}).")
        if not all(hasattr(callback, hook) for hook in [*HOOKS, "initialize"]):
            raise TypeError(
                f"callbacks[{place}]={brief(callback)} is no callback of skorch. Give instances of "
                "skorch.callbacks.Callback, or (name, callback)."
            )
        if inspect.isclass(callback):
            try:
                inspect.signature(callback).bind()
            except TypeError as error:
                raise TypeError(f"callbacks[{place}]: {kind} needs arguments. Give {kind}(...).") from error


def check_names(names):
    """Raise a ValueError if callbacks share a name, or have one that the estimator's own have.

    Parameters
    ----------
    names : list of str

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_names(["stop", "log"])
    """
    ours = [name for name in names if name in OUR_NAMES or "__" in name]
    if ours:
        raise ValueError(
            f"callbacks: the name {quoted(ours)} is that of a callback of the estimator, or has two "
            "underscores. Choose another."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"callbacks: the name {quoted(twice)} is given twice. Choose names that differ.")


def check_masters(callback, estimator, in_force=None):
    """Raise where a callback and a parameter of the estimator would undo each other's work."""
    kind = class_name(callback)
    if is_a(callback, InputShapeSetter):
        raise ValueError(
            f"{kind} is not needed: networks are built with the widths of the streams in the data. Leave it "
            "out."
        )
    for master, name, what, remedy in MASTERS:
        value = getattr(estimator, name)
        idle = (master is Checkpoint and not of(callback, "load_best")) or (
            master is GradientNormClipping and of(callback, "gradient_clip_value") is None
        )
        if not is_a(callback, master) or idle or not value or (in_force is not None and name not in in_force):
            continue
        raise ValueError(
            f"{name}={value!r} and the callback {kind} would both {what}. Set {remedy} to use the callback."
        )


def check_validation(callback, validates):
    """Raise where a callback scores validation rows, and there are none."""
    scores = is_a(callback, (BatchScoring, EpochScoring, PassthroughScoring)) and not of(callback, "on_train")
    saves = is_a(callback, WandbLogger) and of(callback, "save_model")
    if (scores or saves) and not validates:
        remedy = "save_model=False" if saves else "on_train=True"
        raise ValueError(
            f"{class_name(callback)} needs rows for validation, and there are none. Give fit X_val and "
            f"y_val, or set early_stopping=True or the callback's {remedy}."
        )


def is_a(callback, kinds):
    """Return whether a callback, or the class in its place, is of some kinds."""
    return issubclass(callback if inspect.isclass(callback) else type(callback), kinds)


def of(callback, name):
    """Return an attribute of a callback, or, where its class is given, the default of the parameter."""
    if not inspect.isclass(callback):
        return getattr(callback, name, None)
    known = inspect.signature(callback).parameters.get(name)
    return None if known is None else known.default
