"""The long table of predictions, where targets are labelled in different rows."""

import numpy as np

from tests.model_selection.comparison.targets import NAMES, labels, several


def test_only_labels_have_rows():
    table = several().prediction_table()
    _, y, groups = labels()
    assert table.groupby("target").size().to_dict() == y.notna().sum().to_dict()
    for name in NAMES:
        own = table[table["target"] == name]
        np.testing.assert_array_equal(own["label"], y[name].dropna())
        assert own["group"].tolist() == [str(group) for group in groups[y[name].notna()]]
