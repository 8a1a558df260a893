"""Which rows and targets are drawn, and predictions that do not belong to the labels."""

import numpy as np
import pandas as pd
import pytest

from avfusion.inspection._row_selection import paired_values, select_rows, select_targets
from avfusion.sequences import as_targets

FRAMES = as_targets([np.zeros(2), None, np.full(3, np.nan), np.ones(1)])
CLIPS = as_targets([1.0, np.nan, 3.0])


def test_the_first_rows_with_labels_are_drawn():
    assert select_rows(FRAMES, None, most=1).tolist() == [0]
    assert select_rows(FRAMES, None, most=9).tolist() == [0, 3]
    assert select_rows(CLIPS, None, most=1).tolist() == [0, 1, 2]
    assert select_rows(FRAMES, -1, most=1).tolist() == [3]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (4, r"there is no row 4; y_true has rows 0 to 3"),
        ([0.5], r"whole numbers from 0 to 3"),
        ([], r"whole numbers"),
        ([1], r"row 1 \(index 'b'\) of y_true has no labels"),
    ],
)
def test_rows_that_cannot_be_drawn_are_named(rows, message):
    with pytest.raises(ValueError, match=message):
        select_rows(FRAMES, rows, most=3, index=pd.Index(list("abcd")))


def test_without_any_label_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match="no label at all"):
        select_rows(as_targets([np.full(2, np.nan)]), None, most=3)


def test_targets_are_chosen_by_name_or_position():
    names = ["arousal", "valence"]
    assert select_targets(names, None) == [0, 1]
    assert select_targets(names, ["valence", 0]) == [1, 0]
    assert select_targets(names, np.int64(1)) == [1]
    for wrong in ("dominance", 2):
        with pytest.raises(ValueError, match="there is no target"):
            select_targets(names, wrong)
    with pytest.raises(ValueError, match="chooses none"):
        select_targets(names, [])


def test_predictions_of_rows_without_labels_are_left_out():
    predictions = [np.array([1.0, 2.0]), np.array([9.0]), np.full(3, 3.0), np.array([4.0])]
    assert paired_values(FRAMES, predictions, "ridge").ravel().tolist() == [1.0, 2.0, 3.0, 3.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        ([1.0, 2.0, 3.0, 4.0], "another kind of labels than the labels: per clip, but y_true is per frame"),
        ([np.zeros(2)], "another number of rows than the labels: 1, but y_true has 4"),
        ([np.zeros((n, 2)) for n in (2, 1, 3, 1)], "another number of targets than the labels: 2"),
        ([np.zeros(n) for n in (2, 1, 3, 5)], r"1 labels in row 3, but the predictions of 'ridge' are 5"),
    ],
)
def test_predictions_of_something_else_are_refused(predictions, message):
    with pytest.raises(ValueError, match=message):
        paired_values(FRAMES, predictions, "ridge")
