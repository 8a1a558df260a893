"""Recordings, clocks and frame numbers in the first columns of a table without names."""

import re

import numpy as np
import pandas as pd

from avfusion.sequences._bookkeeping import N_FLOATS, N_INTEGERS
from avfusion.sequences._time_values import time_values

_LONGEST = 10.0  # seconds of a step
_REGULAR = 0.75  # share of the steps between rows that are of one length
_DECIMALS = 10
_LIKE_NUMBER = re.compile(r"[\W\d_]*|[+-]?(0x[0-9a-f]+|[\d.,]+(d[+-]?\d+|f))", re.IGNORECASE)
_TIME_OF_DAY = r"(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[ T])?\d{1,2}:\d{2}(:\d{2})?([.,]\d+)?(Z|[+-]\d{2}:?\d{2})?"


def with_names(table):
    """Name the first columns of a table without names that are bookkeeping: a recording, a clock, frames.

    Words of which some are repeated, if any looks like no number, are names of recordings, as openSMILE and
    the AVEC challenges write them. Then, or at the front, a clock is one if it increases in every row by
    whole multiples of one step, mostly by just this step, and no other column increases throughout. Only then
    is a gap in it seen: a clock without a gap is set aside as what counts steadily, whatever it is called.
    Integers have to do so in 5 rows, other numbers in 20, from 0 or above on: a short ramp may be a feature.
    Times of day, and dates with one, have to increase. Two columns of which each row begins at or after the
    end of the row before are begin and end, as of words.

    Parameters
    ----------
    table : pandas.DataFrame
        With numbers for names.

    Returns
    -------
    pandas.DataFrame
        With "name", and "frame" or "time", for the first names, and the others numbered from 0.

    Examples
    --------
    >>> with_names(pd.DataFrame({0: [0, 40, 80, 160, 200], 1: [0.1, 0.3, 0.2, 0.4, 0.2]})).columns.tolist()
    ['time', 0]
    >>> with_names(pd.DataFrame({0: ["a", "a"], 1: [0.1, 0.3]})).columns.tolist()
    ['name', 0]
    """
    if list(table.columns) != list(range(table.shape[1])):
        return table
    names, rest, rows = [], table, slice(None)
    if table.shape[1] > 1 and _are_names(table[0]):
        names, rest, rows = ["name"], table.iloc[:, 1:], (table[0] == table[0].iloc[0]).to_numpy()
    role = _clock_role(rest[rows])
    if _are_intervals(rest[rows]):
        names += ["start", "end"]
    elif role is not None:
        names.append(role)
    return table.set_axis([*names, *range(table.shape[1] - len(names))], axis=1) if names else table


def _are_names(column):
    if (
        pd.api.types.is_numeric_dtype(column.dtype)
        or column.isna().any()
        or _role_of_words(column) is not None
    ):
        return False
    if all(_LIKE_NUMBER.fullmatch(str(word).strip()) for word in column.unique()):
        return False  # numbers that nobody can read: 5%, $5, 1_000, 1d3
    return column.duplicated().any() and pd.to_numeric(column, errors="coerce").isna().all()


def _are_intervals(table):
    """Return whether the first two columns are begin and end of what follows one after the other."""
    if table.shape[1] < 3 or len(table) < N_INTEGERS:
        return False
    if any(kind.kind != "f" for kind in table.dtypes.iloc[:2]):
        return False
    begin, end = table.iloc[:, :2].to_numpy().T
    rising = begin[0] >= 0 and (end > begin).all() and (begin[1:] >= end[:-1]).all()
    return bool(rising and np.isfinite(end[-1])) and not _any_rises(table.iloc[:, 2:])


def _any_rises(table):
    numbers = (table[name] for name in table if pd.api.types.is_numeric_dtype(table[name].dtype))
    return any((np.diff(column.to_numpy(np.float64)) > 0).all() for column in numbers)


def _clock_role(table):
    """Return what the first column of some rows is, if it is a clock or counts frames."""
    if table.shape[1] < 2 or pd.api.types.is_bool_dtype(table.dtypes.iloc[0]):
        return None
    first = table.iloc[:, 0]
    numeric = pd.api.types.is_numeric_dtype(first.dtype)
    role = _role(first.to_numpy(np.float64)) if numeric else _role_of_words(first)
    return None if role is None or _any_rises(table.iloc[:, 1:]) else role


def _role(values):
    whole = bool((values == np.rint(values)).all())
    if len(values) < (N_INTEGERS if whole else N_FLOATS) or not np.isfinite(values).all() or values[0] < 0:
        return None
    steps = np.diff(values)
    single = steps < 1.5 * np.median(steps)
    if (steps <= 0).any() or single.mean() < _REGULAR:
        return None
    step = steps[single].mean()
    positions = np.rint((values - values[0]) / step)
    off = np.abs(values - values[0] - positions * step).max()
    ticks = off <= min(1.01 * _last_decimal(values), 0.35 * step) and (np.diff(positions) >= 1).all()
    if not (ticks or _jitters(steps)) or (not whole and step > _LONGEST):
        return None
    return "frame" if whole and step == 1 else "time"


def _role_of_words(words):
    """Return "time" for times of day and dates."""
    if words.isna().any() or not words.astype(str).str.fullmatch(_TIME_OF_DAY).all():
        return None
    try:
        times, _ = time_values(words, "time")
    except TypeError:
        return None
    return "time" if len(times) > 1 and (np.diff(times) > 0).all() else None


def _last_decimal(values):
    """Return the value of the last decimal with which numbers are written."""
    for decimals in range(_DECIMALS):
        if np.abs(values - np.round(values, decimals)).max() <= 1e-9 * max(1.0, np.abs(values).max()):
            break
    return 10.0**-decimals


def _jitters(steps):
    """Return whether steps are those of a clock that is not quite even, in many rows."""
    return len(steps) >= 5 * N_FLOATS and np.std(steps) < 0.25 * np.mean(steps)
