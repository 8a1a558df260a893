"""A lock on a file that the system releases when its process ends, however it ends."""

import errno
import json
import os
import random
import time
from contextlib import contextmanager, suppress
from uuid import uuid4

from avfusion.model_selection.search._processes import is_gone, this_process
from avfusion.sequences._messages import path_name

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

LOCK_PATIENCE_S = 120  # an append takes milliseconds; a disk that sleeps, some seconds
LOCK_GRACE_S = 30  # as Optuna's
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF}


@contextmanager
def locked(descriptor, path):
    """Hold a file while this context is open, against all other processes and threads that do the same.

    The lock is the system's (flock), so that a killed process leaves none. On a file system without such
    locks it is a file beside it with Optuna's name for it, which holds Optuna's own processes off as well.

    Parameters
    ----------
    descriptor : int
        Of the open file.
    path : str
        Of the file.

    Raises
    ------
    TimeoutError
        If it is held for longer than an append can take.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file, locked(file.fileno(), file.name):
    ...     pass
    """
    if _flock(descriptor, path):
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # also where another process has inherited the descriptor
    else:
        with _lock_file(f"{path}.lock"):
            yield


def _flock(descriptor, path):
    """Take the system's lock, and return whether the file system has such locks."""
    if fcntl is None:
        return False
    for _ in _tries(f"The file {path_name(path)} is held by another process"):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return False
            if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EINTR):
                raise


def _tries(held):
    """Yield until the patience is over, with pauses that grow, and then raise that something is held."""
    end, pause = time.monotonic() + LOCK_PATIENCE_S, 0.0005
    while time.monotonic() < end:
        yield
        time.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(pause * 1.5, 0.05)
    raise TimeoutError(f"{held} for more than {LOCK_PATIENCE_S:g} s.")


@contextmanager
def _lock_file(lock):
    """Hold a file by another one beside it, which exists as long as the file is held."""
    seen, since = None, 0.0
    for _ in _tries(f"The lock file {path_name(lock)} is held by another process"):
        if _created(lock):
            break
        now = _state_of(lock)
        if now != seen:
            seen, since = now, time.monotonic()
        if now is not None and (_of_ended_process(lock) or time.monotonic() - since > LOCK_GRACE_S):
            _remove(lock, now)
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(lock)


def _created(lock):
    try:
        descriptor = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    try:
        os.write(descriptor, json.dumps(this_process()).encode())
    finally:
        os.close(descriptor)
    return True


def _state_of(lock):
    """Return what changes when a lock is let go and taken again; Optuna's is a link that leads anywhere."""
    with suppress(FileNotFoundError):
        found = os.lstat(lock)
        return found.st_ino, found.st_mtime_ns
    return None


def _of_ended_process(lock):
    try:
        with open(lock, "rb") as file:
            return is_gone(json.loads(file.read(1000)))
    except (OSError, ValueError, TypeError, LookupError):  # one of Optuna's, or just being made
        return False


def _remove(lock, state):
    """Remove a lock that nobody holds, unless another process has just done so and taken it."""
    aside = f"{lock}{uuid4()}.rename"
    with suppress(OSError):
        if _state_of(lock) == state:
            os.rename(lock, aside)
            os.unlink(aside)
