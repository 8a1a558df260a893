import json

import joblib
import numpy as np
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from optuna.samplers import RandomSampler
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion.model_selection import compare, rerun


def data():
    return av.datasets.make_audiovisual_regression(
        8, label_rate_hz=1, audio_rate_hz=1, video_rate_hz=1, random_state=0
    )


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_rerun_has_the_same_numbers(tmp_path, n_jobs):
    X, y = data()
    models = {
        "ridge": av.FrameRegressor(),
        "network": av.EarlyFusionRegressor(max_epochs=2, random_state=0),
    }
    first = compare(models, X, y, groups="subject", cv=2, scoring="ccc", verbose=False)
    again = rerun(first.save(tmp_path), X, y, n_jobs=n_jobs, verbose=False)
    seconds = ["fit_s", "predict_s"]
    assert again.table.drop(columns=seconds).equals(first.table.drop(columns=seconds))
    assert again.folds.drop(columns=seconds).equals(first.folds.drop(columns=seconds))
    assert again.prediction_table().equals(first.prediction_table())
    assert again.settings == first.settings


@pytest.mark.parametrize("changed", ["stream", "metadata", "label"])
def test_rerun_refuses_other_data(tmp_path, changed):
    X, y = data()
    compare({"a": av.FrameRegressor()}, X, y, cv=2, scoring="ccc", verbose=False).save(tmp_path)
    if changed == "stream":
        X = X.assign(audio=X["audio"].array.with_frames(X["audio"].array.pack().frames + 1))
    elif changed == "metadata":
        X = X.assign(subject="s")
    else:
        y = y[::-1]
    with pytest.raises(ValueError, match="not the data of the result"):
        rerun(tmp_path, X, y, verbose=False)


def test_rerun_warns_of_other_versions_and_needs_a_recipe(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(FileNotFoundError, match="does not exist"):
        rerun(tmp_path, X, X[:, 0])
    compare({"a": Ridge()}, X, X[:, 0], scoring="mae", verbose=False).save(tmp_path)
    recipe = joblib.load(tmp_path / "recipe.joblib")
    recipe["versions"]["torch"] = "0.1"
    joblib.dump(recipe, tmp_path / "recipe.joblib")
    with pytest.warns(UserWarning, match="torch 0.1"):
        rerun(tmp_path, X, X[:, 0], verbose=False)


def test_save_says_if_the_recipe_cannot_be_written(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    scoring = {"mine": lambda estimator, X, y: 0.0}
    result = compare({"a": Ridge()}, X, X[:, 0], scoring=scoring, verbose=False)
    with pytest.warns(UserWarning, match=r"recipe\.joblib was not written"):
        result.save(tmp_path)
    assert not (tmp_path / "recipe.joblib").exists()


def search_of(**options):
    model = av.EarlyFusionRegressor(max_epochs=3, hidden_size=4, random_state=0)
    space = {"lr": [1e-3, 1e-2], "dropout": FloatDistribution(0.0, 0.5)}
    return av.FusionSearchCV(model, space, cv=2, n_trials=4, refit=False, **options)


@pytest.mark.parametrize("options", [{}, {"random_state": 3}, {"sampler": RandomSampler(seed=5)}])
def test_rerun_of_a_search_has_the_same_trials(tmp_path, options):
    X, y = data()
    first = search_of(storage=tmp_path / "journal", **options).fit(X, y, groups="subject")
    again = rerun(first.save(tmp_path / "kept"), X, y, verbose=False)
    assert isinstance(again, av.FusionSearchCV)
    assert again.cv_results_["params"] == first.cv_results_["params"]
    np.testing.assert_array_equal(again.cv_results_["mean_test_score"], first.cv_results_["mean_test_score"])
    assert again.best_score_ == first.best_score_
    for key in ("data", "fold_rows", "versions", "estimator"):
        assert again.record_[key] == first.record_[key]


def test_a_saved_search_can_be_read_by_people(tmp_path):
    X, y = data()
    search = search_of(random_state=0).fit(X, y, groups="subject")
    assert sorted(path.name for path in search.save(tmp_path).iterdir()) == [
        "recipe.joblib",
        "settings.json",
        "trials.csv",
    ]
    trials = pd.read_csv(tmp_path / "trials.csv", index_col="trial")
    np.testing.assert_allclose(trials["mean_test_score"], search.cv_results_["mean_test_score"])
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["estimator"]["parameters"]["hidden_size"] == 4
    assert settings["random_state"] == 0
    tested = sorted(row for fold in settings["fold_rows"] for row in fold["test"])
    assert tested == list(range(len(X)))


def test_rerun_of_a_search_refuses_other_data_and_warns_of_several_jobs(tmp_path):
    X, y = data()
    search_of(random_state=0).fit(X, y).save(tmp_path)
    with pytest.raises(ValueError, match="not the data of the result"):
        rerun(tmp_path, X, y[::-1], verbose=False)
    with pytest.warns(UserWarning, match="With several jobs"):
        rerun(tmp_path, X, y, n_jobs=2, verbose=False)


def test_a_sampler_is_the_same_after_a_search():
    X, y = data()
    search = search_of(sampler=RandomSampler(seed=5))
    first = search.fit(X, y).cv_results_["params"]
    assert search.fit(X, y).cv_results_["params"] == first
