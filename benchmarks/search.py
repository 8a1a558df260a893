"""Searches with Optuna: what pruning saves, what the search itself costs, and whether killed ones resume.

``python -m benchmarks.search`` measures, on synthetic recordings with a label per frame,

- the time and the best score of the same budget of trials with and without pruning, over seeds. The winners
  are also scored on recordings of other people, which no trial saw. Time is that of the processor, of one
  thread, which other work on the machine hardly changes;
- the throughput of 20 configurations in 5 folds on two processes against two independent bare processes, each
  with half of the same fits and scores;
- the share of a search in one process that is neither fits nor scores, and its memory against the number of
  configurations;
- how many of the searches that are killed (SIGKILL) at random moments resume and end with all their trials.
"""

import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import optuna
import torch
from optuna.pruners import NopPruner
from optuna.trial import TrialState
from sklearn.base import clone
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from avfusion.model_selection.search._storage import finished_trials
from benchmarks import report

CV = GroupKFold(5)
LIST = {"recursivejointattentionregressor__lr": list(np.geomspace(1e-3, 1e-2, 20))}


def recordings(seed, n_recordings=20):
    """Return recordings of ten people at 1 Hz, half of the label visible only in both streams together."""
    return av.datasets.make_audiovisual_regression(
        n_recordings, recordings_per_subject=2, duration_s=(60, 120), audio_rate_hz=1, video_rate_hz=1,
        random_state=seed,
    )  # fmt: skip


def model(max_epochs=40, seed=0):
    """Return what is searched over."""
    network = av.RecursiveJointAttentionRegressor(max_epochs=max_epochs, random_state=seed)
    return make_pipeline(av.OnFrames(StandardScaler()), network)


def pruning(n_seeds, n_trials, max_epochs=40, n_recordings=40, space=None):
    """Search with and without pruning in turn, on half of the recordings; one line per seed."""
    torch.set_num_threads(1)
    lines = []
    for seed in range(n_seeds):
        X, y = recordings(seed, n_recordings)  # two of each; the relation to the label is the seed's own
        half = n_recordings // 2
        X, y, X_new, y_new = X.iloc[:half], y.iloc[:half], X.iloc[half:], y.iloc[half:]
        line = {"seed": seed, "trials": n_trials}
        for name, pruner in (("without", NopPruner()), ("with", None)):
            search = av.FusionSearchCV(
                model(max_epochs, seed),
                space,
                cv=CV,
                n_trials=n_trials,
                pruner=pruner,
                random_state=seed,
                refit=False,
            )
            begin = time.process_time()
            search.fit(X, y, groups="subject")
            line[f"{name} (s)"] = time.process_time() - begin
            line[f"{name}: best"] = search.best_score_
            winner = model(max_epochs, seed).set_params(**search.best_params_)
            line[f"{name}: new recordings"] = winner.fit(X, y).score(X_new, y_new)
            line["pruned"] = int((search.cv_results_["state"] == "pruned").sum())
        line["time with / without"] = line["with (s)"] / line["without (s)"]
        lines.append(line)
    mean = {key: statistics.mean(line[key] for line in lines) for key in lines[0]}
    return [*lines, {**mean, "seed": "mean", "at most": 0.6}]


def half_of_the_fits(half, n_configurations, max_epochs):
    """Run every other configuration in this process, when told to; print the seconds."""
    torch.set_num_threads(1)
    X, y = recordings(0)
    model(1).fit(X.iloc[:4], y.iloc[:4]).score(X, y)
    print("ready", flush=True)
    sys.stdin.readline()
    begin = time.perf_counter()
    for lr in next(iter(LIST.values()))[:n_configurations][half::2]:
        for train, test in CV.split(X, groups=X["subject"]):
            fitted = clone(model(max_epochs)).set_params(**{next(iter(LIST)): lr})
            fitted.fit(X.iloc[train], y.iloc[train]).score(X.iloc[test], y.iloc[test])
    print(time.perf_counter() - begin, flush=True)


def independent(n_configurations, max_epochs):
    """Run all configurations in two bare processes at once; return the time of the slower one."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "benchmarks.search", "--configurations", str(n_configurations)]
    command += ["--epochs", str(max_epochs), "--half"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    processes = [subprocess.Popen([*command, str(half)], **pipes) for half in (0, 1)]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    return max(float(process.communicate()[0]) for process in processes)


def search_over_list(n_configurations, max_epochs, n_jobs):
    """Search over a list of learning rates without pruning; return the search and its time."""
    X, y = recordings(0)
    space = {name: values[:n_configurations] for name, values in LIST.items()}
    search = av.FusionSearchCV(
        model(max_epochs), space, cv=CV, n_trials=n_configurations, pruner=NopPruner(), refit=False,
        sampler=optuna.samplers.GridSampler(space, seed=0), n_jobs=n_jobs,
    )  # fmt: skip
    begin = time.perf_counter()
    search.fit(X, y, groups="subject")
    return search, time.perf_counter() - begin


def throughput(n_configurations, max_epochs, repeats):
    """Compare a search in two processes with two bare processes, in turn."""
    search_over_list(2, 1, 2)  # the workers are up, and have imported everything
    times = {"search": [], "independent": []}
    for _ in range(repeats):
        times["search"].append(search_over_list(n_configurations, max_epochs, 2)[1])
        times["independent"].append(independent(n_configurations, max_epochs))
    return [
        {
            "configurations": n_configurations,
            "folds": CV.get_n_splits(),
            "search (s)": statistics.median(times["search"]),
            "two bare processes (s)": statistics.median(times["independent"]),
            "throughput of the search": report.median_ratio(times, "independent", "search"),
            "at least": 0.95,
        }
    ]


def own_cost(configurations, max_epochs):
    """Return the share of a search in one process that is neither fits nor scores, and its peak memory."""
    lines = []
    for n_configurations in configurations:
        search, seconds = search_over_list(n_configurations, max_epochs, 1)
        results = search.cv_results_
        inside = CV.get_n_splits() * (results["mean_fit_time"] + results["mean_score_time"]).sum()
        lines.append(
            {
                "configurations": n_configurations,
                "search (s)": seconds,
                "fits and scores (s)": inside,
                "the search's own share": 1 - inside / seconds,
                "at most": 0.05,
                "peak memory (MB)": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    return lines


def to_be_killed(storage, n_trials):
    """Run the search that gets killed."""
    X, y = recordings(0, n_recordings=10)
    print("ready", flush=True)
    av.FusionSearchCV(
        model(max_epochs=2), LIST, cv=CV, n_trials=n_trials, storage=storage, study_name="killed",
        refit=False, random_state=0,
    ).fit(X, y, groups="subject")  # fmt: skip


def killed_and_resumed(times, n_trials):
    """Kill a search at random moments and resume it, again and again until its trials are done."""
    rng = np.random.default_rng(0)
    lines = []
    for kind in ("journal", "sqlite"):
        with tempfile.TemporaryDirectory() as folder:
            storage = f"sqlite:///{folder}/study.db" if kind == "sqlite" else str(Path(folder) / "journal")
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            command = [
                sys.executable,
                "-m",
                "benchmarks.search",
                "--killed",
                storage,
                "--trials",
                str(n_trials),
            ]
            options = {"stdout": subprocess.PIPE, "text": True, "env": environment}
            seen, lost, kills = {}, 0, 0
            while kills < times:
                process = subprocess.Popen(command, **options)
                process.stdout.readline()
                time.sleep(rng.uniform(0.0, 4.0))  # a trial takes about one second
                kills += process.poll() is None
                process.send_signal(signal.SIGKILL)
                process.wait()
                now = finished(storage)
                lost += len(seen.items() - now.items())
                seen = now
                if len(now) >= n_trials:
                    n_trials += 4  # so that there is something to interrupt
                    command[-1] = str(n_trials)
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
            now = finished(storage)
            lines.append(
                {
                    "storage": kind,
                    "kills": kills,
                    "finished trials lost": lost + len(seen.items() - now.items()),
                    "trials at the end": len(now),
                    "asked for": n_trials,
                    "left running": len(study_in(storage).get_trials(states=(TrialState.RUNNING,))),
                    "best value is the best of them": study_in(storage).best_value == max(
                        value for value in now.values() if value is not None
                    ),
                }
            )  # fmt: skip
    return lines


def study_in(storage):
    """Open the study of the search that gets killed."""
    if "://" not in storage:
        backend = optuna.storages.journal.JournalFileBackend(storage)
        storage = optuna.storages.JournalStorage(backend)
    return optuna.load_study(study_name="killed", storage=storage)


def finished(storage):
    """Return the values of the finished trials by number; None for those that were pruned."""
    try:
        trials = finished_trials(study_in(storage))
    except (KeyError, OSError):  # killed before there was a study
        return {}
    return {t.number: t.value if t.state == TrialState.COMPLETE else None for t in trials}


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=25)
    parser.add_argument("--configurations", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=20, help="of the networks whose throughput is measured")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--half", type=int, help="be one of the two bare processes")
    parser.add_argument("--killed", metavar="STORAGE", help="be the search that gets killed")
    chosen = parser.parse_args(arguments)
    if chosen.half is not None:
        half_of_the_fits(chosen.half, chosen.configurations, chosen.epochs)
        return
    if chosen.killed is not None:
        to_be_killed(chosen.killed, chosen.trials)
        return
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sizes, n_killed = {}, 6
    if chosen.short:
        chosen.seeds, chosen.trials, chosen.configurations, chosen.repeats, chosen.kills = 1, 3, 4, 1, 2
        sizes, n_killed = {"max_epochs": chosen.epochs, "n_recordings": 20, "space": LIST}, 2
    n = chosen.configurations
    tables = {
        "pruning": pruning(chosen.seeds, chosen.trials, **sizes),
        "throughput in two processes": throughput(n, chosen.epochs, chosen.repeats),
        "the search itself, in one process": own_cost((max(1, n // 4), n), chosen.epochs),
        "killed and resumed": killed_and_resumed(chosen.kills, n_killed),
    }
    report.publish("search", tables, chosen.output)


if __name__ == "__main__":
    main()
