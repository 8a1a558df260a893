"""Features with the marks of a transformer that was fitted on all rows, including the test rows.

Each mark is exact, such as a mean of 0, so that raw features do not have it by accident.
"""

import numpy as np
import pandas as pd

from avfusion.model_selection.leakage._report import Outcome
from avfusion.sequences import sequence_columns

MIN_ROWS = 50  # fewer have such means or ranges more easily
EXACT = 1e-4
MAX_PCA = 1000  # features whose correlations are computed


def fitted_on_all(table, parts=()):
    """Return what was fitted on all frames of a table, and not on each part of it separately.

    Parameters
    ----------
    table : ndarray of shape (n_frames, n_features)
        NaN cells are left out, as scikit-learn's scalers do.
    parts : iterable of ndarray of shape (n_frames,)
        Ways to part the frames: by recording, by speaker. A mark that every part has on its own, as where
        each speaker was standardised separately, reveals nothing about other frames.

    Returns
    -------
    done : str
        Such as "standardised"; empty if there is no mark, or every part has it.
    n_features : int
        How many features have it.

    Examples
    --------
    >>> raw = np.random.default_rng(0).normal(3, 2, size=(100, 2))
    >>> fitted_on_all(raw)
    ('', 0)
    >>> fitted_on_all((raw - raw.mean(axis=0)) / raw.std(axis=0))
    ('standardised', 2)
    """
    table = np.asarray(table, dtype=float)
    table = np.where(np.isfinite(table), table, np.nan)
    parts = list(parts)
    for done, mark in MARKS.items():
        marked = _varied(table)
        marked = marked[mark(table[:, marked])] if marked.size else marked
        if marked.size and mark in BY_CHANCE and BY_CHANCE[mark](table[:, marked]):
            continue
        if marked.size and not any(_in_every_part(mark, table[:, marked], part) for part in parts):
            return done, len(marked)
    return "", 0


def _varied(table):
    """Return positions of features with enough values, except flags and integers, which no scaler returns."""
    filled = (~np.isnan(table)).sum(axis=0) >= MIN_ROWS
    whole = (np.isnan(table) | (table == np.round(table))).all(axis=0)
    return np.array([k for k in np.flatnonzero(filled & ~whole) if _n_values(table[:, k]) > 2], dtype=int)


def _n_values(column):
    first = np.unique(column[:MIN_ROWS])  # enough for most features
    values = first if (~np.isnan(first)).sum() > 2 else np.unique(column)
    return int((~np.isnan(values)).sum())


def _in_every_part(mark, table, part):
    """Return whether each part has the mark in each feature that varies there, in most frames."""
    order, n_seen = np.argsort(part, kind="stable"), 0
    for frames in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
        own = table[frames]
        own = own[:, (~np.isnan(own)).sum(axis=0) > 1]
        own = own[:, np.nanmax(own, axis=0) > np.nanmin(own, axis=0)] if own.size else own
        if len(frames) == len(table) or (own.size and len(mark(own)) < own.shape[1]):
            return False
        n_seen += len(frames) if own.size else 0
    return n_seen > 0.9 * len(table)


def standardised(table):
    """Find features of mean 0 and standard deviation 1, of n or n - 1.

    Parameters
    ----------
    table : ndarray of shape (n_frames, n_features)
        No feature is constant or without values, in all functions here.

    Returns
    -------
    ndarray of int
        Positions of features.

    Examples
    --------
    >>> standardised(np.array([[-1.0, 0.0], [1.0, 5.0]]))
    array([0])
    """
    n_frames = (~np.isnan(table)).sum(axis=0)
    mean, deviation = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    unbiased = deviation * np.sqrt(n_frames / (n_frames - 1))
    one = np.minimum(np.abs(deviation - 1), np.abs(unbiased - 1)) < EXACT
    return np.flatnonzero(one & (np.abs(mean) < EXACT))


def robustly_scaled(table):
    """Find features of median 0 and interquartile range 1.

    Examples
    --------
    >>> robustly_scaled(np.array([[-0.9, 0.0], [-0.5, 1.0], [0.0, 2.0], [0.5, 3.0], [0.7, 4.0]]))
    array([0])
    """
    low, median, high = np.nanpercentile(table, [25, 50, 75], axis=0)
    return np.flatnonzero((np.abs(median) < EXACT) & (np.abs(high - low - 1) < EXACT))


def scaled_to_a_range(table):
    """Find features that all have the same smallest and largest value, such as 0 and 1 or -1 and 1.

    For other ranges, or if only the largest absolute value is the same, 1, as after scaling by it, there must
    be more than two features; it must occur in a single frame in most of them.

    Examples
    --------
    >>> scaled_to_a_range(np.array([[0.0, 0.2], [0.3, 1.0], [1.0, 0.0]]))
    array([0, 1])
    >>> scaled_to_a_range(np.array([[0.0, 0.2], [0.3, 0.9], [1.0, 0.0]]))
    array([], dtype=int64)
    """
    low, high = np.nanmin(table, axis=0), np.nanmax(table, axis=0)
    largest = np.maximum(high, -low)
    tolerance = EXACT / 100 * max(1.0, largest.max())
    many = table.shape[1] > 2
    known = abs(high[0] - 1) < tolerance and min(abs(low[0]), abs(low[0] + 1)) < tolerance
    same = np.ptp(low) < tolerance and np.ptp(high) < tolerance and (many or known)
    once = (np.abs(table) >= largest - tolerance).sum(axis=0) == 1
    same_largest = many and (np.abs(largest - 1) < tolerance).all() and once.mean() > 0.5
    return np.arange(table.shape[1] if same or same_largest else 0)


def ends_by_chance(table):
    """Return whether smallest and largest values seem to be ends of a scale rather than extremes.

    Probabilities and clipped values reach the ends of their range more than once; pixels and ratings have
    steps. With several features one end may be reached often: silence is the lowest value of many.

    Parameters
    ----------
    table : ndarray of shape (n_frames, n_features)

    Returns
    -------
    bool

    Examples
    --------
    >>> raw = np.random.default_rng(0).normal(size=(100, 2))
    >>> ends_by_chance(raw), ends_by_chance(np.clip(raw, -1, 1))
    (False, True)
    """
    once = []
    for column in table.T:
        values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
        once.append((counts[[0, -1]] == 1) & ~_stepped(values))
    shares = np.mean(once, axis=0)
    return bool((shares.min() if table.shape[1] == 1 else shares.max()) <= 0.5)


def quartiles_by_chance(table):
    """Return whether values have steps, so that their quartiles are easily integers.

    Examples
    --------
    >>> raw = np.random.default_rng(0).normal(size=(100, 2))
    >>> quartiles_by_chance(raw), quartiles_by_chance(np.round(2 * raw) / 2)
    (False, True)
    """
    return bool(np.mean([_stepped(np.unique(column[~np.isnan(column)])) for column in table.T]) >= 0.5)


def _stepped(values):
    """Return whether sorted values lie on a grid: even a few random values come closer to one another."""
    return np.diff(values).min() > np.ptp(values) / (10 * len(values))


def decorrelated(table):
    """Find features of mean 0 without any correlation, as a PCA returns them.

    Examples
    --------
    >>> decorrelated(np.array([[1.0, 2.0], [1.0, -2.0], [-1.0, 2.0], [-1.0, -2.0]]))
    array([0, 1])
    """
    everything = np.arange(table.shape[1])
    table = table[~np.isnan(table).any(axis=1)]
    deviation = table.std(axis=0) if len(table) > 1 else np.zeros(1)
    if not 1 < len(everything) <= MAX_PCA or (deviation == 0).any():
        return everything[:0]
    if (np.abs(table.mean(axis=0)) >= EXACT * deviation).any():
        return everything[:0]
    correlation = np.corrcoef(table, rowvar=False) - np.eye(len(everything))
    return everything if np.abs(correlation).max() < EXACT else everything[:0]


MARKS = {
    "standardised": standardised,
    "scaled by median and quartiles": robustly_scaled,
    "scaled to one range": scaled_to_a_range,
    "uncorrelated (as a PCA makes them)": decorrelated,
}
BY_CHANCE = {robustly_scaled: quartiles_by_chance, scaled_to_a_range: ends_by_chance}


def check_preprocessing(tables, X, groups):
    """Look for features that were scaled or transformed over all rows.

    Parameters
    ----------
    tables : iterable of (str, (ndarray, ndarray))
        Name, frames (n_frames, n_features), and the row of each frame (n_frames,).
    X : DataFrame or array
        Its metadata columns are ways to part the frames.
    groups : ndarray of shape (n_rows,) or None
        Another way to part them.

    Returns
    -------
    Outcome
    """
    codes = [] if groups is None else [pd.factorize(groups)[0]]
    if isinstance(X, pd.DataFrame):
        others = X.drop(columns=sequence_columns(X)).select_dtypes(exclude="float")
        codes += [pd.factorize(column.astype(str))[0] for _, column in others.items()]
    findings, looked_at, missed = [], [], []
    for name, (table, row) in tables:
        if len(table) < MIN_ROWS:
            missed.append(f"preprocessing of {name} (fewer than {MIN_ROWS} frames)")
            continue
        looked_at = ["preprocessing"]
        done, n_features = fitted_on_all(table, [row, *(code[row] for code in codes)])
        if done:
            which = "The" if n_features == table.shape[1] else f"{n_features} of {table.shape[1]}"
            message = (
                f"{which} features of {name} are {done} over all rows, including the test rows. Use raw "
                "features and put the transformer into the pipeline."
            )
            findings.append(("preprocessing", message))
    return Outcome(findings, looked_at, missed)
