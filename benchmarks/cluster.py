"""Two workers of a Dask cluster against two processes of joblib: speed, what travels, and a killed worker.

``python -m benchmarks.cluster`` starts a cluster on this machine and runs the same ``compare`` and
``GridSearchCV`` there and in two processes of joblib, in turn, on features in memory and on a store of the
same. It measures

- the throughput of the cluster as a share of that of the two processes;
- the bytes that a call sends: the data once, and what each task carries beside them (as they are pickled for
  Dask; messages of the cluster about itself are not counted);
- a comparison in the middle of which a worker is killed (SIGKILL): its time, and whether the result is equal.
"""

import os
import signal
import statistics
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import joblib
import numpy as np
from distributed import Client, LocalCluster
from distributed.protocol.pickle import dumps
from sklearn.model_selection import GridSearchCV, KFold

import avfusion as av
from avfusion.model_selection import DaskBackend
from benchmarks import report

FOLDS = KFold(4)


def estimator(seed=0):
    return av.EarlyFusionRegressor(max_epochs=1, batch_size=16, random_state=seed)


def compare(X, y):
    models = {f"seed {seed}": estimator(seed) for seed in range(2)}
    return av.compare(models, X, y, cv=FOLDS, verbose=False)


def grid(X, y):
    search = GridSearchCV(estimator(), {"lr": (1e-3, 2e-3)}, cv=FOLDS, refit=False)
    return search.fit(X, y).cv_results_["mean_test_score"]


CALLS = {"compare": compare, "GridSearchCV": grid}


@contextmanager
def counted(client):
    """Note the bytes of all data and of each task that a client sends while this context is open."""
    sent, submit, scatter = {"data": [], "tasks": []}, client.submit, client.scatter

    def size(value):
        buffers = []
        return len(dumps(value, buffer_callback=buffers.append)) + sum(
            buffer.raw().nbytes for buffer in buffers
        )

    def submitted(function, **options):
        sent["tasks"].append(size((function, options["tasks"])))
        return submit(function, **options)

    def scattered(value, **options):
        sent["data"].append(size(value))
        return scatter(value, **options)

    client.submit, client.scatter = submitted, scattered
    try:
        yield sent
    finally:
        client.submit, client.scatter = submit, scatter


def on_cluster(call, X, y):
    with joblib.parallel_config(DaskBackend()):
        return call(X, y)


def in_processes(call, X, y):
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        return call(X, y)


def throughput(client, data, repeats):
    """Return a line for each call and kind of data."""
    lines = []
    for name, call in CALLS.items():
        for place, (X, y) in data.items():
            tasks = {
                "cluster": lambda call=call, X=X, y=y: on_cluster(call, X, y),
                "processes": lambda call=call, X=X, y=y: in_processes(call, X, y),
            }
            times = report.interleaved(tasks, repeats)
            with counted(client) as sent:
                on_cluster(call, X, y)
            lines.append(
                {
                    "call": name,
                    "features": place,
                    "two workers (s)": statistics.median(times["cluster"]),
                    "two processes (s)": statistics.median(times["processes"]),
                    "throughput of the cluster": report.median_ratio(times, "processes", "cluster"),
                    "data sent (kB)": sum(sent["data"]) / 1e3,
                    "tasks": len(sent["tasks"]),
                    "of each task (kB)": statistics.mean(sent["tasks"]) / 1e3,
                }
            )
    return lines


def killed(client, X, y):
    """Return a line on a comparison during which a worker is killed."""
    begin = time.perf_counter()
    expected = on_cluster(compare, X, y)
    undisturbed = time.perf_counter() - begin
    process = next(iter(client.run(os.getpid).values()))
    timer = threading.Timer(undisturbed / 2, os.kill, (process, signal.SIGKILL))
    timer.start()
    begin = time.perf_counter()
    found = on_cluster(compare, X, y)
    seconds = time.perf_counter() - begin
    timer.join()
    same = all(
        np.array_equal(np.concatenate(list(own)), np.concatenate(list(found.predictions[name])))
        for name, own in expected.predictions.items()
    )
    return {"undisturbed (s)": undisturbed, "a worker killed (s)": seconds, "same predictions": same}


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--megabytes", type=float, default=300, help="size of the features")
    parser.add_argument("--width", type=int, default=256, help="features per step, of each of two streams")
    parser.add_argument("--length", type=int, default=500, help="steps of a recording")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args(arguments)
    megabytes, repeats = (30, 1) if chosen.short else (chosen.megabytes, chosen.repeats)
    n_rows = max(8, round(megabytes * 1e6 / (8 * chosen.length * chosen.width)))
    widths = {"audio": chosen.width, "video": chosen.width}
    X, y = report.recordings([chosen.length] * n_rows, widths)
    with (
        tempfile.TemporaryDirectory() as folder,
        report.one_thread_each(),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        path = Path(folder, "store")
        av.write_store(path, X)
        data = {"in memory": (X, y), "a store": (av.read_store(path)[0], y)}
        lines = throughput(client, data, repeats)
        lost = killed(client, *data["in memory"])
    size = sum(X[name].array.nbytes for name in widths) / 1e6
    tables = {
        f"{n_rows} recordings, {size:.0f} MB": lines,
        "a worker killed in the middle of compare": [lost],
    }
    report.publish("cluster", tables, chosen.output)


if __name__ == "__main__":
    main()
