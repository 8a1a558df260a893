"""Ways out: sequences as a long table, as padded arrays, as a panel."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._buffers import within_rows
from avfusion.sequences._cells import n_axes
from avfusion.sequences._convert import as_sequences, sequence_columns
from avfusion.sequences._dtype import SequenceDtype
from avfusion.sequences._messages import quoted, row_name


def to_long(X) -> pd.DataFrame:
    """Turn sequences into a long table: a line per step, a column per feature.

    Parameters
    ----------
    X : DataFrame or Series with sequences, SequenceArray, or list of arrays
        Features, labels or predictions. The streams of a row must be in step.

    Returns
    -------
    pandas.DataFrame
        The index of X first, as the column ``recording`` or under the names of its levels; then ``time``,
        when the step begins, in seconds, or ``step``, its number, where no column has a rate; then metadata
        columns; then the features: ``audio`` for a column of one feature, ``audio__0``, ``audio__1``, ... for
        one of several. A missing stream is NaN. A row of which no stream has a step is one line, without
        time.

    Raises
    ------
    TypeError
        If X holds no sequences.
    ValueError
        If the streams of a row are not in step, or two columns would have one name.

    See Also
    --------
    avfusion.as_sequences : The way back, with ``recording="recording"``.

    Examples
    --------
    >>> from avfusion.sequences import as_sequences, to_long
    >>> X = as_sequences({"audio": [[1.0, 2.0], [3.0]], "text": [[[4, 5], [6, 7]], None]}, rate_hz=2)
    >>> to_long(X)
       recording  time  audio  text__0  text__1
    0          0   0.0    1.0      4.0      5.0
    1          0   0.5    2.0      6.0      7.0
    2          1   0.0    3.0      NaN      NaN
    """
    frame = _read(X)
    columns = {name: frame[name].array for name in sequence_columns(frame)}
    lengths = _common_lengths(frame, columns)
    lines = np.maximum(lengths, 1)
    row, step = within_rows(lines)
    keys = {key: level.take(row) for key, level in zip(_index_names(frame.index), _levels(frame.index))}
    clock, times = _clock(frame, columns, lines, step)
    metadata = {name: frame[name].array.take(row) for name in frame.columns if name not in columns}
    named = [*keys, clock, *metadata, *(n for name in columns for n in _feature_names(name, columns[name]))]
    repeated = pd.Index(named, tupleize_cols=False)
    if not repeated.is_unique:
        raise ValueError(
            f"Two columns of the table would have the name {quoted(repeated[repeated.duplicated()][:1])}. "
            "Rename the column of X, or the level of its index."
        )
    times = np.where(np.repeat(lengths > 0, lines), times, np.nan) if (lengths < 1).any() else times
    table = pd.DataFrame({**keys, clock: times, **metadata})
    blocks = [
        pd.DataFrame(_spread(array, lines), columns=_feature_names(name, array))
        for name, array in columns.items()
    ]
    return pd.concat([table, *blocks], axis=1)


def to_padded(X, fill=np.nan) -> tuple[np.ndarray, np.ndarray]:
    """Turn sequences into one array, filled up behind the end of each row.

    Parameters
    ----------
    X : DataFrame or Series with sequences, SequenceArray, or list of arrays
        The columns of a DataFrame lie side by side in the last axis; the streams of a row must be in step.
    fill : float, default=nan
        What is put behind the end of a row.

    Returns
    -------
    array : numpy.ndarray of shape (n_rows, T, D)
        T is the length of the longest row. A stream that is missing from a row that others have is NaN.
    lengths : numpy.ndarray of int64 of shape (n_rows,)
        Steps of each row; 0 where all its streams are missing.

    Raises
    ------
    TypeError
        If X holds no sequences.
    ValueError
        If the streams of a row are not in step.

    See Also
    --------
    avfusion.as_sequences : The way back: ``as_sequences({"audio": (array, lengths)})``.

    Examples
    --------
    >>> from avfusion.sequences import as_sequences, to_padded
    >>> array, lengths = to_padded(as_sequences({"audio": [[1.0, 2.0], [3.0]]})["audio"], fill=0)
    >>> array[:, :, 0], lengths
    (array([[1., 2.],
           [3., 0.]], dtype=float32), array([2, 1]))
    """
    frame = _read(X)
    columns = {name: frame[name].array for name in sequence_columns(frame)}
    lengths = np.maximum(_common_lengths(frame, columns), 0)
    dtype = np.result_type(*(array.frames.dtype for array in columns.values()))
    width = sum(array.width for array in columns.values())
    padded = np.full((len(frame), lengths.max(initial=0), width), fill, dtype=dtype)
    row, step = within_rows(lengths)
    first = 0
    for array in columns.values():
        padded[row, step, first : first + array.width] = _spread(array, lengths)
        first += array.width
    return padded, lengths


def to_panel(X) -> pd.DataFrame:
    """Turn sequences into a panel: a line per step, indexed by recording and step, as sktime has it.

    Parameters
    ----------
    X : DataFrame or Series with sequences, SequenceArray, or list of arrays
        The streams of a row must be in step.

    Returns
    -------
    pandas.DataFrame
        Its index has the levels of X's index, which must be unique, and ``time``, the number of the step:
        sktime takes no fractions of seconds there. The columns are features, named as by `to_long`; metadata
        are left out. A row of which no stream has a step is one line of NaN.

    Raises
    ------
    TypeError
        If X holds no sequences.
    ValueError
        If the streams of a row are not in step, or two rows have the same label.

    Examples
    --------
    >>> from avfusion.sequences import as_sequences, to_panel
    >>> to_panel(as_sequences({"audio": [[1.0, 2.0], [3.0]]}))
                    audio
    recording time
    0         0       1.0
              1       2.0
    1         0       3.0
    """
    frame = _read(X)
    frame = frame[sequence_columns(frame)]
    if not frame.index.is_unique:
        row = int(frame.index.duplicated().argmax())
        raise ValueError(
            f"Another row has the label of {row_name(row, frame.index)}, so a panel would join them. "
            "Give rows labels of their own, as X.reset_index(drop=True) does."
        )
    lines = np.maximum(_common_lengths(frame, {name: frame[name].array for name in frame}), 1)
    table, names = to_long(frame), _index_names(frame.index)
    levels = [*(table[name] for name in names), pd.Series(within_rows(lines)[1], name="time")]
    return table.drop(columns=table.columns[: len(names) + 1]).set_index(levels)


def _read(X):
    """Return a DataFrame with at least one column of sequences."""
    if isinstance(X, (pd.Series, SequenceArray)):
        name = getattr(X, "name", None)
        X = pd.Series(X).to_frame("value" if name is None else name)
    if isinstance(X, pd.DataFrame) and not any(_holds_sequences(column) for _, column in X.items()):
        raise TypeError(
            f"X holds no sequences: its columns are {quoted(X.columns)}. A label or prediction per row is a "
            "table already."
        )
    if not isinstance(X, (pd.DataFrame, Mapping)) and not (np.iterable(X) and any(map(n_axes, X))):
        raise TypeError(f"X is a {type(X).__name__} without sequences. Give a DataFrame that has some.")
    return as_sequences(X, dtype=None)


def _holds_sequences(column):
    if isinstance(column.dtype, SequenceDtype):
        return True
    return pd.api.types.is_object_dtype(column.dtype) and any(map(n_axes, column))


def _common_lengths(frame, columns):
    """Return the steps of each row, which all streams that it has share; -1 where it has none."""
    first, *others = columns
    lengths = columns[first].lengths
    owner = np.full(len(frame), first, dtype=object)
    for name in others:
        own = columns[name].lengths
        for row in np.flatnonzero((own >= 0) & (lengths >= 0) & (own != lengths))[:1]:
            raise ValueError(
                f"Unequal lengths in {row_name(row, frame.index)}: {owner[row]!r} has {lengths[row]} steps, "
                f"{name!r} has {own[row]}. Bring them onto one time base with avfusion.Align(rate_hz=...), "
                f"or take one column at a time, X[[{name!r}]]."
            )
        owner[(lengths < 0) & (own >= 0)] = name
        lengths = np.maximum(lengths, own)
    return lengths


def _clock(frame, columns, lines, step):
    """Return the name of the column of times, and the time of each line."""
    rates = {name: array.rate_hz for name, array in columns.items() if array.rate_hz is not None}
    if len(set(rates.values())) > 1:
        told = ", ".join(f"{name!r} {rate:g} Hz" for name, rate in list(rates.items())[:5])
        raise ValueError(
            f"The streams have different rates ({told}). Bring them onto one time base with "
            "avfusion.Align(rate_hz=...), or take one column at a time."
        )
    return ("time", step / next(iter(rates.values()))) if rates else ("step", step)


def _spread(array, lines):
    """Return the frames of a column, (sum of lines, width), NaN where a row has lines but no steps."""
    frames = array.pack().frames
    if np.array_equal(array.lengths, lines):
        return frames
    spread = np.full((lines.sum(), array.width), np.nan, dtype=frames.dtype)
    spread[np.repeat(array.lengths > 0, lines)] = frames
    return spread


def _feature_names(name, array):
    return [name] if array.width == 1 else [f"{name}__{k}" for k in range(array.width)]


def _index_names(index):
    """Name the levels of an index: ``recording``, or ``recording 0``, ..., where they have no names."""
    if index.nlevels == 1:
        return ["recording" if index.name is None else index.name]
    return [f"recording {k}" if name is None else name for k, name in enumerate(index.names)]


def _levels(index):
    return [index.get_level_values(k) for k in range(index.nlevels)]
