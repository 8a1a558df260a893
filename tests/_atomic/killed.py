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


def _kill_at(number, about):
    count, fsync = 0, os.fsync

    def hook(event, arguments):
        nonlocal count
        if event.startswith(KINDS) and (about in str(arguments) or event.startswith(("ctypes.", "killed."))):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    def seen(file):
        sys.audit("killed.fsync")
        fsync(file)

    os.fsync = seen
    sys.addaudithook(hook)
