"""Numbers that stand for "no label", such as -5 in labels of -1..1: found, told, and taken out."""

import numbers
import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd

from avfusion._warnings import warn_user
from avfusion.sequences._array import SequenceArray
from avfusion.sequences._bookkeeping import named_bookkeeping
from avfusion.sequences._cells import is_missing
from avfusion.sequences._label_clock import NOTHING, TOLD
from avfusion.sequences._messages import brief, quoted
from avfusion.sequences._plain_arrays import floats_of, plain_array, plain_parts
from avfusion.sequences._sequence import Sequence

N_REPEATS = 3  # labels that must have the value
N_MARKERS = 3  # different ones, at most, at each end
# how many different labels there are beside, and by how many ranges of theirs a marker is apart from them
GAPS = ((10, 1.0), (3, 4.0))


class LabelMarkerWarning(UserWarning):
    """A value of the labels looks like a marker for "no label", or a target like bookkeeping.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("error", LabelMarkerWarning)  # in a script that must stop
    >>> warnings.simplefilter("default", LabelMarkerWarning)
    """


def mask_labels(y, missing_label):
    """Replace the numbers that stand for "no label" by NaN, which is unlabelled everywhere in this package.

    Parameters
    ----------
    y : DataFrame, Series, list, tuple or array
        Labels per frame or per clip, in any form that `as_targets` takes.
    missing_label : float or list of float
        The numbers, such as -5.

    Returns
    -------
    DataFrame, Series, list, tuple or array
        In the form of y; integers are floating point numbers now.

    Raises
    ------
    TypeError
        If `missing_label` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> mask_labels(np.array([0.5, -5.0, 0.25]), -5)
    array([0.5 ,  nan, 0.25])
    >>> mask_labels([np.array([1, 9999]), np.array([2])], missing_label=[9999, -1])
    [array([ 1., nan]), array([2.])]
    """
    markers = np.atleast_1d(np.asarray(plain_parts(missing_label)))
    if markers.ndim != 1 or not np.issubdtype(markers.dtype, np.number) or markers.dtype.kind == "c":
        raise TypeError(f"missing_label must be a number or a list of numbers, not {brief(missing_label)}.")
    return _masked(y, markers)


def _masked(y, markers):
    y = plain_array(y)
    if isinstance(y, pd.DataFrame):
        result = y.copy(deep=False)
        for name in y.columns:
            result[name] = _masked(y[name], markers)
        return result
    if isinstance(y, pd.Series):
        return pd.Series(_masked_column(y.array, markers), index=y.index, name=y.name)
    if isinstance(y, (list, tuple)):
        return type(y)(_masked(value, markers) for value in y)
    if isinstance(y, numbers.Real) or is_missing(y):
        return np.nan if isinstance(y, numbers.Real) and (markers == y).any() else y
    if isinstance(y, Sequence):
        return _masked_column(SequenceArray.from_sequences([y]), markers)[0]
    values = y if isinstance(y, np.ndarray) else np.asarray(y)
    if values.dtype != object or values.ndim == 0:
        return _without(values if values.dtype != object else floats_of(values), markers)[()]
    result = np.empty_like(values)
    for place, value in np.ndenumerate(values):
        result[place] = _masked(value, markers)
    return result


def _masked_column(column, markers):
    """Return the values of a column, as an array that a Series takes."""
    if isinstance(column, SequenceArray):
        packed = column.pack()
        return packed.with_frames(_without(packed.frames, markers))
    if pd.api.types.is_object_dtype(column.dtype):
        return _masked(column.to_numpy(), markers)
    return _without(column.to_numpy(dtype=None if column.dtype.kind == "f" else np.float64), markers)


def _without(values, markers):
    kind = values.dtype if values.dtype.kind == "f" else np.dtype(np.float64)
    values = values.astype(kind)  # a copy
    values[np.isin(values, markers.astype(kind))] = np.nan
    return values


def find_markers(values):
    """Find numbers at the ends of labels that stand out and repeat.

    They are integers that a gap separates from all other labels, as wide as the range of these; where the
    others have fewer than ten different values, as ratings have, four times as wide. Binary labels have none.

    Parameters
    ----------
    values : array-like (n,)
        Labels of one target; NaN is unlabelled.

    Returns
    -------
    dict of float to int
        How often each occurs.

    Examples
    --------
    >>> import numpy as np
    >>> find_markers(np.append(np.linspace(-1, 1, 50), [-5, -5, -5]))
    {-5.0: 3}
    >>> find_markers([1, 2, 3, 4, 5, 5, 5]), find_markers([0, 0, 0, 1, 1, 1])
    ({}, {})
    """
    values = np.asarray(values, dtype=np.float64)
    different, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    last = len(different) - _outer(different)
    first = _outer(-different[:last][::-1])
    outside = [*range(first), *range(last, len(different))]
    return {float(different[k]): int(counts[k]) for k in outside if counts[k] >= N_REPEATS}


def _outer(ascending):
    """Return how many of the largest numbers are markers: integers that are far from the others."""
    for n_outer in range(min(N_MARKERS, len(ascending) - GAPS[-1][0]), 0, -1):
        others, outer = ascending[:-n_outer], ascending[-n_outer:]
        needed = next(gap for n, gap in GAPS if len(others) >= n)
        apart = outer[0] - others[-1] >= needed * (others[-1] - others[0])
        if apart and (outer == np.rint(outer)).all():
            return n_outer
    return 0


def marker_message(values, names):
    """Return a warning of markers among labels, and of targets that are bookkeeping by their names, or None.

    Parameters
    ----------
    values : array-like (n, K)
        Labels; NaN is unlabelled.
    names : list of str
        The targets.

    Returns
    -------
    str or None

    Examples
    --------
    >>> import numpy as np
    >>> print(marker_message(np.append(np.linspace(-1, 1, 50), [-5.0] * 3)[:, None], ["arousal"]))
    Labels look like a marker for "no label": arousal is -5 in 3 of 53, far from all others. If so, ...
    """
    clocks = named_bookkeeping(names) if len(names) > 1 else {}
    told = (
        [f"Targets look like bookkeeping: {quoted(clocks, limit=3)}. If so, leave them out of y."]
        if clocks
        else []
    )
    told += filter(None, [_markers(values, [name for name in names if name not in clocks], names)])
    return " ".join(told) or None


def _markers(values, chosen, names):
    columns = {name: column for name, column in zip(names, np.asarray(values).T) if name in chosen}
    found = {name: find_markers(column) for name, column in columns.items()}
    found = {name: markers for name, markers in found.items() if markers}
    if not found:
        return None
    n_labels = len(values)
    parts = [
        f"{name} is {_number(value)} in {count} of {n_labels}"
        for name, markers in list(found.items())[:2]
        for value, count in markers.items()
    ]
    more = f" (and {len(found) - 2} more targets)" if len(found) > 2 else ""
    given = sorted({value for markers in found.values() for value in markers})
    text = ", ".join(map(_number, given))
    return (
        f'Labels look like a marker for "no label": {", ".join(parts)}{more}, far from all others. If so, '
        f"make them NaN, with missing_label={text if len(given) == 1 else f'[{text}]'} in load_folder or "
        "avfusion.sequences.mask_labels, or with --missing-label."
    )


def _number(value):
    """Write a number so that it is found again."""
    return str(int(value)) if value == int(value) else repr(float(value))


def warn_of_markers(targets):
    """Warn of markers among labels.

    Parameters
    ----------
    targets : Targets
        The labels, read.

    Examples
    --------
    >>> from avfusion.sequences import as_targets
    >>> warn_of_markers(as_targets([0.5, 0.1]))
    """
    message = marker_message(targets.values, targets.form.target_names)
    if message is not None:
        warn_user(message, LabelMarkerWarning)


@contextmanager
def markers_told_once(targets):
    """Warn of markers among labels, and keep estimators from doing so again for folds and parts of them.

    They also say only once that labels outside the streams are left out.

    Parameters
    ----------
    targets : Targets
        The labels, read.

    Examples
    --------
    >>> from avfusion.sequences import as_targets
    >>> with markers_told_once(as_targets([0.5, 0.1])):
    ...     pass
    """
    warn_of_markers(targets)
    token = TOLD.set(set() if TOLD.get() is NOTHING else TOLD.get())  # of labels left out, too
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LabelMarkerWarning)
            yield
    finally:
        TOLD.reset(token)
