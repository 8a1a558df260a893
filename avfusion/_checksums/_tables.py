"""Parquet and Feather files with a checksum of all their bytes within them.

Checksums of Parquet's pages, which other programs can check, do not cover names and types, and Feather has
none. So the metadata of the schema hold the size of the file and its SHA-256, in which these digits count as
zeros. Programs that copy metadata into another table (PyArrow does) make a file of another size, which is not
theirs: it counts as one without a checksum.
"""

import hashlib
import mmap
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from avfusion._plain_file import has_content

KEY = "avfusion.sha256"
_SIZE, _SUM = 16, 64  # digits
ZEROS = "0" * (_SIZE + _SUM)
_MARK = re.compile(rb"avfusion\.sha256=([0-9a-f]{%d})" % len(ZEROS))
_HEAD = 1 << 20  # bytes in which the schema of a Feather file stands


def write_table(table, path, kind, index=None):
    """Write a DataFrame as Parquet or Feather, with its index, and a checksum.

    Parameters
    ----------
    table : pandas.DataFrame
    path : pathlib.Path
    kind : str
        The suffix, .parquet or .feather; that of `path` may be another while it is being written.
    index : bool, optional
        Whether to keep the index; by default a plain range is kept as such. pandas gives it back.

    Raises
    ------
    pyarrow.ArrowException, TypeError, ValueError
        If Arrow has no type for a column, or for labels of rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "t.feather")
    ...     write_table(pd.DataFrame({"mood": [0.5]}, index=["a"]), path, path.suffix)
    ...     check_table(path)
    ...     pd.read_feather(path).index.tolist()
    ['a']
    """
    table = pa.Table.from_pandas(table, preserve_index=index)
    known = (table.schema.metadata or {}) | {KEY: f"{KEY}={ZEROS}"}
    table = table.replace_schema_metadata(known)
    with path.open("wb") as file:  # whose name need not be UTF-8
        if kind.lower() == ".parquet":
            pa.parquet.write_table(table, file, write_page_checksum=True)
        else:
            pa.feather.write_feather(table, file)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        digest = _mark(content)
        for found in list(_MARK.finditer(content)):
            if found[1] == ZEROS.encode():
                content[found.start(1) : found.end(1)] = digest


def check_table(path):
    """Raise where a Parquet or Feather file has a checksum that is not its own.

    Parameters
    ----------
    path : str or pathlib.Path
        One without a checksum, that another program wrote, passes.

    Raises
    ------
    ValueError
        Naming the file.

    Examples
    --------
    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile(suffix=".feather") as file:
    ...     _ = file.write(b"ARROW1 of another program"), file.flush()
    ...     check_table(file.name)
    """
    path = Path(path)
    if not has_content(path):
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        known = {found[1] for found in _MARK.finditer(content, *_where(content))}
        known = {mark for mark in known if int(mark[:_SIZE], 16) == len(content)}
        if known and _mark(content) not in known:
            raise ValueError(f"{path} is damaged: its bytes do not have the checksum that stands in it.")


def _where(content):
    """Return the part of a file in which its schema stands."""
    if content[-4:] == b"PAR1":
        footer = int.from_bytes(content[-8:-4], "little") + 8
        return max(len(content) - footer, 0), len(content)
    return 0, min(_HEAD, len(content))


def _mark(content):
    """Return the digits of a file: its size, and its SHA-256 in which all such digits count as zeros."""
    digest, done = hashlib.sha256(), 0
    with memoryview(content) as view:
        for found in _MARK.finditer(content):
            digest.update(view[done : found.start(1)])
            digest.update(ZEROS.encode())
            done = found.end(1)
        digest.update(view[done:])
    return f"{len(content):0{_SIZE}x}{digest.hexdigest()}".encode()
