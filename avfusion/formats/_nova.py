"""Read a stream of NOVA and SSI: a header in XML, and its numbers in a file beside it."""

import re
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from avfusion.formats._format import Format, Part
from avfusion.formats._steps import as_steps
from avfusion.sequences._messages import brief

HEADER = 2**20  # bytes that a header may have
_TYPES = {
    "CHAR": "i1",
    "UCHAR": "u1",
    "SHORT": "<i2",
    "USHORT": "<u2",
    "INT": "<i4",
    "UINT": "<u4",
    "LONG": "<i8",
    "ULONG": "<u8",
    "FLOAT": "<f4",
    "DOUBLE": "<f8",
    "BOOL": "u1",
}


@dataclass(frozen=True)
class _Header:
    """The header of a stream."""

    is_text: bool
    rate_hz: float
    width: int
    dtype: np.dtype
    delimiter: str
    chunks: list


def read(path):
    r"""Read a .stream file, and the numbers of the file whose name has a tilde more.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    list of Part
        Steps between chunks that are missing are NaN; where most are, steps have a clock.

    Raises
    ------
    ValueError
        If the header cannot be read, or declares other numbers than there are.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.stream").write_text(
    ...         '<stream ssi-v="2"><info ftype="ASCII" sr="25" dim="2" byte="4" type="FLOAT" delim=";"/>'
    ...         '<chunk from="1.0" to="1.08" byte="0" num="2"/></stream>'
    ...     )
    ...     _ = Path(folder, "a.stream~").write_text("0.5;1\n2;3\n")
    ...     (part,) = read(Path(folder, "a.stream"))
    >>> part.values.tolist(), part.rate_hz, part.start_s
    ([[0.5, 1.0], [2.0, 3.0]], 25.0, 1.0)
    """
    header = _header_of(path)
    beside = path.with_name(f"{path.name}~")
    if not beside.is_file():
        raise ValueError(f"Its numbers are missing: put the file {brief(beside.name)} beside it.")
    values = _text(beside, header) if header.is_text else _binary(beside, header)
    values = as_steps(values)
    if not header.chunks:
        return [Part(values, rate_hz=header.rate_hz)]
    return [_placed(values, header)]


def _header_of(path):
    with path.open("rb") as file:
        text = file.read(HEADER + 1)
    if len(text) > HEADER:
        raise ValueError("Its header is longer than any: it is no stream of NOVA.")
    if re.search(rb"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE) or b"\0" in text:
        raise ValueError("Its header declares entities, which is not read.")
    root = ElementTree.fromstring(text)
    info = root.find("info")
    if root.tag != "stream" or info is None:
        raise ValueError("Its header has no <info> in a <stream>.")
    form, kind = info.get("ftype", "").upper(), info.get("type", "").upper()
    if form not in ("ASCII", "BINARY") or kind not in _TYPES:
        raise ValueError(f"Its ftype={brief(form, 20)} with type={brief(kind, 20)} is not read.")
    rate_hz, width = _number(info, "sr"), _number(info, "dim")
    if not 0 < rate_hz < 1e9 or not 1 <= width < 1e7 or width != int(width):
        raise ValueError(f"Its header has the rate sr={rate_hz:g} and dim={width:g} numbers per step.")
    dtype = np.dtype(_TYPES[kind])
    if form == "BINARY" and _number(info, "byte", dtype.itemsize) != dtype.itemsize:
        raise ValueError(f"Its header has byte={brief(info.get('byte'), 20)} for type={kind!r}.")
    chunks = [(_number(chunk, "from"), _number(chunk, "num")) for chunk in root.iter("chunk")]
    return _Header(form == "ASCII", rate_hz, int(width), dtype, info.get("delim", " "), chunks)


def _number(element, name, default=None):
    try:
        number = float(element.get(name, default))
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f"Its header has no number {name!r} in <{element.tag}>.")
    return number


def _n_steps(header, available):
    """Return how many steps there are by the header, or in the file if it does not say."""
    if not header.chunks:
        return available
    numbers = [number for _, number in header.chunks]
    total = sum(numbers)
    if min(numbers) < 0 or any(number != int(number) for number in numbers) or total > available:
        raise ValueError(f"Its header declares {total:,.0f} steps, but there are {available:,} beside it.")
    return int(total)


def _binary(path, header):
    size, step = path.stat().st_size, header.width * header.dtype.itemsize
    if not header.chunks and size % step:
        raise ValueError(f"Its {size:,} bytes of numbers are no steps of {step}: one file is damaged.")
    n_steps = _n_steps(header, size // step)
    values = np.fromfile(
        path, dtype="u1" if header.dtype == bool else header.dtype, count=n_steps * header.width
    )
    return values.reshape(n_steps, header.width)


def _text(path, header):
    """Read a line of text for each step."""
    lines = path.read_text(encoding="ascii").splitlines()
    lines = [line for line in lines if line.strip()]
    n_steps = _n_steps(header, len(lines))
    delimiter = header.delimiter.strip()
    values = [line.strip().strip(delimiter or None).split(delimiter or None) for line in lines[:n_steps]]
    odd = next((k for k, fields in enumerate(values) if len(fields) != header.width), None)
    if odd is not None:
        raise ValueError(f"Its line {odd + 1} of numbers has {len(values[odd])} of {header.width} fields.")
    if any("_" in field for fields in values for field in fields):  # which Python takes for 1000 in 1_000
        raise ValueError("Its numbers have underscores.")
    return np.array(values, dtype=np.float64)


def _placed(values, header):
    """Put chunks at their times: with NaN between them, or with a clock where gaps are longer than all."""
    first = header.chunks[0][0]
    positions, end = [np.empty(0)], 0
    for k, (start, number) in enumerate(header.chunks):
        begin = np.rint((start - first) * header.rate_hz)
        if begin < end - 1:  # rounding may be off by one
            raise ValueError(f"Its chunk {k} begins at {start:g} s, before the one before it ends.")
        positions.append(max(begin, end) + np.arange(number))
        end = max(begin, end) + number
    positions = np.concatenate(positions)
    if positions[-1] + 1 > 2 * len(values) + 1000:
        times = first + positions / header.rate_hz
        return Part(pd.concat([pd.DataFrame({"timestamp": times}), pd.DataFrame(values)], axis=1))
    if positions[-1] + 1 == len(values):
        return Part(values, rate_hz=header.rate_hz, start_s=first)
    filled = np.full((int(positions[-1]) + 1, header.width), np.nan, np.result_type(values, np.float32))
    filled[positions.astype(np.int64)] = values
    return Part(filled, rate_hz=header.rate_hz, start_s=first)


FORMAT = Format(
    "NOVA stream",
    (".stream",),
    read,
    "A .stream file is the header that NOVA and SSI write, with its numbers in the .stream~ file beside it.",
    companions=(".stream~",),
)
