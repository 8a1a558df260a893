"""Groups, weights and other metadata of rows, on their way to the estimators that an estimator fits.

They travel where scikit-learn's metadata routing is on, and to those that ask for them by
``set_fit_request``, as in scikit-learn's own meta-estimators. Weights travel with routing off, too: an
estimator that takes ``sample_weight`` hands it to all that it fits, and one that takes none is refused.
"""

import inspect

from sklearn import get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    get_routing_for_object,
    process_routing,
)
from sklearn.utils.validation import has_fit_parameter

from avfusion._sklearn_compat import _raise_for_params
from avfusion.estimators._weights import check_takes_weights
from avfusion.sequences._groups import read_groups
from avfusion.sequences._messages import brief

__all__ = ["asking_for_weights", "fit_router", "routed_to_fit", "weight_parameter", "weight_parameters"]

WEIGHT = "sample_weight"


def fit_router(owner, estimators):
    """Return the routing of an estimator whose ``fit`` fits others.

    Parameters
    ----------
    owner : estimator
        What it asks for itself is kept. Weights that one of the others asks for need no request of its own.
    estimators : iterable of (str, estimator)
        Those that it fits.

    Returns
    -------
    MetadataRouter

    Examples
    --------
    >>> from sklearn import config_context
    >>> from sklearn.base import BaseEstimator
    >>> from sklearn.linear_model import Ridge
    >>> with config_context(enable_metadata_routing=True):
    ...     ridge = Ridge().set_fit_request(sample_weight=True)
    ...     fit_router(BaseEstimator(), [("ridge", ridge)]).consumes("fit", ["sample_weight", "groups"])
    {'sample_weight'}
    """
    router = MetadataRouter(owner=owner)
    for name, estimator in estimators:
        router.add(method_mapping=MethodMapping().add(caller="fit", callee="fit"), **{name: estimator})
    own = owner._get_metadata_request()
    if own.fit.requests.get(WEIGHT, False) is None and router.consumes("fit", [WEIGHT]):
        own.fit.add_request(param=WEIGHT, alias=False)
    return router.add_self_request(own)


def routed_to_fit(owner, X, params, groups=None):
    """Sort out which estimator gets which metadata.

    Parameters
    ----------
    owner : estimator
        With ``get_metadata_routing``.
    X : DataFrame
        The rows. ``groups`` may name one of its columns.
    params : dict
        Metadata that ``fit`` got for others.
    groups : str, sequence of str or array-like of shape (n_rows,), optional
        Groups that ``fit`` got for itself and others.

    Returns
    -------
    callable
        From the name of an estimator to a dict, what its ``fit`` has to be given; empty where routing is off.

    Raises
    ------
    ValueError
        If there is metadata for others, and routing is off.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> routed_to_fit(BaseEstimator(), None, {}, groups=[1, 1, 2])("ridge")
    {}
    """
    if not get_config()["enable_metadata_routing"]:
        _raise_for_params(params, owner, "fit")
        return lambda name: {}
    given = {"groups": groups, **params}
    given["groups"] = read_groups(given["groups"], X)
    routed = process_routing(owner, "fit", **{k: v for k, v in given.items() if v is not None})
    return lambda name: routed.get(name, {}).get("fit", {})


def weight_parameters(estimator, weights, what):
    """Return what has to be given to the ``fit`` of an estimator, so that it gets weights.

    Parameters
    ----------
    estimator : estimator
        A Pipeline, whose last step gets them, a search, or anything else.
    weights : array-like or None
    what : str
        What messages call the estimator.

    Returns
    -------
    dict
        Empty without weights, and with metadata routing on for one that declines them.

    Raises
    ------
    ValueError
        If it, or one of those that it fits, takes no weights: they would count for nothing.
    TypeError
        If the loss function of a network takes none.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> weight_parameters(make_pipeline(StandardScaler(), Ridge()), [1.0, 2.0], "regressor")
    {'ridge__sample_weight': [1.0, 2.0]}
    >>> weight_parameters(KNeighborsRegressor(), [1.0, 2.0], "regressor")
    Traceback (most recent call last):
        ...
    ValueError: regressor, KNeighborsRegressor(), takes no sample_weight. Use an estimator that does, such as
    Ridge, or fit without weights.
    """
    if weights is None or _declines(estimator):
        return {}
    return {weight_parameter(estimator, what): weights}


def weight_parameter(estimator, what):
    """Return the name by which ``fit`` of an estimator takes weights; raise if it takes none.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> weight_parameter(Ridge(), "regressor")
    'sample_weight'
    """
    routes, inner = get_config()["enable_metadata_routing"], None
    if hasattr(estimator, "_given_estimators"):  # one of ours
        kept = [pair for pair in estimator._given_estimators if not _declines(pair[1])]
        for name, one in kept:
            weight_parameter(one, f"{what}, {name!r}")
        if kept or not estimator._given_estimators:
            return WEIGHT
        raise ValueError(
            f"{what} has nothing to give weights to: all that it fits decline them. Have one take them, by "
            "set_fit_request(sample_weight=True), or fit without weights."
        )
    elif isinstance(estimator, Pipeline):
        name, inner = estimator.steps[-1]
        prefix = f"{name}__"
    elif has_fit_parameter(estimator, WEIGHT):
        return WEIGHT
    elif _requests_weights(estimator):
        check_takes_weights(getattr(estimator, "loss", "auto"))
        return WEIGHT
    elif _passes_on(estimator) and isinstance(getattr(estimator, "estimators", None), list) and not routes:
        for name, one in estimator.estimators:  # of a VotingRegressor, which gives all of them the same
            if hasattr(one, "fit") and weight_parameter(one, f"{what}, {name!r}") != WEIGHT:
                break
        else:
            return WEIGHT
    elif _passes_on(estimator):
        inner = getattr(estimator, "estimator", getattr(estimator, "regressor", None))
        prefix = ""
    if routes and inner is not None and get_routing_for_object(estimator).consumes("fit", [WEIGHT]):
        return WEIGHT
    if routes and inner is not None:
        raise ValueError(
            f"{what}, {brief(estimator)}, asks for no sample_weight. With metadata routing on, each part "
            "that takes weights has to request them, by set_fit_request(sample_weight=True)."
        )
    if hasattr(inner, "fit"):
        return prefix + weight_parameter(inner, what)
    raise ValueError(
        f"{what}, {brief(estimator)}, takes no sample_weight. Use an estimator that does, such as Ridge, or "
        "fit without weights."
    )


def asking_for_weights(estimator):
    """Return an estimator that scikit-learn's tools give the weights that they are given for it.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> asking_for_weights(Ridge())
    Ridge()
    """
    if not get_config()["enable_metadata_routing"]:
        return estimator
    if get_routing_for_object(estimator).consumes("fit", [WEIGHT]):
        return estimator
    return clone(estimator).set_fit_request(sample_weight=True)


def _declines(estimator):
    """Return whether an estimator declines weights, for metadata routing."""
    if not get_config()["enable_metadata_routing"] or not hasattr(estimator, "_get_metadata_request"):
        return False
    return estimator._get_metadata_request().fit.requests.get(WEIGHT) is False


def _requests_weights(estimator):
    """Return whether weights are among what ``fit`` of an estimator can ask for, argument or not."""
    if not hasattr(estimator, "_get_metadata_request"):
        return False
    return WEIGHT in estimator._get_metadata_request().fit.requests


def _passes_on(estimator):
    """Return whether ``fit`` passes keywords on to an estimator that it holds, as scikit-learn's searches."""
    kinds = [parameter.kind for parameter in inspect.signature(estimator.fit).parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds
