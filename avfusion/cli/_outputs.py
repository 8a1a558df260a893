"""Refuse, before the work, outputs that could not be written, or would be read as recordings next time."""

import os
from collections import Counter
from pathlib import Path

from avfusion._atomic import StagedFolder, clear_leftovers
from avfusion._atomic import check_file as check_place
from avfusion.sequences._messages import quoted

TABLES = (".parquet", ".feather", ".csv")
N_BYTES = 240  # of the name of a file; most disks take 255


def check_parent(path, data):
    """Raise an error if there is no folder to write to, or it is that of the data.

    Parameters
    ----------
    path : pathlib.Path
        What will be written.
    data : str
        The argument DATA.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_parent(Path("recordings/results"), "recordings")
    Traceback (most recent call last):
    ...
    ValueError: --output recordings/results: there is no folder recordings.
    """
    if not path.parent.is_dir():
        raise ValueError(f"--output {path}: there is no folder {path.parent}.")
    place = Path(os.path.realpath(path))  # resolve() fails for a link that leads to itself
    if os.path.exists(data) and place == Path(data).resolve():
        raise ValueError(f"--output {path} would replace the recordings themselves: choose another name.")
    if os.path.isdir(data) and place.is_relative_to(Path(data).resolve()):
        raise ValueError(
            f"--output {path} is in the folder of the recordings, {data}, and would be read as one of them "
            f"next time. Name a place outside, such as {os.path.normpath(Path(data, '..', path.name))}."
        )
    clear_leftovers(place)  # also where what is there is refused


def check_file(path, data, *suffixes):
    """Raise an error if a file could not be written.

    Parameters
    ----------
    path : pathlib.Path
    data : str
        The argument DATA.
    *suffixes : str
        Those that the name may have; by default any.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_file(Path("p.txt"), "synthetic", ".csv", ".parquet")
    Traceback (most recent call last):
    ...
    ValueError: --output p.txt: the name must end in .csv or .parquet.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise ValueError(f"--output {path}: the name must end in {' or '.join(suffixes)}.")
    check_parent(path, data)
    if path.is_dir():
        raise ValueError(f"--output {path} is a folder: name a file.")
    check_place(path)


def check_results(path, data):
    """Raise an error if a folder of results could not be written.

    Parameters
    ----------
    path : pathlib.Path
        New, empty, or with the results of an earlier comparison.
    data : str
        The argument DATA.

    Raises
    ------
    ValueError, OSError

    Examples
    --------
    >>> check_results(Path("no such folder/results"), "synthetic")
    Traceback (most recent call last):
    ...
    ValueError: --output no such folder/results: there is no folder no such folder.
    """
    from avfusion.model_selection.records._result_folder import COMPARISON, check_result_folder

    check_parent(path, data)
    check_result_folder(path, COMPARISON)


def check_predictions(text, data):
    """Return where predictions go: a file of a known kind, or a new folder.

    Parameters
    ----------
    text : str
        As typed; with a slash at its end, or without a suffix, it is a folder.
    data : str
        The argument DATA.

    Returns
    -------
    pathlib.Path
        Without a suffix if it is a folder.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_predictions("predictions/", "synthetic").name, check_predictions("p.csv", "synthetic").name
    ('predictions', 'p.csv')
    """
    path = Path(text)
    if not text.endswith(("/", os.sep)) and not path.is_dir():
        if path.suffix.lower() in TABLES or path.suffix:
            check_file(path, data, *TABLES)
            return path
    elif path.suffix:
        raise ValueError(f"--output {text}: a folder of predictions has no full stop in its name. Rename it.")
    check_parent(path, data)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"--output {text} is there already: name a new folder, or remove it.")
    StagedFolder(path, lambda there: True).discard()  # can it be written?
    return path


def check_names(names):
    """Raise an error if the names of recordings cannot be those of files, or not of different ones.

    Parameters
    ----------
    names : iterable

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_names(["clip01", 3])
    >>> check_names(["../clip01"])
    Traceback (most recent call last):
    ...
    ValueError: Recordings '../clip01' cannot be the names of files: write one table, --output FILE.csv.
    """
    names = [str(name) for name in names]
    counts = Counter(name.lower() for name in names)
    bad = [
        name
        for name in names
        if not name.strip(". ")
        or any(sign in name for sign in "/\\:\0")
        or len(name.encode(errors="surrogateescape")) > N_BYTES
        or counts[name.lower()] > 1
    ]
    if bad:
        raise ValueError(
            f"Recordings {quoted(bad, limit=3)} cannot be the names of files: write one table, --output "
            "FILE.csv."
        )
