"""Make the steps of a recording of an array that a file holds, or say why it is none."""

import numpy as np
import pandas as pd

from avfusion.formats._format import Part
from avfusion.sequences._messages import brief

LEAST = 256 * 2**20  # bytes that any file may take in memory
OF_TEXT = "US"
LONGEST_TEXT = 200


def as_steps(values):
    """Return an array as numbers per step.

    Parameters
    ----------
    values : array-like
        Real numbers (steps,) or (steps, features), perhaps with further axes of length 1; None among them is
        missing. Or records with a number in each field.

    Returns
    -------
    ndarray of shape (n_steps,) or (n_steps, n_features), or pandas.DataFrame
        A table where there are records.

    Raises
    ------
    TypeError
        If it holds something else than real numbers.
    ValueError
        If it is empty, or its axes are others.

    Examples
    --------
    >>> as_steps(np.zeros((1, 5, 3))).shape
    (5, 3)
    >>> as_steps(np.array([(0.5, 1)], dtype=[("loudness", "f4"), ("voiced", "i1")]))
       loudness  voiced
    0       0.5       1
    """
    values = np.asarray(values)
    if values.dtype.names is not None:
        return _table_of_records(values)
    if values.dtype.kind == "O":
        values = _of_objects(values)
    if values.dtype.kind not in "fiub":
        raise TypeError(f"It holds {_words_of(values.dtype)}, not real numbers.")
    if values.ndim > 2 and np.squeeze(values).ndim == 2:
        values = np.squeeze(values)
    if values.ndim not in (1, 2):
        raise ValueError(
            f"A sequence must have the axes (steps, features) or (steps,), not the shape {values.shape}."
        )
    if not values.size:
        raise ValueError(f"It holds no numbers: its shape is {values.shape}.")
    return values


def _of_objects(values):
    """Turn an array of Python numbers, None among them, into one of floats."""
    if values.size and all(isinstance(value, (int, float, np.number, type(None))) for value in values.flat):
        return values.astype(np.float64)
    odd = next((type(v).__name__ for v in values.flat if not isinstance(v, (int, float))), "nothing")
    raise TypeError(f"It holds Python objects ({odd}), not real numbers.")


def _words_of(dtype):
    known = {"c": "complex numbers", "m": "durations", "M": "dates", "U": "text", "S": "text"}
    return known.get(dtype.kind, f"values of the type {brief(str(dtype), 20)}")


def _table_of_records(values):
    if values.ndim > 1 and values.size == max(values.shape):
        values = values.reshape(-1)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"Records must have the one axis (steps,), not the shape {values.shape}.")
    columns = {}
    for name in values.dtype.names:
        column = values[name]
        if column.ndim != 1 or column.dtype.kind not in "fiub" + OF_TEXT:
            raise TypeError(f"Its field {brief(name)} holds no number for each record.")
        columns[name] = column if column.dtype.kind in "fiub" else texts_of(column)
    return pd.DataFrame(columns)


def texts_of(values):
    """Return text, of whatever kind, as a list of str; None where there is something else.

    Parameters
    ----------
    values : array-like
        str or bytes; arrays of them are read in their order.

    Returns
    -------
    list of str, or None

    Examples
    --------
    >>> texts_of(np.array([b"F0", b"loudness"])), texts_of([1, 2])
    (['F0', 'loudness'], None)
    """
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in OF_TEXT + "O":
            return None
        values = values.reshape(-1)
    texts = [_text_of(value) for value in values]
    return None if None in texts else texts


def _text_of(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace").strip("\0 ")
    return value.strip("\0 ") if isinstance(value, str) else None


def part_of(values, names=None, times=None, **known):
    """Make a part of the steps of one recording.

    Parameters
    ----------
    values : array-like
        As in `as_steps`.
    names : list of str, optional
        Names of the features. An array with its features on the first axis is turned where only that fits.
    times : ndarray of shape (n_steps,) or (n_steps, 2), optional
        In seconds, the time of each step, or when it begins and ends.
    **known
        Other fields of the part.

    Returns
    -------
    Part

    Raises
    ------
    ValueError
        If the numbers of names, times and values do not agree.

    Examples
    --------
    >>> part_of(np.zeros((2, 1)), ["loudness"], np.array([0.0, 0.5])).values
       timestamp  loudness
    0        0.0       0.0
    1        0.5       0.0
    """
    steps = as_steps(values)
    named = names is not None or isinstance(steps, pd.DataFrame)
    if names is None and times is None:
        return Part(steps, named, **known)
    if isinstance(steps, pd.DataFrame):
        steps, names = steps.to_numpy(), list(steps.columns)
    steps = steps if steps.ndim == 2 else steps[:, None]
    if names is not None:
        steps = _of_names(steps, names)
    columns = range(steps.shape[1]) if names is None else names
    if times is not None:
        steps, columns = _with_times(steps, columns, np.asarray(times, dtype=np.float64))
    return Part(pd.DataFrame(steps, columns=columns), named, **known)


def _of_names(steps, names):
    """Return steps with as many features as there are names, all of them different."""
    if len(names) != steps.shape[1] and len(names) == len(steps):
        steps = steps.T
    if len(names) != steps.shape[1]:
        raise ValueError(f"It has {len(names)} names for {steps.shape[1]} features: write as many.")
    if len(set(names)) < len(names):
        repeated = next(name for k, name in enumerate(names) if name in names[:k])
        raise ValueError(f"Two of its features have the name {brief(repeated)}: rename one of them.")
    return steps


def _with_times(steps, columns, times):
    """Put the times in front of the features, under names that are those of clocks."""
    if len(times) != len(steps):
        raise ValueError(f"It has {len(times)} times for {len(steps)} steps: write one for each.")
    clocks = ["timestamp"] if times.ndim == 1 else ["start_time", "end_time"]
    taken = [name for name in clocks if name in columns]
    if taken:
        raise ValueError(f"Its times and its feature {brief(taken[0])} are two clocks: remove one of them.")
    return np.column_stack([times, steps]), [*clocks, *columns]


def n_bytes(shape, dtype):
    """Return how many bytes an array takes, whatever the size of its numbers.

    Examples
    --------
    >>> n_bytes((2**40, 2**40), np.dtype("f8")) == 2**83
    True
    """
    total = dtype.itemsize
    for length in shape:
        total *= int(length)
    return total


def check_size(declared, available, times=100):
    """Refuse what takes far more memory than the size of its file justifies.

    Parameters
    ----------
    declared, available : int
        Bytes in memory, and in the file.
    times : int, default=100
        How many bytes one of the file may become, beyond `LEAST`.

    Raises
    ------
    ValueError
        If it is more.

    Examples
    --------
    >>> check_size(2**40, 1000)
    Traceback (most recent call last):
    ...
    ValueError: It would take 1,099,511,627,776 bytes in memory, but has 1,000: it is damaged.
    """
    if declared > max(LEAST, times * available):
        raise ValueError(f"It would take {declared:,} bytes in memory, but has {available:,}: it is damaged.")


def bounded(parts, available, times=100):
    """Pass parts on until they are larger in all than the size of their file justifies.

    Parameters
    ----------
    parts : iterable of Part
    available : int
        Bytes of the file.
    times : int, default=100
        As in `check_size`.

    Yields
    ------
    Part

    Raises
    ------
    ValueError
        If a file repeats its contents too often.

    Examples
    --------
    >>> sum(part.n_steps for part in bounded([Part(np.zeros(3)), Part(np.zeros(4))], 100))
    7
    """
    total = 0
    for part in parts:
        table = isinstance(part.values, pd.DataFrame)
        total += 8 * part.values.size if table else part.values.nbytes
        check_size(total, available, times)
        yield part
