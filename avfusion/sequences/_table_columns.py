"""Which columns of a long table say when a step is, and which of its steps are valid."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfusion._warnings import warn_user
from avfusion.sequences._bookkeeping import columns_of, role_of, success_column
from avfusion.sequences._messages import brief, quoted
from avfusion.sequences._table_clock import known
from avfusion.sequences._time_values import LONG_STEP, NEAR, time_values, typical_step

FAST = 2000  # steps per second that no clock of a table has: then its numbers are not seconds


@dataclass(frozen=True)
class TableClock:
    """Columns of a table that say when its rows are, and whether somebody named them.

    Parameters
    ----------
    time, frame : list of str or None
        Column of times (or of begin and end), or of numbers of frames.
    tick : float, optional
        Where `frame` is a clock of an unknown unit: how much it goes on from step to step.
    rate_hz : float or None
        Steps per second, of all recordings.
    named : bool
        Whether the user did.
    """

    time: list | None = None
    frame: str | None = None
    tick: float | None = None
    rate_hz: float | None = None
    named: bool = True


def with_index_levels(table):
    """Return a table whose named index levels are columns, unless columns have their names.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([("a.wav", 0), ("a.wav", 1)], names=["file", "start"])
    >>> list(with_index_levels(pd.DataFrame({"F0": [1.0, 2.0]}, index=index)))
    ['file', 'start', 'F0']
    """
    levels = [name for name in table.index.names if name is not None and name not in table.columns]
    return table.reset_index(levels).reset_index(drop=True) if levels else table


def choose_clock(table, keys, streams, time, frame, rate_hz, order=None):
    """Choose the columns that say when a step is: those that are named, else those whose names say so.

    Parameters
    ----------
    table : pandas.DataFrame
    keys : list of str
        Columns that identify the recording.
    streams : dict of str to list of str
        Columns of each modality.
    time, frame : None, str, pair of str, or False
        What the user named; False for nothing at all.
    rate_hz : float or None
        A rate that holds for all rows.
    order : numpy.ndarray of int, optional
        Brings the rows of each recording together, where they are not: what ticks is looked for within them.

    Returns
    -------
    TableClock

    Examples
    --------
    >>> table = pd.DataFrame({"clip": "a", "frame": [1, 2], "AU12_r": [0.5, 0.4]})
    >>> choose_clock(table, ["clip"], {"face": ["AU12_r"]}, None, None, 25.0).frame
    'frame'
    """
    if time not in (None, False) and frame not in (None, False):
        raise ValueError(f"time={time!r} and frame={frame!r} are both given. Give one of them.")
    if time not in (None, False):
        columns = known(time, table, "time=")
        if len(columns) > 2:
            raise ValueError(f"time= takes a column, or a pair of them (begin and end), not {brief(time)}.")
        return TableClock(columns, rate_hz=rate_hz)
    if frame not in (None, False):
        return TableClock(frame=known(frame, table, "frame=")[0], rate_hz=rate_hz)
    if time is False or frame is False:
        return TableClock(rate_hz=rate_hz)
    used = {*keys, *(column for columns in streams.values() for column in columns)}
    free = [name for name in table.columns if name not in used]
    table = table[[name for name in free if role_of(name) in ("clock", "frame", "interval")]]
    return _found(table if order is None else table.iloc[order], rate_hz)


def _found(table, rate_hz):
    lower = {str(name).strip().lower(): name for name in table.columns}
    if {"start", "end"} <= set(lower) and _are_intervals(table[[lower["start"], lower["end"]]]):
        return TableClock([lower["start"], lower["end"]], rate_hz=rate_hz, named=False)
    frames = [name for name in columns_of(table.columns, "frame") if _is_whole(table[name])]
    times, counters = [], {}
    for name in columns_of(table.columns, "clock"):
        kind, tick = _kind_of_clock(table[name], name, rate_hz)
        if kind == "time":
            times.append(name)
        elif kind == "counter":
            counters[name] = tick
    if times and (rate_hz is None or not frames):
        return TableClock([times[0]], rate_hz=rate_hz, named=False)
    if frames or counters:
        name = [*frames, *counters][0]
        return TableClock(None, name, counters.get(name), rate_hz, named=False)
    return TableClock(rate_hz=rate_hz)


def _are_intervals(table):
    try:
        (begins, _), (ends, _) = (time_values(table[name], name) for name in table.columns)
    except TypeError:
        return False
    return bool((ends > begins).all()) and typical_step(begins) > 0


def _is_whole(values):
    try:
        numbers, _ = time_values(values, "")
    except TypeError:
        return False
    return bool(len(numbers)) and bool((numbers == np.rint(numbers)).all())


def _kind_of_clock(values, name, rate_hz):
    """Return whether a clock tells seconds ("time"), or counts by a tick ("counter"), and the tick."""
    try:
        numbers, unit_s = time_values(values, name)
    except TypeError:
        return None, None
    step = typical_step(numbers)
    if not np.isfinite(step):
        return None, None
    if unit_s is not None:
        return "time", None
    whole = bool((numbers == np.rint(numbers)).all())
    if rate_hz is not None:
        near = min(abs(np.log(step * rate_hz)), abs(np.log(step * rate_hz / 1000))) < np.log(NEAR)
        if near or not whole:
            return "time", None
    elif not whole and step < LONG_STEP and 1 / step <= FAST:
        return "time", None
    apart = np.diff(numbers)
    ticks = whole and (apart[apart > 0] % step == 0).all()
    return ("counter", float(step)) if ticks else (None, None)


def valid_rows(table, streams, valid):
    """Find the rows in which something was detected.

    Parameters
    ----------
    table : pandas.DataFrame
    streams : dict of str to list of str
        Columns of each modality.
    valid : None, False, str or mapping
        As in `as_sequences`.

    Returns
    -------
    keep : dict of str to numpy.ndarray of bool of shape (n_table_rows,)
        For modalities of which some steps are not valid.
    said : dict of str to int
        Columns that say so, and in how many rows nothing was detected.

    Raises
    ------
    ValueError
        If a column is unknown.

    Examples
    --------
    >>> table = pd.DataFrame({"success": [1, 0], "AU12_r": [0.5, 0.0]})
    >>> keep, said = valid_rows(table, {"face": ["AU12_r"]}, None)
    >>> keep["face"], said
    (array([ True, False]), {'success': 1})
    """
    if valid is None:
        used = {column for columns in streams.values() for column in columns}
        column = success_column(name for name in table.columns if name not in used)
        if column is not None and len(streams) > 1:
            warn_user(
                f"{column!r} is of one modality, and the table has several: say of which, as in "
                f"valid={{{next(iter(streams))!r}: {column!r}}}, or valid=False."
            )
        valid = column if column is not None and len(streams) == 1 else False
    if valid is False:
        return {}, {}
    by_modality = isinstance(valid, Mapping) and set(valid) <= set(streams)
    rules = valid if by_modality else dict.fromkeys(streams, valid)
    keep, said = {}, {}
    for name, rule in rules.items():
        bounds = rule if isinstance(rule, Mapping) else dict.fromkeys(known(rule, table, "valid="), None)
        good = np.ones(len(table), dtype=bool)
        for column, bound in bounds.items():
            known(column, table, "valid=")
            here = _passes(table[column], bound)
            said[column] = int((~here).sum())
            good &= here
        keep[name] = good
    return keep, said


def _passes(values, bound):
    if pd.api.types.is_object_dtype(values.dtype) or pd.api.types.is_string_dtype(values.dtype):
        words = values.astype(str).str.strip().str.lower().replace({"true": "1", "false": "0"})
        numbers = pd.to_numeric(words, errors="coerce")
    else:
        numbers = values
    numbers = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    if bound is None:
        odd = np.setdiff1d(numbers[~np.isnan(numbers)], [0.0, 1.0])
        if len(odd):
            raise ValueError(
                f"valid={values.name!r} needs a column of 0 and 1, but it holds "
                f"{quoted(odd.tolist(), limit=2)}. For a threshold give valid={{{values.name!r}: 0.8}}."
            )
        return numbers == 1
    return numbers >= bound
