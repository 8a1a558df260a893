"""Statistics of runs of frames, with unobserved (NaN) values left out."""

import re

import numpy as np

from avfusion.preprocessing._base import blocks
from avfusion.sequences._messages import brief
from avfusion.sequences._paging import release

_QUANTILE = re.compile(r"q(\d{1,3}(?:\.\d+)?)")


def check_statistics(names, known=None, more=()):
    """Check the names of statistics before any work starts.

    Parameters
    ----------
    names : sequence of str
        What the user asks for.
    known : sequence of str, optional
        What there is to choose from; by default every statistic of this module.
    more : sequence of str, default=()
        What there is besides.

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        If there is none, or one is unknown.

    Examples
    --------
    >>> check_statistics(["mean", "q25"])
    ('mean', 'q25')
    """
    if isinstance(names, str) or len(names) == 0:
        raise ValueError(
            f"Give one or more names of statistics in a tuple, such as ('mean',), not {brief(names)}."
        )
    choice = [*_STATISTICS, *more, "q25 or any other percentile"] if known is None else list(known)
    for name in names:
        if name not in choice and (known is not None or _percentage(name) is None):
            raise ValueError(f"There is no statistic {name!r}. Choose from {', '.join(choice)}.")
    return tuple(names)


def run_statistics(frames, begins, lengths, statistics):
    """Compute statistics of runs of consecutive frames, feature by feature.

    Parameters
    ----------
    frames : numpy.ndarray of shape (N, D)
        Flat buffer; NaN is not observed.
    begins, lengths : numpy.ndarray of int of shape (S,)
        First frame and number of frames of each run.
    statistics : sequence of str
        Names, see `check_statistics`.

    Returns
    -------
    numpy.ndarray of shape (S, len(statistics) * D)
        Computed in float64, returned in the dtype of frames; one block of D features per statistic. NaN
        where nothing was observed.

    Examples
    --------
    >>> frames = np.array([[1.0], [3.0], [np.nan], [5.0]])
    >>> run_statistics(frames, np.array([0, 2]), np.array([2, 2]), ["mean", "std"])
    array([[2., 1.],
           [5., 0.]])
    """
    width = frames.shape[1]
    result = np.full((len(begins), len(statistics) * width), np.nan, dtype=frames.dtype)
    order = np.argsort(lengths, kind="stable")
    of_length, first, counts = np.unique(lengths[order], return_index=True, return_counts=True)
    for length, start, count in zip(of_length, first, counts):
        if length <= 0:
            continue
        for low, high in blocks(count, length * width):
            runs = order[start + low : start + high]
            values = frames[begins[runs, None] + np.arange(length)].astype(np.float64)
            release(frames, begins[runs], lengths[runs])
            result[runs] = _summarise(values, statistics)
    return result


def _summarise(values, statistics):
    """Reduce (S, L, D) to (S, n_statistics * D)."""
    parts = []
    for name in statistics:
        percentage = _percentage(name)
        parts.append(_STATISTICS[name](values) if percentage is None else _quantile(values, percentage / 100))
    return np.concatenate(parts, axis=1)


def _percentage(name):
    match = _QUANTILE.fullmatch(name) if isinstance(name, str) else None
    return float(match[1]) if match and float(match[1]) <= 100 else None


def _ratio(total, count):
    return total / np.where(count > 0, count, np.nan)


def _mean(values):
    return _ratio(np.nansum(values, axis=1), (~np.isnan(values)).sum(axis=1))


def _centred(values):
    """Subtract the mean, in a way that leaves exactly 0 of constant values."""
    values = values - _first(values)[:, None]
    return values - _mean(values)[:, None]


def _std(values):
    return np.sqrt(_mean(_centred(values) ** 2))


def _min(values):
    return np.fmin.reduce(values, axis=1)


def _max(values):
    return np.fmax.reduce(values, axis=1)


def _first(values):
    seen = ~np.isnan(values)
    return np.take_along_axis(values, seen.argmax(axis=1)[:, None], axis=1)[:, 0]


def _last(values):
    return _first(values[:, ::-1])


def _median(values):
    return _quantile(values, 0.5)


def _quantile(values, share):
    """Interpolate linearly between order statistics, as numpy.nanquantile does."""
    ordered = np.sort(values, axis=1)  # NaN last
    n_seen = (~np.isnan(values)).sum(axis=1)[:, None]
    position = share * np.maximum(n_seen - 1, 0)
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(n_seen - 1, 0))
    low, high = (np.take_along_axis(ordered, index, axis=1) for index in (below, above))
    return (low + (position - below) * (high - low))[:, 0]


def _slope(values):
    """Fit a line to the observed values; per step, 0 for a single one."""
    time = np.where(np.isnan(values), np.nan, np.arange(values.shape[1], dtype=float)[:, None])
    time = time - _mean(time)[:, None]
    spread = np.nansum(time**2, axis=1)
    slope = np.nansum(time * _centred(values), axis=1) / np.where(spread > 0, spread, 1)
    return np.where(np.isnan(values).all(axis=1), np.nan, slope)


_STATISTICS = {
    "mean": _mean,
    "std": _std,
    "min": _min,
    "max": _max,
    "median": _median,
    "first": _first,
    "last": _last,
    "slope": _slope,
}
