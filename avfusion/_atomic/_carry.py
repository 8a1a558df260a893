"""Files of the user in a folder that is replaced: they are taken along."""

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path


def carry_over(source, target, owns):
    """Put what is not ours in a folder into another, too: as hard links, or as copies where there are none.

    What is in both already, and the same, is left alone; what was changed since is put there again.

    Parameters
    ----------
    source, target : pathlib.Path
        Folders on one disk.
    owns : callable
        Whether a name is that of one of our files: ``owns(name)``. These are left out.

    Raises
    ------
    OSError
        If something can neither be linked nor copied.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     old, new = Path(folder, "old"), Path(folder, "new")
    ...     old.mkdir(), new.mkdir()
    ...     _ = (old / "notes.txt").write_text("mine"), (old / "table.csv").write_text("theirs")
    ...     carry_over(old, new, {"table.csv"}.__contains__)
    ...     os.listdir(new)
    (None, None)
    ['notes.txt']
    """
    for name in os.listdir(source):
        if not owns(name):
            _carry(Path(source, name), Path(target, name))


def _carry(source, target):
    with suppress(FileNotFoundError):  # removed by its owner in between
        state = os.lstat(source)
        if stat.S_ISDIR(state.st_mode):
            os.makedirs(target, exist_ok=True)
            carry_over(source, target, lambda name: False)
            shutil.copystat(source, target)
        elif not _is_same(state, target):
            target.unlink(missing_ok=True)
            _link(source, target, state)


def _is_same(state, target):
    """Return whether a file is there already, as a hard link or as a copy."""
    try:
        there = os.lstat(target)
    except FileNotFoundError:
        return False
    kind = stat.S_IFMT(state.st_mode) == stat.S_IFMT(there.st_mode)
    copied = (state.st_size, state.st_mtime_ns) == (there.st_size, there.st_mtime_ns)
    return os.path.samestat(state, there) or (kind and copied)


def _link(source, target, state):
    try:
        os.link(source, target, follow_symlinks=False)
    except (OSError, NotImplementedError) as error:
        other_disk = getattr(error, "errno", None) == errno.EXDEV
        plain = stat.S_ISREG(state.st_mode) or stat.S_ISLNK(state.st_mode)
        if other_disk or not plain or not os.path.lexists(source):
            raise
        shutil.copy2(source, target, follow_symlinks=False)


def keep_modes(source, target, owns):
    """Give a folder, and those of our files that are in both, the modes and owners of another folder's.

    Parameters
    ----------
    source, target : pathlib.Path
    owns : callable
        As in `carry_over`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     old, new = Path(folder, "old"), Path(folder, "new")
    ...     old.mkdir(0o700), new.mkdir()
    ...     keep_modes(old, new, lambda name: True)
    ...     oct(new.stat().st_mode)
    (None, None)
    '0o40700'
    """
    pairs = [(source, target)]
    pairs += [(source / name, target / name) for name in os.listdir(target) if owns(name)]
    for old, new in pairs:
        with suppress(FileNotFoundError):
            state = os.lstat(old)
            if stat.S_IFMT(state.st_mode) != stat.S_IFMT(os.lstat(new).st_mode):
                continue
            if hasattr(os, "lchown"):
                with suppress(OSError):  # only root may
                    os.lchown(new, state.st_uid, state.st_gid)
            with suppress(PermissionError, NotImplementedError):  # on disks without modes, as of cameras
                os.chmod(new, stat.S_IMODE(state.st_mode))
