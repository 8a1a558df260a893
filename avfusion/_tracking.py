"""MLflow's automatic logging, kept from taking a part for the whole.

`mlflow.sklearn.autolog` replaces methods of scikit-learn's own classes, and logs the outermost of them that
is fitted. Within what is fitted here that would be a part: the ridge regression of a `FrameRegressor`, a fold
of a comparison.
"""

import sys
from contextlib import contextmanager
from threading import Lock

from avfusion._warnings import warn_user

_LOCK = Lock()
_INSIDE = []  # what `untracked` switched off, once for each that is open, in all threads


@contextmanager
def untracked():
    """Keep MLflow's autolog from logging what is fitted meanwhile.

    Examples
    --------
    >>> with untracked():
    ...     part = [1.0]  # a fit
    """
    settings = _enter()
    try:
        yield
    finally:
        if settings is not None:
            _leave(settings)


def warn_if_not_logged(estimator):
    """Warn where MLflow's autolog is on and does not log the fit of an estimator of this package.

    Parameters
    ----------
    estimator : estimator
        Whose ``fit`` calls this.

    Examples
    --------
    >>> warn_if_not_logged("an estimator, where MLflow is not in use")
    """
    if _settings() is None:
        return
    from mlflow.utils.autologging_utils import safety

    session = getattr(safety, "_AutologgingSessionManager", None)
    if session is not None and session.active_session() is None:
        warn_user(
            "MLflow's autolog knows scikit-learn's own classes, so this fit is not logged. Have it logged by "
            f"fitting make_pipeline({type(estimator).__name__}(...))."
        )


def _enter():
    """Switch autolog off if it is on, or is off because of other threads that are in `untracked`."""
    with _LOCK:
        settings = _settings() or (_INSIDE[-1] if _INSIDE else None)
        if settings is not None:
            settings["disable"] = True
            _INSIDE.append(settings)
        return settings


def _leave(settings):
    """Switch autolog on again behind the last thread that leaves `untracked`."""
    with _LOCK:
        _INSIDE.pop()
        if not _INSIDE:
            settings["disable"] = False


def _settings():
    """Return the settings of mlflow.sklearn.autolog where it is on, else None."""
    mlflow = sys.modules.get("mlflow.utils.autologging_utils")
    settings = getattr(mlflow, "AUTOLOGGING_INTEGRATIONS", {}).get("sklearn", {})
    paused = getattr(mlflow, "_AUTOLOGGING_GLOBALLY_DISABLED", False)
    return None if paused or settings.get("disable", True) else settings
