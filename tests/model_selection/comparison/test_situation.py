"""The block beneath a comparison: what stimulus, person and time alone predict."""

import os

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, mean_squared_error
from sklearn.model_selection import KFold, LeaveOneGroupOut

import avfusion as av
from avfusion.metrics import ccc_score, root_mean_squared_error
from avfusion.model_selection import compare, paired_differences, rerun

REAL = os.environ.get("AVFUSION_DATA")


def study(effect=1.0, n_targets=1, seen=0.0):
    """Twelve people watch four videos; the pulse knows something of each label, the video more."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame([(p, v) for p in range(12) for v in range(4)], columns=["subject", "video"])
    own = rng.normal(size=(48, 30, n_targets))
    y = 2.0 * table["video"].to_numpy()[:, None, None] + own
    pulse = effect * own[:, :, :1] + seen * y[:, :, :1] + rng.normal(size=(48, 30, 1))
    X = av.as_sequences({"pulse": list(pulse)}, rate_hz=2.0).join(table)
    names = ["arousal", "valence"][:n_targets]
    return X, pd.DataFrame(
        {n: av.as_sequences({n: list(own_y)}, rate_hz=2.0)[n] for n, own_y in zip(names, y.T.swapaxes(1, 2))}
    )


def run(X, y, models=None, **more):
    options = {"groups": "subject", "cv": 4, "scoring": ("ccc", "rmse"), "verbose": False} | more
    return compare({"ridge": av.FrameRegressor(Ridge())} if models is None else models, X, y, **options)


def test_baselines_are_scored_on_the_same_folds():
    X, y = study()
    result = run(X, y)
    expected = run(
        X, y, {"mean": av.StimulusMeanRegressor(), "curve": av.StimulusMeanRegressor(per_step=True)}
    )
    for name, model in (("one constant per video", "mean"), ("one curve per video", "curve")):
        for score in ("ccc", "rmse"):
            own = result.situation.table.loc[name, score]
            assert own == pytest.approx(expected.table.loc[model, score], abs=1e-6)
    assert result.situation.table.loc["ridge", "ccc"] == result.table.loc["ridge", "ccc"]


def test_a_model_below_the_video_is_said_to_be():
    X, y = study(effect=0.0, seen=0.5)
    result = run(X, y)
    assert "No model predicts better than one constant per video (ccc 0." in repr(result)
    assert "Every test row has a 'subject' that is new." in repr(result)
    assert "Every test row has a 'subject' that is new." in result.to_markdown()


def test_nothing_is_beyond_the_video_where_the_stream_knows_nothing_else():
    X, y = study()
    noise = 0.01 * np.random.default_rng(1).normal(size=(48, 30, 1))
    cells = list(X["video"].to_numpy()[:, None, None] + noise)
    line = run(X.assign(pulse=av.as_sequences({"p": cells}, rate_hz=2.0)["p"]), y).situation.table.loc[
        "ridge"
    ]
    assert line["ccc"] > 0.8
    assert abs(line["partial_ccc"]) < 0.01


def test_what_a_model_knows_beyond_the_video_is_seen_though_it_does_not_know_the_video():
    X, y = study(effect=1.0)
    line = run(X, y).situation.table.loc["ridge"]
    assert line["partial_ccc"] > line["partial_ccc_low"] > 0.2


def test_a_stream_that_is_the_video_is_caught():
    X, y = study()
    X["light"] = av.as_sequences({"light": [np.full((30, 1), 0.3 * v) for v in X["video"]]}, rate_hz=2.0)[
        "light"
    ]
    result = run(X, y)
    said = (
        "Stream 'light' is the same for all rows of one 'video': what is learned from it may be the 'video'."
    )
    assert said in result.situation.statements
    assert said in result.to_markdown()
    new_videos = run(X, y, groups="video", cv=LeaveOneGroupOut())
    assert said not in new_videos.situation.statements


def test_shares_are_of_labels_and_of_what_models_explain():
    X, y = study()
    shares = run(X, y, {"mean": av.StimulusMeanRegressor()}).situation.shares.set_index("of")
    labels, mean = shares.loc["labels"], shares.loc["mean"]
    assert labels[["stimulus", "person", "time", "rest"]].sum() == pytest.approx(1)
    assert labels["stimulus"] == pytest.approx(5 / 6, abs=0.03)  # variance 5 between videos, 1 within
    assert mean["stimulus"] == pytest.approx(labels["stimulus"], abs=0.01)
    assert abs(mean[["person", "time", "rest"]]).max() < 0.02


@pytest.mark.parametrize("scoring", ["ccc", "rmse"])
def test_what_no_training_row_has_a_label_of_has_no_score(scoring):
    X, y = study(n_targets=2)
    y["valence"] = y["valence"].where(X["subject"] < 3)  # all of them in one fold
    folds = [(np.flatnonzero(X["subject"] >= 3), np.flatnonzero(X["subject"] < 3))]
    folds.append(folds[0][::-1])
    with pytest.warns(FitFailedWarning, match="valence in y is NaN everywhere"):
        result = run(X, y, cv=folds, scoring=scoring)
    assert result.situation is None  # nor has any model


def test_intervals_are_over_both_kinds_of_groups_as_in_the_main_table():
    X, y = study()
    models = {"ridge": av.FrameRegressor(Ridge()), "mean": av.FrameRegressor(DummyRegressor())}
    result = run(X, y, models, groups=("subject", "video"), cv=2, scoring="rmse")
    assert result.situation.table["rmse"].drop(models).idxmin() == "one constant"
    against = paired_differences(result, "mean", score="rmse").loc["ridge"]
    own = result.situation.table.loc["ridge"]
    for column in ("difference", "difference_low", "difference_high"):
        assert own[column] == pytest.approx(against[column.removeprefix("difference_")], abs=1e-5)


def test_every_target_has_its_scores():
    X, y = study(n_targets=2)
    situation = run(X, y).situation
    table = situation.table
    both = table[["rmse: arousal", "rmse: valence"]].mean(axis=1)
    np.testing.assert_allclose(both.astype(float), table["rmse"].astype(float))
    assert situation.shares["target"].unique().tolist() == ["arousal", "valence", "mean"]


def test_ratings_of_clips_have_no_time():
    X, y = study()
    ratings = pd.Series([cell.frames.mean() for cell in y["arousal"]], name="arousal")
    found = run(X, ratings).situation
    assert "position in time" not in found.table.index
    assert "time" not in found.shares


def test_labels_that_are_missing_or_weigh_nothing_do_not_count():
    X, y = study()
    cells = [np.asarray(cell)[:, 0].copy() for cell in y["arousal"]]
    cells[0][:] = np.nan
    cells[5][3:9] = np.nan
    weights = np.ones(48)
    weights[7] = 0
    weighted = run(X, cells, sample_weight=weights).situation.table
    cells[7][:] = np.nan
    missing = run(X, cells).situation.table
    np.testing.assert_allclose(weighted["rmse"].astype(float), missing["rmse"].astype(float), atol=1e-9)


def test_seeds_share_one_block_and_a_rerun_has_the_same(tmp_path):
    X, y = study()
    models = {"late": av.StimulusMeanRegressor(), "dummy": av.FrameRegressor(DummyRegressor())}
    first = run(X, y, models, n_seeds=2, situation={"stimulus": "video"})
    first.save(tmp_path / "result")
    again = rerun(tmp_path / "result", X, y, verbose=False)
    pd.testing.assert_frame_equal(again.situation.table, first.situation.table)
    saved = pd.read_csv(tmp_path / "result" / "situation.csv", index_col="predictor")
    np.testing.assert_allclose(saved["ccc"], first.situation.table["ccc"].astype(float))
    assert "labels" in pd.read_csv(tmp_path / "result" / "situation_shares.csv")["of"].tolist()
    run(X, y, models, situation=None).save(tmp_path / "result")
    assert not list((tmp_path / "result").glob("situation*"))  # of the older result
    assert first.settings["situation"] == {"video": "stimulus", "subject": "person"}


def test_scorers_of_scikit_learn_score_baselines_too():
    X, y = study()
    ratings = np.array([cell.frames.mean() for cell in y["arousal"]])
    scoring = {"mse": make_scorer(mean_squared_error, greater_is_better=False)}
    table = run(X, ratings, {"mean": av.StimulusMeanRegressor()}, scoring=scoring).situation.table
    assert table.loc["one constant per video", "mse"] == pytest.approx(table.loc["mean", "mse"])


class Fails(RegressorMixin, BaseEstimator):
    """Fails in every second fold."""

    def fit(self, X, y):
        if 0 in X.index:
            raise ValueError("No.")
        return self

    def predict(self, X):
        return av.as_sequences({"arousal": [np.zeros(30)] * len(X)}).set_index(X.index)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_a_model_that_failed_has_no_part():
    X, y = study()
    result = run(X, y, {"fails": Fails(), "ridge": av.FrameRegressor(Ridge())})
    assert np.isnan(result.situation.table.loc["fails", "partial_ccc"])
    assert "fails" not in " ".join(result.situation.statements)


def test_an_estimator_may_have_the_name_of_a_baseline():
    X, y = study()
    table = run(X, y, {"one constant": av.StimulusMeanRegressor()}).situation.table
    assert table.index.is_unique
    assert table.loc["one constant (situation)", "kind"] == "situation"


def test_without_such_columns_nothing_is_shown():
    X = np.random.default_rng(0).normal(size=(30, 2))
    result = compare({"ridge": Ridge()}, X, X[:, 0], groups=np.repeat(range(6), 5), cv=3, verbose=False)
    assert result.situation is None
    assert "situation" not in repr(result)


def test_it_can_be_turned_off():
    X, y = study()
    assert run(X, y, situation=None).situation is None


def test_what_is_no_column_is_refused_before_any_fit():
    X, y = study()
    with pytest.raises(ValueError, match="stimulus='film' is no column of X"):
        run(X, y, {"fails": Fails()}, situation={"stimulus": "film"})


def test_scores_per_recording_are_refused_for_clips_before_any_fit():
    X, _ = study()
    with pytest.raises(ValueError, match="The score 'rmse_per_recording' needs labels per frame"):
        run(X, np.arange(48.0), {"fails": Fails()}, scoring="rmse_per_recording")


@pytest.mark.filterwarnings("ignore:X has a column 'subject'")
def test_what_goes_with_a_person_is_no_stream():
    X, y = study()
    result = run(X.assign(age=20.0 + X["subject"]), y, groups=None, cv=KFold(4, shuffle=True, random_state=0))
    assert "one constant per subject" in result.situation.table.index
    assert not any("'age'" in line for line in result.situation.statements)


def test_means_over_recordings_are_those_of_the_metric():
    X, y = study()
    result = run(X, y, scoring=("rmse_per_recording", "ccc_per_recording"))
    for metric, name in ((root_mean_squared_error, "rmse"), (ccc_score, "ccc")):
        expected = metric(y, result.predictions["ridge"], average="row")
        assert result.table.loc["ridge", f"{name}_per_recording"] == pytest.approx(expected)


@pytest.mark.skipif(not REAL, reason="AVFUSION_DATA is unset")
def test_epic_one_constant_per_video_beats_six_systems():
    """The figures of shared/data's description, measured there by hand."""
    from benchmarks.situation import run as epic

    found = epic().situation
    table = found.table
    own = table.loc["one constant per video"]
    assert own["rmse_per_recording: valence"] == pytest.approx(1.035, abs=5e-4)
    assert own["rmse_per_recording: arousal"] == pytest.approx(0.861, abs=5e-4)
    systems = table[table["kind"] == "model"]
    assert (systems["rmse_per_recording"] > own["rmse_per_recording"]).all()
    (line,) = [line for line in found.statements if line.startswith("No model")]
    assert line.startswith("No model predicts better than one constant per video (rmse_per_recording 0.948)")
