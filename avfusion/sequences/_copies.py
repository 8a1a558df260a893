"""Find recordings that are in a table twice."""

import numpy as np

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._sequence import Sequence


def same_recordings(X):
    """Find rows whose sequences are all the same.

    Parameters
    ----------
    X : pandas.DataFrame
        Rows are compared by the content of their sequence columns. Two absent streams count as the same; rows
        without any stream are left out.

    Returns
    -------
    list of list of int
        Positions of the rows of each recording that is there more than once.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"audio": SequenceArray.from_sequences([[1.0, 2.0], None, [1.0, 2.0], None])})
    >>> same_recordings(X)
    [[0, 2]]
    """
    arrays = [column.array for _, column in X.items() if isinstance(column.array, SequenceArray)]
    present = np.zeros(len(X), dtype=bool)
    for array in arrays:
        present |= array.lengths > 0
    rows = np.flatnonzero(present).tolist()
    # nearly all differ in their lengths or first steps: only those that do not are read in full
    likely = rows_by_key((row, tuple(_first_step(array, row) for array in arrays)) for row in rows)
    return sorted(
        rows_by_key(
            (row, tuple(array[row].digest() if array.lengths[row] > 0 else None for array in arrays))
            for alike in likely
            for row in alike
        )
    )


def _first_step(array, row):
    """Return the length of a row and a hash of its first step; None if there is none."""
    if array.lengths[row] <= 0:
        return None
    start = array.starts[row]
    return int(array.lengths[row]), Sequence(array.frames[start : start + 1]).digest()


def rows_by_key(keys):
    """Return the rows of each key that several rows have.

    Parameters
    ----------
    keys : iterable of (int, hashable)
        Row and its key.

    Returns
    -------
    list of list of int

    Examples
    --------
    >>> rows_by_key([(0, "a"), (1, "b"), (2, "a")])
    [[0, 2]]
    """
    rows_of = {}
    for row, key in keys:
        rows_of.setdefault(key, []).append(row)
    return [rows for rows in rows_of.values() if len(rows) > 1]
