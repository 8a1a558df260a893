"""Lists of what the package has, found by looking through it."""

import importlib

import numpy as np
import pandas as pd

from avfusion.estimators._base import SequenceRegressorMixin
from avfusion.estimators._module_parameters import ModuleParameters
from avfusion.estimators._step_means import Course, StepMeans
from avfusion.fusion._auto._combination import Combination
from avfusion.fusion._auto._report import FusionGain
from avfusion.sequences._data_spec import DataSpec
from avfusion.sequences._dtype import SequenceDtype
from avfusion.sequences._target_form import TargetForm

__all__ = ["all_estimators", "skops_types"]

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


def skops_types():
    """List the types of fitted estimators of this package, for skops to load.

    skops loads types that it knows and those that are named to it. Named here is what estimators and
    transformers of this package consist of: themselves, networks, what is remembered of the data. None of it
    reads or writes files or starts a process when it is made. What is not named here, such as functions and
    optimizers of your own, a search or the parts of one, is to be looked at: see
    ``skops.io.get_untrusted_types``.

    Returns
    -------
    list of str
        For ``skops.io.load(path, trusted=...)`` and ``mlflow.sklearn.log_model(skops_trusted_types=...)``.

    Examples
    --------
    >>> from avfusion import skops_types
    >>> "avfusion.preprocessing._align.Align" in skops_types()
    True
    """
    modules = [importlib.import_module(f"avfusion.{room}") for room in (*ROOMS, "preprocessing", "networks")]
    public = [getattr(module, name) for module in modules for name in module.__all__]
    types = {value for value in public if isinstance(value, type)}
    types |= {DataSpec, SequenceDtype, TargetForm, Course, StepMeans, Combination, FusionGain, np.dtype}
    return sorted(f"{cls.__module__}.{cls.__qualname__}" for cls in types)
