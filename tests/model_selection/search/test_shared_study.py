"""Processes share a study on a real PostgreSQL: one is killed, the server is restarted, nothing is lost."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import optuna
import pytest
from optuna.trial import TrialState

from avfusion.model_selection.search import _database
from avfusion.model_selection.search._storage import finished_trials
from tests.model_selection.search.searches import table_search

BEST = 3.0
N_TRIALS = 24

WORKER = """
import json, sys, time
import numpy as np
from optuna.distributions import FloatDistribution
from sklearn.linear_model import Ridge
import avfusion as av

def score(estimator, X, y):  # 3 folds, half a second for a trial
    time.sleep(0.17)
    return -abs(estimator.alpha - 3.0)

X = np.random.default_rng(0).normal(size=(60, 3))
search = av.FusionSearchCV(
    Ridge(), {"alpha": FloatDistribution(0.1, 100)}, cv=3, n_trials=24, scoring=score, storage=sys.argv[1],
    study_name="shared", random_state=0, refit=False,
)
print("ready", flush=True)
sys.stdin.readline()
search.fit(X, X[:, 0])
print(json.dumps([search.best_params_, search.best_score_, len(search.study_.trials)]))
"""


@pytest.fixture
def made_before(server):
    """Return a study that a user made, with a configuration that they want to be tried."""
    with_tables = _database.open_database(server.url)
    study = optuna.create_study(study_name="shared", storage=with_tables, direction="maximize")
    study.enqueue_trial({"alpha": BEST})
    yield study
    optuna.delete_study(study_name="shared", storage=with_tables)
    with_tables._backend.engine.dispose()


def started(url):
    """Start four searches in the same moment."""
    command = [sys.executable, "-c", WORKER, url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("\n")
        worker.stdin.flush()
    return workers


def running_trial_of(process, study):
    """Wait until the study is under way, stop a process in the middle of a trial, and return that trial."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        trials = study.get_trials(deepcopy=False)
        mine = [t for t in trials if t.user_attrs.get("worker", [0, 0])[1] == process.pid and t.params]
        running = [t for t in mine if t.state == TrialState.RUNNING]
        if running and len(finished_trials(study)) >= 6:
            process.send_signal(signal.SIGSTOP)  # or the trial may end before it is killed
            if not study._storage.get_trial(running[-1]._trial_id).state.is_finished():
                return running[-1]
            process.send_signal(signal.SIGCONT)
        time.sleep(0.02)
    raise AssertionError("no trial runs")


@pytest.mark.works_with(
    "PostgreSQL",
    "four processes share a study, one is killed, no finished trial is lost; a study made before",
)
@pytest.mark.slow
def test_of_four_processes_one_is_killed_and_nothing_is_lost(server, made_before):
    workers = started(server.url)
    victim = running_trial_of(workers[0], made_before)
    os.kill(workers[0].pid, signal.SIGKILL)
    before = {trial.number: trial.value for trial in finished_trials(made_before)}
    results = [worker.communicate(timeout=180)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [-signal.SIGKILL, 0, 0, 0]
    after = {trial.number: trial.value for trial in finished_trials(made_before)}
    assert before.items() <= after.items()
    assert N_TRIALS <= len(after) <= N_TRIALS + 2  # all but one of them may run one more
    trials = made_before.trials
    assert [trial.number for trial in trials if trial.state == TrialState.FAIL] == [victim.number]
    assert not [trial for trial in trials if trial.state in (TrialState.RUNNING, TrialState.WAITING)]
    again = [trial for trial in trials if trial.system_attrs.get("failed_trial") == victim.number]
    assert [trial.params for trial in again] == [victim.params]
    assert again[0].state in (TrialState.COMPLETE, TrialState.PRUNED)
    assert len({trial.params["alpha"] for trial in finished_trials(made_before)}) == len(after)
    assert trials[0].params == {"alpha": BEST}
    for result in results[1:]:
        assert json.loads(result)[:2] == [{"alpha": BEST}, 0.0]


EVENTS = []  # what happens in the middle of the next trials


def distance(estimator, X, y):
    """Score a trial, in whose middle something may happen to the server."""
    if EVENTS:
        EVENTS.pop()()
    return -abs(estimator.alpha - BEST)


def search_in(server):
    return table_search(storage=server.url, study_name="restarted", scoring=distance, n_trials=5)


def nothing():
    pass


@pytest.fixture
def restarted(server):
    yield server
    storage = _database.open_database(server.url)
    optuna.delete_study(study_name="restarted", storage=storage)
    storage._backend.engine.dispose()


@pytest.mark.works_with("PostgreSQL", "the server is started again in the middle of a search")
def test_a_server_that_is_started_again_in_the_middle_costs_nothing(restarted, table):
    def restart():
        restarted.stop()
        threading.Timer(2.0, restarted.start).start()

    EVENTS[:] = [restart, nothing, nothing, nothing]  # from the end: in the second fold of the second trial
    search = search_in(restarted).fit(*table)
    assert EVENTS == []
    assert [trial.state.name for trial in search.study_.trials] == ["COMPLETE"] * 5


def test_a_server_that_stays_away_ends_the_search_which_goes_on_later(restarted, table, monkeypatch):
    monkeypatch.setattr(_database, "PATIENCE_S", 1)
    EVENTS[:] = [restarted.stop, *[nothing] * 7]
    message = r"The storage of study 'restarted' fails: .*fit again to go on"
    with pytest.raises(ConnectionError, match=message) as caught:
        search_in(restarted).fit(*table)
    assert "s3cret" not in str(caught.value)
    assert len(str(caught.value)) <= 320
    restarted.start()
    search = search_in(restarted).fit(*table)
    states = [trial.state.name for trial in search.study_.trials]
    assert sorted(states) == ["COMPLETE"] * 5 + ["FAIL"]


@pytest.mark.works_with("PostgreSQL", "`n_jobs=2` on one server")
@pytest.mark.slow
def test_two_jobs_share_a_study_on_the_server(server, table):
    search = table_search(storage=server.url, n_jobs=2, n_trials=6).fit(*table)
    assert [trial.state.name for trial in search.study_.trials] == ["COMPLETE"] * 6


@pytest.mark.slow
def test_four_processes_on_one_file_of_sqlite_wait_for_each_other(tmp_path):
    url = f"sqlite:///{tmp_path}/s.db"
    workers = started(url)
    results = [worker.communicate(timeout=240)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4
    study = optuna.load_study(study_name="shared", storage=url)
    assert N_TRIALS <= len(finished_trials(study)) <= N_TRIALS + 3
    assert all(json.loads(result)[0]["alpha"] > 0 for result in results)


def test_storages_in_memory_are_not_shared(table):
    for storage in (optuna.storages.InMemoryStorage(), "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(ValueError, match=r"is in the memory of one process, .* set n_jobs=1"):
            table_search(storage=storage, n_jobs=2).fit(*table)
