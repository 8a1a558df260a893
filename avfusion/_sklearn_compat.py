"""The parts of scikit-learn used here that scikit-learn does not promise to keep: all of them, in one place.

A release of scikit-learn that moves or changes one of these names is met here. Names are scikit-learn's own.
"""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from sklearn.base import _clone_parametrized, clone
from sklearn.utils import _safe_indexing
from sklearn.utils._metadata_requests import _raise_for_params
from sklearn.utils._param_validation import HasMethods, Interval, InvalidParameterError, StrOptions
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import _check_feature_names_in, _check_method_params

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _with_callbacks
except ImportError:  # before 1.9, which has no callbacks

    class CallbackSupportMixin:
        """Nothing: estimators have no ``set_callbacks``."""

    def _with_callbacks(method):
        return method


__all__ = [
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "StrOptions",
    "_BaseComposition",
    "_check_feature_names_in",
    "_check_method_params",
    "_clone_parametrized",
    "_raise_for_params",
    "_safe_indexing",
    "_wrap_data_with_container",
    "as_one_task",
    "callback_task",
    "cloned_with",
    "with_callbacks",
]

Method = TypeVar("Method", bound=Callable)


def cloned_with(estimator, parameters):
    """Return a clone with some parameters changed; ``set_params`` of FrozenEstimator returns nothing.

    Parameters
    ----------
    estimator : estimator
        Not changed.
    parameters : dict
        By their names.

    Returns
    -------
    estimator

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> cloned_with(Ridge(), {"alpha": 3.0})
    Ridge(alpha=3.0)
    """
    copy = clone(estimator)
    copy.set_params(**parameters)
    return copy


def with_callbacks(fit: Method) -> Method:
    """Let scikit-learn's callbacks tidy up after a ``fit``, in which `callback_task` is called.

    Examples
    --------
    >>> with_callbacks(lambda self, X: len(X))(None, [1.0, 2.0])
    2
    """
    return _with_callbacks(fit)


def callback_task(estimator, X, y, max_subtasks=0):
    """Call scikit-learn's callbacks as a ``fit`` begins; return its task, None where there are none.

    Parameters
    ----------
    estimator : estimator
        Whose ``fit`` is decorated by `with_callbacks`, which ends what begins here.
    X, y : as in ``fit``
    max_subtasks : int, default=0
        Number of parts of the fit for which they are called, too.

    Returns
    -------
    CallbackContext or None

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> callback_task(Ridge(), [[1.0]], [1.0]) is None
    True
    """
    if not getattr(estimator, "_skl_callbacks", None):
        return None
    task = estimator._init_callback_context(max_subtasks=max_subtasks)
    return task.call_on_fit_task_begin(estimator=estimator, X=X, y=y)


def as_one_task(fit: Method) -> Method:
    """Call scikit-learn's callbacks when a ``fit`` begins and ends.

    Examples
    --------
    >>> class Estimator(CallbackSupportMixin):
    ...     @as_one_task
    ...     def fit(self, X, y):
    ...         return self
    >>> type(Estimator().fit([[1.0]], [1.0])).__name__
    'Estimator'
    """

    @with_callbacks
    @wraps(fit)
    def with_task(self, *args, **params):
        X, y = (*args, *(params.get(name) for name in ("X", "y")[len(args) :]))[:2]
        task = callback_task(self, X, y)
        result = fit(self, *args, **params)
        if task is not None:
            task.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=dict)
        return result

    return with_task
