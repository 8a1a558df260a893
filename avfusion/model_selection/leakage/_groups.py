"""Groups, such as speakers, that are trained on and tested in the same fold."""

import numpy as np
import pandas as pd

from avfusion.model_selection.leakage._report import Outcome


def check_groups(groups, folds):
    """Look for groups on both sides of a fold.

    Parameters
    ----------
    groups : ndarray of shape (n_rows,) or None
    folds : list of (train, test)

    Returns
    -------
    Outcome

    Examples
    --------
    >>> check_groups(np.array(["a", "b"]), [(np.array([0]), np.array([1]))])
    Outcome(findings=[], looked_at=['groups'], not_looked_at=[])
    """
    if groups is None:
        return Outcome([], [], ["groups (none were given, each row counts as one)"])
    crossing = crossing_groups(groups, folds)
    if not crossing:
        return Outcome([], ["groups"], [])
    name, number = next(iter(crossing.items()))
    message = (
        f"{len(crossing)} of {len(pd.unique(groups))} groups are trained on and tested in the same fold, "
        f"such as {name} in fold {number}. Split by groups: cv=GroupKFold() or LeaveOneGroupOut()."
    )
    return Outcome([("groups", message)], ["groups"], [])


def crossing_groups(groups, folds):
    """Return the groups on both sides of a fold, with the number of the first such fold.

    Examples
    --------
    >>> crossing_groups(np.array(["a", "a"], dtype=object), [(np.array([0]), np.array([1]))])
    {'a': 1}
    """
    codes, names = pd.factorize(groups)
    crossing = {}
    for number, (train, test) in enumerate(folds, start=1):
        for code in np.intersect1d(codes[train], codes[test]):
            crossing.setdefault(names[code], number)
    return crossing
