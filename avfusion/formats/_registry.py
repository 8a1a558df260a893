"""The formats that can be read, one for each module of this room that defines FORMAT."""

import functools
import importlib
import pkgutil

import pandas as pd

import avfusion.formats
from avfusion.formats._format import Format, Producer

HEAD = 4096  # bytes that formats are recognised by


class DamagedFileError(ValueError):
    """A file that cannot be read.

    Parameters
    ----------
    path : pathlib.Path
    reason : str
        Why, and what is expected, in sentences.

    Examples
    --------
    >>> str(DamagedFileError("clip01.npy", "It is empty."))
    'clip01.npy cannot be read: It is empty.'
    """

    def __init__(self, path, reason):
        super().__init__(f"{path} cannot be read: {reason}")
        self.path = path


@functools.cache
def formats():
    """Return all formats.

    Returns
    -------
    tuple of Format

    Examples
    --------
    >>> "NumPy array" in {format.title for format in formats()}
    True
    """
    return tuple(_defined("FORMAT", Format))


@functools.cache
def producers():
    """Return all producers of tables that are known by their columns.

    Returns
    -------
    tuple of Producer

    Examples
    --------
    >>> producers() is producers()
    True
    """
    return tuple(_defined("PRODUCER", Producer))


def _defined(name, kind):
    for found in pkgutil.walk_packages(avfusion.formats.__path__, "avfusion.formats."):
        value = getattr(importlib.import_module(found.name), name, None)
        if isinstance(value, kind):
            yield value


def split_name(name):
    """Split the name of a file into that of the recording and the suffix.

    Parameters
    ----------
    name : str

    Returns
    -------
    stem, suffix : str
        The suffix is the longest that a format knows, else what follows the last full stop.

    Examples
    --------
    >>> split_name("clip.01.npy"), split_name("notes.docx")
    (('clip.01', '.npy'), ('notes', '.docx'))
    """
    lower = name.lower()
    known = [suffix for format in formats() for suffix in format.suffixes if lower.endswith(suffix)]
    dot = name.rfind(".")
    length = len(max(known, key=len)) if known else len(name) - dot if dot > 0 else 0
    return name[: len(name) - length], name[len(name) - length :]


def format_of(path):
    """Return the format of a file, by its name.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    Format or None
        None if no format has its suffix.

    Examples
    --------
    >>> from pathlib import Path
    >>> format_of(Path("clip01.npy")).title
    'NumPy array'
    """
    suffix = split_name(path.name)[1].lower()
    return next((format for format in formats() if suffix in format.suffixes), None)


def read_parts(path):
    """Read a file, of whatever format.

    Parameters
    ----------
    path : pathlib.Path
        With a suffix that a format has. Where the first bytes are those of another format, that one is taken.

    Yields
    ------
    Part

    Raises
    ------
    DamagedFileError
        If it cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.save(Path(folder, "clip01.npy"), np.zeros((3, 2)))
    ...     [part.values.shape for part in read_parts(Path(folder, "clip01.npy"))]
    [(3, 2)]
    """
    format = format_of(path)
    if format is None:
        raise DamagedFileError(path, f"No format has this suffix. There are {', '.join(all_suffixes())}.")
    try:
        format = _by_content(path, format)
        yield from format.read(path)
    except Exception as error:  # whatever a library raises for bytes that somebody else wrote
        raise DamagedFileError(path, f"{brief_reason(error)}. {format.expects}") from error


def _by_content(path, format):
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise ValueError("It is empty.")
    others = [other for other in formats() if other is not format and other.recognises is not None]
    return next((other for other in others if other.recognises(head)), format)


def all_suffixes():
    """Return the suffixes of all formats.

    Examples
    --------
    >>> ".csv" in all_suffixes()
    True
    """
    return sorted({suffix for format in formats() for suffix in format.suffixes})


def readable_formats():
    """List the kinds of files that `load_folder` reads.

    Returns
    -------
    pandas.DataFrame
        A row for each kind, with its name as index: the ends of file names ("suffixes"), and what such a file
        is expected to hold ("expects").

    Examples
    --------
    >>> from avfusion.datasets import readable_formats
    >>> readable_formats().loc["NumPy array", "suffixes"]
    '.npy'
    """
    ordered = sorted(formats(), key=lambda format: format.title.lower())
    rows = {format.title: (" ".join(format.suffixes), format.expects) for format in ordered}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["suffixes", "expects"])
    return table.rename_axis("format")


def brief_reason(error, limit=160):
    """Return an error's words on one line, without the full stop, and cut off where they are long.

    Examples
    --------
    >>> brief_reason(ValueError("Column 'a' holds text."))
    "Column 'a' holds text"
    """
    words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return words if len(words) <= limit else f"{words[: limit - 3]}..."
