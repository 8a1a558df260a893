"""What one pass over the frames of a column finds: what is missing, infinite, constant, or a marker."""

from dataclasses import dataclass

import numpy as np

BLOCK = 2_000_000  # numbers looked at at once
# Integers that tools write for "nothing", if they are repeated and far from all other values.
MARKERS = (-1, -5, -9, -99, -100, -999, -1000, -9999, -10000, -32768, 99, 999, 9999, 99999, 32767, 65535)
N_REPEATS, N_OTHERS, GAP = 10, 30, 2.0  # times, other values, and ranges of these that the marker is apart


@dataclass
class StreamSummary:
    """Counts over all present steps of a column.

    Parameters
    ----------
    n_steps, n_nan_steps, n_partly, n_nan, n_infinite : int
        Steps; those that are NaN altogether, or in part; values that are NaN, or infinite.
    longest_gap, gap_row : int
        Most steps of NaN on end, and the row that has them.
    constant : list of int
        Features with one value, or none.
    markers : dict of int to (float, int)
        Features in which a number seems to stand for "nothing": the number, and how often.

    Examples
    --------
    >>> StreamSummary(n_steps=3).markers
    {}
    """

    n_steps: int = 0
    n_nan_steps: int = 0
    n_partly: int = 0
    n_nan: int = 0
    n_infinite: int = 0
    longest_gap: int = 0
    gap_row: int = 0
    constant: list = None
    markers: dict = None

    def __post_init__(self):
        self.constant, self.markers = self.constant or [], self.markers or {}


def summarize(column):
    """Look once at all frames of a column, a block at a time.

    Parameters
    ----------
    column : SequenceArray

    Returns
    -------
    StreamSummary

    Examples
    --------
    >>> from avfusion.sequences import SequenceArray
    >>> found = summarize(SequenceArray.from_sequences([[[1, 2], [1, float("nan")], [1, 3]], None]))
    >>> found.n_steps, found.n_partly, found.constant
    (3, 1, [0])
    """
    found, low, high = StreamSummary(), _Extreme(column.width), _Extreme(column.width)
    size = max(1, BLOCK // column.width)
    for row, (start, length) in enumerate(zip(column.starts, column.lengths)):
        run = 0
        for first in range(start, start + max(length, 0), size):
            values = np.asarray(column.frames[first : min(first + size, start + length)], dtype=np.float64)
            run = _count(found, values, row, run)
            infinite = np.isinf(values)
            if infinite.any():
                values = np.where(infinite, np.nan, values)
            low.update(values)
            high.update(-values)
    if found.n_steps:
        found.constant = np.flatnonzero(~(low.value < -high.value)).tolist()
        found.markers = _markers(low, -high.value) | _markers(high, -low.value, sign=-1)
    return found


def _count(found, values, row, run):
    """Add up what is missing, and return how many steps of NaN are at the end, from `run` at the begin on."""
    nan = np.isnan(values)
    empty = nan.all(axis=1)
    found.n_steps += len(values)
    found.n_nan += int(nan.sum())
    found.n_nan_steps += int(empty.sum())
    found.n_partly += int(nan.any(axis=1).sum()) - int(empty.sum())
    found.n_infinite += int(np.isinf(values).sum())
    if not empty.any():
        return 0
    seen = np.flatnonzero(~empty)
    ends = np.concatenate([[-1 - run], seen, [len(values)]])
    longest = int(np.diff(ends).max()) - 1
    if longest > found.longest_gap:
        found.longest_gap, found.gap_row = longest, row
    return int(len(values) - 1 - ends[-2])


class _Extreme:
    """The lowest value of each feature, how often it occurs, the lowest of the others, and their number."""

    def __init__(self, width):
        self.value, self.next = np.full(width, np.inf), np.full(width, np.inf)
        self.count, self.others = np.zeros(width, dtype=np.int64), np.zeros(width, dtype=np.int64)

    def update(self, values):
        known = (~np.isnan(values)).sum(axis=0)
        filled = np.where(np.isnan(values), np.inf, values)
        lowest = filled.min(axis=0)
        at = filled == lowest
        count = np.where(known > 0, at.sum(axis=0), 0)
        beyond = np.where(at, np.inf, filled).min(axis=0)
        total = self.count + self.others + known
        higher = [self.value, lowest, self.next, beyond]
        value = np.minimum(self.value, lowest)
        self.count = self.count * (self.value == value) + count * (lowest == value)
        self.next = np.min([np.where(part > value, part, np.inf) for part in higher], axis=0)
        self.value, self.others = value, total - self.count


def _markers(extreme, top, sign=1):
    """Return the features whose lowest value, or highest with sign -1, stands for nothing."""
    with np.errstate(invalid="ignore"):
        spread, gap = top - extreme.next, extreme.next - extreme.value
        likely = np.isin(sign * extreme.value, MARKERS) & (extreme.count >= N_REPEATS)
        likely &= (extreme.others >= N_OTHERS) & (spread > 0) & (gap >= GAP * spread)
    return {int(k): (float(sign * extreme.value[k]), int(extreme.count[k])) for k in np.flatnonzero(likely)}
