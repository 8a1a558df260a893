"""The steps of a common time base, and what a stream says of each of them."""

from dataclasses import dataclass

import numpy as np

from avfusion.preprocessing._base import blocks, present_lengths
from avfusion.preprocessing._statistics import run_statistics
from avfusion.preprocessing._timed_statistics import TIMED_STATISTICS, timed_statistics
from avfusion.sequences import SequenceArray
from avfusion.sequences._buffers import in_blocks, within_rows
from avfusion.sequences._paging import release

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
            With a clock.
        statistics : tuple of str, default=("mean",)
            Of a step, side by side.
        max_gap_s : float, optional
            The longest gap that is bridged, for those statistics that bridge any.
        declared : bool, default=True
            Whether the result says when its rows start.

        Returns
        -------
        SequenceArray
            Of the rate of the grid; over the same frames where each step is one of them. A missing row
            stays missing.
        """
        steps = np.where(column.lengths < 0, -1, self.steps)
        ratios = column.rates_hz / self.rate_hz
        starts_s = self.starts_s if declared else None
        shift = (self.starts_s - np.nan_to_num(column.starts_s)) * column.rates_hz
        if tuple(statistics) == ("mean",) and column.dtype.clock != "times":
            first = _in_step(column, steps, ratios, shift)
            if first is not None:  # no frame is copied
                starts = np.where(steps > 0, column.starts + first, 0)
                return SequenceArray(column.frames, starts, steps, self.rate_hz, start_s=starts_s)
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
                    frames[some[rows]] = frames_of(column, chosen, ratios, shift, statistics)
        return SequenceArray.from_packed(frames, steps, self.rate_hz, start_s=starts_s)

    def _by_time(self, column, steps, statistics, max_gap_s):
        """Go by the time of each step, in blocks of rows."""
        counts, lengths = np.maximum(steps, 0), present_lengths(column)
        times, ends, parts = column.step_times(), np.cumsum(lengths), []
        for rows, frames in in_blocks(column.frames, column.starts, column.lengths):
            row, step = within_rows(counts[rows])
            begins = self.starts_s[rows][row] + step / self.rate_hz
            own = times[ends[rows.start] - lengths[rows.start] : ends[rows.stop - 1]]
            of_rows = (frames, own, lengths[rows], begins, counts[rows])
            parts.append(timed_statistics(*of_rows, 1 / self.rate_hz, statistics, max_gap_s))
        empty = np.empty((0, column.width * len(statistics)), column.frames.dtype)
        return np.concatenate([empty, *parts])


def _in_step(column, steps, ratios, shift):
    """Return the first frame of each row where each step is one frame that is there, else None."""
    first = np.rint(np.where(steps > 0, shift, 0.0))
    if (np.abs(np.where(steps > 0, ratios - 1, 0.0)) * np.maximum(steps, 1) > SLACK).any():
        return None
    inside = (np.abs(np.where(steps > 0, shift, 0.0) - first) < SLACK) & (first >= 0)
    inside &= first + steps <= present_lengths(column)
    return first.astype(np.int64) if inside[steps > 0].all() else None


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
        of_block = np.unique(row)
        release(column.frames, column.starts[of_block], column.lengths[of_block])
    return run_statistics(result, np.arange(len(rows)), np.ones(len(rows), dtype=np.int64), statistics)
