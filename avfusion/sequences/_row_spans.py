"""Stretch of time that each row covers."""

import numpy as np
import pandas as pd

from avfusion.sequences._convert import sequence_columns


def row_spans(X):
    """Return when each row begins and ends, on the clock of its recording, and how long it lasts.

    Parameters
    ----------
    X : DataFrame or anything else
        Of sequence columns those count that say when they begin.

    Returns
    -------
    begins_s, ends_s : ndarray of shape (n_rows,)
        First begin and last end among the streams, in seconds; NaN where no stream says when it begins.
    durations_s : ndarray of shape (n_rows,)
        Of the longest stream; NaN where no rate is known.

    Examples
    --------
    >>> from avfusion.sequences import as_sequences
    >>> X = as_sequences({"audio": [[1.0, 2.0], [3.0]]}, rate_hz=2, start_s=[0.0, 1.5])
    >>> [values.tolist() for values in row_spans(X)]
    [[0.0, 1.5], [1.0, 2.0], [1.0, 0.5]]
    """
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    begins, ends, durations = np.full(n_rows, np.inf), np.full(n_rows, -np.inf), np.full(n_rows, -np.inf)
    for name in sequence_columns(X) if isinstance(X, pd.DataFrame) else ():
        array = X[name].array
        if not array.dtype.timed:
            continue
        first = np.where(array.lengths > 0, array.starts_s, np.nan)
        last = _last_ends(array) if array.dtype.clock == "times" else first + _lasts(array)
        begins, ends = np.fmin(begins, first), np.fmax(ends, last)
        durations = np.fmax(durations, last - first if array.dtype.clock == "times" else _lasts(array))
    return tuple(np.where(np.isfinite(values), values, np.nan) for values in (begins, ends, durations))


def _lasts(array):
    """Return the seconds of each row by its rate, NaN for missing rows."""
    return np.where(array.lengths > 0, array.lengths, np.nan) / array.rates_hz


def _last_ends(array):
    """Return when the last step of each row with times ends, NaN for rows without steps."""
    ends, rows = np.full(len(array), np.nan), np.flatnonzero(array.lengths > 0)
    times = array.step_times()
    if len(rows):
        lengths = array.lengths[rows]
        ends[rows] = np.maximum.reduceat(times[:, 1], np.cumsum(lengths) - lengths)
    return ends
