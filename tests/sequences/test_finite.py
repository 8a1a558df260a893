import numpy as np
import pandas as pd
import pytest

from avfusion.sequences import as_targets
from avfusion.sequences._finite import check_predicted


def test_row_step_and_target_are_named():
    form = as_targets(pd.DataFrame({"joy": [np.zeros(2)], "anger": [np.zeros(2)]})).form
    values = np.zeros((5, 2))
    check_predicted(values, form, [2, -1, 3], pd.Index(list("abc")))
    values[3, 1] = np.inf
    with pytest.raises(ValueError, match=r"row 2 \(index 'c'\), step 1, 'anger', is inf \(1 of 10 values\)"):
        check_predicted(values, form, np.array([2, -1, 3]), pd.Index(list("abc")))
    with pytest.raises(ValueError, match="row 3, 'anger', is inf"):
        check_predicted(values, form)
