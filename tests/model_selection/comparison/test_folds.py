import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, PredefinedSplit, RepeatedKFold

from avfusion.model_selection.comparison._folds import check_no_copies, make_folds
from avfusion.sequences._array import SequenceArray


def same(folds, splitter, X, groups=None):
    expected = list(splitter.split(X, None, groups))
    assert len(folds) == len(expected)
    for fold, other in zip(folds, expected):
        np.testing.assert_array_equal(fold[0], other[0])
        np.testing.assert_array_equal(fold[1], other[1])


@pytest.mark.parametrize(
    ("cv", "n_groups", "splitter"),
    [
        (None, None, KFold(5)),
        (3, None, KFold(3)),
        (None, 10, LeaveOneGroupOut()),
        (None, 11, GroupKFold(5)),
        (3, 10, GroupKFold(3)),
        (KFold(4, shuffle=True, random_state=0), 10, KFold(4, shuffle=True, random_state=0)),
    ],
)
@pytest.mark.filterwarnings("ignore:The groups parameter is ignored by KFold")
def test_folds_are_scikit_learns(cv, n_groups, splitter):
    X = np.zeros((33, 1))
    groups = None if n_groups is None else np.arange(33) % n_groups
    same(make_folds(cv, X, None, groups), splitter, X, groups)


def test_a_fixed_split_tests_some_rows_only():
    folds = make_folds(PredefinedSplit([-1, -1, 0, 0]), np.zeros(4), None, None)
    assert [(train.tolist(), test.tolist()) for train, test in folds] == [([0, 1], [2, 3])]


def test_splits_may_be_given_as_masks():
    test = np.array([True, False, False])
    assert [fold[1].tolist() for fold in make_folds([(~test, test)], np.zeros(3), None, None)] == [[0]]


@pytest.mark.parametrize(
    ("cv", "groups", "message"),
    [
        (None, [1, 1, 1, 1], "at least 2 groups"),
        (RepeatedKFold(n_splits=2, n_repeats=2), None, "cv tests row 0 2 times"),
        ([([0, 1], [1, 2])], None, "Fold 1 of cv tests rows that it trains on"),
        ([], None, "cv yields no fold"),
    ],
)
def test_bad_folds_are_refused(cv, groups, message):
    groups = None if groups is None else np.array(groups)
    with pytest.raises(ValueError, match=message):
        make_folds(cv, np.zeros(4), None, groups)


def table(audio, video):
    columns = {"audio": SequenceArray.from_sequences(audio), "video": SequenceArray.from_sequences(video)}
    return pd.DataFrame(columns, index=list("abcd")[: len(audio)])


def test_copies_in_two_groups_are_refused():
    X = table([[1.0], [2.0], [1.0]], [[5.0], [5.0], [5.0]])
    check_no_copies(X, np.array(["s", "t", "s"]))
    with pytest.raises(ValueError, match=r"row 0 \(index 'a'\) in group 's' is also in row 2 \(index 'c'\)"):
        check_no_copies(X, np.array(["s", "t", "u"]))


def test_a_shared_or_absent_stream_alone_is_no_copy():
    check_no_copies(table([[1.0], [2.0]], [[5.0], [5.0]]), np.array([0, 1]))
    check_no_copies(table([[1.0], None, None], [[5.0], None, None]), np.array([0, 1, 2]))
