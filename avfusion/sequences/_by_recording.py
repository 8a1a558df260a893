"""Rows that are known by the name of their recording, or that are tables with named columns."""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from avfusion._warnings import warn_user
from avfusion.sequences._bookkeeping import named_bookkeeping
from avfusion.sequences._cells import is_missing
from avfusion.sequences._long_tables import read_long_table
from avfusion.sequences._messages import quoted
from avfusion.sequences._table_columns import with_index_levels

ROW = "row of the recording"  # a name that no column has


def join_by_recording(data):
    """Bring modalities that are keyed by recording to the same rows.

    Parameters
    ----------
    data : dict of str to object
        Mappings of recording to cell, and Series, are keyed; what else there is has rows by position.

    Returns
    -------
    index : pandas.Index or None
        Names of the rows, where they have some: those of mappings in order of first appearance.
    data : dict of str to object
        With lists, and Series of one index.

    Raises
    ------
    ValueError
        If Series have different labels, or some modalities are keyed and others are not.

    Examples
    --------
    >>> index, data = join_by_recording({"audio": {"a": [1.0], "b": [2.0]}, "video": {"b": [3.0]}})
    >>> list(index), data["video"]
    (['a', 'b'], [None, [3.0]])
    """
    keyed = [name for name, rows in data.items() if isinstance(rows, Mapping) and not is_padded_mapping(rows)]
    series = {name: rows for name, rows in data.items() if isinstance(rows, pd.Series)}
    if keyed:
        others = [name for name in data if name not in keyed and name not in series]
        if others:
            raise ValueError(
                f"Modality {keyed[0]!r} is keyed by recording, but {others[0]!r} is not. Give all of them as "
                "mappings of recording to array."
            )
        names = dict.fromkeys(key for name in [*keyed, *series] for key in list(data[name].keys()))
        cells = {name: {key: rows[key] for key in list(rows.keys())} for name, rows in data.items()}
        index = pd.Index(list(names), dtype=object if all(isinstance(n, str) for n in names) else None)
        return index, {name: [rows.get(key) for key in names] for name, rows in cells.items()}
    if not series:
        return None, data
    first = next(iter(series))
    index = series[first].index
    joined = {}
    for name, rows in series.items():
        if not rows.index.equals(index):
            if not (
                rows.index.is_unique and index.is_unique and rows.index.symmetric_difference(index).empty
            ):
                raise ValueError(
                    f"The Series {first!r} and {name!r} have different indexes. Align them first."
                )
            rows = rows.reindex(index)
        joined[name] = rows
    return index, data | joined


def is_padded_mapping(data):
    """Return whether a mapping spells out an array with its lengths or mask.

    Examples
    --------
    >>> is_padded_mapping({"frames": [], "lengths": []}), is_padded_mapping({"a.wav": []})
    (True, False)
    """
    return "frames" in data and len(data) <= 2 and np.ndim(data["frames"]) != 2


def is_named_table(cell):
    """Return whether a cell is a DataFrame with names of columns.

    Examples
    --------
    >>> is_named_table(pd.DataFrame({"rms": [0.1]})), is_named_table(pd.DataFrame([[0.1]]))
    (True, False)
    """
    return isinstance(cell, pd.DataFrame) and not isinstance(cell.columns, pd.RangeIndex)


def read_tables(cells, dtype, where):
    """Read recordings that are tables, as one long table: features by name, bookkeeping set aside.

    Parameters
    ----------
    cells : list of DataFrame or missing values
        One for each row, with the same columns in any order.
    dtype : numpy dtype or None
    where : callable
        Names the row of a given position in messages.

    Returns
    -------
    SequenceArray

    Raises
    ------
    ValueError
        If tables have different columns, or none but bookkeeping.

    Examples
    --------
    >>> one = pd.DataFrame({"rms": [0.1, 0.2], "pitch": [100.0, 110.0]})
    >>> read_tables([one, None, one[["pitch", "rms"]]], "float64", "row {}".format)[2].frames
    array([[1.0e-01, 1.0e+02],
           [2.0e-01, 1.1e+02]])
    """
    tables = {}
    for row, cell in enumerate(cells):
        if not is_missing(cell):
            tables[row] = with_index_levels(cell).rename(columns=lambda name: str(name).strip())
    first = next(iter(tables))
    names = list(tables[first].columns)
    for row, table in tables.items():
        if table.shape[1] != len(names) or set(table.columns) != set(names) or not table.columns.is_unique:
            odd = quoted(sorted(set(table.columns) ^ set(names)) or table.columns, limit=3)
            raise ValueError(
                f"The features in {where(first)} and {where(row)} have different names: {odd} in one of them "
                "only. All rows need the same features: select them by name."
            )
    long = pd.concat([table[names] for table in tables.values()], ignore_index=True)
    features = [name for name in names if name not in named_bookkeeping(names)]
    if not features:
        raise ValueError(f"In {where(first)}: All columns are bookkeeping, not features: {quoted(names)}.")
    long[ROW] = np.repeat(list(tables), [len(table) for table in tables.values()])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        X = read_long_table(long, {"features in tables": features}, dtype or np.float32, ROW)
    for warning in said:
        warn_user(str(warning.message).replace(" (name them in modalities to use them)", ""))
    positions = {row: position for position, row in enumerate(X[ROW])}
    return X["features in tables"].array.take(
        [positions.get(row, -1) for row in range(len(cells))], allow_fill=True
    )
