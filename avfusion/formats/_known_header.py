"""Tables of numbers whose first line was read before: they are read without looking again.

A folder holds thousands of files that one tool wrote. What the first of them taught (the separator, the
names) holds for the next one if its first line is the same and nothing but numbers follows. Else it is read
as if it were the first.
"""

from collections import OrderedDict

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

N_KNOWN = 32  # first lines that are remembered
LONGEST = 1 << 20  # bytes of a first line
BLOCK = 1 << 24  # bytes that are parsed at once: a whole file

_MISSING = ["", "NA", "NaN", "nan"]
_known = OrderedDict()  # separator, and the type of each column, by first line


def remember(path, table, named):
    """Remember the first line of a table of numbers, if that is all there is to know of it.

    Parameters
    ----------
    path : pathlib.Path
    table : pandas.DataFrame
        What was read.
    named : bool
        Whether its columns have names.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     pd.DataFrame({"x": [1.0], "y": [2.0]}).to_csv(path, index=False)
    ...     remember(path, pd.read_csv(path), named=True)
    ...     read_like_before(path)
         x    y
    0  1.0  2.0
    """
    line = _first_line(path)
    if not named or line is None or table.shape[1] < 2:
        return
    numeric = all(kind in ("int64", "float64") for kind in map(str, table.dtypes))
    for separator in ",;\t|" if numeric else "":
        names = [field.strip().strip('"') for field in line.decode("utf-8-sig", "replace").split(separator)]
        if names == list(table.columns):
            columns = pd.Index(names, dtype=object)  # one for all tables: it knows where each name is
            _known[line] = separator, dict(zip(names, map(str, table.dtypes))), columns
            if len(_known) > N_KNOWN:
                _known.popitem(last=False)


def read_like_before(path):
    """Read a table as the last one with the same first line.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    pandas.DataFrame or None
        Columns of the same types; None if the line is another, or something else follows.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.csv").write_text("never,seen,before")
    ...     read_like_before(Path(folder, "a.csv")) is None
    True
    """
    line = _first_line(path)
    if line not in _known:
        return None
    separator, types, columns = _known[line]
    try:
        table = pa.csv.read_csv(
            path,
            pa.csv.ReadOptions(use_threads=False, skip_rows=1, column_names=list(types), block_size=BLOCK),
            pa.csv.ParseOptions(delimiter=separator),
            pa.csv.ConvertOptions(column_types=types, null_values=_MISSING, check_utf8=False),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    whole = {name for name, kind in types.items() if kind == "int64"}
    empty = {name for name in types if table[name].null_count}
    if not len(table) or whole & empty or len(empty) == len(types):
        return None
    return _as_frame(table, columns, [k for k, name in enumerate(types) if name in whole])


def _as_frame(table, columns, whole):
    """Return a table of numbers in one block, but for the columns of whole numbers."""
    values = np.empty((table.num_columns, table.num_rows))
    for k, column in enumerate(table.columns):
        values[k] = column.to_numpy()
    frame = pd.DataFrame(values.T, columns=columns, copy=False)
    for k in whole:
        frame.isetitem(k, table.column(k).to_numpy())
    return frame


def _first_line(path):
    """Return the first line, None where it is too long or the file is compressed or of another encoding."""
    if path.suffix.lower() == ".gz":
        return None
    with path.open("rb") as file:
        line = file.readline(LONGEST)
    return line.rstrip(b"\r\n") if line.endswith(b"\n") and b"\0" not in line else None
