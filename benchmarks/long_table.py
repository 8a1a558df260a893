"""Reading a long table of frames into sequences, against sorting it and taking the numbers out.

``python -m benchmarks.long_table`` reads 5 million frames of 50 features in 500 recordings: rows of one next
to each other or interleaved, without a clock, with numbers of frames, with times. The reference is
``table.sort_values([recording, clock], kind="stable")`` and ``to_numpy`` of the features: a view with one
column after the other where the table is sorted already. The other reference also brings the features of
a frame next to each other (`numpy.ascontiguousarray`), as sequences and networks have them. Neither finds the
recordings, nor looks at the clock. Ratios are medians of runs in turn; memory is what is allocated at the
peak beside the table.
"""

import gc
import tracemalloc
import warnings

import numpy as np
import pandas as pd

import avfusion as av
from benchmarks import report

RATE_HZ = 25
OURS, VIEW, FRAMES = "as_sequences", "sort_values, to_numpy", "and contiguous"


def long_table(n_frames, n_features, n_recordings, dtype, order, clock, seed=0):
    """Return a table with a row per frame, and the names of its features.

    Parameters
    ----------
    n_frames, n_features, n_recordings : int
    dtype : str
        Of the features.
    order : {"sorted", "interleaved"}
        Whether the rows of a recording are neighbours. They are in order of time anyway.
    clock : {"none", "frame", "time"}
    seed : int

    Returns
    -------
    table : pandas.DataFrame
    features : list of str
    """
    rng = np.random.default_rng(seed)
    code = rng.integers(n_recordings, size=n_frames)
    if order == "sorted":
        code = np.sort(code)
    features = [f"f{k}" for k in range(n_features)]
    block = rng.standard_normal((n_features, min(n_frames, 100_000)), dtype=np.float32).astype(dtype)
    values = np.tile(block, -(-n_frames // block.shape[1]))[:, :n_frames]
    table = pd.DataFrame(values.T, columns=features, copy=False)  # columns in one piece, as readers make them
    names = np.array([f"recording_{k:05d}" for k in range(n_recordings)])
    table.insert(0, "recording", pd.Series(names[code]))
    number = table.groupby("recording").cumcount().to_numpy()
    if clock != "none":
        table.insert(1, clock, number if clock == "frame" else number / RATE_HZ)
    return table, features


def tasks(table, features, clock):
    """Return what is compared, by name: functions without arguments."""
    keys = ["recording", *([clock] if clock != "none" else [])]
    named = {} if clock == "none" else {clock: clock}

    def sequences():
        rate_hz = RATE_HZ if clock == "frame" else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return av.as_sequences(
                table, {"all": features}, table[features[0]].dtype, rate_hz, recording="recording", **named
            )

    def reference():
        return table.sort_values(keys, kind="stable")[features].to_numpy()

    return {OURS: sequences, VIEW: reference, FRAMES: lambda: np.ascontiguousarray(reference())}


def peak_mb(task):
    """Return how much a task allocates at its peak."""
    gc.collect()
    tracemalloc.start()
    try:
        task()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def measured(size, dtype, order, clock, repeats):
    """Return a line of the table of results."""
    table, features = long_table(*size, dtype, order, clock)
    both = tasks(table, features, clock)
    _check_same(both[OURS](), both[VIEW]())
    times = report.interleaved(both, repeats)
    peaks = {name: peak_mb(task) for name, task in both.items()}
    line = {"features": dtype, "rows": order, "clock": clock}
    line |= {f"{name} (s)": float(np.median(runs)) for name, runs in times.items()}
    line |= {f"time / {name}": report.median_ratio(times, OURS, name) for name in (VIEW, FRAMES)}
    line |= {f"{name} (MB)": peak for name, peak in peaks.items()}
    return line | {f"memory / {name}": peaks[OURS] / peaks[name] for name in (VIEW, FRAMES)}


def _check_same(X, sorted_frames):
    """Raise unless both hold the same numbers; recordings are in order of appearance in the one."""
    column = X.sort_values("recording")["all"].array.pack()
    if not np.array_equal(column.frames, sorted_frames):
        raise AssertionError("as_sequences and sort_values do not agree.")


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--frames", type=int, default=5_000_000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--recordings", type=int, default=500)
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"])
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args(arguments)
    frames = min(chosen.frames, 500_000) if chosen.short else chosen.frames
    size = (frames, chosen.features, chosen.recordings)
    lines = [
        measured(size, dtype, order, clock, 1 if chosen.short else chosen.repeats)
        for dtype in chosen.dtypes
        for order in ("sorted", "interleaved")
        for clock in ("none", "frame", "time")
    ]
    title = f"{frames} frames x {chosen.features} features, {chosen.recordings} recordings"
    report.publish("long_table", {title: lines}, chosen.output)


if __name__ == "__main__":
    main()
