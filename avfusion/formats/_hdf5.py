"""Read an HDF5 file: an array or a group for each recording, and computational sequences of CMU."""

from collections.abc import Mapping

import h5py
import numpy as np

from avfusion.formats._format import Format
from avfusion.formats._named_arrays import parts_of
from avfusion.formats._names import ROLES, plain
from avfusion.formats._steps import LEAST, bounded, check_size, n_bytes
from avfusion.sequences._messages import brief

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LARGEST_ATTRIBUTE = 10_000  # numbers or words
_OF_ATTRIBUTES = ("rate_hz", "start_s", "names", "either", "labels")


class Dataset:
    """An array in the file, which is read when it is asked for.

    Parameters
    ----------
    dataset : h5py.Dataset
    size : int
        Bytes of the file.

    Raises
    ------
    ValueError
        If its numbers lie in other files, were never written, or would take far more memory than the file.
    """

    def __init__(self, dataset, size):
        name = brief(dataset.name)
        if dataset.shape is None:
            raise ValueError(f"Its {name} is empty.")
        if dataset.is_virtual or dataset.external:
            raise ValueError(f"Its {name} lies in other files, which are not read: copy it.")
        check_size(n_bytes(dataset.shape, dataset.dtype), size)
        check_size(n_bytes(dataset.chunks or (), dataset.dtype), size)
        if dataset.size and not dataset.id.get_storage_size():
            raise ValueError(f"Its {name} was never written.")
        text = h5py.check_string_dtype(dataset.dtype)
        if dataset.dtype.hasobject and text is None and h5py.check_ref_dtype(dataset.dtype) is None:
            raise ValueError(f"Its {name} holds rows of unlike lengths, which are not read.")
        self._dataset, self._size = dataset, size
        self.shape = dataset.shape
        self._is_of_words = text is not None and text.length is None
        self.dtype = dataset.dtype if text is None else np.dtype("S1")

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        return self._dataset[rows]

    def __array__(self, dtype=None, copy=None):
        array = self._words() if self._is_of_words and self.shape else np.asarray(self._dataset[()])
        return array if dtype is None else array.astype(dtype)

    def _words(self):
        """Read words in blocks: all of them may be one place in the file, as long as the file."""
        blocks, total, n_words = [], 0, max(1, LEAST // self._size)
        for begin in range(0, len(self), n_words):
            blocks.append(np.asarray(self._dataset[begin : begin + n_words], dtype=object))
            total += sum(map(len, blocks[-1].flat))
            check_size(total, self._size)
        return np.concatenate(blocks) if blocks else np.empty(self.shape, dtype=object)


class Group(Mapping):
    """A group of the file: what it contains, and those of its attributes that say what that is.

    Parameters
    ----------
    group : h5py.Group
    size : int
        Bytes of the file.
    seen : set
        Addresses of the groups that were come by.

    Raises
    ------
    ValueError
        If it contains links, a group that contains it, or tables of pandas.
    """

    def __init__(self, group, size, seen):
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            raise ValueError(f"Its group {brief(group.name)} is in two places: copy it.")
        seen.add(address)
        if "pandas_type" in group.attrs:
            raise ValueError("It holds a table of pandas (HDFStore): write the table with to_parquet.")
        self._group, self._size, self._seen, self._items = group, size, seen, None

    def _all(self):
        if self._items is None:
            self._items = attributes_of(self._group)
            for name in self._group:
                self._add(name)
        return self._items

    def _add(self, name):
        link = self._group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"Its {brief(name)} is a link, which is not followed: copy what it links to.")
        found = self._group[name]
        if isinstance(found, h5py.Group):
            self._items[name] = Group(found, self._size, self._seen)
        elif isinstance(found, h5py.Dataset) and found.shape is not None:
            dataset, own = Dataset(found, self._size), attributes_of(found)
            if own and plain(name) not in ROLES:
                self._items[name] = {"features": dataset} | own
            else:
                self._items |= own | {name: dataset}

    def __getitem__(self, name):
        return self._all()[name]

    def __iter__(self):
        return iter(self._all())

    def __len__(self):
        return len(self._all())


def attributes_of(thing):
    """Return the attributes of a group or data set that say its rate, start, names or labels.

    Parameters
    ----------
    thing : h5py.Group or h5py.Dataset

    Returns
    -------
    dict of str to array or text

    Examples
    --------
    >>> with h5py.File("a.h5", "w", driver="core", backing_store=False) as file:
    ...     file.attrs["fps"], file.attrs["CLASS"] = 25.0, "GROUP"
    ...     list(attributes_of(file))
    ['fps']
    """
    found = {}
    for name in thing.attrs:
        if ROLES.get(plain(name)) not in _OF_ATTRIBUTES:
            continue
        kind = thing.attrs.get_id(name)
        if kind.shape is None:  # empty
            continue
        is_text = h5py.check_string_dtype(kind.dtype) is not None
        if (is_text or kind.dtype.kind in "fiub") and np.prod(kind.shape, dtype=float) <= _LARGEST_ATTRIBUTE:
            found[name] = thing.attrs[name]
    return found


def read(path):
    """Read an HDF5 file.

    Parameters
    ----------
    path : pathlib.Path

    Yields
    ------
    Part
        Of each data set or group, by the same names as in other files of named arrays; attributes such as
        ``fps`` may say what arrays say elsewhere. ``<root>/data/<id>/features`` and ``intervals`` are steps
        with their begins and ends.

    Raises
    ------
    ValueError
        If it links to other files, is damaged, or has more than one reading.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with h5py.File(Path(folder, "a.h5"), "w") as file:
    ...         file["clip01"], file["clip02"] = np.zeros((3, 2)), np.zeros((4, 2))
    ...         file.attrs["fps"] = 25
    ...     [(part.recording, part.n_steps, part.rate_hz) for part in read(Path(folder, "a.h5"))]
    [('clip01', 3, 25.0), ('clip02', 4, 25.0)]
    """
    size = path.stat().st_size
    with h5py.File(path, "r", locking=False) as file:
        yield from bounded(parts_of(Group(file, size, set()), path.stem), size)


FORMAT = Format(
    "HDF5 file",
    (".h5", ".hdf5", ".hdf", ".csd"),
    read,
    "A file holds an array (steps, features) or a group for each recording.",
    many=True,
    recognises=lambda head: head.startswith(SIGNATURE),
)
