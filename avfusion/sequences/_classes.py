"""Targets that are classes, which no estimator here predicts."""

import numpy as np
import pandas as pd

from avfusion.sequences._messages import brief, row_name


def refuse_classes(y, name):
    """Raise where labels are classes: text that is no number, truth values, categories of either.

    Whole numbers may stand for classes, too, but are read as the numbers that they are.

    Parameters
    ----------
    y : DataFrame, Series, list, tuple or array
        Labels per frame or per clip, in any form.
    name : str
        What messages call them.

    Raises
    ------
    TypeError
        Naming column, row and value, and both ways out.

    Examples
    --------
    >>> refuse_classes([0.5, 1.0], "y")
    >>> refuse_classes(["happy", "sad"], "y")
    Traceback (most recent call last):
    ...
    TypeError: y holds classes, such as 'happy' in row 0, but only numbers are predicted here...
    """
    if isinstance(y, pd.DataFrame):
        for k, column in enumerate(y.columns):
            refuse_classes(y.iloc[:, k], f"{name}[{column!r}]")
        return
    index = y.index if isinstance(y, pd.Series) else None
    cells = _cells(y)
    found = None if cells is None else _class_in(cells)
    if found is not None:
        row, value = found
        raise TypeError(
            f"{name} holds classes, such as {brief(value)} in {row_name(row, index)}, but only numbers are "
            "predicted here, such as ratings. For classes take a scikit-learn classifier after "
            "av.Functionals(); what is meant as numbers becomes numbers by astype(float)."
        )


def _cells(y):
    """Return what may hold classes as a list of cells, None where all are numbers."""
    if isinstance(y, pd.Series):
        dtype = y.dtype.categories.dtype if isinstance(y.dtype, pd.CategoricalDtype) else y.dtype
        texts = pd.api.types.is_string_dtype(dtype) or pd.api.types.is_object_dtype(dtype)
        return y.tolist() if texts or pd.api.types.is_bool_dtype(dtype) else None
    if isinstance(y, np.ndarray):
        if y.dtype.kind not in "USbO":
            return None
        return y.tolist() if y.dtype.kind != "O" or y.ndim < 2 else list(y.ravel())
    return list(y) if isinstance(y, (list, tuple)) else None


def _class_in(cells):
    """Return row and value of the first class, if all that is there is text or all is a truth value."""
    row = value = None
    for number, cell in enumerate(cells):
        first = _first(cell)
        if first is None or first is pd.NA or (isinstance(first, (float, np.floating)) and np.isnan(first)):
            continue
        kind = _kind(first)
        if kind is None or (value is not None and kind != _kind(value)):
            return None
        if value is None:
            row, value = number, first.item() if isinstance(first, np.generic) else first
    return None if value is None else (row, value)


def _first(cell):
    """Return the first value of a cell that may hold several."""
    while isinstance(cell, (list, tuple, np.ndarray)):
        if len(np.shape(cell) if isinstance(cell, np.ndarray) else (1,)) == 0:
            return cell.item()
        cell = cell[0] if len(cell) else None
    return cell


def _kind(value):
    """Return "text" or "bool" for what is a class, None for numbers, also those in text, and all else."""
    if isinstance(value, (bool, np.bool_)):
        return "bool"
    if not isinstance(value, (str, bytes)):
        return None
    try:
        float(value)
    except ValueError:
        return "text"
    return None
