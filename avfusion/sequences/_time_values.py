"""Columns that hold times, in whatever unit and form."""

import re

import numpy as np
import pandas as pd

from avfusion.sequences._messages import brief

LONG_STEP = 5  # units between rows, from which on whole numbers of "seconds" may be milliseconds
NEAR = 3  # times by which steps may differ from what the rate says, where it decides about the unit
_MINUTES = r"\d+:\d\d([.,]\d+)?"
_DATE = r"\d[-/.]\d{1,2}[-/.]\d|[A-Za-z]{3}|\d{8}"
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|µs")
_UNITS = {
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millis", "millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "µs", "usec", "micros", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nanos", "nanoseconds"), 1e-9),
}
_EPOCHS = (
    (1e17, 1e-9),
    (1e14, 1e-6),
    (1e11, 1e-3),
    (1e8, 1.0),
)  # sizes of today, since 1970, and their units


def time_values(values, name):
    """Return times as numbers, and their unit where it is certain.

    Parameters
    ----------
    values : Series
        Timedelta, dates, numbers, or text of any of these.
    name : str
        The column, whose name may say the unit: "time (ms)", "timestamp_us", "minutes".

    Returns
    -------
    numbers : numpy.ndarray of float64
    unit_s : float or None
        Seconds of a unit. None where neither the type nor the name nor the size of the numbers (dates
        since 1970) tells it.

    Raises
    ------
    TypeError
        If they are no times.

    Examples
    --------
    >>> time_values(pd.Series(["00:00:01.5", "00:00:02"]), "t")
    (array([1.5, 2. ]), 1.0)
    >>> time_values(pd.Series(["0", "40"]), "time_ms")
    (array([ 0., 40.]), 0.001)
    """
    if not pd.api.types.is_numeric_dtype(values.dtype):
        values = _parsed(values, name)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        values = values - pd.Timestamp(0, tz=values.dt.tz)
    if pd.api.types.is_timedelta64_dtype(values.dtype):
        return values.dt.total_seconds().to_numpy(dtype=np.float64), 1.0
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    words = _WORD.findall(str(name))
    unit_s = _UNITS.get(words[-1].lower()) if words else None
    if unit_s is None and len(numbers):
        size = np.nanmin(np.abs(numbers)) if not np.isnan(numbers).all() else 0.0
        unit_s = next((unit for least, unit in _EPOCHS if size >= least), None)
    return numbers, unit_s


def _parsed(values, name):
    """Read text and objects as numbers, durations or dates, whichever all of them are."""
    if pd.api.types.is_timedelta64_dtype(values.dtype) or pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values
    for read in (pd.to_numeric, _as_durations, _as_dates):
        try:
            return read(values)
        except (ValueError, TypeError, OverflowError):
            continue
    first = values.dropna().iloc[0] if values.notna().any() else None
    raise TypeError(f"Column {name!r} holds no times, but {brief(first)}. Give seconds, or a Timedelta.")


def _as_durations(values):
    """Read 00:00:01.5, and 00:01 as a minute and a second: a day with neither date nor seconds is none."""
    words = values.dropna().astype(str).str.strip()
    if not words.str.contains(":").all() or words.str.contains(r"-|\d[./]\d+[./]\d").any():
        raise ValueError("These are dates, or nothing at all.")
    if words.str.fullmatch(_MINUTES).all():
        values = "00:" + values.astype(str).str.strip().where(values.notna())
    return pd.to_timedelta(values)


def _as_dates(values):
    """Read dates; words without one, such as 00:00:12:24, would be some time of this day."""
    if not values.dropna().astype(str).str.contains(_DATE).all():
        raise ValueError("These are no dates.")
    return pd.to_datetime(values)


def seconds(values, name, rate_hz=None, units=False):
    """Return times in seconds.

    Parameters
    ----------
    values : Series
        As in `time_values`.
    name : str
        The column, for messages and for its unit.
    rate_hz : float, optional
        Steps per second, where declared: it decides between seconds and milliseconds.
    units : bool, default=False
        Whether whole numbers far apart, which may be seconds or milliseconds, are refused where nothing
        decides.

    Returns
    -------
    numpy.ndarray of float64

    Raises
    ------
    TypeError, ValueError
        If they are no times, or nothing says in which unit.

    Examples
    --------
    >>> seconds(pd.Series(["00:00:01.5", "00:00:02"]), "time"), seconds(pd.Series([0, 40]), "time_ms")
    (array([1.5, 2. ]), array([0.  , 0.04]))
    """
    numbers, unit_s = time_values(values, name)
    if unit_s is not None:
        return numbers * unit_s
    apart = typical_step(numbers)
    if rate_hz is not None and np.isfinite(apart):
        return numbers / 1000 if abs(np.log(apart * rate_hz / 1000)) < np.log(NEAR) else numbers
    if units and apart >= LONG_STEP and not pd.api.types.is_float_dtype(values.dtype):
        raise ValueError(
            f"Column {name!r} counts in steps of {apart:g}: are these seconds or milliseconds? Say "
            f"rate_hz=..., or give seconds, as in table[{name!r}] / 1000."
        )
    return numbers


def typical_step(numbers):
    """Return by how much numbers mostly go on, NaN where they never do.

    Examples
    --------
    >>> float(typical_step(np.array([0.0, 1.0, 2.0, 9.0])))
    1.0
    """
    apart = np.diff(numbers)
    return np.median(apart[apart > 0]) if (apart > 0).any() else np.nan
