"""One column of targets, read from pandas or from separate cells, and columns brought to the same frames."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._arrow_lists import holds_cells, read_lists
from avfusion.sequences._by_recording import is_named_table, read_tables
from avfusion.sequences._cells import is_missing, located, plain_cell
from avfusion.sequences._dtype import SequenceDtype
from avfusion.sequences._label_clock import RowClock
from avfusion.sequences._messages import row_name
from avfusion.sequences._other_tables import as_pandas
from avfusion.sequences._sequence import numbers_of


@dataclass(frozen=True)
class TargetColumn:
    """One column of targets, packed.

    Parameters
    ----------
    label : str
        What error messages call the column.
    values : ndarray of shape (n_frames, width), per clip (n_rows, 1)
        float64; NaN is unlabelled.
    lengths : ndarray of shape (n_rows,) or None
        Frames of each row, -1 for a missing cell; None per clip.
    dtype : SequenceDtype or numpy.dtype
        What the column is to be given back as.
    flat : bool
        Whether the arrays in the cells had no axis of targets.
    blank : bool
        Whether all cells are missing, so that the columns beside it tell its kind and lengths.
    clock : RowClock or None
        What is known of when the frames are.

    Examples
    --------
    >>> column = column_from_cells([np.zeros(3), None], "y")
    >>> column.values.shape, column.lengths, column.flat
    ((3, 1), array([ 3, -1]), True)
    """

    label: str
    values: np.ndarray
    lengths: np.ndarray | None
    dtype: object
    flat: bool = False
    blank: bool = False
    clock: RowClock | None = None

    @property
    def n_values(self):
        """Number of values of each target."""
        return len(self.values)

    @property
    def n_rows(self):
        """Number of rows."""
        return len(self.values if self.lengths is None else self.lengths)


def column_from_pandas(column, label):
    """Read a pandas column of sequences, of objects or of numbers.

    Parameters
    ----------
    column : Series
    label : str
        What error messages call it.

    Returns
    -------
    TargetColumn

    Raises
    ------
    TypeError
        If the column holds neither sequences nor numbers.
    ValueError
        If its numbers are complex, or as `column_from_cells`.

    Examples
    --------
    >>> column_from_pandas(pd.Series([1, 2]), "y").values.ravel()
    array([1., 2.])
    """
    dtype = column.dtype
    if isinstance(dtype, pd.ArrowDtype) and holds_cells(dtype):
        column = pd.Series(read_lists(column, lambda row: f"{label}, {row_name(row, column.index)}"))
        dtype = SequenceDtype(np.float64, column.dtype.width, column.dtype.rate_hz, column.dtype.clock)
    if isinstance(dtype, pd.ArrowDtype) and pa.types.is_decimal(dtype.pyarrow_dtype):
        column, dtype = column.astype(np.float64), np.dtype(np.float64)
    if isinstance(dtype, SequenceDtype):
        packed = column.array.pack()
        values = packed.frames.astype(np.float64)
        return TargetColumn(label, values, packed.lengths, dtype, clock=RowClock.of(packed))
    if pd.api.types.is_object_dtype(dtype):
        return column_from_cells(column.to_numpy(), label, column.index)
    if not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)):
        raise TypeError(
            f"{label} has dtype {dtype}; targets must be numbers or sequences of numbers. Convert them "
            "first, as y.astype(float) does."
        )
    check_numeric(dtype, label)
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    kept = dtype if isinstance(dtype, np.dtype) and dtype.kind == "f" else np.dtype(np.float64)
    return TargetColumn(label, values[:, None], None, kept)


def column_from_cells(cells, label, index=None):
    """Read separate cells: arrays (T,) or (T, K), or numbers, or missing values.

    Parameters
    ----------
    cells : iterable
    label : str
        What error messages call the column.
    index : pandas.Index, optional
        Names of the rows for error messages.

    Returns
    -------
    TargetColumn

    Raises
    ------
    TypeError
        If a cell holds no numbers.
    ValueError
        If numbers are complex, sequences and numbers are mixed, or widths differ.

    Examples
    --------
    >>> column_from_cells([1.5, None], "y").values.ravel()
    array([1.5, nan])
    """
    cells = [as_pandas(plain_cell(cell)) for cell in cells]
    cells = _without_bookkeeping(cells, label)
    arrays = []
    for row, cell in enumerate(cells):
        try:
            arrays.append(None if is_missing(cell) or cell is np.ma.masked else _as_numbers(cell))
        except (TypeError, ValueError) as error:
            raise located(error, f"{label}, {row_name(row, index)}") from None
    for row, cell in enumerate(arrays):
        if cell is not None:
            check_numeric(cell.dtype, f"{label}, {row_name(row, index)},")
            if cell.ndim > 2:
                raise ValueError(
                    f"{label}, {row_name(row, index)}, has shape {cell.shape}, but must be (T,) or (T, K)."
                )
    per_frame = [row for row, cell in enumerate(arrays) if cell is not None and cell.ndim]
    per_clip = [row for row, cell in enumerate(arrays) if cell is not None and not cell.ndim]
    if per_frame and per_clip:
        raise ValueError(
            f"{label} mixes labels per frame ({row_name(per_frame[0], index)}) and per clip "
            f"({row_name(per_clip[0], index)}). Give every row a sequence, or every row a number."
        )
    if not per_frame:
        values = np.array([[np.nan if cell is None else float(cell)] for cell in arrays])
        return TargetColumn(label, values.reshape(-1, 1), None, np.dtype(np.float64), blank=not per_clip)
    column = _pack_cells(arrays, label, index, first=per_frame[0])
    if any(getattr(cell, "times_s", None) is not None for cell in cells):
        column = replace(column, clock=RowClock.of(SequenceArray.from_sequences(cells).pack()))
    return column


def _as_numbers(cell):
    """Return a cell as an array, of numbers where it holds some."""
    if isinstance(cell, (list, tuple)) or (isinstance(cell, np.ndarray) and cell.dtype.kind == "O"):
        return numbers_of(cell)
    array = np.asarray(cell)
    return numbers_of(array) if array.dtype.kind == "O" else array


def _without_bookkeeping(cells, label):
    """Return cells that are tables as sequences: targets by name, without clocks and the like."""
    if not any(map(is_named_table, cells)) or not all(is_missing(c) or is_named_table(c) for c in cells):
        return cells
    return [
        None if cell is pd.NA else cell
        for cell in read_tables(cells, np.float64, f"{label}, row {{}}".format)
    ]


def _pack_cells(arrays, label, index, first):
    lengths = np.array([-1 if cell is None else len(cell) for cell in arrays], dtype=np.int64)
    flat = all(cell is None or cell.ndim == 1 for cell in arrays)
    blocks = [cell if cell.ndim == 2 else cell[:, None] for cell in arrays if cell is not None]
    rows = np.flatnonzero(lengths >= 0)
    for row, block in zip(rows, blocks):
        if block.shape[1] != blocks[0].shape[1]:
            raise ValueError(
                f"{label}: {row_name(row, index)} has {block.shape[1]} targets, but {row_name(first, index)} "
                f"has {blocks[0].shape[1]}. Every row needs the same number of targets."
            )
    return TargetColumn(label, np.concatenate(blocks).astype(np.float64), lengths, np.dtype(object), flat)


def common_lengths(columns, index):
    """Lengths that all columns agree on, where each has a cell.

    Parameters
    ----------
    columns : list of TargetColumn
        Per frame.
    index : pandas.Index or None
        Names of the rows for the error message.

    Returns
    -------
    ndarray of shape (n_rows,)
        -1 where no column has a cell.

    Raises
    ------
    ValueError
        If a row's cells have different lengths.

    Examples
    --------
    >>> columns = [column_from_cells([np.zeros(3), None], name) for name in "ab"]
    >>> common_lengths(columns, None)
    array([ 3, -1])
    """
    lengths = columns[0].lengths.copy()
    owner = np.zeros(len(lengths), dtype=int)
    for k, column in enumerate(columns[1:], start=1):
        both = (lengths >= 0) & (column.lengths >= 0)
        for row in np.flatnonzero(both & (lengths != column.lengths))[:1]:
            raise ValueError(
                f"The targets of {row_name(row, index)} have {lengths[row]} frames in "
                f"{columns[owner[row]].label} but {column.lengths[row]} in {column.label}. All targets of a "
                "row need the same length; pad the shorter with NaN if its labels are missing."
            )
        owner[(lengths < 0) & (column.lengths >= 0)] = k
        lengths = np.maximum(lengths, column.lengths)
    return lengths


def aligned_values(column, lengths):
    """Values of a column for the common lengths: NaN where only this column's cell is missing.

    Examples
    --------
    >>> aligned_values(column_from_cells([np.zeros(1), None], "y"), np.array([1, 2])).ravel()
    array([ 0., nan, nan])
    """
    own = np.full(len(lengths), -1) if column.lengths is None else column.lengths
    if np.array_equal(own, lengths):
        return column.values
    values = np.full((np.maximum(lengths, 0).sum(), column.values.shape[1]), np.nan)
    present = np.repeat(own >= 0, np.maximum(lengths, 0))
    if present.any():
        values[present] = column.values
    return values


def check_numeric(dtype, label):
    """Refuse what is not made of real numbers.

    Examples
    --------
    >>> check_numeric(np.dtype("int8"), "y")
    """
    kind = getattr(dtype, "kind", "O")
    if kind == "c":
        raise ValueError(f"Complex data not supported: {label} has dtype {dtype}.")
    if kind not in "biuf":
        raise TypeError(f"{label} has dtype {dtype}; targets must be numbers or sequences of numbers.")
