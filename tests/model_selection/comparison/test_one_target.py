"""A comparison on one of several targets is what a comparison of that target alone would be."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion.metrics import bootstrap_interval, ccc_score, mean_absolute_error
from avfusion.model_selection import compare, rerun
from avfusion.sequences._array import SequenceArray
from tests.model_selection.comparison.targets import NAMES, Columns, labels, several

SECONDS = ["fit_s", "predict_s"]


@pytest.fixture(scope="module")
def result():
    return several()


@pytest.mark.parametrize("target", NAMES)
def test_tables_are_those_of_a_comparison_of_the_target_alone(result, target):
    X, y, groups = labels()
    models = {"a": Columns(1.0), "b": Columns(30.0), "c": Columns(1e3)}
    alone = compare(models, X, y[[target]], groups=groups, cv=4, scoring=("ccc", "mae"), verbose=False)
    one = result.of_target(target)
    for name in ("table", "folds", "groups", "targets", "seeds"):
        own, expected = (getattr(of, name).drop(columns=SECONDS, errors="ignore") for of in (one, alone))
        pd.testing.assert_frame_equal(own, expected, check_dtype=False)
    np.testing.assert_array_equal(one.predictions["b"], alone.predictions["b"][target])
    pd.testing.assert_series_equal(one.y, y[target])
    table, expected = one.prediction_table(), alone.prediction_table()
    pd.testing.assert_frame_equal(table, expected)


def test_scores_and_intervals_are_those_of_the_metrics(result):
    _, y, groups = labels()
    for target in NAMES:
        true = y[target]
        predicted = result.predictions["b"][target]
        line = result.of_target(target).table.loc["b"]
        assert line["ccc"] == pytest.approx(ccc_score(true, predicted))
        for score, metric in (("ccc", ccc_score), ("mae", mean_absolute_error)):
            ends = bootstrap_interval(true, predicted, metric, groups=groups, random_state=0)
            np.testing.assert_allclose(line[[f"{score}_low", f"{score}_high"]].astype(float), ends)


def test_one_table_has_all_targets_and_their_mean(result):
    table = result.by_target()
    assert table.index.unique("target").tolist() == [*NAMES, "mean of targets"]
    pd.testing.assert_frame_equal(table.loc["mean of targets"], result.table)
    expected = table.drop("mean of targets")["ccc"].groupby("estimator", sort=False).mean()
    pd.testing.assert_series_equal(result.table["ccc"], expected)
    assert table.columns.equals(result.table.columns)


def test_a_single_target_is_the_comparison_itself():
    X = np.random.default_rng(0).normal(size=(30, 2))
    one = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
    assert one.of_target("target") is one
    assert one.by_target().index.tolist() == [("target", "ridge")]
    assert one.targets.loc[0, "mae_low"] == one.table.loc["ridge", "mae_low"]


def test_labels_per_frame_with_weights_and_seeds():
    rng = np.random.default_rng(0)
    X, y = av.datasets.make_audiovisual_regression(
        6, duration_s=(20, 30), audio_rate_hz=1, video_rate_hz=1, label_rate_hz=1, random_state=0
    )
    (name,) = y.columns if isinstance(y, pd.DataFrame) else [y.name]
    own = pd.DataFrame(y)[name].array
    other = SequenceArray.from_packed(
        own.frames + rng.normal(size=own.frames.shape), own.lengths, rate_hz=1.0
    )
    y = pd.DataFrame({"one": own, "two": other}, index=X.index)
    weights = pd.DataFrame({"one": rng.uniform(1, 2, 6), "two": rng.uniform(1, 2, 6)}, index=X.index)
    models = {"ridge": av.FrameRegressor(Ridge()), "trees": av.FrameRegressor(_trees())}
    options = {"cv": 3, "scoring": "ccc", "n_seeds": {"trees": 2}, "verbose": False}
    both = compare(models, X, y, sample_weight=weights, **options)
    one = both.of_target("two")
    assert "two" in repr(one)
    line = one.table.loc["trees"]
    expected = [
        ccc_score(y["two"], predicted["two"], sample_weight=weights["two"])
        for predicted in both.seed_predictions["trees"]
    ]
    assert line["ccc"] == pytest.approx(np.mean(expected))
    assert line["ccc_seed_std"] == pytest.approx(np.std(expected, ddof=1))
    table = one.prediction_table()
    assert set(table["target"]) == {"two"}
    np.testing.assert_allclose(table["weight"], weights["two"].to_numpy()[table["row"]])


def _trees():
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(2, max_depth=2)


def test_arrays_keep_the_names_that_targets_have_by_their_position():
    X = np.random.default_rng(0).normal(size=(30, 2))
    one = compare({"ridge": Ridge()}, X, X, scoring="mae", verbose=False).of_target("target 1")
    np.testing.assert_array_equal(one.y, X[:, 1])
    assert set(one.prediction_table()["target"]) == {"target 1"}
    assert one.of_target("target 1") is one


def test_a_saved_target_is_run_again(result, tmp_path):
    X, y, _ = labels()
    one = result.of_target("valence")
    again = rerun(one.save(tmp_path / "valence"), X, y, verbose=False)
    pd.testing.assert_frame_equal(again.table.drop(columns=SECONDS), one.table.drop(columns=SECONDS))


def test_unknown_targets_are_refused(result):
    with pytest.raises(ValueError, match=r"no target 'arousl' \(did you mean 'arousal'\?\). The targets are"):
        result.of_target("arousl")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_a_fit_that_failed_leaves_its_other_folds_of_every_target():
    class Fails(Columns):
        def fit(self, X, y):
            if X[0, 0] == labels()[0][0, 0]:  # in the folds that train on the first row
                raise ValueError("no")
            return super().fit(X, y)

    result = several({"a": Columns(1.0), "fails": Fails()})
    one = result.of_target("arousal")
    assert one.table.loc["fails", "n_failed"] == 3
    assert np.isnan(one.table.loc["fails", "ccc"])
    assert one.table.loc["fails", "ccc_fold_mean"] == one.folds.set_index("estimator")["ccc"]["fails"].max()
    assert "failed" in repr(one)
    assert "--" in result.to_latex(by_target=True)


def test_targets_whose_names_are_numbers():
    X, y, _ = labels()
    numbered = compare({"a": Columns(1.0)}, X, y.set_axis([10, 11, 12], axis=1), cv=2, verbose=False)
    assert numbered.of_target(11).target_names == numbered.of_target("11").target_names == ["11"]
