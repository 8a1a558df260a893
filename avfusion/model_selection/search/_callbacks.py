"""Callbacks of a search: trackers and others that are called with every finished trial."""

import warnings
from copy import deepcopy

from avfusion.model_selection.search._storage import stoppable
from avfusion.sequences._messages import brief

__all__ = ["call_callbacks", "check_callbacks"]


def check_callbacks(callbacks):
    """Refuse callbacks that cannot be called.

    Parameters
    ----------
    callbacks : list or None

    Raises
    ------
    TypeError
        If one is not callable.

    Examples
    --------
    >>> check_callbacks([print])
    """
    for number, callback in enumerate(callbacks or ()):
        if not callable(callback) or isinstance(callback, type):
            raise TypeError(
                f"callbacks[{number}] is {brief(callback)}, which cannot be called with (study, trial). Give "
                "functions or objects as Optuna's optimize takes them, such as its MLflowCallback()."
            )


def call_callbacks(callbacks, study, number, raise_errors):
    """Call every callback with a trial that is finished.

    Parameters
    ----------
    callbacks : list or None
        Each is called with ``(study, trial)``.
    study : optuna.Study
    number : int
        Of the trial.
    raise_errors : bool
        Whether an error of a callback is raised; otherwise it is a warning, and the search goes on.

    Returns
    -------
    bool
        Whether one of them stopped the study.

    Examples
    --------
    >>> import optuna
    >>> study = optuna.create_study()
    >>> study.optimize(lambda trial: 1.0, n_trials=1)
    >>> call_callbacks([lambda study, trial: print(trial.value)], study, 0, raise_errors=True)
    1.0
    False
    """
    if not callbacks:
        return False
    trial = study.get_trials(deepcopy=False)[number]
    with stoppable(study):
        for position, callback in enumerate(callbacks):
            try:
                callback(study, deepcopy(trial))
            except Exception as error:
                name = getattr(callback, "__name__", type(callback).__name__)
                failure = f"callbacks[{position}] ({name}) failed after trial {number}, which is kept"
                if raise_errors:
                    error.add_note(f"{failure}.")
                    raise
                warnings.warn(f"{failure}: {type(error).__name__}: {error}", stacklevel=6)
    return study._stop_flag
