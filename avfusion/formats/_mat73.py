"""Read MATLAB files of version 7.3, which are HDF5 files in MATLAB's own ways."""

import h5py
import numpy as np

from avfusion.formats._hdf5 import Dataset
from avfusion.formats._mat5 import by_name, without_unit_axis
from avfusion.formats._steps import LEAST
from avfusion.sequences._messages import brief

DEEPEST = 50  # cells and structs in each other
_NUMBERS = (
    "double",
    "single",
    "logical",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)


def variables(path):
    """Return the variables of a file, without its objects and functions.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    dict of str to object
        Arrays of numbers, text, lists of the contents of cells, dicts of the fields of structs.

    Raises
    ------
    ValueError
        If the file is damaged, or links to others.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with h5py.File(Path(folder, "a.mat"), "w") as file:
    ...         file["x"] = np.zeros((2, 5))  # of five steps, as MATLAB turns its axes
    ...     variables(Path(folder, "a.mat"))["x"].shape
    (5, 2)
    """
    with h5py.File(path, "r", locking=False) as file:
        return _Reader(file, path.stat().st_size).fields(file, 0)


class _OfRecords(list):
    """The values of one field of an array of structs."""


class _Reader:
    """Read the values of a file, each once, into no more memory than the file justifies."""

    def __init__(self, file, size):
        self._file, self._size, self._left = file, size, max(LEAST, 100 * size)

    def fields(self, group, depth):
        """Return the values of a group by name; None for what is left out."""
        found = {}
        for name in group:
            if name.startswith("#"):  # what cells refer to, and objects
                continue
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"Its {brief(name)} is a link, which is not followed.")
            found[name] = self._value(group[name], depth + 1)
        return found

    def _value(self, thing, depth):
        if depth > DEEPEST:
            raise ValueError(f"It holds cells or structs in each other, more than {DEEPEST} deep.")
        self._count(64)
        if "MATLAB_sparse" in thing.attrs:
            raise ValueError("It holds a sparse matrix: save it with full(x).")
        if isinstance(thing, h5py.Group):
            return self._struct(self.fields(thing, depth))
        if not isinstance(thing, h5py.Dataset) or "MATLAB_empty" in thing.attrs:
            return None
        kind = thing.attrs.get("MATLAB_class")
        if h5py.check_ref_dtype(thing.dtype) is not None:
            values = self._referred(thing, depth)
            return _OfRecords(values) if kind is None else values
        kind = kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind or "double")
        if kind not in (*_NUMBERS, "char") or thing.dtype.kind not in "fiubV":
            return None
        return self._array(thing, kind)

    def _array(self, dataset, kind):
        """Return an array with its axes as in MATLAB, or text."""
        self._count(dataset.nbytes)
        values = np.asarray(Dataset(dataset, self._size)).T
        if kind == "char":
            rows = ["".join(map(chr, row)) for row in np.atleast_2d(values).astype(np.uint16)]
            return rows[0] if len(rows) == 1 else rows
        if values.dtype.names == ("real", "imag"):
            return values["real"] + 1j * values["imag"]
        return without_unit_axis(values.astype(bool) if kind == "logical" else values)

    def _referred(self, dataset, depth):
        """Return the values that a cell refers to, in MATLAB's order."""
        self._count(dataset.nbytes)
        references = np.asarray(Dataset(dataset, self._size)).reshape(-1)
        return [
            self._value(self._file[reference], depth + 1) if reference else None for reference in references
        ]

    def _struct(self, fields):
        """Return the fields of a struct; of an array of structs, each by its name or number."""
        if fields and all(isinstance(values, _OfRecords) for values in fields.values()):
            return by_name([dict(zip(fields, values)) for values in zip(*fields.values())])
        return fields

    def _count(self, number):
        self._left -= number
        if self._left < 0:
            raise ValueError("It repeats its contents more often than its size justifies.")
