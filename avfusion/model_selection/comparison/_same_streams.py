"""Streams and columns whose values name the stimulus, since they are the same for all who saw it."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from avfusion.estimators._levels import read_table
from avfusion.sequences import sequence_columns
from avfusion.sequences._paging import release

SAME = 0.01  # share of the variance of recordings' means that may lie within the recordings of a stimulus

_MOST_ROWS, _MOST_STEPS = 2000, 100  # what is looked at


class Same(NamedTuple):
    """A column, features of which hardly differ between the rows of one level.

    Parameters
    ----------
    column : object
    is_stream : bool
    n_same, n_features : int
        Features that do not differ, and all that vary at all.
    """

    column: object
    is_stream: bool
    n_same: int
    n_features: int

    def sentence(self, level):
        """Return what it means, in words.

        Examples
        --------
        >>> Same("light", True, 1, 1).sentence("video")
        "Stream 'light' is the same for all rows of one 'video': what is learned from it may be the 'video'."
        """
        what = f"{'Stream' if self.is_stream else 'Column'} {self.column!r}"
        if self.n_same < self.n_features:
            what = f"Of {what[0].lower()}{what[1:]}, {self.n_same} of {self.n_features} features are"
        else:
            what += " is"
        return f"{what} the same for all rows of one {level!r}: what is learned from it may be the {level!r}."


def same_within(X, factor, leave_out=()):
    """Find streams and columns of numbers that are the same for all rows of a level.

    Compared are the means of features over recordings: of a feature that is the same for all who saw a
    stimulus, at most a hundredth of their variance lies within stimuli.

    Parameters
    ----------
    X : samples
        Nothing is found in what is no DataFrame.
    factor : Factor
    leave_out : iterable of str
        Columns that are not features.

    Returns
    -------
    list of Same

    Examples
    --------
    >>> from avfusion.model_selection.comparison._situation_columns import Factor
    >>> factor = Factor("stimulus", "video", np.array([0, 0, 1, 1]))
    >>> X = pd.DataFrame({"luminance": [0.2, 0.2, 0.7, 0.7], "pulse": [60, 90, 70, 80]})
    >>> [(found.column, found.n_same) for found in same_within(X, factor)]
    [('luminance', 1)]
    """
    X = read_table(X)
    if not isinstance(X, pd.DataFrame) or not X.columns.is_unique:
        return []
    streams, found, rows = sequence_columns(X), [], _repeated_rows(factor.codes)
    for name, column in X.items():
        if name in streams:
            means = _row_means(column.array, rows)
        elif pd.api.types.is_numeric_dtype(column.dtype) and str(name) not in leave_out:
            means = column.to_numpy(dtype=np.float64, na_value=np.nan)[rows, None]
        else:
            continue
        within = _share_within(means, factor.codes[rows])
        varies = ~np.isnan(within)
        n_same = int((within[varies] <= SAME).sum())
        if n_same:
            found.append(Same(name, name in streams, n_same, int(varies.sum())))
    return found


def _row_means(array, rows):
    """Return the mean of each feature over the steps of some rows, (n, width); NaN where there is none.

    Of long rows only every so many steps are read, of which there are some hundred in each.
    """
    means = np.full((len(rows), array.width), np.nan)
    stride = max(1, int(array.lengths.max(initial=0)) // _MOST_STEPS)
    for place, row in enumerate(rows):
        start, length = array.starts[row], array.lengths[row]
        if length > 0:
            frames = np.asarray(array.frames[start : start + length : stride], dtype=np.float64)
            seen = np.isfinite(frames)
            number = seen.sum(axis=0)
            total = np.where(seen, frames, 0.0).sum(axis=0)
            means[place] = np.divide(total, number, out=means[place], where=number > 0)
    release(array.frames, array.starts[rows], np.maximum(array.lengths[rows], 0))
    return means


def _repeated_rows(codes):
    """Return rows whose level repeats, level by level, up to a number of them."""
    number = np.bincount(codes[codes >= 0], minlength=1)
    rows = np.flatnonzero((codes >= 0) & (number[codes] > 1))
    order = np.random.default_rng(0).permutation(len(number))[codes[rows]]
    return rows[np.argsort(order, kind="stable")][:_MOST_ROWS]


def _share_within(means, codes):
    """Return the share of the variance of rows within levels; NaN where nothing varies or repeats."""
    shares = np.full(means.shape[1], np.nan)
    for k, column in enumerate(means.T):
        kept = np.isfinite(column) & (codes >= 0)
        values, own = column[kept], codes[kept]
        number = np.bincount(own)
        if not len(values) or (number > 0).sum() < 2 or number.max() < 2:
            continue
        values = values - values.mean()
        centres = np.bincount(own, values) / np.maximum(number, 1)
        repeated = number[own] > 1
        degrees = repeated.sum() - (number > 1).sum()
        between = values @ values / max(len(values) - 1, 1)
        if between > 1e-20 * max(np.abs(column[kept]).max() ** 2, 1e-300):
            within = ((values - centres[own])[repeated] ** 2).sum() / max(degrees, 1)
            shares[k] = within / between
    return shares
