"""Read a table of numbers as pandas, R, spreadsheets and the tools of this field write it.

pandas reads the lines; what it cannot know is decided here from the first of them: the separator, whether the
first line holds names, and which words are missing values.
"""

import csv
import re
from itertools import islice

import numpy as np
import pandas as pd

from avfusion.formats._format import Format, Part
from avfusion.formats._known_header import read_like_before, remember
from avfusion.sequences._messages import brief, quoted

_WORDS = (
    "? - -- . .. na n.a. n/a <na> nan null nil none nat missing undefined --undefined-- "
    "#n/a #na #null! #value! #div/0! #num! #ref! #name?"
)
MISSING = {"", *_WORDS.split()}  # in lower case, beside what pandas takes for missing
_BLANK = ["", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "None", "<NA>", "#N/A"]
N_LINES, N_FIELDS = 1000, 20_000  # that are looked at for separator and names

_QUOTED = re.compile(r'"[^"]*"')
_INTEGER = re.compile(r"[+-]?\d+")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+(e[+-]?\d+)?\s*", re.IGNORECASE)
_TIME = re.compile(r"(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})?[ T]?(\d{1,2}(:\d{2}){1,2}([.,]\d+)?Z?)?")
_HEX = re.compile(r"0x[0-9a-f]+", re.IGNORECASE)


def read_table(path, text=()):
    """Read the lines of a file of comma-, semicolon-, tab- or space-separated values.

    Parameters
    ----------
    path : pathlib.Path
        In a file of one column an empty line is a missing value.
    text : tuple of str
        Columns of names: nothing in them is a number or missing.

    Returns
    -------
    table : pandas.DataFrame
        A row for each line, text where pandas found no numbers. Columns are named by the first line, without
        spaces around, or numbered from 0.
    named : bool
        Whether they have names: the header 0, 1, 2 that pandas writes is none.

    Raises
    ------
    ValueError
        If the file is no table.
    """
    lines = _first_lines(path)
    n_skipped = int(lines[0].lower().startswith("sep="))  # a hint for spreadsheets
    lines = lines[n_skipped:]
    separator = _separator(lines)
    some = max(2, N_FIELDS // (1 + max(line.count(",") + line.count(separator) for line in lines[:2])))
    rows = [_fields(line, separator) for line in lines[:some]]
    if max(map(len, rows)) > 1:
        rows = [row for row in rows if any(row)] or rows
    header, decimal = _has_header(rows), "."
    own = [name for name in text if header and name in rows[0]]
    if len(rows) == header:
        raise ValueError("It holds no values, only names.")
    if separator != "," and any(_DECIMAL_COMMA.fullmatch(field) for row in rows[header:] for field in row):
        decimal = ","
    elif _is_one_column_of_decimal_commas(rows, header):
        separator, decimal, rows = ";", ",", [[line.strip()] for line in lines]
    width = max(map(len, rows))
    names = (
        _row_names(rows) if header else [0] if width == 1 else None
    )  # pandas counts no columns in an empty line
    table = pd.read_csv(
        path,
        sep=separator,
        decimal=decimal,
        header=0 if header else None,
        names=names,
        skiprows=n_skipped,
        skip_blank_lines=width > 1,
        skipinitialspace=True,
        encoding=_encoding(path),
        low_memory=False,
        dtype=dict.fromkeys(own, str),
        keep_default_na=not own,
        na_values={name: _BLANK for name in rows[0] if name not in own} if own else None,
    )
    return _named(table, header)


def as_numbers(column, name):
    """Return a column of a table as float64.

    Parameters
    ----------
    column : pandas.Series
        Numbers, or text of which some words mean that a value is missing.
    name : object
        For the message.

    Returns
    -------
    ndarray of shape (n_rows,)

    Raises
    ------
    TypeError
        If it holds other text.

    Examples
    --------
    >>> as_numbers(pd.Series(["1.5", "-nan(ind)", "?", "-1.#IND"]), "F0")
    array([1.5, nan, nan, nan])
    """
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    words = column.astype(object).map(_as_written, na_action="ignore")
    numbers = pd.to_numeric(words, errors="coerce")
    text = words.notna() & numbers.isna()
    if text.any():
        row = int(text.to_numpy().argmax())
        raise TypeError(
            f"Column {brief(name)} holds text, such as {brief(column.iloc[row])} in step {row}: make it "
            "numbers, or leave it out."
        )
    return numbers.to_numpy(dtype=np.float64)


def _as_written(value):
    """Return None for a word that means missing."""
    word = str(value).strip()
    plain = word.lower()
    unsigned = plain.lstrip("+-")
    if unsigned.startswith("1.#inf"):
        return plain.replace("1.#", "")[: len(plain) - len(unsigned) + 3]
    if {plain, unsigned} & MISSING or unsigned.startswith(("1.#", "nan(")):
        return None
    return {"true": "1", "false": "0"}.get(plain, word)


def _encoding(path):
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _first_lines(path):
    try:
        with path.open(encoding=_encoding(path)) as file:
            lines = [line.rstrip("\n") for line in islice(file, N_LINES)]
    except UnicodeDecodeError as error:
        raise ValueError(f"It is not UTF-8 text: save it as such ({error}).") from error
    if not any(line.strip() for line in lines):
        raise ValueError("It holds no values.")
    if lines[0].strip().lower().startswith("@relation"):
        raise ValueError("It is an ARFF file: write its table as comma-separated rows.")
    return lines


def _separator(lines):
    """Return what separates the fields of the first line of values, which hold no other text."""
    full = [_QUOTED.sub("", line) for line in lines if line.strip()][:2]
    for line in reversed(full):
        for separator in ";\t|,":
            if separator in line:
                return separator
        fields = line.split()
        if len(fields) > 1 and all(map(is_value, fields)):
            return r"\s+"
    return ","


def _fields(line, separator):
    if separator == r"\s+":
        return [field.strip('"') for field in line.split()]
    fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True), None) or [""]
    return [field.strip().strip('"') for field in fields]


def is_value(text):
    """Return whether a field holds a value, that is a number, a date, a time or nothing, and not a name.

    Examples
    --------
    >>> [is_value(text) for text in ("1e-3", "NA", "", "-nan(ind)", "12:30:01", "0x1F", "0,5", "AU12_r")]
    [True, True, True, True, True, True, True, False]
    """
    word = _as_written(text)
    if word is None or any(pattern.fullmatch(word) for pattern in (_HEX, _TIME, _DECIMAL_COMMA)):
        return True
    try:
        float(word)
    except ValueError:
        return False
    return True


def _has_header(rows):
    first, values = rows[0], rows[1:]
    if not all(map(is_value, first)):
        return True
    if first[0] == "" and len(first) > 1:  # the index, as it is written by default
        counted = [row[0] for row in values[:3]]
        return _counts_from(first[1:], (0, 1)) and any(
            counted == [str(first + k) for k in range(len(counted))] for first in (0, 1)
        )
    if not values or not _counts_from(first, (0,) if len(first) < 3 else (0, 1)):
        return False
    # pandas writes columns of decimals without integers: a few integers may be a step
    return len(first) > 2 or not any(_INTEGER.fullmatch(field) for row in values for field in row)


def _counts_from(fields, starts):
    return any(fields == [str(start + k) for k in range(len(fields))] for start in starts)


def _is_one_column_of_decimal_commas(rows, header):
    """Return whether each line of values has one more field than the header because of its decimal comma."""
    values = [row for row in rows[1:] if any(row)]
    if not header or len(rows[0]) != 1 or not values or {len(row) for row in values} != {2}:
        return False
    return len({row[0] for row in values}) < len(values)  # names of rows differ


def _row_names(rows):
    """Return the names of all columns where lines are longer than the header by one field, else None."""
    names, values = rows[0], [row for row in rows[1:] if any(row)]
    repeated = (
        {name for name in names if name and names.count(name) > 1} if len(set(names)) < len(names) else ()
    )
    if repeated:
        raise ValueError(f"Columns have names in common: {quoted(sorted(repeated), limit=3)}.")
    excess = max(map(len, values), default=0) - len(names)
    if excess > 1:
        raise ValueError(f"Its first line has {len(names)} fields, but others have {excess} more.")
    if excess < 1:
        return None
    if all(len(row) > len(names) and row[-1] == "" for row in values):  # lines end with a separator
        return [*names, "Unnamed: last"]
    return ["Unnamed: 0", *names]  # names of rows, as R writes them


def _named(table, header):
    """Give the columns their names, and numbers where they have none; leave empty ones without a name out."""
    names = [str(name).strip().lstrip("#").strip() for name in table.columns]
    table = table.set_axis(names, axis=1)
    unnamed = [k for k, name in enumerate(names) if name.startswith("Unnamed: ")]
    empty = [k for k in unnamed if table.iloc[:, k].isna().all()]
    if empty:
        table = table.iloc[:, np.setdiff1d(np.arange(len(names)), empty)]
    own = [name for name in table.columns if not name.startswith("Unnamed: ")]
    if header and not _counts_from(own, (0, 1)):
        return table, True
    numbered = {name: k for k, name in enumerate(own)}
    return table.set_axis([numbered.get(name, name) for name in table.columns], axis=1), False


def read(path):
    r"""Read a table of values with separators between them.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    list of Part

    Raises
    ------
    ValueError
        If the file is no table.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.csv").write_text("loudness;F0\n0.5;100\n")
    ...     read(Path(folder, "a.csv"))[0].values
       loudness   F0
    0       0.5  100
    """
    table = read_like_before(path)
    if table is not None:
        return [Part(table, named=True)]
    table, named = read_table(path)
    remember(path, table, named)
    return [Part(table, named)]


FORMAT = Format(
    "table of separated values",
    (".csv", ".tsv"),
    read,
    "A file holds numbers, (steps, features) or (steps,): write it with numpy.save, or as comma-separated "
    "rows.",
)
