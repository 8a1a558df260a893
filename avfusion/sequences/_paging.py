"""Pages of memory-mapped frames: ask early for those that come next, let go of those that were read.

What was read of a map counts as memory of the process until the system needs it for something else. Whoever
walks through frames says here what it is done with, so that a process stays small however large the file is;
the pages themselves stay in the system's cache. Frames in memory are left alone.
"""

import mmap

import numpy as np


def release(frames, begins, lengths):
    """Let go of the pages of rows that were read; they can be read again.

    Parameters
    ----------
    frames : numpy.ndarray or numpy.memmap of shape (N, D)
    begins, lengths : int or array-like of int of shape (n_rows,)
        First frame and number of frames of each row.

    Examples
    --------
    >>> release(np.zeros((3, 2)), 0, 3)  # in memory: nothing happens
    """
    _advise(frames, begins, lengths, "MADV_DONTNEED")


def read_ahead(frames, begins, lengths):
    """Have the system read rows into its cache while something else is computed.

    Parameters
    ----------
    frames : numpy.ndarray or numpy.memmap of shape (N, D)
    begins, lengths : int or array-like of int of shape (n_rows,)
        First frame and number of frames of each row.

    Examples
    --------
    >>> read_ahead(np.zeros((3, 2)), [0, 2], [1, 1])
    """
    _advise(frames, begins, lengths, "MADV_WILLNEED")


def _advise(frames, begins, lengths, advice):
    mapped = mapped_by(frames)
    if mapped is None or not hasattr(mmap, advice) or not frames.size:
        return
    memory = np.frombuffer(mapped, np.uint8)
    first = frames.ctypes.data - memory.ctypes.data
    size = frames.strides[0]
    begins, lengths = np.atleast_1d(begins), np.atleast_1d(lengths)
    for begin, length in zip(begins[lengths > 0].tolist(), lengths[lengths > 0].tolist()):
        low = (first + begin * size) // mmap.PAGESIZE * mmap.PAGESIZE
        mapped.madvise(getattr(mmap, advice), low, first + (begin + length) * size - low)


def mapped_by(frames):
    """Return the `mmap.mmap` behind frames that are mapped to be read, None for all others.

    In maps that can be written to, letting go of a page could lose what was written.

    Examples
    --------
    >>> mapped_by(np.zeros((3, 2))) is None
    True
    """
    if not frames.flags.c_contiguous:
        return None
    while isinstance(frames, np.ndarray):
        if isinstance(frames, np.memmap) and frames._mmap is not None:
            return frames._mmap if frames.mode == "r" else None
        frames = frames.base
    return None
