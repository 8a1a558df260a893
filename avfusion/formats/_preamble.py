"""Read the lines before a table: comments, and what devices write about the recording."""

import json
import re
from collections import Counter
from dataclasses import dataclass

from avfusion.formats._dialect import N_LINES, SPACES, fields_of, separator_of
from avfusion.formats._numbers import MISSING, is_number, is_value

_COMMENT = re.compile(r"\s*(#+|%+|//+)\s*(?P<text>.*)")
_UNIX_TIMES = (5e8, 5e9)  # seconds since 1970
_FASTEST = 1e5  # steps per second
_LONGEST = 100_000  # characters of a comment with names
_FEW = 40  # lines before a table


@dataclass(frozen=True)
class Preamble:
    """Lines before a table, and what they say of it.

    Parameters
    ----------
    n_lines : int
        Lines to skip.
    names : list of str or None
        Names of the columns, if they stand there.
    rate_hz, start_s : float or None
        Of the recording, if they stand there.
    named : bool
        Whether the names are those of features.

    Examples
    --------
    >>> Preamble.of(["# made by hand", "# F0,loudness", "120,0.5"]).names
    ['F0', 'loudness']
    """

    n_lines: int
    names: list | None = None
    rate_hz: float | None = None
    start_s: float | None = None
    named: bool = True

    @staticmethod
    def is_all(lines):
        """Return whether lines are comments, all of them."""
        return all(not line.strip() or _is_comment(line) for line in lines)

    @classmethod
    def of(cls, lines):
        """Find the lines before a table.

        Parameters
        ----------
        lines : list of str

        Returns
        -------
        Preamble

        Raises
        ------
        ValueError
            If there are no others.
        """
        n_lines = int(lines[0].lower().startswith("sep="))  # a hint for spreadsheets
        comments = []
        while n_lines < len(lines) and (not lines[n_lines].strip() or _is_comment(lines[n_lines])):
            comments += [lines[n_lines]] if lines[n_lines].strip() else []
            if not comments:  # blank lines may be missing values
                break
            n_lines += 1
        if n_lines == len(lines):
            raise ValueError("It holds no values, only comments.")
        if comments:
            return _of_comments(n_lines, comments, lines)
        return _of_wristband(lines) or _of_prose(n_lines, lines) or cls(n_lines)


def _is_comment(line):
    return bool(_COMMENT.match(line)) and re.split(r"[;,\t| ]", line.strip())[0].lower() not in MISSING


def _of_comments(n_lines, comments, lines):
    texts = [_COMMENT.match(comment)["text"] for comment in comments]
    for text in texts:
        if text.startswith("{") and (found := _of_opensignals(n_lines, text, lines)) is not None:
            return found
    table = lines[n_lines : n_lines + N_LINES]
    separator = separator_of(table)
    rows = fields_of(table, separator)
    names = _names_in(texts[-1], separator, len(rows[0]), comments[-1])
    return Preamble(n_lines, names if names and all(map(is_value, rows[0])) else None)


def _names_in(text, separator, width, line):
    """Return the names of columns that a comment holds, or None."""
    if len(text) > _LONGEST:
        return None
    for candidate in dict.fromkeys((separator, separator_of([text]))):
        names = fields_of([text], candidate)[0]
        if width > 1 and len(names) == width + 1 and names[-1] == "":
            names = names[:-1]
        plain = width > 1 or " " not in text
        if len(names) == width and plain and not all(map(is_number, names)) and any(names):
            return [name or f"Unnamed: {k}" for k, name in enumerate(names)]
    return None


def _of_opensignals(n_lines, text, lines):
    """Read the header of OpenSignals: a JSON object with one entry for each device."""
    try:
        devices = [device for device in json.loads(text).values() if isinstance(device, dict)]
        rates = {float(device["sampling rate"]) for device in devices}
        columns = [str(name) for device in devices for name in device["column"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    width = len(lines[n_lines].split())
    names = columns if len(columns) == width else None
    if names is not None and len(set(names)) < width:  # of several devices
        n_columns = Counter(names)
        names = [f"{name}_{k}" if n_columns[name] > 1 else name for k, name in enumerate(names)]
    rate_hz = rates.pop() if len(rates) == 1 else None
    return Preamble(n_lines, names, rate_hz if rate_hz and 0 < rate_hz <= _FASTEST else None)


def _of_wristband(lines):
    """Read the first lines of Empatica E4: when the recording begins, and its rate, in each column."""
    first, second = ([field.strip() for field in line.split(",")] for line in [*lines[:2], ""][:2])
    start_s = _float(first[0])
    if start_s is None or not _UNIX_TIMES[0] <= start_s <= _UNIX_TIMES[1]:
        return None
    if first[1:] == ["IBI"]:
        return Preamble(1, ["time", "IBI"], start_s=start_s)
    rate_hz = _float(second[0])
    if len(lines) < 3 or len(second) != len(first) or len({*first}) > 1 or len({*second}) > 1:
        return None
    if rate_hz is None or not 0 < rate_hz <= _FASTEST:
        return None
    return Preamble(2, list(range(len(first))), rate_hz, start_s, named=False)


def _float(text):
    try:
        return float(text)
    except ValueError:
        return None


def _of_prose(n_lines, lines):
    """Skip lines such as "Device: 12" before a header: below it, all lines have as many fields as it has."""
    table = [k for k in range(n_lines, len(lines)) if lines[k].strip()]
    if len(table) < 4:
        return None
    separator = separator_of([lines[k] for k in table[-3:-1]])
    *counts, usual = (
        len(lines[k].split()) if separator == SPACES else lines[k].count(separator)
        for k in (*table[:_FEW], table[-2])
    )
    odd = [n for n, count in enumerate(counts) if count != usual]
    if not odd or usual == 0 or odd[-1] + 2 >= len(table):
        return None
    begin = odd[-1] + 1
    skipped, (header, below) = (
        fields_of([lines[k] for k in some], separator) for some in (table[:begin], table[begin : begin + 2])
    )
    if any(map(is_value, filter(None, header))) or not all(map(is_value, below)):
        return None
    return None if any(sum(map(is_number, row)) > 1 for row in skipped) else Preamble(table[begin])
