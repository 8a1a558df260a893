"""Comparisons of several targets, for the tests of what is made of them."""

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from avfusion.model_selection import compare

NAMES = ["arousal", "valence", "mean"]


def labels(n_rows=60):
    """Return features, labels of three targets, one of which half of the groups lack, and groups."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 3))
    y = pd.DataFrame(X + rng.normal(size=X.shape), columns=NAMES)
    groups = np.arange(n_rows) % 12
    y.loc[groups >= 6, "valence"] = np.nan
    return X, y, groups


class Columns(Ridge):
    """Ridge regression of every column by itself, on its labelled rows."""

    def fit(self, X, y):
        kept = [y[name].notna() for name in y]
        self.models_ = [Ridge(self.alpha).fit(X[rows], y[name][rows]) for name, rows in zip(y, kept)]
        return self

    def predict(self, X):
        return np.column_stack([model.predict(X) for model in self.models_])


def several(models=None, scoring=("ccc", "mae"), **options):
    """Compare on three targets."""
    X, y, groups = labels()
    models = {"a": Columns(1.0), "b": Columns(30.0), "c": Columns(1e3)} if models is None else models
    options = {"groups": groups, "cv": 4, "verbose": False} | options
    return compare(models, X, y, scoring=scoring, **options)
