"""From separate cells to one buffer of frames."""

import numpy as np
import pandas as pd

from avfusion.sequences._dtype import Sequence, as_float_frames, check_rate


def is_missing(cell):
    """Return whether a cell stands for a missing row: None, NaN, NaT or ``pandas.NA``.

    Examples
    --------
    >>> is_missing(None), is_missing([]), is_missing(float("nan"))
    (True, False, True)
    """
    return cell is None or cell is pd.NA or (pd.api.types.is_scalar(cell) and bool(pd.isna(cell)))


def n_axes(cell):
    """Count the axes of an array or of nested lists, up to 2; a list of numbers has 1.

    Examples
    --------
    >>> n_axes(3.5), n_axes([1.0, 2.0]), n_axes([[1.0], [2.0]]), n_axes(Sequence([1.0, 2.0]))
    (0, 1, 2, 2)
    """
    if isinstance(cell, Sequence):
        return 2
    if isinstance(cell, (list, tuple)):
        return 2 if any(isinstance(step, (list, tuple)) or getattr(step, "ndim", 0) for step in cell) else 1
    return getattr(cell, "ndim", 0)


def stack_cells(cells, dtype=None, width=None, rate_hz=None, where="row {}".format):
    """Check cells and lay their frames one after the other.

    Parameters
    ----------
    cells : iterable
        Sequences, arrays (T, D) or (T,), nested lists, or missing values.
    dtype, width, rate_hz
        As in `SequenceArray.from_sequences`.
    where : callable, default="row {}".format
        Names the row of a given position in error messages.

    Returns
    -------
    frames : numpy.ndarray of shape (N, D)
    lengths : numpy.ndarray of int64 of shape (n_rows,)
        -1 where the cell is missing.
    rate_hz : float or None

    Raises
    ------
    TypeError
        If a cell is not a sequence of real numbers.
    ValueError
        If widths or rates differ, or a cell has more than two axes.

    Examples
    --------
    >>> frames, lengths, rate_hz = stack_cells([[1, 2], None])
    >>> frames.shape, lengths
    ((2, 1), array([ 2, -1]))
    """
    cells = list(cells)
    parts = {i: _cell_frames(cell, dtype, where(i)) for i, cell in enumerate(cells) if not is_missing(cell)}
    width = _common_width(parts, width, where)
    rate_hz = _common_rate(cells, check_rate(rate_hz), where)
    lengths = np.full(len(cells), -1, dtype=np.int64)
    lengths[list(parts)] = [len(part) for part in parts.values()]
    if not parts:
        return np.empty((0, width), dtype or np.float32), lengths, rate_hz
    filled = [part for part in parts.values() if part.size]  # an empty list has no dtype of its own
    frames = np.concatenate(filled) if filled else next(iter(parts.values())).reshape(0, width)
    return frames, lengths, rate_hz


def located(error, where):
    """Name the place of an error, in a new TypeError or ValueError.

    Examples
    --------
    >>> located(ValueError("A step is null."), "row 3")
    ValueError('In row 3: A step is null.')
    """
    return (TypeError if isinstance(error, TypeError) else ValueError)(f"In {where}: {error}")


def _cell_frames(cell, dtype, where):
    if isinstance(cell, Sequence):
        return as_float_frames(cell.frames, dtype)
    has_length = hasattr(cell, "__len__") and getattr(cell, "ndim", 1) > 0
    if not has_length or isinstance(cell, (str, bytes, dict, set)):
        raise TypeError(
            f"In {where}: A cell must be an array of shape (steps, features) or (steps,), or None if it is "
            f"absent, not {type(cell).__name__} {str(cell)[:40]!r}."
        )
    try:
        return as_float_frames(cell, dtype)
    except (TypeError, ValueError) as error:
        raise located(error, where) from None


def _common_width(parts, width, where):
    first = None
    for i, part in parts.items():
        if part.size == 0 and part.shape[1] in (0, 1):  # `[]`, whose width cannot be seen
            continue
        if width is None:
            width, first = part.shape[1], i
        if part.shape[1] != width:
            expected = f"that in {where(first)} has {width}" if first is not None else f"{width} are needed"
            raise ValueError(
                f"The sequence in {where(i)} has {part.shape[1]} features per step, but {expected}. "
                "All rows need the same features."
            )
    return 1 if width is None else int(width)


def _common_rate(cells, rate_hz, where):
    for i, cell in enumerate(cells):
        rate = cell.rate_hz if isinstance(cell, Sequence) else None
        if rate is None:
            continue
        if rate_hz is not None and rate != rate_hz:
            raise ValueError(
                f"The sequence in {where(i)} has {rate:g} steps per second, but {rate_hz:g} are needed. "
                "Align the rows first."
            )
        rate_hz = rate
    return rate_hz
