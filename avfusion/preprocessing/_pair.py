"""Pair streams with labels that have time of their own."""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from avfusion.preprocessing._grid import SLACK, Grid
from avfusion.preprocessing._statistics import check_statistics
from avfusion.preprocessing._timed_statistics import TIMED_STATISTICS
from avfusion.sequences import SequenceArray, SequenceDtype, as_sequences, sequence_columns
from avfusion.sequences._buffers import packed_starts, within_rows
from avfusion.sequences._declare import declare_time
from avfusion.sequences._identity import by_recording, check_same_order, index_of
from avfusion.sequences._label_clock import RowClock, place_labels
from avfusion.sequences._messages import row_name
from avfusion.sequences._targets import as_targets

COVERED = 0.5  # share of the streams that labels must cover for a rate that nobody declared


def pair(X, y, *, rate_hz=None, start_s=None, tolerance_s=None, pad=False, aggregate=("mean",)):
    """Bring streams and labels onto the steps of the labels, by time.

    The streams of a row are cut, or brought to another rate, so that they have a step for each label: the
    mean of what lies in the time that it stands for. What only one side has, before or after, is left out and
    reported.

    Parameters
    ----------
    X : DataFrame with sequence columns, or whatever `as_sequences` takes
        Streams, each with a rate, starts or times; a start that is not declared counts as 0.
    y : DataFrame or Series with sequences, list of arrays, or mapping of recording to array
        Labels per frame. Those with a time for each step go to the step of the streams in which they lie.
    rate_hz : float, array-like of shape (n_rows,), str or mapping, optional
        Labels per second, as in `as_sequences`. By default what y declares, else the rate that all streams
        have. Where neither side has any, steps are paired by number.
    start_s : float, array-like of shape (n_rows,), str or mapping, optional
        When the first label begins, in seconds; a string is a column of X. By default what y declares, else
        with the streams: calling this function says that both begin together.
    tolerance_s : float, optional
        The longest stretch that may be left out at either end of a row, in seconds (in steps where no rate is
        known). By default any.
    pad : bool, default=False
        Keep all of the streams, with NaN where there is no label.
    aggregate : tuple of str, default=("mean",)
        Statistics of the frames of a step, as in `Align`.

    Returns
    -------
    X : pandas.DataFrame
        The same rows and metadata; streams at the rate of the labels.
    y : pandas.DataFrame or pandas.Series
        The labels as sequences, a step for each step of X.

    Raises
    ------
    ValueError
        If rows differ, nothing says how fast labels are, a row shares no moment, or more than `tolerance_s`
        would be left out: all such rows are listed.

    Warns
    -----
    UserWarning
        What was left out, in how many rows.

    See Also
    --------
    Align : The same without labels, as a step of a pipeline.

    Examples
    --------
    >>> import numpy as np
    >>> import avfusion as av
    >>> X = av.as_sequences({"audio": [np.arange(120.0)]}, rate_hz=2)
    >>> X, y = av.pair(X, [np.arange(89.0)], start_s=15.5)  # 31 steps come before the first label
    >>> X["audio"].iloc[0], y.iloc[0], float(X["audio"].iloc[0].frames[0, 0])
    (Sequence(89 x 1, 44.5 s from 15.5 s), Sequence(89 x 1, 44.5 s from 15.5 s), 31.0)
    """
    X = as_sequences(X)
    labels, single = _labels(by_recording(y, X.index), X)
    statistics = check_statistics(aggregate, more=TIMED_STATISTICS)
    timed = [name for name in sequence_columns(X) if X.dtypes[name].timed]
    labels = _with_clock(labels, X, rate_hz, start_s, timed)
    if any(dtype.clock == "times" for dtype in labels.dtypes):
        return _onto_streams(X, labels, single)
    streams, by_step = _streams(X, labels, timed)
    spans = _spans(streams, X, labels, pad)
    _check_tolerance(spans, tolerance_s, X.index, "steps" if by_step else "s")
    _report(spans, X.index, "steps" if by_step else "s")
    grid = Grid(spans.rate_hz, spans.starts_s + spans.first / spans.rate_hz, spans.steps)
    columns = {name: grid.read(column, statistics) for name, column in streams.items()}
    cut = {name: _cut(labels[name].array, spans, grid) for name in labels.columns}
    if by_step:
        columns, cut = ({n: c.with_clock() for n, c in part.items()} for part in (columns, cut))
    paired = pd.DataFrame(cut, index=X.index)
    return X.assign(**columns), paired.iloc[:, 0].rename(single[0]) if single else paired


class _Spans:
    """Which labels of each row are kept: `steps` of them from number `first` on, which may be negative."""

    def __init__(self, rate_hz, starts_s, lengths, first, steps, outside):
        self.rate_hz, self.starts_s, self.lengths = rate_hz, starts_s, lengths
        self.first, self.steps, self.outside = first, steps, outside


def _labels(y, X):
    """Return labels as a DataFrame of sequences, and the name of a single target in a tuple, else ()."""
    if isinstance(y, Mapping):
        y = pd.Series(y)
    index = index_of(y)
    check_same_order(X.index, index)
    targets = as_targets(y)
    if targets.lengths is None:
        raise ValueError(
            "y has one label for each row, so there is nothing to pair in time. Give y as it is to fit."
        )
    if targets.n_rows != len(X):
        raise ValueError(
            f"X has {len(X)} rows, but y has {targets.n_rows}. Give labels for each row, or None."
        )
    names = targets.form.target_names
    clock = {} if targets.clock is None else targets.clock.arguments()
    frame = pd.DataFrame(
        {
            name: SequenceArray.from_packed(targets.values[:, [k]], targets.lengths, **clock)
            for k, name in enumerate(names)
        },
        index=X.index,
    )
    single = not isinstance(y, pd.DataFrame) and len(names) == 1
    return frame, ((y.name,) if isinstance(y, pd.Series) else ("label",)) if single else ()


def _with_clock(labels, X, rate_hz, start_s, timed):
    names = list(labels.columns)
    known = (
        X.assign(**{name: labels[name] for name in names})
        if isinstance(rate_hz, str) or isinstance(start_s, str)
        else labels
    )
    if rate_hz is None and not labels.dtypes.iloc[0].timed and timed:
        rates = {X.dtypes[name].rate_hz for name in timed}
        if len(rates) > 1 or None in rates:
            raise ValueError("Nothing says how many labels a second has. Declare it: pair(X, y, rate_hz=25).")
        rate_hz = rates.pop()
        longest = np.max([X[name].array.lengths for name in timed], axis=0)
        short = (labels.iloc[:, 0].array.lengths < COVERED * longest) & (labels.iloc[:, 0].array.lengths >= 0)
        if short.any():
            row = int(short.argmax())
            raise ValueError(
                f"y has {labels.iloc[:, 0].array.lengths[row]} labels in {row_name(row, X.index)} for "
                f"{longest[row]} steps at {rate_hz:g} Hz. Say how many labels a second has: pair(X, y, "
                "rate_hz=...)."
            )
    if rate_hz is None and start_s is not None and not labels.dtypes.iloc[0].timed:
        raise ValueError(
            "start_s is in seconds, but no rate is known. Declare those of X and y, rate_hz=...."
        )
    return declare_time(known, names, rate_hz, start_s)[names]


def _streams(X, labels, timed):
    """Return the streams with clocks, and whether steps are paired by number for want of any."""
    names = sequence_columns(X)
    by_step = not timed and not labels.dtypes.iloc[0].timed
    if not by_step and len(timed) < len(names):
        without = next(name for name in names if name not in timed)
        raise ValueError(
            f"Stream {without!r} has no rate, so it cannot be paired by time. Declare it: as_sequences(X, "
            f"rate_hz={{{without!r}: 25}})."
        )
    if by_step:
        for name in labels.columns:
            labels[name] = labels[name].array.with_clock(1.0)
    return {name: X[name].array.with_clock(1.0) if by_step else X[name].array for name in names}, by_step


def _spans(streams, X, labels, pad):
    first_label = labels.iloc[:, 0].array
    rates = np.unique(first_label.rates_hz[first_label.lengths >= 0])
    if len(rates) != 1:
        raise ValueError("Rows of y have different rates. Pair the rows of one rate at a time.")
    rate = float(rates[0])
    begin, end = _extent(streams, len(X))
    starts = np.where(
        np.isnan(first_label.starts_s), np.where(np.isinf(begin), 0.0, begin), first_label.starts_s
    )
    lengths = first_label.lengths
    low = np.where(np.isinf(begin), 0.0, (begin - starts) * rate)
    high = np.where(np.isinf(end), np.maximum(lengths, 0), (end - starts) * rate)
    # a label belongs to the streams if the centre of the time that it stands for does
    low = np.ceil(low - 0.5 - SLACK).astype(np.int64)
    high = np.floor(high + 0.5 + SLACK).astype(np.int64)
    first = low if pad else np.maximum(low, 0)
    last = high if pad else np.minimum(high, np.maximum(lengths, 0))
    missing = (lengths < 0) & (not pad)
    _check_overlap(low, high, lengths, X.index, (starts, starts + lengths / rate, begin, end))
    outside = {
        "labels before the streams": np.where(lengths < 0, 0, np.clip(low, 0, None)),
        "labels after the streams": np.clip(lengths - high, 0, None),
    }
    if not pad:
        outside["streams before the labels"] = np.clip(-low, 0, None) * ~missing
        outside["streams after the labels"] = np.clip(high - lengths, 0, None) * ~missing
    steps = np.where(missing, high - low, last - first)
    return _Spans(rate, starts, lengths, np.where(missing, low, first), np.maximum(steps, 0), outside)


def _check_overlap(low, high, lengths, index, times):
    """Raise where labels and streams of a row share no moment."""
    apart = (np.minimum(high, lengths) <= np.maximum(low, 0)) & (lengths > 0) & np.isfinite(times[2])
    if apart.any():
        row = int(apart.argmax())
        from_s, to_s, begin, end = (values[row] for values in times)
        raise ValueError(
            f"Labels and streams of {row_name(row, index)} share no moment: labels are from {from_s:g} to "
            f"{to_s:g} s, streams from {begin:g} to {end:g} s. Correct start_s or rate_hz."
        )


def _extent(streams, n_rows):
    """Return when the first stream with a rate begins and the first one ends, inf in rows without any."""
    begin, end = np.full(n_rows, np.inf), np.full(n_rows, np.inf)
    for column in streams.values():
        if column.dtype.clock == "times":
            continue
        present = column.lengths >= 0
        start = np.nan_to_num(column.starts_s)
        begin = np.where(present, np.minimum(begin, start), begin)
        end = np.where(present, np.minimum(end, start + column.lengths / column.rates_hz), end)
    return begin, end


def _check_tolerance(spans, tolerance_s, index, unit):
    if tolerance_s is None:
        return
    worst = np.max(list(spans.outside.values()), axis=0) / spans.rate_hz
    over = np.flatnonzero(worst > tolerance_s + SLACK)
    if len(over):
        listed = ", ".join(f"{worst[row]:g} {unit} in {row_name(row, index)}" for row in over[:3])
        more = f" and {len(over) - 3} more rows" if len(over) > 3 else ""
        raise ValueError(
            f"More than tolerance_s={tolerance_s:g} would be left out: {listed}{more}. Declare when these "
            "rows begin (start_s), or leave them out."
        )


def _report(spans, index, unit):
    parts = []
    for what, n in spans.outside.items():
        rows = np.flatnonzero(n)
        if len(rows):
            most = rows[n[rows].argmax()]
            parts.append(
                f"{n.sum() / spans.rate_hz:g} {unit} of {what} in {len(rows)} row(s) "
                f"(most in {row_name(most, index)}: {n[most] / spans.rate_hz:g} {unit})"
            )
    if parts:
        warnings.warn(f"Left out: {'; '.join(parts)}.", UserWarning, stacklevel=3)


def _cut(column, spans, grid):
    """Return a column of labels on the steps that are kept, NaN where there is none."""
    rows, step = within_rows(spans.steps)
    number = spans.first[rows] + step
    inside = (number >= 0) & (number < spans.lengths[rows])
    packed = column.pack()
    values = np.full((len(rows), 1), np.nan)
    values[inside] = packed.frames[packed_starts(packed.lengths)[rows[inside]] + number[inside]]
    lengths = np.where((column.lengths < 0), -1, spans.steps)
    kept = np.repeat(lengths >= 0, spans.steps)
    return SequenceArray.from_packed(values[kept], lengths, spans.rate_hz, start_s=grid.starts_s)


def _onto_streams(X, labels, single):
    """Put labels with times of their own onto the steps of the streams."""
    columns = {name: X[name].array for name in sequence_columns(X)}
    rated = {
        name: column
        for name, column in columns.items()
        if column.dtype.clock != "times" and column.dtype.timed
    }
    if not rated or len({column.rate_hz for column in rated.values()}) > 1:
        raise ValueError(
            "Labels with a time for each step go onto the steps of streams of one rate. Bring the streams "
            "onto one base first, Align(rate_hz=...).fit_transform(X)."
        )
    first = next(iter(rated.values()))
    placed = {}
    for name in labels.columns:
        targets = place_labels(as_targets(labels[name]), first.lengths, RowClock.of(first))
        placed[name] = SequenceArray.from_packed(
            targets.values, targets.lengths, first.rate_hz, start_s=first.starts_s
        )
    paired = pd.DataFrame(placed, index=X.index)
    assert all(isinstance(dtype, SequenceDtype) for dtype in paired.dtypes)
    return X, paired.iloc[:, 0].rename(single[0]) if single else paired
