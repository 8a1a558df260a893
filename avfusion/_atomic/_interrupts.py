"""Ctrl-C while a result is put under its name: it waits, so that nobody is told the wrong thing."""

import os
import signal
import threading
from contextlib import contextmanager

_written = set()  # real paths of what this process has put under its name


def was_written(path):
    """Return whether this process has put something under a name.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    bool

    Examples
    --------
    >>> was_written("no such file")
    False
    """
    return os.path.realpath(path) in _written


@contextmanager
def uninterrupted(path):
    """Let Ctrl-C wait until a file or folder is under its name; the interrupt then says that it is.

    Parameters
    ----------
    path : str or path-like
        What is put under its name in the ``with`` block.

    Examples
    --------
    >>> with uninterrupted("notes.txt"):
    ...     pass
    >>> was_written("notes.txt")
    True
    """
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted
        _written.add(os.path.realpath(path))
        return
    came = []
    signal.signal(signal.SIGINT, lambda *arguments: came.append(arguments))
    done = False
    try:
        yield
        _written.add(os.path.realpath(path))
        done = True
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            _interrupt(before, came[0], f"{path} is written." if done else None)


def _interrupt(handler, arguments, note):
    """Do what Ctrl-C would have done."""
    try:
        if callable(handler):
            handler(*arguments)
        elif handler is signal.SIG_DFL:
            signal.raise_signal(signal.SIGINT)
    except BaseException as error:
        if note is not None:
            error.add_note(note)
        raise
