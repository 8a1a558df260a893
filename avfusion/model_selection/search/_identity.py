"""What a search is about, as hashes that are the same in another process: is a study that was found its own?

Pickles and ``repr`` will not do: a function is pickled by its name, whatever it has come to do, and the text
of most objects holds an address. Content is taken apart instead: estimators into their parameters, functions
into their code (not that of functions they call), other objects into their attributes.
"""

import functools
import types
from collections.abc import Mapping

import joblib
import numpy as np
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, distribution_to_json

from avfusion.model_selection.records._fingerprint import fingerprint

__all__ = ["check_identity", "content_hash", "identity_of"]

_KEY = "search"


def content_hash(value):
    """Hash an object by its content: the same in every process, another one when a function's code changes.

    Parameters
    ----------
    value : object
        Estimators, functions, containers, arrays, and what has attributes of these kinds.

    Returns
    -------
    str
        Hexadecimal digits.

    Examples
    --------
    >>> content_hash([1, lambda x: x + 1]) == content_hash([1, lambda x: x + 1])
    True
    >>> content_hash(lambda x: x + 1) == content_hash(lambda x: x + 2)
    False
    """
    return joblib.hash(_content(value, ()))


def _content(value, path):
    """Return plain Python that stands for a value; `path` holds the objects around it, against cycles."""
    if id(value) in path:
        return ("above", path.index(id(value)))
    path = (*path, id(value))
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic, range)):
        return repr(value)
    if isinstance(value, (pd.DataFrame, pd.Series, np.ndarray)):
        return fingerprint(value)
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, CategoricalDistribution):
        return ["choices", *(_content(choice, path) for choice in value.choices)]
    if isinstance(value, BaseDistribution):
        return distribution_to_json(value)
    if isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
        inner = [value.__defaults__, value.__kwdefaults__, cells]
        return ["function", _code(value.__code__), *(_content(part, path) for part in inner)]
    if isinstance(value, types.MethodType):
        return ["method", value.__func__.__qualname__, _content(value.__self__, path)]
    if isinstance(value, functools.partial):
        return [_content(part, path) for part in (value.func, value.args, value.keywords)]
    if isinstance(value, Mapping):
        return [[_content(part, path) for part in item] for item in value.items()]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *(_content(item, path) for item in value)]
    if isinstance(value, (set, frozenset)):
        return ["set", *sorted(joblib.hash(_content(item, path)) for item in value)]
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if hasattr(value, "get_params"):
        return [kind, _content(dict(sorted(value.get_params(deep=False).items())), path)]
    if getattr(value, "__dict__", None) and not isinstance(value, types.ModuleType):
        return [kind, _content(dict(sorted(vars(value).items())), path)]
    try:
        return [kind, joblib.hash(value)]
    except Exception:  # whatever does not pickle: its type is all that is known of it
        return kind


def _code(code):
    """Return what a function does: neither its name nor the lines where it stands."""
    constants = [_code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code.hex(), constants, list(code.co_names), list(code.co_varnames)]


def _is_filled(cell):
    try:
        cell.cell_contents  # noqa: B018 - an empty one raises
    except ValueError:
        return False
    return True


def identity_of(estimator, scoring, space, folds, X, y, groups):
    """Hash each of the things that decide what a trial's score means.

    Parameters
    ----------
    estimator : estimator
    scoring : str, callable or None
    space : dict of str to optuna distribution, or callable
    folds : list of (train, test)
    X, y : DataFrame, Series, list or array
    groups : ndarray or None

    Returns
    -------
    dict of str to str
        Hashes of "data", "folds", "estimator", "scoring" and "space".

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> X, y, folds = np.zeros((4, 1)), np.zeros(4), [(np.arange(2), np.arange(2, 4))]
    >>> sorted(identity_of(Ridge(), None, {"alpha": [1, 2]}, folds, X, y, None))
    ['data', 'estimator', 'folds', 'scoring', 'space']
    """
    return {
        "data": fingerprint(X, y),
        "folds": content_hash([folds, groups]),
        "estimator": content_hash(estimator),
        "scoring": content_hash(scoring),
        "space": content_hash(space),
    }


def check_identity(study, identity):
    """Sign a new study with what it is about; refuse one that is about something else.

    Parameters
    ----------
    study : optuna.Study
    identity : dict of str to str
        From `identity_of`.

    Raises
    ------
    ValueError
        If the study minimises, or holds trials of another search, or of none.
    """
    name = study.study_name
    if study.direction.name != "MAXIMIZE":
        raise ValueError(
            f"Study {name!r} minimises, and of scores the highest is the best. Use another name."
        )
    known = study.user_attrs.get(_KEY)
    if known is None and any(trial.state.is_finished() for trial in study.get_trials(deepcopy=False)):
        raise ValueError(
            f"Study {name!r} holds trials that are not of a search: nobody knows what their scores are of. "
            "Use another study_name or storage."
        )
    if known is None:
        study.set_user_attr(_KEY, identity)
        return
    other = [part for part, digest in identity.items() if known.get(part) != digest]
    if other:
        raise ValueError(
            f"Study {name!r} holds trials of a search with other {', '.join(other)}: their scores would be "
            "taken for scores of this one. Use another study_name, or none, which makes one for each search."
        )
