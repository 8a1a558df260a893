"""A plot of a comparison: one row per estimator, readable in greyscale."""

import numpy as np

from avfusion.inspection._panels import fitted_text, grid_of, is_figure, panel_axes, tidy
from avfusion.sequences._messages import quoted

_FAINT = "0.72"
_FEW_TARGETS = 4  # so many are drawn beside their mean by default


def plot_comparison(comparison, score=None, ax=None, target=None):
    """Draw the pooled score of each estimator with its interval, and the groups as faint points.

    Parameters
    ----------
    comparison : Comparison
        As returned by `compare`.
    score : str, optional
        One of its scores; by default the first. An unknown one raises a ValueError.
    ax : Axes, Figure or array-like of Axes, optional
        Where to draw; by default a new figure. It is returned, an array of axes if there are several panels.
    target : str or list of str, optional
        As in `Comparison.plot`.

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
    parts = _panels(comparison, ax, target)
    n_columns, size = grid_of(len(parts), len(comparison.table))
    own_figure = ax is None or is_figure(ax)
    axes = panel_axes(ax, len(parts), n_columns=n_columns, panel_size=size)
    for number, (panel, (title, part)) in enumerate(zip(axes, parts)):
        note = _draw(panel, part, score, named=number % n_columns == 0)
        if len(parts) == 1:
            panel.set_title(note if title is None else f"{title}; {note}", fontsize="small", loc="right")
        else:
            panel.set_title(fitted_text(title, 30), fontsize="small", loc="left")
            panel.locator_params(axis="x", nbins=5)
    if len(parts) > 1 and own_figure:
        axes[0].figure.suptitle(note, fontsize="small", x=0.99, ha="right")
    return axes[0] if len(axes) == 1 else axes


def _panels(comparison, ax, target):
    """Return title and comparison of each panel."""
    names = comparison.target_names
    if target is not None:
        chosen = list(target) if isinstance(target, (list, tuple)) else [target]
        if not chosen:
            raise ValueError("target is empty: name at least one target, or leave it out.")
        return [(name, comparison.of_target(name)) for name in chosen]
    one_axes = ax is not None and not is_figure(ax) and np.size(np.asarray(ax, dtype=object)) == 1
    if one_axes or not 1 < len(names) <= _FEW_TARGETS:
        return [(f"mean of {len(names)} targets" if len(names) > 1 else None, comparison)]
    parts = [(name, comparison.of_target(name)) for name in names]
    return [*parts, (f"mean of {len(names)} targets", comparison)]


def _draw(ax, comparison, score, named):
    """Draw one panel, and return what its marks are."""
    table = comparison.table
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
    ax.set_yticks(positions, [fitted_text(name, 32, n_lines=2) if named else "" for name in table.index])
    ax.set_ylim(len(table) - 0.5, -0.5)
    if ax.get_xlim()[0] < 0 < ax.get_xlim()[1]:
        ax.axvline(0, color="0.5", linewidth=0.8, linestyle=":", zorder=0)
    level = f"{comparison.settings['level']:.0%}".replace("%", " %")
    seeds = ", ± standard deviation over seeds (bar)" if of_seeds in table else ""
    ax.set_xlabel(f"{score} out of fold")
    tidy(ax)
    return f"diamond: all rows, line: {level} interval{seeds}, points: {label}"


def _parts_of(comparison, score):
    label, key = ("groups", "group") if len(comparison.groups) else ("folds", "fold")
    points = getattr(comparison, label).groupby(["estimator", key], sort=False)[score].mean()
    return points.reset_index(), label
