"""Words that are numbers, and words that mean that one is missing."""

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from avfusion.formats._text import read_text
from avfusion.sequences._messages import brief

_WORDS = (
    "? - -- . .. na n.a. n/a <na> nan null nil none nat missing undefined --undefined-- "
    "fit_failed find_failed #n/a #na #null! #value! #div/0! #num! #ref! #name?"
)
MISSING = {"", *_WORDS.split()}  # in lower case, beside what pandas takes for missing
SOURCE = "avfusion.source"  # in the attributes of a table

DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+(e[+-]?\d+)?\s*", re.IGNORECASE)
_TIME = re.compile(r"(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})?[ T]?(\d{1,2}(:\d{2}){1,2}([.,]\d+)?Z?)?")
_HEX = re.compile(r"0x[0-9a-f]+", re.IGNORECASE)
_SEPARATORS = {r"\s+": "spaces", "\t": "tabs"}


@dataclass(frozen=True)
class Source:
    """Lines of a file in which the rows of a table stand, for messages.

    Parameters
    ----------
    separator : str
    decimal : str
    first_line : int
        Of the first row, from 1 on.
    path : pathlib.Path, optional
        Where blank lines, and those that begin with `comment`, are no rows; by default all lines are.
    comment : str, optional

    Examples
    --------
    >>> Source(";", ".", 2).line_of(1)
    3
    """

    separator: str
    decimal: str
    first_line: int
    path: Path | None = None
    comment: str | None = None

    def line_of(self, row):
        """Return the number of the line in which a row stands."""
        if self.path is None:
            return self.first_line + row
        lines = read_text(self.path).splitlines()[self.first_line - 1 :]
        comment = (self.comment or "\0").encode()
        rows = (k for k, line in enumerate(lines) if line.strip() and not line.startswith(comment))
        return self.first_line + next(islice(rows, row, None), row)

    def taken(self):
        """Return a clause on how the file was read."""
        decimal = " and decimal commas" if self.decimal == "," else ""
        return (
            f"read with {_SEPARATORS.get(self.separator, repr(self.separator))} between the fields{decimal}"
        )


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
        If it holds other text. The message names the line and the separator where the table was read from
        a file of text.

    Examples
    --------
    >>> as_numbers(pd.Series(["1.5", "-nan(ind)", "?", "-1.#IND"]), "F0")
    array([1.5, nan, nan, nan])
    """
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    source = column.attrs.get(SOURCE)
    words = column.astype(object).map(as_written, na_action="ignore")
    if source is not None and source.decimal == ",":
        words = words.map(_with_decimal_comma, na_action="ignore")
    numbers = pd.to_numeric(words, errors="coerce")
    text = words.notna() & numbers.isna()
    if text.any():
        row = int(text.to_numpy().argmax())
        raise TypeError(_about_text(name, column.iloc[row], row, source))
    return numbers.to_numpy(dtype=np.float64)


def _about_text(name, value, row, source):
    remedy = "make it numbers, or leave it out"
    if source is None:
        return f"Column {brief(name)} holds text, such as {brief(value)} in step {row}: {remedy}."
    return (
        f"Column {brief(name, 30)} holds text in line {source.line_of(row)}, {brief(value, 30)} "
        f"({source.taken()}): {remedy}."
    )


def _with_decimal_comma(word):
    return word.replace(",", ".") if "." not in word and word.count(",") < 2 else f"text: {word}"


def as_written(value):
    """Return the word of a number, and None for a word that means missing.

    Examples
    --------
    >>> as_written(" 0.5"), as_written("-nan(ind)"), as_written("-1.#INF"), as_written("true")
    ('0.5', None, '-inf', '1')
    """
    word = str(value).strip()
    plain = word.lower()
    unsigned = plain.lstrip("+-")
    if unsigned.startswith("1.#inf"):
        return plain.replace("1.#", "")[: len(plain) - len(unsigned) + 3]
    if {plain, unsigned} & MISSING or unsigned.startswith(("1.#", "nan(")):
        return None
    return {"true": "1", "false": "0"}.get(plain, word)


def is_number(text):
    """Return whether a field is written as a number.

    Examples
    --------
    >>> [is_number(text) for text in ("1e-3", "-inf", "0,5", "", "NA", "AU12_r")]
    [True, True, True, False, False, False]
    """
    word = as_written(text)
    if word is None or word.lower().lstrip("+-").startswith(("_", "nan")) or "_" in word:
        return False
    if DECIMAL_COMMA.fullmatch(word):
        return True
    try:
        float(word)
    except ValueError:
        return False
    return True


def is_value(text):
    """Return whether a field holds a value, that is a number, a date, a time or nothing, and not a name.

    Examples
    --------
    >>> [is_value(text) for text in ("1e-3", "NA", "", "-nan(ind)", "12:30:01", "0x1F", "0,5", "AU12_r")]
    [True, True, True, True, True, True, True, False]
    """
    word = as_written(text)
    return word is None or any(pattern.fullmatch(word) for pattern in (_HEX, _TIME)) or is_number(word)
