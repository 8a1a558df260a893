import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit, RepeatedKFold

from avfusion.estimators._inner_folds import check_folds_labelled, inner_folds

X = pd.DataFrame({"subject": list("aabbcdd")})


def equal(found, expected):
    return all(
        np.array_equal(a, b) for fold, other in zip(found, expected, strict=True) for a, b in zip(fold, other)
    )


def test_an_int_is_that_many_folds_of_rows_or_groups_as_far_as_there_are_any():
    assert equal(inner_folds(X, None, 3), KFold(3).split(X))
    assert equal(inner_folds(X, None, 50), KFold(7).split(X))
    assert equal(inner_folds(X, "subject", 2), GroupKFold(2).split(X, groups=X["subject"]))
    assert equal(inner_folds(X, "subject", 9), GroupKFold(4).split(X, groups=X["subject"]))


def test_splitters_are_taken_as_they_are_and_may_leave_rows_untested():
    fold = [-1, -1, -1, -1, 0, 0, -1]
    ((train, test),) = inner_folds(X, None, PredefinedSplit(fold))
    assert (train.tolist(), test.tolist()) == ([0, 1, 2, 3, 6], [4, 5])
    assert equal(inner_folds(X, "subject", GroupKFold(2)), GroupKFold(2).split(X, groups=X["subject"]))


def test_too_few_rows_or_groups():
    with pytest.raises(ValueError, match=r"n_samples = 1 in 1 group"):
        inner_folds(X[:1], None, 5)
    with pytest.raises(ValueError, match=r"n_samples = 2 in 1 group"):
        inner_folds(X[:2], "subject", 5)


@pytest.mark.parametrize("cv", [RepeatedKFold(n_splits=2, n_repeats=2), [([0, 1], [1, 2])]])
def test_rows_tested_twice_or_after_training_on_them(cv):
    with pytest.raises(ValueError, match=r"tests a row twice, or in a fold that trains on it"):
        inner_folds(X, None, cv)


@pytest.mark.parametrize("cv", [1, 0, -3])
def test_too_few_folds(cv):
    with pytest.raises(ValueError, match=f"Two folds at least are needed.*; got {cv}"):
        inner_folds(X, None, cv)


def test_a_splitter_without_folds():
    with pytest.raises(ValueError, match=r"cv=PredefinedSplit.* makes no fold"):
        inner_folds(X, None, PredefinedSplit([-1] * 7))


def test_a_fold_whose_training_rows_lack_a_target():
    labelled = np.ones((7, 2), dtype=bool)
    folds = inner_folds(X, "subject", 4)
    check_folds_labelled(folds, labelled, ["arousal", "valence"])
    labelled[:, 1] = X["subject"] == "d"
    fold = 1 + next(k for k, (_, test) in enumerate(folds) if 5 in test)
    with pytest.raises(ValueError, match=f"In inner fold {fold} of 4, valence is NaN in all training rows"):
        check_folds_labelled(folds, labelled, ["arousal", "valence"])


class Crossed(GroupKFold):
    """Take the part of splitters that want a column for each kind of groups."""

    takes_group_columns = True

    def split(self, X, y=None, groups=None):
        assert list(groups) == ["subject", "film"]
        yield from super().split(X, groups=groups["subject"])


def test_several_columns_are_combined_unless_the_splitter_wants_them_apart():
    X = pd.DataFrame({"subject": [0, 0, 1, 1], "film": [0, 1, 0, 1]})
    assert len(inner_folds(X, ("subject", "film"), 5)) == 4
    assert [test.tolist() for _, test in inner_folds(X, ("subject", "film"), Crossed(2))] in (
        [[0, 1], [2, 3]],
        [[2, 3], [0, 1]],
    )
