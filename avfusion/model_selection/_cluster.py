"""Calls of this package where joblib runs on a Dask cluster."""

import sys
from contextlib import contextmanager

from joblib import parallel_config
from joblib.parallel import get_active_backend


@contextmanager
def on_cluster():
    """Have joblib go on after lost workers while this context is open, if it runs on a Dask cluster.

    Yields
    ------
    distributed.Client or None
        Of the cluster.

    Examples
    --------
    >>> with on_cluster() as client:
    ...     client is None
    True
    """
    active, n_jobs = get_active_backend()
    module = sys.modules.get("joblib._dask")  # takes a second to import, and is there if it is in use
    if module is None or not isinstance(active, module.DaskDistributedBackend):
        yield None
        return
    from avfusion.model_selection._dask_backend import DaskBackend

    if not isinstance(active, DaskBackend):
        active = DaskBackend.in_place_of(active)
    with parallel_config(active, n_jobs=n_jobs):
        yield active.client


class SentOnce:
    """Objects that all tasks of a call share: joblib's backend for Dask places them on the workers once.

    That backend goes by the size of each argument, and knows that of tables and arrays; of functions and of
    objects that hold data it knows nothing, and would send them with every task.

    Parameters
    ----------
    *parts : objects

    Attributes
    ----------
    parts : tuple

    Examples
    --------
    >>> import sys
    >>> sys.getsizeof(SentOnce("a", [1])) > 1000
    True
    """

    _at_least = 1 << 20

    def __init__(self, *parts):
        self.parts = parts

    def __sizeof__(self):
        dask = sys.modules.get("dask.sizeof")
        return self._at_least + (sum(map(dask.sizeof, self.parts)) if dask else 0)
