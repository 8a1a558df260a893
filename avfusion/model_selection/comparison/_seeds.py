"""Which seeds the estimators of a comparison are run with: the same call gives the same table."""

from collections.abc import Mapping
from copy import copy
from numbers import Integral

import numpy as np
from sklearn.linear_model import ElasticNet, Ridge, RidgeClassifier
from sklearn.utils import check_random_state

from avfusion._sklearn_compat import cloned_with
from avfusion.sequences._messages import quoted


def seed_of(random_state):
    """Return a number that stands for a random state, which may be None or a generator in use.

    Parameters
    ----------
    random_state : int, RandomState or None

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is none of these, or a number that numpy takes for no seed.

    Examples
    --------
    >>> seed_of(3)
    3
    """
    # None is not numpy's global generator, which others may have seeded
    generator = np.random.RandomState() if random_state is None else check_random_state(random_state)
    return int(random_state) if isinstance(random_state, Integral) else int(generator.randint(2**31))


def read_n_seeds(n_seeds, estimators):
    """Return the number of seeds of each estimator.

    Parameters
    ----------
    n_seeds : int or mapping of str to int
        For all estimators, or for those that are named; the others have one.
    estimators : dict of str to estimator

    Returns
    -------
    dict of str to int

    Raises
    ------
    ValueError
        If a number is below 1, or there is no such estimator.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> read_n_seeds({"a": 3}, {"a": Ridge(), "b": Ridge()})
    {'a': 3, 'b': 1}
    """
    named = n_seeds if isinstance(n_seeds, Mapping) else dict.fromkeys(estimators, n_seeds)
    unknown = [name for name in named if name not in estimators]
    if unknown:
        known = quoted(estimators)
        raise ValueError(f"n_seeds names {unknown[0]!r}, but the estimators are {known}.")
    for name, number in named.items():
        if not isinstance(number, Integral) or isinstance(number, bool) or number < 1:
            raise ValueError(f"n_seeds must be a whole number of at least 1, not {number!r} (for {name!r}).")
    return {name: int(named.get(name, 1)) for name in estimators}


def seeded(estimator, n_seeds, default):
    """Return a clone of an estimator for each seed.

    Parameters
    ----------
    estimator : estimator
        Not changed.
    n_seeds : int
        An estimator without a parameter that decides what it draws is cloned once.
    default : int
        What a `random_state` of None stands for.

    Returns
    -------
    list of estimator
        In the i-th, from 0, every parameter that is called random_state, also of nested estimators, is i more
        than it was, or `default` + i if it was None; so is that of estimators in lists and dicts, such as the
        candidates of a search. Splitters that shuffle get `default` + i for None. RandomState instances and
        seeds of splitters stay as they are.

    Examples
    --------
    >>> from sklearn.ensemble import ExtraTreesRegressor
    >>> [trees.random_state for trees in seeded(ExtraTreesRegressor(), 3, default=0)]
    [0, 1, 2]
    >>> len(seeded(Ridge(), 3, default=0))
    1
    """
    first = {
        name: default if value is None else int(value) for name, value in _random_states(estimator).items()
    }
    hidden = _hidden(estimator)
    return [
        cloned_with(
            estimator,
            {name: _copy(value, default, i) for name, value in hidden.items()}
            | {name: (value + i) % 2**32 for name, value in first.items()},
        )
        for i in range(n_seeds if first or hidden else 1)
    ]


def seeded_splitter(cv, seed):
    """Return a copy of a splitter that shuffles without a seed, with one; anything else as it is.

    Parameters
    ----------
    cv : splitter or object
    seed : int

    Returns
    -------
    splitter or object

    Examples
    --------
    >>> from sklearn.model_selection import KFold
    >>> seeded_splitter(KFold(3, shuffle=True), 7)
    KFold(n_splits=3, random_state=7, shuffle=True)
    >>> seeded_splitter(5, 7)
    5
    """
    if not _is_unseeded_splitter(cv):
        return cv
    own = copy(cv)
    own.random_state = seed % 2**32
    return own


def seeds_of(estimators):
    """Return the seeds of an estimator's runs by the name of the parameter.

    Parameters
    ----------
    estimators : list of estimator
        From `seeded`.

    Returns
    -------
    dict of str to list of int

    Examples
    --------
    >>> from sklearn.ensemble import ExtraTreesRegressor
    >>> seeds_of(seeded(ExtraTreesRegressor(random_state=5), 2, default=0))
    {'random_state': [5, 6]}
    """
    runs = [_random_states(estimator) for estimator in estimators]
    return {name: [run[name] for run in runs] for name in runs[0]}


def _random_states(estimator):
    """Return the parameters called random_state that are None or a number, and that are used."""
    parameters = estimator.get_params()
    found = {}
    for name, value in parameters.items():
        owner, _, last = name.rpartition("__")
        is_seed = value is None or (isinstance(value, Integral) and not isinstance(value, bool))
        if last == "random_state" and is_seed and _draws(parameters[owner] if owner else estimator):
            found[name] = value
    return found


def _hidden(estimator):
    """Return the parameters that hold splitters or estimators that draw, where get_params does not look."""
    parameters = estimator.get_params()
    known = {id(value) for value in parameters.values()}
    return {
        name: value
        for name, value in parameters.items()
        if _is_unseeded_splitter(value) or (_is_container(value) and _holds_seeds(value, known))
    }


def _is_container(value):
    return type(value) in (list, tuple, dict)


def _items(value):
    return value.values() if isinstance(value, dict) else value


def _holds_seeds(value, known):
    """Return whether a container holds what draws, and is not known by a parameter of its own."""
    if id(value) in known and not _is_container(value):
        return False
    if _is_container(value):
        return any(_holds_seeds(item, known) for item in _items(value))
    if _is_estimator(value):
        return bool(_random_states(value) or _hidden(value))
    return _is_unseeded_splitter(value)


def _copy(value, default, i):
    """Return a copy of a value in which all that draws has the seeds of run i."""
    if _is_container(value):
        if isinstance(value, dict):
            return {key: _copy(item, default, i) for key, item in value.items()}
        return type(value)(_copy(item, default, i) for item in value)
    if _is_estimator(value) and (_random_states(value) or _hidden(value)):
        return seeded(value, i + 1, default)[i]
    return seeded_splitter(value, default + i)


def _is_estimator(value):
    return hasattr(value, "get_params") and hasattr(value, "fit") and not isinstance(value, type)


def _is_unseeded_splitter(value):
    """Return whether a value splits rows at random without a seed; KFold has one only if it shuffles."""
    if isinstance(value, type) or not (hasattr(value, "split") and hasattr(value, "random_state")):
        return False
    return value.random_state is None and getattr(value, "shuffle", True) and not _is_estimator(value)


def _draws(estimator):
    """Return whether an estimator that has a random_state uses it: linear models do with some solvers."""
    if isinstance(estimator, (Ridge, RidgeClassifier)):
        return estimator.solver in ("sag", "saga")
    return estimator.selection == "random" if isinstance(estimator, ElasticNet) else True
