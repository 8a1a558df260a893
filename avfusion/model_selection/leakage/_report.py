"""Whether a cross-validation can be believed: what training gets to know of the rows that are tested."""

import numbers
import warnings
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from avfusion.model_selection.comparison._folds import split_rows
from avfusion.model_selection.leakage import _overlaps as overlaps
from avfusion.model_selection.leakage._duplicates import same_recordings, same_rows, same_stretches
from avfusion.model_selection.leakage._label_permutation import exchanged_scores, judge
from avfusion.model_selection.leakage._preprocessing import MIN_ROWS, fitted_on_all
from avfusion.sequences import as_sequences, sequence_columns
from avfusion.sequences._groups import read_groups
from avfusion.sequences._rows import read_labels, read_rows
from avfusion.sequences._target_columns import row_name
from avfusion.sequences._targets import as_targets

__all__ = ["LeakageReport", "LeakageWarning", "check_leakage"]

ALIKE = 0.2  # CCC that labels which are alike explain, from which on a model's says too little


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
    """What `check_leakage` found, what it looked at and what it did not.

    Parameters
    ----------
    findings : list of (str, str)
        Kind ("groups", "copies", "overlaps", "preprocessing", "labels") and what to do about it.
    shuffled_scores : ndarray of shape (n_permutations,)
        Scores with the labels of other groups, which should lie about zero.
    looked_at : list of str
        Kinds of leak that were looked for.
    not_looked_at : list of str
        Kinds, or parts of them, that were not, with the reason.

    Examples
    --------
    >>> LeakageReport([], looked_at=["groups"], not_looked_at=["shuffled labels (no model)"])
    No leak found: groups.
    Not looked at: shuffled labels (no model).
    """

    findings: list
    shuffled_scores: np.ndarray = field(default_factory=lambda: np.empty(0))
    looked_at: list = field(default_factory=list)
    not_looked_at: list = field(default_factory=list)

    def __repr__(self):
        lines = [f"{kind}: {message}" for kind, message in self.findings]
        if self.looked_at:
            lines.append(f"{'Looked at' if lines else 'No leak found'}: {', '.join(self.looked_at)}.")
        if self.not_looked_at:
            lines.append(f"Not looked at: {'; '.join(self.not_looked_at)}.")
        return "\n".join(lines) or "Nothing was looked at."


class _Outcome(NamedTuple):
    """What one check adds to the report."""

    findings: list
    looked_at: list
    not_looked_at: list


def check_leakage(model, X, y, groups=None, cv=None, *, n_permutations=5, random_state=0):
    """Look for what would make cross-validated scores too good; warn of each thing found.

    - Groups (speakers, recordings) that are trained on and tested in the same fold.
    - Recordings, or rows of a table, that are tested and trained on under two names.
    - Recordings that share a stretch of time, anywhere in each, even where it was encoded or extracted twice
      or is a noisy copy. Changes from step to step are compared, in ranks, at every shift.
    - Features that were standardised, scaled to a range or by quartiles, or decorrelated over all rows, test
      rows included. What was done to each recording, each group or each value of another column of X alone
      is fine: it needs no labels and no other rows.
    - A score above chance where every group has the labels of another one, as far as the labels of groups
      are not alike by themselves.

    The report says which of these were looked at, and which were not and why. For each column, overlaps take
    some 5 s for 100 recordings of 7500 steps, 40 s for 1000 of 600; beyond about 2 minutes, pairs of rows
    far from one another are compared in steps of 8, or for what is exactly the same only.

    Parameters
    ----------
    model : estimator or Pipeline
        Cloned, and fitted `n_permutations` times in each fold; a search gets the groups of its training
        rows, as in `compare`. None leaves out the shuffled labels.
    X : as in `compare`
        The samples.
    y : as in `compare`
        The labels. Groups without any take no part in the exchange.
    groups : str or array-like of shape (n_rows,), optional
        Column of X or values that folds must not split; by default every row is a group.
    cv : int, scikit-learn splitter, iterable or None
        As in `compare`.
    n_permutations : int, default=5
        How many times labels are exchanged between groups; 0 leaves it out. One could not be told from
        chance; two or three show strong leaks only.
    random_state : int, default=0
        Seed of the exchanges.

    Returns
    -------
    LeakageReport
        What was found, what was looked at, and the scores with strange labels.

    Raises
    ------
    ValueError
        If lengths differ, `groups` or `cv` do not fit the rows, or `n_permutations` is 1 or negative.

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
    if not isinstance(n_permutations, numbers.Integral) or n_permutations < 0 or n_permutations == 1:
        raise ValueError(
            "n_permutations must be 0, which leaves out the shuffled labels, or a whole number from 2 on, "
            f"not {n_permutations!r}: the spread of the scores tells what is above chance."
        )
    X, y = read_rows(X), read_labels(y)
    targets = as_targets(y)
    given = read_groups(groups, X)
    with warnings.catch_warnings():  # of splitters that ignore groups: that is what is looked for here
        warnings.filterwarnings("ignore", message="The groups parameter is ignored")
        folds = split_rows(cv, X, y, given)
    parted = _parted(folds, targets.n_rows)
    outcomes = [_crossing_groups(given, folds)]
    outcomes += _look_at(X, parted, given, groups if isinstance(groups, str) else None)
    scores, outcome = _shuffled_labels(model, X, y, targets, given, folds, n_permutations, random_state)
    findings, looked_at, not_looked_at = ([*chain(*parts)] for parts in zip(*outcomes, outcome))
    for _, message in findings:
        warnings.warn(message, LeakageWarning, stacklevel=2)
    return LeakageReport(findings, scores, looked_at, not_looked_at)


def _parted(folds, n_rows):
    """Tell for each pair of rows whether a fold trains on one and tests the other, (n_rows, n_rows) bool."""
    parted = np.zeros((n_rows, n_rows), dtype=bool)
    for train, test in folds:
        parted[np.ix_(train, test)] = parted[np.ix_(test, train)] = True
    return parted


def _crossing_groups(groups, folds):
    if groups is None:
        return _Outcome([], [], ["groups (none were given, each row counts as one)"])
    codes, names = pd.factorize(groups)
    crossing = {}
    for number, (train, test) in enumerate(folds, 1):
        for group in np.intersect1d(codes[train], codes[test]):
            crossing.setdefault(group, number)
    if not crossing:
        return _Outcome([], ["groups"], [])
    group, number = next(iter(crossing.items()))
    message = (
        f"{len(crossing)} of {len(names)} groups are trained on and tested in the same fold, such as "
        f"{names[group]} in fold {number}. Split by groups: cv=GroupKFold() or LeaveOneGroupOut()."
    )
    return _Outcome([("groups", message)], ["groups"], [])


def _look_at(X, parted, groups, group_column):
    """Look at the samples themselves: copies, overlaps, preprocessing."""
    if not (isinstance(X, pd.DataFrame) or sparse.issparse(X) or _is_table(X)):
        X = as_sequences(X)
    if isinstance(X, pd.DataFrame) and sequence_columns(X):
        pairs = same_recordings(X, parted)
        return [
            _copies("recording", pairs, X.index),
            _overlaps(X, parted, pairs),
            _preprocessing(_columns(X), X, groups),
        ]
    table = _numbers(X, group_column)
    time = _Outcome([], [], ["overlaps in time (a table has no time)"])
    if table is None:
        return [_Outcome([], [], ["copies and preprocessing (no table of numbers)"]), time]
    pairs = same_rows(table, parted)
    if pairs is None:
        copies = _Outcome([], [], ["copies (the rows have so few values that equal ones mean nothing)"])
    else:
        copies = _copies("numbers", pairs, X.index if isinstance(X, pd.DataFrame) else None)
        copies.not_looked_at.append("copies that are not exact (in a table)")
    return [copies, time, _preprocessing([("X", (table, np.arange(len(table))))], X, groups)]


def _is_table(X):
    try:
        return np.ndim(X) == 2
    except ValueError:  # arrays of different lengths, one for each row
        return False


def _numbers(X, group_column):
    """Pick the floats of a table, or its whole numbers if it has no others, (n_rows, n_features)."""
    if not isinstance(X, pd.DataFrame):
        X = None if sparse.issparse(X) else pd.DataFrame(X).infer_objects()
    if X is None:
        return None
    features = X.drop(columns=[group_column] if group_column else [])
    floats = features.select_dtypes("float")
    chosen = floats if floats.shape[1] else features.select_dtypes("number")
    return chosen.to_numpy(dtype=float, na_value=np.nan) if chosen.shape[1] else None


def _columns(X):
    """Give the steps of each column of sequences, and the row of each step."""
    for name in sequence_columns(X):
        array = X[name].array
        yield f"column {name!r}", (array.pack().frames, np.repeat(np.arange(len(X)), array.lengths.clip(0)))


def _copies(what, pairs, index):
    if not pairs:
        return _Outcome([], ["copies"], [])
    names = [row_name(row, index) for row in pairs[0]]
    message = (
        f"{len(pairs)} pair(s) of rows hold the same {what} and are trained on and tested in the same fold, "
        f"such as {names[0]} and {names[1]}. Drop one of each, or put both into one group."
    )
    return _Outcome([("copies", message)], ["copies"], [])


def _overlaps(X, parted, copies):
    parted = parted.copy()
    for one, other in copies:
        parted[one, other] = parted[other, one] = False
    best, alike, missed, n_compared = {}, set(), [], 0
    for name in sequence_columns(X):
        array = X[name].array
        short = int(((array.lengths > 0) & (array.lengths <= overlaps.MIN_OVERLAP)).sum())
        if short:
            missed.append(f"overlaps in {name!r} of {short} rows of {overlaps.MIN_OVERLAP} steps or less")
        found = {}
        for hop in (1, overlaps.COARSE):
            pairs, compared, n_pairs = overlaps.find_overlaps(array, parted, hop, overlaps.MAX_WORK)
            n_compared += compared
            found = {(pair.one, pair.other): pair for pair in pairs} | found
            if compared < n_pairs:
                steps = "steps" if hop == 1 else f"steps of {hop}"
                missed.append(
                    f"overlaps in {name!r}, in {steps}, in {n_pairs - compared} of {n_pairs} pairs of rows "
                    "that are far from one another (too many; but what is exactly the same was looked for)"
                )
        for one, other in same_stretches(array, parted):
            if (one, other) not in found:
                found[one, other] = overlaps.exact_overlap(array, one, other)
        alike |= {name} if found else set()
        for key, pair in found.items():
            best[key] = max(best.get(key, (pair, name)), (pair, name))
    looked_at = ["overlaps in time"] if n_compared or not missed else []
    if not best:
        return _Outcome([], looked_at, missed)
    pair, name = max(best.values())
    length, begin, other_begin = (
        f"{steps} steps" if X[name].array.rate_hz is None else f"{steps / X[name].array.rate_hz:.1f} s"
        for steps in (pair.steps, pair.begin, pair.other_begin)
    )
    message = (
        f"{len(best)} pair(s) of recordings seem to overlap in time, and are trained on and tested in the "
        f"same fold: {length} of {name!r} in {row_name(pair.one, X.index)}, from {begin} on, are like those "
        f"in {row_name(pair.other, X.index)} from {other_begin} on (correlation of changes "
        f"{pair.correlation:.2f}). Cut the overlap off, or put them into one group."
    )
    others = [name for name in sequence_columns(X) if name not in alike and X[name].notna().any()]
    if others:
        message += (
            f" No {' or '.join(map(repr, others))} is like another: if several people watched the same film, "
            "the scores are of new people, not of new films."
        )
    return _Outcome([("overlaps", message)], looked_at, missed)


def _preprocessing(tables, X, groups):
    codes = [] if groups is None else [pd.factorize(groups)[0]]
    if isinstance(X, pd.DataFrame):
        others = X.drop(columns=sequence_columns(X)).select_dtypes(exclude="float")
        codes += [pd.factorize(column.astype(str))[0] for _, column in others.items()]
    findings, looked_at, missed = [], [], []
    for name, (table, row) in tables:
        if len(table) < MIN_ROWS:
            missed.append(f"preprocessing of {name} (fewer than {MIN_ROWS} lines)")
            continue
        looked_at = ["preprocessing"]
        done, n_features = fitted_on_all(table, [row, *(code[row] for code in codes)])
        if done:
            which = "The" if n_features == table.shape[1] else f"{n_features} of {table.shape[1]}"
            message = (
                f"{which} features of {name} are {done} over all rows, those that are tested included. Leave "
                "them as they were, and put the transformer into the pipeline."
            )
            findings.append(("preprocessing", message))
    return _Outcome(findings, looked_at, missed)


def _shuffled_labels(model, X, y, targets, groups, folds, n_permutations, random_state):
    """Score the model with strange labels: the scores, and what they tell."""
    labelled = targets.labelled.any(axis=1)
    n_labelled = len(pd.unique((np.arange(len(labelled)) if groups is None else groups)[labelled]))
    reason = (
        "no model"
        if model is None
        else "n_permutations is 0"
        if not n_permutations
        else "fewer than 3 groups have labels"
        if n_labelled < 3
        else ""
    )
    if reason:
        return np.empty(0), _Outcome([], [], [f"shuffled labels ({reason})"])
    scores, likeness = exchanged_scores(model, X, y, groups, folds, n_permutations, random_state)
    leaks, explained = judge(scores, likeness)
    if leaks:
        error = scores.std(ddof=1) / np.sqrt(len(scores))
        alike = f", of which labels that are alike explain {explained:.2f}" if explained else ""
        if groups is None or _crossing_groups(groups, folds).findings:
            advice = "Split by groups, and look for features that name the speaker or the recording."
        else:
            advice = "Groups are kept apart: look for speakers of two names and features that hold labels."
        message = (
            f"With the labels of other groups the model still has a CCC of {scores.mean():.2f} (standard "
            f"error {error:.2f}{alike}): something tells it which group a row is of. {advice}"
        )
        return scores, _Outcome([("labels", message)], ["shuffled labels"], [])
    if explained > ALIKE:
        reason = (
            "labels of different groups are alike, as where people watch one film: they alone explain a CCC "
            f"of {explained:.2f}"
        )
        return scores, _Outcome([], [], [f"shuffled labels ({reason})"])
    return scores, _Outcome([], ["shuffled labels"], [])
