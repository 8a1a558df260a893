"""Studies: the same search is resumed, in any process and after any kill, and another one never mixes in."""

import os
import pickle
import resource
import subprocess
import sys
import time

import joblib
import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.exceptions import StorageInternalError
from optuna.pruners import NopPruner
from optuna.samplers import GridSampler, RandomSampler
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, r2_score
from sklearn.model_selection import cross_val_score

import avfusion as av
from avfusion.model_selection._cluster import SentOnce
from avfusion.model_selection.search import _study
from avfusion.model_selection.search._storage import finished_trials
from avfusion.model_selection.search._trials import TrialOutcome
from benchmarks.faults import searches
from tests.model_selection.search.searches import SPACE, negative_mae, table_search


def test_same_seed_same_search_and_a_killed_one_goes_on_alike(data, ridge, tmp_path):
    X, y = data
    space = {"frameregressor__regressor__alpha": FloatDistribution(1e-2, 1e4, log=True)}

    def search(n_trials, storage=None, seed=3):
        return av.FusionSearchCV(
            ridge, space, cv=2, n_trials=n_trials, storage=storage, random_state=seed, refit=False
        ).fit(X, y)

    whole = search(14).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(search(14).cv_results_["mean_test_score"], whole)
    assert not np.array_equal(search(14, seed=4).cv_results_["mean_test_score"], whole)
    url = f"sqlite:///{tmp_path}/study.db"
    name = search(5, url).study_.study_name
    # as of a process that is killed in the middle of its trial
    optuna.load_study(
        study_name=name, storage=url
    ).ask()  # as of a process that is killed in the middle of its trial
    resumed = search(14, url)
    assert [trial.state.name for trial in resumed.study_.trials].count("FAIL") == 1
    assert len(resumed.study_.trials) == 15
    np.testing.assert_array_equal(resumed.cv_results_["mean_test_score"], whole)


def test_other_data_get_a_study_of_their_own(data, ridge, tmp_path):
    X, y = data
    settings = {"cv": 2, "n_trials": 2, "storage": tmp_path / "new" / "journal", "refit": False}
    first = av.FusionSearchCV(ridge, SPACE, **settings).fit(X, y)
    other = av.FusionSearchCV(ridge, SPACE, **settings).fit(X.iloc[:6], y.iloc[:6])
    assert first.study_.study_name != other.study_.study_name
    assert len(other.study_.trials) == 2


@pytest.mark.works_with("Optuna", "several processes work on one study (journal file, SQLite)")
@pytest.mark.parametrize("kind", ["memory", "journal", "sqlite"])
def test_processes_share_a_study(data, ridge, tmp_path, kind):
    X, y = data
    storage = {"memory": None, "journal": tmp_path / "journal", "sqlite": f"sqlite:///{tmp_path}/s.db"}[kind]
    search = av.FusionSearchCV(ridge, SPACE, cv=2, n_trials=6, n_jobs=2, storage=storage).fit(X, y)
    assert len(search.study_.trials) == 6
    assert search.best_score_ == max(search.cv_results_["mean_test_score"])
    workers = {tuple(trial.user_attrs["worker"]) for trial in search.study_.trials}
    assert 1 <= len(workers) <= 2


@pytest.mark.works_with("Optuna", "a search is killed at any moment, resumes, and has lost no finished trial")
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["a journal", "SQLite"])
def test_killed_at_any_moment_it_resumes_and_loses_no_finished_trial(kind):
    event = searches.kills(kind, 2, np.random.default_rng(0), {})
    assert event.outcomes == {"whole": 2}  # the same best as without kills, none left running, no lock left


def test_a_disk_that_is_full_ends_the_search_which_goes_on_when_there_is_space(table, tmp_path):
    whole = table_search(n_trials=6, storage=tmp_path / "whole").fit(*table)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "whole").stat().st_size // 2, before[1]))
    message = r"The storage of study '.*' fails: .*/j cannot be written: File too large.* are kept"
    try:
        with pytest.raises(ConnectionError, match=message) as caught:
            table_search(n_trials=6, storage=tmp_path / "j").fit(*table)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(str(caught.value)) <= 320
    again = table_search(n_trials=6, storage=tmp_path / "j").fit(*table)
    assert again.best_params_ == whole.best_params_
    states = [trial.state.name for trial in again.study_.trials]
    assert states.count("FAIL") == 1
    assert "RUNNING" not in states


def test_what_is_wrong_with_a_storage_comes_back_from_a_worker(monkeypatch):
    def failing(*arguments):
        raise StorageInternalError("An exception is raised.") from OSError("The disk is full")

    monkeypatch.setattr(_study, "run_trial", failing)
    with pytest.raises(ConnectionError) as caught:
        _study._run_sent(SentOnce(len), os.getpid(), None, "emotions")
    assert "The storage of study 'emotions' fails: The disk is full." in str(
        pickle.loads(pickle.dumps(caught.value))
    )


def test_ctrl_c_ends_the_search_and_the_trial_does_not_count(data, tmp_path):
    X, y = data

    class Interrupted(av.FrameRegressor):
        def fit(self, X, y):
            raise KeyboardInterrupt

    storage = optuna.storages.InMemoryStorage()
    with pytest.raises(KeyboardInterrupt):
        av.FusionSearchCV(
            Interrupted(Ridge()), {"regressor__alpha": [1.0]}, cv=2, storage=storage, study_name="s"
        ).fit(X, y)
    study = optuna.load_study(study_name="s", storage=storage)
    assert [trial.state.name for trial in study.trials] == ["FAIL"]
    assert finished_trials(study) == []


def test_timeout_begins_no_new_trial(data, ridge):
    X, y = data
    search = av.FusionSearchCV(ridge, SPACE, cv=2, n_trials=50, timeout=0.0)
    with pytest.raises(ValueError, match=r"None of 0 trials has a score. Allow more trials or more time"):
        search.fit(X, y)


@pytest.mark.parametrize(
    "changes",
    [
        {"scoring": make_scorer(r2_score)},
        {"scoring": lambda e, X, y: -np.square(e.predict(X) - y).sum()},
        {"space": {"alpha": FloatDistribution(1e4, 1e6)}},
        {"space": {"alpha": FloatDistribution(0.1, 100), "fit_intercept": [True, False]}},
        {"estimator": Ridge(solver="svd")},
        {"cv": 4},
        {"X": 1},
        {"y": 1},
    ],
)
def test_a_search_about_something_else_neither_finds_nor_takes_the_study(table, tmp_path, changes):
    X, y = table
    first = table_search(scoring=negative_mae, storage=tmp_path / "j").fit(X, y)
    changes = {"scoring": negative_mae} | changes
    X = X[::-1] if changes.pop("X", 0) else X
    y = y + 1 if changes.pop("y", 0) else y
    other = table_search(storage=tmp_path / "j", **changes).fit(X, y)
    alone = table_search(**changes).fit(X, y)
    assert other.study_.study_name != first.study_.study_name
    assert other.best_score_ == alone.best_score_
    table_search(scoring=negative_mae, storage=tmp_path / "mine", study_name="mine").fit(*table)
    with pytest.raises(ValueError, match="Study 'mine' contains trials of a search with different"):
        table_search(storage=tmp_path / "mine", study_name="mine", **changes).fit(X, y)


def test_studies_of_others_are_refused(table, tmp_path):
    storage = f"sqlite:///{tmp_path}/s.db"
    optuna.create_study(study_name="down", storage=storage)
    theirs = optuna.create_study(study_name="theirs", storage=storage, direction="maximize")
    optuna.create_study(study_name="empty", storage=storage, direction="maximize")
    theirs.optimize(lambda trial: trial.suggest_float("alpha", 0, 1), n_trials=1)
    with pytest.raises(ValueError, match="Study 'down' minimises"):
        table_search(storage=storage, study_name="down").fit(*table)
    with pytest.raises(ValueError, match="Study 'theirs' contains trials that FusionSearchCV did not create"):
        table_search(storage=storage, study_name="theirs").fit(*table)
    assert len(table_search(storage=storage, study_name="empty").fit(*table).study_.trials) == 4


ANOTHER_PROCESS = """
import sys
import numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
import avfusion as av

def square(X):
    return X**2

class Callback:
    def __init__(self):
        self.function = square

def score(estimator, X, y):
    return -np.abs(estimator.predict(X) - y).mean()

X = np.random.default_rng(0).normal(size=(60, 3))
model = make_pipeline(FunctionTransformer(square, kw_args={}), Ridge(random_state=np.random.RandomState(0)))
space = {"ridge__alpha": [1, 10, 100], "functiontransformer__func": [square, np.abs, None]}
search = av.FusionSearchCV(model, space, cv=3, n_trials=int(sys.argv[2]), storage=sys.argv[1],
                           scoring=score, random_state=0).fit(X, X[:, 0])
print(search.study_.study_name, len(search.study_.trials))
"""


def test_another_process_finds_the_study_though_functions_lie_elsewhere(tmp_path):
    lines = []
    for n_trials in ("2", "5"):
        command = [sys.executable, "-c", ANOTHER_PROCESS, str(tmp_path / "j"), n_trials]
        lines.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    assert lines[0][0] == lines[1][0]
    assert [int(line[1]) for line in lines] == [2, 5]


@pytest.mark.parametrize("storage", [None, "journal"])
def test_trials_at_the_same_time_try_different_things(table, tmp_path, storage):
    search = table_search(
        n_trials=12, n_jobs=2, storage=storage and tmp_path / storage, scoring=slow_score
    ).fit(*table)
    assert len({p["alpha"] for p in search.cv_results_["params"]}) == 12


def slow_score(estimator, X, y):
    time.sleep(0.05)
    return negative_mae(estimator, X, y)


def test_a_sampler_of_ones_own_does_not_repeat_itself_and_may_end_the_search(table, tmp_path):
    settings = {"sampler": RandomSampler(seed=0), "storage": tmp_path / "j"}
    table_search(n_trials=3, **settings).fit(*table)
    search = table_search(n_trials=6, **settings).fit(*table)
    assert len({p["alpha"] for p in search.cv_results_["params"]}) == 6
    grid = {"alpha": [0.1, 1.0, 10.0]}
    whole = table_search(space=grid, sampler=GridSampler(grid, seed=0), n_trials=10).fit(*table)
    assert sorted(p["alpha"] for p in whole.cv_results_["params"]) == grid["alpha"]


def test_threads_run_trials_side_by_side(table):
    with joblib.parallel_config("threading", n_jobs=3):
        search = table_search(n_trials=9, pruner=NopPruner()).fit(*table)
    found = search.cv_results_
    assert len(set(found["param_alpha"])) == 9
    for parameters, score in zip(found["params"], found["mean_test_score"], strict=True):
        assert score == cross_val_score(Ridge(**parameters), *table, cv=3).mean()


def test_what_the_space_leaves_out_of_an_enqueued_trial_is_a_warning(table):
    storage = optuna.storages.InMemoryStorage()
    optuna.create_study(direction="maximize", study_name="mine", storage=storage).enqueue_trial(
        {"alpah": 3.0}
    )

    def space(trial):
        return {"alpha": trial.suggest_float("alpha", 0.1, 10)}

    with pytest.warns(UserWarning, match="Trial 0 was enqueued with 'alpah', which space did not suggest"):
        table_search(space=space, storage=storage, study_name="mine", n_trials=1).fit(*table)


@pytest.mark.parametrize("finished", [0, 2])
def test_trials_that_go_to_another_storage_end_the_search(table, monkeypatch, finished):
    storage = optuna.storages.InMemoryStorage()
    if finished:
        table_search(study_name="mine", storage=storage, n_trials=finished).fit(*table)

    def elsewhere(**options):
        return lambda tasks: (TrialOutcome(number) for number, _ in enumerate(tasks))

    monkeypatch.setattr(_study, "_PARALLEL", elsewhere)
    with pytest.raises(ConnectionError, match=r"Trials of study 'mine' .* see another storage"):
        table_search(study_name="mine", storage=storage).fit(*table)


@pytest.mark.slow
def test_hardly_a_trial_begins_after_a_callback_stopped_the_study(table):
    search = table_search(
        n_trials=40, n_jobs=2, callbacks=[lambda study, trial: study.stop()], estimator=Slow()
    )
    assert len(search.fit(*table).cv_results_["params"]) <= 4


class Slow(Ridge):
    def fit(self, X, y):
        time.sleep(0.1)
        return super().fit(X, y)
