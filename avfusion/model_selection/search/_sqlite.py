"""Files of SQLite: looked at before Optuna makes its tables in them."""

import os
import re
import shlex
import sqlite3
import stat
from contextlib import closing

import sqlalchemy

from avfusion.sequences._messages import brief, path_name, quoted

BUSY_S = 60  # how long SQLite waits for other processes
_TABLES = re.compile(r"(stud(y_|ies)|trial(s|_)|version_info|alembic_version)")

_CORE = {
    *("studies", "study_directions", "study_user_attributes", "study_system_attributes", "trials"),
    *("trial_params", "trial_values", "trial_user_attributes", "trial_system_attributes"),
}


def absolute(url):
    """Return the URL of a database, with the absolute path if it is a file: workers may start elsewhere.

    Parameters
    ----------
    url : str

    Returns
    -------
    str

    Raises
    ------
    sqlalchemy.exc.ArgumentError
        If it is no URL.

    Examples
    --------
    >>> absolute("sqlite:////data/study.db"), absolute("sqlite://")
    ('sqlite:////data/study.db', 'sqlite://')
    """
    file = file_of(url)
    if file is None:
        return url
    return sqlalchemy.make_url(url).set(database=file).render_as_string(hide_password=False)


def file_of(url):
    """Return the absolute path of the file behind a URL, or None.

    Parameters
    ----------
    url : str

    Returns
    -------
    str or None

    Examples
    --------
    >>> file_of("sqlite:////data/study.db")
    '/data/study.db'
    >>> file_of("sqlite:///:memory:"), file_of("postgresql://host/studies")
    (None, None)
    """
    parsed = sqlalchemy.make_url(url)
    file = parsed.database
    if parsed.get_backend_name() != "sqlite" or not file or file == ":memory:" or file.startswith("file:"):
        return None
    return os.path.abspath(os.path.expanduser(file))


def check_file(path):
    """Refuse a file that is no database for trials, before anything is written to it.

    Parameters
    ----------
    path : str

    Raises
    ------
    ValueError
        If it is no file, no database, damaged, or another program's.
    OSError
        If it cannot be written, or another process does not let it go.

    Examples
    --------
    >>> check_file("/")
    Traceback (most recent call last):
        ...
    ValueError: storage: '/' is a folder. Give the name of a file in it, such as study.db.
    """
    name = f"storage: '{path_name(path)}'"
    try:
        mode, size = (found := os.stat(path)).st_mode, found.st_size
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:  # a loop of links, a name that is too long, a NUL in it
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{name} cannot be the name of a file: {reason}.") from None
    if stat.S_ISDIR(mode):
        raise ValueError(f"{name} is a folder. Give the name of a file in it, such as study.db.")
    if not stat.S_ISREG(mode):
        raise ValueError(f"{name} is a pipe, socket or device. Give the name of a file.")
    if not size:
        return
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)) as connection:
            _check_content(connection, name)
    except sqlite3.DatabaseError as error:
        raise _explained(error, path, name) from None


def _check_content(connection, name):
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    others = [table for table in names if not _TABLES.match(table) and not table.startswith("sqlite_")]
    if others and not {"studies", "trials"} <= set(names):
        raise ValueError(
            f"{name} is the database of another program, with the tables {quoted(sorted(others), 3)}. Give "
            "the name of a new file."
        )
    ((state,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
    if state != "ok":
        raise sqlite3.DatabaseError(state)
    lacking = _CORE - set(names)
    if lacking and "alembic_version" in names:  # which Optuna makes last
        raise sqlite3.DatabaseError(f"Table {sorted(lacking)[0]} is missing.")
    connection.execute("BEGIN IMMEDIATE")
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    connection.execute(f"PRAGMA user_version = {version:d}")  # whether it can be written
    connection.execute("ROLLBACK")


def _explained(error, path, name):
    reason = " ".join(str(error).split()).removeprefix("*** in database main *** ").rstrip(".")
    if "locked" in reason or "busy" in reason:
        return ConnectionError(
            f"{name} is held by another process for more than {BUSY_S:g} s. End that process."
        )
    if "not a database" in reason:
        return ValueError(f"{name} is not a database of SQLite. Give the name of a new file.")
    if isinstance(error, sqlite3.OperationalError):
        return ConnectionError(
            f"{name} cannot be used: {brief(reason)[1:-1]}. Check that it can be written to."
        )
    file = shlex.quote(os.path.basename(path))
    return ValueError(
        f"{name} is damaged: {brief(reason)[1:-1]}. What can be read of it is kept by: sqlite3 {file} "
        ".recover | sqlite3 saved.db."
    )
