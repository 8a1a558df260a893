"""Similarity of two recordings at every shift: the ranks of their changes from step to step are compared."""

import numpy as np
from scipy import fft, stats

MIN_OVERLAP = 50  # steps; shorter ones are too easily similar by chance
MIN_CORRELATION = 0.25  # of the changes; chance reached .14 between segments of a film, their overlaps .37
MIN_CHANGES = 25  # steps of the overlap at which both change, since any silence equals any other
MIN_ENERGY = 0.05  # of changes in the overlap, as a share of that of the whole recording
MAX_FEATURES = 8


def ranked_changes(array, row, hop=1):
    """Return the ranks of the changes from step to step, scaled to mean 0 and variance 1.

    Parameters
    ----------
    array : SequenceArray
    row : int
    hop : int, default=1
        Steps that are averaged into one before.

    Returns
    -------
    ndarray of float16 of shape (steps // hop - 1, n_features)
        Of at most 8 features; 0 where nothing changes. Clipped at 2, so that rare changes do not dominate.

    Examples
    --------
    >>> from avfusion.sequences._array import SequenceArray
    >>> ranked_changes(SequenceArray.from_sequences([[1.0, 2.0, 2.0, 1.0]]), 0).ravel()
    array([ 1.225,  0.   , -1.225], dtype=float16)
    """
    begin, length = array.starts[row], array.lengths[row] // hop * hop
    columns = np.unique(np.linspace(0, array.width - 1, MAX_FEATURES).astype(int))
    frames = np.nan_to_num(np.asarray(array.frames[begin : begin + length])[:, columns].astype(float))
    change = np.diff(frames.reshape(-1, hop, len(columns)).mean(axis=1), axis=0)
    ranks = _ranks(np.ascontiguousarray(change.T)).T
    deviation = ranks.std(axis=0)
    ranks = (ranks - ranks.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return np.where(change == 0, 0.0, np.clip(ranks, -2, 2)).astype(np.float16)


def _ranks(rows):
    """Return the ranks of the numbers in each row, equal ones at their mean."""
    order = rows.argsort(axis=1)
    if (np.diff(np.take_along_axis(rows, order, axis=1), axis=1) == 0).any():
        return stats.rankdata(rows, axis=1)
    ranks = np.empty(rows.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, rows.shape[1] + 1)[None], axis=1)
    return ranks


class RankedChanges:
    """The ranked changes of rows, made when they are first asked for.

    Parameters
    ----------
    array : SequenceArray
    rows : ndarray of int
        Rows of the array, which are numbered from 0 here.
    hop : int
        As in `ranked_changes`.

    Attributes
    ----------
    lengths : ndarray of int of shape (n_rows,)
        Number of changes of each row.

    Examples
    --------
    >>> from avfusion.sequences._array import SequenceArray
    >>> changes = RankedChanges(SequenceArray.from_sequences([[1.0, 2.0], [1.0, 2.0, 2.0, 1.0]]), [1], 1)
    >>> changes[0].ravel(), changes.lengths
    (array([ 1.225,  0.   , -1.225], dtype=float16), array([3]))
    """

    def __init__(self, array, rows, hop):
        self._array, self._rows, self._hop, self._made = array, rows, hop, {}
        self.lengths = array.lengths[rows] // hop - 1

    def __getitem__(self, row):
        if row not in self._made:
            self._made[row] = ranked_changes(self._array, self._rows[row], self._hop)
        return self._made[row]


def spectrum(series, n_fft):
    return fft.rfft(series.T.astype(np.float32), n_fft, axis=1)


class Shifts:
    """Similarity of two series at every shift at which they overlap enough.

    Parameters
    ----------
    one, other : ndarray of shape (steps, n_features)
        As of `ranked_changes`.
    products : ndarray of shape (n_fft,), optional
        Sum over steps and features of ``one[t + shift] * other[t]``, negative shifts from the end.

    Attributes
    ----------
    correlation, evidence : ndarray of shape (n_shifts,)
        Correlation over the common steps, all features together, and the same times the square root of the
        number of steps, which makes long and short stretches comparable.

    Examples
    --------
    >>> film = np.random.default_rng(0).normal(size=(500, 3))
    >>> correlation, evidence, begin, other_begin, steps = Shifts(film[:300], film[200:]).best()
    >>> round(correlation, 3), begin, other_begin, steps
    (1.0, 200, 0, 100)
    """

    def __init__(self, one, other, products=None):
        self.one, self.other = one, other
        if products is None:
            n_fft = fft.next_fast_len(len(one) + len(other), real=True)
            cross = (spectrum(one, n_fft) * spectrum(other, n_fft).conj()).sum(axis=0)
            products = fft.irfft(cross, n_fft)
        shortest = min(MIN_OVERLAP - 1, len(one), len(other))  # 50 steps have 49 changes
        self.shift = np.arange(shortest - len(other), len(one) - shortest + 1)
        self.begin = np.maximum(self.shift, 0)
        stop = np.minimum(len(one), len(other) + self.shift)
        self.steps = stop - self.begin
        energies = [
            total[stop - back] - total[self.begin - back]
            for total, back in ((cumulated(one), 0), (cumulated(other), self.shift))
        ]
        enough = np.minimum(*energies) > MIN_ENERGY * self.steps * one.shape[1]
        norm = np.sqrt(np.where(enough, energies[0] * energies[1], 1.0))
        self.correlation = np.where(enough, products[self.shift] / norm, 0.0)
        self.evidence = self.correlation * np.sqrt(self.steps)

    def best(self):
        """Find the shift with the most evidence.

        Returns
        -------
        correlation, evidence : float
            The evidence after Fisher's transform. 0 if too little changes or the correlation is too low.
        begin, other_begin, steps : int
            Where the common stretch begins in each, and its length.
        """
        at = int(np.argmax(np.where(self.correlation >= MIN_CORRELATION, self.evidence, 0.0)))
        begin, steps, correlation = int(self.begin[at]), int(self.steps[at]), float(self.correlation[at])
        other_begin = begin - int(self.shift[at])
        if correlation < MIN_CORRELATION:
            return 0.0, 0.0, begin, other_begin, steps
        both = (self.one[begin : begin + steps] != 0) & (self.other[other_begin : other_begin + steps] != 0)
        if both.any(axis=1).sum() < MIN_CHANGES:
            return 0.0, 0.0, begin, other_begin, steps
        correlation = min(correlation, 1.0)
        evidence = float(np.arctanh(min(correlation, 0.99999)) * np.sqrt(steps))
        return correlation, evidence, begin, other_begin, steps


def cumulated(series):
    return np.concatenate([[0.0], np.cumsum((series.astype(np.float32) ** 2).sum(axis=1), dtype=float)])
