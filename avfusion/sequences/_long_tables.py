"""Long tables: one row per step, and a column that tells the recordings apart."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._messages import quoted


def read_long_table(table, modalities, dtype, recording):
    """Gather the rows of each recording into one.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per step; the rows of a recording need not be neighbours, but are in order of time.
    modalities : mapping of str to list of str
        The columns of each modality.
    dtype : numpy dtype
        Floating dtype of the sequences.
    recording : str
        Column that identifies the recording.

    Returns
    -------
    pandas.DataFrame
        A row per recording, in order of first appearance: the recording, other columns that are constant
        within every recording, and a column of sequences per modality.

    Raises
    ------
    TypeError
        If `table` is not a DataFrame, or a feature is not a number.
    ValueError
        If columns are unknown, a recording is not named, or a column is neither a feature nor constant.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"film": ["a", "b", "a"], "rms": [1.0, 2.0, 3.0]})
    >>> read_long_table(table, {"audio": ["rms"]}, "float32", "film")["audio"][0].frames
    array([[1.],
           [3.]], dtype=float32)
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"recording={recording!r} names a column, but the data is not a DataFrame. Give one.")
    streams = _streams(table, modalities, recording)
    codes, names = pd.factorize(table[recording])
    if (codes < 0).any():
        raise ValueError(
            f"Row {int(np.argmin(codes))} of the table has no recording in the column {recording!r}. "
            "Fill it in, or drop the row."
        )
    order = np.argsort(codes, kind="stable")
    lengths = np.bincount(codes, minlength=len(names))
    used = {recording, *(column for columns in streams.values() for column in columns)}
    X = pd.DataFrame({recording: names})
    for column in table.columns:
        if column not in used:
            X[column] = _constant(table[column], codes)
    for name, columns in streams.items():
        X[name] = _stream(table[columns], order, lengths, dtype)
    return X


def _streams(table, modalities, recording):
    if not isinstance(modalities, Mapping):
        raise ValueError(
            'A long table needs the columns of each modality, as in modalities={"audio": ["rms"]}.'
        )
    streams = {}
    for name, columns in modalities.items():
        if isinstance(columns, (int, np.integer)):
            raise ValueError(f"Modality {name!r} is given a width, {columns}. Give the names of its columns.")
        streams[name] = [columns] if isinstance(columns, str) else list(columns)
        if not streams[name]:
            raise ValueError(f"Modality {name!r} names no column. Name at least one.")
    for column in [recording, *(column for columns in streams.values() for column in columns)]:
        if column not in table.columns:
            raise ValueError(f"There is no column {column!r}. The columns are {quoted(table.columns)}.")
    clash = [name for name in streams if name in table.columns and name not in streams[name]]
    if clash:
        raise ValueError(f"A column of the table has the name of the modality {clash[0]!r}. Rename one.")
    return streams


def _constant(values, codes):
    first = np.unique(codes, return_index=True)[1]
    labels = pd.factorize(values, use_na_sentinel=False)[0]
    if (labels != labels[first][codes]).any():
        raise ValueError(
            f"Column {values.name!r} is in no modality and varies within a recording. Add it to one, or "
            f"drop it first with data.drop(columns={values.name!r})."
        )
    return values.iloc[first].array


def _stream(columns, order, lengths, dtype):
    for name, kind in columns.dtypes.items():
        if not pd.api.types.is_any_real_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind):
            raise TypeError(f"Column {name!r} must hold numbers, not {kind}. Convert it, or leave it out.")
    frames = columns.to_numpy(dtype=dtype, na_value=np.nan)[order]
    ends = np.cumsum(lengths)
    seen = np.add.reduceat(~np.isnan(frames).all(axis=1), ends - lengths) if len(frames) else lengths
    return SequenceArray(frames, ends - lengths, np.where(seen > 0, lengths, -1))
