"""Lines of a table that have too few or too many fields, and lines that are no rows."""

import csv
import io
import re

from avfusion.formats._dialect import SPACES
from avfusion.formats._numbers import Source

_OF_PARSER = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_OF_QUOTE = re.compile(r"EOF inside string starting at row (\d+)")


def ragged(line, seen, expected, separator):
    """Return the error about a line of another width.

    Examples
    --------
    >>> ragged(17, 3, 2, ";")
    ValueError("Expected 2 fields in line 17, saw 3 (read with ';' between the fields).")
    """
    how = Source(separator, ".", 1).taken()
    return ValueError(f"Expected {expected} fields in line {line}, saw {seen} ({how}).")


def of_parser(error, n_skipped, separator):
    """Return pandas' error about a line, with the number of the line in the file.

    Examples
    --------
    >>> of_parser(ValueError("C error: Expected 2 fields in line 2, saw 3"), 10, ",")
    ValueError("Expected 2 fields in line 12, saw 3 (read with ',' between the fields).")
    """
    found = _OF_PARSER.search(str(error))
    quote = _OF_QUOTE.search(str(error))
    if quote is not None:
        line = int(quote[1]) + 1 + n_skipped
        return ValueError(f"The quote that is opened in line {line}, or after it, is never closed.")
    if found is None:
        return ValueError(f"{' '.join(str(error).split())}.")
    expected, line, seen = map(int, found.groups())
    return ragged(line + n_skipped, seen, expected, separator)


def check_widths(data, width, separator, n_skipped, header=False, quote='"'):
    r"""Refuse a line with too few fields, which pandas fills up, or with too many.

    Parameters
    ----------
    data : bytes
    width : int
    separator : str
    n_skipped : int
        Lines before the data.
    header : bool, default=False
        Whether the first line may have one field less, because the names of rows have none, or one more,
        where it alone ends with a separator.
    quote : str

    Raises
    ------
    ValueError
        With the number of the line.

    Examples
    --------
    >>> check_widths(b"1,2\n3\n", 2, ",", 0)
    Traceback (most recent call last):
    ...
    ValueError: Expected 2 fields in line 2, saw 1 (read with ',' between the fields).
    """
    lines = io.StringIO(data.decode(), newline=None)
    if separator == SPACES:
        rows = ((line, row.split()) for line, row in enumerate(lines, start=1))
    else:
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=True, quotechar=quote)
        rows = ((reader.line_num, row) for row in reader)
    for line, row in rows:
        if not row or (len(row) == 1 and not row[0].strip()):
            continue
        if not width - header <= len(row) <= width + header:
            raise ragged(line + n_skipped, len(row), width, separator)
        header = False
