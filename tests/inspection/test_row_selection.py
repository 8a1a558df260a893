"""Rows and targets to draw, and predictions that belong to labels."""

import numpy as np
import pytest

from avfusion.inspection._row_selection import paired_values, select_rows, select_targets
from avfusion.sequences import as_targets

FRAMES = as_targets([np.zeros(2), None, np.full(2, np.nan), np.ones(3)])
CLIPS = as_targets([0.1, 0.2, 0.3])


def test_predictions_of_rows_without_labels_are_left_out():
    predictions = [np.full(2, 5.0), np.full(9, 6.0), np.full(2, 7.0), np.full(3, 8.0)]
    assert paired_values(FRAMES, predictions, "m").ravel().tolist() == [5, 5, 7, 7, 8, 8, 8]


def test_predictions_of_another_length_are_refused():
    with pytest.raises(ValueError, match="y_true has 3 labels in row 3, but the predictions of 'm' are 2"):
        paired_values(FRAMES, [np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(2)], "m")


def test_by_default_the_first_labelled_rows_or_all_clips():
    assert select_rows(FRAMES, None, most=1).tolist() == [0]
    assert select_rows(FRAMES, None, most=9).tolist() == [0, 3]
    assert select_rows(CLIPS, None, most=1).tolist() == [0, 1, 2]


def test_rows_count_from_either_end_and_must_have_labels():
    assert select_rows(FRAMES, -1, most=3).tolist() == [3]
    with pytest.raises(ValueError, match="rows has 4, but y_true has the rows 0 to 3"):
        select_rows(FRAMES, [0, 4], most=3)
    with pytest.raises(ValueError, match="y_true has no labels in row 1"):
        select_rows(FRAMES, [1], most=3)


def test_targets_by_name_or_position():
    names = ["arousal", "valence"]
    assert select_targets(names, None) == [0, 1]
    assert select_targets(names, ["valence", 0]) == [1, 0]
    for wrong in ("mood", 2, []):
        with pytest.raises(ValueError, match=r"y_true.* 'arousal', 'valence'"):
            select_targets(names, wrong)
