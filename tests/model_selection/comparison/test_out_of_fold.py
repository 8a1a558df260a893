"""Predictions of all folds in the order and the form of the labels."""

import numpy as np
import pandas as pd
import pytest

from avfusion.model_selection.comparison._out_of_fold import out_of_fold
from avfusion.sequences._array import SequenceArray
from avfusion.sequences._targets import as_targets

LENGTHS = (3, 1, 4, 2)
TESTS = [np.array([2, 0]), np.array([1])]


def cells(scale):
    return [scale * (10 * row + np.arange(n, dtype=float))[:, None] for row, n in enumerate(LENGTHS)]


def column(parts):
    return SequenceArray.from_sequences(parts, dtype="float64", width=1, rate_hz=2.0)


FORMS = {
    "list": lambda parts: parts,
    "DataFrame": lambda parts: pd.DataFrame({"v": column(parts)}, index=list("abcdefg")[: len(parts)]),
    "Series": lambda parts: pd.Series(column(parts), name="v"),
}


@pytest.mark.parametrize("form", FORMS)
def test_rows_go_back_to_their_places(form):
    y = FORMS[form](cells(1.0))
    predictions = [FORMS[form]([cells(2.0)[row] for row in test]) for test in TESTS]
    out = out_of_fold(y, TESTS, predictions)
    assert type(out) is (np.ndarray if form == "list" else type(y))
    if form != "list":
        pd.testing.assert_index_equal(out.index, y.index)
    targets = as_targets(out)
    np.testing.assert_array_equal(targets.lengths, LENGTHS)
    expected = np.concatenate(cells(2.0))
    expected[-2:] = np.nan  # no fold tests the last row
    np.testing.assert_array_equal(targets.values, expected)


def test_rows_without_labels_take_the_length_of_their_prediction():
    y = [cells(1.0)[0], None, cells(1.0)[2], None]
    out = out_of_fold(y, TESTS, [[cells(2.0)[2], cells(2.0)[0]], [np.ones((6, 1))]])
    assert [None if cell is None else len(cell) for cell in out] == [3, 6, 4, None]


def test_arrays_per_clip_and_per_frame():
    out = out_of_fold(np.zeros((4, 2)), TESTS, [np.ones((2, 2)), 2 * np.ones((1, 2))])
    np.testing.assert_array_equal(out[:, 1], [1, 2, 1, np.nan])
    out = out_of_fold(np.zeros((4, 5, 1)), TESTS, [np.ones((2, 5, 1)), 2 * np.ones((1, 5, 1))])
    np.testing.assert_array_equal(out[:, 4, 0], [1, 2, 1, np.nan])
