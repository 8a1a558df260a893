"""Read the arrays of a NumPy archive."""

import zipfile

import numpy as np

from avfusion.formats._format import Format
from avfusion.formats._named_arrays import parts_of
from avfusion.formats._steps import bounded, check_size, n_bytes
from avfusion.sequences._messages import brief


class _Member:
    """An array of an archive, which is read when it is asked for."""

    def __init__(self, archive, entry):
        self._archive, self._entry = archive, entry
        with archive.open(entry) as file:
            self.shape, _, self.dtype = _header(file)
            left = entry.file_size - file.tell()
        if n_bytes(self.shape, self.dtype) != left or self.dtype.hasobject or not self.dtype.itemsize:
            what = "another number of bytes than it declares"
            what = "Python objects" if self.dtype.hasobject else what if self.dtype.itemsize else "no numbers"
            raise ValueError(f"Its array {brief(entry.filename)} holds {what}.")

    def __len__(self):
        return self.shape[0]

    def __array__(self, dtype=None, copy=None):
        with self._archive.open(self._entry) as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
        return array if dtype is None else array.astype(dtype)


def _header(file):
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


def read(path):
    """Read a .npz file: the arrays of one recording or of several.

    Parameters
    ----------
    path : pathlib.Path

    Yields
    ------
    Part

    Raises
    ------
    ValueError
        If arrays have more than one reading, hold Python objects, or would take far more memory than the
        file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(Path(folder, "a.npz"), features=[[0.5], [1.0]], feature_names=["loudness"], rate=25)
    ...     (part,) = read(Path(folder, "a.npz"))
    >>> part.rate_hz, part.values
    (25.0,    loudness
    0       0.5
    1       1.0)
    """
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        names = [entry.filename.removesuffix(".npy") for entry in entries]
        if len(set(names)) < len(names) or not names:
            raise ValueError("It is no archive of arrays, each with a name of its own.")
        check_size(sum(entry.file_size for entry in entries), size)
        arrays = {name: _Member(archive, entry) for name, entry in zip(names, entries)}
        yield from bounded(parts_of(arrays, path.name[: -len(".npz")]), size)


FORMAT = Format(
    "NumPy archive",
    (".npz",),
    read,
    "A file holds an array for each recording, or 'features' with 'feature_names', 'rate', 'lengths', 'ids'.",
    many=True,
    recognises=lambda head: head.startswith(b"PK\x03\x04") and b".npy" in head[:400],
)
