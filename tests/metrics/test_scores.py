import numpy as np
import pytest
from sklearn.metrics import make_scorer, max_error, median_absolute_error, r2_score

from avfusion import metrics
from avfusion.metrics._bootstrap import resampled_scores
from avfusion.metrics._regression import labelled_columns, paired_targets
from avfusion.metrics._scores import resampled_by, resolve_scoring

TRUE, PRED = np.random.default_rng(0).normal(loc=[0.0, 1.0], size=(2, 30, 2))


@pytest.mark.parametrize(
    ("scoring", "expected"),
    [
        ("rmse", {"rmse": metrics.root_mean_squared_error(TRUE, PRED)}),
        (["neg_rmse", "sagr"], {"neg_rmse": -metrics.root_mean_squared_error(TRUE, PRED),
                                "sagr": metrics.sagr_score(TRUE, PRED)}),
        ("r2", {"r2": r2_score(TRUE, PRED)}),
        ({"a": "ccc", "b": metrics.pcc_score}, {"a": metrics.ccc_score(TRUE, PRED),
                                                "b": metrics.pcc_score(TRUE, PRED)}),
        ({"median": make_scorer(median_absolute_error)}, {"median": median_absolute_error(TRUE, PRED)}),
        ({"first": lambda estimator, X, y: float(estimator.predict(X)[0, 0])}, {"first": PRED[0, 0]}),
        (metrics.scorers, {"ccc": metrics.ccc_score(TRUE, PRED),
                           "pcc": metrics.pcc_score(TRUE, PRED),
                           "sagr": metrics.sagr_score(TRUE, PRED),
                           "neg_rmse": -metrics.root_mean_squared_error(TRUE, PRED),
                           "neg_mae": -metrics.mean_absolute_error(TRUE, PRED)}),
    ],
)  # fmt: skip
def test_every_way_to_ask_for_scores(scoring, expected):
    scores = resolve_scoring(scoring)
    assert {name: score(TRUE, PRED) for name, score in scores.items()} == pytest.approx(expected, abs=1e-12)


def test_by_target_where_the_metric_is_known():
    columns = labelled_columns(*paired_targets(TRUE, PRED))
    np.testing.assert_allclose(
        resolve_scoring("neg_mae")["neg_mae"].by_target(columns),
        [-metrics.mean_absolute_error(TRUE[:, k], PRED[:, k]) for k in range(2)],
    )


def test_which_direction_is_better_follows_what_each_score_says_of_a_perfect_prediction():
    names = ["ccc", "pcc", "sagr", "rmse", "mae", *metrics.scorers, "r2", "neg_mean_absolute_error"]
    scores = resolve_scoring(names) | resolve_scoring(
        {"own": make_scorer(max_error, greater_is_better=False)}
    )
    for name, score in scores.items():
        assert score.higher_is_better is (score(TRUE[:, 0], TRUE[:, 0]) > score(TRUE[:, 0], -TRUE[:, 0])), (
            name
        )
    assert resolve_scoring({"x": lambda estimator, X, y: 0.0})["x"].higher_is_better is None


@pytest.mark.parametrize("name", ["ccc", "neg_rmse", "r2"])
def test_interval_surrounds_the_score(name):
    score = resolve_scoring(name)[name]
    options = {"n_resamples": 200, "random_state": 0}
    resamples = resampled_by({name: score}, paired_targets(TRUE, PRED), lambda: (TRUE, PRED), **options)
    low, high = resamples[name].interval(0.95)
    assert low < score(TRUE, PRED) < high


def test_metrics_resampled_together_are_those_resampled_alone():
    scores = resolve_scoring([*metrics.scorers, "r2"])
    groups = np.repeat(np.arange(10), 3)
    options = {"groups": groups, "n_resamples": 50, "random_state": 3}
    together = resampled_by(scores, paired_targets(TRUE, PRED), lambda: (TRUE, PRED), **options)
    for name, score in scores.items():
        alone = resampled_scores(TRUE, PRED, score if score.metric is None else score.metric, **options)
        np.testing.assert_array_equal(together[name].scores, score.sign * alone.scores)


@pytest.mark.parametrize(
    ("scoring", "error", "message"),
    [
        (
            "cc",
            ValueError,
            "'cc' is not known. Use one of ccc, pcc, sagr, rmse, mae, abaw, neg_rmse, neg_mae",
        ),
        ({"x": 3}, TypeError, "scoring.'x'. is 3, but must be a name, a metric or a scorer"),
        ([], ValueError, "scoring is empty"),
    ],
)
def test_bad_scoring_is_refused(scoring, error, message):
    with pytest.raises(error, match=message):
        resolve_scoring(scoring)


def test_scores_per_recording_are_means_of_each_recordings_own():
    rng = np.random.default_rng(0)
    y = [rng.normal(size=(n, 2)) for n in (3, 5, 9, 4)]
    p = [cell + rng.normal(size=cell.shape) for cell in y]
    y[1][2, 0] = np.nan
    weights = [1.0, 2.0, 1.0, 3.0]
    for name, metric in (("rmse", metrics.root_mean_squared_error), ("ccc", metrics.ccc_score)):
        score = resolve_scoring(f"{name}_per_recording")[f"{name}_per_recording"]
        expected = metric(y, p, sample_weight=weights, average="row", multioutput="raw_values")
        columns = labelled_columns(*paired_targets(y, p, weights))
        np.testing.assert_allclose(score.by_target(columns), expected)
        assert score(y, p, weights) == pytest.approx(expected.mean())
        assert score.higher_is_better == (name == "ccc")


def test_resamples_per_recording_are_those_of_the_same_groups():
    """Each recording a group of its own: a resample's score is the mean of the recordings it drew."""
    rng = np.random.default_rng(0)
    y, p = ([rng.normal(size=n) for n in (3, 5, 9, 4)] for _ in range(2))
    pair, scores = paired_targets(y, p), resolve_scoring(("mae_per_recording", "mae"))
    found = resampled_by(scores, pair, None, n_resamples=50, random_state=3)
    counts = np.random.RandomState(3).multinomial(4, np.full(4, 1 / 4), size=50)
    own = np.array([np.abs(a - b).mean() for a, b in zip(y, p)])
    np.testing.assert_allclose(found["mae_per_recording"].scores, counts @ own / 4)
    sums = np.array([np.abs(a - b).sum() for a, b in zip(y, p)])
    np.testing.assert_allclose(found["mae"].scores, counts @ sums / (counts @ np.array([3, 5, 9, 4])))
