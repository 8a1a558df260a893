"""Hashes of data and of objects by their content, the same in every process.

Pickles and ``repr`` alone will not do: a function is pickled by its name, whatever it does, and the text of
most objects contains an address. Objects are taken apart instead: estimators into their parameters, functions
into their code (not that of functions they call), other objects into their attributes. Classes are known by
their names, and those of a notebook or script, which are edited between two runs, by their code, too.
"""

import datetime
import functools
import hashlib
import io
import numbers
import pickle
import types
from collections.abc import Mapping
from pathlib import PurePath

import joblib
import numpy as np
import pandas as pd
from scipy.sparse import issparse

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._buffers import in_blocks
from avfusion.sequences._plain_arrays import plain_array
from avfusion.sequences._rows import read_rows
from avfusion.sequences._sequence import Sequence

# what repr shows in full
_SCALARS = (
    str, bytes, numbers.Number, np.generic, type(None), type(pd.NA),
    datetime.date, datetime.time, datetime.timedelta, PurePath,
)  # fmt: skip


def fingerprint(*data):
    """Hash samples and labels: values, lengths, rates, types and names of columns, but no index.

    Data have the same hash before and after an estimator read them: lists or tuples of numbers count as the
    array of them, mappings and lists of mappings as what `avfusion.as_sequences` makes of them, and of a
    sparse matrix only the values count.

    Parameters
    ----------
    *data : DataFrame, Series, array, sparse matrix, mapping or list
        With sequence columns, arrays in cells, or plain values.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.

    Raises
    ------
    TypeError
        If the content of something in the data cannot be read, such as a lambda or an open file.

    Examples
    --------
    >>> import numpy as np
    >>> fingerprint(np.zeros(2)) == fingerprint([0.0, 0.0])
    True
    >>> fingerprint(np.zeros(2)) == fingerprint(np.ones(2))
    False
    """
    digest = hashlib.sha256()
    for part in data:
        _feed(digest, _as_read(part), _feed_cell)
    return digest.hexdigest()


def content_hash(value):
    """Hash an object by its content, which for functions is their code.

    Parameters
    ----------
    value : object
        Estimators, functions, containers, data, and objects with attributes of these kinds.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.

    Examples
    --------
    >>> content_hash([1, lambda x: x + 1]) == content_hash([1, lambda x: x + 1])
    True
    >>> content_hash(lambda x: x + 1) == content_hash(lambda x: x + 2)
    False
    """
    digest = hashlib.sha256()
    _feed(digest, value, functools.partial(_feed_object, around=()))
    return digest.hexdigest()


def pickle_hash(value, hash_name="md5"):
    """Hash an object by its pickle, or raise the error of what has none.

    `joblib.hash` alone takes such an error, inside a dict, for keys that cannot be sorted: it leaves out what
    it began to write, and two objects that differ there have one hash.

    Parameters
    ----------
    value : object
    hash_name : str, default="md5"
        As in joblib.

    Returns
    -------
    str

    Examples
    --------
    >>> pickle_hash({"a": [1]}) == pickle_hash({"a": [2]})
    False
    >>> pickle_hash({"a": [pickle]})
    Traceback (most recent call last):
    ...
    TypeError: cannot pickle 'module' object
    """
    pickler = _Pickler(io.BytesIO())
    pickler.dump(value)
    text = joblib.hash(value, hash_name=hash_name)
    own = [content_hash(one) for one in pickler.own]
    return joblib.hash([text, *own], hash_name=hash_name) if own else text


class _Pickler(pickle.Pickler):
    """Collect the functions and classes of a notebook or script, which a pickle has by name alone."""

    def __init__(self, file):
        super().__init__(file)
        self.own = []

    def reducer_override(self, value):
        if isinstance(value, (type, types.FunctionType)) and value.__module__ == "__main__":
            self.own.append(value)
        return NotImplemented


def _own_code(kind):
    """Return what a class does that a notebook or script defines, where it may be edited; else nothing."""
    code = []
    for base in (one for one in kind.__mro__ if one.__module__ == "__main__"):
        for name, member in sorted(vars(base).items()):
            if isinstance(member, (staticmethod, classmethod)):
                member = member.__func__
            members = [member.fget, member.fset] if isinstance(member, property) else [member]
            special = name.startswith("__")  # __doc__ and line numbers among them
            if all(isinstance(one, types.FunctionType) for one in members if one is not None) or (
                isinstance(member, _SCALARS) and not special
            ):
                code.append([name, *members])
    return code


def _as_read(data):
    """Return data in the form in which estimators and searches read them."""
    try:
        data = read_rows(data)
    except (TypeError, ValueError):  # a mapping without sequences: for an estimator of another package
        return data
    rows = isinstance(data, list)
    if (rows or (isinstance(data, np.ndarray) and data.dtype == object)) and _is_numeric(data):
        try:
            array = np.asarray(data)
        except ValueError:  # rows of different lengths
            return data
        return array.astype(np.float64) if array.dtype == object else array
    return data


def _is_numeric(value):
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        return all(map(_is_numeric, value))
    return value is None or isinstance(value, (numbers.Number, np.bool_))


def _feed(digest, value, feed_other):
    """Feed tables, columns, arrays, lists and scalars to a digest; `feed_other` takes everything else."""
    if isinstance(value, pd.DataFrame):
        _feed_table(digest, value, feed_other)
    elif isinstance(value, (pd.Series, pd.Index, SequenceArray)):
        _feed_column(digest, value, feed_other)
    elif isinstance(value, np.ndarray) and value.dtype.hasobject and (value.ndim == 0 or value.dtype.names):
        _feed(digest, value.tolist(), feed_other)
    elif isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        digest.update(f"{len(value)} items".encode())
        for item in value:
            _feed(digest, item, feed_other)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype} {value.shape}".encode())
        digest.update(value.tobytes())
    elif issparse(value):
        _feed_sparse(digest, value, feed_other)
    elif isinstance(value, Sequence):
        digest.update(value.digest())
    elif isinstance(value, _SCALARS):
        _feed_text(digest, repr(value))
    else:
        feed_other(digest, value)


def _feed_table(digest, table, feed_other):
    digest.update(f"frame {table.shape}".encode())
    for position, name in enumerate(table.columns):
        digest.update(repr(name).encode())
        try:
            _feed(digest, table.iloc[:, position], feed_other)
        except TypeError as error:
            raise TypeError(f"Column {name!r}: {error}") from error


def _feed_column(digest, column, feed_other):
    array = column if isinstance(column, SequenceArray) else column.array
    if not isinstance(array, SequenceArray):
        digest.update(str(column.dtype).encode())
        _feed(digest, column.to_numpy(), feed_other)
        return
    digest.update(f"sequences {array.rate_hz}".encode())
    _feed(digest, np.asarray(array.lengths), feed_other)
    shape = (int(np.maximum(array.lengths, 0).sum()), array.width)
    digest.update(f"{array.frames.dtype} {shape}".encode())
    for _, frames in in_blocks(array.frames, array.starts, array.lengths):
        digest.update(np.ascontiguousarray(frames))
    if (
        array.dtype.clock is not None or not np.isnan(array.starts_s).all()
    ):  # else as before there were clocks
        _feed(digest, array.step_times(), feed_other)


def _feed_sparse(digest, matrix, feed_other):
    entries = matrix.tocoo(copy=True)
    entries.sum_duplicates()  # which also sorts them: one order for all formats
    entries.eliminate_zeros()
    digest.update(f"sparse {entries.shape}".encode())
    for positions in (entries.row, entries.col):
        _feed(digest, positions.astype(np.int64), feed_other)
    _feed(digest, entries.data, feed_other)


def _feed_text(digest, text):
    digest.update(f"value {len(text.encode())} ".encode() + text.encode())


def _feed_cell(digest, value):
    """Feed an object in a cell of data by its pickle, or raise an error if there is none."""
    if hasattr(value, "__array__"):
        _feed(digest, np.asarray(plain_array(value)), _feed_cell)
        return
    try:
        text = pickle_hash(value)
    except Exception as error:  # whatever a foreign object raises when it is pickled
        raise TypeError(
            f"The content of a {type(value).__name__} cannot be read ({type(error).__name__}: {error}), so "
            "the data cannot be identified later. Drop it or replace it with text or numbers."
        ) from error
    _feed_text(digest, text)


def _feed_object(digest, value, around):
    """Feed the parts of an object; `around` holds the ids of the objects that contain it, against cycles."""
    if id(value) in around:
        _feed_text(digest, f"above {around.index(id(value))}")
        return
    _feed(digest, _parts(value), functools.partial(_feed_object, around=(*around, id(value))))


def _parts(value):
    """Take an object apart into text and simpler objects."""
    if isinstance(value, (type, types.ModuleType)):
        name = [getattr(value, "__module__", "module"), value.__name__]
        return name + (_own_code(value) if isinstance(value, type) else [])
    if isinstance(value, types.FunctionType):
        cells = [_content_of(cell) for cell in value.__closure__ or ()]
        return ["function", _code(value.__code__), value.__defaults__, value.__kwdefaults__, cells]
    if isinstance(value, types.MethodType):
        return ["method", value.__func__.__qualname__, value.__self__]
    if isinstance(value, functools.partial):
        return ["partial", value.func, value.args, value.keywords]
    if isinstance(value, Mapping):
        return ["mapping", *value.items()]
    if isinstance(value, (set, frozenset)):
        return ["set", *sorted(map(content_hash, value))]
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    code = _own_code(type(value))
    if hasattr(value, "get_params"):
        return [kind, *code, *sorted(value.get_params(deep=False).items())]
    if getattr(value, "__dict__", None):
        return [kind, *code, *sorted(vars(value).items())]
    try:
        return [kind, pickle_hash(value)]
    except Exception:  # what does not pickle: only its type is known
        return [kind]


def _code(code):
    """Return what a function does, without its name and line numbers."""
    constants = [_code(c) if isinstance(c, types.CodeType) else c for c in code.co_consts]
    return [code.co_code, constants, code.co_names, code.co_varnames]


def _content_of(cell):
    try:
        return cell.cell_contents
    except ValueError:  # a variable that has no value yet
        return None
