"""The check that a path is a plain file: whatever else has a name may wait for ever, or never end."""

import os
import stat

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_plain_file(path, largest=None, what=None):
    """Raise an error unless a path is a plain file with something in it, or a link to one.

    Nothing is opened: to open a pipe waits for who writes into it, and a device may never end. What the
    system shows of itself (``/proc``) looks like empty files.

    Parameters
    ----------
    path : str or path-like
    largest : int, optional
        Bytes that it may have.
    what : str, optional
        Begin of the message, such as "It"; by default the path.

    Returns
    -------
    int
        Its bytes.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    OSError
        If it cannot be looked at, such as a link that leads to itself.
    ValueError
        If it is something else, empty or larger.

    Examples
    --------
    >>> check_plain_file("gone.yaml")
    Traceback (most recent call last):
    ...
    FileNotFoundError: There is no file gone.yaml.
    >>> check_plain_file(".")
    Traceback (most recent call last):
    ...
    ValueError: . is a folder, and a plain file is needed.
    """
    what = path if what is None else what
    reason, size = _look(path, what)
    if reason is not None:
        raise reason
    if not size:
        raise ValueError(f"{what} is empty.")
    if largest is not None and size > largest:
        raise ValueError(f"{what} has {size} bytes, and such a file has at most {largest}.")
    return size


def is_plain_file(path):
    """Return whether a path is a plain file, be it empty, or a link to one.

    Examples
    --------
    >>> is_plain_file("."), is_plain_file("gone.yaml")
    (False, False)
    """
    return _look(path, path)[0] is None


def has_content(path):
    """Return whether a path is a plain file with something in it, or a link to one.

    What looks empty is not opened either: some files of the system (``/proc/kmsg``) wait for content.

    Examples
    --------
    >>> has_content("."), has_content("gone.yaml")
    (False, False)
    """
    reason, size = _look(path, path)
    return reason is None and size > 0


def _look(path, what):
    """Return the error that stands for what a path is, None if it is a plain file; and its bytes."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            return FileNotFoundError(f"{what} is a link to nothing."), 0
        return FileNotFoundError(f"There is no file {path}."), 0
    except OSError as error:
        return type(error)(f"{what} cannot be read: {error.strerror}."), 0
    except ValueError as error:  # a null byte in the name
        return ValueError(f"{path!r} cannot be the name of a file: {error}."), 0
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no file")
        return ValueError(f"{what} is {kind}, and a plain file is needed."), 0
    return None, found.st_size
