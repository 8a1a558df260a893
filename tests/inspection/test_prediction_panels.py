"""The data of the panels."""

import numpy as np
import pandas as pd
import pytest

from avfusion.inspection._prediction_panels import metadata_column, names_of_rows, prediction_panels
from avfusion.sequences import as_targets


def test_per_frame_a_panel_for_each_row_and_target_has_its_own_steps():
    true = as_targets([np.array([[1.0, 2.0]]), None, np.array([[3.0, 4.0], [5.0, 6.0]])])
    panels = prediction_panels(true, {"m": -true.values}, rows=[2, 0], columns=[1], row_names=["a", "b", "c"])
    assert [panel.row for panel in panels] == ["c", "a"]
    assert panels[0].labels.tolist() == [4, 6]
    assert panels[0].predictions["m"].tolist() == [-4, -6]
    assert panels[1].labels.tolist() == [2]


def test_per_clip_a_panel_for_each_target_and_model_has_all_rows():
    true = as_targets([[1.0, 2.0], [3.0, 4.0]])
    panels = prediction_panels(true, {"m": true.values, "n": -true.values}, [0, 1], [0, 1], ["a", "b"])
    assert [(panel.target, *panel.predictions) for panel in panels] == [
        ("target 0", "m"), ("target 0", "n"), ("target 1", "m"), ("target 1", "n"),
    ]  # fmt: skip
    assert panels[3].predictions["n"].tolist() == [-2, -4]
    assert panels[0].ccc["m"] == 1.0


def test_names_of_rows():
    assert names_of_rows(2, ["x", "y"]) == ["x", "y"]
    assert names_of_rows(2, index=pd.RangeIndex(5, 7)) == ["row 0", "row 1"]
    with pytest.raises(ValueError, match="row_names has 1 names, but y_true has 2 rows"):
        names_of_rows(2, ["x"])
    with pytest.raises(ValueError, match=r"row_names='who' is not a column of X. It is not a DataFrame"):
        metadata_column(np.zeros((2, 2)), "who")
