"""Frames in a file of a store: memory maps that are pickled as the place where they lie."""

import socket

import numpy as np

from avfusion.store._array_file import HEADER
from avfusion.store._manifest import check_file, identity_of


class MappedFrames(np.memmap):
    """A memory map of a file of a store, to be read only.

    A pickle holds where the frames are, not the frames: other processes map the same file. It cannot be read
    once the store has been removed or written again with other content.

    Examples
    --------
    >>> import pickle
    >>> import numpy as np
    >>> import avfusion as av
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     av.write_store(f"{folder}/store", {"audio": [np.zeros((10_000, 8))]})
    ...     X, _ = av.read_store(f"{folder}/store")
    ...     len(pickle.dumps(X)) < 5000
    True
    """

    _identity = None

    def __array_finalize__(self, other):
        super().__array_finalize__(other)
        self._identity = getattr(other, "_identity", None)

    def __array_wrap__(self, array, context=None, return_scalar=False):
        """Return what is computed of frames as a number or a plain array: it lies in no file."""
        array = np.asarray(array)
        return array[()] if return_scalar else array

    def __reduce_ex__(self, protocol):
        if self._mmap is None or self._identity is None or not self.flags.c_contiguous or not self.size:
            return np.array(self, subok=False).__reduce_ex__(protocol)
        _check_there(str(self.filename), self._identity)  # here, not in the process that would miss it
        begin = self.ctypes.data - np.frombuffer(self._mmap, np.uint8).ctypes.data
        return reopened, (str(self.filename), self._identity, self.dtype.str, self.shape, begin)


def map_frames(path, entry, dtype, shape, identity):
    """Map the file of an array of a store.

    Parameters
    ----------
    path : pathlib.Path
        Folder of the store.
    entry : dict
        What the manifest says of the file.
    dtype : numpy dtype
    shape : (int, int)
    identity : str
        Of the store.

    Returns
    -------
    MappedFrames

    Raises
    ------
    ValueError
        If the file holds something else.
    """
    file = check_file(path, entry)
    dtype = np.dtype(dtype).newbyteorder("<")
    if entry["size"] != HEADER + shape[0] * shape[1] * dtype.itemsize:
        raise ValueError(f"{file.name} has {entry['size']} bytes, which are not {shape} numbers of {dtype}.")
    with open(file, "rb") as opened:
        found = (None, None, None)
        if np.lib.format.read_magic(opened) == (1, 0):
            found = np.lib.format.read_array_header_1_0(opened)
        if (*found, opened.tell()) != (tuple(shape), False, dtype, HEADER):
            raise ValueError(f"{file.name} holds an array of another shape or type.")
    return _mapped(file, identity, dtype, tuple(shape), HEADER)


def reopened(filename, identity, dtype, shape, begin):
    """Map a part of a file again, in whichever process.

    Raises
    ------
    FileNotFoundError
        If the store is gone.
    ValueError
        If it is another now.
    """
    _check_there(filename, identity)
    frames = _mapped(filename, identity, np.dtype(dtype), shape, begin)
    _check_there(filename, identity)  # and was not replaced in between
    return frames


def _check_there(filename, identity):
    """Refuse a file whose store is gone, or was written again."""
    try:
        same = identity_of(filename.rpartition("/")[0]) == identity
    except OSError as error:
        raise FileNotFoundError(
            f"{filename} is gone, or not on this machine ({socket.gethostname()}): these sequences are a "
            "part of it. Open the store again where it is now; workers on other machines need it on a disk "
            "that all share, under the same path."
        ) from error
    if not same:
        raise ValueError(f"The store of {filename} was written again with other content. Open it again.")


def _mapped(filename, identity, dtype, shape, begin):
    frames = np.memmap.__new__(MappedFrames, filename, dtype, "r", begin, shape)
    frames._identity = identity
    return frames
