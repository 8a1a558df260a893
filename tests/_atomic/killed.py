"""A writer that is killed at its n-th access to the disk."""

import os
import signal
import sys

KINDS = ("open", "os.", "shutil.", "fcntl.", "ctypes.dlsym", "killed.")


def killed_at(number, action, about):
    """Call a function in a child that is forked and kills itself at its n-th access to the disk.

    Parameters
    ----------
    number : int
        From 1.
    action : callable
    about : str
        What must be in the names of files for an access to count; calls of fsync and of C functions all do.

    Returns
    -------
    bool
        Whether it was killed; False if it ended before.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _kill_at(number, about)
            action()
            code = 0
        finally:
            os._exit(code)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in (0, -signal.SIGKILL), ended
    return ended != 0


def accesses(action, about):
    """Return how many accesses to the disk there are in all, as `killed_at` counts them."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            counts = _kill_at(None, about)
            action()
            os.write(writing, str(len(counts)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    os.waitpid(child, 0)
    return int(text)


def _kill_at(number, about):
    counts, fsync = [], os.fsync

    def hook(event, arguments):
        if event.startswith(KINDS) and (about in str(arguments) or event.startswith(("ctypes.", "killed."))):
            counts.append(event)
            if len(counts) == number:
                os.kill(os.getpid(), signal.SIGKILL)

    def seen(file):
        sys.audit("killed.fsync")
        fsync(file)

    os.fsync = seen
    sys.addaudithook(hook)
    return counts
