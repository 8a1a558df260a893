"""Searches: kills, cut journals, full disks, locks and clocks"""

import errno
import fcntl
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import optuna
import psutil
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from avfusion.model_selection.search import _file_lock
from benchmarks.faults.child import in_child
from benchmarks.faults.harness import Event
from benchmarks.faults.storages import X, Y, search, wrong

EVENTS_S = 7200
N_TRIALS = 12
LIMIT_S = 90
NAMES = {"a journal": "study.log", "a journal by a relative path": "study.log", "SQLite": "study.db"}


def storage_in(folder, kind):
    """Return the storage of a kind as a user writes it; a relative path is from the folder above."""
    if kind == "SQLite":
        return f"sqlite:///{folder}/study.db"
    return f"{folder.name}/study.log" if "relative" in kind else str(folder / "study.log")


def fit(folder, kind, n_trials=N_TRIALS, **changes):
    """Run a search in a folder; return what it found, and how many seconds it took."""
    os.chdir(folder.parent)
    begin = time.monotonic()
    fitted = search(storage_in(folder, kind), n_trials, **changes).fit(X, Y)
    states = Counter(trial.state.name for trial in fitted.study_.trials)
    best = [fitted.best_params_, fitted.best_score_]
    return {"best": best, "states": states, "s": time.monotonic() - begin, "wrong": wrong(fitted)}


def finished(folder, kind):
    """Return numbers and values of finished trials, as Optuna's own storages read them from a copy."""
    with tempfile.TemporaryDirectory() as name:
        copy = shutil.copytree(folder, Path(name, "copy"))
        try:
            if kind == "SQLite":
                storage = RDBStorage(f"sqlite:///{copy}/study.db")
            else:
                storage = JournalStorage(JournalFileBackend(str(copy / "study.log")))
            trials = optuna.load_study(study_name="faults", storage=storage).trials
        except (KeyError, OSError, optuna.exceptions.StorageInternalError):  # killed before there was a study
            return {}
    return {trial.number: trial.value for trial in trials if trial.state == TrialState.COMPLETE}


def killed(function, seconds):
    """Run a function in a child, and kill it after some seconds."""
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            function()
        os._exit(0)
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def went_on(folder, kind, before, whole, **changes):
    """Return how a search went on, and the seconds that it took."""
    ended = in_child(partial(fit, folder, kind, **changes), LIMIT_S)
    if ended.how != "ended":
        return ended.how if ended.how == "hang" else "error", ended.wall_s
    after, found = finished(folder, kind), ended.result
    if not before.items() <= after.items():
        return "finished lost", found["s"]
    if found["states"].get("RUNNING") or found["states"].get("WAITING"):
        return "running left", found["s"]
    if found["wrong"] or (whole is not None and found["best"] != whole["best"]):
        return "other best", found["s"]
    return "whole", found["s"]


@contextmanager
def own_folder():
    """Make a folder for one event."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name, "runs")
        folder.mkdir()
        yield folder


def unharmed(kind, **changes):
    """Return what a search finds that nothing happens to."""
    with own_folder() as folder:
        return in_child(partial(fit, folder, kind, **changes), LIMIT_S).result


def kills(kind, times, rng, changes, prepare=lambda: None):
    """Kill searches at random moments, and go on with each."""
    whole, outcomes, seconds, moments = unharmed(kind, **changes), Counter(), [], 0
    exact = None if changes else whole  # with two jobs a search does not repeat

    def run(folder):
        prepare()
        fit(folder, kind, **changes)

    for _ in range(times):
        with own_folder() as folder:
            killed(partial(run, folder), rng.uniform(0.05, 1) * whole["s"])
            before = finished(folder, kind)
            moments += 0 < len(before) < N_TRIALS
            lock = any(path.suffix == ".lock" for path in folder.iterdir())
            outcome, took = went_on(folder, kind, before, exact, **changes)
            outcomes["stale lock" if lock and outcome == "whole" and not changes else outcome] += 1
            seconds.append(took)
    jobs = f", n_jobs={changes['n_jobs']}" if changes else ""
    median = f"whole again within {np.median(seconds):.1f} s, at most {max(seconds):.1f}"
    name = f"SIGKILL of a search in {kind}{jobs} ({moments} between trials; unkilled {whole['s']:.1f} s, "
    return Event(f"{name}{median})", times, dict(outcomes))


def without_flock():
    """Make a process think that its file system has no locks."""

    def missing(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    fcntl.flock = missing


def left_lock_files(times, rng):
    """Kill a process that holds a file where the system has no locks; go on at once."""
    outcomes, whole = Counter(), unharmed("a journal")
    for _ in range(times):
        with own_folder() as folder:
            path = str(folder / "study.log")
            in_child(partial(fit, folder, "a journal", 4), LIMIT_S)
            before = finished(folder, "a journal")

            def hold(path=path):
                without_flock()
                with open(path, "rb+") as file, _file_lock.locked(file.fileno(), path):
                    time.sleep(60)

            killed(hold, 0.2)
            assert Path(f"{path}.lock").exists()

            def go_on(folder=folder):
                without_flock()
                return fit(folder, "a journal")

            ended = in_child(go_on, LIMIT_S)
            kept = ended.how == "ended" and before.items() <= finished(folder, "a journal").items()
            same = kept and ended.result["best"] == whole["best"] and ended.result["s"] < 20
            outcomes["whole" if same and not Path(f"{path}.lock").exists() else "stale lock"] += 1
    return Event("SIGKILL while a file is held that the system cannot lock", times, dict(outcomes))


def cuts(step):
    """Cut a journal at its last 400 bytes, and go on with each; what is in whole lines is kept."""
    outcomes, made = Counter(), 5
    with own_folder() as folder:
        in_child(partial(fit, folder, "a journal", made), LIMIT_S)
        good = (folder / "study.log").read_bytes()
    for place in range(len(good) - 400, len(good), step):
        with own_folder() as folder:
            (folder / "study.log").write_bytes(good[: good.rfind(b"\n", 0, place) + 1])
            before = finished(folder, "a journal")
            (folder / "study.log").write_bytes(good[:place])
            outcomes[went_on(folder, "a journal", before, None, n_trials=made)[0]] += 1
    return Event("a journal cut at each of its last 400 bytes", sum(outcomes.values()), dict(outcomes))


@contextmanager
def small_disk(folder, size):
    """Mount a file system of some bytes over a folder."""
    options = f"size={size}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True, capture_output=True)
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=20m", folder], check=True)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def no_disk(folder, size):
    """Mount nothing: files are limited by the process instead."""
    yield lambda: None


def full_disks(kind, times, rng, mounted):
    """Run out of space in the middle of a search, make space, and go on."""
    whole, outcomes = unharmed(kind), Counter()
    with own_folder() as folder:
        in_child(partial(fit, folder, kind), LIMIT_S)
        size = (folder / NAMES[kind]).stat().st_size
    for _ in range(times):
        with own_folder() as folder:
            limit = int(rng.uniform(0.1, 0.95) * size)
            limit = max(1, limit // 4096) * 4096 if mounted else limit  # whole pages

            def run(folder=folder, limit=limit):
                if not mounted:
                    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
                    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
                try:
                    fit(folder, kind)
                except ConnectionError as error:
                    return str(error)

            with (small_disk if mounted else no_disk)(folder, limit) as make_space:
                ended = in_child(run, LIMIT_S)
                make_space()
                before = finished(folder, kind)
                outcome = went_on(folder, kind, before, whole)[0]
            said = ended.how == "ended" and ended.result and "\n" not in ended.result
            outcomes[outcome if said else f"{ended.how}, not told"] += 1
    how = "file system of a few kB" if mounted else "limit of a file's size"
    return Event(f"full disk in the middle of a search in {kind} ({how})", times, dict(outcomes))


def with_clock(seconds):
    """Set the clock of this process, as far as Python sees it."""
    real, boot, create = time.time, psutil.boot_time, psutil.Process.create_time

    class Stepped(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=seconds)

    time.time = lambda: real() + seconds
    psutil.boot_time = psutil._pslinux.boot_time = lambda: boot() + seconds
    psutil.Process.create_time = lambda self: create(self) + seconds
    optuna.storages.journal._storage.datetime = Stepped


def slow_score(estimator, X, y):
    """Score as Ridge does, but slowly."""
    time.sleep(0.07)
    return estimator.score(X, y)


def clock_steps(kind, seconds):
    """Set the clock while a search runs, and begin another one on the same study; both end well."""
    with own_folder() as folder:
        changes = {"n_trials": 8, "scoring": slow_score}
        said = folder.parent / "first.json"
        pid = os.fork()
        if pid == 0:
            with suppress(BaseException):
                said.write_text(json.dumps(fit(folder, kind, **changes)))
            os._exit(0)
        until = time.monotonic() + LIMIT_S
        while not finished(folder, kind) and time.monotonic() < until:
            time.sleep(0.05)

        def second():
            if kind == "SQLite":  # what the database's clock says is as old
                with sqlite3.connect(folder / "study.db") as other:
                    sql = f"UPDATE trial_heartbeats SET heartbeat = datetime(heartbeat, '{-seconds} seconds')"
                    other.execute(sql)
                other.close()
            with_clock(seconds)
            return fit(folder, kind, **changes)

        ended = in_child(second, LIMIT_S)
        _, status = os.waitpid(pid, 0)
        if ended.how != "ended" or status or not said.exists():
            return "hang" if ended.how == "hang" else "crash"
        first, second_found = json.loads(said.read_text()), ended.result
        buried = first["states"].get("FAIL", 0) + second_found["states"].get("FAIL", 0)
        return "a living trial is buried" if buried else "whole"


def set_back(kind):
    """Kill a process before it signs its trial, set the clock back by two hours, and go on."""
    with own_folder() as folder:

        def ask():
            with_clock(7200)
            search(storage_in(folder, kind), 2).fit(X, Y)
            backend = JournalFileBackend(str(folder / "study.log"))
            storage = storage_in(folder, kind) if kind == "SQLite" else JournalStorage(backend)
            optuna.load_study(study_name="faults", storage=storage).ask()

        in_child(ask, LIMIT_S)
        outcome, seconds = went_on(folder, kind, finished(folder, kind), None, n_trials=4)
        return "hang" if seconds > 20 else outcome


def clocks(kind, steps):
    """Set clocks forward and back."""
    outcomes = Counter(clock_steps(kind, seconds) for seconds in steps)
    outcomes[set_back(kind)] += 1
    return Event(f"clock set during a search in {kind}", sum(outcomes.values()), dict(outcomes))


def events(repeats, rng):
    """Yield all that happens to searches."""
    long = repeats > 5
    for kind in NAMES if long else ("a journal by a relative path",):
        yield kills(kind, repeats, rng, {})
    yield left_lock_files(1 if not long else 3, rng)
    yield cuts(1 if long else 130)
    yield clocks("a journal", (90, -90, 7200, -7200) if long else (7200,))
    yield full_disks("a journal", repeats if long else 1, rng, mounted=False)
    if not long:
        return
    yield clocks("SQLite", (90, -90, 7200, -7200))
    yield full_disks("SQLite", repeats, rng, mounted=False)
    if os.geteuid() == 0:
        yield full_disks("a journal", repeats, rng, mounted=True)
        yield full_disks("SQLite", repeats, rng, mounted=True)
    for kind in ("a journal", "SQLite"):
        yield kills(kind, repeats, rng, {"n_jobs": 2})
