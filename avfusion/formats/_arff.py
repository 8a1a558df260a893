"""Read a table in Weka's format, as openSMILE and the AVEC challenges write it."""

import io
import re

import numpy as np
import pandas as pd

from avfusion.formats._dialect import SPACES
from avfusion.formats._format import Format, Part
from avfusion.formats._lines import check_widths, of_parser, ragged
from avfusion.formats._numbers import SOURCE, Source
from avfusion.formats._text import LONGEST, read_text
from avfusion.sequences._messages import brief

_RELATION = re.compile(rb"\s*(%[^\n]*\n\s*)*@relation\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S+)\s+(?P<kind>.+)""", re.IGNORECASE
)
_NUMERIC = ("numeric", "real", "integer")
_OTHER = ("string", "date")


def read(path):
    r"""Read an ARFF file.

    An attribute of class that is not known, as openSMILE writes it (``class {unknown}``, or ``class numeric``
    with nothing but ``?``), is left out.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    list of Part

    Raises
    ------
    ValueError
        If it has no header, or rows that are sparse or of another length.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     lines = ["@relation a", "@attribute F0 numeric", "@attribute class {unknown}", "@data", "120,?"]
    ...     _ = Path(folder, "a.arff").write_text("\n".join(lines))
    ...     read(Path(folder, "a.arff"))[0].values
        F0
    0  120
    """
    data = read_text(path)
    kinds, begin, n_lines = _header(data)
    rows = _without_comments(data[begin:])
    first = rows.lstrip()[:1]
    if not first:
        raise ValueError("It holds no values, only a header.")
    if first == b"{":
        raise ValueError("Its rows are sparse, in braces: write them with all values.")
    table = _rows(rows, kinds, n_lines)
    table.attrs[SOURCE] = Source(",", ".", 1 + n_lines, path, "%")
    return [Part(table.drop(columns=_unknown(table, kinds)), named=True)]


def _header(data):
    """Return the kind of each attribute, where the rows begin, and the number of lines before."""
    kinds, begin, n_lines = {}, 0, 0
    while begin < len(data):
        end = data.find(b"\n", begin) + 1 or len(data)
        if end - begin > LONGEST:
            raise ValueError(f"Line {n_lines + 1} is {(end - begin) / 1e6:.0f} MB long: it is no header.")
        line = data[begin:end].decode().strip()
        begin, n_lines = end, n_lines + 1
        word = line.split(None, 1)[0].lower() if line else ""
        if word == "@data":
            if not kinds:
                break
            return kinds, begin, n_lines
        if word == "@attribute":
            name, kind = _attribute(line, n_lines)
            if name in kinds:
                raise ValueError(f"Two attributes have the name {brief(name)}: rename one.")
            kinds[name] = kind
        elif word and word != "@relation" and not word.startswith("%"):
            raise ValueError(f"Line {n_lines} is no line of a header: {brief(line, 40)}.")
    raise ValueError("Its header has no attributes, or does not end with '@data'.")


def _attribute(line, number):
    found = _ATTRIBUTE.match(line)
    kind = "" if found is None else found["kind"].strip()
    word = kind.split(None, 1)[0].lower() if kind else ""
    if not kind.startswith("{") and word not in (*_NUMERIC, *_OTHER):
        raise ValueError(f"Line {number} is no attribute that can be read: {brief(line, 60)}.")
    name = found[1]
    if name[0] in "'\"":
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name, kind if kind.startswith("{") else word


def _rows(rows, kinds, n_lines):
    sample = rows[:65536]
    separator = "," if b"," in sample or len(kinds) == 1 else SPACES
    quote = '"' if b'"' in sample and b"'" not in sample else "'"
    words = [k for k, kind in enumerate(kinds.values()) if kind in _OTHER]
    try:
        table = pd.read_csv(
            io.BytesIO(rows),
            sep=separator,
            header=None,
            quotechar=quote,
            escapechar="\\",
            skipinitialspace=True,
            low_memory=False,
            dtype=dict.fromkeys(words, str),
            keep_default_na=False,
            na_values={k: _missing(k in words) for k in range(len(kinds))} if words else _missing(False),
        )
    except pd.errors.ParserError as error:
        raise of_parser(error, n_lines, separator) from error
    if table.shape[1] == len(kinds) + 1 and table.iloc[:, -1].isin(["", np.nan]).all():  # lines end so
        table = table.iloc[:, :-1]
    elif table.shape[1] != len(kinds):
        raise ragged(n_lines + 1, table.shape[1], len(kinds), separator)
    if table.iloc[:, -1].isin(["", np.nan]).any():
        check_widths(rows, len(kinds), separator, n_lines, quote=quote)
    table = table.set_axis(list(kinds), axis=1)
    for name in (name for name, kind in kinds.items() if kind in _OTHER):
        table[name] = table[name].str.replace(r'^"(.*)"$', r"\1", regex=True)  # quotes may be of both kinds
    return table


def _missing(is_text):
    return ["?"] if is_text else ["?", "", "nan", "NaN", "-nan"]


def _without_comments(rows):
    """Empty the lines that are comments: the others keep their numbers."""
    if not (rows.startswith(b"%") or b"\n%" in rows):
        return rows
    return b"\n".join(b"" if line.startswith(b"%") else line for line in rows.splitlines())


def _unknown(table, kinds):
    """Return attributes of class that say nothing."""
    lone = [name for name, kind in kinds.items() if kind.strip("{} ").strip("'\"").lower() == "unknown"]
    lone += [name for name, kind in kinds.items() if kind.startswith("{") and _all_unknown(table[name])]
    last = list(kinds)[-1]
    if last.lower() in ("class", "emotion", "label") and table[last].isna().all():
        lone.append(last)
    return list(dict.fromkeys(lone)) if len(set(lone)) < len(kinds) else []


def _all_unknown(column):
    words = column.dropna().astype(str).str.strip("'\" ").str.lower()
    return len(words) > 0 and bool((words == "unknown").all())


FORMAT = Format(
    "ARFF table",
    (".arff", ".arff.gz"),
    read,
    "An ARFF file has a header, '@attribute NAME numeric' for each column, then '@data' and a row per step.",
    recognises=lambda head: bool(_RELATION.match(head.removeprefix(b"\xef\xbb\xbf"))),
)
