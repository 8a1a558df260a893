"""The checksums of the files of a folder, in a file that ``sha256sum --check`` reads."""

import hashlib
import os

from avfusion._plain_file import check_plain_file, has_content, is_plain_file

SUMS = "sha256sums.txt"
_LARGEST = 1 << 20  # bytes of it


def write_sums(folder):
    r"""Write the SHA-256 of all files of a folder into one of them.

    Parameters
    ----------
    folder : pathlib.Path

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.txt").write_text("a")
    ...     write_sums(Path(folder))
    ...     Path(folder, SUMS).read_text()[-10:]
    'bb  a.txt\n'
    """
    lines = [f"{_digest(file)}  {file.name}\n" for file in sorted(folder.iterdir()) if _counts(file)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def check_sums(folder, *names):
    """Raise where files are not those whose checksums stand beside them.

    Parameters
    ----------
    folder : pathlib.Path
        One without such a file passes: that of an earlier version.
    *names : str
        Of files; by default all that are listed.

    Raises
    ------
    ValueError
        Naming the file.

    Examples
    --------
    >>> from pathlib import Path
    >>> check_sums(Path("no such folder"))
    """
    path = folder / SUMS
    if not os.path.lexists(path):
        return
    check_plain_file(path, _LARGEST)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    known = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in names or known:
        if not _is_name(name):
            raise ValueError(
                f"{path} lists {ascii(name)[:40]}, which is no file of its folder: remove {SUMS}."
            )
        file = folder / name
        if not is_plain_file(file) or _digest(file) != known.get(name):
            raise ValueError(
                f"{file} is not the file that {SUMS} beside it knows: it was changed, or is damaged. Take "
                f"the folder from a copy; if the change was meant, remove {SUMS}."
            )


def _is_name(text):
    """Return whether a text names a file of a folder, and nothing outside of it."""
    return 0 < len(text) < 256 and text.isprintable() and not {"/", "\\"} & set(text) and text != ".."


def _counts(file):
    return file.is_file() and file.name != SUMS and not file.name.startswith(".")


def _digest(file):
    if not has_content(file):
        return hashlib.sha256().hexdigest()
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
