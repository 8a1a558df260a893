"""Folds inside the training rows, for estimators that learn from how others answer rows held out."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, check_cv

from avfusion.sequences.groups import read_groups

__all__ = ["inner_folds"]


def inner_folds(X, groups, cv):
    """Split training rows into folds, so that something can be learnt from answers to rows held out.

    Parameters
    ----------
    X : DataFrame
        The rows.
    groups : str, array-like of shape (n_rows,) or None
        Column of X, or values, that must not be on both sides of a fold.
    cv : int or scikit-learn splitter
        An int gives that many folds, at most one for each row or group.

    Returns
    -------
    list of (train, test)
        Arrays of row positions; a list, since with metadata routing scikit-learn refuses to be given groups.

    Raises
    ------
    ValueError
        If there are fewer than two rows or groups, or a row is tested twice or in a fold that trains on it.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"subject": ["a", "b", "a"]})
    >>> [(train.tolist(), test.tolist()) for train, test in inner_folds(X, "subject", 5)]
    [([1], [0, 2]), ([0, 2], [1])]
    """
    groups = read_groups(groups, X)
    n_groups = len(X) if groups is None else len(np.unique(groups))
    if n_groups < 2:
        raise ValueError(
            f"At least two rows (two groups, where there are groups) are needed, so that one can be held "
            f"out; X has n_samples = {len(X)} in {n_groups} group(s)."
        )
    if isinstance(cv, Integral):
        cv = KFold(min(cv, n_groups)) if groups is None else GroupKFold(min(cv, n_groups))
    folds = [tuple(np.arange(len(X))[side] for side in fold) for fold in check_cv(cv).split(X, groups=groups)]
    times_tested = np.bincount(np.concatenate([test for _, test in folds]), minlength=len(X))
    if times_tested.max() > 1 or any(np.intersect1d(*fold).size for fold in folds):
        raise ValueError(f"cv={cv!r} tests a row twice, or in a fold that trains on it.")
    return folds
