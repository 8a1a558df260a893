"""Callbacks are told of every trial, in the process of the search, and can neither lose nor spoil one."""

import os

import numpy as np
import optuna
import pytest
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning

import avfusion as av
from avfusion.model_selection.search._callbacks import call_callbacks, check_callbacks
from tests.model_selection.search.searches import table_search


@pytest.mark.works_with("Optuna", "`callbacks=`: each finished trial once, with one job and two")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_each_trial_is_told_once_in_this_process(table, n_jobs):
    seen = []

    def callback(study, trial):
        seen.append((trial.number, trial.state, trial.value, os.getpid(), study.best_value))

    search = table_search(n_trials=6, n_jobs=n_jobs, callbacks=[callback]).fit(*table)
    assert sorted(number for number, *_ in seen) == list(range(6))
    assert {pid for *_, pid, _ in seen} == {os.getpid()}
    assert {number: value for number, _, value, _, _ in seen} == {
        t.number: t.value for t in search.study_.trials
    }


def test_pruned_and_failed_trials_are_told_too(table):
    seen, grid = [], {"alpha": [-1.0, 1.0]}
    with pytest.warns(FitFailedWarning, match="A trial failed"):
        table_search(
            n_trials=2, space=grid, sampler=optuna.samplers.GridSampler(grid, seed=0),
            callbacks=[lambda study, trial: seen.append(trial.state.name)],
        ).fit(*table)  # fmt: skip
    assert sorted(seen) == ["COMPLETE", "FAIL"]


@pytest.mark.works_with("Optuna", "`study.stop()` in a callback ends the search")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_stop_ends_the_search(table, n_jobs):
    def stop(study, trial):
        if trial.number >= 2:
            study.stop()

    search = table_search(n_trials=40, n_jobs=n_jobs, callbacks=[stop]).fit(*table)
    n_trials = len(search.study_.trials)
    assert n_trials == 3 if n_jobs == 1 else 3 <= n_trials < 40
    assert search.best_score_ == np.nanmax(search.cv_results_["mean_test_score"])


def test_an_error_is_a_warning_and_loses_no_trial(table):
    def tracker(study, trial):
        raise OSError("the tracker does not answer")

    seen = []
    search = table_search(callbacks=[tracker, lambda study, trial: seen.append(trial.number)])
    with pytest.warns(
        UserWarning, match=r"callbacks\[0\] .*tracker.* failed after trial 0, which is kept: OSError"
    ):
        search.fit(*table)
    assert seen == [0, 1, 2, 3]
    assert len(search.study_.trials) == 4


def test_an_error_is_raised_where_the_user_asks_for_it_and_the_trial_is_kept(table, tmp_path):
    def tracker(study, trial):
        raise OSError("the tracker does not answer")

    settings = {"storage": tmp_path / "j", "error_score": "raise"}
    with pytest.raises(OSError, match="does not answer") as caught:
        table_search(callbacks=[tracker], **settings).fit(*table)
    assert "failed after trial 0, which is kept" in caught.value.__notes__[0]
    search = table_search(**settings).fit(*table)
    assert [trial.state.name for trial in search.study_.trials] == ["COMPLETE"] * 4


def test_a_resumed_search_tells_only_its_own_trials(table, tmp_path):
    seen = []
    table_search(n_trials=2, storage=tmp_path / "j").fit(*table)
    table_search(storage=tmp_path / "j", callbacks=(lambda study, trial: seen.append(trial.number),)).fit(
        *table
    )
    assert seen == [2, 3]


def test_a_callback_cannot_change_a_trial(table):
    def spoil(study, trial):
        trial.user_attrs["score"] = []

    search = table_search(callbacks=[spoil]).fit(*table)
    assert np.isfinite(search.cv_results_["split0_test_score"]).all()


def test_what_cannot_be_called_is_refused_before_any_fit(table):
    with pytest.raises(TypeError, match=r"callbacks\[0\] is \('tracker', .*Give functions or objects"):
        table_search(callbacks=[("tracker", print)]).fit(*table)
    with pytest.raises(ValueError, match="The 'callbacks' parameter of FusionSearchCV must be"):
        table_search(callbacks=print).fit(*table)
    with pytest.raises(TypeError, match=r"callbacks\[1\]"):
        check_callbacks([print, optuna.samplers.RandomSampler])


def test_without_callbacks_nothing_is_stopped():
    assert call_callbacks(None, optuna.create_study(), 0, raise_errors=True) is False


@pytest.mark.works_with("MLflow", "Optuna's `MLflowCallback` in a search: a run for each trial")
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_mlflow_has_a_run_for_each_trial(table, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    from optuna_integration import MLflowCallback

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    search = table_search(study_name="tracked", callbacks=[MLflowCallback(uri, metric_name="score")]).fit(
        *table
    )
    mlflow.set_tracking_uri(uri)
    experiment = mlflow.get_experiment_by_name("tracked")
    runs = mlflow.MlflowClient(uri).search_runs([experiment.experiment_id])
    logged = {float(run.data.params["alpha"]): run.data.metrics["score"] for run in runs}
    assert logged == pytest.approx({t.params["alpha"]: t.value for t in search.study_.trials})
    assert clone(search).fit(*table).best_params_ == search.best_params_


class Writer:
    """A tracker that holds an open file, as TensorBoard's does."""

    def __init__(self, path):
        self.file = path.open("w")

    def __call__(self, study, trial):
        self.file.write(f"{trial.number}\n")


def test_a_fitted_search_is_saved_without_its_callbacks(table, tmp_path):
    search = table_search(callbacks=[Writer(tmp_path / "log")], refit=True).fit(*table)
    again = av.persistence.load(av.persistence.save(search, tmp_path / "model"))
    np.testing.assert_array_equal(again.predict(table[0]), search.predict(table[0]))
    assert again.callbacks is None
    assert search.save(tmp_path / "folder")
    assert (tmp_path / "folder" / "recipe.joblib").is_file()
