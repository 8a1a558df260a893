"""Sequences in files that cannot hold them: a warning where pandas writes one, a remedy for what one gave."""

import re
import sys
from collections.abc import Mapping

import numpy as np

from avfusion._warnings import warn_user

WRITERS = {  # functions of pandas that take the cells of a column to write them
    "get_values_for_csv": "to_csv",
    "_generate_body": "to_excel",
    "insert_data": "to_sql",
}
REACH = 5  # callers up to such a function: an array's conversion to objects is in between


def warn_of_text() -> None:
    """Warn if a method of pandas asks for cells that writes them as text, from where the user called it.

    pandas asks for the same cells when it prints a table, where their text is what is wanted. Only the caller
    shows which of the two it is.

    Examples
    --------
    >>> import warnings
    >>> from avfusion.sequences import as_sequences
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     text = as_sequences({"audio": [[1.0, 2.0]]}).to_csv()
    >>> str(caught[0].message)[:60]
    'to_csv cannot keep sequences: it takes texts such as "22 x 6'
    """
    writer = _writer(sys._getframe(1))
    if writer is None:
        return
    warn_user(
        f'{writer} cannot keep sequences: it takes texts such as "22 x 6, 11.0 s" for them. Write '
        "avfusion.to_long(X), which has a line per step, or keep sequences as they are with to_parquet."
    )


def remedy_for_cells(X, names):
    """Return a sentence on columns whose cells are sequences in a form that is not read, or "".

    Parameters
    ----------
    X : pandas.DataFrame
    names : list of str
        Of its columns that do not hold numbers.

    Returns
    -------
    str

    Examples
    --------
    >>> import pandas as pd
    >>> remedy_for_cells(pd.DataFrame({"audio": ["[[1.0], [2.0]]"]}), ["audio"])
    "'audio' holds lists as text: make them lists again, X['audio'].map(json.loads)."
    """
    for name in names:
        cells = X[name].dropna() if X.columns.is_unique else ()
        cell = next(iter(cells), None)
        if isinstance(cell, str) and re.fullmatch(r"\d+ x \d+(, .* s)?", cell):
            return (
                f"{name!r} holds texts such as {cell!r}, which to_csv wrote in place of sequences. Their "
                "numbers are not in the file: write it again with to_parquet, or as avfusion.to_long(X)."
            )
        if isinstance(cell, str) and re.match(r"\[\s*(\[|-?\d|nan)", cell):
            if "," not in cell:
                return (
                    f"{name!r} holds arrays as text, which NumPy rounds and shortens: write the file again "
                    "with to_parquet."
                )
            return f"{name!r} holds lists as text: make them lists again, X[{name!r}].map(json.loads)."
        if (
            not isinstance(cell, (str, Mapping))
            and np.iterable(cell)
            and isinstance(next(iter(cell), None), Mapping)
        ):
            return (
                f"The steps of {name!r} are records. Make them lists of features: "
                f"X[{name!r}].map(lambda cell: [list(step.values()) for step in cell])."
            )
    return ""


def _writer(frame):
    """Return the method of pandas that the next callers are part of, or None."""
    for _ in range(REACH):
        frame = frame and frame.f_back
        if frame is not None and frame.f_code.co_name in WRITERS and _is_within(frame, "pandas"):
            return WRITERS[frame.f_code.co_name]
    return None


def _is_within(frame, package):
    return frame.f_globals.get("__name__", "").split(".")[0] == package
