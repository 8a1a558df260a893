"""Where trials are kept, and trials whose process has ended."""

import os
import pickle
import time
from contextlib import suppress

import optuna
import pytest
import sqlalchemy
from optuna.trial import TrialState

from avfusion.model_selection.records._urls import Url
from avfusion.model_selection.search._storage import (
    described_storage,
    finish_trial,
    finished_trials,
    in_memory,
    open_storage,
    quiet_optuna,
    reopenable,
    stoppable,
    was_cut_off,
)
from avfusion.model_selection.search._workers import begin_trial


@pytest.fixture
def study():
    return optuna.create_study(direction="maximize")


def test_storages_by_name(tmp_path):
    with open_storage(tmp_path / "new" / "journal", shared=False) as storage:
        optuna.create_study(study_name="s", storage=storage)
    assert (tmp_path / "new" / "journal").is_file()
    with open_storage(f"sqlite:///{tmp_path}/s.db", shared=False) as storage:
        optuna.create_study(study_name="s", storage=storage)
    assert (tmp_path / "s.db").is_file()
    memory = optuna.storages.InMemoryStorage()
    with open_storage(memory, shared=False) as storage:
        assert storage is memory


def test_trials_that_end_with_their_process_do_not_count_but_errors_do(study):
    finish_trial(study, begin_trial(study), 0.5, TrialState.COMPLETE)
    finish_trial(study, begin_trial(study), None, TrialState.FAIL, ValueError("too strong"))
    study.tell(study.ask(), state=TrialState.FAIL)
    assert [was_cut_off(trial) for trial in study.trials] == [False, False, True]
    assert [trial.number for trial in finished_trials(study)] == [0, 1]
    assert study.trials[1].user_attrs["error"] == "ValueError: too strong"


def test_a_copy_in_memory_has_the_same_trials(study):
    finish_trial(study, begin_trial(study), 0.5, TrialState.COMPLETE)
    copy = in_memory(study)
    assert copy.best_value == 0.5
    assert copy.study_name == study.study_name


def test_optuna_logs_again_afterwards():
    before = optuna.logging.get_verbosity()
    with suppress(KeyError), quiet_optuna():
        assert optuna.logging.get_verbosity() >= optuna.logging.WARNING
        raise KeyError
    assert optuna.logging.get_verbosity() == before


def test_what_is_no_storage_is_refused():
    with (
        pytest.raises(
            TypeError, match=r"storage=3 must be a file, a database's URL, an optuna storage or None"
        ),
        open_storage(3, shared=False),
    ):
        pass


def test_where_a_storage_is(tmp_path):
    url, file = f"sqlite:///{tmp_path}/s.db", str(tmp_path / "journal")
    database = optuna.storages.RDBStorage(url)
    journal = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(file))
    cached = optuna.storages.get_storage(url)
    found = [reopenable(storage) for storage in (None, url, tmp_path, database, cached, journal)]
    assert found == [None, url, str(tmp_path), url, url, file]
    assert reopenable(optuna.storages.InMemoryStorage()) is None
    assert described_storage(optuna.storages.InMemoryStorage()) == "InMemoryStorage"
    assert described_storage(None) is None


def test_a_search_closes_the_connections_that_it_opened(tmp_path):
    with open_storage(f"sqlite:///{tmp_path}/s.db", shared=False) as storage:
        pool = storage._backend.engine.pool
        assert pool.checkedin() > 0
    assert storage._backend.engine.pool is not pool


def test_study_stop_works_in_samplers_and_callbacks(study):
    with stoppable(study):
        study.stop()
    assert study._stop_flag
    with pytest.raises(RuntimeError, match="stop"):
        study.stop()
    with stoppable(study):
        pass
    assert not study._stop_flag


def test_files_that_are_no_journals_are_refused_with_what_to_give(tmp_path):
    with open_storage(f"sqlite:///{tmp_path}/s.db", shared=False):
        pass
    wrong = {
        str(tmp_path): "is a folder. Give the name of a file in it",
        "": "is a folder",
        "sqlite:study.db": "is neither a file nor a URL, which has ://",
        str(tmp_path / "s.db"): "is a database of SQLite. Give its URL: storage='sqlite:////",
        "postgresql://host/studies?user=ann&password=***": "has no password",
    }
    for storage, message in wrong.items():
        with pytest.raises(ValueError, match=message), open_storage(storage, shared=False):
            pass


def test_urls_of_sqlalchemy_are_opened_and_shown_without_their_password(tmp_path):
    url = sqlalchemy.make_url(f"sqlite:///{tmp_path}/s.db")
    with open_storage(url, shared=False) as storage:
        assert storage._backend.url == str(url)
    secret = sqlalchemy.make_url("postgresql://ann:secret@host/studies")
    assert reopenable(secret) == described_storage(secret) == "postgresql://ann:***@host/studies"


def test_the_file_of_a_database_is_where_the_search_began_for_workers_that_start_elsewhere(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with open_storage("sqlite:///s.db", shared=True) as storage:
        sent = pickle.dumps(storage)
        monkeypatch.chdir("/")
        assert pickle.loads(sent)._backend.url == f"sqlite:///{tmp_path}/s.db"


def test_locks_that_killed_processes_left_are_no_hindrance(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    os.symlink("runs/journal", "runs/journal.lock")  # as Optuna makes it of a relative path: it leads nowhere
    begin = time.monotonic()
    with open_storage("runs/journal", shared=False) as storage:
        optuna.create_study(study_name="s", storage=storage)
    assert time.monotonic() - begin < 3


def test_a_url_that_hides_its_password_opens_its_database(tmp_path):
    with open_storage(Url(f"sqlite:///{tmp_path}/s.db?password=secret"), shared=False) as storage:
        assert storage._backend.url.endswith("password=secret")
