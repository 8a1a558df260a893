"""Recordings that share a stretch of time, even if it was encoded or extracted again or is noisy.

The ranks of changes from step to step are compared at every shift, for all pairs of rows: trends and loudness
make unrelated recordings similar, changes do not. How similar unrelated recordings are is estimated from the
data, since it depends on how smooth their features are and how many of them are redundant.
"""

from typing import NamedTuple

import numpy as np

from avfusion.model_selection.leakage._candidates import Candidates
from avfusion.model_selection.leakage._duplicates import same_stretches
from avfusion.model_selection.leakage._report import Outcome
from avfusion.model_selection.leakage._shifts import MIN_OVERLAP, RankedChanges, Shifts, ranked_changes
from avfusion.sequences import sequence_columns
from avfusion.sequences._messages import quoted, row_name

MIN_Z = 9.0  # Fisher transform of a correlation over its standard deviation by chance; 1e10 shifts reach 6.5
COARSE = 8  # steps averaged into one: finds copies of slow features, whose single changes are lost in noise
MAX_WORK = 4e8  # shifts compared in all columns
SAMPLE = 200  # pairs from which the similarity of unrelated recordings is estimated
MAX_DESCRIBED = 1000  # exact overlaps whose place is looked for; the others are counted


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
    parted : PartedRows
        Pairs to compare.
    hop : int, default=1
        Steps that are averaged into one.
    max_work : float
        Largest number of shifts to compare, over all pairs; beyond that neighbouring rows and a sample of the
        others, by a fixed seed.

    Returns
    -------
    overlaps : list of Overlap
        One for each pair, in the order of the rows.
    n_compared, n_pairs : int
        Pairs of rows that were compared, and that are `parted` and long enough to be.

    Examples
    --------
    >>> from avfusion.model_selection.leakage._parted import PartedRows
    >>> from avfusion.sequences._array import SequenceArray
    >>> film = np.random.default_rng(0).normal(size=(500, 3))
    >>> array = SequenceArray.from_sequences([film[:300], film[100:250], film[250:]])
    >>> found, n_compared, n_pairs = find_overlaps(array, PartedRows([([0, 1], [1, 2]), ([0], [2])], 3))
    >>> [(pair.one, pair.other, pair.begin, pair.other_begin, pair.steps) for pair in found]
    [(0, 1, 100, 0, 150), (0, 2, 250, 0, 50)]
    >>> n_compared, n_pairs
    (3, 3)
    """
    long = np.flatnonzero(array.lengths // hop > MIN_OVERLAP)
    parted = parted.take(long)
    n_pairs = parted.n_pairs()
    if not n_pairs:
        return [], 0, 0
    changes = RankedChanges(array, long, hop)
    least = MIN_Z * _deviation(changes, parted)
    candidates = Candidates(changes, changes.lengths, parted, least, max_work)
    overlaps = []
    for i, j, products in candidates:
        correlation, evidence, *where, steps = Shifts(changes[i], changes[j], products).best()
        if evidence >= least:
            begin, other_begin = (hop * at for at in where)
            pair = int(long[i]), int(long[j])
            overlaps.append(Overlap(correlation, *pair, begin, other_begin, (steps + 1) * hop))
    return sorted(overlaps, key=lambda pair: (pair.one, pair.other)), candidates.n_compared, n_pairs


def _deviation(changes, parted):
    """Estimate the standard deviation of the evidence without overlap; the few overlaps lie above."""
    shifts = (Shifts(changes[one], changes[other]).evidence for one, other in parted.sample(SAMPLE))
    evidence = np.abs(np.concatenate([own[:: max(1, len(own) // 2000)] for own in shifts]))
    return max(float(np.quantile(evidence, 0.95)) / 1.96, 1 / np.sqrt(changes[0].shape[1]))


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
    copies : list of list of int
        Rows that are the same recording, whose pairs are not reported again.

    Returns
    -------
    Outcome
    """
    parted = parted.without(copies)
    best, overlapping, missed, n_compared = {}, set(), [], 0
    names = sequence_columns(X)
    for name in names:
        found, compared, not_compared = _overlaps_of(X[name].array, parted, name, MAX_WORK / len(names))
        n_compared += compared
        missed += not_compared
        overlapping |= {name} if found else set()
        for key, pair in found.items():
            best[key] = max(best.get(key, (pair, name)), (pair, name))
    looked_at = ["overlaps in time"] if n_compared or not missed else []
    findings = [("overlaps", _message(X, best, overlapping))] if best else []
    return Outcome(findings, looked_at, missed)


def _overlaps_of(array, parted, name, max_work):
    """Return the overlaps in a column by pair of rows, the number of comparisons, and what was left out."""
    missed, n_compared, found = [], 0, {}
    short = int(((array.lengths > 0) & (array.lengths <= MIN_OVERLAP)).sum())
    if short:
        missed.append(f"overlaps in {name!r} of {short} rows of {MIN_OVERLAP} steps or less")
    for hop in (1, COARSE):
        pairs, compared, n_pairs = find_overlaps(array, parted, hop, max_work if hop == 1 else max_work / 4)
        n_compared += compared
        found = {(pair.one, pair.other): pair for pair in pairs} | found
        if compared < n_pairs:
            steps = "steps" if hop == 1 else f"steps of {hop}"
            missed.append(
                f"overlaps in {name!r}, in {steps}, in {n_pairs - compared} of {n_pairs} pairs of rows "
                "(too many: neighbouring rows and a random sample of the others were compared; exactly equal "
                "stretches were looked for in all)"
            )
    new = [pair for pair in same_stretches(array, parted) if pair not in found]
    for one, other in new[:MAX_DESCRIBED]:
        found[one, other] = exact_overlap(array, one, other)
    found |= {(one, other): Overlap(0.0, one, other, 0, 0, 0) for one, other in new[MAX_DESCRIBED:]}
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
