"""Groups, such as speakers, that are trained on and tested in the same fold."""

import numpy as np
import pandas as pd

from avfusion.model_selection.leakage._report import Outcome


def check_groups(groups, folds):
    """Look for groups on both sides of a fold.

    Parameters
    ----------
    groups : ndarray of shape (n_rows,), DataFrame with a column for each kind, or None
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
    kinds = groups if isinstance(groups, pd.DataFrame) else pd.DataFrame({"group": groups})
    findings = []
    for kind in kinds:
        values = kinds[kind].to_numpy()
        crossing = crossing_groups(values, folds)
        if not crossing:
            continue
        name, number = next(iter(crossing.items()))
        several = kinds.shape[1] > 1
        remedy = "CrossedGroupKFold()" if several else "GroupKFold() or LeaveOneGroupOut()"
        message = (
            f"{len(crossing)} of {len(pd.unique(values))} groups{f' of {kind!r}' * several} are trained on "
            f"and tested in the same fold, such as {name} in fold {number}. Split by groups: cv={remedy}."
        )
        findings.append(("groups", message))
    return Outcome(findings, ["groups"], [])


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
