"""From the clock of a long table to the steps of its recordings.

The rows of a recording say when they are: by a number of frame, by a time, or by begin and end. Where they
tick at a rate, a row that was dropped is a step that was not observed, and rows keep their places. Where they
do not, every step keeps its time.
"""

from dataclasses import dataclass

import numpy as np

from avfusion.sequences._messages import quoted

TICKS = 0.5  # of a step: how far a time may lie from where its step is
NEARLY = 0.15  # of a step: root mean square of how far times lie from their steps, if some steps have none
EVENLY = 0.05  # the same where more have none than that:
OFTEN = 0.8  # share of steps
EXACT = 1e-6  # of a step: times that stand on steps but for rounding
FEW = 8  # times between rows of a recording, up to which they do not tell its rate
SPARSE = 0.5  # share of steps that are there, below which times do not count as ticking at a rate


@dataclass(frozen=True, eq=False)
class Steps:
    """Where the rows of a table, sorted by recording, lie in the sequences of their recordings.

    Parameters
    ----------
    positions : numpy.ndarray of int64 of shape (n_table_rows,) or None
        Step of each row within its recording; None where rows are consecutive steps.
    lengths : numpy.ndarray of int64 of shape (n_recordings,)
        Steps of each recording, missing ones included.
    rates_hz : float, numpy.ndarray of shape (n_recordings,) or None
    starts_s : numpy.ndarray of shape (n_recordings,) or None
    times_s : numpy.ndarray of shape (n_table_rows, 2) or None
        Where there is no rate.
    """

    positions: np.ndarray | None
    lengths: np.ndarray
    rates_hz: object = None
    starts_s: np.ndarray | None = None
    times_s: np.ndarray | None = None

    @property
    def n_missing(self):
        """Number of steps for which there is no row."""
        return 0 if self.positions is None else int(self.lengths.sum()) - len(self.positions)


def check_order(times, codes, rows, name, label):
    """Raise where times of a recording repeat or go back.

    Parameters
    ----------
    times : numpy.ndarray of shape (n_table_rows,)
        Sorted by recording.
    codes : numpy.ndarray of int of shape (n_table_rows,)
        Recording of each.
    rows : numpy.ndarray of int of shape (n_table_rows,)
        Where each stands in the table as it came.
    name : str
        The column.
    label : callable
        Names a recording, given its code.

    Raises
    ------
    ValueError
        Naming the rows and what to do.
    """
    missing = np.flatnonzero(np.isnan(times))
    if len(missing):
        raise ValueError(
            f"Row {rows[missing[0]]} of the table has no time in the column {name!r}. Fill it in, or drop "
            "the row."
        )
    bad = np.flatnonzero((np.diff(times) <= 0) & (codes[1:] == codes[:-1]))
    if not len(bad):
        return
    first = bad[0]
    own = np.flatnonzero(codes == codes[first])
    values, counts = np.unique(times[own], return_counts=True)
    if (counts > 1).any():
        twice = values[counts > 1][0]
        where = rows[own[times[own] == twice]][:2]
        raise ValueError(
            f"Column {name!r} has {twice:g} twice in recording {label(codes[first])}: rows {where[0]} and "
            f"{where[1]} of the table. Drop one, or, if they are of two faces or speakers, name both, as in "
            'recording=["clip", "face_id"].'
        )
    raise ValueError(
        f"Column {name!r} goes back from {times[first]:g} to {times[first + 1]:g} in recording "
        f"{label(codes[first])}: rows {rows[first]} and {rows[first + 1]} of the table. Sort the table by "
        f"recording and {name!r} first."
    )


def from_frames(numbers, lengths, rates_hz, lead=True):
    """Place rows by their number of frame, counted from 0 or, if no row has 0, from 1.

    A recording whose first frames are missing begins with steps that were not observed, unless those are more
    than its rows: then it is a part of something longer, and starts later.

    Parameters
    ----------
    numbers : numpy.ndarray of shape (n_table_rows,)
        Sorted by recording, increasing within it.
    lengths : numpy.ndarray of int of shape (n_recordings,)
        Rows of each.
    rates_hz : numpy.ndarray of shape (n_recordings,) or None
    lead : bool, default=True
        Whether numbers say when a recording begins; else its first row is its first step.

    Returns
    -------
    Steps

    Examples
    --------
    >>> from_frames(np.array([1.0, 2.0, 5.0, 3.0]), np.array([3, 1]), None).lengths
    array([5, 1])
    """
    if (numbers != np.rint(numbers)).any():
        raise ValueError(f"Numbers of frames must be whole, not {numbers[numbers != np.rint(numbers)][0]:g}.")
    numbers = numbers.astype(np.int64)
    first = np.cumsum(lengths) - lengths
    if not lead:
        return _placed(numbers - np.repeat(numbers[first], lengths), lengths, rates_hz, None)
    begins = numbers[first] - min(int(numbers.min()), 1)
    lead = np.where(begins <= lengths, begins, 0)
    positions = numbers - np.repeat(numbers[first] - lead, lengths)
    starts = None if rates_hz is None else (begins - lead) / rates_hz
    return _placed(positions, lengths, rates_hz, starts)


def from_times(times, lengths, name, rates_hz=None):
    """Place rows by their times: on steps of a rate where they tick at one, else each at its time.

    Parameters
    ----------
    times : numpy.ndarray of shape (n_table_rows,) or (n_table_rows, 2)
        Instants, or begin and end, in seconds; sorted by recording, increasing within it.
    lengths : numpy.ndarray of int of shape (n_recordings,)
        Rows of each.
    name : str
        The column, for messages.
    rates_hz : numpy.ndarray of shape (n_recordings,), optional
        Where the rate is declared.

    Returns
    -------
    Steps

    Raises
    ------
    ValueError
        If times do not tick at the declared rate.

    Examples
    --------
    >>> from_times(np.array([0.0, 0.5, 1.5]), np.array([3]), "time", np.array([2.0])).positions
    array([0, 1, 3])
    """
    begins = times if times.ndim == 1 else times[:, 0]
    if times.ndim == 2 and (times[:, 1] < begins).any():
        step = int((times[:, 1] < begins).argmax())
        raise ValueError(
            f"An interval of {name!r} begins at {times[step, 0]:g} s and ends at {times[step, 1]:g} s. Give "
            "begin and end, in seconds; for durations add them to the begin."
        )
    if times.ndim == 2 and not _alike(np.ptp(times, axis=1), begins, lengths):
        return Steps(None, lengths, times_s=times)  # pauses, or intervals of different lengths, are no steps
    steps = _declared(begins, lengths, rates_hz, name) if rates_hz is not None else _ticking(begins, lengths)
    if steps is None:
        return Steps(None, lengths, times_s=times if times.ndim == 2 else np.stack([times, times], axis=1))
    return steps


def _alike(durations, begins, lengths):
    """Return whether intervals are windows of one length, no shorter than the time from one to the next."""
    apart = np.diff(begins)
    inner = np.delete(np.arange(len(apart)), np.cumsum(lengths)[:-1] - 1)
    hop = np.median(apart[inner]) if len(inner) else durations.max(initial=0.0)
    return bool(np.ptp(durations) <= 0.1 * hop and durations.min(initial=np.inf) >= 0.9 * hop)


def _declared(begins, lengths, rates_hz, name):
    code = np.repeat(np.arange(len(lengths)), lengths)
    first = np.cumsum(lengths) - lengths
    at = (begins - begins[first][code]) * rates_hz[code]
    positions = np.arange(len(at)) - first[code]
    off = at - positions
    spread = np.maximum.reduceat(off, first) - np.minimum.reduceat(off, first)
    phase, drift = np.zeros(len(lengths)), np.zeros(len(lengths))
    for k in np.flatnonzero(spread > EXACT):
        rows = slice(first[k], first[k] + lengths[k])
        positions[rows], phase[k] = _nearest_steps(at[rows])
        drift[k] = _drift(at[rows])
    inner = code[1:] == code[:-1]
    clash = np.flatnonzero((np.diff(positions) <= 0) & inner)
    apart = inner.any() and np.median(np.diff(positions)[inner]) >= 2  # hardly a step has a row
    if len(clash) or apart or drift.max() >= 2 * TICKS:
        k = code[clash[0]] if len(clash) else int(np.argmax(drift))
        rows = slice(first[k], first[k] + lengths[k])
        rate = 1 / np.median(np.diff(begins[rows]))
        raise ValueError(
            f"rate_hz is {rates_hz[k]:g}, but the times in {name!r} go on by {1 / rate:.6g} s, so that steps "
            "fall together or drift away. Correct rate_hz, or leave it out to take it from the times."
        )
    return _placed(positions, lengths, rates_hz, np.round(begins[first] + phase / rates_hz, 9))


def _nearest_steps(at):
    """Return the step of each time, given in steps since the first, and where in a step its times lie."""
    steps = np.arange(len(at))
    if np.ptp(at - steps) >= 2 * TICKS:  # not one step after the other
        phase = np.angle(np.exp(2j * np.pi * at).mean()) / (2 * np.pi)
        steps = np.rint(at - phase).astype(np.int64)
        steps -= steps[0]
    return steps, float(np.median(at - steps))


def _drift(at, block=8):
    """Return by how many steps times run away from a rate: the way of their phase, in blocks of rows."""
    if np.ptp(at - np.arange(len(at))) < 2 * TICKS:
        return 0.0  # one step after the other, whatever the jitter
    n = max(2, len(at) // block)
    phases = [np.angle(np.exp(2j * np.pi * part).mean()) for part in np.array_split(at, n) if len(part)]
    return float(np.ptp(np.unwrap(phases)) / (2 * np.pi))


def _ticking(begins, lengths):
    """Return steps at the rates at which times tick, or None where they do not."""
    code = np.repeat(np.arange(len(lengths)), lengths)
    inner = code[1:] == code[:-1]
    if not inner.any():
        return None
    apart = np.diff(begins)
    # of rows, some dropped; of all recordings, for those that are too short to tell
    common = np.quantile(apart[inner], 0.25) if inner.sum() > FEW else apart[inner].min()
    own = _own_steps(apart, lengths, common)
    position, rates, starts, fits = _lines(begins, lengths, code, own)
    for phased in (False, True):
        if fits.all():
            break
        steps = _coherent_steps(begins, lengths, fits) if phased else np.full(len(lengths), common)
        second = _lines(begins, lengths, code, steps, phased)
        position = np.where(fits[code], position, second[0])
        rates, starts = np.where(fits, rates, second[1]), np.where(fits, starts, second[2])
        fits = fits | second[3]
    if not fits.all():
        return None
    rates = np.where(np.isnan(rates), np.nanmedian(rates), rates)
    placed = _placed(position, lengths, rates, starts)
    if len(begins) < SPARSE * placed.lengths.sum():
        return None
    typical = _simplest(float(np.median(rates)), int(placed.lengths.max()))
    if (np.abs(rates / typical - 1) * placed.lengths <= 0.25).all():
        rates = np.full(len(lengths), typical)
    else:
        rates = np.array([_simplest(rate, n) for rate, n in zip(rates, placed.lengths)])
    return _placed(position, lengths, rates, np.round(starts, 6))


def _own_steps(apart, lengths, common):
    """Return the seconds from step to step of each recording, those of all where its rows are few and fit."""
    first = np.cumsum(lengths) - lengths
    steps = np.full(len(lengths), common)
    for k in np.flatnonzero(lengths > 1):
        own = apart[first[k] : first[k] + lengths[k] - 1]
        if len(own) > FEW:
            steps[k] = np.partition(own, len(own) // 4)[len(own) // 4]  # some rows were dropped
        elif abs(own.min() / common - np.rint(own.min() / common)) > 0.1:
            steps[k] = own.min()
    return steps


def _coherent_steps(begins, lengths, known):
    """Return the seconds from step to step at which the times of each recording are most nearly in phase.

    Times that jitter tell their rate together, not one after the other: the rate is sought among the first
    rows, and made more precise with twice as many in each turn.
    """
    first = np.cumsum(lengths) - lengths
    steps = np.ones(len(lengths))
    for k in np.flatnonzero(~known & (lengths > FEW)):
        times = begins[first[k] : first[k] + lengths[k]] - begins[first[k]]
        rate, n = 1 / np.median(np.diff(times)), min(32, len(times))
        near = rate * np.linspace(0.75, 1.3, 12 * n)
        while True:
            phases = np.exp(-2j * np.pi * np.outer(near, times[:n]))
            rate = near[np.abs(phases.sum(axis=1)).argmax()]
            if n == len(times):
                break
            near = rate + np.linspace(-0.25, 0.25, 41) / times[n - 1]
            n = min(2 * n, len(times))
        steps[k] = 1 / rate
    return steps


def _phased(time, steps, lengths):
    """Return the step nearest to each time, and for each recording whether every time has one of its own."""
    position, rising = np.empty(len(time)), np.ones(len(lengths), dtype=bool)
    last = np.cumsum(lengths)
    for k, (start, stop) in enumerate(zip(last - lengths, last)):
        own, _ = _nearest_steps(time[start:stop] / steps[k])
        position[start:stop], rising[k] = own, (np.diff(own) > 0).all()
    return position, rising


def _lines(begins, lengths, code, steps, phased=False):
    """Put rows on steps of about these seconds.

    Returns
    -------
    position : numpy.ndarray of int64 of shape (n_table_rows,)
    rates, starts : numpy.ndarray of shape (n_recordings,)
        Of the line through the times of each recording; a single row has no rate.
    fits : numpy.ndarray of bool of shape (n_recordings,)
        Whether its times tick.
    """
    first = np.cumsum(lengths) - lengths
    time = begins - begins[first][code]
    hops = np.append(0, np.rint(np.diff(begins) / steps[code[1:]]))
    hops[first] = 1
    rising = np.minimum.reduceat(hops, first) > 0
    position = np.cumsum(hops)
    position -= position[first][code]
    if phased:
        position, rising = _phased(time, steps, lengths)
    mean_position, mean_time = (np.add.reduceat(part, first) / lengths for part in (position, time))
    centred = position - mean_position[code]
    single = lengths == 1
    spread = np.where(single, 1.0, np.add.reduceat(centred**2, first))
    slope = np.add.reduceat(centred * (time - mean_time[code]), first) / np.where(rising, spread, 1.0)
    start = mean_time - slope * mean_position
    off = time - start[code] - slope[code] * position
    mean_square = np.add.reduceat(off**2, first) / lengths
    # any time lies within half a step of some step: with gaps, that alone says nothing
    n_steps = position[np.cumsum(lengths) - 1] + 1
    nearly = np.where(lengths >= OFTEN * n_steps, NEARLY, EVENLY)
    ticks = (n_steps == lengths) | (mean_square <= (nearly * slope) ** 2)
    ticks &= np.maximum.reduceat(np.abs(off), first) <= TICKS * slope
    fits = single | (rising & (slope > 0) & ticks)
    exact = single | (np.abs(start) <= 1e-3 * slope)
    rates = np.where(single | ~fits, np.nan, 1 / np.where(fits & ~single, slope, 1.0))
    return position.astype(np.int64), rates, begins[first] + np.where(exact, 0.0, start), fits


def _simplest(rate, n_steps):
    """Return the roundest rate that a clock of so many steps cannot tell from this one."""
    candidates = [*(round(rate, digits) for digits in range(5)), rate]
    return next(float(c) for c in candidates if c > 0 and abs(c / rate - 1) * max(n_steps, 20) <= 0.1)


def _placed(positions, lengths, rates_hz, starts_s):
    last = np.cumsum(lengths) - 1
    steps = np.where(lengths > 0, positions[last] + 1, 0) if len(positions) else lengths
    code = np.repeat(np.arange(len(lengths)), lengths)
    consecutive = (positions == np.arange(len(positions)) - (np.cumsum(lengths) - lengths)[code]).all()
    return Steps(None if consecutive else positions, steps, rates_hz, starts_s)


def known(columns, table, what):
    """Return names of columns as a list, after checking that the table has them.

    Examples
    --------
    >>> import pandas as pd
    >>> known("rms", pd.DataFrame({"rms": [0.5]}), "time")
    ['rms']
    """
    columns = [columns] if not isinstance(columns, (list, tuple)) else list(columns)
    for column in columns:
        if column not in table.columns:
            raise ValueError(
                f"There is no column {column!r}, which {what} names. The columns are {quoted(table.columns)}."
            )
    return columns
