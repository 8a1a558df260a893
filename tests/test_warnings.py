"""Warnings name the user's line."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion._warnings import warn_user
from avfusion.sequences import LabelMarkerWarning


class OneThatWarns(BaseEstimator):
    """Of another module than this package."""

    def fit(self, X, y=None):
        warn_user("Labels are constant.", FutureWarning)
        return self


def test_the_caller_is_named():
    with pytest.warns(FutureWarning, match="^Labels are constant[.]$") as caught:
        OneThatWarns().fit([[1.0]])
    assert caught[0].filename == __file__


@pytest.mark.parametrize("depth", ["directly", "in a pipeline", "in a cross-validation"])
@pytest.mark.parametrize(
    "model",
    [av.EarlyFusionRegressor(max_epochs=1, random_state=0), av.FrameRegressor()],
    ids=["net", "frames"],
)
def test_fits_name_the_line_that_called_them(model, depth):
    labels = [np.where(np.arange(3) == k % 3, -5.0, 0.1 * k) for k in range(6)]
    labels = labels * 5  # as often as a marker is taken for one
    X = av.as_sequences({"audio": [np.arange(3.0) + k for k in range(30)]})
    fits = {
        "directly": lambda: model.fit(X, labels),
        "in a pipeline": lambda: make_pipeline(av.OnFrames(), model).fit(X, labels),
        "in a cross-validation": lambda: cross_validate(model, X, labels, cv=2, error_score="raise"),
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fits[depth]()
    own = [w for w in caught if w.category is LabelMarkerWarning]
    assert own
    assert {w.filename for w in own} == {__file__}
