"""Refusals of arithmetic and order name what works instead."""

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.sequences import Sequence, SequenceArray
from avfusion.sequences._undefined import ARITHMETIC, ORDER, UNARY

COLUMN = SequenceArray.from_sequences([[1.0, 2.0, 3.0], None, [4.0]])
OPERATORS = [f"__{name}__" for name in [*ARITHMETIC, *UNARY, *ORDER]] + [
    f"__r{name}__" for name in ARITHMETIC
]


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_is_refused_with_a_remedy(name):
    arguments = () if name.strip("_") in UNARY else (1,)
    with pytest.raises(TypeError, match=r"Use Functionals|no order. Sort by"):
        getattr(COLUMN, name)(*arguments)


def test_cells_have_no_order():
    with pytest.raises(TypeError, match="'<' not supported between instances of 'Sequence' and 'Sequence'"):
        sorted([Sequence([1.0]), Sequence([2.0])])
    with pytest.raises(TypeError, match="'>=' not supported between instances of 'Sequence' and 'float'"):
        assert Sequence([1.0]) >= 1.0


def test_equality_is_left():
    assert (COLUMN == COLUMN).tolist() == [True, False, True]
    assert np.equal(COLUMN, COLUMN).tolist() == [True, False, True]
    assert np.not_equal(pd.Series(COLUMN), pd.Series(COLUMN)).tolist() == [False, True, False]


def test_the_remedies_work():
    X = pd.DataFrame({"audio": COLUMN})
    means = av.Functionals(("mean",)).fit_transform(X)
    np.testing.assert_array_equal(means[:, 0], [2, np.nan, 4])
    assert X["audio"].dropna().map(lambda cell: cell.frames.sum()).tolist() == [6, 4]
    doubled = COLUMN.with_frames(COLUMN.pack().frames * 2)
    assert doubled[0].frames.ravel().tolist() == [2, 4, 6]
    ordered = X.sort_values("audio", key=lambda column: column.array.lengths)
    assert ordered.index.tolist() == [1, 2, 0]
