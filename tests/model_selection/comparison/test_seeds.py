import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from sklearn.model_selection import GridSearchCV, KFold, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

import avfusion as av
from avfusion.metrics import ccc_score, mean_absolute_error
from avfusion.model_selection import compare, paired_differences
from avfusion.model_selection.comparison._seeds import (
    read_n_seeds,
    seed_of,
    seeded,
    seeded_splitter,
    seeds_of,
)

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0] * X[:, 1]


def trees(**parameters):
    return ExtraTreesRegressor(4, **parameters)


def test_nested_random_states_count_up_from_what_they_were():
    model = GridSearchCV(
        make_pipeline(QuantileTransformer(random_state=7), trees()), {"extratreesregressor__max_depth": [2]}
    )
    runs = seeded(model, 3, default=40)
    assert seeds_of(runs) == {
        "estimator__quantiletransformer__random_state": [7, 8, 9],
        "estimator__extratreesregressor__random_state": [40, 41, 42],
    }
    assert model.estimator[-1].random_state is None


@pytest.mark.parametrize(
    ("model", "number"),
    [
        (Ridge(), 1),
        (Ridge(solver="saga"), 2),
        (Lasso(), 1),
        (ElasticNet(selection="random"), 2),
        (trees(random_state=np.random.RandomState(0)), 1),
        (av.FrameRegressor(Ridge()), 1),
        (av.EarlyFusionRegressor(), 2),
    ],
)
def test_what_draws_nothing_is_run_once(model, number):
    assert len(seeded(model, 2, default=0)) == number


def test_seeds_of_generators_and_numbers():
    assert seed_of(np.int64(5)) == 5
    assert seed_of(np.random.RandomState(3)) == seed_of(np.random.RandomState(3))
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the global one is to stay as it is
    assert seed_of(None) != seed_of(None)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    ("n_seeds", "message"),
    [
        (0, "n_seeds must be a whole number of at least 1, not 0"),
        (1.5, "not 1.5"),
        (True, "not True"),
        ({"b": 2}, "n_seeds names 'b', but the estimators are 'a'"),
    ],
)
def test_bad_numbers_of_seeds_are_refused(n_seeds, message):
    with pytest.raises(ValueError, match=message):
        read_n_seeds(n_seeds, {"a": Ridge()})


def test_same_call_gives_the_same_table_though_estimators_have_no_seed():
    tables = [
        compare({"trees": trees()}, X, Y, random_state=seed, verbose=False).table["ccc"].item()
        for seed in (0, 0, 1)
    ]
    assert tables[0] == tables[1] != tables[2]
    result = compare({"trees": trees()}, X, Y, random_state=3, verbose=False)
    assert result.settings["seeds"] == {"trees": {"random_state": [3]}}
    same = compare({"trees": trees(random_state=3)}, X, Y, verbose=False)
    np.testing.assert_array_equal(result.predictions["trees"], same.predictions["trees"])


@pytest.fixture(scope="module")
def several():
    models = {"trees": trees(), "ridge": Ridge()}
    return compare(models, X, Y, groups=np.arange(60) // 10, cv=3, n_seeds=3, verbose=False)


def test_scores_are_means_over_runs_with_these_seeds(several):
    groups = np.arange(60) // 10
    alone = [
        compare({"trees": trees(random_state=s)}, X, Y, groups=groups, cv=3, verbose=False) for s in range(3)
    ]
    line = several.table.loc["trees"]
    for column in ("ccc", "ccc_low", "ccc_high", "mae_fold_std", "rmse_group_mean"):
        expected = np.mean([result.table.loc["trees", column] for result in alone])
        assert line[column] == pytest.approx(expected, rel=1e-12)
    own = [ccc_score(Y, result.predictions["trees"]) for result in alone]
    assert line["ccc_seed_std"] == pytest.approx(np.std(own, ddof=1))
    for seed, result in enumerate(alone):
        np.testing.assert_array_equal(several.seed_predictions["trees"][seed], result.predictions["trees"])
        folds = several.folds.query("estimator == 'trees' and seed == @seed")
        np.testing.assert_array_equal(folds["ccc"], result.folds["ccc"])
    np.testing.assert_array_equal(several.predictions["trees"], alone[0].predictions["trees"])
    assert several.table["n_seeds"].to_dict() == {"trees": 3, "ridge": 1}


def test_everything_that_reads_a_comparison_takes_several_seeds(several, tmp_path):
    from matplotlib.figure import Figure

    assert "±" in several.to_markdown()
    several.plot(ax=Figure().subplots())
    several.save(tmp_path)
    table = pd.read_parquet(tmp_path / "predictions.parquet")
    assert [c for c in table if c.startswith("prediction")] == [
        "prediction: trees, seed 0", "prediction: trees, seed 1", "prediction: trees, seed 2",
        "prediction: ridge",
    ]  # fmt: skip


def test_differences_are_of_means_over_seeds(several):
    line = paired_differences(several, "ridge", score="mae", n_resamples=100).loc["trees"]
    ridge = mean_absolute_error(Y, several.predictions["ridge"])
    own = [mean_absolute_error(Y, predicted) for predicted in several.seed_predictions["trees"]]
    assert line["difference"] == pytest.approx(np.mean(own) - ridge)
    assert line["low"] < line["difference"] < line["high"]
    assert np.isnan(line["seed_std"])  # one ridge has no pairs of seeds
    folds = several.folds.groupby(["estimator", "fold"])["mae"].mean()
    assert line["fold_difference"] == pytest.approx((folds["trees"] - folds["ridge"]).mean())


def test_differences_over_pairs_of_seeds():
    models = {"few": trees(), "many": trees(max_depth=2)}
    result = compare(models, X, Y, n_seeds=3, scoring="mae", verbose=False)
    change = [
        mean_absolute_error(Y, many) - mean_absolute_error(Y, few)
        for few, many in zip(*result.seed_predictions.values())
    ]
    line = paired_differences(result, "few").loc["many"]
    assert line["seed_std"] == pytest.approx(np.std(change, ddof=1))


def test_several_seeds_for_some_only():
    models = {"a": trees(), "b": trees()}
    result = compare(models, X, Y, n_seeds={"b": 2}, verbose=False)
    assert result.table["n_seeds"].to_dict() == {"a": 1, "b": 2}
    np.testing.assert_array_equal(result.predictions["a"], result.predictions["b"])


@pytest.mark.parametrize("random_state", [-1, 2**32, "seed"])
def test_what_is_no_seed_is_refused_before_any_fit(random_state, tmp_path):
    with pytest.raises(ValueError, match=r"Seed must be|cannot be used to seed"):
        compare({"trees": trees()}, X, Y, random_state=random_state, resume=tmp_path, verbose=False)
    assert not list(tmp_path.iterdir())


def test_a_frozen_model_is_compared_as_it_is():
    X, y = av.datasets.make_audiovisual_regression(8, audio_rate_hz=1, video_rate_hz=1, random_state=0)
    fitted = av.FrameRegressor(Ridge()).fit(X[:4], y[:4])
    result = compare({"before": FrozenEstimator(fitted)}, X[4:], y[4:], cv=2, verbose=False)
    assert result.table.loc["before", "ccc"] == pytest.approx(ccc_score(y[4:], fitted.predict(X[4:])))


def test_candidates_and_splitters_of_a_search_have_seeds_too():
    search = GridSearchCV(
        make_pipeline(trees()), {"extratreesregressor": [trees(), trees(random_state=3)]},
        cv=KFold(2, shuffle=True),
    )  # fmt: skip
    first, second = seeded(search, 2, default=40)
    assert [one.random_state for one in first.param_grid["extratreesregressor"]] == [40, 3]
    assert [one.random_state for one in second.param_grid["extratreesregressor"]] == [41, 4]
    assert (first.cv.random_state, second.cv.random_state) == (40, 41)
    assert search.cv.random_state is None
    assert search.param_grid["extratreesregressor"][0].random_state is None


@pytest.mark.parametrize("cv", [3, KFold(3), KFold(3, shuffle=True, random_state=1), [(X, X)], None, "split"])
def test_what_needs_no_seed_stays_as_it_is(cv):
    assert seeded_splitter(cv, 7) is cv


def test_folds_that_shuffle_are_the_same_in_every_call():
    first, again = (
        compare({"ridge": Ridge()}, X, Y, cv=KFold(3, shuffle=True), random_state=2, verbose=False)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.fold_of_row, again.fold_of_row)
    other = compare({"ridge": Ridge()}, X, Y, cv=ShuffleSplit(1), random_state=3, verbose=False)
    assert other.settings["cv"].startswith("ShuffleSplit(n_splits=1, random_state=3")


def test_default_networks_and_searches_give_the_same_bits_whatever_n_jobs_is():
    X, y = av.datasets.make_audiovisual_regression(
        6, duration_s=(10, 15), audio_rate_hz=1, video_rate_hz=1, label_rate_hz=1, random_state=0
    )
    X = X[["audio", "video"]]
    network, frames = av.EarlyFusionRegressor(max_epochs=1), av.FrameRegressor(trees())
    members = [
        ("network", av.UnimodalRegressor("audio", max_epochs=1), ["audio"]),
        ("trees", av.FrameRegressor(trees()), ["video"]),
    ]
    grid = {"regressor": [trees(), ExtraTreesRegressor(3)]}
    models = {
        "network": make_pipeline(av.AddContext(widths_s=(3,)), network),
        "late": av.LateFusionRegressor(members),
        "rescaled": av.RescaledRegressor(av.UnimodalRegressor("audio", max_epochs=1)),
        "search": GridSearchCV(frames, grid, cv=KFold(2, shuffle=True)),
    }
    n_threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        results = [
            compare(models, X, y, cv=2, scoring="mae", n_jobs=n_jobs, error_score="raise", verbose=False)
            for n_jobs in (1, 1, 2)
        ]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(n_threads)
    for other in results[1:]:
        pd.testing.assert_frame_equal(other.prediction_table(), results[0].prediction_table(), rtol=0, atol=0)
        columns = ["mae", "mae_low", "mae_high", "mae_fold_mean", "mae_fold_std"]
        np.testing.assert_array_equal(other.table[columns], results[0].table[columns])
