"""Tables of other libraries (polars, Arrow, DuckDB, Hugging Face), known by their protocols, as pandas has them.

No library is imported for it: whatever can hand its columns to Arrow is read through Arrow.
"""

import pandas as pd
import pyarrow as pa

from avfusion.sequences._arrow_lists import holds_cells, plain_type

LAZY = {  # by the first part of a module: what turns a table that is not computed yet into one that is
    "dask": "compute",
    "dask_expr": "compute",
    "pyspark": "toPandas",
    "ibis": "to_pyarrow",
    "modin": "_to_pandas",
}
PANDAS = (pd.DataFrame, pd.Series, pd.Index, pd.api.extensions.ExtensionArray)


def as_pandas(data):
    """Return a table or column of another library as pandas has it; anything else as it is.

    Parameters
    ----------
    data : object
        Whatever has ``__arrow_c_stream__``, ``__arrow_c_array__``, ``__dataframe__`` or, as Hugging Face's data
        sets, ``with_format``. Columns with lists become Arrow columns of pandas, whose memory they share.

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
    if isinstance(data, PANDAS) or isinstance(data, type):
        return data
    _refuse_lazy(data)
    if isinstance(data, (pa.Table, pa.RecordBatch)):
        return _frame(pa.table(data) if isinstance(data, pa.RecordBatch) else data)
    if isinstance(data, (pa.Array, pa.ChunkedArray)):
        return _series(data, None)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return _through_arrow(data)
    if _module(data) == "datasets" and hasattr(data, "with_format"):
        return _frame(data.with_format("arrow")[:])  # in the order of its rows, which may be a selection
    if hasattr(data, "__dataframe__"):
        return pd.api.interchange.from_dataframe(data)
    if _module(data) == "duckdb" and hasattr(data, "to_arrow_table"):
        return _frame(data.to_arrow_table())
    return data


def _refuse_lazy(data):
    module = _module(data)
    method = LAZY.get(module)
    if module == "polars" and hasattr(data, "collect"):
        method = "collect"
    if method is not None and hasattr(data, method):
        raise TypeError(
            f"A {type(data).__name__} of {module} is not in memory yet. Compute it first, with .{method}(), of "
            "the rows and columns that are needed."
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
    kind = column.type
    name = getattr(data, "name", None)
    if pa.types.is_struct(kind) and name is None and not holds_cells(kind):  # the rows of a table
        return _frame(pa.table(data))
    return _series(column, name if name else None)


def _series(column, name):
    """Return a column of Arrow as a Series."""
    return _frame(pa.table({"": column}))[""].rename(name)


def _frame(table):
    """Return a table of Arrow, with columns of lists as Arrow columns of pandas, the others as pandas'."""
    for k, field in enumerate(table.schema):
        wanted = plain_type(field.type)
        if wanted != field.type:
            table = table.set_column(k, field.with_type(wanted), table.column(k).cast(wanted))
    return table.to_pandas(types_mapper=_pandas_type)


def _pandas_type(kind):
    if holds_cells(kind):
        return pd.ArrowDtype(kind)
    return pd.BooleanDtype() if pa.types.is_boolean(kind) else None
