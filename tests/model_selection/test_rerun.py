import json
import pickle
import threading

import joblib
import numpy as np
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from optuna.samplers import RandomSampler, TPESampler
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from avfusion._checksums import write_sums
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
    write_sums(tmp_path)
    with pytest.warns(UserWarning, match="torch 0.1"):
        rerun(tmp_path, X, X[:, 0], verbose=False)


def test_save_says_if_the_recipe_cannot_be_written(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    held = threading.Lock()
    scoring = {"mine": lambda estimator, X, y: 0.0 if held else 1.0}
    result = compare({"a": Ridge()}, X, X[:, 0], scoring=scoring, verbose=False)
    with pytest.warns(UserWarning, match=r"recipe\.joblib was not written") as said:
        result.save(tmp_path)
    assert said[0].filename == __file__
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
        "sha256sums.txt",
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


NUMBERS = np.random.default_rng(0).normal(size=(30, 3))
STREAMS = [{"audio": np.random.default_rng(row).normal(size=(20, 2))} for row in range(6)]
LABELS = [row["audio"][:, 0] for row in STREAMS]


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (NUMBERS.tolist(), NUMBERS[:, 0].tolist()),
        (NUMBERS, tuple(NUMBERS[:, 0])),
        (STREAMS, LABELS),
        ({"audio": [row["audio"] for row in STREAMS]}, LABELS),
    ],
)
def test_rerun_of_a_search_takes_data_in_every_form_that_fit_takes(tmp_path, X, y):
    streams = X is not NUMBERS and not isinstance(X[0] if isinstance(X, list) else None, list)
    model, name = (av.FrameRegressor(Ridge()), "regressor__alpha") if streams else (Ridge(), "alpha")
    search = av.FusionSearchCV(model, {name: [1.0, 10.0]}, cv=2, n_trials=2, random_state=0).fit(X, y)
    again = rerun(search.save(tmp_path), X, y, verbose=False)
    np.testing.assert_array_equal(again.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.lil_matrix, sparse.dok_matrix])
def test_rerun_knows_sparse_data_by_their_values(tmp_path, form):
    y = NUMBERS[:, 0]
    first = compare({"ridge": Ridge()}, form(NUMBERS), y, cv=2, scoring="mae", verbose=False)
    again = rerun(first.save(tmp_path), form(NUMBERS), y, verbose=False)
    assert again.table["mae"].equals(first.table["mae"])
    with pytest.raises(ValueError, match="not the data of the result"):
        rerun(tmp_path, form(5 * NUMBERS[:, ::-1]), y, verbose=False)


def test_data_that_cannot_be_read_are_refused_before_anything_is_fitted():
    class Fitted(Ridge):
        def fit(self, X, y):
            raise AssertionError

    X = pd.DataFrame(NUMBERS).assign(call=[lambda: 0] * 30)
    with pytest.raises(TypeError, match="Column 'call': The content of a function cannot be read"):
        compare({"a": Fitted()}, X, NUMBERS[:, 0], verbose=False)


CHANCE = [
    ({"sampler": RandomSampler()}, "sampler: RandomSampler has no seed"),
    ({"sampler": TPESampler()}, "sampler: TPESampler has no seed"),
    ({"timeout": 100.0}, "timeout=100 s: the number of trials that finish in time varies"),
]


@pytest.mark.parametrize(("options", "reason"), CHANCE)
def test_rerun_of_a_search_warns_of_chance(tmp_path, options, reason):
    search = av.FusionSearchCV(Ridge(), {"alpha": [1.0, 10.0]}, cv=2, n_trials=1, random_state=0, **options)
    folder = search.fit(NUMBERS, NUMBERS[:, 0]).save(tmp_path)
    with pytest.warns(UserWarning, match=f"the search: {reason}"):
        rerun(folder, NUMBERS, NUMBERS[:, 0], verbose=False)


@pytest.mark.parametrize(("options", "reason"), CHANCE)
def test_a_comparison_records_chance_in_a_search_and_rerun_warns(tmp_path, options, reason):
    search = av.FusionSearchCV(Ridge(), {"alpha": [1.0, 10.0]}, cv=2, n_trials=1, random_state=0, **options)
    models = {"plain": Ridge(), "tuned": make_pipeline(StandardScaler(), search)}
    result = compare(models, NUMBERS, NUMBERS[:, 0], cv=2, scoring="mae", verbose=False)
    (found,) = result.settings["not_repeatable"].pop("tuned")
    assert found.startswith(f"fusionsearchcv__{reason}")
    assert result.settings["not_repeatable"] == {}
    with pytest.warns(UserWarning, match=f"tuned: fusionsearchcv__{reason}"):
        rerun(result.save(tmp_path), NUMBERS, NUMBERS[:, 0], verbose=False)


def test_a_search_with_a_seed_is_rerun_without_a_warning(tmp_path, recwarn):
    search = av.FusionSearchCV(
        Ridge(), {"alpha": [1.0, 10.0]}, cv=2, n_trials=1, sampler=TPESampler(seed=0)
    ).fit(NUMBERS, NUMBERS[:, 0])
    rerun(search.save(tmp_path), NUMBERS, NUMBERS[:, 0], verbose=False)
    assert not [str(w.message) for w in recwarn if "Numbers will differ" in str(w.message)]


def test_weights_are_kept_for_a_rerun(tmp_path):
    X, y = data()
    X = X.assign(trust=np.arange(8.0))
    models = {"ridge": av.FrameRegressor()}
    first = compare(models, X, y, cv=2, scoring="ccc", sample_weight="trust", verbose=False)
    again = rerun(first.save(tmp_path / "comparison"), X, y, verbose=False)
    assert again.table["ccc"].equals(first.table["ccc"])
    assert again.settings == first.settings
    space = {"regressor__alpha": [0.1, 1000.0]}
    ridge = av.FrameRegressor(Ridge())
    search = av.FusionSearchCV(ridge, space, cv=2, n_trials=2, random_state=0)
    search.fit(X, y, sample_weight=X["trust"])
    again = rerun(search.save(tmp_path / "search"), X, y, verbose=False)
    assert again.best_score_ == search.best_score_
    assert again.record_["sample_weight"] == search.record_["sample_weight"]


def test_a_recipe_that_was_changed_is_not_loaded(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 2))
    compare({"ridge": Ridge()}, X, X[:, 0], cv=3, scoring="mae", verbose=False).save(tmp_path)
    recipe = tmp_path / "recipe.joblib"
    content = bytearray(recipe.read_bytes())
    content[len(content) // 2] ^= 1
    recipe.write_bytes(content)
    with pytest.raises(ValueError, match=r"recipe\.joblib is not the file that sha256sums\.txt"):
        rerun(tmp_path, X, X[:, 0], verbose=False)


@pytest.mark.parametrize(
    "content", [b"", b"hello", pickle.dumps({"a": 1})[:-3], *map(pickle.dumps, ([1], {}, None, {"data": 1}))]
)
def test_what_is_no_recipe_is_refused_by_name(tmp_path, content):
    (tmp_path / "recipe.joblib").write_bytes(content)
    with pytest.raises(ValueError, match=r"recipe\.joblib (cannot be loaded|is (no recipe|empty))"):
        rerun(tmp_path, [[0.0]], [0.0])
