"""Whether a cross-validation can be believed: what training gets to know of the rows that are tested."""

import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats
from scipy.signal import fftconvolve

from avfusion.metrics import ccc_score
from avfusion.model_selection.folds import split_rows
from avfusion.model_selection.watched_folds import score_folds
from avfusion.sequences import as_sequences, sequence_columns
from avfusion.sequences.groups import read_groups
from avfusion.sequences.target_columns import row_name
from avfusion.sequences.targets import as_targets

__all__ = ["LeakageReport", "LeakageWarning", "check_leakage"]

MIN_OVERLAP = 50  # steps; shorter ones are too easily alike by chance
MIN_CORRELATION = 0.25  # of the changes from step to step; chance reached .14 between segments of a film
MIN_Z = 12.0  # that correlation (Fisher's transform) in standard errors; chance reached 10
MAX_PAIRS = 2000
MAX_STEPS = 4000
MAX_FEATURES = 16


class LeakageWarning(UserWarning):
    """Something that training should not know of the rows that are tested.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("error", LeakageWarning)  # in a script that must not go on
    >>> warnings.simplefilter("default", LeakageWarning)
    """


@dataclass(frozen=True)
class LeakageReport:
    """What `check_leakage` found.

    Parameters
    ----------
    findings : list of (str, str)
        Kind ("groups", "copies", "overlaps", "preprocessing", "labels") and what to do about it.
    shuffled_scores : ndarray of shape (n_permutations,)
        Scores with the labels of other groups, which should lie about zero.

    Examples
    --------
    >>> LeakageReport([])
    No leak found: groups, copies, overlaps in time, preprocessing.
    """

    findings: list
    shuffled_scores: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __repr__(self):
        if self.findings:
            return "\n".join(f"{kind}: {message}" for kind, message in self.findings)
        shuffled = ", shuffled labels" if len(self.shuffled_scores) else ""
        return f"No leak found: groups, copies, overlaps in time, preprocessing{shuffled}."


def check_leakage(model, X, y, groups=None, cv=None, *, n_permutations=5, random_state=0):
    """Look for what would make cross-validated scores too good; warn of each thing found.

    - Groups (speakers, recordings) that are trained on and tested in the same fold.
    - Recordings that are tested and trained on under two names.
    - Recordings that overlap in time with others: the end of one is the beginning of another, even where it
      was encoded or extracted twice. Changes from step to step are compared, in ranks, at every shift.
    - Features that were standardised, scaled to 0..1 or decorrelated over all rows, test rows included.
    - A score above chance where every group has the labels of another one.

    Parameters
    ----------
    model : estimator or Pipeline
        Cloned, and fitted `n_permutations` times in each fold. None leaves out the shuffled labels.
    X : as in `compare`
        The samples.
    y : as in `compare`
        The labels.
    groups : str or array-like of shape (n_rows,), optional
        Column of X or values that folds must not split; by default every row is a group.
    cv : int, scikit-learn splitter, iterable or None
        As in `compare`.
    n_permutations : int, default=5
        How many times labels are exchanged between groups; 0 leaves it out.
    random_state : int, default=0
        Seed of the exchanges.

    Returns
    -------
    LeakageReport
        What was found, and the scores with strange labels.

    Raises
    ------
    ValueError
        If lengths differ or `groups` or `cv` do not fit the rows.

    Warns
    -----
    LeakageWarning
        For each finding.

    Examples
    --------
    >>> import avfusion as av
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import check_leakage
    >>> X, y = av.datasets.make_audiovisual_regression(
    ...     8, recordings_per_subject=2, audio_rate_hz=1, video_rate_hz=1, random_state=0
    ... )
    >>> check_leakage(av.FrameRegressor(Ridge()), X, y, groups="subject", cv=4)
    No leak found: groups, copies, overlaps in time, preprocessing, shuffled labels.
    """
    X = X if isinstance(X, pd.DataFrame) or np.ndim(X) == 2 else as_sequences(X)
    targets = as_targets(y)
    given = read_groups(groups, X)
    with warnings.catch_warnings():  # of splitters that ignore groups: that is what is looked for here
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        folds = split_rows(cv, X, y, given)
    groups = np.arange(targets.n_rows) if given is None else given
    parted = _parted(folds, targets.n_rows)
    findings = [*_crossing_groups(groups, folds)]
    if isinstance(X, pd.DataFrame):
        findings += [*_copies(X, parted), *_overlaps(X, parted)]
    findings += _preprocessing(X)
    scores = np.empty(0)
    if model is not None and n_permutations and len(pd.unique(groups)) > 2:
        scores = shuffled_scores(model, X, y, groups, folds, n_permutations, random_state)
        findings += _above_chance(scores)
    for _, message in findings:
        warnings.warn(message, LeakageWarning, stacklevel=2)
    return LeakageReport(findings, scores)


def _parted(folds, n_rows):
    """Tell for each pair of rows whether a fold trains on one and tests the other, (n_rows, n_rows) bool."""
    parted = np.zeros((n_rows, n_rows), dtype=bool)
    for train, test in folds:
        parted[np.ix_(train, test)] = parted[np.ix_(test, train)] = True
    return parted


def _crossing_groups(groups, folds):
    crossing = {}
    for number, (train, test) in enumerate(folds, 1):
        for group in pd.unique(groups[test]):
            if (groups[train] == group).any():
                crossing.setdefault(group, number)
    if crossing:
        group, number = next(iter(crossing.items()))
        yield (
            "groups",
            f"{len(crossing)} of {len(pd.unique(groups))} groups are trained on and tested in the same fold, "
            f"such as {group} in fold {number}. Split by groups: cv=GroupKFold() or LeaveOneGroupOut().",
        )


def _copies(X, parted):
    arrays = [X[name].array for name in sequence_columns(X)]
    rows_of = {}
    for row in range(len(X)):
        key = tuple(array[row].digest() if array.lengths[row] > 0 else None for array in arrays)
        if any(part is not None for part in key):
            rows_of.setdefault(key, []).append(row)
    pairs = [
        (one, other)
        for rows in rows_of.values()
        for i, one in enumerate(rows)
        for other in rows[i + 1 :]
        if parted[one, other]
    ]
    if pairs:
        names = [row_name(row, X.index) for row in pairs[0]]
        yield (
            "copies",
            f"{len(pairs)} pair(s) of rows hold the same recording and are trained on and tested in the same "
            f"fold, such as {names[0]} and {names[1]}. Drop one of each, or put both into one group.",
        )


def _overlaps(X, parted):
    rows, pairs = np.arange(len(X)), []
    candidates = [(i, j) for i in rows for j in rows if i != j and parted[i, j]]
    candidates.sort(key=lambda pair: (abs(pair[0] - pair[1]), pair))  # neighbours first
    for name in sequence_columns(X):
        array = X[name].array
        changes = {}
        for one, other in candidates[:MAX_PAIRS]:
            for row in (one, other):
                if row not in changes:
                    changes[row] = _ranked_changes(array, row)
            steps, correlation = overlap(changes[one], changes[other])
            if correlation >= MIN_CORRELATION:
                pairs.append((correlation, one, other, name, steps + 1))
    if pairs:
        best = {}
        for pair in sorted(pairs):
            best[pair[1:3]] = pair
        correlation, one, other, name, steps = max(best.values())
        rate_hz = X[name].array.rate_hz
        length = f"{steps} steps" if rate_hz is None else f"{steps / rate_hz:.1f} s"
        yield (
            "overlaps",
            f"{len(best)} pair(s) of recordings seem to overlap in time, and are trained on and tested in "
            f"the same fold: the last {length} of {name!r} in {row_name(one, X.index)} are like the first of "
            f"{row_name(other, X.index)} (correlation of changes {correlation:.2f}). Cut the overlap off, or "
            "put them into one group.",
        )


def _ranked_changes(array, row):
    """Ranks of the changes from step to step, standardised, (steps - 1, features); None for short rows."""
    if array.lengths[row] <= MIN_OVERLAP:
        return None
    begin, length = array.starts[row], array.lengths[row]
    columns = np.unique(np.linspace(0, array.width - 1, MAX_FEATURES).astype(int))
    frames = np.nan_to_num(np.asarray(array.frames[begin : begin + length])[:, columns].astype(float))
    ranks = stats.rankdata(np.diff(frames, axis=0), axis=0)
    spread = ranks.std(axis=0)
    return (ranks - ranks.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def overlap(one, other):
    """Find where the end of one series is most like the beginning of another.

    Parameters
    ----------
    one : ndarray of shape (steps, features) or None
        Nothing is found where one of the two is None.
    other : ndarray of shape (steps, features) or None

    Returns
    -------
    steps : int
        Length of the overlap, 0 if none stands out from chance.
    correlation : float
        Mean over features, there.

    Examples
    --------
    >>> import numpy as np
    >>> film = np.random.default_rng(0).normal(size=(500, 3))
    >>> steps, correlation = overlap(film[:300], film[200:])
    >>> steps, round(correlation, 3)
    (100, 1.0)
    """
    if one is None or other is None:
        return 0, 0.0
    longest = min(len(one), len(other), MAX_STEPS)
    if longest < MIN_OVERLAP:
        return 0, 0.0
    end, beginning = one[::-1][:longest], other[:longest]
    length = np.arange(1, longest + 1)[:, None]
    # the product of the last l steps of one with the first l of the other, for all l at once
    products = fftconvolve(end, beginning, axes=0)[:longest] / length
    means = [np.cumsum(x, axis=0) / length for x in (end, beginning)]
    variances = [np.cumsum(x**2, axis=0) / length - m**2 for x, m in zip((end, beginning), means)]
    varies = (variances[0] > 1e-9) & (variances[1] > 1e-9)
    norm = np.sqrt(np.where(varies, variances[0] * variances[1], 1.0))
    correlation = np.where(varies, (products - means[0] * means[1]) / norm, 0.0).mean(axis=1)
    z = np.arctanh(np.clip(correlation, -0.99999, 0.99999)) * np.sqrt(length[:, 0] * one.shape[1])
    best = MIN_OVERLAP - 1 + int(np.argmax(z[MIN_OVERLAP - 1 :]))
    return (best + 1, float(correlation[best])) if z[best] >= MIN_Z else (0, 0.0)


def _preprocessing(X):
    if isinstance(X, pd.DataFrame):
        tables = {
            f"column {name!r}": X[name].array.pack().frames
            for name in sequence_columns(X)
            if X[name].notna().any()
        }
    else:
        tables = {"X": np.asarray(X)}
    for name, table in tables.items():
        table = np.asarray(table, dtype=float)
        table = table[np.isfinite(table).all(axis=1)]
        if len(table) < 50:
            continue
        done = _fitted_on_all(table)
        if done:
            yield (
                "preprocessing",
                f"The features of {name} are {done} over all rows, those that are tested included. Leave "
                "them as they were, and put the transformer into the pipeline.",
            )


def _fitted_on_all(table):
    mean, spread = table.mean(axis=0), table.std(axis=0)
    table, mean, spread = table[:, spread > 0], mean[spread > 0], spread[spread > 0]
    if not table.shape[1]:
        return ""
    if (np.abs(mean) < 1e-4).all() and (np.abs(spread - 1) < 1e-4).all():
        return "standardised"
    if (
        (np.abs(table.min(axis=0)) < 1e-6).all()
        and (np.abs(table.max(axis=0) - 1) < 1e-6).all()
        and len(np.unique(table)) > 2
    ):
        return "scaled to 0..1"
    if 1 < table.shape[1] <= 1000 and (np.abs(mean) < 1e-4 * spread).all():
        correlation = np.corrcoef(table, rowvar=False) - np.eye(table.shape[1])
        if np.abs(correlation).max() < 1e-4:
            return "uncorrelated (as a PCA makes them)"
    return ""


def shuffled_scores(model, X, y, groups, folds, n_permutations, random_state):
    """Cross-validate with every group given the labels of another one.

    Parameters
    ----------
    model : estimator
    X, y : as in `compare`
    groups : ndarray of shape (n_rows,)
    folds : list of (train, test)
    n_permutations : int
    random_state : int

    Returns
    -------
    ndarray of shape (n_permutations,)
        CCC, mean over folds.
    """
    rng = np.random.default_rng(random_state)
    scores = []
    for _ in range(n_permutations):
        strange = exchange_labels(y, groups, rng)
        outcome = score_folds(model, X, strange, folds, _ccc_of)
        scores.append(np.mean([fold.score for fold in outcome]))
    return np.array(scores)


def _ccc_of(estimator, X, y):
    return ccc_score(y, estimator.predict(X))


def exchange_labels(y, groups, rng):
    """Give every group the labels of another one, row by row, repeated or cut to the length of the row.

    Parameters
    ----------
    y : labels in any form
    groups : ndarray of shape (n_rows,)
    rng : numpy.random.Generator

    Returns
    -------
    labels in the form of y

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([1.0, 2.0, 3.0, 4.0])
    >>> exchange_labels(y, np.array(["a", "a", "b", "b"]), np.random.default_rng(0))
    array([3., 4., 1., 2.])
    """
    targets = as_targets(y)
    order = rng.permutation(pd.unique(groups))
    giver_of = dict(zip(order, np.roll(order, 1)))  # nobody keeps their own
    giver_rows = {group: np.flatnonzero(groups == group) for group in order}
    taken = dict.fromkeys(order, 0)
    cells = [targets.values[targets.row_of_value == row] for row in range(targets.n_rows)]
    strange = []
    for row, group in enumerate(groups):
        givers = giver_rows[giver_of[group]]
        source = cells[givers[taken[group] % len(givers)]]
        taken[group] += 1
        steps = len(cells[row])
        if not len(source):
            source = np.full((1, targets.form.n_targets), np.nan)
        strange.append(np.resize(source, (steps, source.shape[1])) if steps else cells[row])
    index = y.index if isinstance(y, (pd.DataFrame, pd.Series)) else None
    values = np.concatenate(strange)
    return targets.form.wrap(values, targets.lengths, index)


def _above_chance(scores):
    mean = scores.mean()
    error = scores.std(ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else np.inf
    if mean > 0.05 and mean > stats.t.ppf(0.995, max(1, len(scores) - 1)) * error:
        yield (
            "labels",
            f"With the labels of other groups the model still has a CCC of {mean:.2f} (standard error "
            f"{error:.2f}): something tells it which group a row is of. Split by groups, and look for "
            "features that name the speaker or the recording.",
        )
