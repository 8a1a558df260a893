"""The formats that can be read, one for each module of this room that defines FORMAT."""

import functools
import importlib
import pkgutil
import unicodedata
from dataclasses import replace

import pandas as pd

import avfusion.formats
from avfusion._plain_file import check_plain_file
from avfusion.formats._format import Format, Producer
from avfusion.formats._recording_names import split
from avfusion.sequences._messages import brief, path_name, printable

HEAD = 4096  # bytes that formats are recognised by
LONGEST_NAME = 200  # characters: names of files have 255 bytes
_NOT_PRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, directions of writing, lone surrogates, line ends


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
        super().__init__(f"{path_name(path)} cannot be read: {reason}")
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
        check_plain_file(path, what="It")
        format = _by_content(path, format)
        made = (own for part in format.read(path) for own in _by_producer(part, path))
        yield from _with_checked_names(made)
    except Exception as error:  # whatever a library raises for bytes that somebody else wrote
        raise DamagedFileError(path, f"{brief_reason(error)}. {format.expects}") from error


def _by_producer(part, path):
    """Let the first producer that knows a table by its columns make parts of it."""
    table = part.values
    if not isinstance(table, pd.DataFrame) or part.recording or part.stream:
        return [part]
    if not part.named:
        return (_with_defaults(own, part) for own in split(table, named=False))
    if any(isinstance(name, str) and name != name.strip() for name in table.columns):
        table = table.rename(columns=lambda name: name.strip() if isinstance(name, str) else name)
    table.attrs["stem"] = split_name(path.name)[0]
    producer = next((producer for producer in producers() if producer.recognises(table)), None)
    made = split(table) if producer is None else producer.parts(table)
    return (_with_defaults(own, part) for own in made)


def _with_defaults(own, part):
    rate_hz = part.rate_hz if own.rate_hz is None else own.rate_hz
    start_s = part.start_s if own.start_s is None else own.start_s
    return replace(own, rate_hz=rate_hz, start_s=start_s, about=part.about | own.about)


def _with_checked_names(parts):
    """Pass parts on with names that nothing bad can be done with, and that are still different."""
    given = {}
    for part in parts:
        names = {"recording": part.recording, "stream": part.stream}
        checked = {
            key: name if name is None else check_recording_name(name, key) for key, name in names.items()
        }
        other = given.setdefault(checked["recording"], part.recording)
        if other != part.recording:
            raise ValueError(f"Recordings {brief(other)} and {brief(part.recording)} would get one name.")
        yield part if checked == names else replace(part, **checked)


def check_recording_name(name, what="recording"):
    """Return the name of a recording as a file may have it, which a file of somebody else gave.

    Parameters
    ----------
    name : str
        Separators of folders within become "_".
    what : str, default="recording"
        What it is the name of, for the message.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it is no text, empty, longer than 200 characters or not printable, or leads out of its folder.

    Examples
    --------
    >>> check_recording_name("train/clip01"), check_recording_name("03bSnISJMiM$_$1")
    ('train_clip01', '03bSnISJMiM$_$1')
    >>> check_recording_name("../clip01")
    Traceback (most recent call last):
    ...
    ValueError: The name '../clip01' of a recording leads out of its folder: rename it.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME:
        raise ValueError(
            f"The name {brief(name, 30)} of a {what} must be text of 1 to {LONGEST_NAME} characters."
        )
    plain = name.replace("\u200c", "").replace("\u200d", "")  # joiners, which Persian and others write with
    if any(unicodedata.category(character) in _NOT_PRINTABLE for character in plain):
        raise ValueError(f"The name {ascii(name)[:60]} of a {what} holds characters that nobody can see.")
    folders = name.replace("\\", "/").split("/")
    if set(folders) & {"", ".", ".."} or (len(folders) > 1 and folders[0].endswith(":")):
        raise ValueError(f"The name {brief(name)} of a {what} leads out of its folder: rename it.")
    return "_".join(folders)


def _by_content(path, format):
    with path.open("rb") as file:
        head = file.read(HEAD)
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
    words = printable(" ".join(str(error).split())).rstrip(".")
    if isinstance(error, LookupError) or not words:  # the words of a KeyError are the key alone
        words = f"{type(error).__name__} {words}".rstrip()
    return words if len(words) <= limit else f"{words[: limit - 3]}..."
