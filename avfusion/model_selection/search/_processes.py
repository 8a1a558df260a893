"""Which process runs a trial, and whether it lives: by what does not move when the clock is set."""

import os
import socket
from functools import cache
from pathlib import Path

import psutil

_SAME_START_S = 2


@cache
def _place():
    """Return what processes share that see the same process numbers: computer, boot and container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not Linux
        return socket.gethostname()


def _started(pid):
    """Return when a living process started, in seconds since the computer did.

    Raises
    ------
    ProcessLookupError
        If there is none of this number, or it has ended and its parent has not noticed.
    """
    try:
        # state and start, in ticks since the boot; the name before them may hold anything
        fields = Path(f"/proc/{pid:d}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return _started_elsewhere(pid)
    if fields[0] in "ZX":
        raise ProcessLookupError(pid)
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _started_elsewhere(pid):
    """Return the same without /proc, or where it hides the processes of others."""
    if Path("/proc/self/stat").exists():
        os.kill(pid, 0)  # raises if there is none
        raise PermissionError(pid)
    boot = psutil.boot_time()  # first, since psutil keeps it for the second
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            raise ProcessLookupError(pid)
        return process.create_time() - boot
    except psutil.NoSuchProcess:
        raise ProcessLookupError(pid) from None


def this_process():
    """Return what a process writes into its trials: host, process number, start, and where the number holds.

    Returns
    -------
    list

    Examples
    --------
    >>> is_gone(this_process())
    False
    """
    return list(_signature(os.getpid()))


@cache
def _signature(pid):
    return socket.gethostname(), pid, _started(pid), _place()


def is_gone(worker):
    """Return whether the process of a trial is known to have ended.

    Parameters
    ----------
    worker : list or None
        From `this_process`. None is a process that ended before it could sign.

    Returns
    -------
    bool
        False for processes of other machines and containers, of which only the heartbeat is known.
    """
    return worker is None or _lives(worker) is False


def is_known_to_live(worker):
    """Return whether the process of a trial is known to live, whatever became of its heartbeat.

    Parameters
    ----------
    worker : list or None
        From `this_process`.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_known_to_live(this_process()), is_known_to_live(None)
    (True, False)
    """
    return worker is not None and _lives(worker) is True


def _lives(worker):
    """Return whether a process lives, or None if that cannot be seen from here."""
    if len(worker) < 4 or worker[3] != _place():
        return None
    try:
        return abs(_started(worker[1]) - worker[2]) <= _SAME_START_S
    except ProcessLookupError:
        return False
    except PermissionError:
        return None
