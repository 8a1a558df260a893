from itertools import combinations

import numpy as np
import pytest
from sklearn.model_selection import KFold, RepeatedKFold, ShuffleSplit

from avfusion.model_selection.leakage._parted import PartedRows


def obvious(folds, n_rows):
    parted = np.zeros((n_rows, n_rows), dtype=bool)
    for train, test in folds:
        parted[np.ix_(train, test)] = parted[np.ix_(test, train)] = True
    return parted


@pytest.mark.parametrize(
    "splitter",
    [KFold(4), ShuffleSplit(3, random_state=0), RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)],
)
def test_agrees_with_the_table_of_all_pairs(splitter):
    folds = list(splitter.split(np.zeros((30, 1))))
    parted, expected = PartedRows(folds, 30), obvious(folds, 30)
    expected[np.ix_([3, 8, 21], [3, 8, 21])] = False
    parted = parted.without([[3, 8, 21]])
    rows = np.array([2, 3, 5, 8, 13, 21, 22])
    some = parted.take(rows)
    for k, row in enumerate(rows):
        assert some.partners(k, np.arange(7)).tolist() == expected[row, rows].tolist()
    pairs = {(i, j) for i, j in combinations(range(7), 2) if expected[rows[i], rows[j]]}
    assert some.n_pairs() == len(pairs)
    assert set(some.sample(1000)) == pairs
    drawn = parted.sample(20)
    assert len(set(drawn)) == 20
    assert all(expected[pair] for pair in drawn)


def test_few_of_many_pairs_are_sampled():
    parted = PartedRows([([500], [7, 900])], 1000)
    assert sorted(parted.sample(200)) == [(7, 500), (500, 900)]


def test_many_rows_that_are_the_same_have_links_in_proportion():
    parted = PartedRows([(np.arange(500), np.arange(500, 1000))], 1000)
    links = parted.linked(range(1000), limit=10)
    assert 4000 < len(links) < 10_000  # half of ten for each row
    assert all(one < 500 <= other for one, other in links)
    assert {row for pair in links for row in pair} == set(range(1000))
    assert parted.linked([499, 500, 501], limit=2) == [(499, 500), (499, 501)]
