"""One column of targets, in each of the forms that pandas and lists have."""

import numpy as np
import pandas as pd
import pytest

from avfusion.sequences import SequenceArray
from avfusion.sequences._target_columns import (
    aligned_values,
    column_from_cells,
    column_from_pandas,
    common_lengths,
    row_name,
)

CELLS = [np.array([1.0, 2.0]), None, np.array([3.0])]


def test_sequences_objects_and_cells_are_read_alike():
    sequences = SequenceArray.from_sequences([c if c is None else c[:, None] for c in CELLS], width=1)
    from_sequences = column_from_pandas(pd.Series(sequences), "y")
    from_objects = column_from_pandas(pd.Series(CELLS, dtype=object), "y")
    for column in (from_sequences, from_objects, column_from_cells(CELLS, "y")):
        assert column.values.ravel().tolist() == [1.0, 2.0, 3.0]
        assert column.lengths.tolist() == [2, -1, 1]
        assert column.n_rows == 3
    assert from_objects.flat
    assert from_sequences.dtype == sequences.dtype


def test_numbers_are_labels_per_clip_and_missing_ones_nan():
    integers = column_from_pandas(pd.Series([1, None, 3], dtype="Int64"), "y")
    np.testing.assert_array_equal(integers.values.ravel(), [1.0, np.nan, 3.0])
    assert integers.lengths is None
    assert column_from_pandas(pd.Series([1, 2], dtype="float32"), "y").dtype == np.float32
    assert column_from_cells([None, None], "y").blank
    assert not column_from_cells([None, 1.0], "y").blank


@pytest.mark.parametrize(
    ("cells", "error", "message"),
    [
        ([np.zeros(2), 1.0], ValueError, r"y mixes labels per frame \(row 0\) and per clip \(row 1\)"),
        ([np.zeros((2, 2)), np.zeros((2, 3))], ValueError, r"row 1 has 3 targets, but row 0 has 2"),
        ([np.zeros((1, 1, 1))], ValueError, r"row 0, has shape \(1, 1, 1\)"),
        ([np.array(["a"])], TypeError, r"y, row 0, has dtype <U1; targets must be numbers"),
        ([np.array([1j])], ValueError, r"Complex data not supported"),
    ],
)
def test_what_is_no_column_of_targets_is_named_by_row(cells, error, message):
    with pytest.raises(error, match=message):
        column_from_cells(cells, "y")


def test_text_in_pandas_is_refused():
    with pytest.raises(TypeError, match="targets must be numbers or sequences"):
        column_from_pandas(pd.Series(["a", "b"]), "y")


def test_columns_agree_on_lengths_and_fill_what_only_they_lack():
    a, b = column_from_cells(CELLS, "a"), column_from_cells([np.zeros(2), np.zeros(1), None], "b")
    lengths = common_lengths([a, b], None)
    assert lengths.tolist() == [2, 1, 1]
    np.testing.assert_array_equal(aligned_values(a, lengths).ravel(), [1.0, 2.0, np.nan, 3.0])
    assert aligned_values(a, a.lengths) is a.values


def test_other_lengths_in_a_row_are_named():
    a, b = column_from_cells(CELLS, "a"), column_from_cells([np.zeros(3), None, None], "b")
    with pytest.raises(ValueError, match=r"row 0 \(index 'x'\) have 2 frames in a but 3 in b"):
        common_lengths([a, b], pd.Index(["x", "y", "z"]))


def test_rows_are_named_by_position_and_label():
    assert row_name(2, None) == "row 2"
    assert row_name(0, pd.Index(np.array([7]))) == "row 0 (index 7)"
