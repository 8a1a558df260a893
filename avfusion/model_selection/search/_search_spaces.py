"""Default search spaces for every estimator of this package, also inside Pipelines.

Ranges include the default values, and the parameters that mattered on real recordings of some minutes to some
hours: learning rate, regularisation (dropout, input noise, weight decay), layer width and number of epochs.
They are a start, to be narrowed or extended: a space is a plain dict.
"""

import warnings
from collections.abc import Callable, Mapping
from functools import singledispatch
from inspect import signature

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from sklearn.pipeline import Pipeline
from sklearn.svm import SVR

from avfusion.estimators import LateFusionRegressor
from avfusion.estimators._network_regressor import NetworkRegressor
from avfusion.model_selection.records._provenance import text_of
from avfusion.released import ReleasedJointAttentionRegressor
from avfusion.sequences._messages import brief, quoted

__all__ = ["search_space"]

NETWORK = {
    "lr": FloatDistribution(1e-3, 1e-2, log=True),
    "hidden_size": CategoricalDistribution([16, 32, 64]),
    "dropout": FloatDistribution(0.2, 0.6),
    "input_noise": FloatDistribution(0.0, 0.8),
    "weight_decay": FloatDistribution(1e-3, 0.3, log=True),
    "max_epochs": IntDistribution(20, 60, step=10),
}
RELEASED = NETWORK | {  # large, and trained in small steps
    "lr": FloatDistribution(1e-5, 1e-3, log=True),
    "hidden_size": CategoricalDistribution([128, 256, 512]),
    "weight_decay": FloatDistribution(0.0, 0.1),
}
OF_ONE_METHOD = {  # further parameters, where an estimator has them
    "n_recursions": IntDistribution(1, 3),
    "attention": CategoricalDistribution(["softmax", "tanh"]),
}
ALPHA = FloatDistribution(1e-1, 1e5, log=True)
FOREST = {
    "min_samples_leaf": IntDistribution(1, 50, log=True),
    "max_features": FloatDistribution(0.1, 1.0),
}
CLASSICAL = {
    Ridge: {"alpha": ALPHA},
    Lasso: {"alpha": FloatDistribution(1e-4, 1.0, log=True)},
    ElasticNet: {"alpha": FloatDistribution(1e-4, 1.0, log=True), "l1_ratio": FloatDistribution(0.05, 0.95)},
    SVR: {"C": FloatDistribution(1e-2, 1e2, log=True), "epsilon": FloatDistribution(1e-2, 0.5, log=True)},
    HistGradientBoostingRegressor: {
        "learning_rate": FloatDistribution(0.02, 0.2, log=True),
        "max_iter": IntDistribution(50, 400, log=True),
        "max_leaf_nodes": IntDistribution(4, 63, log=True),
        "l2_regularization": FloatDistribution(1e-3, 10.0, log=True),
    },
    ExtraTreesRegressor: FOREST,
    RandomForestRegressor: FOREST,
}


def search_space(estimator) -> dict[str, BaseDistribution]:
    """Return the default search space of an estimator or of a Pipeline.

    For networks it has the learning rate, width, regularisation and number of epochs, and parameters of the
    method (such as the number of recursions). Steps of Pipelines, members of late fusion and wrapped
    regressors contribute theirs under nested names; transformers have none. A parameter that differs from its
    default is left out: it was set on purpose, and a search keeps it.

    Parameters
    ----------
    estimator : estimator
        Not fitted and not changed.

    Returns
    -------
    dict of str to optuna distribution
        Empty for estimators that are not known, or where all that would be searched is set.

    Examples
    --------
    >>> import avfusion as av
    >>> "max_epochs" in search_space(av.EarlyFusionRegressor(max_epochs=5))
    False
    >>> from sklearn.pipeline import make_pipeline
    >>> from optuna.distributions import IntDistribution
    >>> from avfusion.model_selection import search_space
    >>> space = search_space(make_pipeline(av.Align(rate_hz=1.0), av.EarlyFusionRegressor()))
    >>> sorted(space)[:2]
    ['earlyfusionregressor__dropout', 'earlyfusionregressor__hidden_size']
    >>> del space["earlyfusionregressor__hidden_size"]  # narrow it,
    >>> space["earlyfusionregressor__n_members"] = IntDistribution(1, 3)  # extend it
    """
    full = _full_space(estimator)
    kept = kept_parameters(estimator)
    return {name: distribution for name, distribution in full.items() if name not in kept}


def kept_parameters(estimator) -> dict:
    """Return the parameters that `search_space` leaves out since the user set them, with their values.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    dict of str to value

    Examples
    --------
    >>> import avfusion as av
    >>> kept_parameters(av.FrameRegressor(Ridge(alpha=10.0)))
    {'regressor__alpha': 10.0}
    """
    values, kept = estimator.get_params(), {}
    for name in _full_space(estimator):
        owner, _, own = name.rpartition("__")
        default = signature(type(values[owner] if owner else estimator)).parameters.get(own)
        if default is None or not _same(values[name], default.default):
            kept[name] = values[name]
    return kept


def _same(value, default):
    """Return whether a value is a default; 1 and 1.0 are, 1 and True are not."""
    if isinstance(value, bool) != isinstance(default, bool):
        return False
    if value is default:
        return True
    same = value == default
    return bool(np.ndim(same) == 0 and same)  # an array is no default


@singledispatch
def _full_space(estimator):
    """Return the space of an estimator whatever its parameters are."""
    if type(estimator) in CLASSICAL:
        return dict(CLASSICAL[type(estimator)])
    inner = getattr(estimator, "regressor", getattr(estimator, "estimator", None))
    return _nested("regressor" if hasattr(estimator, "regressor") else "estimator", inner)


@_full_space.register
def _of_network(estimator: NetworkRegressor):
    general = RELEASED if isinstance(estimator, ReleasedJointAttentionRegressor) else NETWORK
    known = estimator.get_params(deep=False)  # a method of a user's own may have fewer
    return {name: d for name, d in (general | OF_ONE_METHOD).items() if name in known}


@_full_space.register
def _of_pipeline(estimator: Pipeline):
    return {key: d for name, step in estimator.steps for key, d in _nested(name, step).items()}


@_full_space.register
def _of_late_fusion(estimator: LateFusionRegressor):
    members = estimator.estimators or ()
    return {key: d for name, member, _ in members for key, d in _nested(name, member).items()}


def _nested(name, estimator):
    if not isinstance(estimator, BaseEstimator):
        return {}
    return {f"{name}__{key}": distribution for key, distribution in _full_space(estimator).items()}


def read_space(space, estimator):
    """Return a space as a dict of distributions or as a callable, checked against the estimator.

    Parameters
    ----------
    space : dict, callable or None
        Parameter name to distribution or list of choices; ``space(trial) -> dict of parameters``; or None
        for `search_space`.
    estimator : estimator
        Whose parameters they are.

    Returns
    -------
    dict of str to optuna distribution, or callable

    Raises
    ------
    TypeError, ValueError
        If the estimator has no such parameter, or its values are neither a distribution nor a list.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> read_space({"alpha": [1, 10]}, Ridge())
    {'alpha': CategoricalDistribution(choices=(1, 10))}
    """
    if isinstance(space, Callable):
        return space
    if space is None:
        space = search_space(estimator)
        kept = kept_parameters(estimator)
        if not space and kept:
            raise ValueError(
                f"The default space of {type(estimator).__name__} is empty, since the estimator sets "
                f"{quoted(kept)} and what is set is kept. Give space, or leave them at their defaults."
            )
        if not space:
            raise ValueError(
                f"No space is known for {type(estimator).__name__}: its inner estimators are None or unknown "
                "to search_space. Set them, or give space."
            )
    if not isinstance(space, Mapping) or not space:
        raise ValueError(
            f"space={brief(space)} for {type(estimator).__name__} must be a dict of parameter name to optuna "
            "distribution or list of choices, with at least one entry, or a function of the trial."
        )
    known = estimator.get_params()
    for name in space:
        if name not in known:
            ending = [key for key in known if key.split("__")[-1] == name.split("__")[-1]]
            hint = f"Did you mean {ending[0]!r}?" if ending else ""
            kind = type(estimator).__name__
            raise ValueError(f"space has {name!r}, but {kind} has no such parameter. {hint}".rstrip())
    return {name: _distribution(name, value) for name, value in space.items()}


def _distribution(name, value):
    if isinstance(value, BaseDistribution):
        return value
    if isinstance(value, (list, tuple)) and len(value):
        with warnings.catch_warnings():  # a storage cannot keep every choice, but it can keep their labels
            warnings.simplefilter("ignore", UserWarning)
            return CategoricalDistribution(value)
    raise TypeError(f"space[{name!r}] is {brief(value)}, not an optuna distribution or a list of choices.")


def labelled(choices):
    """Return choices by labels that a study can keep: plain values themselves, and a text for all others.

    Parameters
    ----------
    choices : sequence
        Any values: tuples, estimators, functions.

    Returns
    -------
    dict
        Label to choice, in the order of the choices. Labels are the same in every process.

    Examples
    --------
    >>> labelled([1, None, (1, 5), abs])
    {1: 1, None: None, '(1, 5)': (1, 5), 'abs': <built-in function abs>}
    """
    labels = {}
    for number, choice in enumerate(choices):
        label = choice
        if not (choice is None or isinstance(choice, (bool, int, float, str))):
            label = text_of(choice)
        if label in labels:  # 1 and True are the same key, as are two functions of one name
            label = f"{number}: {label}"
        labels[label] = choice
    return labels


def suggest(trial, space):
    """Let a trial suggest parameters from a space that `read_space` returned.

    Parameters
    ----------
    trial : optuna.Trial
    space : dict of str to optuna distribution, or callable

    Returns
    -------
    dict of str to value

    Examples
    --------
    >>> import optuna
    >>> from optuna.distributions import FloatDistribution
    >>> trial = optuna.trial.FixedTrial({"alpha": 2.0})
    >>> suggest(trial, {"alpha": FloatDistribution(1.0, 3.0)})
    {'alpha': 2.0}
    """
    if callable(space):
        return space(trial)
    return {name: _suggest_one(trial, name, distribution) for name, distribution in space.items()}


def _suggest_one(trial, name, distribution):
    if isinstance(distribution, CategoricalDistribution):
        choices = labelled(distribution.choices)
        return choices[trial.suggest_categorical(name, list(choices))]
    kind = trial.suggest_float if isinstance(distribution, FloatDistribution) else trial.suggest_int
    step = {} if distribution.step is None else {"step": distribution.step}
    return kind(name, distribution.low, distribution.high, log=distribution.log, **step)
