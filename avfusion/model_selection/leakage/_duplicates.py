"""What is in a data set twice, exactly: recordings, stretches of them, rows of a table."""

import numpy as np
from scipy import sparse

from avfusion.sequences import sequence_columns

WINDOW = 50  # changes from step to step that must be the same
SAMPLED = 8  # one window in so many is kept, by content, so that both rows keep the same ones
CHANCE = 1e-3  # equal rows of a table that chance may be expected to make, for copies to be told from it


def same_recordings(X, parted):
    """Find rows whose sequences are all the same.

    Parameters
    ----------
    X : DataFrame
        Absent sequences are like absent ones; rows without any are like none.
    parted : ndarray of bool of shape (n_rows, n_rows)
        Pairs to look for.

    Returns
    -------
    list of (int, int)

    Examples
    --------
    >>> import pandas as pd
    >>> from avfusion.sequences._array import SequenceArray
    >>> X = pd.DataFrame({"audio": SequenceArray.from_sequences([[1.0, 2.0], None, [1.0, 2.0], None])})
    >>> same_recordings(X, ~np.eye(4, dtype=bool))
    [(0, 2)]
    """
    arrays = [X[name].array for name in sequence_columns(X)]
    keys = [
        tuple(array[row].digest() if array.lengths[row] > 0 else None for array in arrays)
        for row in range(len(X))
    ]
    present = [row for row, key in enumerate(keys) if any(part is not None for part in key)]
    return _pairs_of_equals({row: keys[row] for row in present}, parted)


def _pairs_of_equals(key_of_row, parted):
    rows_of = {}
    for row, key in key_of_row.items():
        rows_of.setdefault(key, []).append(row)
    return [
        (one, other)
        for rows in rows_of.values()
        for i, one in enumerate(rows)
        for other in rows[i + 1 :]
        if parted[one, other]
    ]


def same_rows(table, parted):
    """Find equal rows of a table of numbers, where chance would not have made any.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_features)
        NaN is like NaN.
    parted : ndarray of bool of shape (n_rows, n_rows)
        Pairs to look for.

    Returns
    -------
    list of (int, int) or None
        None if the numbers are so few or so coarse that equal rows would mean nothing. Rows of one number
        only, such as the zeros of a stream that failed, are like none.

    Examples
    --------
    >>> table = np.random.default_rng(0).normal(size=(50, 4))
    >>> table[9] = table[2]
    >>> same_rows(table, ~np.eye(50, dtype=bool))
    [(2, 9)]
    >>> same_rows((table > 0) * 1.0, ~np.eye(50, dtype=bool)) is None
    True
    """
    table = np.asarray(table, dtype=float) + 0.0  # makes -0 0
    distinct = np.unique(table, axis=0)
    n_pairs = max(1, len(distinct) * (len(distinct) - 1))
    chance = 0.5 * n_pairs
    for column in distinct.T:
        counts = np.unique(column, return_counts=True)[1]
        chance *= min(1.0, ((counts**2).sum() - len(column) + 1) / n_pairs)
    if chance > CHANCE:
        return None
    filled = np.nan_to_num(table)
    telling = np.flatnonzero((filled != filled[:, :1]).any(axis=1))
    return _pairs_of_equals({int(row): table[row].tobytes() for row in telling}, parted)


def same_stretches(array, parted):
    """Find rows that have more than a hundred steps in common exactly, at any place in each.

    Every pair of rows is compared, since equal windows meet in a sorted table. Windows in which less than
    every second step brings another change do not count: silence, ramps.

    Parameters
    ----------
    array : SequenceArray
        A column.
    parted : ndarray of bool of shape (n_rows, n_rows)
        Pairs to look for.

    Returns
    -------
    list of (int, int)

    Examples
    --------
    >>> from avfusion.sequences._array import SequenceArray
    >>> film = np.random.default_rng(0).normal(size=(900, 3))
    >>> array = SequenceArray.from_sequences([film[:500], film[600:], film[300:700]])
    >>> same_stretches(array, ~np.eye(3, dtype=bool))
    [(0, 2), (1, 2)]
    """
    weights = np.random.default_rng(0).integers(1, 2**63, size=array.width, dtype=np.uint64) * 2 + 1
    windows = [_windows(array, row, weights) for row in range(len(array))]
    rows = np.repeat(np.arange(len(array)), [len(own) for own in windows])
    _, columns = np.unique(np.concatenate(windows), return_inverse=True)
    kept = np.flatnonzero(np.bincount(columns)[columns] > 1) if len(columns) else columns
    if not len(kept):
        return []
    holds = sparse.csr_array((np.ones(len(kept), dtype=np.int32), (rows[kept], columns[kept])))
    one, other = (holds @ holds.T).nonzero()
    pairs = sorted({(int(i), int(j)) for i, j in zip(one, other) if i < j})
    return [pair for pair in pairs if parted[pair]]


def _windows(array, row, weights):
    """Hashes of the windows of changes of a row that are kept, each once, (n_windows,) uint64."""
    if array.lengths[row] <= WINDOW:
        return np.empty(0, dtype=np.uint64)
    frames = np.asarray(array.frames[array.starts[row] : array.starts[row] + array.lengths[row]])
    change = np.ascontiguousarray(np.diff(frames, axis=0) + 0.0)
    bits = change.view(f"u{change.itemsize}").astype(np.uint64)
    hashes = (_mixed(bits) * weights).sum(axis=1, dtype=np.uint64)  # whole numbers wrap around
    base = np.uint64(0x9E3779B97F4A7C15)
    powers = np.cumprod(np.full(WINDOW, base))[::-1]
    new = np.diff(hashes, prepend=hashes[:1]) != 0
    counts = np.concatenate([[0], np.cumsum(new)])
    telling = counts[WINDOW:] - counts[:-WINDOW] >= WINDOW // 2
    windows = np.zeros(len(telling), dtype=np.uint64)
    for k in range(WINDOW):
        windows += hashes[k : k + len(windows)] * powers[k]
    windows = _mixed(windows)
    return np.unique(windows[telling & (windows % np.uint64(SAMPLED) == 0)])


def _mixed(bits):
    """Spread what differs in the high bits of a number, as those of short floats, over all its bits."""
    bits = (bits ^ (bits >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
