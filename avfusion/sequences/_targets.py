"""Targets: every form in which labels are given, read into one array and given back in the form they had."""

import numbers
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from scipy import sparse

from avfusion.sequences._buffers import gather, packed_starts
from avfusion.sequences._classes import refuse_classes
from avfusion.sequences._label_clock import RowClock, same_clock
from avfusion.sequences._other_tables import as_pandas
from avfusion.sequences._plain_arrays import floats_of, plain_parts
from avfusion.sequences._readings import labels_of_wide_table
from avfusion.sequences._target_columns import (
    aligned_values,
    check_numeric,
    column_from_cells,
    column_from_pandas,
    common_lengths,
    row_name,
)
from avfusion.sequences._target_form import TargetForm, object_array


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
    index : pandas.Index or None
        Labels of the rows, where they came with some.
    clock : RowClock or None
        When the values per frame are, where that is declared.
    weights : ndarray of the shape of `values` or None
        How much each label counts; NaN where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> targets = as_targets([np.zeros(2), None, np.ones(1)])
    >>> targets.lengths, targets.values.shape
    (array([ 2, -1,  1]), (3, 1))
    """

    values: np.ndarray
    lengths: np.ndarray | None
    form: TargetForm
    index: pd.Index | None = None
    clock: RowClock | None = None
    weights: np.ndarray | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows (samples).

        Examples
        --------
        >>> as_targets([1.0, 2.0]).n_rows
        2
        """
        return len(self.values) if self.lengths is None else len(self.lengths)

    @property
    def row_of_value(self) -> np.ndarray:
        """Row that each of `values` belongs to, of shape (len(values),).

        Examples
        --------
        >>> import numpy as np
        >>> as_targets([np.zeros(3), np.ones(2)]).row_of_value
        array([0, 0, 0, 1, 1])
        """
        counts = 1 if self.lengths is None else np.maximum(self.lengths, 0)
        return np.repeat(np.arange(self.n_rows), counts)

    @property
    def labelled(self) -> np.ndarray:
        """Return whether each row has any label of each target, of shape (n_rows, K).

        Examples
        --------
        >>> import numpy as np
        >>> as_targets([np.array([0.5, np.nan]), np.array([np.nan]), None]).labelled.ravel()
        array([ True, False, False])
        """
        labelled = np.zeros((self.n_rows, self.form.n_targets), dtype=bool)
        np.logical_or.at(labelled, self.row_of_value, ~np.isnan(self.counted.values))
        return labelled

    @property
    def counted(self) -> "Targets":
        """The targets with NaN in place of labels of weight 0, which do not count.

        Examples
        --------
        >>> as_targets([1.0, 2.0]).counted.values.ravel()
        array([1., 2.])
        """
        if self.weights is None:
            return self
        counts = self.weights > 0
        return replace(
            self,
            values=np.where(counts, self.values, np.nan),
            weights=np.where(counts, self.weights, np.nan),
        )

    def take(self, rows) -> "Targets":
        """Return the targets of some rows, in the order of `rows`, without reading labels again.

        Parameters
        ----------
        rows : array-like of int of shape (n,)
            Positions from 0; a row may be taken several times.

        Returns
        -------
        Targets
            Of the same form.

        Examples
        --------
        >>> import numpy as np
        >>> taken = as_targets([np.zeros(2), None, np.ones(1)]).take([2, 1])
        >>> taken.values.ravel(), taken.lengths
        (array([1.]), array([ 1, -1]))
        """
        rows = np.asarray(rows, dtype=np.int64)
        index = None if self.index is None else self.index[rows]
        weights = self.weights
        if self.lengths is None:
            weights = None if weights is None else weights[rows]
            return replace(self, values=self.values[rows], index=index, weights=weights)
        lengths, starts = self.lengths[rows], packed_starts(self.lengths)[rows]
        values = gather(self.values, starts, lengths)
        weights = None if weights is None else gather(weights, starts, lengths)
        clock = None if self.clock is None else self.clock.take(rows, self.lengths)
        return replace(self, values=values, lengths=lengths, index=index, clock=clock, weights=weights)

    def of_target(self, k) -> "Targets":
        """Return one of the targets by itself.

        Parameters
        ----------
        k : int
            Its position.

        Returns
        -------
        Targets
            With one column of values, and the form that this target has by itself.

        Examples
        --------
        >>> as_targets([[1.0, 2.0], [3.0, 4.0]]).of_target(1).values.ravel()
        array([2., 4.])
        """
        weights = None if self.weights is None else self.weights[:, [k]]
        return replace(self, values=self.values[:, [k]], form=self.form.of_target(k), weights=weights)


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
        lists of numbers is, as in scikit-learn, (n_rows, K). A DataFrame with a column for each time, such as
        "sample_15000ms", holds labels per frame. What is masked in a masked array is unlabelled.
        `Targets` are returned as they are.
    name : str
        What error messages call the argument.

    Returns
    -------
    Targets
        Values in float64, lengths and form.

    Raises
    ------
    ValueError
        If y is None or empty, has infinite or complex labels, mixes labels per frame and per clip, or has
        rows of different widths, or columns of different lengths in a row.
    TypeError
        If y holds classes (text, truth values), is sparse, or not a table of numbers or sequences at all.

    Examples
    --------
    >>> import numpy as np
    >>> targets = as_targets([np.zeros((3, 2)), np.ones((2, 2))])
    >>> targets.values.shape, targets.lengths, targets.form.per_frame
    ((5, 2), array([3, 2]), True)
    >>> as_targets([3.5, float("nan"), 1.0]).values.ravel()
    array([3.5, nan, 1. ])
    """
    if isinstance(y, Targets):
        return y
    if name in ("y", "y_true"):
        refuse_classes(as_pandas(y), name)
    return _checked(read_targets(y, name), name)


def read_targets(y, name):
    """Read targets as `as_targets` does, infinite values too.

    Examples
    --------
    >>> read_targets([1.0, float("inf")], "sample_weight").values.ravel()
    array([ 1., inf])
    """
    if y is None:
        raise ValueError(f"This estimator requires y to be passed, but the target {name} is None.")
    if sparse.issparse(y):
        raise TypeError(f"{name} is sparse, but dense targets are needed. Use '.toarray()' to convert it.")
    y = labels_of_wide_table(as_pandas(y))
    if isinstance(y, pd.DataFrame):
        columns = [
            column_from_pandas(y.iloc[:, k], f"{name}[{label!r}]") for k, label in enumerate(y.columns)
        ]
        return _join(columns, name, "frame", names=tuple(y.columns), index=y.index)
    if isinstance(y, pd.Series):
        return _join([column_from_pandas(y, name)], name, "series", names=(y.name,), index=y.index)
    array = _as_array(y, name)
    if array.dtype == object:
        if array.ndim > 2:
            return read_targets(floats_of(array), name)
        flat = array.ndim == 1
        cells = [array] if flat else list(array.T)
        columns = [column_from_cells(c, name if flat else f"{name}[:, {k}]") for k, c in enumerate(cells)]
        return _join(columns, name, "cells", flat_array=flat)
    return _from_numeric(array, name)


def _as_array(y, name):
    if isinstance(y, (str, bytes, dict, set, numbers.Number)):
        raise TypeError(f"{name} is a {type(y).__name__}. Give one label or one sequence of labels per row.")
    if isinstance(y, ExtensionArray):
        return np.asarray(y, dtype=object)
    y = plain_parts(y)
    if isinstance(y, (list, tuple)) and any(np.ndim(c) for c in y if not isinstance(c, (list, tuple))):
        return object_array(y)
    try:
        array = np.asarray(y)
    except ValueError as error:
        raise ValueError(
            f"{name} is ragged: for labels per frame give each row as an array, numpy.asarray(row)."
        ) from error
    if array.ndim == 0:
        raise TypeError(f"{name} is a {type(y).__name__}. Give one label or one sequence of labels per row.")
    return array


def _from_numeric(array, name):
    check_numeric(array.dtype, name)
    if array.ndim > 3:
        raise ValueError(
            f"{name} has {array.ndim} dimensions, but must be (rows,), (rows, targets) or "
            "(rows, frames, targets)."
        )
    if 0 in (array.shape if array.ndim < 3 else array.shape[::2]):
        _raise_empty(name, array.shape)
    per_frame, flat = array.ndim == 3, array.ndim == 1
    n_targets = 1 if flat else array.shape[-1]
    values = array.reshape(-1, n_targets).astype(np.float64)
    lengths = np.full(len(array), array.shape[1], dtype=np.int64) if per_frame else None
    form = TargetForm(per_frame, None, n_targets, "array", widths=(n_targets,), flat=(flat,))
    return Targets(values, lengths, form)


def _join(columns, name, container, names=None, index=None, flat_array=False):
    n_rows = columns[0].n_rows if columns else 0
    if n_rows == 0:
        _raise_empty(name, (0, len(columns)))
    decided = [c for c in columns if not c.blank] or columns
    per_frame = decided[0].lengths is not None
    for column in decided:
        if (column.lengths is not None) != per_frame:
            first, second = (decided[0], column) if per_frame else (column, decided[0])
            raise ValueError(
                f"{name} mixes labels per frame ({first.label}) and per clip ({second.label}). "
                "Give every column sequences, or every column numbers."
            )
    lengths = common_lengths(decided, index) if per_frame else None
    blocks = (
        [aligned_values(column, lengths) for column in columns] if per_frame else [c.values for c in columns]
    )
    widths = tuple(block.shape[1] for block in blocks)
    if sum(widths) == 0:
        _raise_empty(name, (n_rows, 0))
    flat = tuple(c.flat or c.blank if per_frame else flat_array for c in columns)
    dtypes = tuple(c.dtype for c in columns) if names is not None else ()
    if not per_frame and container == "cells":
        container = "array"
    form = TargetForm(per_frame, names, sum(widths), container, widths, flat, dtypes)
    values = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
    clocks = (
        [c.clock for c in decided if c.clock is not None and c.n_values == len(values)] if per_frame else []
    )
    return Targets(values, lengths, form, index, same_clock(clocks, lengths))


def _checked(targets, name):
    infinite = np.isinf(targets.values)
    if infinite.any():
        line, column = np.argwhere(infinite)[0]
        row = row_name(targets.row_of_value[line], targets.index)
        raise ValueError(
            f"Input {name} contains infinity or a value too large for dtype('float64'). ({row}, "
            f"{targets.form.target_names[column]}). Use NaN for labels that are missing."
        )
    return targets


def _raise_empty(name, shape):
    raise ValueError(
        f"Found array with 0 sample(s) or targets (shape={shape}) in {name}; at least 1 is required."
    )
