"""From separate cells to one buffer of frames."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from avfusion.sequences._clock import check_rate
from avfusion.sequences._messages import quoted
from avfusion.sequences._sequence import Sequence, as_float_frames


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


def plain_cell(cell):
    """Return a cell that a library of tables made of a sequence as one: a dict of fields; others as they are.

    Examples
    --------
    >>> plain_cell({"frames": [[1.0], [2.0]], "rate_hz": 2.0, "start_s": None, "times_s": None})
    Sequence(2 x 1, 1.0 s)
    """
    if not isinstance(cell, Mapping) or "frames" not in cell:
        return cell
    rate_hz, start_s, times_s = (cell.get(name) for name in ("rate_hz", "start_s", "times_s"))
    if times_s is not None:
        return Sequence(cell["frames"], times_s=as_float_frames(times_s))
    return Sequence(cell["frames"], None if is_missing(rate_hz) else rate_hz, start_s)


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
    more : dict
        What the cells know of time, and the names of features: further arguments of `SequenceArray`.

    Raises
    ------
    TypeError
        If a cell is not a sequence of real numbers.
    ValueError
        If widths or names of features differ, some cells have a rate or times and others have none, or a cell
        has more than two axes.

    Examples
    --------
    >>> frames, lengths, more = stack_cells([[1, 2], None])
    >>> frames.shape, lengths
    ((2, 1), array([ 2, -1]))
    """
    cells = list(cells)
    features = _common_features(cells, where)
    parts = {i: _cell_frames(cell, dtype, where(i)) for i, cell in enumerate(cells) if not is_missing(cell)}
    width = _common_width(parts, width, where)
    lengths = np.full(len(cells), -1, dtype=np.int64)
    lengths[list(parts)] = [len(part) for part in parts.values()]
    parts = {i: _in_order(part, cells[i], features) for i, part in parts.items()}
    if features is not None and len(features) != width:
        features = None
    more = _common_clock(cells, rate_hz, where) | {"features": features}
    if not parts:
        return np.empty((0, width), dtype or np.float32), lengths, more
    filled = [part for part in parts.values() if part.size]  # an empty list has no dtype of its own
    frames = np.concatenate(filled) if filled else next(iter(parts.values())).reshape(0, width)
    return frames, lengths, more


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
            turned = len({other.shape[0] for other in parts.values()}) == 1 and len(part) < part.shape[1]
            remedy = "All rows need the same features."
            if turned:
                remedy = (
                    "All rows need the same features; cells that are (channels, steps) must be transposed."
                )
            raise ValueError(
                f"The sequence in {where(i)} has {part.shape[1]} features per step, but {expected}. {remedy}"
            )
    return 1 if width is None else int(width)


def feature_names(cell):
    """Return the names of the features of a cell, or None where it has none.

    Examples
    --------
    >>> feature_names(pd.DataFrame({"rms": [0.1], "pitch": [100.0]})), feature_names([[1.0]])
    (('rms', 'pitch'), None)
    """
    if isinstance(cell, Sequence):
        return cell.features
    if not isinstance(cell, pd.DataFrame) or isinstance(cell.columns, pd.RangeIndex):
        return None
    return tuple(str(name).strip() for name in cell.columns)


def _common_features(cells, where):
    """Return the names that all cells give their features, in the order of the first, or None."""
    first, names = None, None
    for i, cell in enumerate(cells):
        if is_missing(cell):
            continue
        own = feature_names(cell)
        if own is None:
            return None
        if names is None:
            first, names = i, own
        elif set(own) != set(names) or len(own) != len(names):
            odd = quoted(sorted(set(own) ^ set(names)), limit=3)
            raise ValueError(
                f"The features in {where(first)} and {where(i)} have different names: {odd} in one of them "
                "only. All rows need the same features: select them by name."
            )
    return names


def _in_order(frames, cell, features):
    own = None if features is None else feature_names(cell)
    return frames if own == features else frames[:, [own.index(name) for name in features]]


def _common_clock(cells, rate_hz, where):
    """Return rates, starts and times of cells, as arguments of `SequenceArray`."""
    known = {i: cell for i, cell in enumerate(cells) if isinstance(cell, Sequence)}
    timed = [i for i, cell in known.items() if cell.rate_hz is None and cell.times_s is not None]
    if not timed:
        starts = np.full(len(cells), np.nan)
        starts[list(known)] = [np.nan if cell.start_s is None else cell.start_s for cell in known.values()]
        more = {} if np.isnan(starts).all() else {"start_s": starts}
        return more | {
            "rate_hz": rate_hz if np.ndim(rate_hz) else _common_rates(cells, known, rate_hz, where)
        }
    others = [i for i, cell in enumerate(cells) if not is_missing(cell) and i not in timed]
    if others or rate_hz is not None:
        i = (others or timed)[0]
        raise ValueError(
            f"The sequence in {where(timed[0])} has a time for each step, and {where(i)} does not go "
            "with it. Give all rows times or rates, and no rate_hz beside times."
        )
    return {"times_s": np.concatenate([cell.times_s for cell in known.values()])}


def _common_rates(cells, known, rate_hz, where):
    """Return the rate that all cells have, or a list of those of each."""
    rates = {i: cell.rate_hz for i, cell in known.items() if cell.rate_hz is not None}
    given = check_rate(rate_hz)
    for i, rate in rates.items():
        if given is not None and rate != given:
            raise ValueError(
                f"The sequence in {where(i)} has {rate:g} steps per second, but {given:g} are needed. "
                "Align the rows first."
            )
    without = [] if given is not None else [i for i in known if i not in rates]
    if rates and without:
        raise ValueError(
            f"The sequence in {where(next(iter(rates)))} has {next(iter(rates.values())):g} steps per "
            f"second, and that in {where(without[0])} has no rate. Give every row its rate, "
            "or all of them one, with rate_hz."
        )
    if len(set(rates.values())) < 2:
        return next(iter(rates.values()), given)
    without = [i for i, cell in enumerate(cells) if i not in rates and not is_missing(cell)]
    if without:
        raise ValueError(
            f"Rows have different rates, and {where(without[0])} has none. Give every row its rate."
        )
    return [rates.get(i, np.nan) for i in range(len(cells))]
