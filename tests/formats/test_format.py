"""Steps of a part, whatever its values are."""

import numpy as np
import pandas as pd

from avfusion.formats._format import Part


def test_steps_are_the_rows_of_arrays_and_tables():
    assert Part(np.zeros(4)).n_steps == 4
    assert Part(pd.DataFrame({"a": [1.0, 2.0]}), named=True).n_steps == 2
