"""Names of rows, columns and values in messages."""

import difflib

import numpy as np

_LONGEST = 70  # characters of a name


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


def brief(value, limit=60):
    """Write a value in one line, and cut a long one off.

    Parameters
    ----------
    value : object
    limit : int, default=60
        Largest number of characters.

    Returns
    -------
    str

    Examples
    --------
    >>> brief(list(range(1000)), limit=20)
    '[0, 1, 2, 3, 4, 5...'
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def quoted(names, limit=5):
    """Write names one after the other, in quotes; of many only the first.

    Parameters
    ----------
    names : iterable
    limit : int, default=5
        Number of names that are written, so that a message stays short.

    Returns
    -------
    str

    Examples
    --------
    >>> quoted(["audio", "video"])
    "'audio', 'video'"
    >>> quoted(range(100))
    '0, 1, 2, 3, 4 and 95 more'
    """
    names = list(names)
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(_cut(repr(name)) for name in names[:limit]) + more


def did_you_mean(name, known):
    """Return in brackets the known name that is nearest to another one, if one is near.

    Parameters
    ----------
    name : str
    known : iterable of str

    Returns
    -------
    str
        With a space in front, or empty.

    Examples
    --------
    >>> did_you_mean("momentun", ["momentum", "nesterov"])
    " (did you mean 'momentum'?)"
    >>> did_you_mean("x", ["momentum"])
    ''
    """
    near = difflib.get_close_matches(name, [str(other) for other in known], n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def printable(text):
    r"""Write what a terminal would obey as an escape.

    Parameters
    ----------
    text : object

    Returns
    -------
    str

    Examples
    --------
    >>> printable("a\x1b[31m")
    'a\\x1b[31m'
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def printable_lines(text):
    r"""Write what a terminal would obey as an escape, and leave lines as they are.

    Everything that is printed goes through here: names of files, columns and recordings are those that
    somebody else gave, and an escape code in one of them could hide or change what stands around it.

    Parameters
    ----------
    text : object

    Returns
    -------
    str

    Examples
    --------
    >>> printable_lines("a\x1b[31m.csv\ncannot be read.")
    'a\\x1b[31m.csv\ncannot be read.'
    """
    return "\n".join(map(printable, str(text).split("\n")))


def path_name(path):
    """Write a path on one line, and leave out the middle of long names in it.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    str

    Examples
    --------
    >>> from pathlib import Path
    >>> len(path_name(Path("recordings", 200 * "x" + ".csv")))
    84
    """
    return "/".join(map(_cut, printable(path).split("/")))


def _cut(text):
    """Leave out the middle of a text of more than 70 characters."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}...{text[-half:]}"
