import joblib
import numpy as np
import pytest
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
    with pytest.raises(ValueError, match="not the data of the comparison"):
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
