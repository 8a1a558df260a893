"""Groups, weights and other metadata of rows, on their way to the estimators that an estimator fits.

They travel where scikit-learn's metadata routing is on, and to those that ask for them by
``set_fit_request``, as in scikit-learn's own meta-estimators.
"""

from sklearn import get_config
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from avfusion._sklearn_compat import _raise_for_params
from avfusion.sequences._groups import read_groups

__all__ = ["fit_router", "routed_to_fit"]


def fit_router(owner, estimators):
    """Return the routing of an estimator whose ``fit`` fits others.

    Parameters
    ----------
    owner : estimator
        What it asks for itself is kept.
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
    router = MetadataRouter(owner=owner).add_self_request(owner)
    for name, estimator in estimators:
        router.add(method_mapping=MethodMapping().add(caller="fit", callee="fit"), **{name: estimator})
    return router


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
    groups : str or array-like of shape (n_rows,), optional
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
