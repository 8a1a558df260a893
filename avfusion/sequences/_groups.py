"""Which group each row belongs to: the subject, the session, whatever must stay on one side of a split."""

import numpy as np
import pandas as pd

from avfusion.sequences._cell_arrays import name_remedy
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
        If there is no such column or it holds sequences, the length is wrong, a row has no group, or groups
        are numbers with fractions.

    Examples
    --------
    >>> read_groups("subject", pd.DataFrame({"subject": ["a", "a", "b"]})).tolist()
    ['a', 'a', 'b']
    """
    if groups is None:
        return None
    X, groups = as_pandas(X) if isinstance(groups, str) else X, as_pandas(groups)
    if isinstance(groups, pd.DataFrame):
        groups = _only_column(groups, name)
    index = X.index if isinstance(X, pd.DataFrame) else None
    check_same_order(index, index_of(groups), ("X", name))
    values = _column(groups, X, name) if isinstance(groups, str) else groups
    try:
        values = pd.Series(values)
    except UnicodeEncodeError:
        values = pd.Series(values, dtype=object)
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    if len(values) != n_rows:
        raise ValueError(f"{name} has {len(values)} values for {n_rows} rows of X. Give one for each row.")
    missing = values.isna().to_numpy()
    if missing.any():
        row = row_name(int(missing.argmax()), index)
        raise ValueError(f"{name} is missing for {row}. Give every row a group, or drop the row.")
    check_are_groups(values, name)
    return _of_one_kind(values.to_numpy(), name)


def _valid(group):
    """Write bytes of a text that are no UTF-8, as in names of old files, as escapes: no table holds them."""
    return group.encode(errors="backslashreplace").decode() if isinstance(group, str) else group


def _of_one_kind(groups, name):
    """Return groups that can be sorted, as splitters do: those of several kinds as texts."""
    if groups.dtype != object:
        return groups
    groups = np.frompyfunc(_valid, 1, 1)(groups)
    try:
        np.unique(groups)
        return groups
    except TypeError:
        texts = np.array([str(group) for group in groups], dtype=object)
    kinds = {}
    for group, text in zip(groups, texts):
        if kinds.setdefault(text, type(group)) is not type(group):
            raise ValueError(
                f"{name} holds {text!r} both as {kinds[text].__name__} and as {type(group).__name__}. Give "
                "all groups as text, as in groups.astype(str)."
            )
    return texts


def check_are_groups(groups, name="groups"):
    """Raise where groups are numbers with fractions: weights, most likely, in the place of groups.

    Parameters
    ----------
    groups : str, array-like or None
    name : str, default="groups"
        What messages call the groups.

    Raises
    ------
    ValueError
        If one of them is such a number.

    Examples
    --------
    >>> check_are_groups([1.0, 1.0, 2.0])
    >>> check_are_groups([0.5, 1.2])
    Traceback (most recent call last):
    ValueError: groups holds numbers such as 0.5, which name no group. Give weights as sample_weight=...
    """
    values = np.asarray(groups)
    broken = values[np.mod(values, 1) > 0] if values.dtype.kind == "f" else ()
    if len(broken):
        raise ValueError(
            f"{name} holds numbers such as {broken[0]:g}, which name no group. Give weights as "
            "sample_weight=..."
        )


def _only_column(table, name):
    if table.shape[1] != 1:
        raise ValueError(
            f"{name} is a table of {table.shape[1]} columns, {quoted(table.columns)}. Give one of them, or "
            f'join them: table.astype(str).agg("-".join, axis=1).'
        )
    return table.iloc[:, 0]


def rows_of_other_groups(groups, rng, giving, getting=None):
    """Return for each row a row of another group, whose stream or labels it is to get.

    The groups are put into a random order, and each gets what the one before has, row after row.

    Parameters
    ----------
    groups : ndarray of shape (n_rows,)
    rng : numpy.random.Generator
    giving, getting : ndarray of bool of shape (n_rows,)
        Rows that give, and those that get; by default the same.

    Returns
    -------
    ndarray of int of shape (n_rows,)
        The position of a giving row; -1 for rows that get nothing. With a single group, of the same group.

    Examples
    --------
    >>> groups = np.array(["a", "a", "b", "b"])
    >>> rows_of_other_groups(groups, np.random.default_rng(0), np.array([True, True, True, False]))
    array([ 2,  2,  0, -1])
    """
    order = rng.permutation(pd.unique(groups[giving]))
    giver_of = dict(zip(order, np.roll(order, 1)))  # no group keeps its own
    for group in pd.unique(groups[giving if getting is None else getting]):
        if group not in giver_of:
            giver_of[group] = order[rng.integers(len(order))]
    return rows_of_groups(groups, giver_of, giving, getting)


def rows_of_groups(groups, giver_of, giving, getting=None):
    """Return for each row one of the rows of the group that its own group gets from, row after row.

    Parameters
    ----------
    groups : ndarray of shape (n_rows,)
    giver_of : dict
        The group that each group gets from.
    giving, getting
        As in `rows_of_other_groups`.

    Returns
    -------
    ndarray of int of shape (n_rows,)

    Examples
    --------
    >>> groups = np.array(["a", "b", "b"])
    >>> rows_of_groups(groups, {"a": "b", "b": "a"}, np.ones(3, dtype=bool))
    array([1, 0, 0])
    """
    getting = giving if getting is None else getting
    rows = np.flatnonzero(giving)
    own = pd.Series(rows).groupby(groups[rows], sort=False).indices  # not a search in all rows for each
    taken, givers = {}, np.full(len(groups), -1)
    for row in np.flatnonzero(getting):
        group = groups[row]
        places = own[giver_of[group]]
        givers[row] = rows[places[taken.get(group, 0) % len(places)]]
        taken[group] = taken.get(group, 0) + 1
    return givers


def _column(column, X, name):
    if not isinstance(X, pd.DataFrame):
        raise ValueError(f"{name}={column!r} names a column, but X is not a DataFrame.")
    if column not in X.columns:
        raise ValueError(
            f"{name}={column!r} is no column of X. Its columns are {quoted(X.columns)}"
            f"{name_remedy(X.columns)}."
        )
    if column in sequence_columns(X):
        raise ValueError(f"{name}={column!r} is a modality; groups are a column of metadata.")
    return X[column]
