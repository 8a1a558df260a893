"""Results: kills, interrupts, full disks and two writers while they are written."""

import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge, SGDRegressor

import avfusion as av
from avfusion import persistence
from avfusion._checksums import SUMS
from avfusion.datasets._data_home import fetch_files
from benchmarks.faults import disks
from benchmarks.faults.harness import Event, Obscure, cli
from tests._atomic.killed import accesses, killed_at

WHOLE = ("old", "new")
DATA = [f"--option={o}" for o in ("n_recordings=4", "duration_s=[4, 6]", "recordings_per_subject=2")]


class Subject:
    """A result that is written over an older one, and the look at it afterwards.

    `folder` holds what is prepared once, `folder/place` what is written, and `was` the older one.
    """

    name, target, slow = "", "", False

    def __init__(self, folder):
        self.folder, self.place = folder / type(self).__name__, folder / type(self).__name__ / "place"
        self.place.mkdir(parents=True)
        self.path = self.place / self.target
        self._prepare()
        shutil.move(self.place, self.folder / "was")

    def write(self):
        """Write the new one."""
        self._write()

    def restore(self):
        """Put the older one back, and nothing else."""
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.folder / "was", self.place)

    def state(self):
        """Return "old", "new", "mixed", "half" or "lost"."""
        try:
            return self._look()
        except FileNotFoundError:
            return "lost"
        except Exception:
            return "half"

    def left(self):
        """Return the hidden names that are left."""
        return [path for path in self.place.rglob(".*") if path.name != ".mine"]


def _numbers(seed=0):
    return np.random.default_rng(seed).normal(size=(40, 2))


def _compared(name, groups):
    X = _numbers()
    return av.compare({name: Ridge()}, X, X[:, 0], groups=groups, scoring="mae", verbose=False)


def _names_in(folder):
    """Return the names of estimators in each file of a comparison, and of what else lies there."""
    tables = [pd.read_csv(file)["estimator"] for file in folder.glob("*.csv")]
    found = {frozenset(table) for table in tables}
    found.add(frozenset(json.loads((folder / "settings.json").read_text())["estimators"]))
    columns = pd.read_parquet(folder / "predictions.parquet").columns
    found.add(frozenset(c.split(": ")[1] for c in columns if c.startswith("prediction: ")))
    found.add(frozenset(joblib.load(folder / "recipe.joblib")["estimators"]))
    found.add(frozenset([(folder / "table.md").read_text().splitlines()[2].split("|")[1].strip()]))
    return found


class Saved(Subject):
    """A comparison that is saved over another with groups, beside a file of the user."""

    name, target = "Comparison.save over an older result", "result"

    def _prepare(self):
        self.new = _compared("new", None)
        _compared("old", np.arange(40) % 4).save(self.path)
        (self.path / ".mine").write_text("mine")

    def _write(self):
        self.new.save(self.path)

    def _look(self):
        found = _names_in(self.path)
        if (self.path / ".mine").read_text() != "mine" or len(found) > 1:
            return "mixed"
        name = "old" if found == {frozenset(["old"])} else "new"
        groups = (self.path / "groups.csv").exists() == (name == "old" or self.groups)
        summed = {line.split("  ")[1] for line in (self.path / SUMS).read_text().splitlines()}
        return name if summed == set(os.listdir(self.path)) - {SUMS, ".mine"} and groups else "mixed"

    groups = False


class Compared(Saved):
    """The same by the command."""

    name, groups, slow = "CLI compare -o over an older result", True, True

    def _prepare(self):
        super()._prepare()
        (self.folder / "new.yaml").write_text(
            "new: [{Align: {rate_hz: 1.0}}, {FrameRegressor: {regressor: {Ridge: {}}}}]"
        )

    def _write(self):
        cli(
            "compare",
            "synthetic",
            *DATA,
            "--folds",
            "2",
            "--quiet",
            "-e",
            self.folder / "new.yaml",
            "-o",
            self.path,
        )


class Fitted(Subject):
    """A model over an older one."""

    name, target = "CLI fit over an older model", "m.model"

    def _prepare(self):
        for number in (1, 2):
            ridge = f"{{FrameRegressor: {{regressor: {{Ridge: {{alpha: {number}}}}}}}}}"
            (self.folder / f"{number}.yaml").write_text(f"new: [{{Align: {{rate_hz: 1}}}}, {ridge}]")
        self._write(1)

    def _write(self, number=2):
        cli("fit", "synthetic", *DATA, "-e", self.folder / f"{number}.yaml", "-o", self.path)

    def _look(self):
        alpha = persistence.load(self.path)[-1].regressor.alpha
        return "new" if alpha == 2 else "old"


class Predicted(Fitted):
    """A table of predictions over an older one."""

    name, target = "CLI predict over older predictions", "p.parquet"

    def _prepare(self):
        self.path = self.folder / "m.model"
        super()._prepare()
        self.path = self.place / self.target
        pd.DataFrame({"old": [1.0]}).to_parquet(self.path)

    def _write(self, number=None):
        if number is not None:
            super()._write(number)
        else:
            force = ["--force"] if self.path.suffix else []  # the older one is of another model
            cli("predict", self.folder / "m.model", "synthetic", *DATA, "-o", self.path, *force)

    def _look(self):
        table = pd.read_parquet(self.path)
        return "old" if list(table) == ["old"] else "new" if len(table) == 4 else "half"


class PredictedFolder(Predicted):
    """A folder with a table for each recording."""

    name, target = "CLI predict -o FOLDER, new", "p"

    def _prepare(self):
        super()._prepare()
        self.path.unlink()

    def _write(self, number=None):
        with suppress(ValueError) if number is None and self.path.exists() else nullcontext():
            super()._write(number)  # an older folder is not replaced: the name must be new

    def _look(self):
        if not self.path.exists():
            return "old"
        return "new" if len(os.listdir(self.path)) == 4 else "half"


class Imported(Subject):
    """A store over an older one."""

    name, target = "CLI import over an older store", "clips.store"

    def _prepare(self):
        for stream in ("audio", "video"):
            (self.folder / "clips" / stream).mkdir(parents=True)
            for k in range(3):
                np.save(self.folder / "clips" / stream / f"{k}.npy", np.ones((5 + k, 2)))
        av.write_store(self.path, {"old": [np.ones((2, 2))]})
        (self.path / ".mine").write_text("mine")

    def _write(self):
        clips = self.folder / "clips"
        cli("import", clips, "-o", self.path, "--force", "--rate", "audio=1", "--rate", "video=1")

    def _look(self):
        X, _ = av.read_store(self.path, verify=True)
        if (self.path / ".mine").read_text() != "mine":
            return "mixed"
        return "old" if list(X) == ["old"] else "new" if list(X) == ["audio", "video"] else "mixed"


class Resumed(Subject):
    """A comparison that keeps finished fits, and goes on."""

    name, target = "compare(resume=) goes on", "fits"

    def _prepare(self):
        self.path.mkdir()

    def _write(self):
        X = _numbers()
        av.compare({"a": Ridge()}, X, X[:, 0], cv=4, scoring="mae", verbose=False, resume=self.path)

    def _look(self):
        for file in self.path.glob("*.npz"):
            with np.load(file) as arrays:
                assert len(arrays["values"]) == 10
        return "new" if len(list(self.path.glob("*.npz"))) == 4 else "old"


class Fetched(Subject):
    """Files from a server that sends slowly."""

    name, target = "fetch_files from a slow server", "set"

    def _prepare(self):
        self.content, self.address, self.checksums = disks.slow_server()

    def _write(self):
        fetch_files(self.path, self.address, self.checksums)

    def _look(self):
        found = {path.name: path.read_bytes() for path in self.path.glob("*.csv")}
        if any(self.content[name] != text for name, text in found.items()):
            return "half"
        return "new" if len(found) == len(self.content) else "old"


SUBJECTS = (Saved, Compared, Fitted, Predicted, PredictedFolder, Imported, Resumed, Fetched)
BRIEFLY = (Saved, Fitted, Fetched)


def events(repeats, rng, folder=None):
    """Yield what was tried, and what it left."""
    folder = Path.cwd() if folder is None else folder
    short = repeats <= 2
    repeats = 1 if short else repeats
    known = {kind: kind(folder) for kind in (BRIEFLY if short else SUBJECTS)}
    for subject in known.values():
        if not short or not isinstance(subject, Saved):
            yield killed_at_random(subject, repeats, rng)
    for subject in known.values():
        if not short or not isinstance(subject, Fetched):
            yield killed_at_accesses(subject, repeats, rng)
    yield saving_loop(folder / "loop", repeats, rng)
    yield threads_save(folder / "threads", repeats)
    yield two_threads(known[Saved], repeats)
    for kind in (Saved,) if short else (Saved, Fitted, PredictedFolder):
        yield two_processes(known[kind], repeats)
        yield two_hosts(known[kind], repeats)
    for kind in (Fitted,) if short else (Compared, Fitted, Predicted):
        yield interrupted(known[kind], repeats, rng)
    for kind in (Saved, Fitted) if short else (Saved, Fitted, Imported):
        for disk in (disks.full, disks.read_only):
            yield on_disk(known[kind], disk)


def killed_at_random(subject, repeats, rng):
    """Kill a writer at random times between its begin and its end."""
    subject.restore()
    start = time.monotonic()
    _child(subject.write)
    wall = time.monotonic() - start
    outcomes = Counter()
    for _ in range(repeats):
        subject.restore()
        child = _started(subject.write)
        time.sleep(rng.uniform(0, 1.05 * wall))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        outcomes[_looked(subject)] += 1
    return Event(f"SIGKILL at a random time: {subject.name}", repeats, dict(outcomes), WHOLE)


def killed_at_accesses(subject, repeats, rng):
    """Kill a writer right before each of its accesses to the disk, or some of them."""
    subject.restore()
    n = accesses(partial(_quietly, subject.write), subject.target)
    most = n if repeats > 2 and not subject.slow else 2 * repeats
    outcomes = Counter()
    for number in sorted(rng.choice(n, size=min(n, most), replace=False) + 1):
        subject.restore()
        killed_at(int(number), partial(_quietly, subject.write), subject.target)
        outcomes[_looked(subject)] += 1
    name = f"SIGKILL at accesses to the disk, of which there are {n}: {subject.name}"
    return Event(name, sum(outcomes.values()), dict(outcomes), WHOLE)


def _looked(subject):
    """Return what a killed writer left, after the next one has written."""
    state = subject.state()
    if state not in WHOLE:
        return state
    failed = _child(subject.write)
    if failed or subject.state() != "new":
        return "the next one fails"
    return f"{len(subject.left())} parts left" if subject.left() else state


def saving_loop(folder, repeats, rng):
    """Kill a process that trains and saves, again and again; the newest model must be there."""
    outcomes = Counter()
    for _ in range(repeats):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        reading, writing = os.pipe()
        child = _started(partial(_train, folder / "m.model", writing))
        os.close(writing)
        time.sleep(rng.uniform(0.05, 0.5))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reading, "rb") as said:
            saved = len(said.read())
        try:
            newest = int(persistence.load(folder / "m.model").t_) if saved else None
            state = "new" if newest is None or newest in (10 * saved + 1, 10 * saved + 11) else "older"
        except Exception:
            state = "half"
        persistence.save(Ridge().fit(_numbers(), _numbers()[:, 0]), folder / "m.model")
        outcomes[state if os.listdir(folder) == ["m.model"] else "parts left"] += 1
    return Event("SIGKILL at a random time: partial_fit loop that saves", repeats, dict(outcomes), WHOLE)


def _train(path, report):
    X, model = _numbers()[:10], SGDRegressor()
    while True:
        persistence.save(model.partial_fit(X, X[:, 0]), path)
        os.write(report, b".")


def two_threads(subject, repeats):
    """Let two threads write the same name at once."""
    return _two(subject, repeats, "threads", lambda: disks.together(subject.write, subject.write))


def two_processes(subject, repeats):
    """Let two processes write the same name at once."""
    return _two(subject, repeats, "processes", lambda: _both(subject.write))


def two_hosts(subject, repeats):
    """Let two processes of one number, as on two hosts, write the same name at once."""

    def write():
        os.getpid = lambda: 7
        subject.write()

    return _two(subject, repeats, "processes of one number", lambda: _both(write))


def _two(subject, repeats, words, run):
    outcomes = Counter()
    for k in range(repeats):
        subject.restore()
        if k % 2 and subject.path.is_dir():
            shutil.rmtree(subject.path)  # a new name
            subject.path.parent.joinpath("x").unlink(missing_ok=True)
        failed = run()
        state = _new_of(subject)
        left = "parts left" if subject.left() else state
        outcomes["one of them fails" if failed else left] += 1
    return Event(f"two {words}: {subject.name}", repeats, dict(outcomes), ("new",))


def _new_of(subject):
    """Return the state, also where the file of the user went with the older result."""
    if subject.path.is_dir() and isinstance(subject, Saved):
        (subject.path / ".mine").write_text("mine")
    return subject.state()


def threads_save(folder, repeats):
    """Let two threads save a small and a large model to one path."""
    folder.mkdir()
    small = Ridge().fit(_numbers(), _numbers()[:, 0])
    large = Ridge().fit(np.ones((3, 200_000)), np.ones(3))
    outcomes = Counter()
    for _ in range(repeats):
        save = [partial(persistence.save, model, folder / "best.model") for model in (small, large)]
        failed = disks.together(*save)
        try:
            size = persistence.load(folder / "best.model").coef_.size
            state = "new" if size in (2, 200_000) else "mixed"
        except Exception:
            state = "half"
        state = "parts left" if os.listdir(folder) != ["best.model"] else state
        outcomes["one of them fails" if failed else state] += 1
    return Event("two threads: a small and a large model", repeats, dict(outcomes), ("new",))


def interrupted(subject, repeats, rng):
    """Press Ctrl-C at random times; what the command says must be true."""
    subject.restore()
    start = time.monotonic()
    _child(subject.write)
    wall = time.monotonic() - start
    outcomes = Counter()
    for _ in range(repeats):
        subject.restore()
        said = subject.folder / "said"
        said.unlink(missing_ok=True)
        child = _started(partial(_saying, subject.write, said))
        time.sleep(rng.uniform(0, 1.05 * wall))
        os.kill(child, signal.SIGINT)
        os.waitpid(child, 0)
        words = said.read_text() if said.exists() else "before it began"
        state = subject.state()
        lies = ("nothing was written" in words and state != "old") or (
            "written" not in words and state != "new"
        )
        if "before it began" in words:
            lies = state != "old"
        if subject.left():  # finished fits may stay, until they have been used
            _child(subject.write)
        outcomes["parts left" if subject.left() else "untrue" if lies else state] += 1
    return Event(f"SIGINT at a random time: {subject.name}", repeats, dict(outcomes), WHOLE)


def _saying(write, said):
    """Write, and keep what the command said."""
    try:
        write()
        words = "it ended"
    except Obscure as error:  # exit code 130
        words = str(error)
    said.write_text(words)


def on_disk(subject, disk):
    """Write to a disk that is full or read-only: the error is clear, and the older one is whole."""
    subject.restore()
    outcome = disk(subject)
    words = "a full disk" if disk is disks.full else "a read-only disk"
    return Event(f"{words}: {subject.name}", 1, {outcome: 1}, ("old",))


def _quietly(action):
    """Do something whose output nobody wants."""
    with open(os.devnull, "w") as nothing:
        sys.stdout = sys.stderr = nothing
        action()


def _started(action):
    """Start a child; return its number."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # until the child can be interrupted
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            _quietly(action)
            code = 0
        finally:
            os._exit(code)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return child


def _child(action):
    """Do something in a child; return its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(_started(action), 0)[1])


def _both(action):
    """Do something in two children at once; return whether one failed."""
    children = [_started(action) for _ in range(2)]
    return any([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
