"""A result that cannot be written where it was to go is put elsewhere: the work is not lost."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_or_keep(write, path, places=None):
    """Write a result; where that fails, write it to another place, and raise an error that names the place.

    Parameters
    ----------
    write : callable
        Writes it to a path: ``write(path)``. It leaves nothing where it fails, as `atomic_write` does.
    path : str or path-like
        Where it is to go.
    places : iterable of path-like, optional
        Folders that are tried in this order. By default the one for temporary files, the current one and the
        home of the user.

    Returns
    -------
    object
        What `write` returned.

    Raises
    ------
    OSError
        If it could not be written to `path`. The message says where it is now, or that it is nowhere.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> def write(path):
    ...     _ = path.write_text("days of work")
    >>> with TemporaryDirectory() as folder:
    ...     try:
    ...         write_or_keep(write, Path(folder, "no such folder", "table.csv"), [folder])
    ...     except OSError as error:
    ...         print(str(error).partition("written ")[2].replace(folder, "FOLDER"))
    (No such file or directory). The result is in FOLDER/avfusion-...table.csv: move it from there.
    """
    path = Path(path)
    try:
        return write(path)
    except OSError as error:
        reason = (error.strerror or str(error)).rstrip(".")
        for folder in _default_places() if places is None else places:
            kept = _try(write, Path(folder), path.name)
            if kept is not None:
                said = f"({reason}). The result is in {kept}: move it from there."
                break
        else:
            said = f"({reason}), and no other folder took it: make room and run it again."
        kind = type(error) if type(error).__module__ == "builtins" else OSError
        again = kind(f"{path} could not be written {said}")
        again.errno = error.errno
        raise again from error


def _default_places():
    with suppress(OSError):
        yield tempfile.gettempdir()
    with suppress(OSError):  # it was removed
        yield os.getcwd()
    with suppress(RuntimeError):  # there is none
        yield Path.home()


def _try(write, folder, name):
    """Write to a new folder in another; return where it is, or None if that failed, too."""
    try:
        new = Path(tempfile.mkdtemp(prefix="avfusion-", dir=folder))
    except OSError:
        return None
    try:
        write(new / name)
        return new / name
    except OSError:
        with suppress(OSError):
            new.rmdir()
        return None
