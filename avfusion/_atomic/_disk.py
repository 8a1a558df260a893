"""Requests to the disk: that data be on it, and that two names change places."""

import ctypes
import errno
import os
import stat
import sys
from contextlib import suppress

MANY = 200  # files; for more of them, the whole disk is asked at once
_HERE = -100  # AT_FDCWD: paths are relative to the current folder
_SWAP = 2  # RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS
_UNKNOWN = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}


def exchange(one, other):
    """Let two files or folders change places, in one step.

    Parameters
    ----------
    one, other : str or path-like
        On the same disk.

    Returns
    -------
    bool
        False if the system or the disk cannot do it; nothing has changed then.

    Raises
    ------
    OSError
        If one of them is not there, or may not be renamed.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     one, other = (pathlib.Path(folder, name) for name in "ab")
    ...     _ = one.write_text("one"), other.write_text("other")
    ...     exchange(one, other) == (one.read_text() == "other")
    True
    """
    first, second = os.fsencode(one), os.fsencode(other)
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = library.renamex_np(first, second, ctypes.c_uint(_SWAP))
        else:
            failed = library.renameat2(_HERE, first, _HERE, second, ctypes.c_uint(_SWAP))
    except (AttributeError, OSError, TypeError):  # no such call, or, on Windows, no such library
        return False
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def holds_mount(path):
    """Return whether a folder is a disk of its own, or holds one: neither may change places with another.

    Parameters
    ----------
    path : pathlib.Path
        Without links.

    Returns
    -------
    bool

    Examples
    --------
    >>> holds_mount("/"), holds_mount("/no such folder")
    (True, False)
    """
    mounts = []
    with suppress(OSError), open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        mounts = [line.split()[4].replace("\\040", " ") for line in lines]
    inside = os.path.join(path, "")
    return os.path.ismount(path) or any(mount == str(path) or mount.startswith(inside) for mount in mounts)


def sync_file(file):
    """See to it that an open file is on the disk; some disks cannot be asked, which is no error.

    Parameters
    ----------
    file : int
        Its descriptor.

    Raises
    ------
    OSError
        If the disk does not take it, because it is full, for instance.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryFile() as file:
    ...     sync_file(file.fileno())
    """
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise


def sync_folder(path):
    """See to it that the names in a folder are on the disk, where the system can be asked for it.

    Examples
    --------
    >>> sync_folder(".")
    """
    with suppress(OSError):
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def open_regular(path):
    """Open a file that is there for writing, and nothing but a file: no link, pipe or device.

    Returns
    -------
    int
        Its descriptor.

    Raises
    ------
    OSError
        If it is something else.
    """
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    file = os.open(path, flags | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, "It is no regular file any more", str(path))
    return file


def sync_tree(path):
    """See to it that all files of a folder, and their names, are on the disk.

    Parameters
    ----------
    path : pathlib.Path

    Raises
    ------
    OSError
        If the disk does not take them, because it is full, for instance.
    """
    found = list(os.walk(path))
    files = [os.path.join(folder, name) for folder, _, names in found for name in names]
    if len(files) > MANY and hasattr(os, "sync"):
        os.sync()
        return
    for name in files:
        if stat.S_ISREG(os.lstat(name).st_mode):
            file = open_regular(name)
            try:
                sync_file(file)
            finally:
                os.close(file)
    for folder, _, _ in found:
        sync_folder(folder)
