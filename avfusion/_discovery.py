"""The list of estimators, found by looking through the package."""

import importlib

import pandas as pd

from avfusion.estimators._base import SequenceRegressorMixin
from avfusion.estimators._module_parameters import ModuleParameters

__all__ = ["all_estimators"]

ROOMS = ("estimators", "fusion", "released")  # whose public names are looked through


def all_estimators():
    """List the regressors of this package with what tells them apart.

    `FusionRegressor` and `EncodedFusionRegressor`, which need a network or core of the user's, are left out.

    Returns
    -------
    DataFrame
        One row per estimator, indexed by the name of its class, with columns

        - "estimator": the class;
        - "needs alignment": whether the streams of a row must have the same number of steps, also where
          labels are per clip (a wrapper such as `RescaledRegressor`: as what it wraps by default);
        - "any length": whether a row may have any number of steps; otherwise it is worked on in windows of
          one fixed length;
        - "published in": arXiv number of the method, empty for classical ones.

    Examples
    --------
    >>> from avfusion import all_estimators
    >>> table = all_estimators()
    >>> table.loc["RecursiveJointAttentionRegressor", "published in"]
    'arXiv 2304.07958'
    >>> models = {name: cls() for name, cls in table["estimator"].items()}
    """
    modules = [importlib.import_module(f"avfusion.{room}") for room in ROOMS]
    public = [getattr(module, name) for module in modules for name in module.__all__]
    classes = [c for c in public if isinstance(c, type) and issubclass(c, SequenceRegressorMixin)]
    chosen = sorted((c for c in classes if not _is_open(c)), key=lambda c: c.__name__)
    return pd.DataFrame(
        {
            "estimator": pd.Series(chosen, dtype=object),
            "needs alignment": [c.fusion_tags.needs_alignment for c in chosen],
            "any length": [c.fusion_tags.any_length for c in chosen],
            "published in": [c.fusion_tags.published_in for c in chosen],
        }
    ).set_index(pd.Index([c.__name__ for c in chosen], name="name"))


def _is_open(cls):
    """Return whether a class needs a network or core of the user's."""
    return issubclass(cls, ModuleParameters) and bool(cls._open_modules())
