"""Whose trial it is, whether that process lives, and what becomes of the trials of dead ones."""

import ast
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from avfusion.model_selection.search import _workers
from avfusion.model_selection.search._processes import this_process
from avfusion.model_selection.search._storage import finished_trials, was_cut_off
from avfusion.model_selection.search._workers import begin_trial, fail_stale_trials, sending_heartbeats

EDGE = {"x": FloatDistribution(0, 1)}


@pytest.fixture
def study():
    return optuna.create_study(direction="maximize")


@pytest.fixture
def ended():
    """Return what a process wrote into its trials that has ended."""
    code = "from avfusion.model_selection.search._processes import this_process; print(this_process())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ast.literal_eval(done.stdout)


def states(study):
    return [trial.state.name for trial in study.get_trials(deepcopy=False)]


def with_heartbeats(path):
    storage = RDBStorage(f"sqlite:///{path}", heartbeat_interval=1, grace_period=2)
    return optuna.create_study(direction="maximize", storage=storage)


def test_only_running_trials_of_processes_that_have_ended_are_failed(study, ended):
    begin_trial(study)
    study.ask().set_user_attr("worker", ended)
    study.ask().set_user_attr("worker", ["another machine", 1, 0.0, "its boot"])
    fail_stale_trials(study)
    assert states(study) == ["RUNNING", "FAIL", "RUNNING"]


def test_a_trial_that_this_process_broke_off_is_failed_though_the_process_lives(study):
    with sending_heartbeats(begin_trial(study)):
        fail_stale_trials(study)
        assert states(study) == ["RUNNING"]
    fail_stale_trials(study)
    assert states(study) == ["FAIL"]


def test_a_trial_is_signed_before_its_sampler_begins(study):
    class Slow(optuna.samplers.RandomSampler):
        def before_trial(self, study, trial):
            seen.extend(trial.user_attrs for trial in study.get_trials(deepcopy=True))

    seen = []
    study.sampler = Slow(seed=0)
    begin_trial(study)
    assert seen == [{"worker": this_process()}]
    assert "before_trial" not in vars(study.sampler)


def test_a_sampler_that_fails_leaves_no_running_trial(study):
    class Broken(optuna.samplers.RandomSampler):
        def before_trial(self, study, trial):
            raise ArithmeticError

    study.sampler = Broken()
    with pytest.raises(ArithmeticError):
        begin_trial(study)
    assert states(study) == ["FAIL"]


def test_processes_with_one_seed_do_not_suggest_the_same(study):
    def suggested():
        study.sampler = optuna.samplers.RandomSampler(seed=0)  # as each process makes one
        return begin_trial(study).suggest_float("x", 0, 1)

    first = suggested()
    assert suggested() == first  # one process: repeatable
    study.get_trials(deepcopy=False)[1].user_attrs["worker"] = ["another machine", 1, 0.0, "its boot"]
    assert suggested() != first


def test_what_a_dead_process_was_trying_is_tried_again_but_not_for_ever(study, ended):
    for tries in range(1, 4):
        trial = study.ask()
        if tries == 1:
            trial.suggest_float("x", 0, 1)
        trial.set_user_attr("worker", ended)
        fail_stale_trials(study)
        assert states(study) == ["FAIL"] * tries + ["WAITING"] * (tries < 3)
    assert len({trial.params["x"] for trial in study.trials}) == 1
    assert [was_cut_off(trial) for trial in study.trials] == [True, True, False]
    assert "its process ended each of 3 times" in study.trials[2].user_attrs["error"]
    assert len(finished_trials(study)) == 1


@pytest.mark.works_with("Optuna", "`enqueue_trial` and points of a grid survive a killed process")
def test_enqueued_trials_and_points_of_a_grid_are_not_lost(study, ended):
    study.enqueue_trial({"x": 0.25})
    study.ask().set_user_attr("worker", ended)
    fail_stale_trials(study)
    again = study.ask(EDGE)
    assert again.params == {"x": 0.25}
    study.tell(again, 1.0)
    study.sampler = optuna.samplers.GridSampler({"x": [0.0, 0.5]}, seed=0)
    killed = study.ask()
    killed.set_user_attr("worker", ended)
    fail_stale_trials(study)
    assert {study.ask(EDGE).params["x"] for _ in range(2)} == {0.0, 0.5}


@pytest.mark.works_with("Optuna", "stale heartbeats fail trials of any host; live ones go on")
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_stale_heartbeat_ends_a_trial_of_any_host_and_a_live_one_goes_on(tmp_path):
    study = with_heartbeats(tmp_path / "s.db")
    dead, slow = begin_trial(study), begin_trial(study)
    for trial in (dead, slow):
        trial.suggest_float("x", 0, 1)
        trial.set_user_attr("worker", ["another machine", 1, 0.0, "its boot"])
    with sending_heartbeats(slow):
        time.sleep(4)
        fail_stale_trials(study)
        assert states(study) == ["FAIL", "RUNNING", "WAITING"]
    assert study.trials[2].params == dead.params
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_heartbeat_that_looks_old_does_not_end_a_process_that_is_seen_to_live(tmp_path):
    study = with_heartbeats(tmp_path / "s.db")
    begin_trial(study)
    ahead = "UPDATE trial_heartbeats SET heartbeat = datetime(heartbeat, '-7200 seconds')"
    with closing(sqlite3.connect(tmp_path / "s.db")) as other, other:  # as if the clock were set forward
        other.execute(ahead)
    assert study._storage._get_stale_trial_ids(study._study_id)
    _workers._UNDER_WAY.add((study.study_name, 0))
    fail_stale_trials(study)
    assert states(study) == ["RUNNING"]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_heartbeats_go_on_after_an_error_of_the_database(tmp_path, monkeypatch):
    study, beats = with_heartbeats(tmp_path / "s.db"), []
    trial = begin_trial(study)

    def flaky(trial_id):
        beats.append(trial_id)
        raise optuna.exceptions.StorageInternalError("the server is away")

    monkeypatch.setattr(study._storage, "record_heartbeat", flaky)
    with sending_heartbeats(trial):
        time.sleep(2.5)
    assert len(beats) >= 2


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning", "ignore::FutureWarning")
def test_a_users_own_callback_takes_the_place_of_ours(tmp_path, ended):
    seen = []
    storage = RDBStorage(
        f"sqlite:///{tmp_path}/s.db", heartbeat_interval=1,
        failed_trial_callback=lambda study, trial: seen.append((trial.number, trial.state)),
    )  # fmt: skip
    study = optuna.create_study(storage=storage)
    trial = study.ask(EDGE)
    trial.set_user_attr("worker", ended)
    fail_stale_trials(study)
    assert seen == [(0, TrialState.FAIL)]
    assert states(study) == ["FAIL"]


def test_storages_without_heartbeats_have_no_thread(study):
    with sending_heartbeats(begin_trial(study)):
        assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]
    assert _workers._stale_trial_callback(study._storage) is None


def test_an_interrupt_while_a_trial_begins_leaves_nothing_under_way(study, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    before = set(_workers._UNDER_WAY)
    monkeypatch.setattr(study._storage, "set_trial_user_attr", interrupted)
    with pytest.raises(KeyboardInterrupt):
        begin_trial(study)
    assert before == _workers._UNDER_WAY
