"""Rows of a flat buffer of frames: row i is ``frames[starts[i] : starts[i] + lengths[i]]``; -1 is missing."""

import numpy as np

from avfusion.sequences._paging import release
from avfusion.sequences._plain_arrays import whole_numbers

BLOCK = 1 << 22  # numbers that are looked at together: 32 MB of float64


def check_rows(n_frames, starts, lengths):
    """Check that rows fit into a buffer.

    Parameters
    ----------
    n_frames : int
        Length of the buffer.
    starts, lengths : array-like of int of shape (n_rows,)

    Returns
    -------
    starts, lengths : numpy.ndarray of int64 of shape (n_rows,)
        Copies, in which a missing row has start 0.

    Raises
    ------
    TypeError
        If they are not whole numbers.
    ValueError
        If their shapes differ, one is masked, or a row reaches outside the buffer.

    Examples
    --------
    >>> check_rows(5, [0, 7], [5, -1])
    (array([0, 0]), array([ 5, -1]))
    """
    starts, lengths = whole_numbers(starts, "starts"), whole_numbers(lengths, "lengths")
    if len(starts) != len(lengths):
        raise ValueError(f"starts has {len(starts)} rows, but lengths has {len(lengths)}.")
    starts = np.where(lengths == -1, 0, starts)
    bad = (lengths < -1) | (starts < 0) | (starts > n_frames)
    bad |= lengths > n_frames - np.where(bad, 0, starts)  # a sum could overflow
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"Row {row} starts at frame {starts[row]} and has length {lengths[row]}, which does not fit into "
            f"{n_frames} frames. A missing row has length -1."
        )
    return starts, lengths


def packed_starts(lengths):
    """Return where rows start that lie one after the other.

    Parameters
    ----------
    lengths : numpy.ndarray of int64 of shape (n_rows,)

    Returns
    -------
    numpy.ndarray of int64 of shape (n_rows,)
        0 for a missing row.

    Examples
    --------
    >>> import numpy as np
    >>> packed_starts(np.array([2, -1, 3]))
    array([0, 0, 2])
    """
    owned = np.maximum(lengths, 0)
    return np.where(lengths < 0, 0, np.cumsum(owned) - owned)


def within_rows(lengths):
    """Return for all steps of all rows, in order, the row and the position within the row.

    Parameters
    ----------
    lengths : numpy.ndarray of int64 of shape (n_rows,)
        None negative.

    Returns
    -------
    rows, positions : numpy.ndarray of int64 of shape (sum of lengths,)

    Examples
    --------
    >>> import numpy as np
    >>> within_rows(np.array([2, 0, 3]))
    (array([0, 0, 2, 2, 2]), array([0, 1, 0, 1, 2]))
    """
    rows = np.repeat(np.arange(len(lengths)), lengths)
    return rows, np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def gather(frames, starts, lengths):
    """Lay the frames of rows one after the other.

    Parameters
    ----------
    frames : numpy.ndarray of shape (N, D)
    starts, lengths : numpy.ndarray of int64 of shape (n_rows,)

    Returns
    -------
    numpy.ndarray of shape (sum of lengths, D)
        A view if the rows lie one after the other already, else a copy.

    Examples
    --------
    >>> import numpy as np
    >>> gather(np.arange(5)[:, None], np.array([3, 0]), np.array([2, 1])).ravel()
    array([3, 4, 0])
    """
    present = lengths > 0
    starts, lengths = starts[present], lengths[present]
    ends = np.cumsum(lengths)
    shifts = starts - (ends - lengths)
    total = int(ends[-1]) if len(ends) else 0
    if (shifts == shifts[:1]).all():
        first = int(shifts[0]) if len(shifts) else 0
        return frames if total == len(frames) else frames[first : first + total]
    copied = frames[np.arange(total) + np.repeat(shifts, lengths)]
    release(frames, starts, lengths)
    return copied


def in_blocks(frames, starts, lengths):
    """Go through the frames of rows in blocks of whole rows, of about `BLOCK` numbers.

    Memory-mapped frames are let go of again, so that they are never in memory at once.

    Parameters
    ----------
    frames : numpy.ndarray of shape (N, D)
    starts, lengths : numpy.ndarray of int64 of shape (n_rows,)

    Yields
    ------
    rows : slice
    frames : numpy.ndarray of shape (n, D)
        Of these rows, one after the other.

    Examples
    --------
    >>> [(rows, block.ravel()) for rows, block in in_blocks(np.zeros((3, 1)), np.array([1]), np.array([2]))]
    [(slice(0, 1, None), array([0., 0.]))]
    """
    ends = np.cumsum(np.maximum(lengths, 0))
    firsts = np.flatnonzero(np.diff(ends * frames.shape[1] // BLOCK, prepend=-1)).tolist()
    for rows in map(slice, firsts, [*firsts[1:], len(lengths)]):
        yield rows, gather(frames, starts[rows], lengths[rows])
        release(frames, starts[rows], lengths[rows])


def trim(frames, starts, lengths, below=1.0):
    """Leave out the frames that belong to no row; rows that overlap go on sharing theirs.

    Parameters
    ----------
    frames : numpy.ndarray of shape (N, D)
    starts, lengths : numpy.ndarray of int64 of shape (n_rows,)
    below : float, default=1.0
        Only if fewer than this share of the frames are used.

    Returns
    -------
    frames : numpy.ndarray of shape (N', D)
    starts : numpy.ndarray of int64 of shape (n_rows,)

    Examples
    --------
    >>> import numpy as np
    >>> frames, starts = trim(np.arange(9)[:, None], np.array([5, 1, 4]), np.array([2, 1, 3]))
    >>> frames.ravel(), starts
    (array([1, 4, 5, 6]), array([2, 0, 1]))
    """
    span_starts, span_lengths, moved = used_spans(starts, lengths)
    if span_lengths.sum() >= below * len(frames):
        return frames, starts
    return gather(frames, span_starts, span_lengths), moved


def used_spans(starts, lengths):
    """Find the parts of a buffer that belong to rows, and where the rows are once these lie side by side.

    Parameters
    ----------
    starts, lengths : numpy.ndarray of int64 of shape (n_rows,)

    Returns
    -------
    span_starts, span_lengths : numpy.ndarray of int64 of shape (n_spans,)
        In the order of the buffer.
    starts : numpy.ndarray of int64 of shape (n_rows,)

    Examples
    --------
    >>> used_spans(np.array([5, 1, 4]), np.array([2, 1, 3]))
    (array([1, 4]), array([1, 3]), array([2, 0, 1]))
    """
    rows = np.flatnonzero(lengths > 0)
    rows = rows[np.argsort(starts[rows], kind="stable")]
    begin = starts[rows]
    reach = np.maximum.accumulate(begin + lengths[rows])  # how far the rows so far reach
    opens = np.append(True, begin[1:] > reach[:-1])[: len(rows)]  # a gap lies before these rows
    span = np.cumsum(opens) - 1
    span_starts = begin[opens]
    span_lengths = reach[np.append(opens[1:], True)[: len(rows)]] - span_starts
    moved = np.zeros_like(starts)
    moved[rows] = begin + (packed_starts(span_lengths) - span_starts)[span]
    return span_starts, span_lengths, moved


def concatenate(parts):
    """Put the rows of several buffers into one; rows of one buffer stay where they are.

    Parameters
    ----------
    parts : list of (buffers, starts, lengths)
        `buffers` is a tuple of arrays (N, ...) that are cut alike, such as frames and their times.

    Returns
    -------
    buffers : tuple of numpy.ndarray of shape (N, ...)
        The buffers themselves if all rows that have frames share them, else new ones without unused frames.
    starts, lengths : numpy.ndarray of int64 of shape (n_rows,)

    Examples
    --------
    >>> import numpy as np
    >>> frames, one = np.zeros((4, 2)), np.array([1])
    >>> concatenate([((frames,), one, one), ((frames,), 2 * one, one)])[0][0] is frames
    True
    """
    lengths = np.concatenate([part[2] for part in parts])
    filled = [part for part in parts if (part[2] > 0).any()] or parts[:1]
    buffers = filled[0][0]
    if not all(_same(one, other) for part in filled for one, other in zip(part[0], buffers)):
        trimmed = [[trim(buffer, *part[1:]) for buffer in part[0]] for part in parts]
        buffers = tuple(np.concatenate([cut[k][0] for cut in trimmed]) for k in range(len(buffers)))
        offsets = np.cumsum([0] + [len(cut[0][0]) for cut in trimmed[:-1]])
        starts = np.concatenate([cut[0][1] + offset for cut, offset in zip(trimmed, offsets)])
    else:
        starts = np.concatenate([part[1] for part in parts])
    return buffers, np.where(lengths > 0, starts, 0), lengths


def _same(a, b):
    return a is b or (a.shape == b.shape and a.ctypes.data == b.ctypes.data)
