"""A joblib backend for Dask clusters that sends again what was lost with a worker."""

import asyncio
import concurrent.futures
from threading import Event
from uuid import uuid4

from joblib import parallel_config
from joblib._dask import (
    Batch,
    DaskDistributedBackend,
    _TracebackCapturingWrapper,
    _WeakKeyDictionary,
    is_weakrefable,
)

from avfusion.model_selection._parcel import Parcel, opened

__all__ = ["DaskBackend"]

_SENT_ONCE = 1000  # bytes above which an argument travels once for all tasks, as in joblib
_ATTEMPTS = 5
_WATCH_S = 0.5


class DaskBackend(DaskDistributedBackend):
    """Run joblib's tasks on a Dask cluster, and go on where workers are lost.

    joblib's own backend, ``joblib.parallel_config("dask")``, places large arguments on the workers once. What
    only a worker held that dies cannot be restored, and the whole call fails with a `FutureCancelledError`.
    This one takes what was lost from memory here and sends it again. `avfusion.compare` and
    `avfusion.FusionSearchCV` use it by themselves inside of ``parallel_config("dask")``; give it to
    ``parallel_config`` for the tools of scikit-learn.

    Only the outermost call runs on the cluster: what a task calls in turn is sequential, as it is in joblib's
    own processes, so that results do not depend on the cluster.

    Parameters
    ----------
    client : distributed.Client, optional
        By default the one that was made last in this process.
    scatter : list, optional
        What is to be placed on all workers at once, before the first task.
    wait_for_workers_timeout : float, default=10
        Seconds to wait for the first worker. A call ends with a TimeoutError after three times as long
        without any worker; 0 waits for ever.
    **options : dict
        Passed to `distributed.Client.submit`, such as ``resources``.

    Raises
    ------
    ValueError
        If Dask is not installed, or there is no client.

    Examples
    --------
    >>> import joblib
    >>> import numpy as np
    >>> from distributed import Client
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GridSearchCV
    >>> from avfusion.model_selection import DaskBackend
    >>> X = np.arange(12.0)[:, None]
    >>> with Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0") as client:
    ...     with joblib.parallel_config(DaskBackend(client=client)):
    ...         GridSearchCV(Ridge(), {"alpha": [0.1, 10]}, cv=3).fit(X, X[:, 0]).best_params_
    {'alpha': 0.1}
    """

    def __init__(self, client=None, *, scatter=None, wait_for_workers_timeout=10, **options):
        super().__init__(
            client=client, scatter=scatter, wait_for_workers_timeout=wait_for_workers_timeout, **options
        )

    def effective_n_jobs(self, n_jobs):
        """Return how many tasks are sent at a time.

        Parameters
        ----------
        n_jobs : int
            Not used: the cluster says.

        Returns
        -------
        int
            At least 2, since joblib would run the tasks of a single core here, not on the cluster.
        """
        return max(2, super().effective_n_jobs(n_jobs))

    def start_call(self):
        """Begin a call of Parallel, with a record of its own of what was sent."""
        self.call_data_futures = _WeakKeyDictionary()
        self._ended = Event()  # of this call only: the next may begin before the watch has seen it
        self.client.loop.add_callback(self._watch, self._ended)

    def stop_call(self):
        """End a call of Parallel, and release what was sent."""
        self._ended.set()
        self.call_data_futures.clear()

    def abort_everything(self, ensure_ready=True):
        """Wait for no more results; what has not begun on the cluster is dropped.

        Parameters
        ----------
        ensure_ready : bool
            Not used: every call begins anew.
        """
        self._ended.set()

    def submit(self, func, callback=None):
        """Send a batch of tasks, and call back with its results or its error.

        Parameters
        ----------
        func : joblib.parallel.BatchedCalls
            The tasks.
        callback : callable
            Called with what they return, or with the error.

        Returns
        -------
        concurrent.futures.Future
            The same.
        """
        result = concurrent.futures.Future()
        result.get = result.result  # what joblib expects of an asynchronous result

        async def run():
            try:
                outcome = await self._outcome(func)
            except Exception as error:
                outcome = error  # joblib raises it where the results are wanted
                if self.client.status == "closed":
                    outcome = ConnectionError("The client of the cluster was closed before the results came.")
            result.set_result(outcome)
            callback(outcome)

        self.client.loop.add_callback(run)
        return result

    @classmethod
    def in_place_of(cls, backend):
        """Return a backend like one of joblib's, for the same cluster, with what that one placed there.

        Parameters
        ----------
        backend : joblib._dask.DaskDistributedBackend
            The one that ``parallel_config("dask")`` made.

        Returns
        -------
        DaskBackend
            Not started.
        """
        options = {"wait_for_workers_timeout": backend.wait_for_workers_timeout, **backend.submit_kwargs}
        own = cls(client=backend.client, **options)
        own.data_futures, own._scatter = backend.data_futures, backend._scatter
        return own

    async def _outcome(self, func):
        """Return what a batch returned; send it again where workers were lost that held its arguments."""
        watched = self._watched
        for attempt in range(_ATTEMPTS):
            batch = _SequentialBatch(func.items)
            tasks = [
                (function, [await self._sent(arg) for arg in args], await self._all_sent(more))
                for function, args, more in func.items
            ]
            future = self.client.submit(
                _TracebackCapturingWrapper(batch),
                tasks=tasks, key=f"{batch!r}-{uuid4().hex}", **self.submit_kwargs,
            )  # fmt: skip
            done = asyncio.ensure_future(future._result(raiseit=False))
            await asyncio.wait({done, watched}, return_when=asyncio.FIRST_COMPLETED)
            if not done.done():
                done.cancel()
                return watched.result()
            if not future.cancelled():
                outcome = done.result()  # of a task that never ran: type, error and traceback
                return outcome[1] if future.status == "error" else outcome
            await asyncio.sleep(0.1 * 2**attempt)  # news of what else was lost may be on their way
        return RuntimeError(
            f"The cluster lost what a task needs {_ATTEMPTS} times, with the workers that held it. Look at "
            "the logs of the workers: most often the data need more memory than a worker has."
        )

    async def _all_sent(self, arguments):
        return {name: await self._sent(value) for name, value in arguments.items()}

    async def _sent(self, value):
        """Return an argument as a task carries it: large ones are a key to what the workers hold."""
        from dask.sizeof import sizeof  # Dask is not installed everywhere

        placed = self.data_futures.get(id(value))
        if placed is not None and not placed.cancelled():
            return placed
        if not is_weakrefable(value) or sizeof(value) <= _SENT_ONCE:
            return value
        try:
            sending = self.call_data_futures[value]
        except KeyError:
            sending = None
        if sending is None or _was_lost(sending):
            sending = asyncio.ensure_future(self.client.scatter(Parcel(value), asynchronous=True, hash=False))
            self.call_data_futures[value] = sending  # before it is there, so that others wait for the same
        return await sending

    async def _watch(self, ended):
        """Look for workers all the time, and end the call when there has been none for too long."""
        self._watched = watched = asyncio.get_running_loop().create_future()
        address = self.client.scheduler.address
        patience, alone = 3 * (self.wait_for_workers_timeout or float("inf")), 0.0
        while not ended.is_set() and alone <= patience:
            await asyncio.sleep(_WATCH_S)
            alone = 0.0 if await self._has_workers() else alone + _WATCH_S
        watched.set_result(
            TimeoutError(
                f"The cluster {address} has had no worker for {patience:g} s. Start "
                "workers and call again; parallel_config(..., wait_for_workers_timeout=60) waits longer."
            )
        )

    async def _has_workers(self):
        try:
            return bool(await asyncio.wait_for(self.client.scheduler.ncores(), _WATCH_S))
        except Exception:  # the scheduler is gone too, or busy
            return False


class _SequentialBatch(Batch):
    """A batch of tasks whose own calls of Parallel stay in one process."""

    def __call__(self, tasks=None):
        with parallel_config(backend="sequential"):
            return [
                function(*map(opened, args), **{name: opened(value) for name, value in more.items()})
                for function, args, more in tasks
            ]


def _was_lost(sending):
    """Return whether a large argument was on its way, or there, and is not any more."""
    return sending.done() and (sending.exception() is not None or sending.result().cancelled())
