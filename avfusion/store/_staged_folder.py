"""A folder that appears under its name when it is complete, or not at all.

It is made beside its place, as ``.NAME.<digits>.part``, and renamed at the end. Its process holds a lock on
``.NAME.<digits>.lock``, which the system lets go when the process ends, however it ends; so the next writer
sees which leftovers are nobody's.
"""

import contextlib
import os
import re
import shutil
from pathlib import Path
from uuid import uuid4

try:
    import fcntl
except ImportError:  # there are no such locks on Windows: leftovers stay there
    fcntl = None


class StagedFolder:
    """A new folder that is not yet under its name.

    Parameters
    ----------
    path : pathlib.Path
        Where the folder is to be.
    replaces : callable, optional
        Whether a folder that is there may be replaced: ``replaces(path)``. By default none may.

    Attributes
    ----------
    part : pathlib.Path
        Where to write.

    Raises
    ------
    FileExistsError
        If something is there that may not be replaced.
    FileNotFoundError
        If there is no folder to put it into.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     staged = StagedFolder(Path(folder, "store"))
    ...     _ = (staged.part / "notes.txt").write_text("complete")
    ...     staged.commit()
    ...     os.listdir(folder), os.listdir(f"{folder}/store")
    (['store'], ['notes.txt'])
    """

    def __init__(self, path, replaces=None):
        self.path = Path(os.path.realpath(path))
        self._replaces = replaces
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"There is no folder {self.path.parent}. Make it first.")
        clear_leftovers(self.path)
        self._check_free()
        while True:
            self._own = self.path.with_name(f".{self.path.name}.{uuid4().hex}")
            self._lock = _locked(self._own)
            if self._lock is not None:
                break
        self.part = self._own.with_name(f"{self._own.name}.part")
        self.part.mkdir()

    def commit(self):
        """Put the folder into its place, and remove the one that was there.

        Raises
        ------
        FileExistsError
            If something is there that may not be replaced.
        """
        sync_folder(self.part)
        self._check_free()
        try:
            if os.path.lexists(self.path):
                os.rename(self.path, self._own.with_name(f"{self._own.name}.old"))
            os.rename(self.part, self.path)
            sync_folder(self.path.parent)
        finally:
            self.discard()

    def discard(self):
        """Remove whatever is not under its name; nothing happens after `commit`."""
        if self._lock is not None:
            lock, self._lock = self._lock, None
            _clear(self.path, self._own, lock)

    def _check_free(self):
        if os.path.lexists(self.path) and not (self._replaces and self._replaces(self.path)):
            remedy = (
                "It is no store, and is not replaced: choose another name"
                if self._replaces
                else "Choose another name, or overwrite it with overwrite=True"
            )
            raise FileExistsError(f"{self.path} exists already. {remedy}.")


def clear_leftovers(path):
    """Remove what writers of a folder left behind whose processes have ended.

    One that was stopped between taking the old folder away and putting the new one in its place left none:
    the old one is put back.

    Parameters
    ----------
    path : pathlib.Path
        Where the folder is to be.

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
        lock = _locked(own)
        if lock is not None:
            _clear(path, own, lock)


def _clear(path, own, lock):
    """Remove what a writer has beside the folder; put the old folder back where no new one came."""
    part, old = (own.with_name(f"{own.name}.{kind}") for kind in ("part", "old"))
    if os.path.lexists(old) and not os.path.lexists(path):
        os.rename(old, path)
    for folder in (part, old):
        shutil.rmtree(folder, ignore_errors=True)
    own.with_name(f"{own.name}.lock").unlink(missing_ok=True)
    os.close(lock)


def leftovers(path):
    """Return what unfinished writers of a folder have beside it, without the ends of the names.

    Examples
    --------
    >>> leftovers(Path("no such folder", "store"))
    []
    """
    pattern = re.compile(rf"(\.{re.escape(path.name)}\.[0-9a-f]{{32}})\.(part|old|lock)")
    try:
        found = {match[1] for name in os.listdir(path.parent) if (match := pattern.fullmatch(name))}
    except OSError:
        return []
    return [path.with_name(name) for name in sorted(found)]


def _locked(own):
    """Return the lock of a writer, open and locked by this process, or None if it is another's."""
    path = own.with_name(f"{own.name}.lock")
    file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file), os.stat(path)):  # it was not cleared away in between
            return file
    except OSError:
        pass
    os.close(file)
    return None


def sync_folder(path):
    """See to it that the names in a folder are on the disk, where the system can be asked for it.

    Examples
    --------
    >>> sync_folder(".")
    """
    with contextlib.suppress(OSError):
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
