"""Ways out: sequences as a long table, as padded arrays, as a panel."""

from collections import Counter
from collections.abc import Mapping
from itertools import chain

import numpy as np
import pandas as pd

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._buffers import within_rows
from avfusion.sequences._cell_columns import holds_sequences
from avfusion.sequences._cells import n_axes
from avfusion.sequences._clock import WITHIN_STEP
from avfusion.sequences._convert import as_sequences, sequence_columns
from avfusion.sequences._messages import quoted, row_name
from avfusion.sequences._other_tables import as_pandas


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
        when the step begins, in seconds (and ``end``, where steps are intervals), or ``step``, its number,
        where no time is known; then metadata columns; then the features: ``audio`` for a column of one
        feature, their names or ``audio__0``, ``audio__1``, ... for one of several. A missing stream is NaN. A
        row of which no stream has a step is one line of NaN, at time 0, so that it is not lost.

    Raises
    ------
    TypeError
        If X holds no sequences.
    ValueError
        If the streams of a row are not in step, or two columns would have one name.

    See Also
    --------
    avfusion.as_sequences : The way back, with ``recording="recording", time="time"``.

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
    lines = np.maximum(_common_lengths(frame, columns), 1)
    row, step = within_rows(lines)
    table = {key: level.take(row) for key, level in zip(_index_names(frame.index), _levels(frame.index))}
    metadata = {name: frame[name].array.take(row) for name in frame.columns if name not in columns}
    clock = _clock(frame, columns, lines, step)
    names = _feature_names(columns, taken=[*table, *clock, *metadata])
    named = pd.Index([*table, *clock, *metadata, *chain(*names.values())], tupleize_cols=False)
    if not named.is_unique:
        raise ValueError(
            f"Two columns of the table would have the name {quoted(named[named.duplicated()][:1])}. "
            "Rename the column of X, or the level of its index."
        )
    blocks = [pd.DataFrame(_spread(columns[name], lines), columns=own) for name, own in names.items()]
    return pd.concat([pd.DataFrame(table | clock | metadata), *blocks], axis=1)


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
    columns = {name: frame[name].array for name in frame}
    lines = np.maximum(_common_lengths(frame, columns), 1)
    row, step = within_rows(lines)
    levels = [level.take(row) for level in _levels(frame.index)]
    index = pd.MultiIndex.from_arrays([*levels, step], names=[*_index_names(frame.index), "time"])
    names = _feature_names(columns, taken=())
    blocks = [pd.DataFrame(_spread(columns[name], lines), index, own) for name, own in names.items()]
    return pd.concat(blocks, axis=1)


def _read(X):
    """Return a DataFrame with at least one column of sequences."""
    X = as_pandas(X)
    if isinstance(X, (pd.Series, SequenceArray)):
        name = getattr(X, "name", None)
        X = pd.Series(X).to_frame("value" if name is None else name)
    if isinstance(X, pd.DataFrame) and not any(holds_sequences(column) for _, column in X.items()):
        raise TypeError(
            f"X holds no sequences: its columns are {quoted(X.columns)}. A label or prediction per row is a "
            "table already."
        )
    if not isinstance(X, (pd.DataFrame, Mapping)) and not (np.iterable(X) and any(map(n_axes, X))):
        raise TypeError(f"X is a {type(X).__name__} without sequences. Give a DataFrame that has some.")
    return as_sequences(X, dtype=None)


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
    """Return the columns that say when a step is: its time, or its number where no time is known."""
    times = None
    for name, array in columns.items():
        own = array.step_times()
        if own is None:
            continue
        own = _spread(array, lines, own)
        if times is None:
            times, first = own, name
        apart = np.abs(own - times) > WITHIN_STEP * np.maximum(times[:, 1:] - times[:, :1], WITHIN_STEP)
        for line in np.flatnonzero(apart.any(axis=1))[:1]:
            where = row_name(np.repeat(np.arange(len(frame)), lines)[line], frame.index)
            raise ValueError(
                f"The streams of {where} are not in step: step {step[line]} is from "
                f"{times[line, 0]:.6g} to {times[line, 1]:.6g} s in {first!r}, from {own[line, 0]:.6g} to "
                f"{own[line, 1]:.6g} s in {name!r}. Bring them onto one time base with "
                f"avfusion.Align(rate_hz=...), or take one column at a time, X[[{name!r}]]."
            )
        times = np.where(np.isnan(times), own, times)
    if times is None:
        return {"step": step}
    times = np.nan_to_num(times)  # a line of a row without steps
    if any(array.dtype.clock == "times" for array in columns.values()) and (times[:, 1] > times[:, 0]).any():
        return {"time": times[:, 0], "end": times[:, 1]}
    return {"time": times[:, 0]}


def _spread(array, lines, values=None):
    """Return what a column has for each step, by default its frames; NaN where a row has a line but no step.

    Parameters
    ----------
    array : SequenceArray
    lines : ndarray of int of shape (n_rows,)
        Lines of each row.
    values : ndarray of shape (N, D), optional

    Returns
    -------
    ndarray of shape (sum of lines, D)
    """
    values = array.pack().frames if values is None else values
    if np.array_equal(array.lengths, lines):
        return values
    spread = np.full((lines.sum(), values.shape[1]), np.nan, dtype=values.dtype)
    spread[np.repeat(array.lengths > 0, lines)] = values
    return spread


def _feature_names(columns, taken):
    """Return the names of the features of each column, none of which is among those that are taken.

    A column of one feature gives it its own name, others ``pitch``, or ``audio__pitch`` where that is taken.
    """
    single = [name for name, array in columns.items() if array.width == 1]
    known = [feature for array in columns.values() if array.width > 1 for feature in array.features or ()]
    counts = Counter([*taken, *single, *known])
    names = {}
    for name, array in columns.items():
        own = array.features or range(array.width)
        bare = array.features is not None and all(counts[feature] == 1 for feature in own)
        names[name] = list(own) if bare else [f"{name}__{k}" for k in own]
    return names | {name: [name] for name in single}


def _index_names(index):
    """Name the levels of an index: ``recording``, or ``recording 0``, ..., where they have no names."""
    if index.nlevels == 1:
        return ["recording" if index.name is None else index.name]
    return [f"recording {k}" if name is None else name for k, name in enumerate(index.names)]


def _levels(index):
    return [index.get_level_values(k) for k in range(index.nlevels)]
