"""Sort named arrays by what they are to each other: features, their names and rate, lengths, ids, labels.

An archive, a MATLAB file, an HDF5 group and a pickled dict are all mappings of names to arrays and other
things.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from avfusion.formats._names import ROLES, is_a, plain, stream_of
from avfusion.formats._steps import LONGEST_TEXT, OF_TEXT, texts_of

FASTEST_FEATURES = 1000.0  # Hz: "sr = 16000" is the rate of the sound that features were taken from


@dataclass
class Contents:
    """The values of one mapping, by what they are.

    Parameters
    ----------
    arrays : dict of str to array
        Numbers that are features or a stream, for all that is known.
    groups : dict of str to mapping
    ragged : dict of str to list
        Lists of an array for each recording.
    labels : dict of str to array, number or mapping
    names, ids : list of str or None
        Of features, of recordings.
    either : list of str or None
        Names of one of the two.
    lengths : dict of str to ndarray
        Numbers of steps, by stream, or for all streams under "".
    mask, times : array or None
    rate_hz, start_s : float or None
    about : dict
        Other numbers and words.
    words : dict of str to list of str
    videos : list of str or None
        The first of several words that the id of each recording has.

    Examples
    --------
    >>> Contents().arrays
    {}
    """

    arrays: dict = field(default_factory=dict)
    groups: dict = field(default_factory=dict)
    ragged: dict = field(default_factory=dict)
    labels: dict = field(default_factory=dict)
    names: list | None = None
    ids: list | None = None
    either: list | None = None
    lengths: dict = field(default_factory=dict)
    mask: object = None
    times: object = None
    rate_hz: float | None = None
    start_s: float | None = None
    about: dict = field(default_factory=dict)
    words: dict = field(default_factory=dict)
    videos: list | None = None


def is_array(value):
    """Return whether a value is an array, read or not."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def scalar_of(value):
    """Return the only number that a value holds as a float, else None.

    Examples
    --------
    >>> scalar_of(np.array([[25]])), scalar_of(np.zeros(2)), scalar_of("a")
    (25.0, None, None)
    """
    if is_array(value):
        if value.dtype.kind not in "fiub" or (value.shape and max(value.shape) > 1):
            return None
        value = np.asarray(value)
        return float(value.reshape(-1)[0]) if value.size == 1 else None
    return float(value) if isinstance(value, (int, float)) and abs(value) < 2**63 else None


def contents_of(mapping):
    """Sort the values of a mapping by what they are.

    Parameters
    ----------
    mapping : mapping of str to object
        Arrays, lists of arrays, mappings, numbers and words.

    Returns
    -------
    Contents

    Examples
    --------
    >>> found = contents_of({"features": np.zeros((4, 2)), "columns": ["a", "b"], "fps": 25})
    >>> list(found.arrays), found.names, found.rate_hz
    (['features'], ['a', 'b'], 25.0)
    """
    found = Contents()
    for name, value in mapping.items():
        name = texts_of([name])[0] if isinstance(name, bytes) else str(name)
        if value is None:
            continue
        if not _took_role(found, name, value):
            _take(found, name, value)
    return found


def _took_role(found, name, value):
    """Keep a value whose name says its role, and which can have it."""
    role = ROLES.get(plain(name))
    if plain(name).startswith("padding") and "mask" in plain(name):
        raise ValueError(f"Its {name!r} may mark steps or padding: name it 'mask', True where a step exists.")
    if role == "labels" or (role is None and re.match("(regression|classification)labels?", plain(name))):
        return _took_labels(found, name, value)
    stream = re.fullmatch(r"(\w+?)_(lengths?|lens?)", name, re.IGNORECASE)
    if role in ("names", "either", "ids"):
        words, found.videos = ids_of(value) if role == "ids" else (_words(value), found.videos)
        if words is not None:
            setattr(found, role, words)
        return words is not None
    if role in ("rate_hz", "start_s"):
        return _took_number(found, name, role, scalar_of(value))
    if role == "lengths" or (stream and stream_of(stream[1])):
        lengths = _integers(value)
        if lengths is not None:
            found.lengths[stream_of(stream[1]) if stream and stream_of(stream[1]) else ""] = lengths
        return lengths is not None
    if isinstance(value, (list, tuple)) and role in ("mask", "times"):
        value = _numbers(value)
    if role == "mask" and is_array(value) and value.dtype.kind in "fiub" and value.shape:
        found.mask = value
        return True
    if role == "times" and is_array(value) and value.dtype.kind in "fiu" and _is_of_times(value.shape):
        setattr(found, role, value)
        return True
    return False


def _is_of_times(shape):
    return len(shape) == 1 or (len(shape) == 2 and (shape[1] == 2 or 1 in shape))


def _took_labels(found, name, value):
    if isinstance(value, (list, tuple)):
        value = _numbers(value)
    if isinstance(value, Mapping) or scalar_of(value) is not None or is_array(value):
        if is_array(value) and value.dtype.kind not in "fiub":
            return False
        found.labels[name] = value
        return True
    return False


def _took_number(found, name, role, number):
    if number is None or not np.isfinite(number):
        return False
    if role == "rate_hz" and number <= 0:
        return False
    if role == "rate_hz" and is_a("of sound", name) and number > FASTEST_FEATURES:
        found.about[name] = number
    else:
        setattr(found, role, number)
    return True


def _take(found, name, value):
    """Keep a value whose name says nothing."""
    if isinstance(value, Mapping):
        found.groups[name] = value
    elif isinstance(value, (str, bytes)):
        text = texts_of([value])[0]
        if len(text) <= LONGEST_TEXT:
            found.about[name] = text
    elif isinstance(value, (list, tuple)):
        _take_list(found, name, value)
    elif is_array(value):
        _take_array(found, name, value)
    elif (number := scalar_of(value)) is not None:
        found.about[name] = number


def _take_array(found, name, value):
    if value.dtype.names is None and value.dtype.kind in OF_TEXT:
        words = _words(value)
        if words is not None:
            found.words[name] = words
    elif not value.shape or (max(value.shape, default=0) == 1 and not _may_be_features(name)):
        found.about[name] = scalar_of(value)
    else:
        found.arrays[name] = value


def _may_be_features(name):
    return ROLES.get(plain(name)) == "features" or stream_of(name) is not None


def _take_list(found, name, value):
    if (words := texts_of(value)) is not None:
        found.words[name] = words
    elif (numbers := _numbers(value)) is not None:
        found.arrays[name] = numbers
    elif any(is_array(item) or isinstance(item, (list, tuple)) for item in value):
        found.ragged[name] = [item if is_array(item) or item is None else _numbers(item) for item in value]


def _numbers(values):
    """Return a list of numbers, or of lists of as many numbers, as an array; else None."""
    rows = values if values and isinstance(values[0], (list, tuple)) else [values]
    if not all(isinstance(row, (list, tuple)) and len(row) == len(rows[0]) for row in rows):
        return None
    if not all(isinstance(v, (int, float, np.number, type(None))) for row in rows for v in row):
        return None
    array = np.array(rows, dtype=np.float64)
    return array[0] if rows is not values else array


def _integers(value):
    if isinstance(value, (list, tuple)):
        value = _numbers(value)
    if not is_array(value) or value.dtype.kind not in "fiu":
        return None
    numbers = np.asarray(value).reshape(-1)
    whole = numbers.size and np.isfinite(numbers).all() and (numbers == np.rint(numbers)).all()
    return numbers.astype(np.int64) if whole and numbers.min() >= 0 and numbers.max() < 2**40 else None


def _words(value):
    """Return a list of text, or None."""
    if is_array(value) and max(value.shape, default=0) != np.prod(value.shape, dtype=float):
        return None
    return texts_of(np.asarray(value) if is_array(value) else value) if _is_series(value) else None


def _is_series(value):
    return isinstance(value, (list, tuple)) or (is_array(value) and len(value.shape) > 0)


def ids_of(value):
    """Return the names of recordings, and their videos where ids have the form (video, begin, end).

    Parameters
    ----------
    value : object

    Returns
    -------
    ids, videos : list of str, or None
        ids is None where there is no word or whole number for each recording.

    Examples
    --------
    >>> ids_of([7, 8])
    (['7', '8'], None)
    >>> ids_of(np.array([[b"a", b"0.5", b"1"], [b"a", b"1", b"2"]]))
    (['a_0.5_1', 'a_1_2'], ['a', 'a'])
    """
    if not _is_series(value):
        return None, None
    value = np.asarray(value) if is_array(value) else value
    numbers = _integers(value)
    if numbers is not None and len(numbers) == len(value):
        return [str(number) for number in numbers], None
    in_columns = is_array(value) and len(value.shape) > 1 and value.shape[1] > 1
    if not in_columns and (words := _words(value)) is not None:
        return words, None
    rows = [_words_of_id(row) for row in value]
    if None in rows or not rows:
        return None, None
    return ["_".join(row) for row in rows], [row[0] for row in rows]


def _words_of_id(row):
    """Return the words and numbers of an id as words, or None."""
    if isinstance(row, (str, bytes)):
        return texts_of([row])
    if not isinstance(row, (list, tuple, np.ndarray)) or np.ndim(row) != 1 or not 0 < len(row) <= 4:
        return None
    words = [texts_of([word])[0] if isinstance(word, (str, bytes)) else scalar_of(word) for word in row]
    return None if None in words else [f"{w:.10g}" if isinstance(w, float) else w for w in words]
