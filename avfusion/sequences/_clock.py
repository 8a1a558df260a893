"""When the steps of recordings happen.

A column knows one of four things about time, its *clock*:

- nothing: a step is a step (``rate_hz`` is None);
- one rate for all rows, as in ``sequence[float32, 3, 25Hz]``;
- a rate for each row, ``sequence[float32, 3, rates]``;
- the time of every step, ``sequence[float32, 3, times]``: an interval [begin, end) in seconds, or an instant,
  which ends when it begins.

Where there is a rate, each row may also declare when its first step begins. A start that nobody declared is
NaN: among streams it counts as 0, but labels are not moved because of it.
"""

import numpy as np

from avfusion.sequences._messages import brief
from avfusion.sequences._plain_arrays import plain_parts

CLOCKS = ("rates", "times")
_SLOWEST = 1e-300  # Hz: below, the duration of a step is no number
WITHIN_STEP = 1e-6  # of a step: what rounding does to times that mean the same


def check_rate(rate_hz):
    """Return a sampling rate as a float in Hz, or None; refuse what is not a positive, finite number.

    Examples
    --------
    >>> check_rate(25)
    25.0
    """
    if rate_hz is None:
        return None
    try:
        if isinstance(rate_hz, (bool, np.bool_)):
            raise TypeError
        rate = float(rate_hz)
    except (TypeError, ValueError):
        raise TypeError(
            f"rate_hz must be a number (steps per second) or None, not {brief(rate_hz)}."
        ) from None
    except OverflowError:  # an integer beyond all floats
        rate = np.inf
    if not (np.isfinite(rate) and rate >= _SLOWEST):
        raise ValueError(f"rate_hz must be positive and finite, not {brief(rate_hz)}.")
    return rate


def per_row(values, n_rows, name):
    """Return numbers as a float array with one for each row, or None where nothing is given.

    Parameters
    ----------
    values : None, float or array-like of float of shape (n_rows,)
        NaN or None in an array means that nothing is known of the row.
    n_rows : int
    name : str
        What messages call them.

    Returns
    -------
    numpy.ndarray of float64 of shape (n_rows,) or None

    Raises
    ------
    TypeError, ValueError
        If they are not numbers, infinite, or of another length.

    Examples
    --------
    >>> per_row(2, 3, "start_s")
    array([2., 2., 2.])
    """
    if values is None:
        return None
    try:
        array = np.asarray(plain_parts(values), dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be numbers, one or one for each row, not {brief(values)}.") from None
    if array.ndim and array.shape != (n_rows,):
        raise ValueError(
            f"{name} has the shape {array.shape}, but there are {n_rows} rows. Give one for each."
        )
    if np.isinf(array).any():
        raise ValueError(
            f"{name} holds an infinite value. Give seconds or Hz, and NaN where it is not known."
        )
    return np.broadcast_to(array, (n_rows,)).copy()


def per_row_rates(rates, n_rows):
    """Return what is known of rates: the one that all rows have, or an array with one for each row.

    Parameters
    ----------
    rates : None, float or array-like of float of shape (n_rows,)
    n_rows : int

    Returns
    -------
    rate_hz : float or None
    rates_hz : numpy.ndarray of float64 of shape (n_rows,) or None
        Only where rows may differ.

    Examples
    --------
    >>> per_row_rates(25, 2), per_row_rates([25, 50], 2)
    ((25.0, None), (None, array([25., 50.])))
    """
    if rates is None or np.ndim(rates) == 0:
        return check_rate(rates), None
    rates = per_row(rates, n_rows, "rate_hz")
    if (rates <= 0).any():
        raise ValueError(
            f"rate_hz must be positive, not {rates[rates <= 0][0]:g} as in row {(rates <= 0).argmax()}."
        )
    return None, rates


def check_times(times, n_frames):
    """Return the times of steps as intervals.

    Parameters
    ----------
    times : array-like of shape (n_frames,) or (n_frames, 2)
        Instants, or begin and end, in seconds.
    n_frames : int

    Returns
    -------
    numpy.ndarray of float64 of shape (n_frames, 2)

    Raises
    ------
    ValueError
        If the shape is another, a time is missing or infinite, or a step ends before it begins.

    Examples
    --------
    >>> check_times([0.5, 2.0], 2).tolist()
    [[0.5, 0.5], [2.0, 2.0]]
    """
    times = np.array(plain_parts(times), dtype=np.float64)
    if times.ndim == 1:
        times = np.stack([times, times], axis=1)
    if times.shape != (n_frames, 2):
        raise ValueError(
            f"times_s must have the shape ({n_frames},) or ({n_frames}, 2), begin and end in seconds, not "
            f"{times.shape}."
        )
    bad = ~np.isfinite(times).all(axis=1)
    if bad.any():
        raise ValueError(
            f"times_s: step {int(bad.argmax())} has no time. Give every step its seconds, or drop it."
        )
    bad = times[:, 1] < times[:, 0]
    if bad.any():
        step = int(bad.argmax())
        raise ValueError(
            f"times_s: step {step} ends at {times[step, 1]:g} s, before it begins at {times[step, 0]:g} s."
        )
    return times


def regular_times(lengths, rates_hz, starts_s):
    """Return begin and end of the steps of rows that tick at a rate, rows one after the other.

    Parameters
    ----------
    lengths : numpy.ndarray of int of shape (n_rows,)
        Negative for a missing row, which has no step.
    rates_hz, starts_s : numpy.ndarray of shape (n_rows,)
        NaN starts count as 0.

    Returns
    -------
    numpy.ndarray of float64 of shape (n_steps, 2)

    Examples
    --------
    >>> regular_times(np.array([2, -1, 1]), np.array([2.0, 2.0, 1.0]), np.array([np.nan, 0.0, 5.0])).tolist()
    [[0.0, 0.5], [0.5, 1.0], [5.0, 6.0]]
    """
    counts = np.maximum(lengths, 0)
    rows = np.repeat(np.arange(len(counts)), counts)
    step = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    start, rate = np.nan_to_num(starts_s)[rows], rates_hz[rows]
    return np.stack([start + step / rate, start + (step + 1) / rate], axis=1)
