"""What a result is signed with: how it was made, in JSON for people and in a recipe for `rerun`."""

import contextlib
import pickle
import platform
import re
import warnings
from collections.abc import Mapping
from importlib import metadata

import joblib
import numpy as np

from avfusion.persistence import in_one_step

RECIPE = "recipe.joblib"
_ADDRESS = re.compile(" at 0x[0-9a-fA-F]+")
_PACKAGES = ("avfusion", "numpy", "pandas", "scikit-learn", "torch", "skorch", "optuna")


def package_versions():
    """Return the versions of Python and of the packages that results depend on.

    Returns
    -------
    dict of str to str
        Without the packages that are not installed.

    Examples
    --------
    >>> "torch" in package_versions()
    True
    """
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions


def described(estimator):
    """Tell an estimator in what JSON can hold: its class and all its parameters, nested ones too.

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
        "parameters": {key: plain(value) for key, value in estimator.get_params().items()},
    }


def rows_of(folds):
    """Tell folds in what JSON can hold.

    Parameters
    ----------
    folds : list of (train, test)

    Returns
    -------
    list of dict
    """
    return [{"train": train.tolist(), "test": test.tolist()} for train, test in folds]


def plain(value):
    """Return what JSON can hold, and text for everything else.

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
    if (
        value is None
        or isinstance(value, (bool, int, str))
        or (isinstance(value, float) and np.isfinite(value))
    ):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return getattr(value, "__qualname__", None) or _ADDRESS.sub("", repr(value))


def write_recipe(recipe, folder):
    """Write what `rerun` needs, or warn that it cannot be pickled.

    Parameters
    ----------
    recipe : dict or None
        None removes the file of another result.
    folder : Path

    Warns
    -----
    UserWarning
        If a part, such as a lambda, cannot be pickled.
    """
    file = folder / RECIPE
    file.unlink(missing_ok=True)  # never that of another result
    if recipe is None:
        return
    try:
        with in_one_step(file) as path:
            joblib.dump(recipe, path)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        warnings.warn(f"{RECIPE} was not written, rerun will not work: {error}", stacklevel=4)
