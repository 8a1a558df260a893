"""Where the trials of a search on a Dask cluster are kept, so that every worker reaches them."""

import os
import warnings
from contextlib import contextmanager

from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage

from avfusion.model_selection.records._urls import plain_url
from avfusion.model_selection.search._sqlite import file_of as database_file
from avfusion.sequences._messages import quoted


@contextmanager
def scheduler_storage(client):
    """Keep trials in the memory of the scheduler while this context is open.

    Parameters
    ----------
    client : distributed.Client

    Yields
    ------
    optuna_integration.DaskStorage

    Raises
    ------
    ImportError
        If optuna-integration is not installed.
    """
    storage = _dask_storage(client=client)
    try:
        yield storage
    finally:
        if client.status == "running":  # else the error that closed it would be lost
            client.run_on_scheduler(_forget, storage.name)


def _dask_storage(*args, **options):
    """Make a storage, here or in a worker that has been sent one."""
    try:
        from optuna_integration import DaskStorage
    except ImportError as error:
        raise ImportError(
            "A search on a cluster keeps its trials on the scheduler, by optuna-integration: pip install "
            '"avfusion[cluster]". Or give a storage= that all workers reach, such as a database.'
        ) from error

    class OnScheduler(DaskStorage):
        def __reduce__(self):
            return _dask_storage, (None, self.name, None, False)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return OnScheduler(*args, **options)


def _forget(name, dask_scheduler=None):
    dask_scheduler.extensions["optuna"].storages.pop(name, None)


def check_reached(storage, client):
    """Refuse a file that some worker of a cluster does not have, before any trial.

    Parameters
    ----------
    storage : str, path-like or optuna storage
        As a search takes it, and opened before, so that its file is there.
    client : distributed.Client

    Raises
    ------
    ValueError
        Naming the workers, and what to use instead.
    """
    path = file_of(storage)
    if path is None:
        return
    lacking = [worker for worker, there in client.run(os.path.exists, path).items() if not there]
    if lacking:
        raise ValueError(
            f"storage: the file {path!r} is missing on {len(lacking)} of the workers: {quoted(lacking)}. Use "
            "a folder that all share, by its absolute path, a database such as postgresql://..., or None."
        )


def file_of(storage):
    """Return the file behind a storage, None for databases with a server and for optuna's own objects.

    Examples
    --------
    >>> file_of("sqlite:////data/study.db")
    '/data/study.db'
    >>> file_of("postgresql://user@host/studies") is None
    True
    """
    if storage is None or isinstance(storage, BaseStorage):
        return None
    storage = plain_url(storage)
    if "://" not in str(storage):
        return os.path.abspath(os.path.expanduser(storage))
    return database_file(storage)
