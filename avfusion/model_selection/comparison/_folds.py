"""Split rows into folds, and check that no recording is in two groups."""

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, check_cv

from avfusion.model_selection.splitters._crossed_group_k_fold import CrossedGroupKFold
from avfusion.sequences._copies import same_recordings
from avfusion.sequences._groups import combined
from avfusion.sequences._messages import row_name
from avfusion.sequences._targets import as_targets

_FEW_GROUPS = 10
_PARTS = 4  # of each kind of groups: 16 folds of two kinds train 9 times as many rows as there are


def make_folds(cv, X, y, groups):
    """Split the rows, once for all estimators.

    Parameters
    ----------
    cv : int, scikit-learn splitter, iterable of (train, test) or None
        With groups, None is leave-one-group-out up to 10 groups and 5 group folds beyond, and an int that
        many group folds; without groups, None is 5 folds. With groups of several kinds, None is
        `CrossedGroupKFold` of 4 parts of each (fewer, where one has fewer values), and an int that many.
    X, y : as in `compare`
        The samples.
    groups : ndarray of shape (n_rows,), DataFrame or None
        Groups of one kind, or a table from `read_group_columns`.

    Returns
    -------
    list of (train, test)
        Arrays of row positions. Every row is tested at most once.

    Raises
    ------
    ValueError
        If there are too few groups, or a row is tested twice, or both trained on and tested in a fold.

    Examples
    --------
    >>> [test.tolist() for _, test in make_folds(None, np.zeros(4), None, np.array([1, 1, 2, 2]))]
    [[0, 1], [2, 3]]
    """
    folds = split_rows(cv, X, y, groups)
    tested, times = np.unique(np.concatenate([test for _, test in folds]), return_counts=True)
    if times.max() > 1:
        raise ValueError(
            f"cv tests row {tested[times.argmax()]} {times.max()} times, but a row has only one out-of-fold "
            "prediction. Use a splitter without repeats, such as KFold."
        )
    return folds


def split_rows(cv, X, y, groups):
    """Split the rows; they may be tested several times, as in repeated cross-validation.

    Parameters
    ----------
    cv, X, y, groups : as in `make_folds`

    Returns
    -------
    list of (train, test)
        Arrays of row positions.

    Raises
    ------
    ValueError
        If there are too few groups, or a row is both trained on and tested in a fold.

    Examples
    --------
    >>> len(split_rows(5, np.zeros((10, 1)), None, None))
    5
    """
    splitter = _splitter(cv, groups)
    if isinstance(groups, pd.DataFrame) and not getattr(splitter, "takes_group_columns", False):
        groups = combined(groups)
    folds = [(np.asarray(train), np.asarray(test)) for train, test in splitter.split(X, y, groups)]
    folds = [tuple(np.flatnonzero(side) if side.dtype == bool else side for side in fold) for fold in folds]
    if not folds:
        raise ValueError("cv yields no fold.")
    for number, (train, test) in enumerate(folds, start=1):
        if np.intersect1d(train, test).size:
            raise ValueError(f"Fold {number} of cv tests rows that it trains on.")
    return folds


def labelled_folds(folds, y):
    """Leave out folds without labels to score, with a warning.

    Parameters
    ----------
    folds : list of (train, test)
    y : Targets, or as in `compare`
        The labels; NaN and missing rows are unlabelled.

    Returns
    -------
    list of (train, test)
        Those whose test rows have a label of every target.

    Raises
    ------
    ValueError
        If none is left.

    Warns
    -----
    UserWarning
        If folds are left out; the message has their numbers.

    Examples
    --------
    >>> folds = [(np.array([1]), np.array([0])), (np.array([0]), np.array([1]))]
    >>> len(labelled_folds(folds, [0.5, 0.7]))
    2
    """
    labelled = as_targets(y).labelled
    missing = [
        number for number, (_, test) in enumerate(folds, start=1) if not labelled[test].any(axis=0).all()
    ]
    if len(missing) == len(folds):
        raise ValueError("No fold has a label of every target in its test rows, so that none can be scored.")
    if missing:
        warnings.warn(
            f"Of {len(folds)} folds these have no label of every target in their test rows and are left out: "
            f"{', '.join(map(str, missing))}.",
            stacklevel=3,
        )
    return [fold for number, fold in enumerate(folds, start=1) if number not in missing]


def _splitter(cv, groups):
    if groups is None or not (cv is None or isinstance(cv, (int, np.integer))):
        return KFold(5) if cv is None else check_cv(cv)
    if isinstance(groups, pd.DataFrame) and groups.shape[1] > 1:
        return _crossed(groups) if cv is None else CrossedGroupKFold(n_splits=int(cv))
    groups = combined(groups) if isinstance(groups, pd.DataFrame) else groups
    n_groups = len(pd.unique(groups))
    if n_groups < 2:
        raise ValueError("groups has a single value; at least 2 groups are needed to hold one out.")
    if cv is not None:
        return GroupKFold(int(cv))
    return LeaveOneGroupOut() if n_groups <= _FEW_GROUPS else GroupKFold(5)


def _crossed(columns):
    """Return folds of several kinds of groups, at least 2 of each."""
    return CrossedGroupKFold(n_splits=[max(2, min(_PARTS, columns[name].nunique())) for name in columns])


def check_no_copies(X, groups):
    """Raise an error if a recording is in two groups: one copy would be tested by a model that saw the other.

    Parameters
    ----------
    X : DataFrame
        Rows are compared by the content of their sequence columns; absent streams do not count.
    groups : ndarray of shape (n_rows,) or DataFrame
        Group of each row; of several kinds it is enough to share one, since such rows do not meet.

    Raises
    ------
    ValueError
        Names the two rows.

    Examples
    --------
    >>> from avfusion.sequences import as_sequences
    >>> X = as_sequences({"audio": [[1.0, 2.0], [3.0], [1.0, 2.0]]})
    >>> check_no_copies(X, np.array([0, 1, 0]))
    >>> check_no_copies(X, np.array([0, 1, 2]))
    Traceback (most recent call last):
    ...
    ValueError: The recording of row 0 (index 0) in group 0 is also in row 2 (index 2) in group 2. ...
    """
    columns = groups if isinstance(groups, pd.DataFrame) else pd.DataFrame({"group": groups})
    codes, groups = columns.apply(lambda column: pd.factorize(column)[0]).to_numpy(), combined(columns)
    for rows in same_recordings(X):
        own = codes[rows]
        if (own == own[0]).all(axis=0).any():
            continue
        pairs = ((row, np.flatnonzero((own != codes[row]).all(axis=1))) for row in rows)
        first, others = next(((row, others) for row, others in pairs if len(others)), (None, None))
        if first is not None:
            other = rows[others[0]]
            names = [row_name(row, X.index) for row in (first, other)]
            labels = [repr(pd.Series(groups[[row]]).tolist()[0]) for row in (first, other)]
            raise ValueError(
                f"The recording of {names[0]} in group {labels[0]} is also in {names[1]} in group "
                f"{labels[1]}. Drop one of the two, or give both the same group."
            )
