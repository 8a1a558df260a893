"""Learning curves."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from avfusion.inspection._learning_curve_plot import plot_learning_curve

COLUMNS = ["estimator", "n_groups", "score", "low", "high"]


def test_repeats_are_averaged_and_the_band_is_the_interval():
    rows = [("b", 2, 0.1, 0.0, 0.2), ("b", 2, 0.3, 0.2, 0.4), ("b", 4, 0.5, 0.4, 0.9), ("a", 2, 0, -1, 1)]
    ax = plot_learning_curve(pd.DataFrame(rows, columns=COLUMNS), "ccc", Figure().subplots())
    first, second = ax.lines
    assert [first.get_label(), second.get_label()] == ["b", "a"]
    np.testing.assert_array_equal(first.get_xdata(), [2, 4])
    np.testing.assert_allclose(first.get_ydata(), [0.2, 0.5])
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose([heights.min(), heights.max()], [0.1, 0.9])
    assert first.get_marker() != second.get_marker()
