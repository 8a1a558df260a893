"""Where the trials of a study are kept, and which of them count."""

import os
import re
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import optuna
from optuna.storages import BaseStorage, InMemoryStorage, get_storage
from optuna.trial import TrialState

from avfusion.model_selection.records._urls import plain_url, without_password
from avfusion.model_selection.search._cluster_storage import scheduler_storage
from avfusion.model_selection.search._database import open_database
from avfusion.model_selection.search._journal import open_journal
from avfusion.model_selection.search._workers import ERROR, TASK, give_up

__all__ = ["finished_trials"]

_SCHEME = re.compile(r"(sqlite|postgres|mysql|mariadb|oracle|mssql|redis)[\w+]*:", re.IGNORECASE)


@contextmanager
def open_storage(storage, shared, client=None):
    """Open the storage that a user gives.

    Parameters
    ----------
    storage : str, path-like, SQLAlchemy URL, optuna storage or None
        A URL with ``://`` (SQLite or another database), the name of a journal file, or a storage.
    shared : bool
        Whether several processes will use it; then None is a temporary journal file.
    client : distributed.Client, optional
        Of the cluster whose workers will use it; then None is the memory of its scheduler.

    Yields
    ------
    optuna storage

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or a storage in memory that several processes should share.
    ConnectionError, ImportError
        If a database cannot be reached, or its driver is not installed.

    Examples
    --------
    >>> with open_storage(None, shared=False) as storage:
    ...     type(storage).__name__
    'InMemoryStorage'
    """
    storage = plain_url(storage)
    if storage is None and client is not None:
        with scheduler_storage(client) as opened:
            yield opened
        return
    if storage is None and shared:
        with TemporaryDirectory() as folder:
            yield open_journal(Path(folder) / "journal")
        return
    if shared and _of_one_process(storage):
        raise ValueError(
            f"storage={described_storage(storage)} is in the memory of one process, which n_jobs processes "
            "cannot share. Give a journal file or a database, or set n_jobs=1."
        )
    if storage is None:
        yield InMemoryStorage()
    elif isinstance(storage, BaseStorage):
        yield get_storage(storage)
    elif not isinstance(storage, (str, os.PathLike)):
        raise TypeError(f"storage={storage!r} must be a file, a database's URL, an optuna storage or None.")
    elif ":***@" in str(storage) or "=***" in str(storage):
        raise ValueError(
            f"storage={str(storage)!r} has no password: a fitted search is saved and copied without it. "
            "Give the whole URL to go on, or None: set_params(storage=...)."
        )
    elif "://" in str(storage):
        opened = open_database(str(storage))
        try:
            yield opened
        finally:
            opened._backend.engine.dispose()
    else:
        _check_file_name(storage)
        yield open_journal(storage)


def _check_file_name(file):
    """Refuse a text that is neither a file nor a URL."""
    if _SCHEME.match(os.fspath(file)):
        raise ValueError(
            f"storage={without_password(os.fspath(file))!r} is neither a file nor a URL, which has :// as in "
            "'sqlite:///study.db' or 'postgresql+psycopg://user@host/studies'."
        )
    if not os.fspath(file):
        raise ValueError("storage='' is a folder. Give the name of a file in it, such as 'study.log'.")


def _of_one_process(storage):
    storage = getattr(storage, "_backend", storage)  # of optuna's cache
    url = str(getattr(storage, "url", storage))
    in_memory = "mode=memory" in url or url.partition("://")[2].partition("?")[0] in ("", "/:memory:", "/")
    return isinstance(storage, InMemoryStorage) or (url.startswith("sqlite") and in_memory)


def reopenable(storage):
    """Return the text by which a storage is opened again, without its password; None for all others.

    Parameters
    ----------
    storage : str, path-like, optuna storage or None

    Returns
    -------
    str or None
        A URL or the name of a journal file.

    Examples
    --------
    >>> reopenable("postgresql://ann:secret@host/studies")
    'postgresql://ann:***@host/studies'
    >>> reopenable(InMemoryStorage())
    """
    storage = plain_url(storage)
    if storage is None or isinstance(storage, (str, os.PathLike)):
        return storage and without_password(os.fspath(storage))
    backend = getattr(storage, "_backend", storage)  # of optuna's cache, or of a journal
    where = getattr(backend, "url", None) or getattr(backend, "_file_path", None)
    return where and without_password(str(where))


def described_storage(storage):
    """Return where a storage is, for people and without a password: as `reopenable`, or its class."""
    return reopenable(storage) or (None if storage is None else type(storage).__name__)


def trial_of_task(study, task):
    """Return the finished trial of a task that was begun before, and give up one that it did not finish.

    A cluster begins a task again when the worker that had it is lost, on whichever machine that was.

    Parameters
    ----------
    study : optuna.Study
    task : str or None

    Returns
    -------
    optuna.trial.FrozenTrial or None
        None if the task has still to be done.
    """
    if task is None:
        return None
    for trial in study.get_trials(deepcopy=False):
        if trial.user_attrs.get(TASK) == task and not was_cut_off(trial):
            if trial.state.is_finished():
                return trial
            give_up(study, trial)
    return None


def finish_trial(study, trial, value, state, error=None):
    """Record how a trial ended.

    Parameters
    ----------
    study : optuna.Study
    trial : optuna.Trial
    value : float or None
    state : optuna.trial.TrialState
    error : Exception, optional
        Why it failed. Without one, it is taken to have been cut off with its process.

    Returns
    -------
    bool
        Whether the sampler has more to suggest.
    """
    if error is not None:
        trial.set_user_attr(ERROR, f"{type(error).__name__}: {error}")
    with stoppable(study):
        try:
            study.tell(trial, value, state=None if state == TrialState.COMPLETE else state)
        except KeyError:  # optuna's GridSampler, of an enqueued trial; by then the state is recorded
            if not study._storage.get_trial(trial._trial_id).state.is_finished():
                raise
    return not study._stop_flag


@contextmanager
def stoppable(study):
    """Let samplers and callbacks call ``study.stop()`` while this context is open, as in ``optimize``.

    Parameters
    ----------
    study : optuna.Study
        Whose ``_stop_flag`` says afterwards whether they did.

    Examples
    --------
    >>> study = optuna.create_study()
    >>> with stoppable(study):
    ...     study.stop()
    >>> study._stop_flag
    True
    """
    study._thread_local.in_optimize_loop, study._stop_flag = True, False
    try:
        yield
    finally:
        study._thread_local.in_optimize_loop = False


def was_cut_off(trial):
    """Return whether a trial ended with its process, and not because of an error.

    Parameters
    ----------
    trial : optuna.trial.FrozenTrial

    Returns
    -------
    bool
    """
    return trial.state == TrialState.FAIL and ERROR not in trial.user_attrs


def finished_trials(study):
    """Return the trials that count: complete, pruned, or failed with an error.

    Parameters
    ----------
    study : optuna.Study

    Returns
    -------
    list of optuna.trial.FrozenTrial
        Trials that were cut off with their process are not among them.

    Examples
    --------
    >>> import optuna
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> study = optuna.create_study()
    >>> study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    >>> len(finished_trials(study))
    2
    """
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.is_finished() and not was_cut_off(trial)
    ]


def in_memory(study):
    """Return a copy of a study that lives in memory.

    Parameters
    ----------
    study : optuna.Study

    Returns
    -------
    optuna.Study
    """
    storage = optuna.storages.InMemoryStorage()
    optuna.copy_study(
        from_study_name=study.study_name, from_storage=study._storage,
        to_storage=storage, to_study_name=study.study_name,
    )  # fmt: skip
    return optuna.load_study(study_name=study.study_name, storage=storage)


@contextmanager
def quiet_optuna():
    """Keep optuna from logging every trial while this context is open, since there is a progress bar.

    Examples
    --------
    >>> with quiet_optuna():
    ...     study = optuna.create_study()
    """
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(level, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)
