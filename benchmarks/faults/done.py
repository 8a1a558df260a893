"""Work that is done: workers that are killed, names, outputs and command lines."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion import persistence
from benchmarks.faults.harness import Case, Event, Obscure, cli

SUFFIXES = (".parquet", ".feather", ".csv")
TARGETS = ("mood", "calm")
EVENTS_S = 1500

# names that people, tables and old disks have
NAMES = [
    "ridge", "", " ", "a b", "a|b", "a\nb", "a\tb", "ä", "日本", "🎧", "a/b", "../a", "..", "a" * 500, "NA",
    "nan", "None", "prediction: a", "estimator", "fold", "group", "index", "row", "mae", "1", 1, -1, 1.5,
    True, None,
    ("a", 1), np.int64(3), float("nan"), pd.NaT, "caf\udce9", "a\x1b[31m", "a\0b",
    "=1+1", "{a}", "%s", "$x$", "\\",
]  # fmt: skip
PAIRS = [(1, "1"), (1.0, "1.0"), (None, "None"), (True, "True"), ("a", "b"), ("a", "a "), ("a", "A"), (1, 2)]
GROUPS = {
    "numbers": [0, 1, 2], "texts": ["a", "b", "c"], "kinds": [0, "a", 1.0], "1 and '1'": [1, "1", "a"],
    "dates": list(pd.date_range("2020", periods=3)), "tuples": [("a", 1), ("a", 2), ("b", 1)],
    "odd text": ["", " ", "\n"], "not UTF-8": ["caf\udce9", "b", "c"], "truth": [True, False, 2],
    "bytes": [b"a", b"b", b"c"], "kinds of date": [pd.Timestamp("2020"), "2020", 3], "lists": [[1], [2], [3]],
    "categories": pd.Categorical(["a", "b", "c"]), "missing words": ["NA", "null", "nan"],
    "long": ["a" * 999, "b", "c"],
}  # fmt: skip


def _indexes(n):
    """Return row labels of all kinds."""
    return {
        "default": pd.RangeIndex(n),
        "names": pd.Index([f"clip{k}" for k in range(n)]),
        "named": pd.Index([f"clip{k}" for k in range(n)], name="recording"),
        "two levels": pd.MultiIndex.from_arrays([["a"] * n, range(n)], names=["subject", "take"]),
        "two levels without names": pd.MultiIndex.from_arrays([["a"] * n, range(n)]),
        "dates": pd.date_range("2020-01-01", periods=n),
        "dates with a zone": pd.date_range("2020-01-01", periods=n, tz="Europe/Berlin"),
        "seconds": pd.to_timedelta(range(n), unit="s"),
        "fractions": pd.Index(np.linspace(0, 1, n)),
        "from the end": pd.RangeIndex(n)[::-1],
        "twice": pd.Index(["a"] * n),
        "kinds": pd.Index([0, "a", *range(2, n)], dtype=object),
        "like a target": pd.Index([f"clip{k}" for k in range(n)], name="mood"),
        "like a column": pd.Index([f"clip{k}" for k in range(n)], name="subject"),
        "like ours": pd.Index([f"clip{k}" for k in range(n)], name="step"),
        "missing words": pd.Index(["NA", "null", "nan", "None", "", "NaN", *map(str, range(n - 6))][:n]),
        "categories": pd.CategoricalIndex([f"clip{k}" for k in range(n)]),
        "intervals": pd.interval_range(0, n),
        "periods": pd.period_range("2020-01", periods=n, freq="M"),
        "not UTF-8": pd.Index(["caf\udce9", *map(str, range(n - 1))], dtype=object),
        "bytes": pd.Index([b"a", *(str(k).encode() for k in range(n - 1))], dtype=object),
    }


def _metadata(n):
    """Return columns of metadata of all kinds."""
    return {
        "numbers": np.arange(n), "texts": ["a"] * n, "missing": [None, *["a"] * (n - 1)],
        "dates": pd.date_range("2020", periods=n), "truth": [True] * n, "fractions": np.linspace(0, 1, n),
        "kinds": np.array([1, "a"] * n, dtype=object)[:n], "complex": np.arange(n) * 1j,
        "sets": np.array([{k} for k in range(n)], dtype=object),
        "mappings": np.array([{"a": k} for k in range(n)]),
        "tuples": pd.Series([(1, "a")] * n).to_numpy(), "objects": np.array([object()] * n),
        "categories": pd.Categorical(["a", "b"] * n)[:n], "paths": np.array([Path("a")] * n),
        "big": np.array([2**70] * n, dtype=object), "functions": np.array([len] * n),
        "not UTF-8": np.array(["caf\udce9"] * n, dtype=object), "lists": pd.Series([[1, 2]] * n).to_numpy(),
        "periods": pd.period_range("2020-01", periods=n, freq="M"),
        "intervals": pd.interval_range(0, n).array,
        "seconds": pd.to_timedelta(range(n), unit="s"), "bytes": np.array([b"a\xff"] * n, dtype=object),
    }  # fmt: skip


def _recordings(n=8):
    rng = np.random.default_rng(0)
    X = av.as_sequences({"audio": [rng.normal(size=(5, 2)) for _ in range(n)]}, rate_hz=1)
    frames = [np.asarray(cell) for cell in X["audio"]]
    return X, av.as_sequences(
        {name: [own[:, [k]] for own in frames] for k, name in enumerate(TARGETS)}, rate_hz=1
    )


def prepare(folder):
    """Write recordings, a model and files of estimators, for the command lines."""
    X, y = _recordings()
    model = av.FrameRegressor(Ridge()).fit(X, y)
    persistence.save(model, folder / "ridge.model")
    world = folder / "world"
    for name in ("audio", "labels", "readonly", "results"):
        (world / "data" / name if name in ("audio", "labels") else world / name).mkdir(parents=True)
    for k, row in enumerate(X["audio"].to_numpy()):
        np.save(world / "data" / "audio" / f"c{k}.npy", np.asarray(row))
        np.save(world / "data" / "labels" / f"c{k}.npy", np.asarray(row)[:, :1])
    X.assign(subject="a").join(y).to_parquet(world / "clips.parquet")
    (world / "r.yaml").write_text("ridge: {FrameRegressor: {regressor: {Ridge: {alpha: 1}}}}\n")
    (world / "mine.py").write_text(
        "from sklearn.linear_model import Ridge\nimport avfusion as av\nclass Mine(Ridge):\n    pass\n"
        "estimators = {'mine': av.FrameRegressor(Mine())}\n"
    )
    (world / "notes.txt").write_text("notes\n")
    shutil.copy(folder / "ridge.model", world / "ridge.model")
    (world / "link.parquet").symlink_to("clips.parquet")
    (world / "link").symlink_to("data")
    os.link(world / "clips.parquet", world / "hard.parquet")


def cases(folder, rng):
    """Yield the attacks."""
    yield from _of_names()
    yield from _of_predictions(folder)
    yield from _of_command_lines(folder)


# --------------------------------------------------------------------------- names of a comparison


def _compared(estimators=("a",), y=None, index=None, videos=None, **options):
    """Compare, save and read again; return what is wrong."""
    X = np.random.default_rng(0).normal(size=(12, 2))
    y = X[:, 0] if y is None else y
    y = pd.Series(y, index=index) if index is not None else y
    models = {name: DummyRegressor() for name in estimators}
    options = {"cv": 3, "scoring": "mae", "verbose": False} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = X if videos is None else pd.DataFrame(X, columns=["f", "g"]).assign(**videos)
        result = av.compare(models, table, y, **options)
        folder = result.save("results")
    saved = pd.read_parquet(folder / "predictions.parquet")
    lost = [name for name in estimators if f"prediction: {name}" not in saved]
    if lost:
        return f"silent wrong: no predictions of {lost}"
    table = pd.read_csv(folder / "table.csv", keep_default_na=False)
    if len(table) != len(estimators):
        return f"silent wrong: {len(table)} rows in table.csv"
    rows = [line for line in (folder / "table.tex").read_text("utf-8").split("\n") if line.endswith(r"\\")]
    if len(rows) <= len(estimators) or len({len(re.findall(r"(?<!\\)&", r)) for r in rows if " & " in r}) > 1:
        return "silent wrong: rows of table.tex"
    if videos is not None and len(pd.read_csv(folder / "situation.csv")) != 2 + len(estimators):
        return "silent wrong: rows of situation.csv"
    values = np.asarray(y)[:, 0] if np.ndim(y) > 1 else np.asarray(y)
    one = saved["target"] == saved["target"].iloc[0]
    if not np.array_equal(saved["label"][one], values):
        return "silent wrong: labels"
    if index is not None and saved["index"].nunique() != len(set(index)):
        return "silent wrong: index"
    groups = options.get("groups")
    if groups is not None and saved["group"].nunique() != len(set(map(str, groups))):
        return "silent wrong: groups"
    return None


def _of_names():
    for name in NAMES:
        title = ascii(name)[:40]
        yield Case(f"estimator {title}", lambda name=name: _compared((name, "other")))
        X = np.random.default_rng(0).normal(size=(12, 2))
        yield Case(f"target {title}", lambda name=name, X=X: _compared(y=_two_targets(name, X)))
        scores = {name: "mae", "other": "rmse"}
        yield Case(f"score {title}", lambda scores=scores: _compared(scoring=scores))
        videos = {"video": pd.Series([name, f"{name} again"] * 6, dtype=object)}
        yield Case(f"level {title}", lambda videos=videos: _compared(videos=videos))
    for pair in PAIRS:
        yield Case(f"estimators {pair}", lambda pair=pair: _compared(pair))
    for title, names in GROUPS.items():
        values = pd.Series(list(names), dtype=object)[np.repeat([0, 1, 2], 4)].to_numpy()
        yield Case(f"groups {title}", lambda values=values: _compared(groups=values))
    for title, index in _indexes(12).items():
        yield Case(f"index {title}", lambda index=index: _compared(index=index))


# --------------------------------------------------------------------------- names beside predictions


def _of_predictions(folder):
    for suffix in SUFFIXES:
        for title, index in _indexes(8).items():
            yield Case(
                f"predict {suffix}, index {title}",
                lambda index=index, suffix=suffix: _predicted(folder, suffix, index=index),
            )
        for title, values in _metadata(8).items():
            yield Case(
                f"predict {suffix}, metadata {title}",
                lambda values=values, suffix=suffix: _predicted(folder, suffix, more=values),
            )


def _predicted(folder, suffix, index=None, more=None):
    """Predict a table by the command line's functions, and read it again; return what is wrong."""
    from avfusion.cli._results import predict_table
    from avfusion.cli._tables import save_table
    from avfusion.cli._trial import check_can_be_written

    X, _ = _recordings()
    X = X.assign(subject=[f"s{k}" for k in range(8)])
    if more is not None:
        odd = isinstance(more, np.ndarray) and more.dtype.hasobject  # pandas would make text of it
        X["more"] = pd.Series(more, X.index, dtype=object) if odd else more
    X = X if index is None else X.set_axis(index)
    path, header = Path(f"p{suffix}"), persistence.read_header(folder / "ridge.model")
    check_can_be_written(X, header, path)
    table = predict_table(persistence.load(folder / "ridge.model"), header, X)
    try:
        save_table(table, path)
    except Exception as error:
        raise Obscure(f"after the work: {type(error).__name__}: {error}") from error
    if suffix == ".csv":
        saved = pd.read_csv(path, keep_default_na=False)
        return None if len(saved) == 40 and "s7" in set(saved["subject"]) else "silent wrong: rows"
    saved = (pd.read_parquet if suffix == ".parquet" else pd.read_feather)(path)
    if index is not None and len(set(map(str, index))) > 1:
        texts = [list(map(str, column)) for column in (saved.index, *(saved[name] for name in saved))]
        levels = [list(map(str, index.get_level_values(k))) for k in range(index.nlevels)]
        if list(map(str, index)) not in texts and not all(level in texts for level in levels):
            return "silent wrong: index"
    if list(map(str, saved["subject"])) != [f"s{k}" for k in range(8)]:
        return "silent wrong: metadata"
    if more is not None and list(map(str, saved["more"])) != list(map(str, X["more"])):
        same = [np.array_equal(a, b) for a, b in zip(saved["more"], X["more"])]
        return None if all(same) or pd.isna(more[0]) else "silent wrong: metadata"
    return None


# --------------------------------------------------------------------------- command lines

READ = ("data", "clips.parquet", "r.yaml", "mine.py", "ridge.model", "notes.txt")
OUTPUTS = (
    "new", "new.model", "new.parquet", "new/", "no/such/new", "data", "data/", "data/audio/c0.npy",
    "data/audio/new",
    "data/../data/labels", "link", "link/new", "clips.parquet", "link.parquet", "hard.parquet", "r.yaml",
    "mine.py",
    "ridge.model", "notes.txt", "readonly/new", "results", ".", "..", "/dev/null", "/dev/full", "a" * 300, "",
)  # fmt: skip


def _of_command_lines(folder):
    commands = {
        "compare": ("compare", "data", "-e", "r.yaml", "--folds", "2"),
        "compare file": ("compare", "clips.parquet", "--target", "mood", "-e", "mine.py", "--folds", "2"),
        "fit": ("fit", "data", "-e", "r.yaml"),
        "fit mine": ("fit", "clips.parquet", "--target", "mood", "-e", "mine.py"),
        "predict": ("predict", "ridge.model", "clips.parquet"),
        "import": ("import", "data"),
    }
    for name, command in commands.items():
        for output in OUTPUTS:
            for more in ((), ("--force",)):
                if name.startswith("compare") and more:
                    continue
                yield Case(
                    f"{name} -o {output[:30]} {' '.join(more)}",
                    lambda command=command, output=output, more=more: _typed(folder, command, output, more),
                )


def _typed(folder, command, output, more):
    """Run a command in a copy of the world; return which file that it reads it changed."""
    shutil.copytree(folder / "world", "world", symlinks=True)
    os.chdir("world")
    os.unlink("hard.parquet")
    os.link("clips.parquet", "hard.parquet")
    Path("readonly").chmod(0o500)
    before = {name: _hash(name) for name in READ}
    try:
        cli(*command, "-o", output, *more)
    finally:
        replaced = {output} if more or output == "ridge.model" else set()
        read = {Path(word).name for word in command}
        changed = [name for name in READ if name in read and _hash(name) != before[name]]
        if not more:  # else anything that is not read may be replaced
            others = set(READ) - read - replaced
            changed += [name for name in others if not set(before[name]) <= set(_hash(name))]
    return f"silent wrong: {changed} changed" if changed else None


def _hash(name):
    path = Path(name)
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [(str(f), hashlib.sha256(f.read_bytes()).hexdigest()) for f in files if f.is_file()]


# --------------------------------------------------------------------------- events

WORK = """
import os, sys, time, warnings
from pathlib import Path
import numpy as np
from sklearn.linear_model import Ridge
import avfusion as av
warnings.simplefilter("ignore")
class Slow(Ridge):
    def fit(self, X, y, sample_weight=None):
        with open("fits", "a") as file:
            file.write(f"{os.getpid()}\\n")
        time.sleep(0.3)
        return super().fit(X, y)
X = np.random.default_rng(0).normal(size=(200, 4))
if sys.argv[1] == "compare":
    result = av.compare({a: Slow(alpha=a) for a in (1, 2, 3, 4)}, X, X[:, 0], cv=4, n_jobs=2, scoring="mae")
    print(result.table["mae"].isna().sum(), result.table["mae"].sum())
else:
    space = {"alpha": [1.0, 2.0, 3.0, 4.0]}
    search = av.FusionSearchCV(Slow(), space, cv=2, n_trials=8, n_jobs=2, random_state=0, refit=False)
    search.fit(X, X[:, 0])
    print((search.cv_results_["state"] == "failed").sum(), search.cv_results_["mean_test_score"].sum())
"""
FITS = {"compare": 16, "search": 16}


def _begin(kind, folder):
    (Path(folder) / "work.py").write_text(WORK)
    run = [sys.executable, "work.py", kind]
    return subprocess.Popen(run, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _fits(folder):
    log = Path(folder, "fits")
    return log.read_text().split() if log.exists() else []


def _wait(process, folder, number):
    while len(_fits(folder)) < number and process.poll() is None:
        time.sleep(0.02)


def _worker_killed(kind, rng):
    """Kill the worker of a fit; return how it ended and how many fits were repeated."""
    with tempfile.TemporaryDirectory() as folder:
        process = _begin(kind, folder)
        _wait(process, folder, int(rng.integers(2, 10)))
        os.kill(int(_fits(folder)[-1]), signal.SIGKILL)
        out, _ = process.communicate(timeout=120)
        repeated = len(_fits(folder)) - FITS[kind]
        if process.returncode or not out.startswith("0 "):
            return "fits lost", repeated
        return ("whole" if repeated <= 4 else "more than four fits repeated"), repeated


def _parent_killed(kind):
    """Kill a parent; return what is left of its processes and shared memory after 5 s."""
    with tempfile.TemporaryDirectory() as folder:
        process = _begin(kind, folder)
        _wait(process, folder, 3)
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
        psutil.wait_procs(children, timeout=5)
        left = [child for child in children if child.is_running() and child.status() != "zombie"]
        for child in left:
            child.kill()
        shared = Path("/dev/shm")
        kept = [one for one in shared.glob(f"joblib_*_{process.pid}_*")] if shared.is_dir() else []
        return "processes left" if left else "shared memory left" if kept else "whole"


def _two_targets(name, X):
    """Return labels of a name and of b; pandas makes text of names if it may."""
    return pd.DataFrame(X[:, :2], columns=pd.Index([name, "b"], dtype=object, tupleize_cols=False))


def events(repeats, rng):
    """Yield what happened to workers and parents that were killed."""
    kinds = ("compare", "search") if repeats > 2 else ("compare",)
    times = repeats if repeats > 2 else 1
    for kind in kinds:
        ends, repeated = zip(*[_worker_killed(kind, rng) for _ in range(times)])
        yield Event(
            f"SIGKILL of a worker of two, {kind}: {sum(repeated)} fits of {times * FITS[kind]} repeated",
            times,
            {end: ends.count(end) for end in set(ends)},
        )
    for kind in kinds:
        ends = [_parent_killed(kind) for _ in range(times)]
        yield Event(f"SIGKILL of the parent, {kind}", times, {end: ends.count(end) for end in set(ends)})
