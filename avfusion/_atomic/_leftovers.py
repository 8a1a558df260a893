"""The hidden names beside a result while it is written, and what killed writers leave of them.

A writer of ``NAME`` has ``.NAME.<digits>.part``, and holds a lock on ``.NAME.<digits>.lock``, which the
system lets go when the process ends, however it ends. So the next writer sees which leftovers are nobody's:
neither the number of a process nor the clock says so.
"""

import contextlib
import hashlib
import os
import re
import shutil
import time
from pathlib import Path
from uuid import uuid4

try:
    import fcntl
except ImportError:  # there are no such locks on Windows: leftovers stay there
    fcntl = None

_WAIT_S = 60.0  # for a writer that has its turn
LONGEST = 200  # bytes of a name that is part of the hidden ones; disks take 255 in all


class Claim:
    """Hidden names beside a file or folder that nobody else uses while this process lives.

    Parameters
    ----------
    path : pathlib.Path
        What is to be written; without links.

    Attributes
    ----------
    part, old : pathlib.Path
        Where to write, and where to put what is replaced. Neither is made here.

    Raises
    ------
    OSError
        If the folder of `path` cannot be written to.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     claim = Claim(Path(folder, "notes.txt"))
    ...     _ = claim.part.write_text("half")
    ...     claim.release()
    ...     os.listdir(folder)
    []
    """

    def __init__(self, path):
        self._path, self._lock, self._process = path, None, os.getpid()
        while self._lock is None:
            own = path.with_name(f"{_stem(path)}.{uuid4().hex}")
            try:
                self._lock = _locked(own, unknown=True)
            except OSError as error:  # the name of the lock would only confuse
                raise OSError(error.errno, error.strerror, str(path)) from error
        self._own = own
        self.part, self.old = (_named(own, kind) for kind in ("part", "old"))

    def release(self):
        """Remove whatever is left of it, and put what was to be replaced back if nothing took its place."""
        if self._lock is not None:
            lock, self._lock = self._lock, None
            if os.getpid() == self._process:
                _clear(self._path, self._own, lock)
            else:  # a fork, which ends on its own
                os.close(lock)


@contextlib.contextmanager
def turn(path):
    """Wait until no other writer is putting a file or folder into this place, and keep them waiting.

    Without taking turns, one that renames twice takes away what another has just put there. A writer that
    was killed lets go; one that is stopped is waited for a minute.

    Parameters
    ----------
    path : pathlib.Path
        The place.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with turn(Path(folder, "store")):
    ...         _ = Path(folder, "store").mkdir()
    ...     os.listdir(folder)
    ['store']
    """
    own, until = path.with_name(f"{_stem(path)}.{32 * '0'}"), time.monotonic() + _WAIT_S
    lock = None
    with contextlib.suppress(OSError):
        while (lock := _locked(own, unknown=True)) is None and time.monotonic() < until:
            time.sleep(0.005)
    try:
        yield
    finally:
        if lock is not None:
            _clear(path, own, lock)


def clear_leftovers(path):
    """Remove what writers of a file or folder left behind whose processes have ended.

    One that was stopped between taking the old folder away and putting the new one in its place left none:
    the old one is put back.

    Parameters
    ----------
    path : pathlib.Path
        Where the file or folder is to be.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Path(folder, f".store.{32 * '0'}.part").mkdir()
    ...     clear_leftovers(Path(folder, "store"))
    ...     os.listdir(folder)
    []
    """
    for own in leftovers(path) if fcntl is not None else ():
        with contextlib.suppress(OSError):  # of another user, for instance
            lock = _locked(own)
            if lock is not None:
                _clear(path, own, lock)


def clear_folder(folder):
    """Remove what writers of any file in a folder left behind whose processes have ended.

    Parameters
    ----------
    folder : pathlib.Path
        It need not exist.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = [Path(folder, f".{name}.{32 * '0'}.part").write_text("half") for name in "ab"]
    ...     clear_folder(Path(folder))
    ...     os.listdir(folder)
    []
    """
    pattern = re.compile(r"\.(.+)\.[0-9a-f]{32}\.(part|lock)")
    with contextlib.suppress(OSError):
        for name in {match[1] for name in os.listdir(folder) if (match := pattern.fullmatch(name))}:
            clear_leftovers(Path(folder, name))


def leftovers(path):
    """Return what unfinished writers of a file or folder have beside it, without the ends of the names.

    Examples
    --------
    >>> leftovers(Path("no such folder", "store"))
    []
    """
    pattern = re.compile(rf"({re.escape(_stem(path))}\.[0-9a-f]{{32}})\.(part|old|lock)")
    try:
        found = {match[1] for name in os.listdir(path.parent) if (match := pattern.fullmatch(name))}
    except OSError:
        return []
    return [path.with_name(name) for name in sorted(found)]


def remove(path):
    """Remove a file, or a folder with all that is in it, if it is there and can be removed."""
    with contextlib.suppress(OSError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)


def _stem(path):
    """Return how the hidden names of a path begin; names that are too long are known by their hash."""
    name = os.fsencode(path.name)
    return f".{hashlib.sha256(name).hexdigest()[:32] if len(name) > LONGEST else path.name}"


def _named(own, kind):
    return Path(own.parent, f"{own.name}.{kind}")


def _clear(path, own, lock):
    """Remove what a writer has beside a result; put the old one back where no new one came."""
    part, old = (_named(own, kind) for kind in ("part", "old"))
    try:
        if os.path.isdir(old) and not os.path.islink(old) and not os.path.lexists(path):
            os.rename(old, path)
        for rest in (part, old):
            remove(rest)
        if fcntl is not None:  # while it is held: the next one may have a lock of this name only after this
            remove(_named(own, "lock"))
    finally:
        os.close(lock)
        if fcntl is None:  # Windows removes no file that is open
            remove(_named(own, "lock"))


def _locked(own, unknown=False):
    """Return the lock of a writer, open and locked by this process, or None if it is another's.

    Where the disk has no locks, nobody can tell: `unknown` says whether it is then taken for ours.
    """
    path = _named(own, "lock")
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file), os.stat(path)):  # it was not cleared away in between
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        if unknown:
            return file
    os.close(file)
    return None
