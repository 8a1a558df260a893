"""Processes that share one study: trials per minute, and what a killed process costs.

``python -m benchmarks.shared_study`` runs searches of 60 trials by 1, 2 and 4 processes on a journal file,
SQLite and PostgreSQL. A trial waits for .3 s in its three folds: what is measured is the storage. Then one of
four processes on PostgreSQL is killed (SIGKILL) in the middle of a trial. Times are from the first trial to
the last.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna
from optuna.trial import TrialState

from avfusion.model_selection.search._storage import finished_trials, open_storage
from benchmarks import report
from benchmarks.postgresql import Server, programs

N_TRIALS = 60
WORKER = """
import sys, time
import numpy as np
from optuna.distributions import FloatDistribution
from optuna.pruners import NopPruner
from sklearn.linear_model import Ridge
import avfusion as av

def score(estimator, X, y):
    time.sleep(0.1)
    return -abs(estimator.alpha - 3.0)

X = np.random.default_rng(0).normal(size=(60, 3))
search = av.FusionSearchCV(
    Ridge(), {"alpha": FloatDistribution(0.1, 100)}, cv=3, n_trials=int(sys.argv[3]), scoring=score,
    storage=sys.argv[1], study_name=sys.argv[2], random_state=0, refit=False, pruner=NopPruner(),
)
print("ready", flush=True)
sys.stdin.readline()
search.fit(X, X[:, 0])
print(search.best_params_)
"""


def start(storage, name, n_processes, n_trials):
    """Start processes that begin their search in the same moment."""
    command = [sys.executable, "-c", WORKER, storage, name, str(n_trials)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, **pipes) for _ in range(n_processes)]
    for worker in workers:
        worker.stdout.readline()
    for worker in workers:
        worker.stdin.write("\n")
        worker.stdin.flush()
    return workers


def trials_of(storage, name):
    """Return the trials of a study that others may still be creating."""
    with open_storage(storage, shared=False) as opened:
        return optuna.load_study(study_name=name, storage=opened).trials


def throughput(kind, storage, n_trials=N_TRIALS, numbers=(1, 2, 4)):
    """Return one line per number of processes."""
    lines = []
    for n_processes in numbers:
        name = f"{kind}-{n_processes}"
        workers = start(storage, name, n_processes, n_trials)
        for worker in workers:
            worker.communicate()
        done = [trial for trial in trials_of(storage, name) if trial.state.is_finished()]
        seconds = (
            max(trial.datetime_complete for trial in done) - min(trial.datetime_start for trial in done)
        ).total_seconds()
        failed = sum(worker.returncode != 0 for worker in workers)
        lines.append(
            {
                "storage": kind, "processes": n_processes, "trials": len(done),
                "trials per minute": 60 * len(done) / seconds, "processes that failed": failed,
            }
        )  # fmt: skip
    return lines


def killed(storage, n_trials=N_TRIALS):
    """Kill one of four processes in the middle of a trial, and count trials before and after."""
    workers = start(storage, "killed", 4, n_trials)
    with open_storage(storage, shared=False) as opened:
        while True:
            time.sleep(0.02)
            try:
                study = optuna.load_study(study_name="killed", storage=opened)
            except KeyError:  # not created yet
                continue
            running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            mine = [
                t for t in running if t.user_attrs.get("worker", [0, 0])[1] == workers[0].pid and t.params
            ]
            if mine and len(finished_trials(study)) >= n_trials // 3:
                break
        os.kill(workers[0].pid, signal.SIGKILL)
        before = {trial.number for trial in finished_trials(study)}
        answers = [worker.communicate()[0] for worker in workers][1:]
        after = {trial.number for trial in finished_trials(study)}
        failed = [trial.number for trial in study.trials if trial.state == TrialState.FAIL]
        again = [t.number for t in study.trials if t.system_attrs.get("failed_trial") == mine[0].number]
    return {
        "finished before the kill": len(before),
        "finished at the end": len(after),
        "finished trials lost": len(before - after),
        "failed with the process": len(failed),
        "of these tried again": len(again),
        "left running": sum(trial.state == TrialState.RUNNING for trial in study.trials),
        "best parameters of the other three": len(set(answers)),
    }


def main(arguments=None):
    """Measure and write both tables."""
    chosen = report.options(__doc__).parse_args(arguments)
    n_trials, numbers = (8, (2,)) if chosen.short else (N_TRIALS, (1, 2, 4))
    tables = {}
    with tempfile.TemporaryDirectory() as folder:
        lines = throughput("journal", str(Path(folder) / "journal"), n_trials, numbers)
        lines += throughput("SQLite", f"sqlite:///{folder}/s.db", n_trials, numbers)
    if programs() is None:
        print("PostgreSQL is not installed: apt-get install postgresql")
    else:
        with Server() as server:
            lines += throughput("PostgreSQL", server.url, n_trials, numbers)
            tables["one of four processes on PostgreSQL is killed"] = [killed(server.url, n_trials)]
    report.publish("shared_study", {"throughput": lines} | tables, chosen.output)


if __name__ == "__main__":
    main()
