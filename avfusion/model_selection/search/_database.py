"""Databases that several searches share: opened with heartbeats, and patient once they were reached."""

import random
import re
import time
import warnings

import optuna
import sqlalchemy
from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage

from avfusion.model_selection.records._urls import without_password
from avfusion.model_selection.search._sqlite import BUSY_S, absolute, check_file, file_of
from avfusion.sequences._messages import brief, quoted

HEARTBEAT_S = 30
GRACE_S = 300  # a worker that lives but is slow, or waits for its server, is never given up
PATIENCE_S = 240  # how long a search waits for a server that is started again
_CONNECT_S = 20  # how long a host may take that does not answer
_RACE = ("already exists", "duplicate key", "unique constraint", "database is locked")
_PACKAGES = {"psycopg": "'psycopg[binary]'", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}


class Database(RDBStorage):
    """Optuna's storage in a database, with heartbeats; it waits for a server that is started again.

    Connections are tested before they are used. A copy in another process opens the same database.

    Parameters
    ----------
    url : str
        As SQLAlchemy reads it.
    known : bool, default=False
        Whether its tables are there.

    Examples
    --------
    >>> Database("sqlite://").get_heartbeat_interval()
    30
    """

    def __init__(self, url, known=False):
        self._url = url
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            super().__init__(
                url, _engine_options(url), skip_compatibility_check=known, skip_table_creation=known,
                heartbeat_interval=HEARTBEAT_S, grace_period=GRACE_S,
            )  # fmt: skip
        if self.engine.name != "sqlite":
            sqlalchemy.event.listen(self.engine, "do_connect", _connect_patiently)

    def __reduce__(self):
        return _reopened, (self._url,)


def _reopened(url):
    """Open a database in another process; its server was reached before."""
    end = time.monotonic() + (0 if url.startswith("sqlite") else PATIENCE_S)
    while True:
        try:
            return Database(url, known=True)
        except (sqlalchemy.exc.DBAPIError, optuna.exceptions.StorageInternalError):
            if time.monotonic() >= end:
                raise
            time.sleep(1)


def _engine_options(url):
    parsed = sqlalchemy.make_url(url)
    options = {"pool_pre_ping": True}
    if parsed.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": BUSY_S}
    elif parsed.get_driver_name() in ("psycopg", "psycopg2") and "connect_timeout" not in parsed.query:
        options["connect_args"] = {"connect_timeout": _CONNECT_S}
    return options


def _connect_patiently(dialect, record, arguments, keywords):
    """Connect, as SQLAlchemy's event asks for; a server that was reached before may be away for a while."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return dialect.connect(*arguments, **keywords)
        except dialect.loaded_dbapi.OperationalError:
            if time.monotonic() >= end:
                raise
            time.sleep(1)


def open_database(url):
    """Open the database of a URL, and create its tables if they are not there.

    Parameters
    ----------
    url : str

    Returns
    -------
    optuna storage

    Raises
    ------
    ConnectionError
        If the database cannot be reached or refuses the user.
    ImportError
        If its driver is not installed.
    ValueError
        If this is no URL of a database.

    Examples
    --------
    >>> open_database("sqlite://").get_all_studies()
    []
    """
    opened, end = _checked(url), time.monotonic() + BUSY_S
    while True:
        try:
            return optuna.storages.get_storage(Database(opened))
        except Exception as error:
            # processes that begin together create the same tables
            raced = any(word in _reason(error).lower() for word in _RACE)
            if not raced or time.monotonic() >= end:
                failure = _explained(error, url)
                break
        time.sleep(random.uniform(0.05, 0.5))
    raise failure from None  # errors of drivers may quote what they were given


def _checked(url):
    """Return the URL by which a database is opened from anywhere, unless its file is another program's."""
    try:
        opened, file = absolute(url), file_of(url)
        plain = sqlalchemy.make_url(url).get_driver_name() == "pysqlite"  # another may encrypt it
    except Exception as error:  # of the port, which is not an ArgumentError
        raise _explained(error, url) from None
    if file is not None and plain:
        check_file(file)
    return opened


def _explained(error, url):
    """Return the error that a user should see for one of Optuna, SQLAlchemy or a driver."""
    storage = f"storage={brief(without_password(url), 120)}"
    missing = error.__cause__ if isinstance(error, ImportError) else None
    if isinstance(missing, ModuleNotFoundError) or isinstance(error, ModuleNotFoundError):
        package = (missing or error).name
        other = " Or write postgresql+psycopg:// for psycopg 3." if package == "psycopg2" else ""
        install = f"pip install {_PACKAGES.get(package, package)}"
        return ImportError(
            f"{storage} needs the package {package}, which is not installed: {install}.{other}"
        )
    reason = brief(_Text(_hide(_reason(error), url)), 140)
    if "table schema" in reason:
        upgrade = (
            "optuna storage upgrade --storage URL" if "upgrad" in _reason(error) else "pip install -U optuna"
        )
        return ValueError(f"{storage} has the tables of another version of Optuna: {upgrade}.")
    if isinstance(error, (sqlalchemy.exc.DBAPIError, optuna.exceptions.StorageInternalError)):
        check = "host, port, user and password, and that the database exists"
        if url.startswith("sqlite"):
            check = "that its folder exists and can be written to"
        return ConnectionError(
            f"{storage} cannot be opened: {reason} Check {check}. Nothing has been fitted."
        )
    if isinstance(error, UnicodeError):
        reason = "its text is not valid UTF-8. Rename the file."
    elif parameters := re.findall(r"[?&]([^=&]*)", url):
        reason = f"check the value of {quoted(parameters, limit=3)} after the question mark."
    return ValueError(f"{storage} is not the URL of a database that can be used: {reason}")


def lost_database(error, name):
    """Return the error of a search whose database went away for longer than it waits.

    Parameters
    ----------
    error : optuna.exceptions.StorageInternalError
    name : str
        Of the study.

    Returns
    -------
    ConnectionError

    Examples
    --------
    >>> lost_database(optuna.exceptions.StorageInternalError("Connection refused."), "emotions")
    ConnectionError("The storage of study 'emotions' fails: Connection refused. ...")
    """
    reason = brief(_Text(without_password(_reason(error))), 140)
    return ConnectionError(
        f"The storage of study {quoted([name])} fails: {reason} The trials that are finished are kept in it: "
        "when it can be used again, fit again to go on."
    )


class _Text(str):
    """A text that is its own representation."""

    def __repr__(self):
        return str(self)


def _reason(error):
    """Return what a driver says, without SQLAlchemy's statement and link."""
    error = error.__cause__ or error
    error = getattr(error, "orig", None) or error
    text = " ".join(str(error).split()) or type(error).__name__
    return text if text.endswith((".", "?")) else f"{text}."


def _hide(text, url):
    text = without_password(text)
    try:
        password = sqlalchemy.make_url(url).password
    except (sqlalchemy.exc.ArgumentError, ValueError):  # of the port
        return text
    return text.replace(str(password), "***") if password else text
