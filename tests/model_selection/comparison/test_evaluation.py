import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from avfusion.metrics import bootstrap_interval, ccc_score
from avfusion.metrics._scores import resolve_scoring
from avfusion.model_selection.comparison._evaluation import Evaluation
from avfusion.model_selection.comparison._target_tables import mean_over_seeds


@pytest.fixture
def evaluation():
    rng = np.random.default_rng(0)
    y = [rng.normal(size=(20, 2)) for _ in range(6)]
    y[4][:, 1] = np.nan
    y[5] = None
    predictions = {
        name: [rng.normal(size=(20, 2)) if c is None else c + rng.normal(size=c.shape) for c in y]
        for name in ("a", "b")
    }
    predictions = {name: [[np.nan_to_num(c) for c in cells]] for name, cells in predictions.items()}
    groups = np.array(["s", "s", "t", "t", "u", "v"])
    return Evaluation(y, predictions, resolve_scoring(["ccc", "mae"]), groups, np.arange(6))


def test_groups_are_scored_by_themselves(evaluation):
    table = evaluation.by_group()[0].set_index(["estimator", "group"])
    assert list(table.index) == [(e, g) for e in "ab" for g in "stu"]  # v has no label at all
    for name in "ab":
        rows = slice(2, 4)
        expected = ccc_score(evaluation.y[rows], evaluation.predictions[name][0][rows])
        assert table.loc[(name, "t"), "ccc"] == pytest.approx(expected)
        assert np.isnan(table.loc[(name, "u"), "ccc"])  # one of its targets has no label


def test_targets_are_scored_by_themselves(evaluation):
    folds = pd.DataFrame({"estimator": list("ab"), "ccc": 0.1, "mae": 1.0, "fit_s": 2.0, "predict_s": 0.5})
    _, table = evaluation.by_seed(folds, evaluation.by_group()[0], n_resamples=5, random_state=0)
    assert list(table.columns) == [
        "estimator", "target", "ccc", "ccc_low", "ccc_high", "mae", "mae_low", "mae_high"
    ]  # fmt: skip
    for name in "ab":
        own = table[table["estimator"] == name]
        assert own["target"].tolist() == ["target 0", "target 1"]
        expected = ccc_score(evaluation.y, evaluation.predictions[name][0], multioutput="raw_values")
        np.testing.assert_allclose(own["ccc"], expected)


def test_summary_has_one_line_per_estimator(evaluation):
    folds = pd.DataFrame(
        {"estimator": ["a", "a", "b", "b"], "ccc": [0.1, 0.3, 0.2, np.nan], "mae": 1.0, "fit_s": 2.0}
    ).assign(predict_s=0.5)
    table = mean_over_seeds(
        evaluation.by_seed(folds, evaluation.by_group()[0], n_resamples=50, random_state=0)[0],
        evaluation.scores,
    )
    assert list(table.index) == ["a", "b"]
    line = table.loc["a"]
    assert line["ccc"] == pytest.approx(ccc_score(evaluation.y, evaluation.predictions["a"][0]))
    assert line["ccc_low"] < line["ccc"] < line["ccc_high"]
    assert line["ccc_fold_mean"] == pytest.approx(0.2)
    assert line["ccc_fold_std"] == pytest.approx(0.1)
    assert table.loc["b", "ccc_fold_mean"] == pytest.approx(0.2)
    own = evaluation.by_group()[0].query("estimator == 'a'")
    assert line["mae_group_mean"] == pytest.approx(own["mae"].mean())
    assert (line["fit_s"], line["predict_s"]) == (2.0, 0.5)


def test_table_has_means_over_seeds_and_their_standard_deviation():
    rng = np.random.default_rng(1)
    y = rng.normal(size=12)
    several = [y + rng.normal(size=12) for _ in range(3)]
    scores, groups = resolve_scoring(["ccc", "r2"]), np.arange(12) // 3
    evaluation = Evaluation(y, {"a": several, "b": several[:1]}, scores, groups, np.arange(12))
    by_group = evaluation.by_group()[0]
    assert by_group.query("estimator == 'a'")["seed"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    folds = pd.DataFrame(
        {"estimator": list("aaab"), "seed": [0, 1, 2, 0], "ccc": [0.1, 0.2, 0.6, 0.3], "r2": 0.0}
    ).assign(fit_s=[1.0, 2.0, 3.0, 4.0], predict_s=0.5)
    table = mean_over_seeds(evaluation.by_seed(folds, by_group, n_resamples=30, random_state=0)[0], scores)
    own = [ccc_score(y, predicted) for predicted in several]
    ends = [bootstrap_interval(y, p, groups=groups, n_resamples=30, random_state=0) for p in several]
    line = table.loc["a"]
    assert line["ccc"] == pytest.approx(np.mean(own))
    assert line["ccc_seed_std"] == pytest.approx(np.std(own, ddof=1))
    assert (line["ccc_low"], line["ccc_high"]) == pytest.approx(tuple(np.mean(ends, axis=0)))
    assert (line["ccc_fold_mean"], line["fit_s"], line["n_seeds"]) == (pytest.approx(0.3), 2.0, 3)
    assert line["r2"] == pytest.approx(np.mean([r2_score(y, predicted) for predicted in several]))
    assert np.isnan(table.loc["b", "ccc_seed_std"])
    assert table.loc["b", "n_seeds"] == 1
    assert table.columns[:4].tolist() == ["ccc", "ccc_low", "ccc_high", "ccc_seed_std"]


def test_a_seed_that_failed_leaves_no_mean_over_the_others():
    y = np.arange(6.0)
    failed = {("a", 1): np.array([0, 1])}
    evaluation = Evaluation(y, {"a": [y, y]}, resolve_scoring("mae"), None, np.arange(6), failed)
    folds = pd.DataFrame({"estimator": "a", "seed": [0, 0, 1, 1], "mae": [0, 0, np.nan, 0]})
    folds = folds.assign(fit_s=[1.0, 1.0, np.nan, 1.0], predict_s=1.0)
    by_seed, _ = evaluation.by_seed(folds, evaluation.by_group()[0], n_resamples=5, random_state=0)
    line = mean_over_seeds(by_seed, evaluation.scores).loc["a"]
    assert line[["mae", "mae_low", "mae_high"]].isna().all()
    assert line["n_failed"] == 1
