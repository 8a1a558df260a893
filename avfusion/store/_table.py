"""The table beside the frames: metadata, labels of clips and the places of rows, in one Parquet file."""

import io
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from avfusion.store._array_file import file_digest
from avfusion.store._manifest import TABLE, name_from_json, name_to_json


class TableWriter:
    """Columns that are gathered, and written together to a Parquet file.

    What cannot be read again as it was is refused when it is added.

    Examples
    --------
    >>> table = TableWriter()
    >>> table.add("subject", pd.Series(["s1", "s2"]))
    {'column': 'subject', 'dtype': 'str'}
    >>> table.add("subject", pd.Series([1, 2]))["column"]
    'subject 2'
    """

    def __init__(self):
        self._columns = {}

    def add(self, name, values):
        """Add a column.

        Parameters
        ----------
        name : str
            What it is to be called in the file; a number is added where the name is taken.
        values : pandas.Series or numpy.ndarray

        Returns
        -------
        dict
            What has to be known to read it again.

        Raises
        ------
        TypeError
            If Parquet cannot hold the values as they are.
        """
        values = pd.Series(values).reset_index(drop=True)
        key, number = str(name), 2
        while key in self._columns:
            key, number = f"{name} {number}", number + 1
        about = {"column": key, "dtype": str(values.dtype)}
        if values.dtype == object:
            about["missing"] = _missing_kind(values)
        try:
            file = io.BytesIO()
            pq.write_table(_as_arrow({key: values}), file)
            again = read_column(pq.read_table(file), about)
            exact = again.dtype == values.dtype and _equal(again, values)
        except (pa.ArrowException, TypeError, ValueError, OverflowError, AttributeError, KeyError) as error:
            raise TypeError(_refusal(name, values)) from error
        if not exact:
            raise TypeError(_refusal(name, values))
        self._columns[key] = values
        return about

    def add_index(self, index, name="index"):
        """Add an index; see `add`."""
        names = [name_to_json(level) for level in index.names]
        if isinstance(index, pd.RangeIndex):
            return {"range": [index.start, index.stop, index.step], "names": names}
        levels = [index.get_level_values(k) for k in range(index.nlevels)]
        labels = [name if level.name is None else str(level.name) for level in levels]
        added = [self.add(label, level.to_series()) for label, level in zip(labels, levels)]
        timed = isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex))
        return {"levels": added, "names": names, "freq": index.freqstr if timed else None}

    def write(self, folder):
        """Write the file, and return its name, size and hash."""
        path = folder / TABLE
        with open(path, "xb") as file:
            pq.write_table(_as_arrow(self._columns), file)
            file.flush()
            os.fsync(file.fileno())
        return {"file": TABLE, "size": path.stat().st_size, "sha256": file_digest(path)}


def read_column(table, about):
    """Return a column as it was when it was added.

    Parameters
    ----------
    table : pyarrow.Table
    about : dict
        What `TableWriter.add` returned.

    Returns
    -------
    pandas.Series
    """
    column = table.select([about["column"]])
    if not isinstance(about["dtype"], str):  # None would be that of numbers
        raise TypeError(f"The dtype of a column is {about['dtype']!r}.")
    if about["dtype"] == "object":
        missing = {"None": None, "nan": np.nan, "NA": pd.NA, "NaT": pd.NaT}[about["missing"]]
        cells = [missing if cell is None else cell for cell in column.column(0).to_pylist()]
        return pd.Series(cells, dtype=object)
    values = column.to_pandas().iloc[:, 0].rename(None)
    return values if str(values.dtype) == about["dtype"] else values.astype(about["dtype"])


def read_index(table, about):
    """Return an index as it was when it was added."""
    names = [name_from_json(name) for name in about["names"]]
    if "range" in about:
        return pd.RangeIndex(*about["range"], name=names[0])
    levels = [read_column(table, level) for level in about["levels"]]
    if len(levels) > 1:
        return pd.MultiIndex.from_arrays(levels, names=names)
    index = pd.Index(levels[0], name=names[0])
    if about["freq"] is not None:
        index.freq = about["freq"]
    return index


def _as_arrow(columns):
    return pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False)


def _missing_kind(values):
    """Return what stands for missing in a column of objects; None where it is not one thing."""
    kinds = {repr(cell) for cell in values[values.isna()]} or {"None"}
    kind = {"<NA>": "NA"}.get(*kinds, *kinds) if len(kinds) == 1 else "None"
    return kind if kind in ("None", "nan", "NA", "NaT") else "None"


def _equal(again, values):
    if values.dtype == object:  # numbers of two kinds of None are one
        missing = values.isna()
        return bool((again.isna() == missing).all()) and again[~missing].equals(values[~missing])
    return again.equals(values)


def _refusal(name, values):
    return (
        f"Column {name!r} ({values.dtype}) holds something that a Parquet file cannot give back as it is. "
        "Turn it into text or numbers, with X[name].astype(str), or drop it."
    )
