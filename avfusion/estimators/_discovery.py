"""Which estimators there are, and what each of them needs."""

import importlib

import pandas as pd
from sklearn.base import is_regressor

from avfusion.estimators._network_regressor import FusionRegressor

__all__ = ["all_estimators"]


def all_estimators():
    """List the regressors of this package with what tells them apart.

    Returns
    -------
    DataFrame
        One line per estimator, indexed by the name of its class, with columns

        - "estimator": the class;
        - "needs alignment": whether the streams of a row must have the same number of steps, also where
          labels are per clip (a wrapper such as `RescaledRegressor`: as what it wraps by default);
        - "any length": whether a row may have any number of steps; otherwise it is worked on in windows of
          one fixed length;
        - "published in": arXiv number of the method, empty for classical ones.

    Examples
    --------
    >>> from avfusion.estimators import all_estimators
    >>> table = all_estimators()
    >>> table.loc["RecursiveJointAttentionRegressor", "published in"]
    'arXiv 2304.07958'
    >>> models = {name: cls() for name, cls in table["estimator"].items()}
    """
    module = importlib.import_module("avfusion.estimators")
    classes = [getattr(module, name) for name in module.__all__]
    chosen = [c for c in classes if isinstance(c, type) and c is not FusionRegressor and is_regressor(c())]
    return pd.DataFrame(
        {
            "estimator": pd.Series(chosen, dtype=object),
            "needs alignment": [c.fusion_tags.needs_alignment for c in chosen],
            "any length": [c.fusion_tags.any_length for c in chosen],
            "published in": [c.fusion_tags.published_in for c in chosen],
        }
    ).set_index(pd.Index([c.__name__ for c in chosen], name="name"))
