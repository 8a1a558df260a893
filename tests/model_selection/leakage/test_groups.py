"""Groups on both sides of a fold."""

import numpy as np
from sklearn.model_selection import KFold, LeaveOneGroupOut

from avfusion.model_selection.leakage._groups import check_groups, crossing_groups

GROUPS = np.array(["a", "a", "b", "b", "c", "c"])


def test_groups_are_named_with_the_first_fold_that_splits_them():
    folds = list(KFold(2).split(GROUPS))  # b has a row in each half
    assert crossing_groups(GROUPS, folds) == {"b": 1}
    ((kind, message),) = check_groups(GROUPS, folds).findings
    assert kind == "groups"
    assert message.startswith("1 of 3 groups are trained on and tested in the same fold, such as b in fold 1")


def test_folds_by_groups_are_fine_and_no_groups_are_not_looked_at():
    folds = list(LeaveOneGroupOut().split(GROUPS, groups=GROUPS))
    assert check_groups(GROUPS, folds) == ([], ["groups"], [])
    assert check_groups(None, folds).looked_at == []
