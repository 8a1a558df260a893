"""Give every step the statistics of the steps around it."""

import math
from numbers import Real

import numpy as np
import pandas as pd
from pandas.api.indexers import BaseIndexer

from avfusion.preprocessing._base import StreamTransformer, present_lengths
from avfusion.preprocessing._statistics import check_statistics, run_statistics
from avfusion.sequences._buffers import in_blocks
from avfusion.sequences._messages import brief

_MOVING = ("mean", "std", "min", "max")


class AddContext(StreamTransformer):
    """Append moving statistics, and copies shifted in time, to the features of every step.

    The features themselves come first; then, for each width and statistic, the statistic of a window around
    each step; then the lagged copies. No window crosses the ends of a row: it is cut off there. Unobserved
    (NaN) values are left out of a window, and a window without an observed value is NaN.

    Widths are rounded to whole steps. A window of one step is the feature itself, which is not repeated: at
    1 Hz, ``widths_s=(1, 5)`` gives the features and their moving means over 5 steps.

    Parameters
    ----------
    widths_s : tuple of float, default=(1, 5, 21, 61)
        Widths of the windows in seconds.
    statistics : tuple of str, default=("mean",)
        Any of "mean", "std" (of a population: one step has 0), "min" and "max".
    centred : bool, default=True
        Put windows around each step (an even number of steps reaches one step further back than ahead)
        or, if False, let them end with it, so that no step looks ahead.
    lags_s : tuple of float, default=()
        Delays of the copies in seconds: 2 is what was 2 seconds ago, -2 what will be in 2 seconds. Beyond
        the ends of a row its first or last step is repeated.

    Attributes
    ----------
    modalities_ : dict of str to int
        Width and rate of each column of `fit`.

    Raises
    ------
    ValueError
        If a column has no rate but rows of several steps, if its rate is not that of `fit`, or if a width
        or lag is shorter than one step.

    Notes
    -----
    A row of one step, as in a plain 2-D array, is its own context: a column of such rows that has no rate
    stays as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from avfusion.sequences import as_sequences
    >>> from avfusion.preprocessing import AddContext
    >>> X = as_sequences({"audio": [[0.0, 3.0, 6.0, 30.0]]}, rate_hz=1.0)
    >>> AddContext(widths_s=(1, 3), lags_s=(2,)).fit_transform(X)["audio"].array[0].frames
    array([[ 0. ,  1.5,  0. ],
           [ 3. ,  3. ,  0. ],
           [ 6. , 13. ,  0. ],
           [30. , 18. ,  3. ]], dtype=float32)
    """

    def __init__(self, widths_s=(1, 5, 21, 61), statistics=("mean",), centred=True, lags_s=()):
        self.widths_s = widths_s
        self.statistics = statistics
        self.centred = centred
        self.lags_s = lags_s

    def _learn(self, data):
        check_statistics(self.statistics, _MOVING)
        if not _are_seconds(self.widths_s) or not all(width > 0 for width in self.widths_s):
            raise ValueError(
                f"widths_s must be a tuple of positive numbers (seconds), not {brief(self.widths_s)}."
            )
        if not _are_seconds(self.lags_s):
            raise ValueError(f"lags_s must be a tuple of numbers (seconds), not {brief(self.lags_s)}.")
        self._check_steps(data)

    def _change(self, data):
        for name, column in data.columns.items():
            fitted_hz = self.spec_.rates_hz[name]
            if column.rate_hz != fitted_hz:
                raise ValueError(
                    f"Column {name!r} has a rate of {column.rate_hz} Hz, but AddContext was fitted on "
                    f"{fitted_hz} Hz. Bring it to that rate with Align, or fit again."
                )
        self._check_steps(data)
        with_rate = [name for name, column in data.columns.items() if column.rate_hz is not None]
        return {name: self._add_context(data.open(name)) for name in with_rate}

    def _check_steps(self, data):
        """Refuse columns whose steps have no known duration, and windows below one step."""
        for name, column in data.columns.items():
            if column.rate_hz is not None:
                _to_steps(self.widths_s, column.rate_hz, name)
                _to_steps(self.lags_s, column.rate_hz, name)
            elif column.dtype.timed and (column.lengths > 1).any():
                raise ValueError(
                    f"Column {name!r} has no one rate for all rows. Bring it onto one time base first, with "
                    "Align(rate_hz=...)."
                )
            elif (column.lengths > 1).any():
                row = int((column.lengths > 1).argmax())
                raise ValueError(
                    f"Column {name!r}, {data.row_name(row)}: {column.lengths[row]} steps without a rate, so "
                    "that seconds mean nothing. Declare how many steps a second has: "
                    f"as_sequences(X, rate_hz={{{name!r}: 25}})."
                )

    def _add_context(self, column):
        widths = [n for n in _to_steps(self.widths_s, column.rate_hz) if n > 1]
        lags = _to_steps(self.lags_s, column.rate_hz)
        n_parts = 1 + len(widths) * len(self.statistics) + len(lags)
        lengths = present_lengths(column)
        result = np.empty((lengths.sum(), n_parts * column.width), dtype=column.frames.dtype)
        begin = 0
        for rows, frames in in_blocks(column.frames, column.starts, column.lengths):
            end = begin + len(frames)
            for i, part in enumerate(self._parts(frames, lengths[rows], widths, lags)):
                result[begin:end, i * column.width : (i + 1) * column.width] = part
            begin = end
        return column.with_frames(result)

    def _parts(self, frames, lengths, widths, lags):
        """Yield the features, the moving statistics and the lagged copies of rows that follow each other."""
        row_end = np.repeat(np.cumsum(lengths), lengths)
        row_begin = row_end - np.repeat(lengths, lengths)
        here = np.arange(len(frames))
        yield frames
        for n in widths:
            ahead = (n - 1) // 2 if self.centred else 0
            window = _Window(
                np.maximum(here + ahead + 1 - n, row_begin), np.minimum(here + ahead + 1, row_end)
            )
            for statistic in self.statistics:
                yield _moving(frames, lengths, window, statistic)
        for lag in lags:
            yield frames[np.clip(here - lag, row_begin, row_end - 1)]


def _moving(frames, lengths, window, statistic):
    if statistic != "std":
        return getattr(pd.DataFrame(frames).rolling(window, min_periods=1), statistic)()
    # Small deviations on large offsets need centring: on the first value of the row, not to look ahead.
    first = run_statistics(frames, np.cumsum(lengths) - lengths, lengths, ("first",))
    centred = frames - np.repeat(first.astype(float), lengths, axis=0)
    moving = pd.DataFrame(centred).rolling(window, min_periods=1)
    # pandas leaves a rounding error behind when all but one value of a window turn unobserved.
    return moving.std(ddof=0).mask(moving.count() == 1, 0.0)


class _Window(BaseIndexer):
    """Windows for pandas, by where each begins and ends.

    pandas starts its compensated sums afresh where a window does not overlap with the one before, which is
    what happens at the start of a row: rows do not touch each other, not even by rounding.
    """

    def __init__(self, begins, ends):
        super().__init__(window_size=0)
        self.begins, self.ends = begins.astype(np.int64), ends.astype(np.int64)

    def get_window_bounds(self, num_values=0, min_periods=None, center=None, closed=None, step=None):
        return self.begins, self.ends


def _are_seconds(durations):
    return np.ndim(durations) == 1 and all(isinstance(s, Real) and math.isfinite(s) for s in durations)


def _to_steps(seconds, rate_hz, name=None):
    """Round seconds to whole steps; repeated numbers of steps count once."""
    steps = {}
    for duration in seconds:
        n = int(np.copysign(np.floor(abs(duration) * rate_hz + 0.5), duration))
        if n == 0:
            raise ValueError(
                f"Column {name!r}: {duration} s is less than one step at {rate_hz} Hz. Leave it out."
            )
        steps[n] = None
    return list(steps)
