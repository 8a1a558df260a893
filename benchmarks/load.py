"""Growth with size: time and memory of everything that reads, trains, compares or searches.

``python -m benchmarks.load`` runs each task at growing sizes, each in a process of its own, which is forked
when all is imported. Time is that of the processor (of this process and its children), since other work on
the machine changes it least; memory is the peak of the process beyond what it had before the task. The
exponent is the slope of time against size, in logarithms, over the upper half of the sizes, where what each
call costs counts least: 1 is growth in proportion, 2 is quadratic. ``--only frames streams`` takes some of
the tables.
"""

import json
import math
import multiprocessing
import os
import resource
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from typer.testing import CliRunner

import avfusion as av
from avfusion.cli import app
from avfusion.metrics import bootstrap_interval
from avfusion.model_selection import check_leakage, compare, paired_differences
from benchmarks import report
from benchmarks.scaling import peak_memory

HIGHEST = 1.1  # the bar for exponents
DUMMIES = {
    "mean": av.FrameRegressor(DummyRegressor()),
    "median": av.FrameRegressor(DummyRegressor(strategy="median")),
}
SMALL = {"hidden_size": 4, "max_epochs": 1, "random_state": 0}
RIDGE = av.FrameRegressor(Ridge())


def data(rows=100, steps=20, streams=2, width=4, targets=1, metadata=0):
    """Return X and y per frame."""
    X, labels = report.recordings([steps] * rows, {f"s{k}": width for k in range(streams)})
    if metadata:
        rng = np.random.default_rng(0)
        X = X.join(pd.DataFrame({f"m{k}": rng.integers(9, size=rows).astype(str) for k in range(metadata)}))
    if targets == 1:
        return X, labels
    return X, [np.random.default_rng(k).normal(size=(steps, targets)) for k in range(rows)]


def compared(X, y, groups=None, cv=2):
    return compare(DUMMIES, X, y, groups=groups, cv=cv, scoring="mae", verbose=False)


def groups(n, rows):
    return np.arange(rows) % n


def folder_of(n, folder, streams=2):
    """Write a folder of recordings of three steps, with labels and metadata, and return it."""
    rng = np.random.default_rng(0)
    for name in [*(f"s{k}" for k in range(streams)), "labels"]:
        (folder / name).mkdir(parents=True)
        for row in range(n):
            np.save(folder / name / f"r{row:06d}.npy", rng.normal(size=(3, 1 if name == "labels" else 2)))
    names = [f"r{row:06d}" for row in range(n)]
    pd.DataFrame({"recording": names, "subject": groups(max(n // 10, 2), n)}).to_csv(
        folder / "metadata.csv", index=False
    )
    return folder


def described(folder):
    done = CliRunner().invoke(app, ["describe", str(folder)])
    if done.exit_code:
        raise RuntimeError(done.output)


def searched(n, storage):
    """Search for n trials whose objective costs nothing."""
    X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20.0)
    space, sampler = {"strategy": ["mean", "median"]}, optuna.samplers.RandomSampler(0)
    search = av.FusionSearchCV(
        DummyRegressor(),
        space,
        n_trials=n,
        cv=2,
        storage=storage,
        sampler=sampler,
        refit=False,
        verbose=False,
    )
    search.fit(X, y)


def late(n):
    return av.LateFusionRegressor([(f"s{k}", RIDGE, [f"s{k}"]) for k in range(n)])


def fits(estimator, **sizes):
    X, y = data(**sizes)
    return partial(estimator.fit, X, y)


def predicts(estimator, **sizes):
    X, y = data(**sizes)
    return partial(estimator.fit(X[:50], y[:50]).predict, X)


def compares(groups_of=None, cv=2, **sizes):
    X, y = data(**sizes)
    return partial(compared, X, y, None if groups_of is None else groups(groups_of, len(X)), cv)


def differs(n, folder):
    X, y = data(rows=4000, steps=2)
    comparison = compared(X, y, groups(n, 4000))
    return partial(paired_differences, comparison, "mean")


def bootstraps(n, folder):
    rng = np.random.default_rng(0)
    true = rng.normal(size=4000)
    pred, own = true + rng.normal(size=4000), groups(n, 4000)
    return partial(bootstrap_interval, true, pred, groups=own, random_state=0)


def looks_for_leaks(n, folder):
    X, _ = report.recordings([500] * n, {"audio": 8})
    return partial(check_leakage, None, X, np.arange(float(n)), cv=5)


ROWS, FRAMES, STREAMS = (
    (500, 1000, 2000, 5000, 10_000, 20_000),
    (5000, 20_000, 50_000, 200_000, 500_000),
    (2, 5, 20, 50, 100, 200),
)
GROUPS, RECORDINGS = (2, 20, 100, 500, 1000, 2000), (1000, 3000, 10_000, 30_000, 100_000)
TARGETS, FOLDS, TRIALS = (1, 5, 20, 50, 100, 200), (2, 5, 20, 50, 100, 200), (10, 50, 200, 500, 1000, 2000)
# table -> task -> sizes and what makes the task of a size and a folder; what is made before does not count
TASKS = {
    "rows": {
        "fit of ridge": (ROWS, lambda n, folder: fits(RIDGE, rows=n)),
        "an epoch of a network": (ROWS, lambda n, folder: fits(av.EarlyFusionRegressor(**SMALL), rows=n)),
        "predict": (ROWS, lambda n, folder: predicts(RIDGE, rows=n)),
        "compare": (ROWS, lambda n, folder: compares(rows=n)),
        "check_leakage, 500 steps": ((*ROWS[:3], 50, 100, 200, 20_000), looks_for_leaks),
    },
    "groups of 4000 rows": {
        "compare": (GROUPS, lambda n, folder: compares(n, rows=4000, steps=2)),
        "bootstrap_interval": (GROUPS, bootstraps),
        "paired_differences": (GROUPS, differs),
    },
    "frames of 3 recordings": {
        "fit of ridge": (FRAMES, lambda n, folder: fits(RIDGE, rows=3, steps=n)),
        "an epoch of a network": (
            FRAMES,
            lambda n, folder: fits(av.EarlyFusionRegressor(**SMALL), rows=3, steps=n),
        ),
        "predict": (FRAMES, lambda n, folder: predicts(RIDGE, rows=3, steps=n)),
    },
    "streams": {
        "fit of ridge": (STREAMS, lambda n, folder: fits(RIDGE, streams=n)),
        "early fusion": (STREAMS, lambda n, folder: fits(av.EarlyFusionRegressor(**SMALL), streams=n)),
        "recursive joint attention": (
            STREAMS,
            lambda n, folder: fits(av.RecursiveJointAttentionRegressor(**SMALL), streams=n, rows=20),
        ),
        "late fusion": (STREAMS, lambda n, folder: fits(late(n), streams=n)),
        "describe": (STREAMS, lambda n, folder: partial(described, folder_of(3, folder / "d", n))),
    },
    "recordings in a folder": {
        "load_folder": (
            RECORDINGS,
            lambda n, folder: partial(av.datasets.load_folder, folder_of(n, folder / "d")),
        ),
        "describe": (RECORDINGS, lambda n, folder: partial(described, folder_of(n, folder / "d"))),
        "import_folder": (
            RECORDINGS,
            lambda n, folder: partial(
                av.datasets.import_folder, folder_of(n, folder / "d"), folder / "store"
            ),
        ),
    },
    "columns of metadata": {
        "fit of ridge": (STREAMS, lambda n, folder: fits(RIDGE, metadata=n)),
        "compare": (STREAMS, lambda n, folder: compares(metadata=n)),
    },
    "targets": {
        "fit of ridge": (TARGETS, lambda n, folder: fits(RIDGE, targets=n)),
        "an epoch of a network": (
            TARGETS,
            lambda n, folder: fits(av.EarlyFusionRegressor(**SMALL), targets=n),
        ),
        "compare": (TARGETS, lambda n, folder: compares(targets=n)),
    },
    "folds": {"compare of 400 rows": (FOLDS, lambda n, folder: compares(cv=KFold(n), rows=400))},
    "trials": {
        "journal": (TRIALS, lambda n, folder: partial(searched, n, str(folder / "journal"))),
        "SQLite": (TRIALS, lambda n, folder: partial(searched, n, f"sqlite:///{folder}/study.db")),
    },
}


def processor_s():
    """Return the time of the processor that this process and its children took, in seconds."""
    usage = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(own.ru_utime + own.ru_stime for own in usage)


def measured(make, size, results):
    """Put time and memory of a task, or the error that it ends with, into a queue."""
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with tempfile.TemporaryDirectory() as folder:
            task = make(size, Path(folder))
            before, at, begin = peak_memory(), processor_s(), time.perf_counter()
            task()
            results.put((time.perf_counter() - begin, processor_s() - at, peak_memory() - before))
    except Exception as error:
        results.put(f"{type(error).__name__}: {error}")


def in_child(make, size):
    """Return time, time of the processor and memory of a task in a process of its own."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=measured, args=(make, size, results))
    child.start()
    child.join()
    outcome = results.get() if not results.empty() else f"ended by {child.exitcode}"
    if isinstance(outcome, str):
        raise RuntimeError(f"size {size}: {outcome}")
    return outcome


def exponent(sizes, values):
    """Return the slope of values against sizes, in logarithms, over the upper half of the sizes.

    >>> round(exponent([1, 10, 100, 1000], [5, 5, 1e4, 1e6]), 6)
    2.0
    """
    upper = slice(len(sizes) // 2 if len(sizes) > 3 else 0, None)
    return float(np.polyfit(np.log(sizes[upper]), np.log(np.maximum(values[upper], 1e-6)), 1)[0])


def growth(name, make, sizes):
    """Return one row for a task: its times, its memory, and how they grow."""
    sizes = sorted(sizes)
    seconds, processor, memory = zip(*(in_child(make, size) for size in sizes))
    slope = exponent(sizes, processor)
    return {
        "task": name,
        "sizes": f"{sizes[0]} to {sizes[-1]}",
        "processor (s)": " ".join(f"{value:.2g}" for value in processor),
        "at the largest (s)": seconds[-1],
        "memory at the largest (MB)": memory[-1],
        "exponent of time": slope,
        "at most": HIGHEST,
        "holds": slope <= HIGHEST,
    }


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--only", nargs="+", choices=[name.split()[0] for name in TASKS], help="some tables")
    parser.add_argument("--largest", type=float, default=math.inf, help="leave out larger sizes")
    chosen = parser.parse_args(arguments)
    if not hasattr(os, "fork"):
        print("Processes cannot be forked here.")
        return
    tables = {}
    fits(av.EarlyFusionRegressor(**SMALL), rows=2)()  # what is loaded when it is first used is not measured
    for title, tasks in TASKS.items():
        if chosen.only and title.split()[0] not in chosen.only:
            continue
        for name, (sizes, make) in tasks.items():
            sizes = [size for size in sorted(sizes) if size <= chosen.largest][: 2 if chosen.short else None]
            tables.setdefault(title, []).append(growth(name, make, sizes))
            print(json.dumps(tables[title][-1]), flush=True)
    report.publish("load", tables, chosen.output)


if __name__ == "__main__":
    main()
