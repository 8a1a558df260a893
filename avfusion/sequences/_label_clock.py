"""Labels have time of their own: they are put onto the steps of the streams that they belong to."""

from contextvars import ContextVar
from dataclasses import dataclass, replace

import numpy as np

from avfusion._warnings import warn_user
from avfusion.sequences._buffers import gather, packed_starts
from avfusion.sequences._clock import WITHIN_STEP
from avfusion.sequences._messages import row_name

NOTHING = frozenset()
TOLD = ContextVar("what has been told already, by a tool that fits many times", default=NOTHING)
END_TOLERANCE = 1  # steps by which ends may differ where rates are declared and starts are not


@dataclass(frozen=True, eq=False)
class RowClock:
    """When the steps of rows are.

    Parameters
    ----------
    rates_hz, starts_s : numpy.ndarray of float64 of shape (n_rows,)
        NaN where not known.
    times_s : numpy.ndarray of float64 of shape (n_steps, 2), optional
        Begin and end of all steps, rows one after the other, where they have times of their own.

    Examples
    --------
    >>> RowClock(np.array([25.0]), np.array([np.nan])).known
    True
    """

    rates_hz: np.ndarray
    starts_s: np.ndarray
    times_s: np.ndarray | None = None

    @classmethod
    def of(cls, column):
        """Return the clock of a `SequenceArray`, None where it knows nothing of time."""
        if not column.dtype.timed:
            return None
        times = column.step_times() if column.dtype.clock == "times" else None
        starts = column.starts_s if times is None else np.full(len(column), np.nan)
        return cls(column.rates_hz, starts, times)

    @property
    def known(self):
        """Return whether anything is known of time."""
        return self.times_s is not None or not np.isnan(self.rates_hz).all()

    def take(self, rows, lengths):
        """Return the clock of some rows, of which all together have these lengths."""
        times = (
            None
            if self.times_s is None
            else gather(self.times_s, packed_starts(lengths)[rows], lengths[rows])
        )
        return RowClock(self.rates_hz[rows], self.starts_s[rows], times)

    def arguments(self):
        """Return the clock as arguments of `SequenceArray`."""
        if self.times_s is not None:
            return {"times_s": self.times_s}
        starts = None if np.isnan(self.starts_s).all() else self.starts_s
        known = np.unique(self.rates_hz[~np.isnan(self.rates_hz)])
        rate_hz = None if not len(known) else float(known[0]) if len(known) == 1 else self.rates_hz
        return {"rate_hz": rate_hz, "start_s": starts}


def same_clock(clocks, lengths):
    """Return the clock that several columns of labels agree on, where they declare one.

    Parameters
    ----------
    clocks : list of RowClock or None
    lengths : numpy.ndarray of int of shape (n_rows,)
        Of the rows of all.

    Returns
    -------
    RowClock or None
        The first one that is declared.

    Raises
    ------
    ValueError
        If rates or starts of a row differ.
    """
    declared = [clock for clock in clocks if clock is not None]
    if not declared:
        return None
    first = declared[0]
    for other in declared[1:]:
        if not _same_times(first.times_s, other.times_s):
            raise ValueError(
                "The targets have times of their own, and not the same. Bring them onto one base first."
            )
        for name in ("rates_hz", "starts_s"):
            one, two = getattr(first, name), getattr(other, name)
            wrong = (one != two) & ~np.isnan(one) & ~np.isnan(two) & (lengths >= 0)
            if wrong.any():
                row = int(wrong.argmax())
                raise ValueError(
                    f"The targets of row {row} have different clocks: {name} is {one[row]:g} and "
                    f"{two[row]:g}. Bring them onto one time base first."
                )
    return first


def _same_times(one, other):
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


def place_labels(targets, lengths, clock, what="y", ask=True, report=True):
    """Put labels onto the steps of streams, by time where both declare it.

    Parameters
    ----------
    targets : Targets
        Labels per frame.
    lengths : numpy.ndarray of int of shape (n_rows,)
        Steps of the streams, -1 where there are none.
    clock : RowClock
        Of the streams.
    what : str, default="y"
        What messages call the labels.
    ask : bool, default=True
        Whether a start that only the labels declare is refused where both are as long; else they are in step.

    Returns
    -------
    Targets
        With a label for each step, NaN where there is none. The same object where nothing has to be moved or
        nothing is known.

    Raises
    ------
    ValueError
        If labels and streams of a row share no moment, or are as long but the labels alone say when they
        begin.

    Warns
    -----
    UserWarning
        If labels lie outside the streams: how many are left out.

    Examples
    --------
    >>> from avfusion.sequences import SequenceArray
    >>> from avfusion.sequences._targets import as_targets
    >>> import pandas as pd
    >>> y = as_targets(pd.Series(SequenceArray.from_packed([[1.0], [2.0]], [2], 2, start_s=0.5)))
    >>> steps = RowClock(np.array([2.0]), np.array([0.0]))
    >>> place_labels(y, np.array([4]), steps).values.ravel()
    array([nan,  1.,  2., nan])
    """
    counted = targets.counted
    placed = _placed(counted, lengths, clock, what, ask, report)
    if placed is counted:
        return targets
    if targets.weights is None:
        return placed
    shares, weights = (
        _placed(replace(counted, values=values), lengths, clock, what, ask, report=False).values
        for values in (counted.values * counted.weights, counted.weights)
    )
    with np.errstate(invalid="ignore"):
        means = shares / weights  # of the labels of a step
    once = np.isclose(means, placed.values, rtol=1e-12, atol=0, equal_nan=True) | ~(weights > 0)
    return replace(placed, values=np.where(once, placed.values, means), weights=weights)


def _placed(targets, lengths, clock, what, ask, report):
    own = targets.clock
    if own is None or clock is None or not (own.known and clock.known):
        return targets
    places = {}  # the step of each label, by row
    for row in np.flatnonzero((targets.lengths >= 0) & (lengths >= 0)):
        first = _shift(targets, lengths, own, clock, row, what, ask)
        if first is not None:
            places[row] = first + np.arange(targets.lengths[row]) if np.isscalar(first) else first
    if all(np.array_equal(steps, np.arange(lengths[row])) for row, steps in places.items()):
        return targets
    new_lengths = targets.lengths.copy()
    new_lengths[list(places)] = lengths[list(places)]
    cells = np.split(targets.values, np.cumsum(np.maximum(targets.lengths, 0))[:-1])
    values, left_out = [], np.zeros(targets.n_rows, dtype=np.int64)
    for row, labels in enumerate(cells):
        if row in places:
            inside = (places[row] >= 0) & (places[row] < new_lengths[row])
            if not inside.any() and len(labels):
                raise ValueError(
                    f"{what} and the streams of {row_name(row, targets.index)} share no moment: "
                    f"{_span(own, targets, row)}, and the streams have {lengths[row]} steps. Correct "
                    "start_s or rate_hz of one of them."
                )
            left_out[row] = int((~inside & ~np.isnan(labels).all(axis=1)).sum())
            labels = _mean_by_step(labels[inside], places[row][inside], new_lengths[row])
        values.append(labels)
    if report:
        _report(left_out, targets, what)
    return replace(targets, values=np.concatenate(values), lengths=new_lengths, clock=None)


def _shift(targets, lengths, own, clock, row, what, ask):
    """Return the step of the first label, or of each label; None where time does not decide."""
    rate = clock.rates_hz[row]
    if np.isnan(rate):
        _check_times(targets, lengths, own, clock, row, what)
        return None
    start = 0.0 if np.isnan(clock.starts_s[row]) else clock.starts_s[row]
    if own.times_s is not None:
        times = own.take(np.array([row]), targets.lengths).times_s
        return np.floor((times.mean(axis=1) - start) * rate + WITHIN_STEP).astype(np.int64)
    if own.rates_hz[row] != rate:
        raise ValueError(
            f"{what} has {own.rates_hz[row]:g} Hz in {row_name(row, targets.index)}, its steps {rate:g} Hz. "
            "Bring them onto one time base, with avfusion.Align(rate_hz=...) or avfusion.pair(X, y)."
        )
    n, n_steps = targets.lengths[row], lengths[row]
    if np.isnan(own.starts_s[row]):
        return 0 if abs(n - n_steps) <= END_TOLERANCE else None
    shift = int(np.floor((own.starts_s[row] - start) * rate + 0.5 - WITHIN_STEP))
    if shift and n == n_steps and np.isnan(clock.starts_s[row]):
        if not ask:
            return 0
        raise ValueError(
            f"{what} of {row_name(row, targets.index)} begins at {own.starts_s[row]:g} s, and its streams "
            "are as long but do not say when they begin. Declare it, as in as_sequences(X, start_s=0.0)."
        )
    return shift


def _check_times(targets, lengths, own, clock, row, what):
    """Raise where labels and streams have times of their own, and not the same."""
    if clock.times_s is None or targets.lengths[row] != lengths[row]:
        return
    times = clock.take(np.array([row]), lengths).times_s
    labels = own.take(np.array([row]), targets.lengths)
    if labels.times_s is None or np.abs(labels.times_s - times).max(initial=0.0) > 1e-6:
        raise ValueError(
            f"{what} and the streams of {row_name(row, targets.index)} have times of their own, and not the "
            "same. Bring the streams onto a rate first, with avfusion.Align(rate_hz=...), then "
            "avfusion.pair(X, y)."
        )


def _span(own, targets, row):
    clock = own.take(np.array([row]), targets.lengths)
    if clock.times_s is not None:
        return f"labels are from {clock.times_s.min():g} to {clock.times_s.max():g} s"
    start = np.nan_to_num(clock.starts_s[0])
    return f"labels are from {start:g} to {start + targets.lengths[row] / clock.rates_hz[0]:g} s"


def _mean_by_step(labels, steps, n_steps):
    """Return the label of each step, the mean where a step has several, NaN where it has none."""
    result = np.full((n_steps, labels.shape[1]), np.nan)
    if len(np.unique(steps)) == len(steps):
        result[steps] = labels
        return result
    for k, column in enumerate(labels.T):
        seen = ~np.isnan(column)
        total = np.bincount(steps[seen], column[seen], minlength=n_steps)
        count = np.bincount(steps[seen], minlength=n_steps)
        result[:, k] = total / np.where(count > 0, count, np.nan)
    return result


def _report(left_out, targets, what):
    told = TOLD.get()
    if not left_out.any() or "pairing" in told:
        return
    if told is not NOTHING:
        told.add("pairing")
    rows = np.flatnonzero(left_out)
    total = int(np.maximum(targets.lengths, 0).sum())
    warn_user(
        f"{what} was paired with the streams by time: {left_out.sum()} of {total} labels lie outside the "
        f"streams and are left out, in {len(rows)} row(s), {left_out[rows[0]]} of them in "
        f"{row_name(rows[0], targets.index)}."
    )


def lengths_apart(given, lengths, name_row, of="the streams", what="y", remedy=None):
    """Return the message for labels that are not as many as the steps of their rows, all rows at once.

    Parameters
    ----------
    given, lengths : numpy.ndarray of int of shape (n_rows,)
        Labels and steps; -1 where there are none.
    name_row : callable
        Names the row of a given position.
    of : str, default="the streams"
        Whose steps.
    what : str, default="y"
        What the message calls the labels.
    remedy : str, optional
        What to do, where it is something else.

    Returns
    -------
    str or None
        None where all agree.

    Examples
    --------
    >>> lengths_apart(np.array([5, 4]), np.array([4, 4]), "row {}".format)[:76]
    'y has not as many labels as the streams have steps: 5 for 4 in row 0. Do bot'
    """
    wrong = np.flatnonzero((given >= 0) & (lengths >= 0) & (given != lengths))
    if not len(wrong):
        return None
    listed = "; ".join(f"{given[row]} for {lengths[row]} in {name_row(row)}" for row in wrong[:3])
    if len(wrong) > 3:
        listed += f" and {len(wrong) - 3} more of {len(given)} rows"
    remedy = remedy or (
        "Do both begin together? avfusion.pair(X, y, ...) pairs them by time, trims or pads; other rates "
        "need avfusion.Align(rate_hz=...)."
    )
    return f"{what} has not as many labels as {of} have steps: {listed}. {remedy}"
