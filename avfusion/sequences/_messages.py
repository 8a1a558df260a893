"""How messages name rows and columns."""

import numpy as np


def row_name(row, index=None):
    """Name a row by its position and, where there is one, its label.

    Parameters
    ----------
    row : int
        Position.
    index : pandas.Index, optional
        Labels of all rows.

    Returns
    -------
    str

    Examples
    --------
    >>> import pandas as pd
    >>> row_name(1, pd.Index(["a", "b"]))
    "row 1 (index 'b')"
    """
    if index is None:
        return f"row {row}"
    label = index[row]
    return f"row {row} (index {label.item() if isinstance(label, np.generic) else label!r})"


def quoted(names):
    """Write names one after the other, in quotes.

    Parameters
    ----------
    names : iterable

    Returns
    -------
    str

    Examples
    --------
    >>> quoted(["audio", "video"])
    "'audio', 'video'"
    """
    return ", ".join(map(repr, names))
