"""Where the trials of a study are kept, and how those of killed processes are found."""

import os
import socket
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import optuna
import psutil
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, get_storage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from avfusion.model_selection.search._cluster_storage import scheduler_storage

__all__ = ["finished_trials"]

_WORKER = "worker"
_TASK = "task"
_ERROR = "error"
_UNSIGNED_S = 2.0  # a worker records itself in a trial some milliseconds after the trial was created


@contextmanager
def open_storage(storage, shared, client=None):
    """Open the storage that a user gives.

    Parameters
    ----------
    storage : str, path-like, optuna storage or None
        A URL with ``://`` (SQLite or another database), the name of a journal file, or a storage.
    shared : bool
        Whether several processes will use it; then None is a temporary journal file.
    client : distributed.Client, optional
        Of the cluster whose workers will use it; then None is the memory of its scheduler.

    Yields
    ------
    optuna storage

    Examples
    --------
    >>> with open_storage(None, shared=False) as storage:
    ...     type(storage).__name__
    'InMemoryStorage'
    """
    if storage is None and client is not None:
        with scheduler_storage(client) as opened:
            yield opened
    elif storage is None and shared:
        with TemporaryDirectory() as folder:
            yield JournalStorage(JournalFileBackend(str(Path(folder) / "journal")))
    elif storage is None:
        yield InMemoryStorage()
    elif isinstance(storage, BaseStorage) or "://" in str(storage):
        yield get_storage(storage)
    else:
        Path(storage).parent.mkdir(parents=True, exist_ok=True)
        yield JournalStorage(JournalFileBackend(os.path.abspath(storage)))  # workers may start elsewhere


def begin_trial(study, task=None):
    """Ask a study for a new trial and record this process in it.

    Parameters
    ----------
    study : optuna.Study
    task : str, optional
        Of which the trial is the outcome, where a task can begin again: see `trial_of_task`.

    Returns
    -------
    optuna.Trial
    """
    trial = study.ask()
    process = psutil.Process()
    trial.set_user_attr(_WORKER, [socket.gethostname(), process.pid, process.create_time()])
    if task is not None:
        trial.set_user_attr(_TASK, task)
    return trial


def trial_of_task(study, task):
    """Return the finished trial of a task that has been here before, and fail one that it did not finish.

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
        if trial.user_attrs.get(_TASK) == task and not was_cut_off(trial):
            if trial.state.is_finished():
                return trial
            with suppress(RuntimeError):  # it has ended in the meantime
                study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)  # not by the sampler
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
        trial.set_user_attr(_ERROR, f"{type(error).__name__}: {error}")
    try:
        study.tell(trial, value, state=None if state == TrialState.COMPLETE else state)
    except RuntimeError:
        # a sampler with nothing left to suggest stops the study, which is an error outside of `optimize`;
        # by then the state is recorded
        if study.get_trials(deepcopy=False)[trial.number].state != state:
            raise
        return False
    return True


def was_cut_off(trial):
    """Return whether a trial ended with its process, and not because of an error.

    Parameters
    ----------
    trial : optuna.trial.FrozenTrial

    Returns
    -------
    bool
    """
    return trial.state == TrialState.FAIL and _ERROR not in trial.user_attrs


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


def fail_stale_trials(study):
    """Mark running trials whose process has ended as failed, except those of other machines.

    Parameters
    ----------
    study : optuna.Study
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if _WORKER not in trial.user_attrs:  # its worker may be about to record itself
            age = time.time() - trial.datetime_start.timestamp()
            time.sleep(max(0.0, _UNSIGNED_S - age))
            trial = study._storage.get_trial(trial._trial_id)
        if not _is_alive(trial.user_attrs.get(_WORKER)):
            with suppress(ValueError, RuntimeError):  # another process did so in the meantime
                study.tell(trial.number, state=TrialState.FAIL)


def _is_alive(worker):
    if worker is None:
        return False
    host, pid, created = worker
    if host != socket.gethostname():
        return True
    try:
        return abs(psutil.Process(pid).create_time() - created) < 1
    except psutil.NoSuchProcess:
        return False


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
