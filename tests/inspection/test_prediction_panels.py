"""What the panels of a prediction display show."""

import numpy as np
import pandas as pd
import pytest

from avfusion.inspection._prediction_panels import (
    PredictionPanel,
    metadata_column,
    names_of_rows,
    prediction_panels,
)
from avfusion.metrics import ccc_score
from avfusion.sequences import as_targets


def test_a_panel_for_each_row_and_target():
    true = as_targets([np.array([[1.0, 2.0], [3.0, 4.0]]), None, np.array([[5.0, 6.0]])])
    predictions = {"ridge": -true.values}
    panels = prediction_panels(true, predictions, [2, 0], [1, 0], ["a", "b", "c"])
    found = [(panel.row, panel.labels.tolist(), panel.predictions["ridge"].tolist()) for panel in panels]
    assert found == [
        ("c", [6.0], [-6.0]),
        ("c", [5.0], [-5.0]),
        ("a", [2.0, 4.0], [-2.0, -4.0]),
        ("a", [1.0, 3.0], [-1.0, -3.0]),
    ]


def test_clips_have_a_panel_for_each_target_and_model():
    true = as_targets([1.0, 2.0, 3.0])
    panels = prediction_panels(true, {"a": true.values, "b": 2 * true.values}, [0, 2], [0], ["x", "y", "z"])
    assert [(list(panel.predictions), panel.labels.tolist()) for panel in panels] == [
        (["a"], [1.0, 3.0]),
        (["b"], [1.0, 3.0]),
    ]
    assert panels[1].predictions["b"].tolist() == [2.0, 6.0]


def test_the_ccc_is_that_of_the_labelled_steps():
    labels, values = np.array([0.0, np.nan, 1.0, 0.5]), np.array([0.1, 9.0, 0.7, 0.6])
    panel = PredictionPanel("arousal", labels, {"ridge": values, "gap": np.array([0.1, 9.0, np.nan, 0.6])})
    assert panel.ccc["ridge"] == pytest.approx(ccc_score(labels[[0, 2, 3]], values[[0, 2, 3]]))
    assert np.isnan(panel.ccc["gap"])
    assert np.isnan(PredictionPanel("arousal", np.array([np.nan]), {"ridge": np.array([1.0])}).ccc["ridge"])


def test_names_of_rows():
    assert names_of_rows(2, index=pd.RangeIndex(2)) == ["row 0", "row 1"]
    assert names_of_rows(2, ["x", 3]) == ["x", "3"]
    assert names_of_rows(2, pd.Series([5, 6])) == ["5", "6"]
    with pytest.raises(ValueError, match="row_names has 1 names, but y_true has 2 rows"):
        names_of_rows(2, ["x"])


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"'who' is no column of X; its columns are \['subject'\]"):
        metadata_column(pd.DataFrame({"subject": [1]}), "who")
    with pytest.raises(ValueError, match="it is no DataFrame"):
        metadata_column([[1]], "who")
