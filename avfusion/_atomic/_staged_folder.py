"""A folder that appears under its name when it is complete, or not at all.

It is made beside its place and gets its name at the end by one step of the file system, in which a folder
that is there changes places with it. Where the disk has no such step, the old folder is renamed first; should
the process be killed just then, the next writer puts it back.
"""

import errno
import os
from contextlib import contextmanager, suppress
from pathlib import Path

from avfusion._atomic._carry import carry_over, keep_modes
from avfusion._atomic._disk import exchange, holds_mount, sync_folder, sync_tree
from avfusion._atomic._file import named
from avfusion._atomic._interrupts import uninterrupted
from avfusion._atomic._leftovers import Claim, clear_leftovers, remove, turn

_TAKEN = {errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EACCES}
_TRIES = 100


class StagedFolder:
    """A new folder that is not yet under its name.

    Parameters
    ----------
    path : str or path-like
        Where the folder is to be.
    replaces : callable, optional
        Whether a folder that is there may be replaced: ``replaces(path)``. By default none may.
    owns : callable, optional
        Whether a name in it is that of one of our files: ``owns(name)``. Whatever else lies in a folder that
        is replaced is taken along. By default all is ours.
    what : str, default="result"
        What the messages call it.

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
    OSError
        If the folder cannot be written, or cannot be replaced: a disk of its own, the current folder.

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

    def __init__(self, path, replaces=None, owns=None, what="result"):
        self.path = Path(os.path.realpath(path))
        self._replaces, self._owns, self._what = replaces, owns or (lambda name: True), what
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"There is no folder {self.path.parent}. Make it first.")
        clear_leftovers(self.path)
        with turn(self.path):  # between two renames there is no folder to look at
            self._check_free()
        self._claim = Claim(self.path)
        self.part = self._claim.part
        try:
            with named(self.path, self.part):
                self.part.mkdir()
                if self.path.is_dir():  # which may be for its owner alone
                    keep_modes(self.path, self.part, lambda name: False)
        except BaseException:
            self.discard()
            raise

    def commit(self):
        """Put the folder into its place, and remove the one that was there.

        Raises
        ------
        FileExistsError
            If something is there that may not be replaced.
        OSError
            If it cannot be written. What was there is as it was.
        """
        try:
            with named(self.path, self.part):
                sync_tree(self.part)
                with uninterrupted(self.path), turn(self.path):
                    self._put()
                    self.discard()
                    sync_folder(self.path.parent)
        finally:
            self.discard()

    def discard(self):
        """Remove whatever is not under its name; nothing happens after `commit`."""
        self._claim.release()

    def _put(self):
        """Give the folder its name; another writer may do the same at any moment."""
        for _ in range(_TRIES):
            self._check_free()
            try:
                if not os.path.lexists(self.path):
                    os.rename(self.part, self.path)
                elif self._exchange():
                    self._take_what_came()
                else:
                    self._rename_twice()
                return
            except OSError as error:
                if error.errno not in _TAKEN or not self.part.is_dir():
                    raise
                last = error
        raise last

    def _exchange(self):
        keep_modes(self.path, self.part, self._owns)
        carry_over(self.path, self.part, self._owns)
        return exchange(self.part, self.path)

    def _rename_twice(self):
        remove(self._claim.old)
        os.rename(self.path, self._claim.old)
        os.rename(self.part, self.path)

    def _take_what_came(self):
        """Carry over what came into the old folder, now named `part`, or was changed, in the meantime."""
        try:
            carry_over(self.part, self.path, self._owns)
        except OSError as error:
            kept = self.path.with_name(f"{self.path.name}.before")
            os.rename(self.part, kept)
            raise OSError(
                f"{self.path} is written; what else lay in it is now in {kept}: {error}."
            ) from error

    def _check_free(self):
        if not os.path.lexists(self.path):
            return
        if not (self._replaces and self._replaces(self.path)):
            remedy = (
                f"It is no {self._what}, and is not replaced: choose another name"
                if self._replaces
                else "Choose another name, or overwrite it with overwrite=True"
            )
            raise FileExistsError(f"{self.path} exists already. {remedy}.")
        if not os.access(self.path, os.W_OK):
            raise PermissionError(f"{self.path} is protected against writing: choose another name.")
        kind = "the current folder" if _holds_current(self.path) else None
        if kind or holds_mount(self.path):
            raise OSError(
                f"{self.path} is or holds {kind or 'a disk of its own'}, and cannot be replaced in one "
                f"step. Name a new folder in it, such as {self.path / 'results'}."
            )


def _holds_current(path):
    """Return whether the current folder is a folder, or in it."""
    with suppress(OSError):  # it was removed
        return Path(os.getcwd()).is_relative_to(path)
    return False


@contextmanager
def scratch_folder(path):
    """Give a hidden folder beside a file, which is removed at the end, or by the next writer of the file.

    Parameters
    ----------
    path : str or path-like
        The file.

    Yields
    ------
    pathlib.Path

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with scratch_folder(Path(folder, "film.csv")) as scratch:
    ...         _ = (scratch / "download").write_text("half")
    ...     os.listdir(folder)
    []
    """
    path = Path(os.path.realpath(path))
    clear_leftovers(path)
    claim = Claim(path)
    try:
        claim.part.mkdir()
        yield claim.part
    finally:
        claim.release()
