"""Folds inside the training rows, for estimators that learn from held-out predictions of others."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, KFold, check_cv

from avfusion.sequences._groups import combined, read_group_columns
from avfusion.sequences._messages import brief

__all__ = ["check_folds_labelled", "hold_out", "inner_folds"]


def inner_folds(X, groups, cv):
    """Split training rows into folds, so that something can be learnt from predictions for rows held out.

    Parameters
    ----------
    X : DataFrame
        The rows.
    groups : str, sequence of str, array-like of shape (n_rows,) or None
        Column of X, or values, that must not be on both sides of a fold; of several columns each combination
        is a group.
    cv : int or scikit-learn splitter
        An int gives that many folds, at most one for each row or group.

    Returns
    -------
    list of (train, test)
        Arrays of row positions; a list, since with metadata routing scikit-learn refuses to be given groups.

    Raises
    ------
    ValueError
        If there are fewer than two rows, groups or folds asked for, no fold at all, or a row is tested twice
        or in a fold that trains on it.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"subject": ["a", "b", "a"]})
    >>> [(train.tolist(), test.tolist()) for train, test in inner_folds(X, "subject", 5)]
    [([1], [0, 2]), ([0, 2], [1])]
    """
    columns = read_group_columns(groups, X)
    groups = None if columns is None else combined(columns)
    n_groups = len(X) if groups is None else len(np.unique(groups))
    if n_groups < 2:
        raise ValueError(
            f"At least two rows (two groups, where there are groups) are needed, so that one can be held "
            f"out; X has n_samples = {len(X)} in {n_groups} group(s)."
        )
    if isinstance(cv, Integral):
        if cv < 2:
            raise ValueError(f"Two folds at least are needed, so that each row can be held out; got {cv}.")
        cv = KFold(min(cv, n_groups)) if groups is None else GroupKFold(min(cv, n_groups))
    groups = columns if getattr(cv, "takes_group_columns", False) else groups
    folds = [tuple(np.arange(len(X))[side] for side in fold) for fold in check_cv(cv).split(X, groups=groups)]
    if not folds:
        raise ValueError(f"cv={brief(cv)} makes no fold. At least one must hold rows out.")
    times_tested = np.bincount(np.concatenate([test for _, test in folds]), minlength=len(X))
    if times_tested.max() > 1 or any(np.intersect1d(*fold).size for fold in folds):
        raise ValueError(f"cv={brief(cv)} tests a row twice, or in a fold that trains on it.")
    return folds


def check_folds_labelled(folds, labelled, names, rows="rows", parameter="cv"):
    """Raise where a target has no label in the training part of a fold.

    Parameters
    ----------
    folds : list of (train, test)
        Arrays of row positions.
    labelled : ndarray of shape (n_rows, n_targets)
        Whether each row has a label of each target, and can be used.
    names : list of str
        Of the targets.
    rows : str
        Which rows can be used, for the message.
    parameter : str
        By which the user chooses folds, for the message.

    Raises
    ------
    ValueError
        Naming fold and target, and what to do.

    Examples
    --------
    >>> labelled = np.array([[True], [False]])
    >>> check_folds_labelled([([0], [1])], labelled, ["arousal"])
    >>> check_folds_labelled([([0], [1]), ([1], [0])], labelled, ["arousal"])
    Traceback (most recent call last):
        ...
    ValueError: In inner fold 2 of 2, arousal is NaN in all training rows. Choose other folds with cv, so that
    each is trained on labelled rows, or leave the target out of y.
    """
    for fold, (train, _) in enumerate(folds, start=1):
        for k in np.flatnonzero(~labelled[train].any(axis=0)):
            raise ValueError(
                f"In inner fold {fold} of {len(folds)}, {names[k]} is NaN in all training {rows}. Choose "
                f"other folds with {parameter}, so that each is trained on labelled rows, or leave the "
                "target out of y."
            )


def hold_out(dataset, groups, fraction, random):
    """Return the rows to train on and those held out for early stopping.

    Parameters
    ----------
    dataset : StreamDataset
        With labels.
    groups : ndarray of shape (n_rows,) or None
        What must not be on both sides; by default each row is a group.
    fraction : float
        Share of the groups that is held out.
    random : RandomState

    Returns
    -------
    list of two StreamDataset

    Raises
    ------
    ValueError
        If there are fewer than two groups, or a target has no label on one side.
    """
    n_rows = len(dataset)
    groups = np.arange(n_rows) if groups is None else groups
    if len(np.unique(groups)) < 2:
        raise ValueError(
            "early_stopping needs at least two rows (two groups, where there are groups), one of them "
            f"to be held out; X has {n_rows} row(s) in {len(np.unique(groups))} group(s)."
        )
    split = GroupShuffleSplit(1, test_size=fraction, random_state=random)
    parts = [
        dataset.take(rows).with_weights_of_mean_one() for rows in next(split.split(groups, groups=groups))
    ]
    for part, name in zip(parts, ("training", "held-out")):
        if np.isnan(part.labels).all(axis=0).any():
            raise ValueError(
                f"A target has no label in the {name} rows of early_stopping. Label more rows or groups, "
                "change validation_fraction or random_state, or do without early_stopping."
            )
    return parts
