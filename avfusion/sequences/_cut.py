"""Cut recordings into pieces: utterances, trials, segments."""

import numpy as np
import pandas as pd

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._convert import as_sequences, sequence_columns
from avfusion.sequences._identity import check_same_order, index_of
from avfusion.sequences._messages import quoted, row_name
from avfusion.sequences._other_tables import as_pandas
from avfusion.sequences._table_clock import known
from avfusion.sequences._table_columns import with_index_levels
from avfusion.sequences._time_values import seconds

SLACK = 1e-6  # of a step


def cut(X, table, y=None, *, recording=None, start="start", end="end"):
    """Make a row of each stretch of time that a table names.

    A step belongs to the stretch in which its centre lies, so that stretches that follow each other share
    none; an instant to the one in which it is, an interval to each that it touches, cut at the borders.
    Frames are not copied where there is a rate.

    Parameters
    ----------
    X : DataFrame with sequence columns, or a Series of sequences
        Recordings, features or labels; each column with a rate, starts or times.
    table : pandas.DataFrame, or a table of polars, Arrow
        A line for each new row. Levels of its index count as columns.
    y : DataFrame or Series with sequences, optional
        Labels per frame of the same recordings, to be cut alike.
    recording : str, optional
        Column of `table` that names the recording. Its values are labels of X's index or, if X has a column
        of this name, values of that. By default "recording", the name of X's index, or "file".
    start, end : str, default="start", "end"
        Columns of `table` in seconds (or Timedelta), on the clock of the recordings.

    Returns
    -------
    pandas.DataFrame or Series, or with `y` a pair of them
        A row for each line of `table`, with its index: metadata of the recording, other columns of the table,
        and the streams, which say when they start on the clock of their recording. A stream that has no step
        in a stretch is missing there. Labels have no columns but their own.

    Raises
    ------
    ValueError
        If a recording is unknown, a stretch ends before it begins or has no step of any stream, or a stream
        has neither rate nor times.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from avfusion.sequences import as_sequences, cut
    >>> X = as_sequences({"audio": [np.arange(10.0), np.arange(6.0)]}, rate_hz=2)
    >>> X["speaker"] = ["anna", "ben"]
    >>> utterances = pd.DataFrame({"recording": [0, 0, 1], "start": [0, 2, 1], "end": [2, 4.5, 3]})
    >>> cut(X, utterances)
                          audio speaker recording
    0              4 x 1, 2.0 s    anna         0
    1  5 x 1, 2.5 s from 2.0 s    anna         0
    2  4 x 1, 2.0 s from 1.0 s     ben         1
    """
    X, table, y = as_pandas(X), as_pandas(table), as_pandas(y)
    if y is not None:
        return cut(X, table, recording=recording, start=start, end=end), _cut_labels(
            X, y, table, recording=recording, start=start, end=end
        )
    single = isinstance(X, pd.Series)
    frame = X.to_frame(X.name if X.name is not None else "label") if single else as_sequences(X)
    table = with_index_levels(table)
    recording = recording or _recording_column(frame, table)
    known([recording, start, end], table, "cut")
    rows = _rows_of(frame, table[recording], recording)
    begins, ends = (seconds(table[name], name) for name in (start, end))
    bad = np.flatnonzero(~(ends > begins))
    if len(bad):
        line = bad[0]
        raise ValueError(
            f"Line {line} of the table is from {begins[line]:g} to {ends[line]:g} s. Give a {start!r} "
            f"before its {end!r}."
        )
    taken = frame.iloc[rows].set_axis(table.index)
    columns = {name: _cut_column(taken[name].array, name, begins, ends) for name in sequence_columns(frame)}
    _check_not_empty(taken, columns, begins, ends, rows, frame.index)
    more = [name for name in table.columns if name not in (start, end, *taken.columns)]
    result = taken.assign(**columns, **{name: table[name] for name in more})
    return result.iloc[:, 0].rename(X.name) if single else result


def _cut_labels(X, y, table, **how):
    """Cut labels as the rows of X, to which they belong by position."""
    if not isinstance(y, (pd.DataFrame, pd.Series)):
        raise TypeError(
            f"y must be a DataFrame or Series of sequences, not {type(y).__name__}. Make one with "
            "as_sequences({'label': y}, rate_hz=...)."
        )
    check_same_order(index_of(X), index_of(y))
    columns = {"labels of the recording": y} if isinstance(y, pd.Series) else dict(y.items())
    arrays = {name: column.array for name, column in columns.items()}
    X = as_sequences(X)
    pieces = cut(X.drop(columns=sequence_columns(X)).assign(**arrays), table, **how)[list(arrays)]
    return pieces.iloc[:, 0].rename(y.name) if isinstance(y, pd.Series) else pieces


def _check_not_empty(taken, columns, begins, ends, rows, index):
    """Raise where a stretch holds no step of any stream of its recording."""
    had, has = (np.zeros(len(taken), dtype=bool) for _ in range(2))
    for name, column in columns.items():
        had |= ~taken[name].isna().to_numpy()
        has |= ~column.isna()
    if (had & ~has).any():
        line = int((had & ~has).argmax())
        raise ValueError(
            f"Line {line} of the table, {begins[line]:g} to {ends[line]:g} s, holds no step of "
            f"{row_name(rows[line], index)}. Correct its times, or drop it."
        )


def _recording_column(frame, table):
    for name in ("recording", frame.index.name, "file"):
        if name is not None and name in table.columns:
            return name
    raise ValueError(
        f"No column of the table names the recording: {quoted(table.columns)}. Say which does, "
        "recording='clip'."
    )


def _rows_of(frame, names, recording):
    """Return the position in X of each recording that the table names."""
    labels = pd.Index(frame[recording]) if recording in frame.columns else frame.index
    if not labels.is_unique:
        raise ValueError(
            f"Two rows of X are called {labels[labels.duplicated()][0]!r}. Give each recording one row."
        )
    rows = labels.get_indexer(names)
    if (rows < 0).any():
        unknown = quoted(dict.fromkeys(names[rows < 0]), limit=3)
        raise ValueError(
            f"The table names recordings that X does not have: {unknown}. X has {quoted(labels, limit=3)}."
        )
    return rows


def _cut_column(column, name, begins, ends):
    if column.dtype.clock == "times":
        return _cut_times(column, begins, ends)
    if not column.dtype.timed and (column.lengths > 0).any():
        raise ValueError(
            f"Column {name!r} has no rate, so seconds mean nothing. Declare it: as_sequences(X, "
            f"rate_hz={{{name!r}: 25}})."
        )
    starts_s, rates = np.nan_to_num(column.starts_s), column.rates_hz
    present = column.lengths >= 0
    rates = np.where(present, rates, 1.0)
    first, last = (
        np.clip(np.ceil((border - starts_s) * rates - 0.5 - SLACK), 0, np.maximum(column.lengths, 0)).astype(
            np.int64
        )
        for border in (begins, ends)
    )
    lengths = np.where(present & (last > first), last - first, -1)
    return SequenceArray(
        column.frames,
        np.where(lengths < 0, 0, column.starts + first),
        lengths,
        column.rate_hz if column.dtype.clock is None else column.rates_hz,
        start_s=starts_s + first / rates,
        features=column.features,
    )


def _cut_times(column, begins, ends):
    cells = []
    for cell, begin, end in zip(column, begins, ends):
        if cell is pd.NA:
            cells.append(None)
            continue
        times = cell.times_s
        instant = times[:, 0] == times[:, 1]
        touches = np.where(
            instant, (times[:, 0] >= begin) & (times[:, 0] < end), (times[:, 0] < end) & (times[:, 1] > begin)
        )
        cells.append(
            type(cell)(
                cell.frames[touches], times_s=np.clip(times[touches], begin, end), features=cell.features
            )
        )
    return SequenceArray.from_sequences(cells, column.dtype.subtype, column.width)
