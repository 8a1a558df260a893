"""Which group each row belongs to: the subject, the session, whatever must stay on one side of a split."""

import pandas as pd

from avfusion.sequences._convert import sequence_columns
from avfusion.sequences._identity import check_same_order, index_of
from avfusion.sequences._messages import quoted, row_name
from avfusion.sequences._other_tables import as_pandas


def read_groups(groups, X, name="groups"):
    """Group of each row, from a column of X or from an array.

    Parameters
    ----------
    groups : str, array-like of shape (n_rows,) or None
        Name of a column of X, or the groups themselves.
    X : DataFrame or array
        The samples.
    name : str, default="groups"
        What error messages call the groups.

    Returns
    -------
    ndarray of shape (n_rows,) or None

    Raises
    ------
    ValueError
        If there is no such column or it holds sequences, the length is wrong, or a row has no group.

    Examples
    --------
    >>> read_groups("subject", pd.DataFrame({"subject": ["a", "a", "b"]})).tolist()
    ['a', 'a', 'b']
    """
    if groups is None:
        return None
    X, groups = as_pandas(X) if isinstance(groups, str) else X, as_pandas(groups)
    index = X.index if isinstance(X, pd.DataFrame) else None
    check_same_order(index, index_of(groups), ("X", name))
    values = pd.Series(_column(groups, X, name) if isinstance(groups, str) else groups)
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if len(values) != n_rows:
        raise ValueError(f"{name} has {len(values)} values for {n_rows} rows of X. Give one for each row.")
    missing = values.isna().to_numpy()
    if missing.any():
        row = row_name(int(missing.argmax()), index)
        raise ValueError(f"{name} is missing for {row}. Give every row a group, or drop the row.")
    return values.to_numpy()


def _column(column, X, name):
    if not isinstance(X, pd.DataFrame):
        raise ValueError(f"{name}={column!r} names a column, but X is not a DataFrame.")
    if column not in X.columns:
        raise ValueError(f"{name}={column!r} is no column of X. Its columns are {quoted(X.columns)}.")
    if column in sequence_columns(X):
        raise ValueError(f"{name}={column!r} is a modality; groups are a column of metadata.")
    return X[column]
