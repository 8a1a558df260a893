"""Checks of what callbacks watch in the history: that it is recorded, before them, and which end is best."""

from skorch.callbacks import (
    BatchScoring,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    LRScheduler,
    PassthroughScoring,
)
from torch.optim.lr_scheduler import ReduceLROnPlateau

from avfusion.estimators._nested_parameters import callback_parameters, class_name
from avfusion.estimators._scoring import is_scorer, score_name
from avfusion.sequences._messages import did_you_mean

LOSSES = ("train_loss", "valid_loss")
TRAINED = {"epoch", "dur", "train_loss", "train_loss_best", "train_batch_count"}
VALIDATED = {"valid_loss", "valid_loss_best", "valid_ccc", "valid_ccc_best", "valid_batch_count"}


def check_monitors(callbacks, validates):
    """Raise where a callback watches a score that is not recorded, or takes the wrong end of it for the best.

    Parameters
    ----------
    callbacks : list
        In the order in which they run.
    validates : bool
        Whether there are rows for validation.

    Raises
    ------
    ValueError
        Naming callback and score.

    Examples
    --------
    >>> check_monitors([EarlyStopping(monitor="train_loss")], validates=False)
    >>> check_monitors([EarlyStopping(monitor="valid_cc")], validates=True)
    Traceback (most recent call last):
    ValueError: EarlyStopping monitors 'valid_cc', which nothing records (did you mean 'valid_ccc'?).
    """
    recorded, anything = TRAINED | (VALIDATED if validates else set()), False
    greater, wrong = {"valid_ccc"}, set()  # scores of which the greatest is best; *_best that say otherwise
    for place, callback in enumerate(callbacks):
        monitor = _monitor(callback)
        if monitor is not None:
            if monitor not in recorded and not (anything and monitor not in VALIDATED):
                _raise_unrecorded(callback, monitor, recorded, callbacks[place + 1 :], validates)
            check_direction(callback, monitor, greater, wrong)
        recorded |= _records(callback)
        anything |= not getattr(callback, "__module__", "").startswith("skorch.")
        if isinstance(callback, (BatchScoring, EpochScoring)) and is_scorer(callback.scoring):
            greater.add(score_name(callback))
            if callback.lower_is_better:
                wrong.add(f"{score_name(callback)}_best")
    check_recorded_once(callbacks)


def check_recorded_once(callbacks):
    """Raise where two callbacks, or one and the net, record scores of one name.

    Parameters
    ----------
    callbacks : list

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_recorded_once([EpochScoring("r2"), EpochScoring("r2", name="train_r2", on_train=True)])
    """
    names = TRAINED | VALIDATED
    for callback in callbacks:
        if isinstance(callback, (BatchScoring, EpochScoring, PassthroughScoring)):
            name = score_name(callback)
            same = isinstance(callback, PassthroughScoring) and name == "train_loss"
            if name in names and not same:
                raise ValueError(
                    f"{class_name(callback)} would record {name!r}, which is recorded already. Give it "
                    "another name=..."
                )
            names = names | {name}


def check_direction(callback, monitor, greater, wrong):
    """Raise where a callback takes the lowest of a score for the best, and greater is better, or vice versa.

    Parameters
    ----------
    callback : skorch callback or class
    monitor : str
        What it watches.
    greater, wrong : set of str
        Scores of which the greatest is best; flags of the best that take the lowest.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_direction(EarlyStopping(lower_is_better=False), "valid_ccc", {"valid_ccc"}, set())
    """
    kind, own = class_name(callback), callback_parameters(callback)
    lowest = own.get("lower_is_better", own.get("mode", "min") != "max")
    if _is_a(callback, Checkpoint):
        if monitor in wrong:
            raise ValueError(
                f"{kind} monitors {monitor!r}, which marks the lowest score, and greater is better: set "
                "lower_is_better=False in the scoring callback."
            )
        return
    if (monitor in greater and lowest) or (monitor in LOSSES and not lowest):
        better, end = ("greater", "lowest") if lowest else ("lower", "greatest")
        remedy = f"lower_is_better={not lowest}"
        if _is_a(callback, LRScheduler):
            remedy = f"mode={'max' if lowest else 'min'!r}"
        raise ValueError(
            f"{kind} takes the {end} {monitor!r} for the best, but {better} is better. Set {remedy}."
        )


def _monitor(callback):
    """Return the name of what a callback of skorch watches at the end of an epoch, or None."""
    own = callback_parameters(callback) if _is_a(callback, (EarlyStopping, Checkpoint, LRScheduler)) else {}
    if _is_a(callback, LRScheduler):
        plateau = own.get("policy") in (ReduceLROnPlateau, "ReduceLROnPlateau")
        own = own if plateau and own.get("step_every") == "epoch" else {}
    monitor = own.get("monitor")
    return monitor if isinstance(monitor, str) else None


def _raise_unrecorded(callback, monitor, recorded, later, validates):
    kind = class_name(callback)
    if monitor.startswith("valid_") and not validates:
        raise ValueError(
            f"{kind} monitors {monitor!r}, but there are no rows for validation. Give fit X_val and y_val, "
            "or set monitor='train_loss'."
        )
    after = [class_name(other) for other in later if monitor in _records(other)]
    if after:
        raise ValueError(
            f"{kind} monitors {monitor!r} of {after[0]}, which runs after it. List it before {kind}."
        )
    if all(getattr(other, "__module__", "").startswith("skorch.") for other in later):
        raise ValueError(
            f"{kind} monitors {monitor!r}, which nothing records{did_you_mean(monitor, sorted(recorded))}."
        )


def _records(callback):
    """Return what a callback of skorch records at the end of an epoch."""
    own = callback_parameters(callback)
    if isinstance(callback, (BatchScoring, EpochScoring, PassthroughScoring)):
        best = {f"{score_name(callback)}_best"} if callback.lower_is_better is not None else set()
        return {score_name(callback)} | best
    return {own["event_name"]} if own.get("event_name") else set()


def _is_a(callback, kinds):
    return issubclass(callback if isinstance(callback, type) else type(callback), kinds)
