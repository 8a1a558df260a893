"""Bring streams of different clocks onto one time base."""

import math
from collections.abc import Mapping
from numbers import Real

import numpy as np

from avfusion.preprocessing._base import StreamTransformer
from avfusion.preprocessing._grid import SLACK, Grid
from avfusion.preprocessing._statistics import check_statistics
from avfusion.preprocessing._timed_statistics import BRIDGING, TIMED_STATISTICS
from avfusion.sequences._messages import quoted


class Align(StreamTransformer):
    """Bring streams of different rates, starts and lengths, intervals and events onto one time base.

    Step k of every stream becomes the statistics of what lies within [k / rate, (k + 1) / rate) seconds from
    the begin of the row. A row begins where the earliest of its streams with a rate does (one that declares
    no start begins at 0), and all its streams end up with floor(duration until the first of them ends x rate)
    steps: a partial step at the end is dropped, and so are the frames that outlast the shortest stream. A
    stream that starts later is NaN before. A missing stream stays missing and does not count. Streams with a
    time for each step (words, shots, events) do not decide where a row begins and ends, unless it has no
    others.

    - Down: the frames whose centres lie in a step are aggregated. With rates that do not divide (29.97 to
      1 Hz, 25 to 10 Hz) steps hold different numbers of frames, and a centre on the border of two steps
      belongs to the later one. Unobserved (NaN) values are left out; a step without any observed value is
      NaN.
    - Up: linear interpolation between the centres of frames to the centres of steps, constant beyond the
      first and last centre. A step whose nearest frame is unobserved is NaN. Each step then counts as one
      frame: mean, min and max are the interpolated value, and the standard deviation is 0.
    - Intervals and instants: the mean is weighted by the time that an interval has in the step; "share" is
      the share of the step that intervals cover, "count" the number that begin in it, "hold" the value of the
      last one and "interpolate" the line between neighbours, both at the centre of the step. The other
      statistics are of all that touch the step.

    Parameters
    ----------
    rate_hz : float, optional
        Steps per second of the result.
    to : str, optional
        Column whose rate becomes the rate of the result. With neither `rate_hz` nor `to` it is the lowest
        rate among the columns; if no column has a rate, streams that agree in length are taken to be in
        step, and others are refused.
    aggregate : tuple of str, or mapping of str to tuple of str, default=("mean",)
        Statistics of a step, side by side in the features of the result: all means, then all standard
        deviations and so on. Any of "mean", "std" (of a population: one frame has 0), "min", "max",
        "median", "first", "last", "slope" (per frame), percentiles such as "q25", and "share", "count",
        "hold" and "interpolate". A mapping has those of the columns that it names; the others have the mean.
    max_gap_s : float, optional
        The longest stretch of time in which nothing was observed that "hold" and "interpolate" bridge, in
        seconds. Needed for these two only; ``float("inf")`` bridges any.

    Attributes
    ----------
    rate_hz_ : float or None
        Rate of the result; None if the columns have none.
    modalities_ : dict of str to int
        Width and rate of each column of `fit`.

    Raises
    ------
    ValueError
        If a stream has no clock, rates are unknown and a row's streams have different lengths, or two streams
        of a row share no moment.

    Examples
    --------
    >>> import numpy as np
    >>> from avfusion.sequences import as_sequences
    >>> from avfusion.preprocessing import Align
    >>> X = as_sequences({"audio": [np.arange(100.0)], "video": [np.arange(6.0)]},
    ...                  rate_hz={"audio": 25, "video": 2})
    >>> aligned = Align(rate_hz=1.0, aggregate=("mean", "std")).fit_transform(X)
    >>> aligned["audio"].array[0].frames  # 3 steps: video lasts 3 seconds
    array([[12.       ,  7.2111025],
           [37.       ,  7.2111025],
           [62.       ,  7.2111025]], dtype=float32)

    Words at times of their own, beside audio:

    >>> from avfusion.sequences import Sequence
    >>> X["words"] = as_sequences({"words": [Sequence([1.0, 1.0], times_s=[[0.2, 0.6], [0.9, 1.4]])]})
    >>> Align(rate_hz=1.0, aggregate={"words": ("share", "count")}).fit_transform(X)["words"].array[0].frames
    array([[0.5, 2. ],
           [0.4, 0. ],
           [0. , 0. ]], dtype=float32)
    """

    def __init__(self, rate_hz=None, to=None, aggregate=("mean",), max_gap_s=None):
        self.rate_hz = rate_hz
        self.to = to
        self.aggregate = aggregate
        self.max_gap_s = max_gap_s

    def _learn(self, data):
        self._check_parameters(data)
        rate_hz = self._choose_rate(data)
        if rate_hz is None:
            _check_equal_lengths(data)
        self.rate_hz_ = rate_hz

    def _check_parameters(self, data):
        named = self.aggregate if isinstance(self.aggregate, Mapping) else {}
        unknown = [name for name in named if name not in data.columns]
        if unknown:
            raise ValueError(
                f"aggregate names {quoted(unknown)}, but the sequence columns of X are "
                f"{quoted(data.columns)}."
            )
        for name in data.columns:
            statistics = check_statistics(self._statistics(name), more=TIMED_STATISTICS)
            if self.max_gap_s is None and any(statistic in BRIDGING for statistic in statistics):
                raise ValueError(
                    f"aggregate has {quoted(s for s in statistics if s in BRIDGING)} for {name!r}: say how "
                    "long a gap may be bridged, as in max_gap_s=1.0 (seconds)."
                )
        gap = self.max_gap_s
        if gap is not None and not (isinstance(gap, Real) and gap >= 0):
            raise ValueError(f"max_gap_s must be a number of seconds, 0 or more, not {gap!r}.")

    def _statistics(self, name):
        if not isinstance(self.aggregate, Mapping):
            return self.aggregate
        statistics = self.aggregate.get(name, ("mean",))
        return (statistics,) if isinstance(statistics, str) else statistics

    def _choose_rate(self, data):
        if self.rate_hz is not None and self.to is not None:
            raise ValueError(f"rate_hz={self.rate_hz!r} and to={self.to!r} are both given. Give one of them.")
        if self.to is not None and self.to not in data.columns:
            raise ValueError(f"to={self.to!r} is no sequence column of X, which has {quoted(data.columns)}.")
        if self.rate_hz is not None and not (isinstance(self.rate_hz, Real) and 0 < self.rate_hz < math.inf):
            raise ValueError(f"rate_hz must be a positive number of steps per second, not {self.rate_hz!r}.")
        if self.rate_hz is None and self.to is None and not any(c.dtype.timed for c in data.columns.values()):
            return None
        _check_clocks(data)
        if self.rate_hz is not None:
            return float(self.rate_hz)
        chosen = data.columns if self.to is None else {self.to: data.columns[self.to]}
        rates = [column.rates_hz[~np.isnan(column.rates_hz)] for column in chosen.values()]
        rates = np.concatenate(rates)
        if not len(rates) or (self.to is not None and len(np.unique(rates)) > 1):
            raise ValueError(
                f"{quoted(chosen)} has no one rate that the result could take. Give rate_hz=..., in steps "
                "per second."
            )
        return float(rates.min())

    def _change(self, data):
        if self.rate_hz_ is None:
            timed = quoted(name for name, column in data.columns.items() if column.dtype.timed)
            if timed:
                raise ValueError(
                    f"Align was fitted on columns without rates, but X has rates for {timed}. Fit it again."
                )
            _check_equal_lengths(data)
            grid = None
        else:
            _check_clocks(data)
            grid = common_grid(data, self.rate_hz_)
        declared = any(
            column.dtype.clock == "times" or not np.isnan(column.starts_s).all()
            for column in data.columns.values()
        )
        return {name: self._align(data.open(name), name, grid, declared) for name in data.columns}

    def _align(self, column, name, grid, declared):
        if grid is None:  # in step already: each step is its own
            unit = Grid(1.0, np.zeros(len(column)), np.maximum(column.lengths, 0))
            aligned = unit.read(column.with_clock(1.0), tuple(self._statistics(name)), self.max_gap_s, False)
            return aligned.with_clock()
        return grid.read(column, tuple(self._statistics(name)), self.max_gap_s, declared)


def common_grid(data, rate_hz):
    """Return the time base that all streams of a row can be brought onto.

    Parameters
    ----------
    data : Recordings
        With a clock in every column.
    rate_hz : float

    Returns
    -------
    Grid

    Raises
    ------
    ValueError
        If two streams of a row share no moment.
    """
    n_rows = len(data)
    starts, ends = np.full(n_rows, np.inf), np.full(n_rows, np.inf)
    latest = np.full(n_rows, -np.inf)
    for column in data.columns.values():
        present = (column.lengths >= 0) & ~np.isnan(column.rates_hz)
        own = np.where(present, np.nan_to_num(column.starts_s), np.inf)
        starts, latest = np.minimum(starts, own), np.maximum(latest, np.where(present, own, -np.inf))
        with np.errstate(invalid="ignore"):
            ends = np.minimum(ends, np.where(present, own + column.lengths / column.rates_hz, np.inf))
    apart = np.flatnonzero((latest >= ends) & (ends > starts))
    if len(apart):
        row = apart[0]
        raise ValueError(
            f"The streams of {data.row_name(row)} share no moment: one ends at {ends[row]:.4g} s, another "
            f"begins at {latest[row]:.4g} s. Correct start_s, or make one of them absent (None)."
        )
    starts, ends = _of_timed_rows(data, starts, ends, rate_hz)
    known = np.isfinite(starts)
    starts = np.where(known, starts, 0.0)
    steps = np.floor(np.where(known, ends - starts, 0.0) * rate_hz + SLACK).astype(np.int64)
    return Grid(rate_hz, starts, np.maximum(steps, 0))


def _of_timed_rows(data, starts, ends, rate_hz):
    """Let rows without a stream that has a rate begin and end, in whole steps, where their intervals do."""
    first, last = np.full(len(data), np.inf), np.full(len(data), -np.inf)
    for column in data.columns.values():
        if column.dtype.clock == "times":
            counts = np.maximum(column.lengths, 0)
            row = np.repeat(np.arange(len(data)), counts)
            times = column.step_times()
            np.minimum.at(first, row, times[:, 0])
            np.maximum.at(last, row, np.maximum(times[:, 1], np.nextafter(times[:, 0], np.inf)))
    alone = np.isinf(starts) & np.isfinite(first)
    starts, ends = starts.copy(), ends.copy()
    starts[alone] = np.floor(first[alone] * rate_hz + SLACK) / rate_hz
    ends[alone] = starts[alone] + np.ceil((last[alone] - starts[alone]) * rate_hz - SLACK) / rate_hz
    return starts, ends


def _check_clocks(data):
    without = [name for name, column in data.columns.items() if not column.dtype.timed]
    if without:
        raise ValueError(
            f"Columns without a rate cannot be aligned in time: {quoted(without)}. Declare how many frames a "
            f"second has: as_sequences(X, rate_hz={{{without[0]!r}: 25}})."
        )


def _check_equal_lengths(data):
    """Return the length of each row's streams, which have to be the same."""
    lengths = np.stack([array.lengths for array in data.columns.values()])
    longest = lengths.max(axis=0)
    unequal = (lengths != longest) & (lengths >= 0)
    if unequal.any():
        row = int(unequal.any(axis=0).argmax())
        found = ", ".join(f"{name!r} {n}" for name, n in zip(data.columns, lengths[:, row]) if n >= 0)
        raise ValueError(
            f"The streams of {data.row_name(row)} have different lengths ({found}) and no rates. Declare the "
            "rates, as_sequences(X, rate_hz={'audio': 25, 'video': 30}), or give streams of one length."
        )
    return longest
