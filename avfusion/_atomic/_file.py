"""A file that appears under its name when it is complete, or not at all."""

import errno
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path

from avfusion._atomic._disk import open_regular, sync_file, sync_folder
from avfusion._atomic._interrupts import uninterrupted
from avfusion._atomic._leftovers import Claim, clear_leftovers

_STREAMS = ("/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")
_ACCESS_LIST = "system.posix_acl_access"  # on Linux: who may read a file, beside its mode


@contextmanager
def atomic_write(path):
    """Give a temporary name beside `path`, and move what was written there into place once it is complete.

    It is on the disk before it gets its name. A file that is there keeps its mode and its owner, and a link
    still leads to it.

    Parameters
    ----------
    path : str or path-like
        A file; one that is there is replaced.

    Yields
    ------
    pathlib.Path
        Where to write: an empty file. After an error or Ctrl-C it is removed, and `path` is as it was.

    Raises
    ------
    OSError
        If the file cannot be written; see `check_file`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder, "notes.txt")) as part:
    ...         _ = part.write_text("complete")
    ...     Path(folder, "notes.txt").read_text()
    'complete'
    """
    target, before = _target_of(path)
    clear_leftovers(target)
    claim = Claim(target)
    try:
        with named(path, claim.part):
            _create(claim.part, before)
            yield claim.part
            _finish(claim.part, target, before)
            with uninterrupted(path):
                os.replace(claim.part, target)
                claim.release()
                sync_folder(target.parent)
    finally:
        claim.release()


def check_file(path):
    """Raise an error, before the work, if a file could not be written.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    OSError
        If it is a folder, a device, a pipe or a socket (``/dev/stdout``, too), or protected against writing;
        if it is a link that leads nowhere; if its folder is missing or cannot be written to.

    Examples
    --------
    >>> check_file(".")
    Traceback (most recent call last):
    ...
    IsADirectoryError: . is a folder: name a file.
    """
    target, before = _target_of(path)
    claim = Claim(target)
    try:
        with named(path, claim.part):
            _create(claim.part, before)
    finally:
        claim.release()


def _target_of(path):
    """Return the file that a path leads to, and its state; None if it is not there yet."""
    target = Path(os.path.realpath(path))
    if os.path.islink(target):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if os.path.abspath(path).startswith(_STREAMS):
        raise OSError(f"{path} is a stream, and cannot be replaced by a whole file: name a file.")
    try:
        state = os.stat(target)
    except FileNotFoundError:
        if not target.parent.is_dir():
            led = f", where {path} leads" if os.path.islink(path) else ""
            raise FileNotFoundError(f"There is no folder {target.parent}{led}. Make it first.") from None
        return target, None
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(f"{path} is a folder: name a file.")
    if not stat.S_ISREG(state.st_mode):
        raise OSError(f"{path} is a device, a pipe or a socket, and is not replaced: name a file.")
    if not os.access(target, os.W_OK):
        raise PermissionError(f"{path} is protected against writing: choose another name, or allow it.")
    return target, state


@contextmanager
def named(path, part):
    """Let errors of the disk name a file or folder, and not the hidden part of it.

    Parameters
    ----------
    path : str or path-like
    part : pathlib.Path

    Raises
    ------
    OSError

    Examples
    --------
    >>> with named("notes.txt", Path(".notes.txt.part")):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
    ...
    OSError: [Errno 28] No space left on device: 'notes.txt'
    """
    try:
        yield
    except OSError as error:
        hidden = error.filename is None or str(error.filename).startswith(str(part))
        if error.errno is None or not hidden:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _create(part, before):
    """Make an empty file that was not there, and that only the owner may read where the old one is so."""
    mode = 0o666 if before is None else 0o600
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(part, flags, mode))


def _finish(part, target, before):
    """Give a file the owner and mode of the one that it replaces, and see to it that it is on the disk."""
    file = open_regular(part)
    try:
        if before is not None and hasattr(os, "fchown"):
            with suppress(OSError):  # only root may
                os.fchown(file, before.st_uid, before.st_gid)
            with suppress(OSError):  # on disks without modes, as of cameras
                os.fchmod(file, stat.S_IMODE(before.st_mode))
        if before is not None and hasattr(os, "getxattr"):
            with suppress(OSError):  # most files have none
                os.setxattr(file, _ACCESS_LIST, os.getxattr(target, _ACCESS_LIST))
        sync_file(file)
    finally:
        os.close(file)
