"""One pass over the frames of a column: missing, infinite and constant values, and markers."""

from dataclasses import dataclass

import numpy as np

BLOCK = 65_536  # numbers looked at at once, which stay in the cache
# Integers that tools write for "nothing", if they are repeated and far from all other values.
MARKERS = (-1, -5, -9, -99, -100, -999, -1000, -9999, -10000, -32768, 99, 999, 9999, 99999, 32767, 65535)
_MAGNITUDES = np.unique(np.abs(MARKERS))
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
            values = np.asarray(column.frames[first : min(first + size, start + length)])
            known, run = _count(found, values, row, run)
            low.update(values, known)
            high.update(-values, known)
    if found.n_steps:
        found.constant = np.flatnonzero(~(low.value < -high.value)).tolist()
        found.markers = _markers(low, -high.value) | _markers(high, -low.value, sign=-1)
    return found


def _count(found, values, row, run):
    """Add up what is missing; return how many values are known, and the steps of NaN at the end."""
    found.n_steps += len(values)
    if np.isfinite(values.sum()):
        return np.full(values.shape[1], len(values)), 0
    nan = np.isnan(values)
    empty = nan.all(axis=1)
    found.n_nan += int(nan.sum())
    found.n_nan_steps += int(empty.sum())
    found.n_partly += int(nan.any(axis=1).sum()) - int(empty.sum())
    infinite = np.isinf(values)
    found.n_infinite += int(infinite.sum())
    known = (~(nan | infinite)).sum(axis=0)
    if not empty.any():
        return known, 0
    ends = np.concatenate([[-1 - run], np.flatnonzero(~empty), [len(values)]])
    longest = int(np.diff(ends).max()) - 1
    if longest > found.longest_gap:
        found.longest_gap, found.gap_row = longest, row
    return known, int(len(values) - 1 - ends[-2])


class _Extreme:
    """The lowest value of each feature and, if it may be a marker, its count and the lowest of the others."""

    def __init__(self, width):
        self.value, self.next = np.full(width, np.inf), np.full(width, np.inf)
        self.count, self.known = np.zeros(width, dtype=np.int64), np.zeros(width, dtype=np.int64)

    def update(self, values, known):
        if (known < len(values)).any():
            values = np.where(np.isfinite(values), values, np.inf)
        lowest = values.min(axis=0)
        count, beyond = np.zeros(len(lowest), dtype=np.int64), np.full(len(lowest), np.inf)
        likely = np.flatnonzero(np.isin(np.abs(lowest), _MAGNITUDES))
        if len(likely):
            at = values[:, likely] == lowest[likely]
            count[likely] = at.sum(axis=0)
            beyond[likely] = np.where(at, np.inf, values[:, likely]).min(axis=0)
        value = np.minimum(self.value, lowest)
        self.count = self.count * (self.value == value) + count * (lowest == value)
        others = (self.value, lowest, self.next, beyond)
        self.next = np.min([np.where(part > value, part, np.inf) for part in others], axis=0)
        self.value, self.known = value, self.known + known


def _markers(extreme, top, sign=1):
    """Return the features whose lowest value, or highest with sign -1, stands for nothing."""
    with np.errstate(invalid="ignore"):
        spread, gap = top - extreme.next, extreme.next - extreme.value
        likely = np.isin(sign * extreme.value, MARKERS) & (extreme.count >= N_REPEATS)
        likely &= (extreme.known - extreme.count >= N_OTHERS) & (spread > 0) & (gap >= GAP * spread)
    return {int(k): (float(sign * extreme.value[k]), int(extreme.count[k])) for k in np.flatnonzero(likely)}
