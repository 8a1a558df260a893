"""Rows that carry names: mappings are joined by name, and all else must be in one order."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from avfusion.sequences._callers import permuting_tool
from avfusion.sequences._messages import quoted, row_name


def index_of(data):
    """Return the labels of the rows of pandas data, None of anything else.

    Examples
    --------
    >>> index_of(pd.Series([1.0, 2.0], index=["a", "b"])).tolist(), index_of([1.0])
    (['a', 'b'], None)
    """
    return data.index if isinstance(data, (pd.DataFrame, pd.Series)) else None


def check_same_order(one, other, names=("X", "y")):
    """Raise where two sets of rows carry other labels, or in another order: rows belong together by position.

    An index that was reset says nothing. Names that are not the same on both sides are refused, too.

    Parameters
    ----------
    one, other : pandas.Index or None
    names : pair of str, default=("X", "y")
        What the message calls them.

    Raises
    ------
    ValueError
        Naming the first row whose labels differ, and both ways out.

    Examples
    --------
    >>> check_same_order(pd.Index(["a", "b"]), pd.Index(["b", "a"]))
    Traceback (most recent call last):
    ...
    ValueError: X and y carry the same labels in another order: row 0 is 'a' in X and 'b' in y. Rows go by ...
    """
    if one is None or other is None or one is other or len(one) != len(other) or one.equals(other):
        return
    if permuting_tool():  # it gives rows the labels of others on purpose
        return
    try:
        if not _same_labels(one, other):
            _check_told_apart(one, other, names)
            return
    except TypeError:  # labels that cannot be hashed
        return
    row = next(k for k, (left, right) in enumerate(zip(one.tolist(), other.tolist())) if left != right)
    left, right = (row_name(row, index).partition("(index ")[2].rstrip(")") for index in (one, other))
    x, y = names
    raise ValueError(
        f"{x} and {y} carry the same labels in another order: row {row} is {left} in {x} and {right} in "
        f"{y}. Rows go by position: order {y} by {x}.index with .loc, or, if it is in "
        "order, give it that index with .set_axis."
    )


def _check_told_apart(one, other, names):
    """Raise where both carry names of their own, and not the same: nothing says which belong together."""
    labels = [set(index.tolist()) for index in (one, other)]
    named = all(isinstance(label, (str, tuple)) for own in labels for label in own)
    if named or (labels[0] & labels[1] and not (_is_default(one) or _is_default(other))):
        x, y = names
        odd = quoted([label for label in one if label not in labels[1]], limit=2)
        raise ValueError(
            f"{x} and {y} carry different labels: {odd} of {x} is not in {y}. Rows go by position: select "
            f"the same rows of both, or, if they are in order, give {y} the index of {x} with .set_axis."
        )


def _is_default(index):
    """Return whether an index is that of data without one: 0, 1, 2..."""
    return index.tolist() == list(range(len(index)))


def _same_labels(one, other):
    """Return whether two indexes hold the same labels as often, in whatever order."""
    return Counter(one.tolist()) == Counter(other.tolist())


def by_recording(y, index, name="y"):
    """Return labels that are keyed by recording in the order of the rows of X.

    Parameters
    ----------
    y : mapping of recording to labels, or anything else
        What is no mapping is returned as it is.
    index : pandas.Index or None
        Names of the rows of X.
    name : str, default="y"
        What messages call the labels.

    Returns
    -------
    pandas.Series or y

    Raises
    ------
    ValueError
        If X has no names of rows, or recordings have no labels.

    Examples
    --------
    >>> by_recording({"b": 2.0, "a": 1.0}, pd.Index(["a", "b"])).tolist()
    [1.0, 2.0]
    """
    if not isinstance(y, Mapping) or isinstance(y, pd.DataFrame):
        return y
    if index is None or not index.is_unique:
        raise ValueError(
            f"{name} is keyed by recording, but the rows of X have no names of their own. Give X as a "
            f"DataFrame with the recordings as index, or {name} as a list in the order of the rows."
        )
    missing = [label for label in index if label not in y]
    if missing:
        what, remedy = "labels", "None where a recording has no label"
        if name == "sample_weight":
            what, remedy = "weights", "0 where a recording does not count"
        raise ValueError(
            f"{name} has no {what} for {len(missing)} of {len(index)} recordings of X: "
            f"{quoted(missing, limit=3)}. Its keys must be the labels of X's index; give {remedy}."
        )
    cells = [y[label] for label in index]
    if all(np.ndim(cell) == 0 for cell in cells):
        return pd.Series([np.nan if cell is None else cell for cell in cells], index=index, dtype=np.float64)
    result = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        result[row] = cell
    return pd.Series(result, index=index)
