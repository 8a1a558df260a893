"""Bring streams of different rates and lengths onto one time base."""

import math
from numbers import Real

import numpy as np

from avfusion.preprocessing._base import StreamTransformer, blocks, present_lengths
from avfusion.preprocessing._statistics import check_statistics, run_statistics
from avfusion.sequences import SequenceArray
from avfusion.sequences._buffers import within_rows
from avfusion.sequences._messages import quoted

_SLACK = 1e-6  # of a step or frame: 24.999999 steps, from rounding, are 25


class Align(StreamTransformer):
    """Bring streams of different rates and lengths onto one time base.

    Step k of every stream becomes the statistics of what lies within [k / rate, (k + 1) / rate) seconds.
    All streams of a row end up with floor(duration of the shortest present stream x rate) steps; a partial
    step at the end is dropped, and so are the frames that outlast the shortest stream. A missing stream
    stays missing and does not count as shortest.

    - Down: the frames whose centres lie in a step are aggregated. With rates that do not divide (29.97 to
      1 Hz, 25 to 10 Hz) steps hold different numbers of frames, and a centre on the border of two steps
      belongs to the later one. Unobserved (NaN) values are left out; a step without any observed value is
      NaN.
    - Up: linear interpolation between the centres of frames to the centres of steps, constant beyond the
      first and last centre. A step whose nearest frame is unobserved is NaN. Each step then counts as one
      frame: mean, min and max are the interpolated value, and the standard deviation is 0.

    Parameters
    ----------
    rate_hz : float, optional
        Steps per second of the result.
    to : str, optional
        Column whose rate becomes the rate of the result. With neither `rate_hz` nor `to` it is the lowest
        rate among the columns; if no column has a rate, streams that agree in length are taken to be in
        step, and others are refused.
    aggregate : tuple of str, default=("mean",)
        Statistics of a step, side by side in the features of the result: all means, then all standard
        deviations and so on. Any of "mean", "std" (of a population: one frame has 0), "min", "max",
        "median", "first", "last", "slope" (per frame) and percentiles such as "q25".

    Attributes
    ----------
    rate_hz_ : float or None
        Rate of the result; None if the columns have none.
    modalities_ : dict of str to int
        Width and rate of each column of `fit`.

    Raises
    ------
    ValueError
        If a stream has no rate, or rates are unknown and a row's streams have different lengths.

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
    """

    def __init__(self, rate_hz=None, to=None, aggregate=("mean",)):
        self.rate_hz = rate_hz
        self.to = to
        self.aggregate = aggregate

    def _learn(self, data):
        check_statistics(self.aggregate)
        rate_hz = self._choose_rate(data)
        if rate_hz is None:
            _check_equal_lengths(data)
        self.rate_hz_ = rate_hz

    def _choose_rate(self, data):
        rates = {name: array.rate_hz for name, array in data.columns.items()}
        if self.rate_hz is not None and self.to is not None:
            raise ValueError(f"rate_hz={self.rate_hz!r} and to={self.to!r} are both given. Give one of them.")
        if self.to is not None and self.to not in rates:
            raise ValueError(f"to={self.to!r} is no sequence column of X, which has {quoted(rates)}.")
        if self.rate_hz is not None and not (isinstance(self.rate_hz, Real) and 0 < self.rate_hz < math.inf):
            raise ValueError(f"rate_hz must be a positive number of steps per second, not {self.rate_hz!r}.")
        if self.rate_hz is None and self.to is None and not any(rates.values()):
            return None
        _check_rates(rates)
        return float(self.rate_hz or rates.get(self.to) or min(rates.values()))

    def _change(self, data):
        rates = {name: array.rate_hz for name, array in data.columns.items()}
        if self.rate_hz_ is not None:
            _check_rates(rates)
            steps = _common_steps(data, self.rate_hz_)
        elif any(rates.values()):
            rated = quoted(name for name, rate in rates.items() if rate)
            raise ValueError(
                f"Align was fitted on columns without rates, but X has rates for {rated}. Fit it again."
            )
        else:
            steps = _check_equal_lengths(data)
        return {name: self._align(data.open(name), steps) for name in data.columns}

    def _align(self, column, steps):
        """Give each present row of one column its number of steps."""
        steps = np.where(column.lengths < 0, -1, steps)
        ratio = 1.0 if self.rate_hz_ is None else column.rate_hz / self.rate_hz_
        frames = column.frames
        if ratio < 1:
            frames = _interpolate(column, steps, ratio)
            begins, lengths = np.arange(len(frames)), np.ones(len(frames), dtype=np.int64)
        else:
            begins, lengths = _frames_of_steps(column, steps, ratio)
        frames = run_statistics(frames, begins, lengths, self.aggregate)
        return SequenceArray.from_packed(frames, steps, self.rate_hz_)


def _check_rates(rates):
    without = [name for name, rate in rates.items() if rate is None]
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


def _common_steps(data, rate_hz):
    """Count the whole steps of the shortest present stream of each row."""
    steps = np.full(len(data), np.inf)
    for array in data.columns.values():
        own = np.where(array.lengths < 0, np.inf, array.lengths * (rate_hz / array.rate_hz))
        steps = np.minimum(steps, own)
    return np.floor(np.where(np.isinf(steps), 0, steps) + _SLACK).astype(np.int64)


def _step_numbers(steps):
    """Return for all steps of all rows, in order, the row and the number within the row."""
    return within_rows(np.maximum(steps, 0))


def _frames_of_steps(column, steps, ratio):
    """Find the frames whose centres lie in each step: first frame in the flat buffer, and how many."""
    rows, step = _step_numbers(steps)
    borders = [np.ceil(k * ratio - 0.5 - _SLACK).astype(np.int64) for k in (step, step + 1)]
    first, last = (np.clip(border, 0, column.lengths[rows]) for border in borders)
    return column.starts[rows] + first, last - first


def _interpolate(column, steps, ratio):
    """Read a slow stream at the centres of the steps."""
    rows, step = _step_numbers(steps)
    result = np.empty((len(rows), column.width), dtype=column.frames.dtype)
    last = present_lengths(column) - 1
    for begin, end in blocks(len(rows), column.width):
        row = rows[begin:end]
        position = np.clip((step[begin:end] + 0.5) * ratio - 0.5, 0, last[row])
        below = np.minimum(position.astype(np.int64), last[row])
        weight = (position - below)[:, None]
        low = column.frames[column.starts[row] + below].astype(np.float64)
        high = column.frames[column.starts[row] + np.minimum(below + 1, last[row])].astype(np.float64)
        between = low + weight * (high - low)
        result[begin:end] = np.where(np.isnan(between), np.where(weight < 0.5, low, high), between)
    return result
