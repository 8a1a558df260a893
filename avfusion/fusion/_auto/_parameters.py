"""Parameters of `AutoFusionRegressor`, read and checked."""

from collections.abc import Mapping
from numbers import Real

from avfusion._sklearn_compat import InvalidParameterError
from avfusion.estimators import _inputs as inputs
from avfusion.estimators._late_fusion_members import check_regressor
from avfusion.fusion._auto._candidates import Candidate, default_candidates
from avfusion.fusion._auto._held_out import CONSTANT
from avfusion.fusion._auto._report import COMBINATION, SCORES
from avfusion.sequences._messages import brief, quoted

__all__ = [
    "check_budget",
    "checked_scoring",
    "estimator_of",
    "is_default",
    "read_candidates",
    "with_estimator",
]

DEFAULT = "default"


def is_default(value):
    """Return whether a value of `candidates` stands for the default ones.

    Examples
    --------
    >>> is_default("default"), is_default(None)
    (True, False)
    """
    return isinstance(value, str) and value == DEFAULT


def estimator_of(value):
    """Return the estimator of a value of `candidates`, which may come with its streams.

    Examples
    --------
    >>> estimator_of(("estimator", "audio"))
    'estimator'
    """
    return value[0] if isinstance(value, (tuple, list)) and len(value) == 2 else value


def with_estimator(value, estimator):
    """Return a value of `candidates` with another estimator.

    Examples
    --------
    >>> with_estimator(("estimator", "audio"), "other")
    ('other', 'audio')
    """
    return type(value)([estimator, value[1]]) if isinstance(value, (tuple, list)) else estimator


def checked_scoring(scoring, form):
    """Return what the combination is for.

    Parameters
    ----------
    scoring : str
    form : TargetForm
        Of the labels.

    Returns
    -------
    str

    Raises
    ------
    InvalidParameterError
        If there is no such score.

    Examples
    --------
    >>> from avfusion.sequences import as_targets
    >>> checked_scoring("auto", as_targets([1.0, 2.0]).form)
    'mae'
    """
    if isinstance(scoring, str) and scoring == "auto":
        return "ccc" if form.per_frame else "mae"
    if not isinstance(scoring, str) or scoring not in SCORES:
        raise InvalidParameterError(f"scoring={brief(scoring)} must be 'auto' or one of {quoted(SCORES)}.")
    return scoring


def check_budget(budget_s):
    """Raise unless a budget is None or a number of seconds.

    Examples
    --------
    >>> check_budget(60)
    """
    number = isinstance(budget_s, Real) and not isinstance(budget_s, bool) and budget_s >= 0
    if budget_s is not None and not number:
        raise InvalidParameterError(
            f"budget_s={brief(budget_s)} must be a number of seconds, 0 or more, or None for no limit."
        )


def read_candidates(candidates, data, random):
    """Return the candidates to try.

    Parameters
    ----------
    candidates : dict or None
        As `AutoFusionRegressor` takes it.
    data : Recordings
        With labels.
    random : RandomState
        For the seeds of the default ones.

    Returns
    -------
    list of Candidate

    Raises
    ------
    ValueError
        If there is none, one is no regressor or has a name that is taken, or sees a stream that X does not
        have.
    """
    if candidates is None:
        return default_candidates(data, random)
    if not isinstance(candidates, Mapping):
        raise InvalidParameterError(
            f"candidates={brief(candidates)} must be a dict of names and estimators, or None for the "
            "default ones."
        )
    if not candidates:
        raise ValueError("candidates is empty. Give at least one, or None for the default ones.")
    read = []
    for name, value in candidates.items():
        read += default_candidates(data, random) if is_default(value) else [_read(name, value, data)]
    names = [one.name for one in read] + [CONSTANT, COMBINATION]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"The name {name!r} is taken by another candidate. Rename the one in candidates.")
    return read


def _read(name, value, data):
    """Return a candidate that the user gave."""
    if not isinstance(name, str) or "__" in name or not name:
        raise InvalidParameterError(
            f"The name {brief(name)} in candidates must be a text without '__', as in a Pipeline."
        )
    if isinstance(value, (tuple, list)) and len(value) != 2:
        raise InvalidParameterError(
            f"Candidate {name!r} must be an estimator or a pair (estimator, streams), not {brief(value)}."
        )
    estimator = estimator_of(value)
    check_regressor(estimator, f"Candidate {name!r}", f", or {DEFAULT!r} for the default ones")
    streams = value[1] if isinstance(value, (tuple, list)) else None
    return Candidate(name, estimator, inputs.choose_modalities(data, streams), given=True)
