"""Statistics of steps over intervals and events: words, shots, ratings that change now and then."""

import copy

import numpy as np

from avfusion.preprocessing._statistics import run_statistics
from avfusion.sequences._buffers import packed_starts

TIMED_STATISTICS = ("share", "count", "hold", "interpolate")
BRIDGING = ("hold", "interpolate")
_SLACK = 1e-9  # seconds


def timed_statistics(frames, times, lengths, begins, counts, step_s, statistics, max_gap_s=None):
    """Compute what intervals and instants say of each step.

    Parameters
    ----------
    frames : numpy.ndarray of shape (N, D)
        Rows one after the other; NaN is not observed.
    times : numpy.ndarray of shape (N, 2)
        Begin and end in seconds; an instant ends when it begins.
    lengths : numpy.ndarray of int of shape (n_rows,)
        Frames of each row.
    begins : numpy.ndarray of shape (S,)
        When each step begins, rows one after the other.
    counts : numpy.ndarray of int of shape (n_rows,)
        Steps of each row, without a gap between them.
    step_s : float
        Length of a step.
    statistics : sequence of str
        "mean" weights by the time that an interval has in the step; "share" is the share of the step that
        intervals cover, "count" the number that begin in it; "hold" is the last value, "interpolate" the line
        between neighbours, both at the centre of the step. Any other is one of all intervals that touch it.
    max_gap_s : float, optional
        The longest time without any interval that "hold" and "interpolate" bridge.

    Returns
    -------
    numpy.ndarray of shape (S, len(statistics) * D)
        NaN where nothing is known, 0 for a share or count of nothing.

    Examples
    --------
    >>> one = np.ones(1, dtype=int)
    >>> speech, when = np.array([[1.0], [1.0]]), np.array([[0.5, 1.25], [2.0, 2.5]])
    >>> steps = np.arange(3.0)
    >>> timed_statistics(speech, when, 2 * one, steps, 3 * one, 1.0, ("share", "count"))
    array([[0.5 , 1.  ],
           [0.25, 0.  ],
           [0.5 , 1.  ]])
    """
    rows = _Rows(frames, times, lengths, begins, counts, step_s)
    parts = [
        _STATISTICS[name](rows, max_gap_s) if name in _STATISTICS else rows.touching(name)
        for name in statistics
    ]
    return np.concatenate(parts, axis=1).astype(frames.dtype)


class _Rows:
    """Frames in order of time within their rows, and the steps that they touch."""

    def __init__(self, frames, times, lengths, begins, counts, step_s):
        row = np.repeat(np.arange(len(lengths)), lengths)
        order = np.lexsort((times[:, 1], times[:, 0], row))
        self.frames, self.times, self.row = frames[order].astype(np.float64), times[order], row[order]
        self.first_frame, self.n_frames = packed_starts(lengths), lengths
        self.begins, self.counts, self.step_s = begins, counts, step_s
        self.first_step = packed_starts(counts)
        self.step_row = np.repeat(np.arange(len(counts)), counts)

    def keep(self, chosen, times=None):
        """Return some of the frames, in this order, which is by rows; maybe at other times."""
        part = copy.copy(self)
        part.frames, part.row = self.frames[chosen], self.row[chosen]
        part.times = self.times[chosen] if times is None else times
        part.n_frames = np.bincount(part.row, minlength=len(self.counts))
        part.first_frame = packed_starts(part.n_frames)
        return part

    def spans(self):
        """Return the first step of each frame and the one behind its last, as positions in `begins`."""
        start = np.zeros(len(self.counts))
        some = self.counts > 0
        start[some] = self.begins[self.first_step[some]]
        at = (self.times - start[self.row, None]) / self.step_s
        slack = _SLACK / self.step_s
        first = np.floor(at[:, 0] + slack)
        last = np.where(self.times[:, 1] > self.times[:, 0], np.ceil(at[:, 1] - slack), first + 1)
        count, base = self.counts[self.row], self.first_step[self.row]
        return (base + np.clip(border, 0, count).astype(np.int64) for border in (first, last))

    def pairs(self):
        """Return frame and step of each pair that touch, in order of steps."""
        first, last = self.spans()
        n = np.maximum(last - first, 0)
        frame = np.repeat(np.arange(len(n)), n)
        step = np.arange(len(frame)) - np.repeat(np.cumsum(n) - n, n) + first[frame]
        order = np.argsort(step, kind="stable")
        return frame[order], step[order]

    def touching(self, name):
        """Compute a statistic of all frames that touch a step."""
        if name == "mean":
            return self.mean()
        frame, step = self.pairs()
        n = np.bincount(step, minlength=len(self.begins))
        return run_statistics(self.frames[frame], packed_starts(n), n, (name,))

    def mean(self):
        """Average over frames, weighted by the time they have in the step; instants among themselves."""
        frame, step = self.pairs()
        weight = self.overlap(frame, step)[:, None]
        instant = (self.times[:, 1] == self.times[:, 0])[frame]
        covered = np.bincount(step, weight[:, 0], minlength=len(self.begins)) > 0
        weight = np.where(instant & ~covered[step], 1.0, weight[:, 0])[:, None]
        values = self.frames[frame]
        total = self.sum(step, np.where(np.isnan(values), 0.0, values * weight))
        weights = self.sum(step, weight * ~np.isnan(values))
        return total / np.where(weights > 0, weights, np.nan)

    def overlap(self, frame, step):
        """Return the seconds that a frame has in a step."""
        begin = self.begins[step]
        low, high = (
            np.maximum(self.times[frame, 0], begin),
            np.minimum(self.times[frame, 1], begin + self.step_s),
        )
        return np.maximum(high - low, 0.0)

    def last_before(self, times, centre):
        """Return the last frame at or before the centre of each step, -1 where its row has none.

        `times` of the frames are in order within each row.
        """
        if not len(times):
            return np.full(len(centre), -1)
        far = np.ptp(np.concatenate([times, centre])) + 1.0  # rows do not touch each other
        found = (
            np.searchsorted(times + self.row * far, centre + self.step_row * far + _SLACK, side="right") - 1
        )
        return np.where(found >= self.first_frame[self.step_row], found, -1)

    def sum(self, step, values):
        result = np.zeros((len(self.begins), values.shape[1]))
        np.add.at(result, step, values)
        return result


def _share(rows, _):
    """Compute the share of the step that observed intervals cover; where they overlap, time counts once."""
    result = np.zeros((len(rows.begins), rows.frames.shape[1]))
    whole, patterns = np.unique(~np.isnan(rows.frames), axis=1, return_inverse=True)
    for k in range(whole.shape[1]):
        seen = np.flatnonzero(whole[:, k])
        merged = rows.keep(seen, _without_overlap(rows.times[seen], rows.row[seen]))
        frame, step = merged.pairs()
        covered = np.bincount(step, merged.overlap(frame, step), minlength=len(rows.begins))
        result[:, np.ravel(patterns) == k] = np.minimum(covered / rows.step_s, 1.0)[:, None]
    return result


def _without_overlap(times, row):
    """Let each interval begin where those before it in its row have ended."""
    if not len(times):
        return times
    far = row * (times.max() - times.min() + 1.0)  # rows do not touch each other
    reach = np.maximum.accumulate(times[:, 1] + far)
    begins = np.maximum(times[:, 0] + far, np.concatenate([[-np.inf], reach[:-1]])) - far
    return np.stack([begins, np.maximum(times[:, 1], begins)], axis=1)


def _count(rows, _):
    """Count the observed frames that begin in the step."""
    start = np.zeros(len(rows.counts))
    some = rows.counts > 0
    start[some] = rows.begins[rows.first_step[some]]
    step = np.floor((rows.times[:, 0] - start[rows.row]) / rows.step_s + _SLACK / rows.step_s).astype(
        np.int64
    )
    inside = (step >= 0) & (step < rows.counts[rows.row])
    return rows.sum(
        (rows.first_step[rows.row] + step)[inside], (~np.isnan(rows.frames[inside])).astype(float)
    )


def _hold(rows, max_gap_s):
    """Find the value that holds at the centre of the step: of the last frame, if it ended not long ago."""
    centre = rows.begins + rows.step_s / 2
    result = np.full((len(centre), rows.frames.shape[1]), np.nan)
    for feature, values in enumerate(rows.frames.T):
        seen = rows.keep(np.flatnonzero(~np.isnan(values)))
        last = seen.last_before(seen.times[:, 0], centre)
        step = np.flatnonzero(last >= 0)
        step = step[centre[step] - seen.times[last[step], 1] <= max_gap_s + _SLACK]
        result[step, feature] = seen.frames[last[step], feature]
    return result


def _interpolate(rows, max_gap_s):
    """Draw the line between the centres of neighbours; beside gaps take what holds."""
    centre = rows.begins + rows.step_s / 2
    result = np.full((len(centre), rows.frames.shape[1]), np.nan)
    for feature, values in enumerate(rows.frames.T):
        some = np.flatnonzero(~np.isnan(values))
        some = some[np.lexsort((rows.times[some].mean(axis=1), rows.row[some]))]
        result[:, feature] = _line(rows.keep(some), values[some], centre, max_gap_s)
    return result


def _line(rows, values, centre, max_gap_s):
    line = np.full(len(centre), np.nan)
    if not len(values):
        return line
    middle = rows.times.mean(axis=1)
    low = rows.last_before(middle, centre)
    first, behind = (border[rows.step_row] for border in (rows.first_frame, rows.first_frame + rows.n_frames))
    high = np.where(low >= 0, low + 1, first)
    step = np.flatnonzero((low >= 0) & (high < behind))
    step = step[rows.times[high[step], 0] - rows.times[low[step], 1] <= max_gap_s + _SLACK]
    one, other = low[step], high[step]
    weight = (centre[step] - middle[one]) / np.where(
        middle[other] > middle[one], middle[other] - middle[one], 1.0
    )
    line[step] = values[one] + weight * (values[other] - values[one])
    for side in (low, high):
        step = np.flatnonzero(np.isnan(line) & (side >= first) & (side < behind))
        begin, end = rows.times[side[step]].T
        step = step[(begin <= centre[step] + _SLACK) & (centre[step] <= end + _SLACK)]
        line[step] = values[side[step]]
    return line


_STATISTICS = {"share": _share, "count": _count, "hold": _hold, "interpolate": _interpolate}
