"""Which group each row belongs to: the subject, the session, whatever must stay on one side of a split."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from avfusion.sequences._cell_arrays import name_remedy
from avfusion.sequences._convert import sequence_columns
from avfusion.sequences._identity import check_same_order, index_of
from avfusion.sequences._messages import quoted, row_name
from avfusion.sequences._other_tables import as_pandas


def read_groups(groups, X, name="groups"):
    """Group of each row, from columns of X or from an array.

    Parameters
    ----------
    groups : str, list of str, array-like of shape (n_rows,) or (n_rows, n_columns), or None
        Name of a column of X, or the groups themselves. Of several columns each combination is a group.
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
    >>> X = pd.DataFrame({"subject": ["a", "a", "b"], "video": [1, 2, 1]})
    >>> read_groups("subject", X).tolist()
    ['a', 'a', 'b']
    >>> read_groups(("subject", "video"), X).tolist()
    ['a / 1', 'a / 2', 'b / 1']
    """
    columns = read_group_columns(groups, X, name)
    return None if columns is None else combined(columns)


def read_group_columns(groups, X, name="groups"):
    """Return the groups of each row, a column for each kind of them, such as person and video.

    Parameters
    ----------
    groups, X, name
        As in `read_groups`.

    Returns
    -------
    DataFrame or None
        With the rows of X, numbered from 0. Its columns are named as those of X or of the table; a single one
        of values is "group".

    Raises
    ------
    ValueError
        As `read_groups`.

    Examples
    --------
    >>> X = pd.DataFrame({"subject": ["a", "a", "b"], "video": [1, 2, 1]})
    >>> read_group_columns(["subject", "video"], X)
      subject  video
    0       a      1
    1       a      2
    2       b      1
    """
    if groups is None:
        return None
    names = names_of_columns(groups, X)
    X = X if names is None else as_pandas(X)
    table = _as_columns(groups, X, name) if names is None else {n: _column(n, X, name) for n in names}
    index = X.index if isinstance(X, pd.DataFrame) else None
    n_rows = _n_rows(X)
    called = {key: name if len(table) == 1 else f"{name}, {key!r}," for key in table}
    read = {key: _read_column(table[key], index, n_rows, called[key]) for key in table}
    return pd.DataFrame(read)


def names_of_columns(groups, X=None):
    """Return the names of columns that groups are, or None where they are values.

    A list of texts is one of names if X has columns of all these names. If it has another length than X, some
    names are enough, and a tuple, or what is given beside an X without names, needs none: it is an error
    then.

    Examples
    --------
    >>> X = pd.DataFrame({"subject": ["a", "a", "b"], "video": [1, 2, 1]})
    >>> names_of_columns("subject"), names_of_columns(("subject", "video"), X)
    (['subject'], ['subject', 'video'])
    >>> names_of_columns(["a", "a", "b"], X)
    """
    if isinstance(groups, str):
        return [groups]
    if not isinstance(groups, (list, tuple)) or not groups or not all(isinstance(g, str) for g in groups):
        return None
    X = as_pandas(X)
    of_columns = [isinstance(X, pd.DataFrame) and group in X.columns for group in groups]
    meant = any(of_columns) or isinstance(groups, tuple) or not isinstance(X, pd.DataFrame)
    if all(of_columns) or (meant and len(groups) != _n_rows(X)):
        return list(dict.fromkeys(groups))
    return None


def _n_rows(X):
    return X.shape[0] if hasattr(X, "shape") else len(X)


def combined(columns):
    """Return one group for each combination of values in a row.

    Parameters
    ----------
    columns : DataFrame
        From `read_group_columns`; a single column is returned as it is.

    Returns
    -------
    ndarray of shape (n_rows,)
        Texts such as "anna / film 1", which no two combinations share.

    Examples
    --------
    >>> combined(pd.DataFrame({"subject": ["a", "b"], "video": [1, 1]})).tolist()
    ['a / 1', 'b / 1']
    """
    if columns.shape[1] == 1:
        return columns.iloc[:, 0].to_numpy()
    codes = columns.groupby(list(columns.columns), sort=False).ngroup().to_numpy()
    _, first = np.unique(codes, return_index=True)
    rows = [tuple(row) for row in columns.astype(object).iloc[first].itertuples(index=False, name=None)]
    names = [" / ".join(map(str, row)) for row in rows]
    if len(set(names)) < len(names):
        names = [repr(row) for row in rows]
    return np.array(names, dtype=object)[codes]


def _as_columns(groups, X, name):
    """Return values as columns by name: one of them, or those of a table."""
    groups = as_pandas(groups)
    if isinstance(groups, Mapping):
        groups = pd.DataFrame(dict(groups))
    index = X.index if isinstance(X, pd.DataFrame) else None
    check_same_order(index, index_of(groups), ("X", name))
    if isinstance(groups, (list, tuple)) and groups and all(isinstance(g, tuple) for g in groups):
        groups = pd.DataFrame(groups) if len({len(g) for g in groups}) == 1 else groups
    elif not isinstance(groups, (pd.DataFrame, pd.Series)) and np.ndim(groups) == 2:
        groups = pd.DataFrame(groups)
    if not isinstance(groups, pd.DataFrame):
        return {getattr(groups, "name", None) or "group": groups}
    if not (groups.shape[1] and groups.columns.is_unique):
        raise ValueError(
            f"{name} is a table with the columns {quoted(groups.columns)}. Give it one column or more, each "
            "of a name of its own."
        )
    return {key if isinstance(key, str) else f"group {key}": groups[key] for key in groups.columns}


def _read_column(values, index, n_rows, name):
    """Return the groups of one kind as an array that can be sorted."""
    try:
        values = pd.Series(values)
    except UnicodeEncodeError:
        values = pd.Series(values, dtype=object)
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
