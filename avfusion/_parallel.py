"""Tasks in worker processes that may be ended by the system: what is done is kept, the others go on."""

import os
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from functools import cache
from multiprocessing import current_process

from joblib import effective_n_jobs, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed

WORKER_ENDED = TerminatedWorkerError
TRIES = 3  # of a task whose process is ended each time
_WATCH_S = 1.0


class Ended(ChildProcessError):
    """The outcome of a task whose process was ended by the system again and again."""

    def __init__(self, tries=TRIES):
        super().__init__(
            f"its process was ended by the system {tries} times, as where memory is short. Use fewer "
            "processes (n_jobs), or less memory for each."
        )


@contextmanager
def one_torch_thread():
    """Let torch, if it is loaded, work with one thread, and give it back those that it had.

    Sums of several threads are rounded differently: without this, numbers would depend on how many processes
    share the cores.

    Examples
    --------
    >>> import torch
    >>> with one_torch_thread():
    ...     torch.get_num_threads()
    1
    """
    torch = sys.modules.get("torch")  # whatever needs it has loaded it
    if torch is None:
        yield
        return
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def each_result(tasks, n_jobs=None, **options):
    """Run tasks as joblib does, and yield the result of each when it is there.

    Where the system ends a worker, joblib gives up all tasks. Here those that have a result keep it. It is
    not known which of the running tasks was the cause: each is run again with no other beside it, and the
    rest go on together. A task whose process is ended each time has an `Ended` for a result.

    Parameters
    ----------
    tasks : iterable of (callable, tuple, dict)
        Function, arguments and keyword arguments. What must be sent once for all tasks is an argument.
    n_jobs : int, optional
        As in joblib, whose backend is the one that is active. Workers that the system ends would make its
        "multiprocessing" wait for ever: "loky" is used in its place.
    **options : dict
        Of `sklearn.utils.parallel.Parallel`.

    Yields
    ------
    int, object
        Position of the task, and its result.

    Examples
    --------
    >>> dict(each_result((abs, (number,), {}) for number in (1, -2)))
    {0: 1, 1: 2}
    """
    backend, given = get_active_backend()
    if type(backend).__name__ == "MultiprocessingBackend":
        with parallel_config("loky", n_jobs=given):
            yield from Queue(tasks, n_jobs, options).results()
    else:
        yield from Queue(tasks, n_jobs, options).results()


def all_results(tasks, n_jobs=None, **options):
    """Return the results of tasks in their order; a task whose process is ended each time is an error.

    Parameters
    ----------
    tasks, n_jobs, **options
        As in `each_result`.

    Returns
    -------
    list

    Raises
    ------
    ChildProcessError
        After all other tasks were done.

    Examples
    --------
    >>> all_results((abs, (number,), {}) for number in (1, -2))
    [1, 2]
    """
    results = dict(each_result(tasks, n_jobs, **options))
    ended = [number for number, result in sorted(results.items()) if isinstance(result, Ended)]
    if ended:
        raise ChildProcessError(f"Task {ended[0] + 1} of {len(results)}: {results[ended[0]]}")
    return [results[number] for number in range(len(results))]


class Queue:
    """Tasks that are still to be done, and those that were begun and have no result.

    Parameters
    ----------
    tasks, n_jobs
        As in `each_result`.
    options : dict
        Of joblib.
    """

    def __init__(self, tasks, n_jobs, options):
        self.source, self.n_jobs, self.options = enumerate(tasks), n_jobs, options
        self.begun, self.deaths = {}, Counter()
        self.lock = threading.Lock()  # joblib takes tasks from several threads

    def results(self):
        """Yield position and result of each task."""
        more = {}
        while True:
            try:
                pool = Parallel(self.n_jobs, return_as="generator_unordered", **self.options | more)
                for number, result in pool(map(self._marked, self._numbers())):
                    del self.begun[number]
                    yield number, result
                return
            except WORKER_ENDED as error:
                if _of_a_task(error):
                    raise
            more = {"batch_size": 1}  # so that no task is suspected for its neighbours
            yield from self._suspects()

    def _numbers(self):
        """Yield the tasks to do: first those that were begun before."""
        yield from list(self.begun)
        while True:
            with self.lock:
                number, task = next(self.source, (None, None))
                if number is None:
                    return
                self.begun[number] = task
            yield number

    def _marked(self, number):
        function, args, named = self.begun[number]
        return delayed(_run)(number, os.getpid(), function, *args, **named)

    def _suspects(self):
        """Run what was running when a worker was ended, one task at a time, until the cause is found."""
        with self.lock:  # tasks are begun in their order, so that the first were running
            suspects = list(self.begun)[: effective_n_jobs(self.n_jobs)]
        for number in suspects:
            result, alone = None, 0
            while True:
                try:
                    # as many workers as before: their number decides how many threads each has
                    [(_, result)] = Parallel(self.n_jobs, **self.options)([self._marked(number)])
                    break
                except WORKER_ENDED as error:
                    if _of_a_task(error):
                        raise
                    alone += 1
                if alone == TRIES - 1:
                    result = Ended()
                    break
            del self.begun[number]
            yield number, result
            if alone:
                return


def _of_a_task(error):
    """Return whether a task raised this itself: it used workers of its own."""
    return error.__cause__ is not None


def _run(number, parent, function, *args, **named):
    """Run a task in whichever process; a worker then ends when its parent does."""
    ended_with_parent(parent)
    return number, function(*args, **named)


def ended_with_parent(parent):
    """Have this process end soon after its parent, which may be killed: joblib's workers wait for ever.

    Parameters
    ----------
    parent : int
        Process number of who sent a task; nothing happens where this is not a worker of that process.

    Examples
    --------
    >>> ended_with_parent(os.getpid())
    """
    if os.getppid() == parent:
        _watch(parent)
    elif os.getpid() != parent and type(current_process()).__name__ == "LokyProcess":
        os.kill(os.getpid(), signal.SIGKILL)  # killed while this process was starting


@cache  # one watch in each worker
def _watch(parent):
    def end_too():
        while os.getppid() == parent:
            time.sleep(_WATCH_S)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=end_too, daemon=True, name="parent watch").start()
