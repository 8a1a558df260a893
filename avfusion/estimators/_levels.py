"""Columns that name a stimulus or a person: found by their names, and read as one level for each row."""

import re

import numpy as np
import pandas as pd
from pandas.api.types import is_scalar

from avfusion.sequences._cell_columns import holds_sequences
from avfusion.sequences._messages import brief, quoted
from avfusion.sequences._other_tables import as_pandas

STIMULI = (
    "stimulus",
    "stimuli",
    "video",
    "clip",
    "story",
    "film",
    "movie",
    "item",
    "song",
    "music",
    "picture",
)
PEOPLE = ("subject", "speaker", "participant", "person", "patient", "rater", "user", "viewer", "listener")
_ENDS = re.compile(r"[\s_.-]*(ids?|names?|no|nr|num|number|index|code|key)$", re.IGNORECASE)


def metadata_columns(X):
    """Return the columns of a table that hold no sequences.

    Parameters
    ----------
    X : DataFrame or other samples

    Returns
    -------
    list
        Empty if X is no DataFrame.

    Examples
    --------
    >>> from avfusion.sequences import as_sequences
    >>> metadata_columns(as_sequences({"video": [[1.0, 2.0]]}).assign(subject="a"))
    ['subject']
    """
    if not isinstance(X, pd.DataFrame) or not X.columns.is_unique:
        return []
    return [name for name, column in X.items() if not holds_sequences(column)]


def column_called(columns, names):
    """Return the first column that has one of several names, as "video", "Video_ID" or "videoName" have.

    Parameters
    ----------
    columns : iterable
    names : tuple of str
        The earlier one counts more.

    Returns
    -------
    object or None

    Examples
    --------
    >>> column_called(["Subject ID", "video_name"], STIMULI)
    'video_name'
    """
    plain = {}
    for column in columns:
        text = str(column).strip().lower()
        plain.setdefault(text, column)
        plain.setdefault(_ENDS.sub("", text), column)
    return next((plain[name] for name in names if name in plain), None)


def read_by(by, X, names=()):
    """Return the columns that `by` stands for.

    Parameters
    ----------
    by : "auto", None, column or list of columns
        "auto" is the first column of metadata that has one of `names`, and none where there is none.
    X : DataFrame or other samples
    names : tuple of str

    Returns
    -------
    list

    Raises
    ------
    ValueError
        If a column is not there, or holds sequences.

    Examples
    --------
    >>> table = pd.DataFrame({"video": [1, 2], "age": [30, 40]})
    >>> read_by("auto", table, STIMULI), read_by("age", table), read_by("auto", [[1.0]], STIMULI)
    (['video'], ['age'], [])
    """
    if by is None:
        return []
    if isinstance(by, str) and by == "auto":
        found = column_called(metadata_columns(X), names)
        return [] if found is None else [found]
    # of a table with columns of several levels a tuple is one name
    one = is_scalar(by) or (isinstance(by, tuple) and isinstance(X, pd.DataFrame) and by in X.columns)
    columns = [by] if one else list(by)
    if columns and not isinstance(X, pd.DataFrame):
        raise ValueError(f"by={brief(by)} names a column, but X is not a DataFrame. Give by='auto' or None.")
    for column in columns:
        if column not in X.columns:
            raise ValueError(f"by={brief(by)}: {column!r} is no column of X, which has {quoted(X.columns)}.")
        if holds_sequences(X[column]):
            raise ValueError(f"by={brief(by)}: {column!r} is a modality of X. Name a column of metadata.")
    return columns


def levels_of(X, columns):
    """Return the level of each row: the value of a column, or a tuple of the values of several.

    Parameters
    ----------
    X : DataFrame
    columns : list

    Returns
    -------
    list
        None where a value is missing.

    Examples
    --------
    >>> table = pd.DataFrame({"video": [1.0, None, 2.0], "version": ["a", "a", "b"]})
    >>> levels_of(table, ["video"]), levels_of(table, ["video", "version"])
    ([1.0, None, 2.0], [(1.0, 'a'), None, (2.0, 'b')])
    """
    parts = [X[column].astype(object).tolist() for column in columns]
    rows = zip(*([None if _missing(value) else _hashable(value) for value in part] for part in parts))
    return [None if None in row else row[0] if len(row) == 1 else row for row in rows]


def codes_of(levels, known=None):
    """Return a number for each level, in the order in which they come.

    Parameters
    ----------
    levels : list
        As of `levels_of`.
    known : dict, optional
        Numbers of those that are known; others get -1.

    Returns
    -------
    codes : ndarray of int of shape (n_rows,)
        -1 for None.
    known : dict of level to number

    Examples
    --------
    >>> codes_of(["a", None, "b", "a"])
    (array([ 0, -1,  1,  0]), {'a': 0, 'b': 1})
    """
    if known is None:
        distinct = [level for level in dict.fromkeys(levels) if level is not None]
        known = {level: number for number, level in enumerate(distinct)}
    return np.array([known.get(level, -1) for level in levels], dtype=np.int64), known


def without(X, columns):
    """Return a table of numbers without columns that name levels, and without texts; others as they are.

    Parameters
    ----------
    X : as in `fit`
    columns : list

    Returns
    -------
    DataFrame, array, list or mapping

    Examples
    --------
    >>> without(pd.DataFrame({"video": ["a", "b"], "pitch": [1.0, 2.0]}), ["video"]).columns.tolist()
    ['pitch']
    """
    if not isinstance(X, pd.DataFrame) or any(holds_sequences(column) for _, column in X.items()):
        return X
    if not columns:
        return X
    rest = X.drop(columns=columns).select_dtypes(include=["number", "bool"])
    return rest if rest.shape[1] else pd.DataFrame({"row": np.zeros(len(X))}, index=X.index)


def read_table(X):
    """Return a table of another library as pandas has it; other samples as they are."""
    table = as_pandas(X)
    return table if isinstance(table, pd.DataFrame) else X


def _missing(value):
    return is_scalar(value) and bool(pd.isna(value))


def _hashable(value):
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value
