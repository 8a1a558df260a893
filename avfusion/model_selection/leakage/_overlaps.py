"""Recordings that share a stretch of time, even if it was encoded or extracted again or is noisy.

The ranks of changes from step to step are compared at every shift, for all pairs of rows: trends and loudness
make unrelated recordings similar, changes do not. How similar unrelated recordings are is estimated from the
data, since it depends on how smooth their features are and how many of them are redundant.
"""

from typing import NamedTuple

import numpy as np
from scipy import fft, stats

from avfusion.model_selection.leakage._duplicates import same_stretches
from avfusion.model_selection.leakage._report import Outcome
from avfusion.sequences import sequence_columns
from avfusion.sequences._messages import quoted, row_name

MIN_OVERLAP = 50  # steps; shorter ones are too easily similar by chance
MIN_CORRELATION = 0.25  # of the changes; chance reached .14 between segments of a film, their overlaps .37
MIN_Z = 9.0  # its Fisher transform over its standard deviation if unrelated; 1e10 shifts reach 6.5
MIN_CHANGES = 25  # steps of the overlap at which both change, since any silence equals any other
MAX_FEATURES = 8
COARSE = 8  # steps averaged into one: finds copies of slow features, whose single changes are lost in noise
MAX_WORK = 2e9  # shifts compared per column; about two minutes
BLOCK_BYTES = 64e6
SAMPLE = 200  # pairs from which the similarity of unrelated recordings is estimated


class Overlap(NamedTuple):
    """A stretch that two rows share.

    Parameters
    ----------
    correlation : float
        Of the changes.
    one, other : int
        Rows.
    begin, other_begin : int
        First step of the stretch in each.
    steps : int
        Its length.
    """

    correlation: float
    one: int
    other: int
    begin: int
    other_begin: int
    steps: int


def find_overlaps(array, parted, hop=1, max_work=MAX_WORK):
    """Find rows that share a stretch of time, anywhere in each of them.

    Parameters
    ----------
    array : SequenceArray
        A column.
    parted : ndarray of bool of shape (n_rows, n_rows)
        Pairs to compare.
    hop : int, default=1
        Steps that are averaged into one.
    max_work : float
        Largest number of shifts to compare, over all pairs; neighbouring rows come first.

    Returns
    -------
    overlaps : list of Overlap
        One for each pair, in the order of the rows.
    n_compared, n_pairs : int
        Pairs of rows that were compared, and that are `parted` and long enough to be.

    Examples
    --------
    >>> from avfusion.sequences._array import SequenceArray
    >>> film = np.random.default_rng(0).normal(size=(500, 3))
    >>> array = SequenceArray.from_sequences([film[:300], film[100:250], film[250:]])
    >>> found, n_compared, n_pairs = find_overlaps(array, ~np.eye(3, dtype=bool))
    >>> [(pair.one, pair.other, pair.begin, pair.other_begin, pair.steps) for pair in found]
    [(0, 1, 100, 0, 150), (0, 2, 250, 0, 50)]
    >>> n_compared, n_pairs
    (3, 3)
    """
    long = np.flatnonzero(array.lengths // hop > MIN_OVERLAP)
    parted = parted[np.ix_(long, long)]
    n_pairs = int(np.triu(parted, 1).sum())
    if not n_pairs:
        return [], 0, 0
    changes = [ranked_changes(array, row, hop) for row in long]
    size = max(1, int(np.sqrt(BLOCK_BYTES / (8 * max(map(len, changes))))) // 4)
    blocks = [range(first, min(first + size, len(long))) for first in range(0, len(long), size)]
    found, unrelated, work, n_compared = [], [], 0.0, 0
    for apart in range(len(blocks)):
        for left, right in zip(blocks, blocks[apart:]):
            if work > max_work:
                break
            for i, j, at_shifts in _block_pairs(changes, left, right, parted):
                shifts = Shifts(changes[i], changes[j], at_shifts)
                if n_compared % max(1, n_pairs // SAMPLE) == 0:
                    unrelated.append(shifts.evidence[:: max(1, len(shifts.evidence) // 2000)])
                found.append((shifts.best(), long[i], long[j]))
                n_compared += 1
                work += len(shifts.evidence)
    deviation = _deviation(unrelated, changes[0].shape[1])
    overlaps = [
        Overlap(correlation, int(one), int(other), begin * hop, other_begin * hop, (steps + 1) * hop)
        for (correlation, evidence, begin, other_begin, steps), one, other in found
        if evidence >= MIN_Z * deviation
    ]
    return sorted(overlaps, key=lambda pair: (pair.one, pair.other)), n_compared, n_pairs


def _deviation(unrelated, n_features):
    """Estimate the standard deviation of the evidence without overlap; the few overlaps lie above."""
    evidence = np.abs(np.concatenate(unrelated))
    return max(float(np.quantile(evidence, 0.95)) / 1.96, 1 / np.sqrt(n_features))


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
    ranks = stats.rankdata(change, axis=0)
    deviation = ranks.std(axis=0)
    ranks = (ranks - ranks.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return np.where(change == 0, 0.0, np.clip(ranks, -2, 2)).astype(np.float16)


def _block_pairs(changes, left, right, parted):
    """Yield i, j and the sums of products at all shifts, (n_fft,), for parted pairs of two blocks of rows."""
    n_fft = fft.next_fast_len(
        sum(max(len(changes[row]) for row in rows) for rows in (left, right)), real=True
    )
    wanted = {i: [j for j in right if j > i and parted[i, j]] for i in left}
    if not any(wanted.values()):
        return
    spectra = np.stack([_spectrum(changes[row], n_fft) for row in right])
    for i, others in wanted.items():
        if not others:
            continue
        mine = _spectrum(changes[i], n_fft)
        cross = np.einsum("fk,jfk->jk", mine, spectra[[j - right[0] for j in others]].conj())
        yield from zip([i] * len(others), others, fft.irfft(cross, n_fft, axis=1))


def _spectrum(series, n_fft):
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
            cross = (_spectrum(one, n_fft) * _spectrum(other, n_fft).conj()).sum(axis=0)
            products = fft.irfft(cross, n_fft)
        shortest = min(MIN_OVERLAP - 1, len(one), len(other))  # 50 steps have 49 changes
        self.shift = np.arange(shortest - len(other), len(one) - shortest + 1)
        self.begin = np.maximum(self.shift, 0)
        stop = np.minimum(len(one), len(other) + self.shift)
        self.steps = stop - self.begin
        energies = [
            total[stop - back] - total[self.begin - back]
            for total, back in ((_cumulated(one), 0), (_cumulated(other), self.shift))
        ]
        enough = np.minimum(*energies) > 0.05 * self.steps * one.shape[1]
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


def _cumulated(series):
    return np.concatenate([[0.0], np.cumsum((series.astype(np.float32) ** 2).sum(axis=1), dtype=float)])


def exact_overlap(array, one, other):
    """Describe the stretch that two rows are known to share.

    Examples
    --------
    >>> from avfusion.sequences._array import SequenceArray
    >>> film = np.random.default_rng(0).normal(size=(500, 3))
    >>> array = SequenceArray.from_sequences([film[:300], film[100:250]])
    >>> exact_overlap(array, 0, 1)[1:]
    (0, 1, 100, 0, 150)
    """
    correlation, _, begin, other_begin, steps = Shifts(
        ranked_changes(array, one), ranked_changes(array, other)
    ).best()
    return Overlap(correlation, one, other, begin, other_begin, steps + 1)


def check_overlaps(X, parted, copies):
    """Look for recordings that share a stretch of time and are trained on and tested.

    Parameters
    ----------
    X, parted
        As in `check_recordings`.
    copies : list of (int, int)
        Pairs that are the same recording, and are not reported again.

    Returns
    -------
    Outcome
    """
    parted = parted.copy()
    for one, other in copies:
        parted[one, other] = parted[other, one] = False
    best, overlapping, missed, n_compared = {}, set(), [], 0
    for name in sequence_columns(X):
        found, compared, not_compared = _overlaps_of(X[name].array, parted, name)
        n_compared += compared
        missed += not_compared
        overlapping |= {name} if found else set()
        for key, pair in found.items():
            best[key] = max(best.get(key, (pair, name)), (pair, name))
    looked_at = ["overlaps in time"] if n_compared or not missed else []
    findings = [("overlaps", _message(X, best, overlapping))] if best else []
    return Outcome(findings, looked_at, missed)


def _overlaps_of(array, parted, name):
    """Return the overlaps in a column by pair of rows, the number of comparisons, and what was left out."""
    missed, n_compared, found = [], 0, {}
    short = int(((array.lengths > 0) & (array.lengths <= MIN_OVERLAP)).sum())
    if short:
        missed.append(f"overlaps in {name!r} of {short} rows of {MIN_OVERLAP} steps or less")
    for hop in (1, COARSE):
        pairs, compared, n_pairs = find_overlaps(array, parted, hop, MAX_WORK)
        n_compared += compared
        found = {(pair.one, pair.other): pair for pair in pairs} | found
        if compared < n_pairs:
            steps = "steps" if hop == 1 else f"steps of {hop}"
            missed.append(
                f"overlaps in {name!r}, in {steps}, in {n_pairs - compared} of {n_pairs} pairs of rows that "
                "are far apart (too many; exactly equal stretches were looked for)"
            )
    for one, other in same_stretches(array, parted):
        if (one, other) not in found:
            found[one, other] = exact_overlap(array, one, other)
    return found, n_compared, missed


def _message(X, best, overlapping):
    """Describe the strongest overlap, and name the columns without any."""
    pair, name = max(best.values())
    rate_hz = X[name].array.rate_hz
    length, begin, other_begin = (
        f"{steps} steps" if rate_hz is None else f"{steps / rate_hz:.1f} s"
        for steps in (pair.steps, pair.begin, pair.other_begin)
    )
    message = (
        f"{len(best)} pair(s) of recordings seem to overlap in time, and are trained on and tested in the "
        f"same fold: {length} of {name!r} in {row_name(pair.one, X.index)}, from {begin} on, are like those "
        f"in {row_name(pair.other, X.index)} from {other_begin} on (correlation of changes "
        f"{pair.correlation:.2f}). Cut the overlap off, or put them into one group."
    )
    others = [name for name in sequence_columns(X) if name not in overlapping and X[name].notna().any()]
    if others:
        message += (
            f" No overlap is found in {quoted(others)}: if several people watched the same "
            "film, the scores are for new people, not for new films."
        )
    return message
