"""The critical-difference diagram of a ranking."""

import numpy as np

from avfusion.inspection._panels import panel_axes, tidy


def plot_ranking(ranks, cliques, label, ax=None):
    """Draw mean ranks on an axis, with bars that connect estimators that do not differ.

    Parameters
    ----------
    ranks : Series
        Mean rank of each estimator, best first.
    cliques : list of list of str
        Names of estimators that do not differ, best first.
    label : str
        Of the axis.
    ax : matplotlib.axes.Axes, optional
        As in `plot_comparison`; it is returned.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> ranks = pd.Series({"attention": 1.2, "ridge": 1.8})
    >>> ax = plot_ranking(ranks, [["attention", "ridge"]], "mean rank", Figure().subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['attention', 'ridge']
    """
    names, values = list(ranks.index), ranks.to_numpy()
    (ax,) = panel_axes(ax, 1, n_columns=1, panel_size=(6.4, 1.2 + 0.35 * len(names)))
    lines = np.arange(len(names))
    ax.hlines(lines, values.min(), values, color="0.8", linewidth=1, zorder=0)
    ax.plot(values, lines, "D", color="black")
    ax.set_yticks(lines, names)
    ax.invert_yaxis()
    for number, clique in enumerate(cliques):
        first, last = names.index(clique[0]), names.index(clique[-1])
        x = values.max() + (0.06 + 0.06 * number) * max(1.0, np.ptp(values))
        ax.plot([x, x], [first - 0.25, last + 0.25], color="0.35", linewidth=4, solid_capstyle="butt")
    ax.set_xlabel(label)
    tidy(ax)
    return ax
