"""Shapes that mean two things: read where one of them is certain, else refused with both."""

import re

import numpy as np
import pandas as pd

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._bookkeeping import named_bookkeeping
from avfusion.sequences._messages import quoted

FEW_STEPS, WIDE = 8, 10  # so few steps of so many times as many features are rather channels of so many steps
MANY_ROWS = 5_000  # from which on recordings of one step are rather frames
MANY_COLUMNS = 5  # of labels, from which on names that go on by one step are times
_TIME = re.compile(r"(.*?)[ _\-]*(\d+(?:\.\d+)?)[ _]*(ms|msec|s|sec|seconds)?", re.IGNORECASE)
_UNITS = {"ms": 1e-3, "msec": 1e-3, "s": 1.0, "sec": 1.0, "seconds": 1.0}


def check_axes(shape, name=None):
    """Raise where an array (n, steps, features) may as well be (n, channels, steps).

    Parameters
    ----------
    shape : tuple of int
    name : str, optional
        The modality.

    Raises
    ------
    ValueError
        Naming both readings; the width of the modality decides.

    Examples
    --------
    >>> check_axes((4, 20, 600))
    """
    n_steps, width = shape[1:]
    if 1 < n_steps <= FEW_STEPS and width >= WIDE * n_steps:
        of = "features" if name is None else name
        raise ValueError(
            f"An array of shape {shape} holds {n_steps} steps of {width} features or {n_steps} channels of "
            f"{width} steps. Say how many features there are: as_sequences(data, {{{of!r}: {width}}}), or "
            f"{{{of!r}: {n_steps}}} for channels."
        )


def steps_first(array, width):
    """Return an array (n, steps, width), of which steps and features may be exchanged.

    Parameters
    ----------
    array : numpy.ndarray of shape (n, steps, width) or (n, width, steps)
    width : int or None
        Number of features, where it is known.

    Returns
    -------
    numpy.ndarray of shape (n, steps, width)

    Examples
    --------
    >>> steps_first(np.zeros((4, 3, 100)), 3).shape
    (4, 100, 3)
    """
    if width is None or array.ndim != 3 or array.shape[2] == width or array.shape[1] != width:
        return array
    return np.swapaxes(array, 1, 2)


def pads_front(array, lengths):
    """Return whether the rows of an array with lengths are padded in front, for certain.

    Parameters
    ----------
    array : numpy.ndarray of shape (n, T, D)
    lengths : numpy.ndarray of int of shape (n,)

    Returns
    -------
    bool
        True if in every shorter row all that lies before its last `length` steps is zero or NaN, and in one
        at least what lies behind its first ones is not.

    Examples
    --------
    >>> pads_front(np.array([[[0.0], [1.0], [2.0]], [[1.0], [1.0], [1.0]]]), np.array([2, 3]))
    True
    """
    n_steps = array.shape[1]
    shorter = np.flatnonzero((lengths < n_steps) & (lengths > 0))
    filled = False
    for row in shorter:
        before, behind = array[row, : n_steps - lengths[row]], array[row, lengths[row] :]
        if np.any(before[~np.isnan(before)]):
            return False
        filled |= bool(np.any(behind[~np.isnan(behind)]))
    return filled


def check_one_step(n_rows, name, columns=(), repeated=False):
    """Raise where recordings of one step are rather frames: where they are many, or have clocks.

    Parameters
    ----------
    n_rows : int
    name : str or None
        The modality; None for a table.
    columns : iterable of str, default=()
        Columns of a table, and levels of its index.
    repeated : bool, default=False
        Whether rows have labels in common.

    Raises
    ------
    ValueError
        Naming both readings.

    Examples
    --------
    >>> check_one_step(100, "audio")
    """
    roles = named_bookkeeping(list(columns))
    clocks = [column for column, reason in roles.items() if reason in ("a clock", "a frame number")]
    if n_rows < MANY_ROWS and not clocks and not repeated:
        return
    if name is None:
        why = f" with {quoted(clocks, limit=2)}" if clocks else ""
        raise ValueError(
            f"The table has {n_rows} rows{why}: are they frames, or recordings of one step each? Name the "
            "column that tells recordings apart, recording='clip', which may be one of row numbers."
        )
    raise ValueError(
        f"Modality {name!r} has {n_rows} rows: are they frames of one recording, or recordings of one step "
        f"each? Give {{{name!r}: [array]}} for one recording, {{{name!r}: array[:, None]}} for recordings "
        "of one step."
    )


def times_of_columns(names):
    """Return when the columns of a wide table are: a column for each step.

    Parameters
    ----------
    names : iterable
        Names of columns, in any order.

    Returns
    -------
    (rate_hz, start_s, name, steps) or None
        None unless all names are numbers with the same words around them, with a unit or a fraction that
        shows that they are seconds; `steps` has the step of each column.

    Raises
    ------
    ValueError
        If they are times, but not those of steps.

    Examples
    --------
    >>> rate_hz, start_s, name, steps = times_of_columns([f"sample_{t}ms" for t in range(15000, 18000, 500)])
    >>> rate_hz, start_s, name, steps.tolist()
    (2.0, 15.0, 'sample', [0, 1, 2, 3, 4, 5])
    >>> times_of_columns(range(100)) is None
    True
    """
    names = [str(name) for name in names]
    matches = [_TIME.fullmatch(name.strip()) for name in names]
    if len(names) < MANY_COLUMNS or not all(matches):
        return None
    words = {(match[1].strip(" _-"), (match[3] or "").lower()) for match in matches}
    if len(words) != 1:
        return None
    word, unit = words.pop()
    if not unit and not any("." in match[2] for match in matches):
        return None
    times = np.array([float(match[2]) for match in matches]) * _UNITS.get(unit, 1.0)
    apart = np.diff(np.sort(times))
    hop = apart.min()
    steps = np.rint((times - times.min()) / hop) if hop > 0 else np.zeros(len(times))
    if (
        not hop > 0
        or 2 * len(steps) < steps.max() + 1
        or np.abs(times - times.min() - steps * hop).max() > 0.02 * hop
        or len(set(steps)) < len(steps)
    ):
        if not unit:
            return None
        raise ValueError(
            f"The columns {quoted(names, limit=3)} look like times, a label per step, but do not go on by "
            "one step. Give the labels as a long table, or rename the columns."
        )
    return float(np.round(1 / hop, 6)), float(times.min()), word or "label", steps.astype(np.int64)


def is_label_per_step(n_targets, lengths):
    """Return whether numbers for each row are as many as the steps of all rows, and not few.

    Parameters
    ----------
    n_targets : int
    lengths : list of numpy.ndarray of int
        Of each stream; negative where it is missing.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_label_per_step(50, [np.array([50, 50, -1])])
    True
    """
    if n_targets < 2 * MANY_COLUMNS:
        return False
    return any((own >= 0).sum() > 1 and (own[own >= 0] == n_targets).all() for own in lengths)


def labels_of_wide_table(y):
    """Return a table of labels with a column for each time as a column of sequences; anything else as it is.

    Examples
    --------
    >>> table = pd.DataFrame([[0.1] * 6], columns=[f"sample_{t}ms" for t in range(15000, 18000, 500)])
    >>> labels_of_wide_table(table)["sample"].iloc[0]
    Sequence(6 x 1, 3.0 s from 15.0 s)
    """
    if not isinstance(y, pd.DataFrame) or not all(map(pd.api.types.is_numeric_dtype, y.dtypes)):
        return y
    found = times_of_columns(y.columns)
    if found is None:
        return y
    rate_hz, start_s, name, steps = found
    values = np.full((len(y), steps.max() + 1), np.nan)
    values[:, steps] = y.to_numpy(dtype=np.float64, na_value=np.nan)
    lengths = np.full(len(y), values.shape[1])
    column = SequenceArray.from_packed(values.reshape(-1, 1), lengths, rate_hz, start_s=start_s)
    return pd.DataFrame({name: column}, index=y.index)
