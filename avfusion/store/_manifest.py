"""The manifest of a store: what is in its files, their sizes and hashes, and a hash of itself."""

import hashlib
import json
import os
import re
import stat
from pathlib import Path

import numpy as np
import pandas as pd

from avfusion.store._array_file import HEADER, file_digest

NAME, TABLE, VERSION = "manifest.json", "table.parquet", 1
SMALL = 1 << 24  # bytes of files that are read and compared with their hashes at every opening
_LARGEST = 1 << 28  # bytes of a manifest
_FILES = re.compile(r"(frames|times)_\d{3,9}\.npy|table\.parquet")


def render(about):
    """Return the text of a manifest, with its hash; a text that differs in any character is another.

    Examples
    --------
    >>> parse(render({"rows": 3}))["rows"]
    3
    """
    digest = hashlib.sha256(json.dumps(about).encode()).hexdigest()
    return json.dumps(about | {"sha256": digest}, indent=1) + "\n"


def parse(text):
    """Read the text of a manifest.

    Raises
    ------
    ValueError
        If it is not as `render` wrote it.
    """
    try:
        about = json.loads(text)
        own = {name: value for name, value in about.items() if name != "sha256"}
        whole = render(own) == text
    except (ValueError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise ValueError(f"{NAME} was changed, or is cut off.")
    return about


def read_manifest(path):
    """Read the manifest of a store, and compare the sizes of all files with it.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    dict

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it was changed or is of another version, or a file is missing or of another size.
    """
    file = Path(path, NAME)
    size = _regular(file).st_size
    if size > _LARGEST:
        raise ValueError(f"{NAME} has more than {_LARGEST >> 20} MB.")
    # some files of the system look empty, and wait for content; bytes that are no text fail the hash
    about = parse(file.read_text(encoding="utf-8", errors="replace") if size else "")
    if about.get("format") != "avfusion store" or not isinstance(about.get("version"), int):
        raise ValueError(f"{NAME} is not that of a store.")
    if about["version"] > VERSION:
        raise ValueError(f"{NAME} has version {about['version']}, of a later release of avfusion.")
    for entry in entries(about):
        check_file(path, entry)
    return about


def entries(about):
    """Return what the manifest says of each file: the table, then frames and times."""
    streams = [stream[kind] for stream in about["streams"] for kind in ("frames", "times")]
    return [about["table"], *(entry for entry in streams if entry is not None)]


def check_file(path, entry):
    """Return the path of a file of a store, after comparing its kind and size with the manifest.

    Raises
    ------
    ValueError
        If it is missing, a link or outside the folder, or has another size.
    """
    name = entry["file"]
    if not isinstance(name, str) or not _FILES.fullmatch(name):
        raise ValueError(f"{NAME} names a file that no store has.")
    size = _regular(Path(path, name)).st_size
    if size != entry["size"]:
        raise ValueError(f"{name} has {size} bytes, and {entry['size']} are expected.")
    return Path(path, name)


def check_hashes(path, about, verify=None):
    """Compare files with their hashes.

    Parameters
    ----------
    path : pathlib.Path
    about : dict
        The manifest.
    verify : bool, optional
        All files, or none; by default the table, and of the others the small ones.

    Raises
    ------
    ValueError
        If one was changed.
    """
    if verify is False:
        return
    table, *others = entries(about)
    left = SMALL
    for entry in [table, *sorted(others, key=lambda entry: entry["size"])]:
        left -= entry["size"]
        if verify is None and entry is not table and left < 0:
            break
        header = 0 if entry is table else HEADER
        if file_digest(check_file(path, entry), header) != entry["sha256"]:
            raise ValueError(f"{entry['file']} was changed.")


def identity_of(path):
    """Return the hash of a store, which stands for its content."""
    _regular(Path(path, NAME))
    return parse(Path(path, NAME).read_text(encoding="utf-8"))["sha256"]


def is_store(path):
    """Return whether a folder holds a store, be it damaged, or nothing at all.

    Examples
    --------
    >>> is_store(".")
    False
    """
    if not os.path.isdir(path):
        return False
    return (os.path.isfile(Path(path, NAME)) and os.path.lexists(Path(path, TABLE))) or not os.listdir(path)


def is_store_file(name):
    """Return whether a name is that of a file of a store.

    Examples
    --------
    >>> is_store_file("frames_000.npy"), is_store_file("notes.txt")
    (True, False)
    """
    return name == NAME or _FILES.fullmatch(name) is not None


def _regular(file):
    found = os.lstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{file.name} is a link or no file.")
    return found


def names_to_json(index):
    """Write column names, or any short index, for JSON.

    Raises
    ------
    TypeError
        If a name is neither text nor a number.

    Examples
    --------
    >>> names_from_json(names_to_json(pd.Index(["audio", 3], name="stream")))
    Index(['audio', 3], dtype='object', name='stream')
    """
    names = [name_to_json(name) for name in index.names]
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "names": names}
    labels = [name_to_json(name) for name in index]
    return {"labels": labels, "dtype": str(index.dtype), "levels": index.nlevels, "names": names}


def names_from_json(about):
    """Make the index that `names_to_json` wrote."""
    names = [name_from_json(name) for name in about["names"]]
    if "range" in about:
        return pd.RangeIndex(*about["range"], name=names[0])
    labels = [name_from_json(name) for name in about["labels"]]
    if about["levels"] > 1:
        return pd.MultiIndex.from_tuples(labels, names=names)
    return pd.Index(labels, dtype=about["dtype"], name=names[0], tupleize_cols=False)


def name_to_json(name):
    """Write a name for JSON: text, a number, a tuple of these, or None."""
    if isinstance(name, tuple):
        return [name_to_json(part) for part in name]
    name = name.item() if isinstance(name, np.generic) else name
    if name is None or isinstance(name, (str, bool, int)) or (isinstance(name, float) and name == name):
        return str(name) if isinstance(name, str) else name
    raise TypeError(f"The name {name!r} is neither text nor a number. Rename the column.")


def name_from_json(name):
    """Make the name that `name_to_json` wrote."""
    return tuple(map(name_from_json, name)) if isinstance(name, list) else name
