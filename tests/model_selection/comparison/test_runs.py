import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avfusion.model_selection import CrossedGroupKFold, FusionSearchCV, compare
from avfusion.model_selection.comparison._runs import Failure, Samples, Task, group_parameters, run_all
from avfusion.sequences import as_targets

GROUPS = np.array(["a", "b", "a", "c"])


@pytest.fixture
def samples():
    X, y = np.arange(8.0).reshape(4, 2), np.array([1.0, 2.0, 4.0, 8.0])
    folds = [(np.array([1, 3]), np.array([0, 2])), (np.array([0, 2]), np.array([1, 3]))]
    return Samples(X, y, as_targets(y), GROUPS, folds)


def test_every_estimator_is_fitted_with_every_seed_in_every_fold(samples):
    fits = run_all({"mean": [DummyRegressor(), DummyRegressor()], "line": [LinearRegression()]}, samples)
    assert set(fits) == {Task("mean", s, f) for s in (0, 1) for f in (0, 1)} | {
        Task("line", 0, f) for f in (0, 1)
    }
    np.testing.assert_allclose(fits["mean", 1, 0].predictions.values, [[5.0], [5.0]])  # of 2 and 8
    np.testing.assert_allclose(fits["mean", 0, 1].predictions.values, [[2.5], [2.5]])  # of 1 and 4
    assert fits["line", 0, 0].fit_s > 0


def test_what_a_fold_holds_out_is_named(samples):
    assert samples.held_out(0) == "a"
    assert samples.held_out(1) == "b, c"
    assert Samples(samples.X, samples.y, samples.targets, None, samples.folds).held_out(0) == "2 rows"
    np.testing.assert_array_equal(samples.tested, [0, 1, 2, 3])


class Broken(Ridge):
    def fit(self, X, y):
        if y[0] == 2:
            raise OSError("no such sensor")
        return super().fit(X, y)


def test_a_failure_names_estimator_and_fold_and_keeps_the_other_fits(samples):
    with pytest.warns(
        FitFailedWarning, match=r"bad, fold 1 of 2 \(held out: a\) failed: OSError: no such sensor"
    ):
        fits = run_all({"bad": [Broken()], "mean": [DummyRegressor()]}, samples)
    assert fits["bad", 0, 0].predictions is None
    assert fits["bad", 0, 1].predictions is not None
    with pytest.raises(RuntimeError, match="bad, fold 1 of 2") as error:
        run_all({"bad": [Broken()]}, samples, error_score="raise")
    assert isinstance(error.value.__cause__, OSError)


def test_a_failure_travels_between_processes():
    failure = pickle.loads(pickle.dumps(Failure("it failed", "Traceback", ValueError("why"))))
    error = failure.as_error("All 2 fits failed; the first: ")
    assert str(error) == "All 2 fits failed; the first: it failed"
    assert isinstance(error.__cause__, ValueError)
    assert error.__notes__ == ["Traceback"]


def test_groups_reach_what_splits_by_them():
    grouped = GridSearchCV(Ridge(), {"alpha": [1, 10]}, cv=GroupKFold(2))
    assert list(group_parameters(grouped, GROUPS)) == ["groups"]
    assert list(group_parameters(FusionSearchCV(), GROUPS)) == ["groups"]
    assert list(group_parameters(make_pipeline(StandardScaler(), grouped), GROUPS)) == [
        "gridsearchcv__groups"
    ]
    for without in (Ridge(), GridSearchCV(Ridge(), {"alpha": [1]}, cv=2), make_pipeline(Ridge())):
        assert group_parameters(without, GROUPS) == {}
    assert group_parameters(grouped, None) == {}


def test_columns_of_groups_reach_splitters_that_take_them_and_others_get_combinations():
    columns = pd.DataFrame({"subject": list("aabb"), "video": [1, 2, 1, 2]})
    crossed = GridSearchCV(Ridge(), {"alpha": [1, 10]}, cv=CrossedGroupKFold(n_splits=2))
    assert group_parameters(crossed, columns)["groups"].equals(columns)
    assert group_parameters(make_pipeline(crossed), columns)["gridsearchcv__groups"].equals(columns)
    for other in (GridSearchCV(Ridge(), {"alpha": [1]}, cv=GroupKFold(2)), FusionSearchCV()):
        assert group_parameters(other, columns)["groups"].tolist() == ["a / 1", "a / 2", "b / 1", "b / 2"]
    assert group_parameters(crossed, columns[["video"]])["groups"].tolist() == [1, 2, 1, 2]
    X = np.random.default_rng(0).normal(size=(64, 2))
    groups = np.stack([np.arange(64) // 8, np.arange(64) % 8], axis=1)
    found = compare({"search": crossed}, X, X[:, 0], groups=groups, cv=2, scoring="mae", verbose=False)
    assert found.table.loc["search", "mae"] < 0.2


def test_with_metadata_routing_groups_reach_what_asks_for_them():
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), GridSearchCV(Ridge(), {"alpha": [1]}, cv=GroupKFold(2)))
        assert list(group_parameters(pipeline, GROUPS)) == ["groups"]
        assert group_parameters(make_pipeline(Ridge()), GROUPS) == {}
