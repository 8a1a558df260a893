"""Read a pickle of arrays, without running what it names."""

from avfusion.formats._format import Format
from avfusion.formats._named_arrays import Place, parts_of
from avfusion.formats._safe_pickle import load
from avfusion.formats._steps import bounded, part_of


def read(path):
    """Read a pickle of numbers, text, containers and NumPy arrays.

    Parameters
    ----------
    path : pathlib.Path

    Yields
    ------
    Part
        One of an array; of a dict, one for each recording and modality that it holds. Dicts as MMSA, MFN and
        MulT keep them have a partition, labels and lengths, see `parts_of_batch`.

    Raises
    ------
    ValueError
        If it names anything else, or what is there has more than one reading.

    Examples
    --------
    >>> import pickle
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     content = pickle.dumps({"clip01": np.zeros((3, 2)), "clip02": np.zeros((4, 2))})
    ...     _ = Path(folder, "a.pkl").write_bytes(content)
    ...     [(part.recording, part.n_steps) for part in read(Path(folder, "a.pkl"))]
    [('clip01', 3), ('clip02', 4)]
    """
    yield from bounded(_parts(load(path), path.stem), path.stat().st_size, times=16)


def _parts(content, stem):
    if isinstance(content, dict):
        return parts_of(content, stem)
    if isinstance(content, list) and any(isinstance(item, dict) for item in content):
        return _parts_of_rows(content, stem)
    if isinstance(content, (list, tuple)):
        return parts_of({"features": content}, stem)
    return _one(content)


def _one(content):
    if not hasattr(content, "shape"):
        raise ValueError(f"It holds {type(content).__name__}, no arrays.")
    yield part_of(content)


def _parts_of_rows(rows, stem):
    """Read a list of dicts, one for each recording, whose name is in each."""
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("It holds a list of dicts and other things.")
    keys = [key for key in ("id", "ids", "recording", "name", "filename", "video_id") if key in rows[0]]
    names = [str(row.get(keys[0])) if keys else f"{stem}_{k}" for k, row in enumerate(rows)]
    if len(set(names)) < len(names):
        raise ValueError("Two of its recordings have the same name: rename one of them.")
    for name, row in zip(names, rows):
        own = {key: value for key, value in row.items() if key not in keys[:1]}
        yield from parts_of(own, stem, Place(stem, recording=name, depth=1))


FORMAT = Format(
    "pickle of arrays",
    (".pkl", ".pickle", ".pk", ".p"),
    read,
    "Of a pickle only numbers, text, lists, dicts and NumPy arrays are loaded: write others with "
    "numpy.savez.",
    many=True,
    recognises=lambda head: head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"),
)
