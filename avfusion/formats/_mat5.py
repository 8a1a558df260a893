"""Read MATLAB files of version 5.

SciPy reads them, too, but believes what the elements of a file say of their sizes, and reads cells within
cells by calling itself: a damaged file of 500 bytes ends the interpreter. To check all that it relies on is
to read the file. The format is described in MathWorks' "MAT-File Format".
"""

import mmap
import struct
import zlib
from itertools import islice

import numpy as np

from avfusion.formats._steps import LEAST, n_bytes

HEADER = 128
DEEPEST = 50  # cells and structs in each other
MOST_PARTS = 1_000_000
_BLOCK = 2**20

_MATRIX, _COMPRESSED = 14, 15  # kinds of elements
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXT = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17  # classes of arrays
_CLASSES = dict(zip(range(6, 16), ("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")))
_COMPLEX = 0x800  # flag


def variables(path):
    """Return the variables of a file.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    dict of str to object
        Arrays of numbers, text, lists of the contents of cells, dicts of the fields of structs; None for
        objects and functions. A vector has one axis.

    Raises
    ------
    ValueError
        If the file is damaged, or of another version.

    Examples
    --------
    >>> import scipy.io
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     scipy.io.savemat(Path(folder, "a.mat"), {"x": np.zeros((1, 3)), "s": {"fs": 25.0}})
    ...     variables(Path(folder, "a.mat"))
    {'x': array([0., 0., 0.]), 's': {'fs': array([[25.]])}}
    """
    found = {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
        if order is None:
            raise ValueError("It is no MATLAB file of version 5 or newer: save it with -v7.")
        for element in _top_elements(content, order):
            name, value = _Reader(element, order).matrix(0, len(element))
            if name:  # the last one may be workspace of functions
                found[name] = value
    return found


def _tag(data, position, order):
    """Return kind, begin, length and end of the element at a position."""
    if position + 8 > len(data):
        raise ValueError("It is cut off within an element.")
    word, length = struct.unpack_from(f"{order}II", data, position)
    if word >> 16:  # a small element: its length stands beside its kind
        if word >> 16 > 4:
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
        if kind == _COMPRESSED:
            element = _decompressed(content, begin, length, left)
            end = begin + length
        elif kind == _MATRIX:
            element = content[position:end]
        else:
            raise ValueError(f"It holds an element of kind {kind}, which is no variable: it is damaged.")
        left -= len(element)
        yield element
        position = end


def _decompressed(content, begin, length, limit):
    """Decompress an element in blocks, and stop where it grows beyond what its file justifies."""
    machine, blocks, total = zlib.decompressobj(), [], 0
    waiting = content[begin : begin + length]
    while waiting and not machine.eof:
        blocks.append(machine.decompress(waiting, _BLOCK))
        waiting = machine.unconsumed_tail
        total += len(blocks[-1])
        if total > limit:
            raise ValueError(f"It would take more than {limit:,} bytes in memory: it is damaged.")
    return b"".join(blocks)


class _Reader:
    """Read the arrays within one element."""

    def __init__(self, data, order):
        self._data, self._order = data, order

    def matrix(self, position, end, depth=0):
        """Return the name and the value of the array at a position, which ends before another one."""
        kind, begin, length, _ = _tag(self._data, position, self._order)
        if kind != _MATRIX or begin + length > end or depth > DEEPEST:
            raise ValueError(f"It holds an array in more than {DEEPEST} others, or is damaged.")
        parts = list(islice(self._parts(begin, begin + length), MOST_PARTS + 1))
        if len(parts) > MOST_PARTS:
            raise ValueError(f"It holds more than {MOST_PARTS:,} values in one cell array or struct.")
        if not parts:
            return "", None
        if len(parts) < 2 or parts[0][0] != 6 or parts[0][2] != 8:
            raise ValueError("It holds an array without its class: it is damaged.")
        flags = self._integers(parts[0])[0]
        if flags & 0xFF == _OPAQUE:
            return "", None
        if len(parts) < 3 or parts[1][0] != 5 or parts[2][0] not in (1, 2, 16):
            raise ValueError("It holds an array without dimensions or a name: it is damaged.")
        dims = self._integers(parts[1])
        if not 2 <= len(dims) <= 32 or min(dims) < 0:
            raise ValueError("It holds an array with impossible dimensions: it is damaged.")
        return self._text(parts[2]), self._value(flags, dims, parts[3:], depth)

    def _parts(self, begin, end):
        """Yield kind, begin and length of the elements between two positions, and where each starts."""
        while begin + 8 <= end:
            kind, inner, length, after = _tag(self._data, begin, self._order)
            if inner + length > end:
                raise ValueError("It holds an element that is longer than the one around it: it is damaged.")
            yield kind, inner, length, begin
            begin = after

    def _integers(self, part):
        _, begin, length, _ = part
        return struct.unpack_from(f"{self._order}{length // 4}i", self._data, begin)

    def _text(self, part):
        kind, begin, length, _ = part
        coding = _TEXT.get(kind)
        if coding is None:
            raise ValueError(f"It holds text of the kind {kind}, which is not known.")
        wide = {"<": "-le", ">": "-be"}[self._order] if coding in ("utf-16", "utf-32") else ""
        return self._data[begin : begin + length].decode(coding + wide, errors="replace")

    def _value(self, flags, dims, parts, depth):
        kind = flags & 0xFF
        if kind == _CELL:
            return self._children(parts, n_bytes(dims, np.dtype("u1")), depth)
        if kind == _STRUCT:
            return self._struct(dims, parts, depth)
        if kind == _CHAR:
            return self._characters(dims, parts)
        if kind in (_OBJECT, _FUNCTION):
            return None
        if kind not in _CLASSES:
            what = "a sparse matrix: save it with full(x)" if kind == _SPARSE else f"an array of class {kind}"
            raise ValueError(f"It holds {what}.")
        numbers = [self._numbers(part, dims, _CLASSES[kind]) for part in parts]
        if len(numbers) != 1 + bool(flags & _COMPLEX):
            raise ValueError(f"It holds an array of {len(numbers)} parts: it is damaged.")
        return without_unit_axis(numbers[0] if len(numbers) == 1 else numbers[0] + 1j * numbers[1])

    def _children(self, parts, number, depth):
        if len(parts) != number:
            raise ValueError(f"It holds {len(parts)} values for {number} cells or fields: it is damaged.")
        return [self.matrix(start, begin + length, depth + 1)[1] for _, begin, length, start in parts]

    def _struct(self, dims, parts, depth):
        """Return the fields of a struct; of an array of structs, each by its name or number."""
        width = self._integers(parts[0])[0] if len(parts) > 1 and parts[0][2] == 4 else 0
        if not 0 < width <= 256 or parts[1][2] % width:
            raise ValueError("It holds a struct without names of fields: it is damaged.")
        words = self._text(parts[1])
        names = [words[k : k + width].partition("\0")[0] for k in range(0, len(words), width)]
        n_records = n_bytes(dims, np.dtype("u1"))
        values = self._children(parts[2:], n_records * len(names), depth)
        if not names:
            return {}
        records = [dict(zip(names, values[k : k + len(names)])) for k in range(0, len(values), len(names))]
        return records[0] if len(records) == 1 else by_name(records)

    def _characters(self, dims, parts):
        text = self._text(parts[0]) if len(parts) == 1 else ""
        if len(dims) > 2 or dims[0] < 2:
            return text
        if len(text) != dims[0] * dims[1]:
            raise ValueError(f"It holds {len(text)} characters for {dims[0]} x {dims[1]}: it is damaged.")
        return [text[row :: dims[0]] for row in range(dims[0])]

    def _numbers(self, part, dims, kind):
        stored, begin, length, _ = part
        if stored not in _NUMBERS:
            raise ValueError(f"It holds numbers of the kind {stored}, which is not known.")
        dtype = np.dtype(_NUMBERS[stored]).newbyteorder(self._order)
        if n_bytes(dims, dtype) != length:
            said = " x ".join(map(str, dims[:4]))
            raise ValueError(f"It holds {length // dtype.itemsize} numbers for {said}: it is damaged.")
        values = np.frombuffer(self._data, dtype, length // dtype.itemsize, begin).reshape(dims, order="F")
        return values.astype(kind) if np.can_cast(dtype, kind, "same_kind") else values


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
