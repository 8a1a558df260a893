"""Arrays (n_rows, n_columns) with sequences in their cells: DataFrames that went through a tool for arrays.

scikit-learn's BaggingRegressor, AdaBoostRegressor and selectors of features, and tools of others, make an
array of X before they draw rows and columns. The cells know their rate, start and features, so that only the
names of columns are lost: they are x0, x1... by position, as scikit-learn names the columns of arrays.
"""

import numpy as np
import pandas as pd

from avfusion._warnings import warn_user
from avfusion.sequences._array import SequenceArray
from avfusion.sequences._callers import table_tool
from avfusion.sequences._cells import is_missing, located
from avfusion.sequences._sequence import Sequence


def is_cell_array(X):
    """Return whether X is a two-dimensional array with sequences in its cells.

    Examples
    --------
    >>> cells = np.array([[Sequence([1.0, 2.0]), "anna"]], dtype=object)
    >>> is_cell_array(cells), is_cell_array(np.zeros((2, 2)))
    (True, False)
    """
    return _is_of_objects(X) and any(isinstance(cell, Sequence) for cell in X.flat)


def frame_of_cells(X, names=None):
    """Return an array with sequences in its cells as a DataFrame.

    Parameters
    ----------
    X : numpy.ndarray of object of shape (n_rows, n_columns)
        Columns with a sequence in one cell at least become columns of sequences, all others metadata.
    names : iterable of str, optional
        Of the columns, by default x0, x1...

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    TypeError, ValueError
        If a column mixes sequences with anything else, or sequences of different widths.

    Examples
    --------
    >>> frame_of_cells(np.array([[Sequence([1.0, 2.0]), 31], [None, 27]], dtype=object))
          x0  x1
    0  2 x 1  31
    1   <NA>  27
    """
    refusal = table_tool(adds_columns=True)
    if refusal:
        raise ValueError(f"X is an array {X.shape} with sequences and numbers in its cells. {refusal}")
    names = [f"x{k}" for k in range(X.shape[1])] if names is None else list(names)
    columns = {}
    for name, cells in zip(names, X.T):
        if any(isinstance(cell, Sequence) for cell in cells):
            try:
                columns[name] = SequenceArray.from_sequences(cells)
            except (TypeError, ValueError) as error:
                raise located(error, f"column {name!r}") from None
        else:
            columns[name] = pd.Series(cells, dtype=object).infer_objects()
    return pd.DataFrame(columns)


def name_remedy(columns):
    """Return a sentence on a name that is none of the columns, where these are named by position; else "".

    Examples
    --------
    >>> name_remedy(["audio", "video"])
    ''
    """
    if list(columns) != [f"x{k}" for k in range(len(columns))] or not len(columns):
        return ""
    return (
        ". X came as an array, whose columns are named by position, x0, x1...: use these names, or call "
        'set_output(transform="pandas") on the transformer that made it'
    )


def with_known_names(X, spec, caller):
    """Return X with the names of columns in `fit`, where either it or X there was an array of cells.

    Parameters
    ----------
    X : array of cells, or anything else, which is returned as it is
    spec : DataSpec
        Of `fit`, on sequences.
    caller : str
        Name of the estimator.

    Raises
    ------
    ValueError
        If there are not as many columns as in `fit`.

    Warns
    -----
    UserWarning
        As scikit-learn, if one had names of columns and the other none.
    """
    was_named = spec.column_names is not None
    is_array = _is_of_objects(X) and (is_cell_array(X) or _lacks_streams(X, spec))
    if not is_array and (was_named or not isinstance(X, pd.DataFrame)):
        return X
    if X.shape[1] != spec.n_columns:
        raise ValueError(
            f"X has {X.shape[1]} columns, but {caller} is expecting {spec.n_columns}, as in fit: they go by "
            "position, since one of the two was an array, without names."
        )
    if is_array and was_named:
        warn_user(
            f"X does not have valid feature names, but {caller} was fitted with feature names: columns go by "
            "position."
        )
    if not is_array:
        warn_user(
            f"X has feature names, but {caller} was fitted without feature names: columns go by position."
        )
    names = _names(spec)
    return frame_of_cells(X, names) if is_array else X.set_axis(names, axis=1)


def _is_of_objects(X):
    return isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2


def _lacks_streams(X, spec):
    """Return whether all streams of `fit` are missing in all rows, so that no cell shows a sequence."""
    if X.shape[1] != spec.n_columns:
        return False
    names = _names(spec)
    return all(all(map(is_missing, X[:, names.index(name)])) for name in spec.widths)


def _names(spec):
    if spec.column_names is None:
        return [f"x{k}" for k in range(spec.n_columns)]
    return list(spec.column_names)
