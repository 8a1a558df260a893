"""The text of a file: unpacked, in UTF-8, whatever encoding it was written in."""

import gzip
import re
import warnings
from itertools import islice

import psutil

from avfusion._plain_file import check_plain_file, is_plain_file
from avfusion.sequences._messages import brief

INFLATED, RATIO = 1 << 28, 50  # bytes that a packed file may hold in any case, and times its own size
LONGEST = 1 << 23  # bytes of a line
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x19\x1c-\x1f]")
_OF_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HEAD = 1 << 16  # bytes that show whether a file is text


def read_text(path):
    r"""Return the text of a file in UTF-8.

    Parameters
    ----------
    path : pathlib.Path
        UTF-8, with or without a byte order mark, UTF-16 with one, or Windows-1252 (Latin-1), of which a
        warning tells; perhaps packed by gzip.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If it is no text, mixes encodings, or unpacks to far more than it is long.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.csv").write_text("größe\n1", encoding="utf-16")
    ...     read_text(Path(folder, "a.csv")).decode()
    'größe\n1'
    """
    if not _fits_into_memory(path):
        return b""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    data = _unpacked(path) if packed else path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError as error:
            raise ValueError(f"It is not whole UTF-16 text, as it begins: {error}.") from error
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data or _CONTROL.search(data, 0, _HEAD):
        raise ValueError("It is no text: it holds zeros or control characters.")
    if b"\r\r\n" in data[:_HEAD]:  # ends of lines that were translated twice
        data = data.replace(b"\r\r\n", b"\n")
    return data if data.isascii() else _as_utf8(data)


def _fits_into_memory(path):
    """Return whether there is anything to read; raise a ValueError where it could never be held."""
    if is_plain_file(path) and not path.stat().st_size:
        return False
    size, memory = check_plain_file(path, what="It"), psutil.virtual_memory().total
    if size > memory:
        raise ValueError(f"It has {size / 1e9:.0f} GB, and the memory {memory / 1e9:.0f}: write it as .npy.")
    return True


def _unpacked(path):
    limit = max(INFLATED, RATIO * path.stat().st_size)
    with gzip.open(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"It unpacks to more than {limit / 1e6:.0f} MB: unpack it.")
    return data


def _as_utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        if _OF_UTF8.search(data):
            raise ValueError(f"Line {line} is not UTF-8 text, but others are: save it as UTF-8.") from error
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            raise ValueError(f"Line {line} is not UTF-8 text: save it as UTF-8.") from error
        warnings.warn(
            "Text that is not UTF-8 is read as Windows-1252: look at names with accents.", stacklevel=2
        )
        return text.encode()
    return data


def first_lines(data, n_lines):
    r"""Return the first lines of a text, and where each begins.

    Parameters
    ----------
    data : bytes
    n_lines : int

    Returns
    -------
    lines : list of str
        Without their ends.
    begins : list of int
        Bytes before each.

    Raises
    ------
    ValueError
        If a line is too long for a table.

    Examples
    --------
    >>> first_lines(b"a,b\r\n1,2\n", 10)
    (['a,b', '1,2'], [0, 5])
    """
    lines, begins = [], []
    for begin, line in islice(_lines(data), n_lines):
        if len(line) > LONGEST:
            first = line[:20].decode(errors="replace")
            raise ValueError(
                f"Line {len(lines) + 1}, {brief(first)}, is {len(line) / 1e6:.0f} MB long: it is no table."
            )
        lines.append(line.decode().rstrip("\r\n"))
        begins.append(begin)
    return lines, begins


def _lines(data):
    end = b"\n" if b"\n" in data[: LONGEST + 1] or b"\r" not in data[:_HEAD] else b"\r"
    begin = 0
    while begin < len(data):
        found = data.find(end, begin)
        stop = len(data) if found < 0 else found + 1
        yield begin, data[begin:stop]
        begin = stop
