"""A hash of data, to tell whether a comparison is run again on the same ones."""

import datetime
import hashlib
import numbers
from pathlib import PurePath

import joblib
import numpy as np
import pandas as pd
from scipy.sparse import issparse

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._dtype import Sequence
from avfusion.sequences._rows import read_rows

# what repr tells in full
_SCALARS = (
    str, bytes, numbers.Number, np.generic, type(None), type(pd.NA),
    datetime.date, datetime.time, datetime.timedelta, PurePath,
)  # fmt: skip


def fingerprint(*data):
    """Hash samples and labels: values, lengths, rates, types and names of columns, but no index.

    Data hash alike before and after an estimator read them: lists or tuples of numbers are the array of them,
    mappings and lists of mappings are what `avfusion.as_sequences` makes of them, and of a sparse matrix only
    the values count.

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
        If there is something in the data whose content cannot be read, such as a lambda or an open file.

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
        _feed(digest, _as_read(part))
    return digest.hexdigest()


def _as_read(data):
    """Return data in the form that estimators and searches read them in."""
    try:
        data = read_rows(data)
    except (TypeError, ValueError):  # a mapping without sequences: for an estimator of another package
        return data
    rows = isinstance(data, list)
    if (rows or (isinstance(data, np.ndarray) and data.dtype == object)) and _is_of_numbers(data):
        try:
            array = np.asarray(data)
        except ValueError:  # rows of different lengths
            return data
        return array.astype(np.float64) if array.dtype == object else array
    return data


def _is_of_numbers(value):
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        return all(map(_is_of_numbers, value))
    return value is None or isinstance(value, (numbers.Number, np.bool_))


def _feed(digest, value):
    if isinstance(value, pd.DataFrame):
        digest.update(f"frame {value.shape}".encode())
        for position, name in enumerate(value.columns):
            digest.update(repr(name).encode())
            try:
                _feed(digest, value.iloc[:, position])
            except TypeError as error:
                raise TypeError(f"Column {name!r}: {error}") from error
    elif isinstance(value, (pd.Series, SequenceArray)):
        column = value.array if isinstance(value, pd.Series) else value
        if isinstance(column, SequenceArray):
            packed = column.pack()
            digest.update(f"sequences {packed.rate_hz}".encode())
            _feed(digest, np.asarray(packed.lengths))
            _feed(digest, np.asarray(packed.frames))
        else:
            digest.update(str(value.dtype).encode())
            _feed(digest, value.to_numpy())
    elif isinstance(value, np.ndarray) and value.dtype.hasobject and (value.ndim == 0 or value.dtype.names):
        _feed(digest, value.tolist())
    elif isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        digest.update(f"{len(value)} items".encode())
        for item in value:
            _feed(digest, item)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype} {value.shape}".encode())
        digest.update(value.tobytes())
    elif issparse(value):
        _feed_sparse(digest, value)
    elif isinstance(value, Sequence):
        digest.update(value.digest())
    else:
        _feed_object(digest, value)


def _feed_sparse(digest, matrix):
    entries = matrix.tocoo(copy=True)
    entries.sum_duplicates()  # which sorts them, too: one order for all formats
    entries.eliminate_zeros()
    digest.update(f"sparse {entries.shape}".encode())
    for positions in (entries.row, entries.col):
        _feed(digest, positions.astype(np.int64))
    _feed(digest, entries.data)


def _feed_object(digest, value):
    if isinstance(value, _SCALARS):
        text = repr(value)
    elif hasattr(value, "__array__"):
        _feed(digest, np.asarray(value))
        return
    else:
        try:
            text = joblib.hash(value)
        except Exception as error:  # whatever a foreign object makes of being pickled
            raise TypeError(
                f"the content of a {type(value).__name__} cannot be read ({type(error).__name__}: {error}); "
                "nobody could tell later whether data are the same. Leave it out of the data, or put text or "
                "numbers in its place."
            ) from error
    digest.update(f"value {len(text.encode())} ".encode() + text.encode())
