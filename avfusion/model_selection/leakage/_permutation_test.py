"""Test of a score against chance: the score when recordings have the labels of others."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from avfusion._parallel import all_results
from avfusion.model_selection.comparison._folds import split_rows
from avfusion.model_selection.leakage._label_permutation import labels_of_rows
from avfusion.model_selection.search._cross_validation import score_folds
from avfusion.model_selection.search._objective import resolve_scorer
from avfusion.sequences._groups import combined, read_group_columns, rows_of_groups
from avfusion.sequences._rows import read_samples
from avfusion.sequences._targets import as_targets

__all__ = ["PermutationTest", "permutation_test"]


class PermutationTest(NamedTuple):
    """The outcome of `permutation_test`, which unpacks as that of scikit-learn's `permutation_test_score`.

    Parameters
    ----------
    score : float
        With the labels as they are, mean over folds.
    permutation_scores : ndarray of shape (n_permutations,)
        With permuted labels, likewise.
    p_value : float
        Share of the permutations, the labels as they are among them, that score at least as high.

    Examples
    --------
    >>> score, permutation_scores, p_value = PermutationTest(0.5, np.array([0.1, 0.0]), 1 / 3)
    >>> score
    0.5
    """

    score: float
    permutation_scores: np.ndarray
    p_value: float


def permutation_test(
    estimator,
    X,
    y,
    *,
    groups=None,
    cv=None,
    n_permutations=100,
    n_jobs=None,
    random_state=0,
    verbose=0,
    scoring=None,
    permute="within",
) -> PermutationTest:
    """Test whether a cross-validated score is better than with the labels of other recordings.

    scikit-learn's `permutation_test_score` for recordings of unequal length, and the same numbers for labels
    per clip. The labels of a recording go as a whole to another one, repeated or cut to its length: shuffled
    frames would lose that neighbours are alike, and any model would be better than that.

    Parameters
    ----------
    estimator : estimator, Pipeline or search
        Cloned, and fitted ``n_permutations + 1`` times in each fold; a search gets the groups of its training
        rows, as in `compare`.
    X, y : as in `compare`
        The samples. Rows without labels get none and give none.
    groups : str, sequence of str or array-like of shape (n_rows,), optional
        Column of X or values, such as speakers, which an int or None as `cv` does not split.
    cv : int, scikit-learn splitter, iterable or None
        As in `compare`.
    n_permutations : int, default=100
        The smallest p is ``1 / (n_permutations + 1)``.
    n_jobs : int, optional
        Number of permutations that are scored at the same time.
    random_state : int, RandomState or None, default=0
        Seed of the permutations.
    verbose : int, default=0
        As in joblib.
    scoring : str or callable, optional
        A key of `avfusion.metrics.scorers`, a name that scikit-learn knows, or a scorer; by default the
        estimator's own score.
    permute : {"within", "between"}, default="within"
        Where there are groups: "within" permutes the rows of each, as scikit-learn does, which tests whether
        recordings of one person are told apart. "between" gives whole groups the labels of other groups,
        which tests whether people are; it is also for groups of one row.

    Returns
    -------
    PermutationTest
        ``score``, ``permutation_scores`` (n_permutations,), each the mean over folds, and ``p_value``,
        (C + 1) / (n_permutations + 1), where C of these are at least `score`, or NaN.

    Raises
    ------
    ValueError
        If lengths differ, `groups` or `cv` do not fit the rows, fewer than two rows or groups have labels,
        every group has one row and `permute` is "within", the score is NaN, or a parameter is not as above.

    See Also
    --------
    check_leakage : Whether a model has a score although labels were permuted.
    paired_differences : Whether one model is better than another.

    References
    ----------
    M. Ojala, G. C. Garriga. Permutation tests for studying classifier performance. JMLR 11, 2010.

    Examples
    --------
    >>> import avfusion as av
    >>> from avfusion.model_selection import permutation_test
    >>> X, y = av.datasets.make_audiovisual_regression(
    ...     8, audio_rate_hz=1, video_rate_hz=1, random_state=0
    ... )
    >>> score, permutation_scores, p_value = permutation_test(
    ...     av.FrameRegressor(), X, y, cv=4, n_permutations=19
    ... )
    >>> p_value
    0.05
    """
    if not isinstance(n_permutations, Integral) or n_permutations < 1:
        raise ValueError(f"n_permutations={n_permutations!r} must be an integer of at least 1.")
    if permute not in ("within", "between"):
        raise ValueError(f"permute={permute!r} must be 'within' or 'between'.")
    X, y = read_samples(X, y)
    columns = read_group_columns(groups, X)
    groups = None if columns is None else combined(columns)
    labelled = as_targets(y).labelled.any(axis=1)
    _check_permutable(groups, labelled, permute)
    scorer = resolve_scorer(estimator, scoring)
    folds = split_rows(cv, X, y, columns)
    random = check_random_state(random_state)
    score = _mean_score(estimator, X, y, folds, scorer, groups)
    if np.isnan(score):
        raise ValueError(
            "The score is NaN with the labels as they are, so that nothing can be tested: in a fold it is "
            "not defined, as R2 of one row, or `scoring` returns NaN. Use larger folds, or another score."
        )
    permutations = (
        labels_of_rows(y, _givers(groups, labelled, permute, random)) for _ in range(n_permutations)
    )
    scores = all_results(
        ((_mean_score, (estimator, X, permuted, folds, scorer, groups), {}) for permuted in permutations),
        n_jobs,
        verbose=verbose,
    )
    p_value = (np.sum(~(np.array(scores) < score)) + 1.0) / (n_permutations + 1)
    return PermutationTest(score, np.array(scores), float(p_value))


def _mean_score(estimator, X, y, folds, scorer, groups):
    return float(np.mean([fold.score for fold in score_folds(estimator, X, y, folds, scorer, groups)]))


def _givers(groups, labelled, permute, random):
    """Return the row whose labels each row gets, -1 for rows without labels; all permutations are alike."""
    givers = np.full(len(labelled), -1)
    if groups is None:
        givers[labelled] = random.permutation(np.flatnonzero(labelled))
    elif permute == "within":
        for group in np.unique(groups[labelled]):
            rows = np.flatnonzero(labelled & (groups == group))
            givers[rows] = random.permutation(rows)
    else:
        names = pd.unique(groups[labelled])
        givers = rows_of_groups(groups, dict(zip(names, random.permutation(names))), labelled)
    return givers


def _check_permutable(groups, labelled, permute):
    if groups is None or permute == "between":
        n = labelled.sum() if groups is None else len(pd.unique(groups[labelled]))
        if n < 2:
            what = "rows have" if groups is None else "groups have"
            raise ValueError(f"{n} {what} labels. Two at least are needed to give one the labels of another.")
    elif pd.Series(groups[labelled]).value_counts().max() < 2:
        raise ValueError(
            "Every group has one row, so that no labels can be permuted within groups. Use "
            'permute="between", or leave groups out.'
        )
