"""Targets: every form in which labels are given, read into one array and given back in the form they had."""

from __future__ import annotations

import numbers
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from scipy import sparse

from avfusion.sequences.array import SequenceArray
from avfusion.sequences.dtype import SequenceDtype


@dataclass(frozen=True)
class TargetForm:
    """The form in which targets were given, so that predictions can be given back in it.

    Fitted estimators keep it; it holds no data and pickles.

    Parameters
    ----------
    per_frame : bool
        Whether every row has a sequence of values (else one value per target).
    names : tuple or None
        Column names of a DataFrame, ``(name,)`` of a Series, None for anything else.
    n_targets : int
        Number of targets K, all columns together.
    container : {"frame", "series", "cells", "array"}
        DataFrame, Series, list or object array of sequences, or numeric array.
    flat : bool
        Whether arrays (or the arrays in cells) came without an axis of targets.
    widths : tuple of int
        Number of targets of each column.
    dtypes : tuple
        Per column of a DataFrame or Series: the `SequenceDtype`, the float dtype, or ``object``.

    Examples
    --------
    >>> import numpy as np
    >>> from avfusion.sequences.targets import as_targets
    >>> form = as_targets([np.zeros(3), np.ones(2)]).form
    >>> form.wrap(np.arange(5.0)[:, None], lengths=[3, 2])
    array([array([0., 1., 2.]), array([3., 4.])], dtype=object)
    """

    per_frame: bool
    names: tuple | None
    n_targets: int
    container: str
    flat: bool
    widths: tuple
    dtypes: tuple = ()

    @property
    def target_names(self) -> list[str]:
        """One name per target: the column's, with a position where a column holds several.

        Examples
        --------
        >>> import pandas as pd
        >>> as_targets(pd.DataFrame({"arousal": [0.1], "valence": [0.2]})).form.target_names
        ['arousal', 'valence']
        >>> as_targets([[1.0, 2.0], [3.0, 4.0]]).form.target_names
        ['target 0', 'target 1']
        """
        if self.names is None or self.names == (None,):
            return ["target"] if self.n_targets == 1 else [f"target {k}" for k in range(self.n_targets)]
        names = []
        for name, width in zip(self.names, self.widths):
            names += [str(name)] if width == 1 else [f"{name} {k}" for k in range(width)]
        return names

    def wrap(self, values, lengths=None, index=None):
        """Give values back in the form that the targets had.

        Parameters
        ----------
        values : array-like of shape (n_frames, K) per frame, else (n_rows, K)
            Packed in the order of the rows. A single target may come without its axis.
        lengths : array-like of shape (n_rows,), optional
            Number of frames of each row (-1: missing); needed if `per_frame`.
        index : pandas.Index, optional
            Index of a DataFrame or Series; by default 0, 1, ...

        Returns
        -------
        DataFrame, Series or ndarray
            Lists, tuples and object arrays come back as an object array, numbers as a float array.

        Raises
        ------
        ValueError
            If the shapes do not agree, or rows of different lengths are to become one 3-D array.
        """
        values = np.asarray(values)
        values = values[:, None] if values.ndim == 1 else values
        lengths = np.asarray(lengths, dtype=np.int64) if self.per_frame else None
        n_values = len(values) if lengths is None else np.maximum(lengths, 0).sum()
        if values.shape != (n_values, self.n_targets):
            raise ValueError(
                f"Values of shape {values.shape} cannot take the form of the targets: "
                f"{(int(n_values), self.n_targets)} (lines, targets) are needed."
            )
        if self.container == "array":
            return self._wrap_array(values, lengths)
        stops = np.cumsum(self.widths)
        blocks = [values[:, stop - width : stop] for stop, width in zip(stops, self.widths)]
        if self.container == "cells":
            columns = [_cells(block, lengths, self.flat) for block in blocks]
            return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)
        columns = [
            _pandas_column(block, lengths, dtype, self.flat) for block, dtype in zip(blocks, self.dtypes)
        ]
        if self.container == "series":
            return pd.Series(columns[0], index=index, name=self.names[0])
        frame = pd.DataFrame(dict(enumerate(columns)), index=index)
        frame.columns = pd.Index(self.names, tupleize_cols=False)
        return frame

    def _wrap_array(self, values, lengths):
        if lengths is None:
            return values[:, 0] if self.flat else values
        if len(np.unique(lengths)) != 1 or lengths[0] < 0:
            raise ValueError(
                "The targets were one (rows, frames, targets) array, but the rows have different lengths "
                f"({lengths.min()} to {lengths.max()} frames). Give the targets as a list of arrays instead."
            )
        return values.reshape(len(lengths), int(lengths[0]), self.n_targets)


@dataclass(frozen=True)
class Targets:
    """Targets of every form as one float64 array.

    Parameters
    ----------
    values : ndarray of shape (n_frames, K) per frame, else (n_rows, K)
        The labels, packed in the order of the rows; NaN is unlabelled.
    lengths : ndarray of shape (n_rows,) or None
        Frames of each row; None if the targets are per clip. A missing row has length -1 and owns no
        values: it has no label, and how long it is only its features know.
    form : TargetForm
        How the targets were given.
    """

    values: np.ndarray
    lengths: np.ndarray | None
    form: TargetForm

    @property
    def n_rows(self) -> int:
        """Number of rows (samples)."""
        return len(self.values) if self.lengths is None else len(self.lengths)

    @property
    def row_of_value(self) -> np.ndarray:
        """Row that each line of `values` belongs to, of shape (len(values),).

        Examples
        --------
        >>> import numpy as np
        >>> as_targets([np.zeros(3), np.ones(2)]).row_of_value
        array([0, 0, 0, 1, 1])
        """
        counts = 1 if self.lengths is None else np.maximum(self.lengths, 0)
        return np.repeat(np.arange(self.n_rows), counts)


def as_targets(y, name="y") -> Targets:
    """Read targets of any form.

    Parameters
    ----------
    y : DataFrame, Series, list, tuple or array
        Per frame: a DataFrame or Series of sequence columns (or of object columns with arrays in their
        cells); a list, tuple or object array of (T,) or (T, K) arrays; a numeric (n_rows, T, K) array; an
        object array of shape (n_rows, n_columns) with sequences in its cells, which is what scikit-learn's
        `cross_val_predict` makes of DataFrames. Missing cells are rows without labels.
        Per clip: numbers, as a list, an (n_rows,) or (n_rows, K) array, a Series or a DataFrame. A list of
        lists of numbers is, as in scikit-learn, (n_rows, K).
    name : str
        What error messages call the argument.

    Returns
    -------
    Targets
        float64 values, lengths and form.

    Raises
    ------
    ValueError
        If y is None or empty, has infinite or complex labels, mixes labels per frame and per clip, or has
        rows of different widths, or columns of different lengths in a row.
    TypeError
        If y is sparse, text, or not a table of numbers or sequences at all.

    Examples
    --------
    >>> import numpy as np
    >>> targets = as_targets([np.zeros((3, 2)), np.ones((2, 2))])
    >>> targets.values.shape, targets.lengths, targets.form.per_frame
    ((5, 2), array([3, 2]), True)
    >>> as_targets([3.5, float("nan"), 1.0]).values.ravel()
    array([3.5, nan, 1. ])
    """
    if y is None:
        raise ValueError(f"This estimator requires y to be passed, but the target {name} is None.")
    if sparse.issparse(y):
        raise TypeError(f"{name} is sparse, but dense targets are needed. Use '.toarray()' to convert it.")
    if isinstance(y, pd.DataFrame):
        columns = [_pandas_values(y.iloc[:, k], f"column {label!r}") for k, label in enumerate(y.columns)]
        return _join(columns, name, "frame", names=tuple(y.columns), index=y.index)
    if isinstance(y, pd.Series):
        return _join([_pandas_values(y, name)], name, "series", names=(y.name,), index=y.index)
    array = _as_array(y, name)
    if array.dtype == object:
        if array.ndim > 2:
            return as_targets(np.asarray(array, dtype=np.float64), name)
        flat = array.ndim == 1
        cells = [array] if flat else list(array.T)
        columns = [_object_values(c, name if flat else f"column {k}") for k, c in enumerate(cells)]
        return _join(columns, name, "cells", flat_array=flat)
    return _from_numeric(array, name)


@dataclass(frozen=True)
class _Column:
    label: str  # what messages call it
    values: np.ndarray  # (n_lines, width)
    lengths: np.ndarray | None  # None: per clip
    dtype: object
    flat: bool = False  # cells without an axis of targets
    blank: bool = False  # nothing but missing cells: takes the kind and lengths of the columns beside it


def _as_array(y, name):
    if isinstance(y, (str, bytes, dict, set, numbers.Number)):
        raise TypeError(
            f"{name} is a {type(y).__name__}; expected one label or one sequence of labels per row."
        )
    if isinstance(y, ExtensionArray):
        return np.asarray(y, dtype=object)
    if isinstance(y, (list, tuple)) and any(np.ndim(cell) for cell in y if hasattr(cell, "__array__")):
        return _object_array(y)
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise ValueError(
            f"{name} is ragged: for labels per frame give each row as an array, numpy.asarray(row)."
        ) from error
    if array.ndim == 0:
        raise TypeError(
            f"{name} is a {type(y).__name__}; expected one label or one sequence of labels per row."
        )
    return array


def _from_numeric(array, name):
    _check_numeric(array.dtype, name)
    if array.ndim > 3:
        raise ValueError(
            f"{name} has {array.ndim} dimensions; expected (rows,), (rows, targets) or "
            "(rows, frames, targets)."
        )
    if 0 in (array.shape if array.ndim < 3 else array.shape[::2]):
        _raise_empty(name, array.shape)
    per_frame, flat = array.ndim == 3, array.ndim == 1
    n_targets = 1 if flat else array.shape[-1]
    values = array.reshape(-1, n_targets).astype(np.float64)
    lengths = np.full(len(array), array.shape[1], dtype=np.int64) if per_frame else None
    form = TargetForm(per_frame, None, n_targets, "array", flat, widths=(n_targets,))
    return _checked(Targets(values, lengths, form), name, None)


def _pandas_values(column, label):
    dtype = column.dtype
    if isinstance(dtype, SequenceDtype):
        packed = column.array.pack()
        return _Column(label, packed.frames.astype(np.float64), packed.lengths, dtype)
    if pd.api.types.is_object_dtype(dtype):
        return _object_values(column.to_numpy(), label, column.index)
    if not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)):
        raise TypeError(f"{label} has dtype {dtype}; targets must be numbers or sequences of numbers.")
    _check_numeric(dtype, label)
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    kept = dtype if isinstance(dtype, np.dtype) and dtype.kind == "f" else np.dtype(np.float64)
    return _Column(label, values[:, None], None, kept)


def _object_values(cells, label, index=None):
    arrays = [None if _is_missing(cell) else np.asarray(cell) for cell in cells]
    for row, cell in enumerate(arrays):
        if cell is not None:
            _check_numeric(cell.dtype, f"{label}, {_row(row, index)},")
            if cell.ndim > 2:
                raise ValueError(
                    f"{label}, {_row(row, index)}, has shape {cell.shape}; expected (T,) or (T, K)."
                )
    per_frame = [row for row, cell in enumerate(arrays) if cell is not None and cell.ndim]
    per_clip = [row for row, cell in enumerate(arrays) if cell is not None and not cell.ndim]
    if per_frame and per_clip:
        raise ValueError(
            f"{label} mixes labels per frame ({_row(per_frame[0], index)}) and per clip "
            f"({_row(per_clip[0], index)}). Give every row a sequence, or every row a number."
        )
    if not per_frame:
        values = np.array([[np.nan if cell is None else float(cell)] for cell in arrays])
        return _Column(label, values.reshape(-1, 1), None, np.dtype(np.float64), blank=not per_clip)
    return _pack_cells(arrays, label, index, first=per_frame[0])


def _pack_cells(arrays, label, index, first):
    lengths = np.array([-1 if cell is None else len(cell) for cell in arrays], dtype=np.int64)
    flat = all(cell is None or cell.ndim == 1 for cell in arrays)
    blocks = [cell if cell.ndim == 2 else cell[:, None] for cell in arrays if cell is not None]
    rows = np.flatnonzero(lengths >= 0)
    for row, block in zip(rows, blocks):
        if block.shape[1] != blocks[0].shape[1]:
            raise ValueError(
                f"{label}: {_row(row, index)} has {block.shape[1]} targets, but {_row(first, index)} has "
                f"{blocks[0].shape[1]}. Every row needs the same number of targets."
            )
    return _Column(label, np.concatenate(blocks).astype(np.float64), lengths, np.dtype(object), flat)


def _join(columns, name, container, names=None, index=None, flat_array=False):
    n_rows = len(columns[0].values if columns[0].lengths is None else columns[0].lengths) if columns else 0
    if n_rows == 0:
        _raise_empty(name, (0,) if flat_array or container == "series" else (n_rows, len(columns)))
    decided = [c for c in columns if not c.blank] or columns
    per_frame = decided[0].lengths is not None
    for column in decided:
        if (column.lengths is not None) != per_frame:
            first, second = (decided[0], column) if per_frame else (column, decided[0])
            raise ValueError(
                f"{name} mixes labels per frame ({first.label}) and per clip ({second.label}). "
                "Give every column sequences, or every column numbers."
            )
    lengths = _common_lengths(decided, index) if per_frame else None
    blocks = [_aligned(column, lengths) for column in columns] if per_frame else [c.values for c in columns]
    widths = tuple(block.shape[1] for block in blocks)
    flat = all(c.flat or c.blank for c in columns) if per_frame else flat_array
    dtypes = tuple(c.dtype for c in columns) if names is not None else ()
    if not per_frame and container == "cells":
        container = "array"
    form = TargetForm(per_frame, names, sum(widths), container, flat, widths, dtypes)
    values = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
    return _checked(Targets(values, lengths, form), name, index)


def _common_lengths(columns, index):
    lengths = columns[0].lengths.copy()
    owner = np.zeros(len(lengths), dtype=int)
    for k, column in enumerate(columns[1:], start=1):
        both = (lengths >= 0) & (column.lengths >= 0)
        for row in np.flatnonzero(both & (lengths != column.lengths))[:1]:
            raise ValueError(
                f"The targets of {_row(row, index)} have {lengths[row]} frames in "
                f"{columns[owner[row]].label} but {column.lengths[row]} in {column.label}. All targets of a "
                "row need the same length; pad the shorter with NaN if its labels are missing."
            )
        owner[(lengths < 0) & (column.lengths >= 0)] = k
        lengths = np.maximum(lengths, column.lengths)
    return lengths


def _aligned(column, lengths):
    """Values of a column for the common lengths: NaN where only this column's cell is missing."""
    own = np.full(len(lengths), -1) if column.lengths is None else column.lengths
    if np.array_equal(own, lengths):
        return column.values
    values = np.full((np.maximum(lengths, 0).sum(), column.values.shape[1]), np.nan)
    present = np.repeat(own >= 0, np.maximum(lengths, 0))
    if present.any():
        values[present] = column.values
    return values


def _checked(targets, name, index):
    infinite = np.isinf(targets.values)
    if infinite.any():
        line, column = np.argwhere(infinite)[0]
        row = _row(targets.row_of_value[line], index)
        raise ValueError(
            f"Input {name} contains infinity or a value too large for dtype('float64'). ({row}, "
            f"{targets.form.target_names[column]}). Use NaN for labels that are missing."
        )
    return targets


def _check_numeric(dtype, label):
    kind = getattr(dtype, "kind", "O")
    if kind == "c":
        raise ValueError(f"Complex data not supported: {label} has dtype {dtype}.")
    if kind not in "biuf":
        raise TypeError(f"{label} has dtype {dtype}; targets must be numbers or sequences of numbers.")


def _raise_empty(name, shape):
    raise ValueError(
        f"Found array with 0 sample(s) or targets (shape={shape}) in {name}; at least 1 is required."
    )


def _is_missing(cell):
    return cell is None or cell is pd.NA or (isinstance(cell, (float, np.floating)) and np.isnan(cell))


def _row(row, index):
    if index is None:
        return f"row {row}"
    label = index[row]
    return f"row {row} (index {label.item() if isinstance(label, np.generic) else label!r})"


def _object_array(cells):
    array = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        array[row] = cell
    return array


def _cells(block, lengths, flat):
    stops = np.cumsum(np.maximum(lengths, 0))
    block = block[:, 0] if flat else block
    return _object_array([None if n < 0 else block[stop - n : stop] for stop, n in zip(stops, lengths)])


def _pandas_column(block, lengths, dtype, flat):
    if isinstance(dtype, SequenceDtype):
        counts = np.maximum(lengths, 0)
        starts = np.cumsum(counts) - counts
        frames = np.ascontiguousarray(block, dtype=dtype.subtype)
        return SequenceArray(frames, np.where(lengths < 0, 0, starts), lengths, rate_hz=dtype.rate_hz)
    if lengths is not None:
        return _cells(block, lengths, flat)
    return block[:, 0].astype(dtype)
