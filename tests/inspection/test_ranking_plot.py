"""The critical-difference diagram."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from avfusion.inspection._ranking_plot import plot_ranking

RANKS = pd.Series({"best": 1.25, "middle": 2.0, "worst": 2.75})


def test_ranks_are_in_order_and_bars_reach_from_the_first_to_the_last_of_a_clique():
    ax = plot_ranking(RANKS, [["best", "middle"], ["middle", "worst"]], "mean rank", Figure().subplots())
    ranks, *bars = ax.lines
    np.testing.assert_array_equal(ranks.get_xdata(), RANKS)
    assert [tuple(np.round(bar.get_ydata())) for bar in bars] == [(0, 1), (1, 2)]
    assert bars[0].get_xdata()[0] < bars[1].get_xdata()[0]  # they do not cover each other
    assert ax.yaxis_inverted()
    assert ax.get_xlabel() == "mean rank"
