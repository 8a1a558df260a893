"""Clocks and frame numbers in the first column of a table without names."""

import numpy as np
import pandas as pd

from avfusion.sequences._bookkeeping import N_FLOATS, N_INTEGERS

_LONGEST = 10.0  # seconds of a step
_REGULAR = 0.75  # share of the steps between rows that are of one length
_DECIMALS = 10


def with_clock(table):
    """Name the first column of a table without names, if it is a clock or counts frames.

    It is one if it increases in every row by whole multiples of one step, mostly by just this step, and no
    other column increases throughout. Only then is a gap in it seen: a clock without a gap is set aside as
    what counts steadily, whatever it is called. Integers have to do so in 5 rows, other numbers in 20, from 0
    or above on: a short ramp may be a feature.

    Parameters
    ----------
    table : pandas.DataFrame
        With numbers for names.

    Returns
    -------
    pandas.DataFrame
        With "frame" or "time" for the first name, and the others numbered from 0.

    Examples
    --------
    >>> with_clock(pd.DataFrame({0: [0, 40, 80, 160, 200], 1: [0.1, 0.3, 0.2, 0.4, 0.2]})).columns.tolist()
    ['time', 0]
    """
    if table.shape[1] < 2 or list(table.columns) != list(range(table.shape[1])):
        return table
    kinds = list(map(pd.api.types.is_numeric_dtype, table.dtypes))
    if not kinds[0] or pd.api.types.is_bool_dtype(table.dtypes.iloc[0]):
        return table
    values = table[0].to_numpy(dtype=np.float64)
    role = _role(values)
    others = [k for k, numeric in enumerate(kinds) if numeric and k]
    if role is None or any((np.diff(table[k].to_numpy(np.float64)) > 0).all() for k in others):
        return table
    return table.rename(columns={0: role}).rename(columns=lambda name: name if name == role else name - 1)


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


def _last_decimal(values):
    """Return the value of the last decimal with which numbers are written."""
    for decimals in range(_DECIMALS):
        if np.abs(values - np.round(values, decimals)).max() <= 1e-9 * max(1.0, np.abs(values).max()):
            break
    return 10.0**-decimals


def _jitters(steps):
    """Return whether steps are those of a clock that is not quite even, in many rows."""
    return len(steps) >= 5 * N_FLOATS and np.std(steps) < 0.25 * np.mean(steps)
