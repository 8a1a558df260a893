"""Pages of memory-mapped frames: ask early for those that come next, let go of those that were read.

What was read of a map counts as memory of the process until the system needs it for something else. Whoever
walks through frames says here what it is done with, so that a process stays small however large the file is;
the pages themselves stay in the system's cache. Frames in memory are left alone.
"""

import mmap

import numpy as np

HUGE = 1 << 21  # bytes of the largest page


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


def take(frames, index):
    """Return some frames; of those that are mapped, little is in memory besides at any time.

    Parameters
    ----------
    frames : numpy.ndarray or numpy.memmap of shape (N, D)
    index : numpy.ndarray of int of shape (n_pieces, n)
        Frames that lie close together in each piece.

    Returns
    -------
    numpy.ndarray of shape (n_pieces, n, D)

    Examples
    --------
    >>> take(np.array([[1.0], [2.0], [3.0]]), np.array([[2, 0]])).ravel()
    array([3., 1.])
    """
    if mapped_by(frames) is None:
        return np.take(frames, index, axis=0)
    values = np.empty((*index.shape, frames.shape[1]), frames.dtype)
    for piece, steps in zip(values, index):
        np.take(frames, steps, axis=0, out=piece, mode="clip")  # any other mode copies once more
        release(frames, steps.min(), np.ptp(steps) + 1)
    return values


def _advise(frames, begins, lengths, advice):
    mapped = mapped_by(frames)
    if mapped is None or not hasattr(mmap, advice) or not frames.size:
        return
    memory = np.frombuffer(mapped, np.uint8)
    address, size = frames.ctypes.data, frames.strides[0]
    begins, lengths = np.atleast_1d(begins), np.atleast_1d(lengths)
    begins, lengths = begins[lengths > 0], lengths[lengths > 0]
    # the system maps whole huge pages around what is read, and counts them
    lows = (address + begins * size) // HUGE * HUGE
    highs = -(-(address + (begins + lengths) * size) // HUGE) * HUGE
    first = memory.ctypes.data
    for low, high in zip(*merged(lows - first, highs - first)):
        low, high = max(low, 0), min(high, len(mapped))
        mapped.madvise(getattr(mmap, advice), low // mmap.PAGESIZE * mmap.PAGESIZE, high - low)


def merged(lows, highs):
    """Join ranges that overlap or touch; return lists of where they begin and end.

    Examples
    --------
    >>> merged(np.array([5, 0, 2]), np.array([7, 2, 3]))
    ([0, 5], [3, 7])
    """
    order = np.argsort(lows, kind="stable")
    lows, reach = lows[order], np.maximum.accumulate(highs[order])
    opens = np.append(True, lows[1:] > reach[:-1])[: len(lows)]
    return lows[opens].tolist(), reach[np.append(opens[1:], True)[: len(lows)]].tolist()


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
