import numpy as np
import pandas as pd

from avfusion.sequences._messages import quoted, row_name


def test_rows_are_named_by_position_and_label():
    assert row_name(3) == "row 3"
    assert row_name(1, pd.Index(["a", "b"])) == "row 1 (index 'b')"
    assert row_name(0, pd.Index(np.array([7, 8]))) == "row 0 (index 7)"
    assert row_name(0, pd.MultiIndex.from_tuples([("a", "b")])) == "row 0 (index ('a', 'b'))"


def test_names_are_quoted():
    assert quoted(["a", 1]) == "'a', 1"
    assert quoted([]) == ""
