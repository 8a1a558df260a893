"""Exact duplicates: recordings, stretches of recordings, and rows of a table."""

import numpy as np

from avfusion.model_selection.leakage._report import Outcome
from avfusion.sequences._copies import rows_by_key, same_recordings
from avfusion.sequences._messages import row_name

WINDOW = 50  # changes from step to step that must be the same
SAMPLED = 8  # one window in so many is kept, chosen by content, so that both rows keep the same ones
LINKS = 20  # pairs for each of many rows that share a stretch
CHANCE = 1e-3  # equal rows of a table that may be expected by chance, for copies to be recognised


def check_recordings(X, parted):
    """Look for recordings that are trained on and tested under two names.

    Parameters
    ----------
    X : DataFrame
        With sequence columns.
    parted : PartedRows
        Pairs of rows of which a fold trains on one and tests the other.

    Returns
    -------
    outcome : Outcome
    copies : list of list of int
        Rows of each recording that is there more than once.
    """
    copies = same_recordings(X)
    return _outcome("recording", _parted_pairs(copies, parted), X.index), copies


def check_rows(table, parted, index=None):
    """Look for equal rows of a table that are trained on and tested.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_features)
    parted : PartedRows
        As in `check_recordings`.
    index : pandas.Index, optional
        Names of the rows.

    Returns
    -------
    Outcome
    """
    pairs = same_rows(table, parted)
    if pairs is None:
        return Outcome([], [], ["copies (the rows have so few values that equal ones mean nothing)"])
    outcome = _outcome("numbers", pairs, index)
    return outcome._replace(not_looked_at=["copies that are not exact (in a table)"])


def _outcome(what, pairs, index):
    if not pairs:
        return Outcome([], ["copies"], [])
    names = [row_name(row, index) for row in pairs[0]]
    message = (
        f"{len(pairs)} pair(s) of rows hold the same {what} and are trained on and tested in the same fold, "
        f"such as {names[0]} and {names[1]}. Drop one of each, or put both into one group."
    )
    return Outcome([("copies", message)], ["copies"], [])


def _parted_pairs(copies, parted):
    return [pair for rows in copies for pair in parted.linked(rows)]


def same_rows(table, parted):
    """Find equal rows of a table of numbers, unless some are to be expected by chance.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_features)
        NaN equals NaN.
    parted : PartedRows
        Pairs to look for.

    Returns
    -------
    list of (int, int) or None
        None if the numbers are so few or so coarse that equal rows mean nothing. Rows of a single repeated
        number, such as the zeros of a stream that failed, are left out.

    Examples
    --------
    >>> table = np.random.default_rng(0).normal(size=(50, 4))
    >>> table[9] = table[2]
    >>> from avfusion.model_selection.leakage._parted import PartedRows
    >>> parted = PartedRows([(np.arange(5), np.arange(5, 50))], 50)
    >>> same_rows(table, parted)
    [(2, 9)]
    >>> same_rows((table > 0) * 1.0, parted) is None
    True
    """
    table = np.asarray(table, dtype=float) + 0.0  # turns -0 into 0
    distinct = np.unique(table, axis=0)
    n_pairs = max(1, len(distinct) * (len(distinct) - 1))
    chance = 0.5 * n_pairs
    for column in distinct.T:
        counts = np.unique(column, return_counts=True)[1]
        chance *= min(1.0, ((counts**2).sum() - len(column) + 1) / n_pairs)
    if chance > CHANCE:
        return None
    filled = np.nan_to_num(table)
    varied = np.flatnonzero((filled != filled[:, :1]).any(axis=1)).tolist()
    return _parted_pairs(rows_by_key((row, table[row].tobytes()) for row in varied), parted)


def same_stretches(array, parted):
    """Find rows that share more than a hundred steps exactly, anywhere in each.

    Every pair of rows is compared, by sorting the hashes of all windows; of more than 20 rows with the same
    stretch, 20 pairs for each row are named. Windows in which fewer than half of the steps have a new change,
    as in silence or ramps, do not count.

    Parameters
    ----------
    array : SequenceArray
        A column.
    parted : PartedRows
        Pairs to look for.

    Returns
    -------
    list of (int, int)

    Examples
    --------
    >>> from avfusion.model_selection.leakage._parted import PartedRows
    >>> from avfusion.sequences._array import SequenceArray
    >>> film = np.random.default_rng(0).normal(size=(900, 3))
    >>> array = SequenceArray.from_sequences([film[:500], film[600:], film[300:700]])
    >>> same_stretches(array, PartedRows([([0, 1], [1, 2]), ([0], [2])], 3))
    [(0, 2), (1, 2)]
    """
    weights = np.random.default_rng(0).integers(1, 2**63, size=array.width, dtype=np.uint64) * 2 + 1
    windows = [_windows(array, row, weights) for row in range(len(array))]
    rows = np.repeat(np.arange(len(array)), [len(own) for own in windows])
    order = np.argsort(np.concatenate(windows), kind="stable")
    number = np.cumsum(np.diff(np.concatenate(windows)[order], prepend=0) != 0)
    kept = np.bincount(number)[number] > 1 if len(number) else slice(0)
    alike = np.split(rows[order][kept], np.flatnonzero(np.diff(number[kept])) + 1)
    distinct = {tuple(own.tolist()) for own in alike}
    return sorted({pair for rows in distinct for pair in parted.linked(rows, LINKS)})


def _windows(array, row, weights):
    """Return the distinct hashes of the windows of changes of a row that are kept, (n_windows,) uint64."""
    if array.lengths[row] <= WINDOW:
        return np.empty(0, dtype=np.uint64)
    frames = np.asarray(array.frames[array.starts[row] : array.starts[row] + array.lengths[row]])
    change = np.ascontiguousarray(np.diff(frames, axis=0) + 0.0)
    bits = change.view(f"u{change.itemsize}").astype(np.uint64)
    hashes = (_mixed(bits) * weights).sum(axis=1, dtype=np.uint64)  # integers wrap around
    base = np.uint64(0x9E3779B97F4A7C15)
    powers = np.cumprod(np.full(WINDOW, base))[::-1]
    new = np.diff(hashes, prepend=hashes[:1]) != 0
    counts = np.concatenate([[0], np.cumsum(new)])
    varied = counts[WINDOW:] - counts[:-WINDOW] >= WINDOW // 2
    windows = np.zeros(len(varied), dtype=np.uint64)
    for k in range(WINDOW):
        windows += hashes[k : k + len(windows)] * powers[k]
    windows = _mixed(windows)
    return np.unique(windows[varied & (windows % np.uint64(SAMPLED) == 0)])


def _mixed(bits):
    """Mix the high bits of a number, in which short floats differ, into all its bits."""
    bits = (bits ^ (bits >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
