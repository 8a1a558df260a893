"""Which columns of a table hold sequences: by their dtype, or by what is in their cells."""

import numbers
from collections.abc import Mapping

import numpy as np
import pandas as pd

from avfusion.sequences._arrow_lists import OURS, holds_cells
from avfusion.sequences._cells import n_axes
from avfusion.sequences._dtype import SequenceDtype


def holds_sequences(column):
    """Return whether a column, or an array of cells, holds sequences: by its dtype, or as objects.

    Parameters
    ----------
    column : pandas.Series, or array

    Returns
    -------
    bool

    Examples
    --------
    >>> holds_sequences(pd.Series([[1.0, 2.0], None])), holds_sequences(pd.Series([["a", "b"], ["c"]]))
    (True, False)
    """
    if isinstance(column.dtype, SequenceDtype):
        return True
    if isinstance(column.dtype, pd.ArrowDtype):
        return holds_cells(column.dtype)
    return pd.api.types.is_object_dtype(column.dtype) and any(map(is_cell, column))


def is_cell(value):
    """Return whether a value in a column is a sequence: an array, lists of numbers, or lists of them.

    Examples
    --------
    >>> is_cell([0.5, None]), is_cell([[1.0], [2.0]]), is_cell(["a", "b"]), is_cell([]), is_cell(0.5)
    (True, True, False, False, False)
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in "OSU":
        value = value.tolist() if value.ndim else None
    if isinstance(value, (list, tuple)):
        return any(
            isinstance(step, numbers.Number) or (n_axes(step) > 0 and is_cell(step)) for step in value
        ) and not any(isinstance(step, str) for step in value)
    if isinstance(value, Mapping):
        return set(value) >= OURS
    return n_axes(value) > 0
