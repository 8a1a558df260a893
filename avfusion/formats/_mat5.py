"""Read MATLAB files of version 5 with SciPy, after a look at their structure.

SciPy believes what the elements of a file say of their sizes, and reads cells within cells by calling itself:
a file of a few kilobytes ends the interpreter, or takes all memory. So each variable is walked through
before.
"""

import io
import mmap
import struct
import zlib

import numpy as np
import scipy.io

from avfusion.formats._steps import LEAST

HEADER = 128
DEEPEST = 50  # cells and structs in each other
MATRIX, COMPRESSED = 14, 15
CELL, STRUCT, OBJECT, SPARSE, FUNCTION, OPAQUE = 1, 2, 3, 5, 16, 17
_KINDS = {1, 2, 3, 4, 5, 6, 7, 9, 12, 13, MATRIX, 16, 17, 18}  # that SciPy has numbers or text for
_CLASSES = {CELL, STRUCT, 4, SPARSE, *range(6, 16)}
_BLOCK = 2**20


class _LeftOutError(Exception):
    """A variable that is an object or a function."""


def variables(path):
    """Return the variables of a file, without its objects and functions.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    dict of str to object
        Arrays of numbers, text, lists of the contents of cells, dicts of the fields of structs.

    Raises
    ------
    ValueError
        If the file is damaged, or of another version.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     scipy.io.savemat(Path(folder, "a.mat"), {"x": np.zeros((1, 3)), "s": {"fs": 25}})
    ...     variables(Path(folder, "a.mat"))
    {'x': array([0., 0., 0.]), 's': {'fs': array([[25]])}}
    """
    found, left_out = {}, 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        header = bytes(content[:HEADER])
        order = {b"IM": "<", b"MI": ">"}.get(header[126:128])
        if order is None:
            raise ValueError("It is no MATLAB file of version 5 or newer: save it with -v7.")
        for element in _top_elements(content, order):
            try:
                _check_matrix(element, order)
            except _LeftOutError:
                left_out += 1
                continue
            read = scipy.io.loadmat(io.BytesIO(header + element), chars_as_strings=True)
            found |= {name: plain_value(v) for name, v in read.items() if not name.startswith("__")}
    if left_out and not found:
        raise ValueError("It holds only objects or functions of MATLAB: save their numbers as arrays.")
    return found


def _tag(data, position, order):
    """Return kind, begin, length and end of the element at a position."""
    if position + 8 > len(data):
        raise ValueError("It is cut off within an element.")
    word, length = struct.unpack_from(f"{order}II", data, position)
    if word >> 16:  # a small element: its length stands beside its kind
        if word >> 16 > 4 or word & 0xFFFF == MATRIX:
            raise ValueError("It holds a small element of more than 4 bytes: it is damaged.")
        return word & 0xFFFF, position + 4, word >> 16, position + 8
    begin = position + 8
    if begin + length > len(data):
        raise ValueError("It is cut off within an element.")
    return word, begin, length, begin + length + -length % 8


def _top_elements(content, order):
    """Yield each variable as bytes that are not compressed."""
    position, left = HEADER, max(LEAST, 100 * len(content))
    while position < len(content):
        kind, begin, length, end = _tag(content, position, order)
        if kind == COMPRESSED:
            element = _decompressed(content, begin, length, left)
            end = begin + length
        elif kind == MATRIX:
            element = bytes(content[position:end])
        else:
            raise ValueError(f"It holds an element of kind {kind}, which is no variable: it is damaged.")
        left -= len(element)
        yield element + bytes(-len(element) % 8)
        position = end


def _decompressed(content, begin, length, limit):
    """Decompress an element in blocks, and stop where it grows beyond what its file justifies."""
    machine, blocks, total = zlib.decompressobj(), [], 0
    waiting = bytes(content[begin : begin + length])
    while waiting and not machine.eof:
        blocks.append(machine.decompress(waiting, _BLOCK))
        waiting = machine.unconsumed_tail
        total += len(blocks[-1])
        if total > limit:
            raise ValueError(f"It would take more than {limit:,} bytes in memory: it is damaged.")
    return b"".join(blocks)


def _check_matrix(data, order):
    """Refuse a variable in which sizes disagree, or cells are nested too deep."""
    if _tag(data, 0, order)[3] != len(data):  # what follows would be read, too
        raise ValueError("It holds a variable that is shorter than its element: it is damaged.")
    waiting = [(0, 1)]
    while waiting:
        position, depth = waiting.pop()
        kind, begin, length, _ = _tag(data, position, order)
        if kind != MATRIX or depth > DEEPEST:
            raise ValueError(f"It holds cells in cells, more than {DEEPEST} deep, or is damaged.")
        if length:
            children = _children(data, begin, begin + length, order)
            waiting += [(child, depth + 1) for child in children]


def _children(data, begin, end, order):
    """Return where the elements within a cell or struct begin; none for numbers and text."""
    parts = []  # kind, position, begin, length
    position = begin
    while position + 8 <= end:
        kind, inner, length, after = _tag(data, position, order)
        if kind not in _KINDS or inner + length > end:
            raise ValueError("It holds an element that is longer than the one around it: it is damaged.")
        parts.append((kind, position, inner, length))
        position = after
    if len(parts) < 3 or parts[0][0] != 6 or parts[0][3] != 8 or parts[1][0] != 5 or parts[1][3] % 4:
        raise ValueError("It holds a variable without type or dimensions: it is damaged.")
    kind = struct.unpack_from(f"{order}I", data, parts[0][2])[0] & 0xFF
    dims = struct.unpack_from(f"{order}{parts[1][3] // 4}i", data, parts[1][2])
    if kind in (OBJECT, FUNCTION, OPAQUE):
        raise _LeftOutError
    if kind not in _CLASSES:
        raise ValueError(f"It holds a variable of class {kind}, which is none: it is damaged.")
    if kind == SPARSE:
        raise ValueError("It holds a sparse matrix: save it with full(x).")
    return _checked_children(data, parts, kind, dims, order)


def _checked_children(data, parts, kind, dims, order):
    number, first = 1, 3
    for length in dims:
        number *= length
    if not 2 <= len(dims) <= 32 or min(dims) < 0:
        raise ValueError("It holds a variable with impossible dimensions: it is damaged.")
    if kind == STRUCT:
        if len(parts) < 5 or not (width := _number(data, parts[3], order)) or parts[4][3] % width:
            raise ValueError("It holds a struct without names of fields: it is damaged.")
        number, first = number * (parts[4][3] // width), 5
    inside = parts[first:]
    nested = [position for part_kind, position, _, _ in inside if part_kind == MATRIX]
    if kind in (CELL, STRUCT):
        if len(nested) != len(inside) or len(nested) != number:
            raise ValueError(f"It holds {len(nested)} values for {number} cells or fields: it is damaged.")
    elif nested or number > sum(length for _, _, _, length in inside):
        raise ValueError(f"It declares {number:,} numbers that are not there: it is damaged.")
    return nested


def _number(data, part, order):
    return struct.unpack_from(f"{order}i", data, part[2])[0] if part[3] == 4 else 0


def plain_value(value):
    """Return a value of SciPy's as an array, text, list or dict.

    Parameters
    ----------
    value : ndarray

    Returns
    -------
    ndarray, str, list or dict
        A vector has one axis; an array of structs is a dict, by names that they hold or by numbers from 1.

    Examples
    --------
    >>> plain_value(np.zeros((4, 1))).shape
    (4,)
    """
    if value.dtype.names is not None:
        fields = [{n: plain_value(record[n]) for n in value.dtype.names} for record in value.flat]
        return fields[0] if len(fields) == 1 else by_name(fields)
    if value.dtype.kind == "O":
        return [plain_value(np.asarray(item)) for item in value.flat]
    if value.dtype.kind == "U":
        return str(value.reshape(-1)[0]) if value.size == 1 else value.reshape(-1) if value.size else ""
    return without_unit_axis(value)


def by_name(fields):
    """Return dicts by the name that each holds, or by their number from 1.

    Examples
    --------
    >>> list(by_name([{"id": "a", "x": 1}, {"id": "b", "x": 2}])), list(by_name([{}, {}]))
    (['a', 'b'], ['1', '2'])
    """
    for key in ("id", "name", "recording", "filename"):
        names = [one.get(key) for one in fields]
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return {name: {k: v for k, v in one.items() if k != key} for name, one in zip(names, fields)}
    return {str(number): one for number, one in enumerate(fields, 1)}


def without_unit_axis(value):
    """Return a vector of MATLAB, which has two axes, as an array of one; a lone number as it is.

    Examples
    --------
    >>> without_unit_axis(np.zeros((1, 5))).shape, without_unit_axis(np.zeros((1, 1))).shape
    ((5,), (1, 1))
    """
    return value.reshape(-1) if value.ndim == 2 and value.size > 1 and 1 in value.shape else value
