"""A hash of data, to tell whether a comparison is run again on the same ones."""

import hashlib

import numpy as np
import pandas as pd

from avfusion.sequences.array import SequenceArray


def fingerprint(*data):
    """Hash samples and labels: values, lengths, rates, types and names of columns, but no index.

    Parameters
    ----------
    *data : DataFrame, Series, array or list
        With sequence columns, arrays in cells, or plain values.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.

    Examples
    --------
    >>> import numpy as np
    >>> fingerprint(np.zeros(2)) == fingerprint(np.zeros(2))
    True
    >>> fingerprint(np.zeros(2)) == fingerprint(np.ones(2))
    False
    """
    digest = hashlib.sha256()
    for part in data:
        _feed(digest, part)
    return digest.hexdigest()


def _feed(digest, value):
    if isinstance(value, pd.DataFrame):
        digest.update(f"frame {value.shape}".encode())
        for position, name in enumerate(value.columns):
            digest.update(repr(name).encode())
            _feed(digest, value.iloc[:, position])
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
    elif isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        digest.update(f"{len(value)} items".encode())
        for item in value:
            _feed(digest, item)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype} {value.shape}".encode())
        digest.update(value.tobytes())
    else:
        text = repr(value).encode()
        digest.update(f"value {len(text)} ".encode() + text)
