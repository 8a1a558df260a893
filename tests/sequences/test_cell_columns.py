import numpy as np
import pandas as pd
import pytest

from avfusion.sequences import Sequence, SequenceArray, as_sequences
from avfusion.sequences._cell_columns import holds_sequences

NESTED = np.empty(2, dtype=object)
NESTED[:] = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]


@pytest.mark.parametrize(
    ("column", "holds"),
    [
        (SequenceArray.from_sequences([None]), True),
        ([[1.0, 2.0], None], True),
        ([None, [[1.0], [2.0]]], True),
        ([np.zeros(3), None], True),
        ([NESTED], True),
        ([Sequence([1.0])], True),
        ([{"frames": [[1.0]], "rate_hz": 2.0, "start_s": None, "times_s": None}], True),
        ([["a"], ["b", "c"]], False),
        ([np.array(["a", "b"], dtype=object)], False),
        ([[], None], False),
        ([{"x": 1}], False),
        (["a", None], False),
        ([1.0, None], False),
    ],
)
def test_columns_of_cells(column, holds):
    assert holds_sequences(pd.Series(column, dtype=getattr(column, "dtype", object))) is holds


@pytest.mark.works_with("pandas", "columns of nested lists, from JSON, to_dict and Parquet files of others")
@pytest.mark.parametrize(
    "cells",
    [
        [[[1.0, 2.0], [3.0, 4.0]], None],
        [NESTED, None],
        [[np.array([1.0, 2.0]), (3, 4)], None],
        [[[1, 2], [3, 4]], float("nan")],
        [np.array([[1, 2], [3, 4]]), pd.NA],
        pd.array([[[1, 2], [3, 4]], None], dtype="sequence[float32, 2]"),
    ],
    ids=["lists", "arrays of arrays", "lists of both", "integers", "arrays", "sequences"],
)
def test_cells_of_every_kind_are_read(cells):
    X = as_sequences(pd.DataFrame({"audio": pd.Series(cells), "tags": [["a"], []]}).set_axis(["u", "v"]))
    assert str(X.dtypes["audio"]) == "sequence[float32, 2]"
    np.testing.assert_array_equal(X["audio"].iloc[0].frames, [[1, 2], [3, 4]])
    assert X["audio"].iloc[1] is pd.NA
    assert X["tags"].tolist() == [["a"], []]
    assert list(X.index) == ["u", "v"]


def test_null_numbers_and_steps_were_not_observed():
    X = as_sequences(pd.DataFrame({"audio": [[[1.0, None], None, [np.nan, 4.0]]]}))
    np.testing.assert_array_equal(X["audio"].iloc[0].frames, [[1, np.nan], [np.nan, np.nan], [np.nan, 4]])


def test_unequal_steps_are_named_by_row_and_step():
    cells = pd.DataFrame({"audio": [[[1.0, 2.0]], [[1.0, 2.0], [3.0]]]}, index=["u", "v"])
    with pytest.raises(
        ValueError, match=r"row 1 \(index 'v'\), column 'audio': Step 1 has 1 features, but step 0"
    ):
        as_sequences(cells)
    with pytest.raises(ValueError, match=r"in row 1 .* has 3 features per step, but that in row 0 .* has 2"):
        as_sequences(cells.assign(audio=[[[1.0, 2.0]], [[1.0, 2.0, 3.0]]]))


@pytest.mark.parametrize("orient", ["dict", "list", "series", "records", "index"])
def test_what_to_dict_gives_comes_back(orient):
    X = as_sequences({"audio": [[[1.0, 2.0]], None, [[3.0, 4.0]]]}, rate_hz=25).assign(
        who=["a", "b", "c"], age=[1, 2, 3]
    )
    given = X.to_dict(orient)
    again = as_sequences(list(given.values()) if orient == "index" else given)
    pd.testing.assert_frame_equal(again.reset_index(drop=True), X)


def test_words_beside_sequences_need_sequences():
    with pytest.raises(TypeError, match="must be an array"):
        as_sequences({"who": ["a", "b"]})
