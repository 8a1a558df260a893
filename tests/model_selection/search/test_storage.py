"""Where trials are kept, and what becomes of those whose process is gone."""

import os
import socket

import optuna
import pytest
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.trial import TrialState

from avfusion.model_selection.search import _storage as storage

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


@pytest.fixture
def study():
    with storage.quiet_optuna():
        return optuna.create_study()


def sign(study, trial, worker):
    study._storage.set_trial_user_attr(trial._trial_id, storage._WORKER, worker)


@pytest.mark.parametrize(
    ("given", "shared", "kind"),
    [
        (None, False, InMemoryStorage),
        (None, True, JournalStorage),
        ("{folder}/new/journal", False, JournalStorage),
        ("sqlite:///{folder}/study.db", False, optuna.storages._CachedStorage),
    ],
)
def test_what_users_give_is_opened(given, shared, kind, tmp_path):
    with storage.storage_of(given and given.format(folder=tmp_path), shared) as opened:
        assert isinstance(opened, kind)
        optuna.create_study(storage=opened, study_name="ours")
    with storage.storage_of(opened, shared) as again:
        assert again is opened


def test_a_trial_is_signed_with_this_process(study):
    host, pid, _ = storage.begin_trial(study).user_attrs[storage._WORKER]
    assert (host, pid) == (socket.gethostname(), os.getpid())


def test_only_trials_of_dead_processes_are_buried(study):
    alive, reused, elsewhere = storage.begin_trial(study), storage.begin_trial(study), study.ask()
    host, pid, created = alive.user_attrs[storage._WORKER]
    sign(study, reused, [host, pid, created - 100])  # another process had the number before
    sign(study, elsewhere, ["another-machine", pid, created])
    storage.bury_dead_trials(study)
    assert [trial.state for trial in study.trials] == [
        TrialState.RUNNING,
        TrialState.FAIL,
        TrialState.RUNNING,
    ]
    assert storage.was_cut_off(study.trials[1])
    assert storage.finished_trials(study) == []


def test_a_trial_nobody_signs_is_buried_after_a_while(study, monkeypatch):
    monkeypatch.setattr(storage, "_UNSIGNED_S", 0.01)
    study.ask()
    storage.bury_dead_trials(study)
    assert study.trials[0].state == TrialState.FAIL


def test_a_trial_that_failed_for_its_own_reason_counts_as_finished(study):
    trial = storage.begin_trial(study)
    assert storage.tell(study, trial, None, TrialState.FAIL, ValueError("no"))
    (finished,) = storage.finished_trials(study)
    assert finished.user_attrs[storage._ERROR] == "ValueError: no"


def test_a_sampler_with_nothing_left_says_so(study):
    study.sampler = optuna.samplers.GridSampler({"a": [1, 2]}, seed=0)
    more = []
    for _ in range(2):
        trial = storage.begin_trial(study)
        more.append(storage.tell(study, trial, float(trial.suggest_int("a", 1, 2)), TrialState.COMPLETE))
    assert more == [True, False]
    assert len(storage.finished_trials(study)) == 2


def test_a_copy_in_memory_has_all_trials(study):
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    copy = storage.in_memory(study)
    assert isinstance(copy._storage, InMemoryStorage)
    assert copy._storage is not study._storage
    assert [trial.value for trial in copy.trials] == [trial.value for trial in study.trials]


def test_optuna_is_as_loud_as_before_even_after_an_error():
    optuna.logging.set_verbosity(optuna.logging.INFO)
    with storage.quiet_optuna():
        assert optuna.logging.get_verbosity() == optuna.logging.WARNING
    with pytest.raises(ZeroDivisionError), storage.quiet_optuna():
        raise ZeroDivisionError
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
