"""Read a table of numbers as pandas, R, spreadsheets and the tools of this field write it.

pandas reads the lines; what it cannot know is decided here from the first of them: the encoding, the
separator, whether the first line holds names, and which words are missing values.
"""

import io

import numpy as np
import pandas as pd

from avfusion.formats._dialect import (
    N_LINES,
    UNNAMED,
    Dialect,
    check_is_table,
    counts_from,
    fields_of,
    separator_of,
)
from avfusion.formats._format import Format, Part
from avfusion.formats._headerless import with_names
from avfusion.formats._known_header import read_like_before, remember
from avfusion.formats._lines import check_widths, of_parser
from avfusion.formats._numbers import SOURCE, Source, as_numbers
from avfusion.formats._preamble import Preamble
from avfusion.formats._text import first_lines, read_text

__all__ = ["FORMAT", "as_numbers", "read", "read_table"]

_WIDE = 500  # columns
_BLANK = ["", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "None", "<NA>", "#N/A"]


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
    return _table(path, *_opened(path), text)


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
    data, lines, preamble = _opened(path)
    body = lines[preamble.n_lines :]
    rows = fields_of(body, separator_of(body))
    check_is_table(rows)
    table, named = _table(path, data, lines, preamble)
    if not preamble.n_lines:
        remember(path, table, named)
    start_s = preamble.start_s
    if start_s is not None and "time" in table.columns:  # times count from the start
        table, start_s = table.assign(time=table["time"] + start_s), None
    return [Part(table if named else with_names(table), named, rate_hz=preamble.rate_hz, start_s=start_s)]


def _opened(path):
    """Return the text, its first lines, each with where it begins, and what stands before the table."""
    data = read_text(path)
    if not data or data.isspace():
        raise ValueError("It holds no values.")
    lines, begins = first_lines(data, N_LINES)
    if lines[0].strip().lower().startswith("@relation"):
        raise ValueError("It is an ARFF file: write its table as comma-separated rows.")
    if Preamble.is_all(lines):
        lines, begins = first_lines(data, 100 * N_LINES)
    preamble = Preamble.of(lines)
    return data[begins[preamble.n_lines] :], lines[: preamble.n_lines + N_LINES], preamble


def _table(path, data, lines, preamble, text=()):
    dialect = Dialect.of(lines[preamble.n_lines :], preamble.names, data)
    own = [name for name in text if dialect.header and name in dialect.first]
    try:
        table = pd.read_csv(
            io.BytesIO(data),
            sep=dialect.separator,
            decimal=dialect.decimal,
            header=0 if dialect.header and dialect.names is None else None,
            names=dialect.names,
            skiprows=_n_before_rows(lines[preamble.n_lines :]) if dialect.header and dialect.names else 0,
            skip_blank_lines=dialect.width > 1,
            skipinitialspace=True,
            low_memory=False,
            dtype=dict.fromkeys(own, str),
            keep_default_na=not own,
            na_values={name: _BLANK for name in dialect.first if name not in own} if own else None,
        )
    except pd.errors.ParserError as error:
        raise of_parser(error, preamble.n_lines, dialect.separator) from error
    if not isinstance(table.index, pd.RangeIndex):  # longer lines, whose first fields pandas takes for names
        check_widths(data, table.shape[1], dialect.separator, preamble.n_lines)
        raise ValueError("Its lines have more fields than there are names.")
    if dialect.width > _WIDE:
        table = table.copy()  # into one block, of which later steps make views
    first_line = 1 + preamble.n_lines + dialect.header
    source = Source(dialect.separator, dialect.decimal, first_line, path if dialect.width > 1 else None)
    if len(table) and dialect.width > 1 and table.iloc[:, -1].isna().any():
        check_widths(data, table.shape[1], dialect.separator, preamble.n_lines, dialect.header)
    table, named = _named(table, dialect.header or (preamble.names is not None and preamble.named))
    if dialect.header:
        _check_one_header(table, dialect.first, source)
    table.attrs[SOURCE] = source
    return table, named


def _n_before_rows(lines):
    return 1 + next(k for k, line in enumerate(lines) if line.strip())


def _check_one_header(table, first, source):
    """Refuse a header that is repeated among the rows, of tables that were joined."""
    words = [k for k, kind in enumerate(table.dtypes) if not pd.api.types.is_numeric_dtype(kind)]
    if not words:
        return
    column = table.iloc[:, words[-1]].astype(object)
    for row in np.flatnonzero(column == table.columns[words[-1]]):
        values = [str(value).strip() for value in table.iloc[row]]
        if values == [str(name) for name in table.columns] or values == first:
            raise ValueError(
                f"Line {source.line_of(row)} repeats the first line: write the tables that were joined to "
                "files of their own."
            )


def _named(table, header):
    """Give the columns their names, and numbers where they have none; leave empty ones without a name out."""
    names = [str(name).strip().lstrip("#").strip() for name in table.columns]
    table = table.set_axis(names, axis=1)
    unnamed = [k for k, name in enumerate(names) if name.startswith(UNNAMED[:-1])]
    if not header and len(names) > 1:  # lines may end with a separator
        unnamed.append(len(names) - 1)
    empty = [k for k in unnamed if table.iloc[:, k].isna().all()]
    if empty:
        table = table.iloc[:, np.setdiff1d(np.arange(len(names)), empty)]
    own = [name for name in table.columns if not name.startswith(UNNAMED[:-1])]
    if header and not counts_from(own, (0, 1)):
        return table, True
    numbered = {name: k for k, name in enumerate(own)}
    return table.set_axis([numbered.get(name, name) for name in table.columns], axis=1), False


FORMAT = Format(
    "table of separated values",
    (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"),
    read,
    "A file holds numbers, (steps, features) or (steps,): write it with numpy.save, or as comma-separated "
    "rows.",
)
