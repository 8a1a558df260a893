"""Scores of single targets by scorers of scikit-learn and of one's own."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, r2_score

from avfusion.model_selection import compare, paired_differences
from avfusion.model_selection.comparison._target_tables import one_target

X = np.random.default_rng(0).normal(size=(40, 2))
Y = X + np.random.default_rng(1).normal(size=X.shape)


@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame, np.ndarray.tolist])
def test_scores_of_scikit_learn_are_known_for_each_target(form):
    result = compare({"a": Ridge(), "b": Ridge(50.0)}, X, form(Y), scoring="r2", verbose=False)
    predicted = np.asarray(result.predictions["b"])
    for k, target in enumerate(result.target_names):
        line = result.of_target(target).table.loc["b"]
        assert line["r2"] == pytest.approx(r2_score(Y[:, k], predicted[:, k]))
        assert np.isnan(line["r2_low"])
        of_fold = [r2_score(Y[rows, k], predicted[rows, k]) for rows in np.split(np.arange(40), 5)]
        assert line["r2_fold_mean"] == pytest.approx(np.mean(of_fold))


def test_differences_resample_such_scores_of_the_target():
    result = compare({"a": Ridge(), "b": Ridge(50.0)}, X, Y, scoring="r2", verbose=False)
    alone = compare({"a": Ridge(), "b": Ridge(50.0)}, X, Y[:, 1], scoring="r2", verbose=False)
    options = {"n_resamples": 20, "random_state": 1}
    line = paired_differences(result, "a", target="target 1", **options).loc["b"]
    np.testing.assert_allclose(
        line[["low", "high"]].astype(float),
        paired_differences(alone, "a", **options).loc["b", ["low", "high"]].astype(float),
    )


def test_a_score_that_takes_no_single_target_has_none():
    def of_both(y_true, y_pred):
        return float(np.abs(y_true[:, 1] - y_pred[:, 0]).mean())

    result = compare({"a": Ridge()}, X, Y, scoring={"both": make_scorer(of_both)}, verbose=False)
    assert result.table.loc["a", "both"] > 0
    assert result.targets["both"].isna().all()
    assert "ridge" not in repr(result)


def test_one_target_of_what_has_no_column_for_each():
    assert one_target((np.zeros(3), np.zeros(3), None), 0, 2) is None
    true, _, weight = one_target((Y, Y, np.ones(40)), 1, 2)
    np.testing.assert_array_equal(np.ravel(true), Y[:, 1])
    assert weight.shape == (40,)
