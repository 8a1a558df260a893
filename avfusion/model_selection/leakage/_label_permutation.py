"""Label permutation test: with labels permuted between groups, a model scores 0 unless something leaks."""

import numpy as np
import pandas as pd
from scipy import stats

from avfusion.metrics import ccc_score
from avfusion.model_selection.leakage._groups import crossing_groups
from avfusion.model_selection.leakage._report import Outcome
from avfusion.model_selection.search._cross_validation import score_folds
from avfusion.sequences._groups import rows_of_other_groups
from avfusion.sequences._targets import as_targets

MIN_EXCESS = 0.05  # CCC above what similar labels explain that counts as a leak
MAX_EXPLAINED = 0.2  # CCC that similar labels explain, above which the test is not informative


def permuted_scores(model, X, y, groups, folds, n_permutations, random_state=0):
    """Cross-validate with the labels of every group replaced by those of another one.

    Parameters
    ----------
    model : estimator
    X, y : as in `compare`
    groups : ndarray of shape (n_rows,) or None
        By default every row is a group, and none are passed on to a search.
    folds : list of (train, test)
        Those without labels on either side are left out.
    n_permutations : int
    random_state : int, default=0

    Returns
    -------
    scores : ndarray of shape (n_permutations,)
        CCC, mean over folds.
    similarity : ndarray of shape (n_permutations,)
        CCC of the permuted labels and the true ones, mean over folds.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> rng = np.random.default_rng(0)
    >>> X, folds = rng.normal(size=(90, 2)), [(np.arange(45), np.arange(45, 90))]
    >>> scores, similarity = permuted_scores(Ridge(), X, X[:, 0], None, folds, 3)
    >>> bool(np.abs(scores).max() < 0.3), bool(np.abs(similarity).max() < 0.3)
    (True, True)
    """
    rng = np.random.default_rng(random_state)
    labelled = as_targets(y).labelled.any(axis=1)
    folds = [fold for fold in folds if all(labelled[side].any() for side in fold)]
    of_rows = np.arange(len(labelled)) if groups is None else groups
    scores, similarity = [], []
    for _ in range(n_permutations):
        permuted = permute_labels(y, of_rows, rng)
        outcome = score_folds(model, X, permuted, folds, _score, groups)
        scores.append(np.mean([fold.score for fold in outcome]))
        similarity.append(np.mean([_similarity(y, permuted, test) for _, test in folds]))
    return np.array(scores), np.array(similarity)


def _score(estimator, X, y):
    """CCC, mean over those targets that have labels here."""
    targets = as_targets(y)
    known = targets.labelled.any(axis=0)
    index = y.index if isinstance(y, (pd.DataFrame, pd.Series)) else None
    filled = targets.form.wrap(np.where(known, targets.values, 0.0), targets.lengths, index, targets.clock)
    return ccc_score(filled, estimator.predict(X), multioutput="raw_values")[known].mean()


def _similarity(y, permuted, test):
    true, other = as_targets(y), as_targets(permuted)
    tested = np.isin(true.row_of_value, test)
    both = ~np.isnan(true.values) & ~np.isnan(other.values) & tested[:, None]
    scores = [
        ccc_score(true.values[lines, k], other.values[lines, k])
        for k, lines in enumerate(both.T)
        if lines.any()
    ]
    return np.mean(scores) if scores else 0.0


def permute_labels(y, groups, rng):
    """Replace the labels of every group by those of another one, repeated or cut to the length of each row.

    Parameters
    ----------
    y : labels in any form
    groups : ndarray of shape (n_rows,)
        Rows without labels stay unlabelled, and their labels are not used for others.
    rng : numpy.random.Generator

    Returns
    -------
    labels in the form of y

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([1.0, 2.0, 3.0, 4.0])
    >>> permute_labels(y, np.array(["a", "a", "b", "b"]), np.random.default_rng(0))
    array([3., 4., 1., 2.])
    """
    labelled = as_targets(y).labelled.any(axis=1)
    return labels_of_rows(y, rows_of_other_groups(groups, rng, labelled))


def labels_of_rows(y, givers):
    """Give rows the labels of other rows, repeated or cut to the length of each row.

    Parameters
    ----------
    y : labels in any form
    givers : ndarray of int of shape (n_rows,)
        Row whose labels each row gets; -1 where it keeps its own.

    Returns
    -------
    labels in the form of y

    Examples
    --------
    >>> labels_of_rows([np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])], np.array([1, 0])).tolist()
    [array([3., 4.]), array([1., 2., 1.])]
    """
    targets = as_targets(y)
    cells = np.split(targets.values, np.flatnonzero(np.diff(targets.row_of_value)) + 1)
    cells = dict(zip(np.unique(targets.row_of_value), cells))
    permuted = [
        own if givers[row] < 0 else np.resize(cells[givers[row]], own.shape) for row, own in cells.items()
    ]
    index = y.index if isinstance(y, (pd.DataFrame, pd.Series)) else None
    return targets.form.wrap(np.concatenate(permuted), targets.lengths, index, targets.clock)


def is_above_chance(scores, similarity):
    """Return whether scores are above what chance and similar labels explain.

    If labels are the sum of a common and an individual part, the common part agrees with each of them as the
    square root of how well two of them agree. A model may learn that much from the labels of others.

    Parameters
    ----------
    scores, similarity : ndarray of shape (n_permutations,)
        As of `permuted_scores`.

    Returns
    -------
    leaks : bool
    explained : float
        CCC that the similarity of the labels explains; 0 if they are not similar.

    Examples
    --------
    >>> is_above_chance(np.array([0.50, 0.51]), np.array([0.01, -0.01]))
    (True, 0.0)
    >>> is_above_chance(np.array([0.50, 0.51]), np.array([0.36, 0.36]))
    (False, 0.6)
    """
    common = similarity.mean() if _above(similarity, 0.0, 0.95) else 0.0
    explained = float(np.sqrt(common))
    leaks = _above(scores, explained, 0.995) and bool(scores.mean() > explained + MIN_EXCESS)
    return leaks, round(explained, 2)


def _above(values, bound, level):
    error = values.std(ddof=1) / np.sqrt(len(values))
    return bool(values.mean() - bound > stats.t.ppf(level, len(values) - 1) * error)


def check_labels(model, X, y, targets, groups, folds, n_permutations, random_state):
    """Score a model with permuted labels, and look for more than chance and similar labels explain.

    Parameters
    ----------
    model : estimator or None
    X, y : as in `compare`
    targets : Targets
        Of y.
    groups, folds, n_permutations, random_state
        As in `permuted_scores`.

    Returns
    -------
    scores : ndarray of shape (n_permutations,)
        Empty if the model was not scored.
    outcome : Outcome
    """
    reason = _why_not(model, targets, groups, n_permutations)
    if reason:
        return np.empty(0), Outcome([], [], [f"shuffled labels ({reason})"])
    scores, similarity = permuted_scores(model, X, y, groups, folds, n_permutations, random_state)
    leaks, explained = is_above_chance(scores, similarity)
    if leaks:
        apart = groups is not None and not crossing_groups(groups, folds)
        return scores, Outcome([("labels", _message(scores, explained, apart))], ["shuffled labels"], [])
    if explained > MAX_EXPLAINED:
        reason = (
            "labels of different groups are similar, as where people watch one film: they alone explain a "
            f"CCC of {explained:.2f}"
        )
        return scores, Outcome([], [], [f"shuffled labels ({reason})"])
    return scores, Outcome([], ["shuffled labels"], [])


def _why_not(model, targets, groups, n_permutations):
    if model is None:
        return "no model"
    if not n_permutations:
        return "n_permutations is 0"
    labelled = targets.labelled.any(axis=1)
    groups = np.arange(len(labelled)) if groups is None else groups
    return "fewer than 3 groups have labels" if len(pd.unique(groups[labelled])) < 3 else ""


def _message(scores, explained, apart):
    error = scores.std(ddof=1) / np.sqrt(len(scores))
    similar = f", of which similar labels explain {explained:.2f}" if explained else ""
    advice = (
        "Groups are kept apart: look for speakers with two names and for features that contain labels."
        if apart
        else "Split by groups, and look for features that identify the speaker or the recording."
    )
    return (
        f"With the labels of other groups the model still has a CCC of {scores.mean():.2f} (standard error "
        f"{error:.2f}{similar}): something in X identifies the group of a row. {advice}"
    )
