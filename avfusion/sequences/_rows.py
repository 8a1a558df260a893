"""Samples and labels as something of which rows can be taken: for splitting, hashing and handing on.

Estimators read X themselves (`avfusion.sequences._recordings`). What cuts X into folds for estimators of any
package only needs to know what a row is, and must not change what is none of its business.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from scipy.sparse import issparse

from avfusion.sequences._cell_columns import holds_sequences
from avfusion.sequences._cells import n_axes
from avfusion.sequences._convert import as_sequences
from avfusion.sequences._identity import by_recording, check_same_order, index_of
from avfusion.sequences._other_tables import as_pandas
from avfusion.sequences._plain_arrays import plain_array


def read_rows(X):
    """Return samples in a form of which rows can be taken.

    Parameters
    ----------
    X : DataFrame, array, sparse matrix, list, tuple or mapping
        A mapping of modalities, a list of mappings with sequences in them, and a padded array with lengths
        or mask go through `avfusion.as_sequences`. A list of mappings of numbers or text stays, for an
        estimator of another package. What is masked in a masked array of numbers becomes NaN.

    Returns
    -------
    DataFrame, ndarray, CSR matrix or array, or list
        With the rows of X.

    Raises
    ------
    TypeError, ValueError
        As `avfusion.as_sequences`.

    Examples
    --------
    >>> from scipy.sparse import coo_matrix
    >>> read_rows(coo_matrix(np.eye(3)))[[2, 0]].toarray()
    array([[0., 0., 1.],
           [1., 0., 0.]])
    >>> read_rows([{"audio": [[1.0, 2.0]]}, {"audio": None}])
       audio
    0  1 x 2
    1   <NA>
    """
    X = _with_sequences(X)
    if issparse(X):  # before mappings: one of the sparse formats is a dict
        return X.tocsr()
    if isinstance(X, Mapping) or _is_padded(X) or _is_list_of_sequences_by_name(X):
        return as_sequences(X)
    if isinstance(X, tuple):
        return list(X)
    return X if isinstance(X, (pd.DataFrame, pd.Series, list)) else _as_array(X)


def read_labels(y):
    """Return labels in a form of which rows can be taken.

    Parameters
    ----------
    y : DataFrame, Series, list, tuple or array
        Labels in any form that `avfusion` takes. What is masked in a masked array becomes NaN.

    Returns
    -------
    DataFrame, Series, list or ndarray

    Examples
    --------
    >>> read_labels(np.ma.array([1.0, 2.0], mask=[False, True]))
    array([ 1., nan])
    """
    y = _with_sequences(y)
    if isinstance(y, tuple):
        return list(y)
    return y if isinstance(y, (pd.DataFrame, pd.Series, list)) else _as_array(y)


def read_samples(X, y):
    """Return samples and their labels in forms of which rows can be taken, in one order.

    Parameters
    ----------
    X, y
        As in `read_rows` and `read_labels`; labels may also be a mapping of the labels of X's index.

    Returns
    -------
    X, y

    Raises
    ------
    TypeError, ValueError
        As `read_rows`, or if X and y carry the same labels in another order.

    Examples
    --------
    >>> X = pd.DataFrame({"loudness": [1.0, 2.0]}, index=["a", "b"])
    >>> read_samples(X, {"b": 2.0, "a": 1.0})[1].tolist()
    [1.0, 2.0]
    """
    X = read_rows(X)
    y = read_labels(by_recording(y, index_of(X)))
    check_same_order(index_of(X), index_of(y))
    return X, y


def _with_sequences(data):
    """Return a table of another library as pandas has it where it holds sequences; others stay."""
    table = as_pandas(data)
    if table is data or isinstance(table, np.ndarray):
        return table
    columns = [table] if isinstance(table, pd.Series) else [column for _, column in table.items()]
    return table if any(map(holds_sequences, columns)) else data


def _is_padded(X):
    """Return whether X is an array (n, T, D) with lengths or a mask."""
    return isinstance(X, tuple) and len(X) == 2 and getattr(X[0], "ndim", 0) == 3


def _is_list_of_sequences_by_name(X):
    """Return whether X is a list of mappings that hold sequences."""
    return isinstance(X, (list, tuple)) and any(
        n_axes(value) > 0 for row in X if isinstance(row, Mapping) for value in row.values()
    )


def _as_array(values):
    values = plain_array(values)
    if isinstance(values, ExtensionArray):
        return np.asarray(values, dtype=object)
    # tables of other libraries have rows, too: scikit-learn takes them
    return values if hasattr(values, "shape") or not hasattr(values, "__array__") else np.asarray(values)
