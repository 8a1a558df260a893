"""Numbers that a type of few digits cannot hold, or cannot tell apart: found before training."""

import numpy as np

ROUNDING = 1e-5  # rounding of labels by their standard deviation from which on float64 is taken
TOO_COARSE = 1e-2  # the same, from which on networks cannot be fitted
SMALLEST = 1e-280  # sums of squares below it have lost digits
SQUARES = 1e15  # size of features from which on sums of squares may be beyond float32


def wide_enough(table, labels, weights=None):
    """Return a table of features as it is, or in float64 where float32 would falsify a fit.

    Regressors of scikit-learn compute in the type of the features, to which they convert the labels. Labels
    with an offset (1e12 and more, of deviation 1) lose what they differ by, and squares of large features
    are infinite; so are large weights, and small ones vanish. Ordinary data stay as they are: half the
    memory, and faster.

    Parameters
    ----------
    table : ndarray of shape (n_steps, n_features)
    labels : ndarray of shape (n_steps, n_targets)
        NaN is unlabelled.
    weights : ndarray of the shape of `labels`, optional

    Returns
    -------
    ndarray of shape (n_steps, n_features)

    Examples
    --------
    >>> table, labels = np.zeros((2, 1), "float32"), np.array([[0.1], [0.2]])
    >>> wide_enough(table, labels).dtype, wide_enough(table, labels + 1e6).dtype
    (dtype('float32'), dtype('float64'))
    """
    if table.dtype == np.float64:
        return table
    large = max(np.fmax.reduce(table, axis=None), -np.fmin.reduce(table, axis=None)) > SQUARES
    coarse = (rounding(labels, table.dtype) > ROUNDING).any()
    extreme = weights is not None and _beyond(weights, table.dtype)
    return table.astype(np.float64) if large or coarse or extreme else table


def _beyond(weights, dtype):
    """Return whether weights, or their squares, are too large or too small for a type."""
    limits, known = np.finfo(dtype), weights[weights > 0]
    low, high = known.min(initial=1.0), known.max(initial=1.0)
    return low < float(limits.tiny) ** 0.5 or high > float(limits.max) ** 0.5


def exponents(labels):
    """Return powers of two by which targets are of ordinary size, (K,): 0 for all that are already.

    Examples
    --------
    >>> exponents(np.array([[1.0, 2.0**400], [0.5, 1.0]]))
    array([  0, 401], dtype=int32)
    """
    _, exponent = np.frexp(np.fmax.reduce(np.abs(labels), axis=0, initial=0.0))
    return np.where(np.abs(exponent) > 300, exponent, 0)


def rounding(labels, dtype):
    """Return by how much labels are off in a type, by their standard deviation; inf beyond its range.

    Parameters
    ----------
    labels : ndarray of shape (n, n_targets)
        NaN is unlabelled.
    dtype : numpy dtype

    Returns
    -------
    ndarray of shape (n_targets,)
        0 for a target that never varies, unless it is beyond the range.

    Examples
    --------
    >>> rounding(np.array([[0.0], [1e39]]), np.float32), rounding(np.array([[5.0], [5.0]]), np.float32)
    (array([inf]), array([0.]))
    """
    limits = np.finfo(dtype)
    low, high = np.fmin.reduce(labels, axis=0), np.fmax.reduce(labels, axis=0)
    largest = np.fmax(-low, high)
    scale = np.where(largest > 0, largest, 1.0)  # of which squares neither vanish nor overflow
    known = ~np.isnan(labels)
    counts, values = np.maximum(known.sum(axis=0), 1), np.where(known, labels / scale, 0.0)
    apart = np.where(known, values - values.sum(axis=0) / counts, 0.0)
    deviation = np.sqrt((apart**2).sum(axis=0) / counts)
    off = np.divide(limits.eps / 2, deviation, out=np.zeros_like(deviation), where=high > low)
    beyond = (largest > float(limits.max) / 2) | ((largest > 0) & (largest < float(limits.tiny) / limits.eps))
    return np.where(beyond, np.inf, off)


def check_squares(total, squares, name):
    """Raise where sums of squares of features are beyond floats, or vanish although the features vary.

    Parameters
    ----------
    total, squares : ndarray of shape (width,)
        Sums of the features, less their first values, and of the squares of these.
    name : str
        The column.

    Raises
    ------
    ValueError
        Naming column and feature.

    Examples
    --------
    >>> check_squares(np.array([2.0, 0.0]), np.array([2.0, 0.0]), "audio")
    """
    wrong = ~np.isfinite(squares) | ((total != 0) & (squares < SMALLEST))
    if wrong.any():
        size = "large" if not np.isfinite(squares).all() else "small"
        raise ValueError(
            f"Column {name!r}: numbers of feature {int(wrong.argmax())} are so {size} that their standard "
            "deviation cannot be computed. Bring the features to another scale, or leave this one out."
        )
