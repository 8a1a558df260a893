"""Opening a store, and training from one that is larger than memory may be.

``python -m benchmarks.store`` opens a store of 1,000 recordings, then writes ``--gb`` gigabytes of random
features (1024 + 1024 at 25 Hz) to a temporary folder and trains `RecursiveJointAttentionRegressor` at its
defaults on them for two epochs. Memory is what Linux counts for the process, anonymous and mapped, sampled
all the time. The reference is the same fit on a part of the recordings whose frames are arrays in memory; of
these, fits from memory and from their own store are timed in turn, once pages are cached.
"""

import gc
import shutil
import statistics
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

import avfusion as av
from benchmarks import report

RATE_HZ = 25


def write(path, n_recordings, n_steps, width, seed=0):
    """Write a store of recordings with two streams of random features and a label per frame."""
    rng = np.random.default_rng(seed)
    block = rng.standard_normal((n_steps + 997, width), dtype=np.float32)
    with av.StoreWriter(path) as store:
        for k in range(n_recordings):
            begin = k % 997
            store.append("audio", block[begin : begin + n_steps], rate_hz=RATE_HZ)
            store.append("video", block[996 - begin : 996 - begin + n_steps], rate_hz=RATE_HZ)
            label = block[begin : begin + n_steps, 0] + rng.standard_normal(n_steps)
            store.append("arousal", label, rate_hz=RATE_HZ, label=True)
        store.set_table(pd.DataFrame({"subject": [f"s{k % 50}" for k in range(n_recordings)]}))
    return path


def resident_mb():
    """Return the anonymous and the mapped memory of this process."""
    with open("/proc/self/status") as file:
        known = dict(line.split(":") for line in file if line.startswith(("RssAnon", "RssFile")))
    return tuple(int(known[name].split()[0]) / 1e3 for name in ("RssAnon", "RssFile"))


@contextmanager
def sampled(peak):
    """Fill a dict with the peak of both kinds of memory, and of their sum, while something runs."""
    done = threading.Event()
    peak.update({"anonymous (MB)": 0.0, "mapped (MB)": 0.0, "resident (MB)": 0.0})

    def watch():
        while not done.wait(0.01):
            for name, value in zip(peak, (*resident_mb(), sum(resident_mb()))):
                peak[name] = max(peak[name], value)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def model(epochs):
    return av.RecursiveJointAttentionRegressor(max_epochs=epochs, random_state=0)


def fit(X, y, epochs=2):
    """Return the fitted model and the seconds that it took."""
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = model(epochs).fit(X, y)
    return fitted, time.perf_counter() - begin


def opening(folder, n_recordings, n_steps, width, repeats):
    """Return a line on how long a store takes to open, by what is checked."""
    path = write(folder / "opened", n_recordings, n_steps, width)
    line = {"recordings": n_recordings, "store (MB)": size_mb(path)}
    for name, verify in (
        ("sizes and small files (ms)", None),
        ("all hashes (ms)", True),
        ("sizes (ms)", False),
    ):
        times = []
        for _ in range(repeats):
            begin = time.perf_counter()
            av.read_store(path, verify)
            times.append(1e3 * (time.perf_counter() - begin))
        line[name] = statistics.median(times)
    shutil.rmtree(path)
    return line


def size_mb(path):
    return sum(file.stat().st_size for file in path.iterdir()) / 1e6


def in_memory(table):
    """Return the same table with frames that are arrays in memory."""
    columns = {
        name: column.array._trusted(**column.array._parts(frames=np.load(column.array.frames.filename)))
        for name, column in table.items()
        if isinstance(column.array, av.SequenceArray)
    }
    return table.assign(**columns)


def training(folder, n_recordings, n_steps, width):
    """Return a line on two epochs over a whole store, and its throughput in frames per second."""
    begin = time.perf_counter()
    path = write(folder / "whole", n_recordings, n_steps, width)
    written, peak = time.perf_counter() - begin, {}
    X, y = av.read_store(path)
    before = sum(resident_mb())
    with sampled(peak):
        _, seconds = fit(X, y)
    frames = n_recordings * n_steps
    line = {"store (GB)": size_mb(path) / 1e3, "frames": frames, "written (MB/s)": size_mb(path) / written}
    line |= {"two epochs (s)": seconds, "frames per second": 2 * frames / seconds}
    shutil.rmtree(path)
    return line | {"before (MB)": before} | peak


def speed(folder, n_recordings, n_steps, width, repeats):
    """Return a line on fits from a store against fits from memory, and whether they are the same."""
    path = write(folder / "part", n_recordings, n_steps, width)
    stored = av.read_store(path)
    arrays = tuple(map(in_memory, stored))
    fitted = {}

    def task(name, data):
        fitted[name] = fit(*data)[0]
        gc.collect()

    tasks = {"store": lambda: task("store", stored), "memory": lambda: task("memory", arrays)}
    times = report.interleaved(tasks, repeats)
    weights = [net.net_.module_.state_dict() for net in fitted.values()]
    line = {"recordings": n_recordings, "store (MB)": size_mb(path)}
    for name, runs in times.items():
        line[f"frames per second, {name}"] = 2 * n_recordings * n_steps / statistics.median(runs)
    line["store / memory"] = report.median_ratio(times, "memory", "store")
    line["weights differ by"] = max(
        float((one - other).abs().max()) for one, other in zip(*(w.values() for w in weights))
    )
    shutil.rmtree(path)
    return line


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--gb", type=float, default=20.0)
    parser.add_argument("--width", type=int, default=1024, help="features of each stream")
    parser.add_argument("--steps", type=int, default=3000, help="of a recording")
    parser.add_argument("--opened", type=int, default=1000, help="recordings of the store that is opened")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to write the stores; they are removed again")
    chosen = parser.parse_args(arguments)
    gb, repeats = (min(chosen.gb, 0.5), 1) if chosen.short else (chosen.gb, chosen.repeats)
    shape = (chosen.steps, chosen.width)
    n_recordings = max(2, round(gb * 1e9 / (2 * 4 * chosen.steps * chosen.width)))
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder, report.one_thread_each():
        folder = Path(folder)
        opened = opening(folder, chosen.opened, 100, 64, 5)
        trained = training(folder, n_recordings, *shape)
        compared = speed(folder, min(n_recordings, max(2, n_recordings // 4), 40), *shape, repeats)
    tables = {
        "opening a store": [opened],
        f"training, {chosen.width} + {chosen.width} features": [trained],
        "store against memory, pages cached": [compared],
    }
    report.publish("store", tables, chosen.output)


if __name__ == "__main__":
    main()
