import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_validate

import avfusion.metrics as metrics
from avfusion.sequences._array import SequenceArray
from avfusion.sequences._targets import as_targets

FUNCTIONS = {
    "ccc": (metrics.ccc_score, 1),
    "pcc": (metrics.pcc_score, 1),
    "sagr": (metrics.sagr_score, 1),
    "neg_rmse": (metrics.root_mean_squared_error, -1),
    "neg_mae": (metrics.mean_absolute_error, -1),
}


class FrameRidge(RegressorMixin, BaseEstimator):
    """Ridge on the frames of one column."""

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y):
        targets = as_targets(y)
        self.form_ = targets.form
        self.ridge_ = Ridge(self.alpha).fit(X["audio"].array.pack().frames, targets.values)
        return self

    def predict(self, X):
        packed = X["audio"].array.pack()
        return self.form_.wrap(self.ridge_.predict(packed.frames), packed.lengths, X.index)


@pytest.fixture
def recordings():
    rng = np.random.default_rng(0)
    lengths = rng.integers(20, 60, size=12)
    frames = [rng.normal(size=(n, 3)) for n in lengths]
    labels = [f[:, :1] - f[:, 1:2] + rng.normal(size=(len(f), 1)) for f in frames]
    X = pd.DataFrame({"audio": SequenceArray.from_sequences(frames), "subject": np.arange(12) % 4})
    return X, pd.DataFrame({"arousal": SequenceArray.from_sequences(labels)})


def test_scorers_are_the_metrics_greater_is_better(recordings):
    X, y = recordings
    assert list(metrics.scorers) == list(FUNCTIONS)
    results = cross_validate(FrameRidge(), X, y, cv=KFold(3), scoring=metrics.scorers)
    for fold, (train, test) in enumerate(KFold(3).split(X)):
        predicted = FrameRidge().fit(X.iloc[train], y.iloc[train]).predict(X.iloc[test])
        for name, (function, sign) in FUNCTIONS.items():
            assert results[f"test_{name}"][fold] == sign * function(y.iloc[test], predicted)


def test_scorers_take_labels_per_clip():
    X, y = np.random.default_rng(0).normal(size=(2, 40, 3))
    results = cross_validate(Ridge(), X, y, cv=4, scoring=metrics.scorers)
    for fold, (train, test) in enumerate(KFold(4).split(X)):
        predicted = Ridge().fit(X[train], y[train]).predict(X[test])
        for name, (function, sign) in FUNCTIONS.items():
            assert results[f"test_{name}"][fold] == sign * function(y[test], predicted)


def test_a_scorer_steers_a_search(recordings):
    X, y = recordings
    search = GridSearchCV(FrameRidge(), {"alpha": [1e8, 1.0]}, scoring=metrics.scorers["neg_rmse"], cv=3)
    assert search.fit(X, y).best_params_ == {"alpha": 1.0}


@pytest.mark.parametrize("form", ["DataFrame", "Series", "list"])
def test_metrics_take_what_cross_val_predict_returns(recordings, form):
    X, y = recordings
    y = {"DataFrame": y, "Series": y["arousal"], "list": [np.asarray(c)[:, 0] for c in y["arousal"]]}[form]
    predicted = cross_val_predict(FrameRidge(), X, y, cv=KFold(3, shuffle=True, random_state=0))
    assert 0.3 < metrics.ccc_score(y, predicted) < 1
