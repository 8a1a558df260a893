"""Tables of other libraries (polars, Arrow, DuckDB, Hugging Face), known by their protocols, for pandas.

No library is imported for it: whatever can hand its columns to Arrow is read through Arrow.
"""

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from avfusion.sequences._arrow_lists import holds_cells, without_views
from avfusion.sequences._messages import quoted
from avfusion.sequences._plain_arrays import plain_array

LAZY = {  # by the first part of a module: what turns a table that is not computed yet into one that is
    "dask": "compute",
    "dask_expr": "compute",
    "pyspark": "toPandas",
    "ibis": "to_pyarrow",
}
HUGGING_FACE = ("datasets.arrow_dataset", "datasets.iterable_dataset", "datasets.dataset_dict")
PANDAS = (pd.DataFrame, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)


def as_pandas(data):
    """Return a table or column of another library as pandas has it, and a masked array or tensor as an array.

    Parameters
    ----------
    data : object
        Whatever has ``__arrow_c_stream__``, ``__arrow_c_array__``, ``__dataframe__`` or, as Hugging Face's
        data sets, ``with_format``. Columns with lists become Arrow columns of pandas, whose memory they
        share.

    Returns
    -------
    pandas.DataFrame, pandas.Series or data

    Raises
    ------
    TypeError
        If the table is not computed yet: the message names the method that does it.

    Examples
    --------
    >>> as_pandas(pa.table({"clip": ["a", "b"], "audio": [[1.0, 2.0], [3.0]]})).dtypes
    clip                        str
    audio    list<item: double>[pyarrow]
    dtype: object
    >>> as_pandas([1.0, 2.0])
    [1.0, 2.0]
    """
    data = plain_array(data)
    if isinstance(data, (*PANDAS, type, np.ndarray)):
        return data
    _refuse_lazy(data)
    if isinstance(data, pa.Table):
        return _frame(data)
    if isinstance(data, list) and data and all(isinstance(part, (pa.RecordBatch, pa.Table)) for part in data):
        return _frame(pa.concat_tables([pa.table(part) for part in data]))
    if isinstance(data, (pa.Array, pa.ChunkedArray)) and _is_rows(data.type):
        return _frame(pa.Table.from_struct_array(data))
    if isinstance(data, (pa.Array, pa.ChunkedArray)):
        return _series(data, None)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return _through_arrow(data)
    if type(data).__module__ in HUGGING_FACE:
        return _of_hugging_face(data)
    if hasattr(data, "__dataframe__"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.Pandas4Warning)  # who has no more can only give this
            return pd.api.interchange.from_dataframe(data)
    return data


def _refuse_lazy(data):
    module = _module(data)
    method = LAZY.get(module)
    if module == "polars" and hasattr(data, "collect"):
        method = "collect"
    if module == "pyarrow" and not isinstance(data, (pa.Table, pa.RecordBatch)):
        method = next((name for name in ("to_table", "read") if hasattr(data, name)), None)
    if method is not None and hasattr(data, method):
        raise TypeError(
            f"A {type(data).__name__} of {module} is not in memory yet. Compute it first, with .{method}(), "
            "of the rows and columns that are needed."
        )


def _module(data):
    return type(data).__module__.split(".")[0]


def _through_arrow(data):
    """Read what has Arrow's protocol: a table, or a column, which says so by its schema."""
    if "Object" in map(str, getattr(data, "dtypes", ())):  # what ColumnTransformer makes of cells for polars
        return pd.DataFrame(data.to_dict(as_series=False))
    if hasattr(data, "columns") or hasattr(data, "column_names") or hasattr(data, "read_all"):
        return _frame(pa.table(data))
    try:
        column = pa.chunked_array(data) if hasattr(data, "__arrow_c_stream__") else pa.array(data)
    except (TypeError, ValueError):
        return _frame(pa.table(data))
    if _is_rows(column.type):
        return _frame(pa.Table.from_struct_array(column))
    return _series(column, getattr(data, "name", None) or None)


def _is_rows(kind):
    """Return whether a column is one of the rows of a table, and not of cells."""
    return pa.types.is_struct(kind) and not holds_cells(kind)


def _of_hugging_face(data):
    if isinstance(data, Mapping):
        raise TypeError(
            f"A {type(data).__name__} has several tables, {quoted(data)}. Give one of them, data[name]."
        )
    if not hasattr(data, "__len__"):
        raise TypeError(
            f"A {type(data).__name__} is read row by row. Give rows that are in memory, such as "
            "datasets.Dataset.from_list(list(data.take(1000)))."
        )
    if not hasattr(data, "with_format"):  # a column
        return pd.Series(list(data), dtype=object)
    return _frame(data.with_format("arrow")[:])  # in the order of its rows, which may be a selection


def _series(column, name):
    """Return a column of Arrow as a Series."""
    return _frame(pa.table({"": column}))[""].rename(name)


def _frame(table):
    """Return a table of Arrow, with columns of lists as Arrow columns of pandas, the others as pandas'."""
    for k, field in enumerate(table.schema):
        column = _plain(table.column(k))
        if column.type != field.type:
            table = table.set_column(k, field.with_type(column.type), column)
    return table.to_pandas(types_mapper=_pandas_type)


def _plain(column):
    """Return a column of a type that pandas can compute with."""
    if pa.types.is_dictionary(column.type) and holds_cells(column.type.value_type):
        chunks = getattr(column, "chunks", [column])  # pandas cannot hash the categories, nor Arrow cast them
        column = pa.chunked_array(
            [part.dictionary.take(part.indices) for part in chunks], column.type.value_type
        )
    if pa.types.is_string_view(column.type):
        return column.cast(pa.large_string())
    return column.cast(pa.float64()) if pa.types.is_decimal(column.type) else without_views(column)


def _pandas_type(kind):
    if holds_cells(kind):
        return pd.ArrowDtype(kind)
    return pd.BooleanDtype() if pa.types.is_boolean(kind) else None
