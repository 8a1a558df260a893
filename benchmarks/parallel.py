"""Searches in two processes: whether features are shared and whether both cores are put to use.

``python -m benchmarks.parallel`` writes 1 GB of features to a temporary folder, maps them into memory and
runs ``GridSearchCV(n_jobs=2)`` on them. It measures

- the proportional set size of the workers while they work (Linux): pages that processes share count in parts,
  so that copies would show; memory of a worker's own is "anonymous";
- the time of the search against two bare processes without any scikit-learn search, which each run half of
  the same fits and predictions on the same files at the same time. Search and processes run in turn.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.utils.parallel import Parallel, delayed

import avfusion as av
from benchmarks import report

RATES = (1e-3, 2e-3)
FOLDS = KFold(2)


def write_features(folder, megabytes, length, width):
    """Write random features to a file and return the number of recordings in it."""
    n_rows = max(4, int(megabytes * 1e6 / (4 * length * width)))
    shape = (n_rows * length, width)
    frames = np.lib.format.open_memmap(folder / "frames.npy", mode="w+", dtype=np.float32, shape=shape)
    rng = np.random.default_rng(0)
    for row in range(n_rows):
        frames[row * length : (row + 1) * length] = rng.standard_normal((length, width), dtype=np.float32)
    frames.flush()
    np.save(folder / "labels.npy", rng.standard_normal((n_rows, length)))
    return n_rows


def mapped(folder):
    """Return X over the memory-mapped file, and y."""
    frames = np.load(folder / "frames.npy", mmap_mode="r")
    y = np.load(folder / "labels.npy")  # a label per step
    lengths = np.full(len(y), y.shape[1])
    column = av.SequenceArray(frames, np.arange(len(y)) * y.shape[1], lengths)
    return pd.DataFrame({"video": column}), y[:, :, None]


def estimator(lr=RATES[0]):
    """Return what is searched over."""
    return av.EarlyFusionRegressor(max_epochs=1, batch_size=16, lr=lr, random_state=0)


def warm_up(folder):
    """Have everything imported and every page of the features read once."""
    X, y = mapped(folder)
    estimator().fit(X.iloc[:4], y[:4]).predict(X.iloc[:4])
    np.load(folder / "frames.npy", mmap_mode="r").sum()
    time.sleep(0.5)  # so that no worker takes two of these


def search(folder):
    """Run the search in two processes; return its time."""
    X, y = mapped(folder)
    begin = time.perf_counter()
    GridSearchCV(estimator(), {"lr": RATES}, cv=FOLDS, n_jobs=2, refit=False).fit(X, y)
    return time.perf_counter() - begin


def half_of_the_fits(folder, half):
    """Run every other fit and score of the search in this process, when told to; print the seconds."""
    torch.set_num_threads(1)
    warm_up(folder)
    print("ready", flush=True)
    sys.stdin.readline()
    X, y = mapped(folder)
    begin = time.perf_counter()
    jobs = [(lr, split) for lr in RATES for split in FOLDS.split(X)]
    for lr, (train, test) in jobs[half::2]:
        estimator(lr).fit(X.iloc[train], y[train]).score(X.iloc[test], y[test])
    print(time.perf_counter() - begin, flush=True)


def independent(folder):
    """Run the same fits in two bare processes at once; return the time of the slower one."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "benchmarks.parallel", "--folder", str(folder), "--half"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    processes = [subprocess.Popen([*command, str(half)], **pipes) for half in (0, 1)]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    return max(float(process.communicate()[0]) for process in processes)


class WorkerMemory:
    """Watch the memory of other processes in a thread; keep the highest values of each and of their sum."""

    fields = ("Pss", "Pss_Anon", "Pss_File")

    def __init__(self, processes):
        self.peaks = {key: dict.fromkeys(self.fields, 0.0) for key in (*processes, "together")}
        self.processes = processes
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.done.set()
        self.thread.join()

    def _watch(self):
        while not self.done.wait(0.05):
            sizes = {process: set_sizes(process) for process in self.processes}
            first = next(iter(sizes))
            if set_sizes(first) == sizes[first]:  # else a page may have been counted with two owners in turn
                sizes["together"] = {
                    field: sum(size.get(field, 0.0) for size in sizes.values()) for field in self.fields
                }
            for key, size in sizes.items():
                for field, value in size.items():
                    self.peaks[key][field] = max(self.peaks[key][field], value)


def set_sizes(process):
    """Return the set sizes of a process in MB; none where there is no such process or no Linux."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return {}
    sizes = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
    return {field: 1.024e-3 * int(sizes[field]) for field in WorkerMemory.fields}


def measure(folder, repeats):
    """Return the tables of memory and of throughput."""
    workers = set()
    while len(workers) < 2:  # a worker that is not up yet leaves both to the other
        Parallel(n_jobs=2)(delayed(warm_up)(folder) for _ in range(2))
        workers |= set(Parallel(n_jobs=2)(delayed(process_id)() for _ in range(2)))
    before = {worker: set_sizes(worker).get("Pss_Anon", 0.0) for worker in workers}
    before["together"] = sum(before.values())
    times = {"search": [], "independent": []}
    with WorkerMemory(workers) as memory:
        for _ in range(repeats):
            times["search"].append(search(folder))
            times["independent"].append(independent(folder))
    size = (folder / "frames.npy").stat().st_size / 1e6
    rows = [
        {
            "worker": "both at once" if process == "together" else number,
            "features (MB)": size,
            "proportional set size (MB)": peaks["Pss"],
            "mapped files (MB)": peaks["Pss_File"],
            "own memory (MB)": peaks["Pss_Anon"],
            "own before the search (MB)": before[process],
        }
        for number, (process, peaks) in enumerate(memory.peaks.items(), 1)
    ]
    throughput = {
        "fits": len(RATES) * FOLDS.get_n_splits(),
        "search (s)": statistics.median(times["search"]),
        "two bare processes (s)": statistics.median(times["independent"]),
        "throughput of the search": report.median_ratio(times, "independent", "search"),
        "at least": 0.95,
    }
    return {"memory of the workers": rows, "throughput": [throughput]}


def process_id():
    """Return the number of this process, after a while, so that every worker gets its turn."""
    time.sleep(0.5)
    return os.getpid()


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--megabytes", type=float, default=1000, help="size of the features")
    parser.add_argument("--width", type=int, default=512, help="features per step")
    parser.add_argument("--length", type=int, default=1000, help="steps of a recording")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="with --half: where the features are")
    parser.add_argument("--half", type=int, help="be one of the two bare processes")
    chosen = parser.parse_args(arguments)
    if chosen.half is not None:
        half_of_the_fits(chosen.folder, chosen.half)
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_features(folder, chosen.megabytes, chosen.length, chosen.width)
        tables = measure(folder, 1 if chosen.short else chosen.repeats)
    report.publish("parallel", tables, chosen.output)


if __name__ == "__main__":
    main()
