"""Provenance of a result: as JSON for people, as a recipe for `rerun`, and what would differ next time."""

import re
import warnings
from collections.abc import Mapping
from copy import deepcopy

import numpy as np
from sklearn.base import clone

from avfusion._atomic import atomic_write
from avfusion._by_value import dump
from avfusion.model_selection.records._urls import without_password

RECIPE = "recipe.joblib"
_ADDRESS = re.compile(" at 0x[0-9a-fA-F]+")


def described(estimator):
    """Describe an estimator as JSON: its class and all its parameters, nested ones too.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    dict

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> described(Ridge(alpha=2.0))["parameters"]["alpha"]
    2.0
    """
    return {
        "class": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "parameters": plain(estimator.get_params()),
    }


def rows_of(folds):
    """Return folds as JSON.

    Parameters
    ----------
    folds : list of (train, test)

    Returns
    -------
    list of dict

    Examples
    --------
    >>> rows_of([(np.array([1, 2]), np.array([0]))])
    [{'train': [1, 2], 'test': [0]}]
    """
    return [{"train": train.tolist(), "test": test.tolist()} for train, test in folds]


def plain(value):
    """Return a value as JSON can hold it, with text for everything else and no password in URLs.

    Parameters
    ----------
    value : object

    Returns
    -------
    object

    Examples
    --------
    >>> plain({"a": np.float64(0.5), "b": (1, float)})
    {'a': 0.5, 'b': [1, 'float']}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return without_password(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and np.isfinite(value):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return text_of(value)


def text_of(value):
    """Return a text for a function, class or other object that is the same in every process.

    Parameters
    ----------
    value : object

    Returns
    -------
    str

    Examples
    --------
    >>> text_of(abs), text_of((1, 5))
    ('abs', '(1, 5)')
    """
    return getattr(value, "__qualname__", None) or without_password(_ADDRESS.sub("", repr(value)))


def not_repeatable(estimator):
    """Find parameters of searches that make them try other configurations when they are run again.

    Parameters
    ----------
    estimator : estimator
        Not fitted: a search of this package or another, or an estimator that contains one.

    Returns
    -------
    list of str
        One reason for each such parameter: a ``timeout``, or an optuna ``sampler`` without a seed. Estimators
        whose `random_state` is None are not looked for.

    Examples
    --------
    >>> from optuna.samplers import RandomSampler
    >>> from avfusion.model_selection import FusionSearchCV
    >>> not_repeatable(FusionSearchCV(sampler=RandomSampler()))
    ['sampler: RandomSampler has no seed']
    >>> not_repeatable(FusionSearchCV(sampler=RandomSampler(seed=0)))
    []
    """
    reasons = []
    for name, value in estimator.get_params().items():
        kind = name.rpartition("__")[2]
        if kind == "timeout" and value is not None:
            reasons.append(f"{name}={value:g} s: the number of trials that finish in time varies")
        elif kind == "sampler" and hasattr(value, "sample_relative") and _lacks_seed(value):
            reasons.append(f"{name}: {type(value).__name__} has no seed")
    return reasons


def _lacks_seed(sampler):
    """Return whether two copies of an optuna sampler begin with different suggestions."""
    import optuna  # here, since comparisons do without it

    parameters = {f"x{number}": optuna.distributions.IntDistribution(0, 999) for number in range(4)}
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # creating a study is logged
    try:
        first, again = (
            optuna.create_study(sampler=deepcopy(sampler)).ask(parameters).params for _ in range(2)
        )
    except Exception:  # a grid, for instance, suggests only its own parameters
        return False
    finally:
        optuna.logging.set_verbosity(level)
    return first != again


def write_recipe(recipe, folder):
    """Write what `rerun` needs, or warn that it cannot be pickled.

    Parameters
    ----------
    recipe : dict or None
        None writes nothing.
    folder : Path
        That of a result which is not complete yet.

    Warns
    -----
    UserWarning
        If a part, such as an open file, cannot be pickled.
    """
    if recipe is None:
        return
    try:
        with atomic_write(folder / RECIPE) as path:
            dump(_without_passwords(recipe), lambda by_value: path.open("wb"))
    except ValueError as error:
        warnings.warn(f"{RECIPE} was not written, so that rerun will not work: {error}", stacklevel=5)


def _without_passwords(recipe):
    """Return a recipe whose estimators, searches among them, hold no URL with a password."""
    if "estimators" not in recipe:
        return recipe
    return recipe | {"estimators": {name: _cleaned(part) for name, part in recipe["estimators"].items()}}


def _cleaned(estimator):
    secret = {
        name: None if name.rpartition("__")[2] == "storage" else without_password(value)
        for name, value in estimator.get_params().items()
        if isinstance(value, str) and without_password(value) != value
    }
    return clone(estimator).set_params(**secret) if secret else estimator
