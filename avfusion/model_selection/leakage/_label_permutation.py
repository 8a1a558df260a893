"""What a model scores where every group has the labels of another one: nothing, unless something leaks."""

import numpy as np
import pandas as pd
from scipy import stats

from avfusion.metrics import ccc_score
from avfusion.model_selection.search._cross_validation import score_folds
from avfusion.sequences._targets import as_targets

FEW = 0.05  # CCC


def exchanged_scores(model, X, y, groups, folds, n_permutations, random_state=0):
    """Cross-validate with every group given the labels of another one.

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
    likeness : ndarray of shape (n_permutations,)
        CCC of the exchanged labels and the right ones, mean over folds.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> rng = np.random.default_rng(0)
    >>> X, folds = rng.normal(size=(90, 2)), [(np.arange(45), np.arange(45, 90))]
    >>> scores, likeness = exchanged_scores(Ridge(), X, X[:, 0], None, folds, 3)
    >>> bool(np.abs(scores).max() < 0.3), bool(np.abs(likeness).max() < 0.3)
    (True, True)
    """
    rng = np.random.default_rng(random_state)
    labelled = as_targets(y).labelled.any(axis=1)
    folds = [fold for fold in folds if all(labelled[side].any() for side in fold)]
    of_rows = np.arange(len(labelled)) if groups is None else groups
    scores, likeness = [], []
    for _ in range(n_permutations):
        strange = exchange_labels(y, of_rows, rng)
        outcome = score_folds(model, X, strange, folds, _score, groups)
        scores.append(np.mean([fold.score for fold in outcome]))
        likeness.append(np.mean([_alike(y, strange, test) for _, test in folds]))
    return np.array(scores), np.array(likeness)


def _score(estimator, X, y):
    """CCC, mean over those targets that have labels here."""
    targets = as_targets(y)
    known = targets.labelled.any(axis=0)
    index = y.index if isinstance(y, (pd.DataFrame, pd.Series)) else None
    filled = targets.form.wrap(np.where(known, targets.values, 0.0), targets.lengths, index)
    return ccc_score(filled, estimator.predict(X), multioutput="raw_values")[known].mean()


def _alike(y, strange, test):
    true, other = as_targets(y), as_targets(strange)
    tested = np.isin(true.row_of_value, test)
    both = ~np.isnan(true.values) & ~np.isnan(other.values) & tested[:, None]
    scores = [
        ccc_score(true.values[lines, k], other.values[lines, k])
        for k, lines in enumerate(both.T)
        if lines.any()
    ]
    return np.mean(scores) if scores else 0.0


def exchange_labels(y, groups, rng):
    """Give every group the labels of another one, row by row, repeated or cut to the length of the row.

    Parameters
    ----------
    y : labels in any form
    groups : ndarray of shape (n_rows,)
        Rows without labels keep that, and give none.
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
    labelled = targets.labelled.any(axis=1)
    order = rng.permutation(pd.unique(groups[labelled]))
    giver_of = dict(zip(order, np.roll(order, 1)))  # nobody keeps their own
    giver_rows = {group: np.flatnonzero(labelled & (groups == group)) for group in order}
    taken = dict.fromkeys(order, 0)
    cells = np.split(targets.values, np.flatnonzero(np.diff(targets.row_of_value)) + 1)
    cells = dict(zip(np.unique(targets.row_of_value), cells))
    strange = {}
    for row, own in cells.items():
        strange[row] = own
        if labelled[row]:
            givers = giver_rows[giver_of[groups[row]]]
            strange[row] = np.resize(cells[givers[taken[groups[row]] % len(givers)]], own.shape)
            taken[groups[row]] += 1
    index = y.index if isinstance(y, (pd.DataFrame, pd.Series)) else None
    return targets.form.wrap(np.concatenate(list(strange.values())), targets.lengths, index)


def judge(scores, likeness):
    """Tell whether the scores are above what chance, and labels that are alike, explain.

    If labels are something common and something of their own, then what is common agrees with each as the
    root of how well two of them agree. A model may learn that much from the labels of others.

    Parameters
    ----------
    scores, likeness : ndarray of shape (n_permutations,)
        As of `exchanged_scores`.

    Returns
    -------
    leaks : bool
    explained : float
        CCC that the likeness of the labels explains; 0 if they are not alike.

    Examples
    --------
    >>> judge(np.array([0.50, 0.51]), np.array([0.01, -0.01]))
    (True, 0.0)
    >>> judge(np.array([0.50, 0.51]), np.array([0.36, 0.36]))
    (False, 0.6)
    """
    alike = likeness.mean() if _above(likeness, 0.0, 0.95) else 0.0
    explained = float(np.sqrt(alike))
    return _above(scores, explained, 0.995) and bool(scores.mean() > explained + FEW), round(explained, 2)


def _above(values, bound, level):
    error = values.std(ddof=1) / np.sqrt(len(values))
    return bool(values.mean() - bound > stats.t.ppf(level, len(values) - 1) * error)
