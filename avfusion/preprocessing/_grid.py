"""The steps of a common time base, and what a stream says of each of them."""

from dataclasses import dataclass

import numpy as np

from avfusion.preprocessing._base import blocks, present_lengths
from avfusion.preprocessing._statistics import run_statistics
from avfusion.preprocessing._timed_statistics import TIMED_STATISTICS, timed_statistics
from avfusion.sequences import SequenceArray
from avfusion.sequences._buffers import within_rows

SLACK = 1e-6  # of a step or frame: 24.999999 steps, from rounding, are 25


@dataclass(frozen=True, eq=False)
class Grid:
    """Steps of equal length: step k of a row is [start + k / rate, start + (k + 1) / rate) seconds.

    Parameters
    ----------
    rate_hz : float
        Steps per second.
    starts_s : numpy.ndarray of float64 of shape (n_rows,)
        When the first step begins.
    steps : numpy.ndarray of int64 of shape (n_rows,)
        Number of steps.

    Examples
    --------
    >>> grid = Grid(1.0, np.array([0.5]), np.array([2]))
    >>> column = SequenceArray.from_sequences([[1.0, 2.0, 3.0, 4.0, 5.0]], rate_hz=2)
    >>> grid.read(column)[0].frames.ravel()
    array([2.5, 4.5])
    """

    rate_hz: float
    starts_s: np.ndarray
    steps: np.ndarray

    def read(self, column, statistics=("mean",), max_gap_s=None, declared=True):
        """Bring a column onto the grid.

        Parameters
        ----------
        column : SequenceArray
            With a clock. Its frames lie one after the other.
        statistics : tuple of str, default=("mean",)
            Of a step, side by side.
        max_gap_s : float, optional
            The longest gap that is bridged, for those statistics that bridge any.
        declared : bool, default=True
            Whether the result says when its rows start.

        Returns
        -------
        SequenceArray
            Of the rate of the grid. A missing row stays missing.
        """
        steps = np.where(column.lengths < 0, -1, self.steps)
        ratios = column.rates_hz / self.rate_hz
        if column.dtype.clock == "times" or any(name in TIMED_STATISTICS for name in statistics):
            frames = self._by_time(column, steps, statistics, max_gap_s)
        else:
            faster = ratios >= 1
            frames = np.full(
                (int(np.maximum(steps, 0).sum()), column.width * len(statistics)), np.nan, column.frames.dtype
            )
            rows = np.repeat(np.arange(len(steps)), np.maximum(steps, 0))
            for some, frames_of in ((faster, _aggregated), (~faster, _interpolated)):
                if (some & (steps > 0)).any():
                    chosen = np.where(some, steps, -1)
                    shift = (self.starts_s - np.nan_to_num(column.starts_s)) * column.rates_hz
                    frames[some[rows]] = frames_of(column, chosen, ratios, shift, statistics)
        starts_s = self.starts_s if declared else None
        return SequenceArray.from_packed(frames, steps, self.rate_hz, start_s=starts_s)

    def _by_time(self, column, steps, statistics, max_gap_s):
        counts = np.maximum(steps, 0)
        row, step = within_rows(counts)
        begins = self.starts_s[row] + step / self.rate_hz
        return timed_statistics(
            column.pack().frames,
            column.step_times(),
            present_lengths(column),
            begins,
            counts,
            1 / self.rate_hz,
            statistics,
            max_gap_s,
        )


def _aggregated(column, steps, ratios, shift, statistics):
    """Aggregate the frames whose centres lie in each step; `shift` is the start of the grid in frames."""
    rows, step = within_rows(np.maximum(steps, 0))
    ratio = ratios[rows]
    borders = [np.ceil(shift[rows] + k * ratio - 0.5 - SLACK).astype(np.int64) for k in (step, step + 1)]
    first, last = (np.clip(border, 0, column.lengths[rows]) for border in borders)
    return run_statistics(column.frames, column.starts[rows] + first, last - first, statistics)


def _interpolated(column, steps, ratios, shift, statistics):
    """Read a slow stream at the centres of the steps, each of which then counts as one frame."""
    rows, step = within_rows(np.maximum(steps, 0))
    result = np.empty((len(rows), column.width), dtype=column.frames.dtype)
    last = present_lengths(column) - 1
    for begin, end in blocks(len(rows), column.width):
        row = rows[begin:end]
        exact = shift[row] + (step[begin:end] + 0.5) * ratios[row] - 0.5
        outside = (exact < -0.5 - SLACK) | (exact > last[row] + 0.5 + SLACK)
        position = np.clip(exact, 0, np.maximum(last[row], 0))
        below = np.minimum(position.astype(np.int64), last[row])
        weight = (position - below)[:, None]
        low = column.frames[column.starts[row] + below].astype(np.float64)
        high = column.frames[column.starts[row] + np.minimum(below + 1, last[row])].astype(np.float64)
        between = low + weight * (high - low)
        between = np.where(np.isnan(between), np.where(weight < 0.5, low, high), between)
        result[begin:end] = np.where(outside[:, None], np.nan, between)
    return run_statistics(result, np.arange(len(rows)), np.ones(len(rows), dtype=np.int64), statistics)
