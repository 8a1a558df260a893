"""Storages of searches: journals, databases, URLs and objects"""

import fcntl
import os
import socket
import sqlite3
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import optuna
import sqlalchemy
from optuna.distributions import FloatDistribution
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score

import avfusion as av
from avfusion.model_selection.search import _database, _file_lock, _sqlite
from benchmarks.faults.harness import Case

LIMIT_S = 15.0
MADE, WANTED = 5, 7  # trials of the good files, and of the search that goes on
X = np.random.default_rng(0).normal(size=(60, 3))
Y = X[:, 0] + np.random.default_rng(1).normal(size=60)


def search(storage, n_trials=WANTED, **changes):
    """Return a search with fast trials."""
    settings = {"cv": 3, "pruner": optuna.pruners.NopPruner(), "random_state": 0, "refit": False}
    space = {"alpha": FloatDistribution(0.1, 100)}
    return av.FusionSearchCV(
        Ridge(), space, n_trials=n_trials, storage=storage, study_name="faults", **settings | changes
    )


def wrong(fitted):
    """Return what of a search's results is not so, by scikit-learn's own cross-validation."""
    found = fitted.cv_results_
    for alpha, score in zip(found["param_alpha"], found["mean_test_score"], strict=True):
        if not np.isclose(score, cross_val_score(Ridge(alpha=alpha), X, Y, cv=3).mean(), rtol=0, atol=1e-12):
            return f"silent wrong: alpha {alpha} has the score {score}"
    short = len(found["params"]) < fitted.n_trials
    return "silent wrong: trials are missing" if short else None


def prepare(folder):
    """Make a good journal and a good database."""
    for storage in (f"{folder}/good.log", f"sqlite:///{folder}/good.db"):
        search(storage, MADE).fit(X, Y)


def resumed(storage, file=None, data=None, make=None):
    """Go on with a search in a file that was written before."""
    if data is not None:
        Path(file).write_bytes(data)
    if make is not None:
        make(file)
    return wrong(search(storage).fit(X, Y))


def journals(good, rng):
    """Yield names and contents of journals that are none, or damaged."""
    lines = good.splitlines(keepends=True)
    end = {"as it is": good, "empty": b"", "cut": good[:-9], "its last line end cut": good[:-1]}
    joined = {"half a line and a whole one": good[:-9] + lines[-1], "twice": good + good}
    other = {
        "blank lines": b"\n\n",
        "JSON lines": b'{"a": 1}\n{"b": 2}\n',
        "JSON": b'{"a": 1}',
        "a list": b"[1]\n",
        "text": b"hello",
        "lines of text": b"hello\nworld\n",
        "noise": rng.bytes(5000),
        "zeros": bytes(5000),
        "a pickle": b"\x80\x04K\x01.",
        "UTF-16": good.decode().encode("utf-16"),
        "half a record": b'{"op',
        "lines of DOS": good.replace(b"\n", b"\r\n"),
        "a byte order mark": b"\xef\xbb\xbf" + good,
        "deep": b'{"op_code":' + b"[" * 100_000 + b"\n",
        "an operation of the future": b'{"op_code":99}\n',
        "an operation without its keys": b'{"op_code":0}\n',
        "an operation that is text": b'{"op_code":"x"}\n',
        "a direction of the future": b'{"op_code":0,"worker_id":"a","study_name":"f","directions":[9]}\n',
        "without its first line": b"".join(lines[1:]),
        "zeros at its end": good + bytes(700),
        "zeros in it": good[:700] + bytes(700) + good[1400:],
        "a hole in it": good[:700] + good[1400:],
        "a record too many": good + b'{"op_code":4}\n',
        "noise at its end": good + rng.bytes(100) + b"\n",
        "a line end lost": b"".join(lines[:5]).rstrip() + b"x" + b"".join(lines[5:]),
    }
    yield from (end | joined | other).items()
    for _ in range(40):
        changed, place = bytearray(good), int(rng.integers(len(good)))
        changed[place] ^= 1 << int(rng.integers(8))
        yield f"bit of byte {place}, now {changed[place]}", bytes(changed)
    for place in rng.integers(1, len(good), 20):
        yield f"cut to {place} bytes", good[:place]


def special_files():
    """Yield names of files that are no regular ones, with what makes them."""
    yield "a pipe", "pipe", os.mkfifo
    yield "a link to /dev/zero", "zero", partial(os.symlink, "/dev/zero")
    yield "a folder", "folder", os.mkdir
    yield "a link to itself", "loop", partial(os.symlink, "loop")
    yield "a link to nowhere", "dangling", partial(os.symlink, "nowhere/x")
    yield "a socket", "socket", lambda name: socket.socket(socket.AF_UNIX).bind(name)
    yield "5 GB of nothing", "large", lambda name: (Path(name).touch(), os.truncate(name, 5 << 30))


def changed_databases():
    """Yield names of good databases to which SQL was done."""
    yield "of a newer Optuna", "UPDATE alembic_version SET version_num = 'v99.0.0.a'"
    yield "of an older Optuna", "UPDATE alembic_version SET version_num = 'v1.3.0.a'"
    yield "of another migration", "UPDATE alembic_version SET version_num = 'abc'"
    yield "without a version", "DELETE FROM version_info"
    yield "with another column", "ALTER TABLE studies RENAME COLUMN study_name TO x"
    yield "without a table", "DROP TABLE trial_values"
    yield "without any table but one", "DROP TABLE trials"


def damaged_databases(good, rng):
    """Yield names and contents of files of SQLite that are damaged or none."""
    yield "without its magic", b"X" + good[1:]
    yield "without a page size", good[:16] + bytes(4) + good[20:]
    yield "half", good[: len(good) // 2]
    yield "50 bytes", good[:50]
    yield "zeros after a page", good[:4096] + bytes(len(good) - 4096)
    yield "noise", rng.bytes(5000)
    yield "empty", b""
    yield "text", b"hello\n"
    for page in rng.permutation(len(good) // 4096)[:12]:
        yield f"noise in page {page + 1}", good[: page * 4096] + rng.bytes(4096) + good[(page + 1) * 4096 :]


URLS = (
    "", " ", ".", "a/", "/", "~", "a\0b", "x" * 300, "x/" * 3000, "\udce9.log", "a\nb.log", "a\x1b[31m.log",
    "/proc/x.log", "/dev/null", "/dev/full", "C:\\study.log", "://", "sqlite:study.db", "sqlite:/study.db",
    "sqlite://study.db", "sqlite:////no/such/x.db", "sqlite+aiosqlite:///x.db", "sqlite+bogus:///x.db",
    "sqlite:///x.db?timeout=abc", "sqlite:///x.db?mode=ro&uri=true", "sqlite:///file:y.db?mode=ro&uri=true",
    "sqlite:///file:y.db?uri=true", "sqlite:///y\0.db", "sqlite:///" + "x" * 300, "sqlite:///~/x.db", "sqlite:///",
    "sqlite:///:memory:", "sqlite:////", "SQLITE:///up.db", "sqlite:///a?b=c", "sqlite:///a\x1b[31m.db",
    "sqlite:///x#y.db", "sqlite:// /x.db", " sqlite:///x.db", "sqlite:////dev/full", "sqlite:///\udce9.db",
    "sqlite:////proc/x.db", "postgres://h/x", "postgresql://h:x/s", "postgresql+asyncpg://h/s", "mysql://h/s",
    "mysql+pymysql://h/s", "mariadb://h/s", "oracle://h/s", "mssql+pyodbc://h/s", "redis://localhost", "http://h/x",
    "https://h", "file:///tmp/x.log", "s3://b/k", "journal:///x", "postgresql+psycopg://u:pw@127.0.0.1:1/s",
    "postgresql+psycopg://u:pw@[::1/s", "postgresql+psycopg://u:***@h/s", "duckdb:///x",
)  # fmt: skip


def objects(folder):
    """Yield what is no text and no path."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield from (b"x.db", 3, [], {}, True, 1.5, object(), optuna.storages.RDBStorage, optuna.create_study())
    yield optuna.storages.journal.JournalFileBackend(str(folder / "journal"))
    yield sqlalchemy.make_url("sqlite:///u.db")
    yield sqlalchemy.make_url("postgresql+psycopg://ann:secret@127.0.0.1:1/x")
    yield Path("sqlite:///x.db")


@contextmanager
def without_rights():
    """Be a user who may not write everywhere."""
    os.chmod("..", 0o755)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def no_rights(storage, file, data, mode, folder_mode):
    """Go on with a search whose file or folder may not be written or read."""
    optuna.create_study(storage="sqlite://")  # which imports what another user may not read
    Path("there").mkdir()
    Path("there", file).write_bytes(data)
    os.chmod(f"there/{file}", mode)
    os.chmod("there", folder_mode)
    with without_rights():
        return wrong(search(storage).fit(X, Y))


def held_journal(data):
    """Go on with a journal that another process holds and does not let go."""
    Path("study.log").write_bytes(data)
    fcntl.flock(os.open("study.log", os.O_RDONLY), fcntl.LOCK_EX)
    _file_lock.LOCK_PATIENCE_S = 1
    return wrong(search("study.log").fit(X, Y))


def held_database(data, how):
    """Go on with a database that another process holds."""
    Path("study.db").write_bytes(data)
    other = sqlite3.connect("study.db", isolation_level=None)
    other.execute(f"BEGIN {how}")
    _sqlite.BUSY_S = _database.BUSY_S = 1
    return wrong(search("sqlite:///study.db").fit(X, Y))


def left_lock(data, make):
    """Go on with a journal beside which a killed process of Optuna's left its lock."""
    Path("runs").mkdir()
    Path("runs/study.log").write_bytes(data)
    make("runs/study.log.lock")
    return wrong(search("runs/study.log").fit(X, Y))


def with_sql(storage, file, data, sql):
    """Go on with a database that was changed."""
    if data is not None:
        Path(file).write_bytes(data)
    with sqlite3.connect(file) as other:
        other.execute(sql)
    other.close()
    return wrong(search(storage).fit(X, Y))


def cases(folder, rng):
    """Yield all hostile storages."""
    log, db = Path(folder, "good.log").read_bytes(), Path(folder, "good.db").read_bytes()
    url = "sqlite:///study.db"
    for name, data in journals(log, rng):
        yield Case(f"journal: {name}", partial(resumed, "study.log", "study.log", data))
    for name, file, make in special_files():
        for storage in (file, f"sqlite:///{file}"):
            yield Case(f"{storage}: {name}", partial(resumed, storage, file, make=make))
    for name, data in damaged_databases(db, rng):
        yield Case(f"database: {name}", partial(resumed, url, "study.db", data))
    for name, sql in changed_databases():
        yield Case(f"database: {name}", partial(with_sql, url, "study.db", db, sql))
    for table in ("moz_places", "studies", "alembic_version"):
        sql = f"CREATE TABLE {table} (a)"
        yield Case(f"database with {table}", partial(with_sql, url, "study.db", None, sql))
    yield Case("journal: a database", partial(resumed, "study.db", "study.db", db))
    yield Case("database: a journal", partial(resumed, "sqlite:///study.log", "study.log", log))
    for number, text in enumerate(URLS):
        yield Case(f"url {number}: {text[:40]!a}", partial(resumed, text))
    for number, thing in enumerate(objects(folder)):
        yield Case(f"object {number}: {type(thing).__name__}", partial(resumed, thing))
    for name, storage, file, data in (
        ("journal", "there/study.log", "study.log", log),
        ("database", "sqlite:///there/study.db", "study.db", db),
    ):
        for mode, folder_mode in ((0o000, 0o755), (0o444, 0o755), (0o666, 0o555), (0o666, 0o000)):
            run = partial(no_rights, storage, file, data, mode, folder_mode)
            yield Case(f"{name}: mode {mode:o} in a folder of {folder_mode:o}", run)
    yield Case("journal: held", partial(held_journal, log))
    for how in ("IMMEDIATE", "EXCLUSIVE"):
        yield Case(f"database: held, {how}", partial(held_database, db, how))
    for name, make in (
        ("a link to itself", partial(os.symlink, "runs/study.log")),
        ("a link to the file", lambda lock: os.symlink(os.path.abspath("runs/study.log"), lock)),
        ("a file", lambda lock: Path(lock).touch()),
    ):
        yield Case(f"journal: a lock is left, {name}", partial(left_lock, log, make))
        yield Case(f"journal: a lock is left, {name}, and half a line", partial(left_lock, log[:-7], make))
