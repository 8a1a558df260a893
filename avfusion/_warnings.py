"""Warnings that name the line of the user's own code, however many callers lie in between."""

import sys
import warnings

PASSED_OVER = {"avfusion", "contextlib", "functools", "joblib", "pandas", "sklearn"}


def warn_user(message, category=UserWarning):
    """Warn from the innermost caller that is neither of this package nor of a tool that called it.

    How many callers there are depends on the tool: scikit-learn wraps ``fit`` more than once.

    Parameters
    ----------
    message : str
    category : type, default=UserWarning

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_user("Labels are constant.")
    >>> str(caught[0].message)
    'Labels are constant.'
    """
    warnings.warn(message, category, stacklevel=_levels_to_user())


def _levels_to_user():
    """Count the callers of `warn_user` up to the first outside of what is passed over, itself among them."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and _package(frame) in PASSED_OVER:
        frame, level = frame.f_back, level + 1
    return level


def _package(frame):
    return (frame.f_globals.get("__name__") or "").partition(".")[0]
