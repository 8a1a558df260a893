"""A warning where pandas writes sequences into a file that cannot hold them."""

import sys

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


def _writer(frame):
    """Return the method of pandas that the next callers are part of, or None."""
    for _ in range(REACH):
        frame = frame and frame.f_back
        if frame is not None and frame.f_code.co_name in WRITERS and _is_within(frame, "pandas"):
            return WRITERS[frame.f_code.co_name]
    return None


def _is_within(frame, package):
    return frame.f_globals.get("__name__", "").split(".")[0] == package
