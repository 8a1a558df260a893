"""Find out how a table of text is written, by its first lines: separator, decimal sign, header."""

import csv
import itertools
import re
from collections import Counter
from dataclasses import dataclass

from avfusion.formats._numbers import DECIMAL_COMMA, as_written, is_number, is_value
from avfusion.sequences._messages import brief, quoted

N_LINES, N_FIELDS = 400, 4000  # that are looked at for separator and names
WIDEST = 50_000  # columns
SPACES = r"\s+"
_DIGITS = 4  # of the integers in a column: longer ones are decimals
UNNAMED = "Unnamed: 0"

_QUOTED = re.compile(r'"[^"]*"')
_OPEN = re.compile(r'(^|[,;\t|])\s*"')
_SPACED_COMMA = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_INTEGER = re.compile(r"[+-]?\d+")


@dataclass(frozen=True)
class Dialect:
    """Separator, decimal sign and header of a table.

    Parameters
    ----------
    separator, decimal : str
    header : bool
        Whether the first line holds names.
    names : list or None
        Names of all columns, where the first line does not hold just these.
    width : int
        Fields of a line.
    first : list of str
        Fields of the first line.

    Examples
    --------
    >>> Dialect.of(["time;value", "0,00;0,5"]).decimal
    ','
    """

    separator: str
    decimal: str
    header: bool
    names: list | None
    width: int
    first: list

    @classmethod
    def of(cls, lines, names=None, data=b""):
        """Find out how a table is written.

        Parameters
        ----------
        lines : list of str
            The first ones, at most `N_LINES`.
        names : list of str, optional
            Names that stood before the table: none of the lines is a header.
        data : bytes, optional
            All lines, in which a decimal comma may come late.

        Returns
        -------
        Dialect

        Raises
        ------
        ValueError
            If the lines are those of no table.
        """
        separator = separator_of(lines)
        if _OPEN.search(_QUOTED.sub("", lines[0])):
            raise ValueError("Its first line has a quote that does not end: names are on one line.")
        rows = fields_of(lines, separator)
        header, decimal = names is None and _has_header(rows), "."
        if len(rows) == header:
            raise ValueError("It holds no values, only names.")
        if _has_decimal_commas(rows[header:], separator) or _comma_between(separator, data):
            decimal = ","
        elif _is_one_column_of_decimal_commas(rows, header):
            separator, decimal, rows = ";", ",", [[line.strip()] for line in lines]
        width = max(map(len, rows))
        if header:
            names = _row_names(rows)
        elif names is None and width == 1:  # pandas counts no columns in an empty line
            names = [0]
        elif names is not None and width > len(names):  # lines end with a separator
            names = [*names, *(f"Unnamed: {k}" for k in range(len(names), width))]
        return cls(separator, decimal, header, names, width, rows[0])


def _has_decimal_commas(rows, separator):
    """Return whether there are decimal commas; between commas these are in quotes, and not for thousands."""
    fields = [field for row in rows for field in row if "," in field]
    if separator != ",":
        return any(map(DECIMAL_COMMA.fullmatch, fields))
    decimal = all(map(DECIMAL_COMMA.fullmatch, fields)) and not any("." in f for row in rows for f in row)
    return decimal and any(not _THOUSANDS.fullmatch(field) for field in fields)


def _comma_between(separator, data):
    """Return whether there is a number with a comma between two separators."""
    if separator == "," or b"," not in data:
        return False
    between, pad = (r"[ \t]", "") if separator == SPACES else (re.escape(separator), " *")
    number = rf"(?:^|{between}){pad}[+-]?\d*,\d+{pad}(?:{between}|\r|$)"
    return re.search(number.encode(), data, re.MULTILINE) is not None


def separator_of(lines):
    r"""Return what separates the fields of the first line of values, which hold no other text.

    Examples
    --------
    >>> separator_of(["time;value", "0,00;0,5"]), separator_of(["0,5 1", "0,6 2"]), separator_of(["a", "1"])
    (';', '\\s+', ',')
    """
    full = [_QUOTED.sub("0", line) for line in lines if line.strip()][:10]
    for line in reversed(full[:2]):
        for separator in ";\t|":
            if separator in line:
                return separator
        if "," in line and not _is_spaced_with_decimal_commas(line):
            return ","
        fields = line.split()
        if len(fields) > 1 and all(map(is_value, fields)):
            return SPACES
    rows = [line.split() for line in full]
    if any(len(row) > 1 and all(map(is_value, row)) for row in rows):
        return SPACES
    counts = set(map(len, rows))
    if len(full) > 1 and len(counts) == 1 and counts != {1} and any(map(is_number, rows[-1])):
        return SPACES  # words beside numbers
    return ","


def _is_spaced_with_decimal_commas(line):
    fields = line.split()
    return len(fields) > 1 and all(
        is_value(field) and ("," not in field or _SPACED_COMMA.fullmatch(field)) for field in fields
    )


def fields_of(lines, separator):
    """Split lines into fields; of wide tables only some. Empty lines of several columns are left out.

    Examples
    --------
    >>> fields_of(["a, 'b'", "", '1,"2"'], ",")
    [['a', "'b'"], ['1', '2']]
    """
    widest = max(
        len(line.split()) if separator == SPACES else 1 + line.count(separator) for line in lines[:2]
    )
    if widest > WIDEST:
        raise ValueError(f"A line has {widest} fields, more than {WIDEST}: it is no table.")
    rows = [_fields(line, separator) for line in lines[: max(2, N_FIELDS // widest)]]
    return [row for row in rows if any(row)] or rows if max(map(len, rows)) > 1 else rows


def _fields(line, separator):
    if separator == SPACES:
        return [field.strip('"') for field in line.split()]
    try:
        fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True), None) or [""]
    except csv.Error as error:  # a field of more than 128 kB
        raise ValueError(f"A field is too long, in the line {brief(line, 40)}: it is no table.") from error
    return [field.strip().strip('"') for field in fields]


def check_is_table(rows):
    """Refuse sentences without a number among them.

    Examples
    --------
    >>> check_is_table([["It was a dark and stormy night."], ["The rain fell."]])
    Traceback (most recent call last):
    ...
    ValueError: It is no table: its first line is 'It was a dark and stormy night.'.
    """
    words = [field for row in rows[1:] or rows for field in row if field]
    is_text = len(set(map(len, rows))) > 1 or any(field.count(" ") > 1 for row in rows for field in row)
    if words and is_text and not any(map(is_value, words)):
        raise ValueError(f"It is no table: its first line is {brief(' '.join(rows[0]))}.")


def _has_header(rows):
    first, values = rows[0], rows[1:]
    if not all(map(is_value, first)):
        return not (_is_like(first, values) or _are_unordered(first))
    if first[0] == "" and len(first) > 1:  # the index, as it is written by default
        counted = [row[0] for row in values[:3]]
        return counts_from(first[1:], (0, 1)) and any(
            counted == [str(first + k) for k in range(len(counted))] for first in (0, 1)
        )
    if not values or not counts_from(first, (0,) if len(first) < 3 else (0, 1)):
        return False
    # pandas writes columns of decimals without integers: a few integers may be a step
    return len(first) > 2 or not any(_INTEGER.fullmatch(field) for row in values for field in row)


def _is_like(first, values):
    """Return whether a line has words where the line below has words, and numbers beside them."""
    numbers = [field for field in first if is_number(field)]
    if not numbers or not values or len(values[0]) != len(first) or counts_from(numbers, (0, 1)):
        return False
    return all(is_value(a) == is_value(b) for a, b in zip(first, values[0]))


def _are_unordered(first):
    """Return whether there are numbers below 0, or that do not increase: as names they are frequencies."""
    numbers = [float(as_written(field).replace(",", ".")) for field in first if is_number(field)]
    return any(number < 0 for number in numbers) or any(a >= b for a, b in itertools.pairwise(numbers))


def counts_from(fields, starts):
    """Return whether fields are consecutive integers from one of the starts on.

    Examples
    --------
    >>> counts_from(["0", "1"], (0,)), counts_from(["1", "2"], (0,))
    (True, False)
    """
    return any(fields == [str(start + k) for k in range(len(fields))] for start in starts)


def _is_one_column_of_decimal_commas(rows, header):
    """Return whether lines have two fields only because their numbers have a decimal comma."""
    values = [row for row in rows[header:] if any(row)]
    pairs = [row for row in values if len(row) == 2]
    missing = [row for row in values if len(row) == 1 and as_written(row[0]) is None]
    if not pairs or len(pairs) + len(missing) < len(values) or (header and len(rows[0]) != 1):
        return False
    if not all(DECIMAL_COMMA.fullmatch(",".join(row)) for row in pairs):
        return False
    whole = {row[0] for row in pairs}
    if header:  # names of rows differ
        return bool(missing) or len(whole) < len(pairs)
    return "-0" in whole or (2 * len(whole) < len(pairs) and all(len(row[1]) > _DIGITS for row in pairs))


def _row_names(rows):
    """Return the names of all columns where lines are longer than the header by one field, else None."""
    names, values = rows[0], [row for row in rows[1:] if any(row)]
    repeated = [name for name, n in Counter(names).items() if name and n > 1]
    if repeated:
        raise ValueError(f"Columns have names in common: {quoted(sorted(repeated), limit=3)}.")
    usual = min(map(len, values), default=0)  # a longer line is ragged, and named when it is read
    if max(map(len, values), default=0) == usual > len(names) + 1:
        raise ValueError(
            f"Its first line has {len(names)} fields, but others have {usual - len(names)} more."
        )
    if usual == len(names) - 1 and names[-1] == "" and not any(len(row) > usual for row in values):
        return names[:-1]  # the header alone ends with a separator
    if usual <= len(names):
        return None
    if all(row[-1] == "" for row in values):  # lines end with a separator
        return [*names, "Unnamed: last"]
    return [UNNAMED, *names]  # names of rows, as R writes them
