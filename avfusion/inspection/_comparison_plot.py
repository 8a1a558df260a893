"""A plot of a comparison: one row per estimator, readable in greyscale."""

import numpy as np

from avfusion.inspection._panels import fitted_text, panel_axes, tidy
from avfusion.sequences._messages import quoted

_FAINT = "0.72"


def plot_comparison(comparison, score=None, ax=None):
    """Draw the pooled score of each estimator with its interval, and the groups as faint points.

    Parameters
    ----------
    comparison : Comparison
        As returned by `compare`.
    score : str, optional
        One of its scores; by default the first. An unknown one raises a ValueError.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure. It is returned.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> result = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
    >>> ax = plot_comparison(result, ax=Figure().subplots())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['ridge']
    """
    score = comparison.scores[0] if score is None else score
    if score not in comparison.scores:
        raise ValueError(f"score={score!r} is none of the scores {quoted(comparison.scores)}.")
    table = comparison.table
    (ax,) = panel_axes(ax, 1, n_columns=1, panel_size=(6.4, 1.0 + 0.42 * len(table)))
    positions = np.arange(len(table))
    parts, label = _parts_of(comparison, score)
    for position, name in zip(positions, table.index):
        values = parts.loc[parts["estimator"] == name, score].to_numpy()
        # beside the interval, which would hide the points
        ax.plot(values, np.full(len(values), position + 0.2), "o", color=_FAINT, markersize=4, zorder=1)
    ax.hlines(
        positions, table[f"{score}_low"], table[f"{score}_high"], color="black", linewidth=1.6, zorder=2
    )
    ax.plot(table[score], positions, "D", color="black", markersize=6, zorder=3)
    of_seeds = f"{score}_seed_std"
    if of_seeds in table:
        ends = table[score] - table[of_seeds], table[score] + table[of_seeds]
        ax.hlines(positions, *ends, color="0.6", linewidth=7, zorder=1)
    ax.set_yticks(positions, [fitted_text(name, 32, n_lines=2) for name in table.index])
    ax.set_ylim(len(table) - 0.5, -0.5)
    if ax.get_xlim()[0] < 0 < ax.get_xlim()[1]:
        ax.axvline(0, color="0.5", linewidth=0.8, linestyle=":", zorder=0)
    level = f"{comparison.settings['level']:.0%}".replace("%", " %")
    seeds = ", ± standard deviation over seeds (bar)" if of_seeds in table else ""
    ax.set_xlabel(f"{score} out of fold")
    ax.set_title(
        f"diamond: all rows, line: {level} interval{seeds}, points: {label}", fontsize="small", loc="right"
    )
    tidy(ax)
    return ax


def _parts_of(comparison, score):
    label, key = ("groups", "group") if len(comparison.groups) else ("folds", "fold")
    points = getattr(comparison, label).groupby(["estimator", key], sort=False)[score].mean()
    return points.reset_index(), label
