"""Training from a store: the same numbers as in memory, and memory that does not grow with the store.

Memory is what the process allocates (`tracemalloc`, which counts what NumPy asks for), and what of the files
is in it (/proc, where there is one).
"""

import re
import sys
import threading
import tracemalloc
import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import cross_val_predict

import avfusion as av
from avfusion._kept_fits._hashing import fingerprint
from avfusion.sequences._paging import release

WIDTH, STEPS, ROWS = 256, 500, 60
STREAM_MB = WIDTH * STEPS * ROWS * 4 / 1e6


def write(folder, rows=ROWS):
    rng = np.random.default_rng(0)
    with av.StoreWriter(folder / "store") as store:
        for _ in range(rows):
            for name in ("audio", "video"):
                store.append(name, rng.standard_normal((STEPS, WIDTH), dtype=np.float32), rate_hz=25)
            store.append("label", rng.standard_normal(STEPS), rate_hz=25, label=True)
        store.set_table(pd.DataFrame({"subject": [f"s{row % 5}" for row in range(rows)]}))
    return folder / "store"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write(tmp_path_factory.mktemp("larger"))


@pytest.fixture
def stored(path):
    X, y = av.read_store(path)
    yield X, y
    for name in ("audio", "video"):
        release(X[name].array.frames, 0, STEPS * ROWS)


def in_memory(table):
    """Return the same table with frames that are arrays."""
    columns = {}
    for name, column in table.items():
        if isinstance(column.array, av.SequenceArray):
            array = column.array
            columns[name] = array._trusted(**array._parts(frames=np.load(array.frames.filename)))
    return table.assign(**columns)


def mapped_mb():
    """Return what is resident of all files of stores."""
    with open("/proc/self/smaps") as file:
        return (
            sum(int(kb) for kb in re.findall(r"frames_\d+\.npy\n(?:.*\n)*?Rss: +(\d+) kB", file.read())) / 1e3
        )


@contextmanager
def little_memory(limit_mb):
    """Hold a block to a peak of allocations, and of what is mapped."""
    done, peak = threading.Event(), [0.0]

    def watch():
        while not done.wait(0.005):
            peak[0] = max(peak[0], mapped_mb())

    watcher = threading.Thread(target=watch)
    if sys.platform.startswith("linux"):
        watcher.start()
    tracemalloc.start()
    try:
        yield
        allocated = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
        done.set()
        if watcher.ident:
            watcher.join()
    assert allocated < limit_mb, f"{allocated:.0f} MB were allocated"
    assert peak[0] < limit_mb, f"{peak[0]:.0f} MB were mapped"


QUICK = {"hidden_size": 8, "max_epochs": 1, "window": 100, "batch_size": 8, "random_state": 0}


def small(**more):
    return av.RecursiveJointAttentionRegressor(**QUICK, **more)


@pytest.fixture(autouse=True)
def quiet_and_small_blocks(monkeypatch):
    for module in ("sequences._buffers", "preprocessing._base", "estimators._batches"):
        monkeypatch.setattr(f"avfusion.{module}.BLOCK", 1 << 17)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


LITTLE = STREAM_MB / 2  # a copy of one stream would be twice as much

STEPS_OF_A_STUDY = {
    "fit and predict": lambda X, y: small().fit(X, y).predict(X),
    "early stopping": lambda X, y: (
        small(early_stopping=True, validation_groups="subject").fit(X, y).predict(X[:5])
    ),
    "rows in another order": lambda X, y: small().fit(X[::-3], y[::-3]).predict(X[::-3]),
    "cross-validation": lambda X, y: cross_val_predict(small(), X, y, cv=2),
    "one stream": lambda X, y: av.UnimodalRegressor("audio", **QUICK).fit(X, y).predict(X),
    "early fusion": lambda X, y: av.EarlyFusionRegressor(**QUICK).fit(X, y).predict(X),
    "late fusion": lambda X, y: late().fit(X, y).predict(X),
    "partial_fit": lambda X, y: small().partial_fit(X, y).predict(X),
    "Align": lambda X, y: av.Align(rate_hz=0.5).fit_transform(X[::-1]),
    "Align, other statistics": lambda X, y: av.Align(rate_hz=0.5, aggregate=("max",)).fit_transform(X),
    "Align by time": lambda X, y: av.Align(rate_hz=0.5, aggregate=("hold",), max_gap_s=1).fit_transform(
        X[:9]
    ),
    "Align to the rate that is there": lambda X, y: av.Align(rate_hz=25).fit_transform(X[::-1]),
    "pair": lambda X, y: av.pair(X[::-2], y[::-2])[0],
    "cut": lambda X, y: av.cut(X, pd.DataFrame({"recording": [3, 1], "start": 1.0, "end": 9.0})),
    "Functionals": lambda X, y: av.Functionals(("mean", "max")).fit_transform(X[::-1]),
    "hash": lambda X, y: fingerprint(X[::-2]),
}


def late():
    parts = [(name, small(), [name]) for name in ("audio", "video")]
    return av.LateFusionRegressor(parts, cv=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS_OF_A_STUDY)
def test_each_step_gives_the_same_in_little_memory(name, stored):
    X, y = stored
    expected = STEPS_OF_A_STUDY[name](in_memory(X), in_memory(y))
    with little_memory(LITTLE):
        found = STEPS_OF_A_STUDY[name](X, y)
    if isinstance(found, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    else:
        np.testing.assert_array_equal(found, expected)


def test_weights_are_the_same_to_the_last_bit(stored):
    X, y = (table[:8] for table in stored)
    one, other = (small().fit(*data).net_.module_.state_dict() for data in ((X, y), map(in_memory, (X, y))))
    for name, weights in one.items():
        assert torch.equal(weights, other[name])


def test_a_store_of_a_store_is_written_in_little_memory(stored, tmp_path, monkeypatch):
    monkeypatch.setattr("avfusion.store._column_writer.BLOCK", 1 << 17)
    with little_memory(LITTLE):
        av.write_store(tmp_path / "copy", *stored)
        X, _ = av.read_store(tmp_path / "copy", verify=True)
    assert X["audio"].iloc[7] == stored[0]["audio"].iloc[7]


def measured(work):
    with little_memory(LITTLE):
        work()
        threading.Event().wait(0.1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_the_ruler_sees_what_is_read_and_what_is_allocated(stored):
    frames = stored[0]["audio"].array.frames
    with pytest.raises(AssertionError, match="MB were mapped"):
        measured(frames.sum)
    with pytest.raises(AssertionError, match="MB were allocated"):
        measured(lambda: np.array(frames))
