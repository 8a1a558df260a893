"""A forest plot: the difference of each estimator to one of them, with its interval, for each target."""

import numpy as np

from avfusion.inspection._panels import fitted_text, grid_of, is_figure, panel_axes, tidy

_AGREED = ("better", "worse", "higher", "lower")


def plot_differences(table, label, level=0.95, ax=None):
    """Draw differences with their intervals beside a line at zero, a panel for each target.

    Parameters
    ----------
    table : DataFrame
        As `paired_differences` gives it with `by_target`, indexed by target and estimator.
    label : str
        Of the axis.
    level : float, default=0.95
        Of the intervals.
    ax : Axes, Figure or array-like of Axes, optional
        As in `plot_comparison`; what was drawn on is returned.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> index = pd.MultiIndex.from_tuples([("arousal", "trees")], names=["target", "estimator"])
    >>> columns = {"difference": [0.2], "low": [0.1], "high": [0.3], "p_holm": [0.01]}
    >>> table = pd.DataFrame(columns | {"conclusion": ["better"]}, index=index)
    >>> plot_differences(table, "ccc: difference to ridge", ax=Figure().subplots()).get_xlabel()
    'ccc: difference to ridge'
    """
    targets, names = (table.index.unique(level) for level in ("target", "estimator"))
    n_columns, size = grid_of(len(targets), len(names), extra=0.4)
    own_figure = ax is None or is_figure(ax)
    axes = panel_axes(ax, len(targets), n_columns, size)
    limits = _limits(table)
    for number, (panel, target) in enumerate(zip(axes, targets)):
        own = table.xs(target, level="target").reindex(names)
        _draw(panel, own, limits, named=number % n_columns == 0)
        if len(targets) > 1 or target != "target":
            panel.set_title(fitted_text(target, 26), fontsize="small", loc="left")
        if number >= len(targets) - n_columns or not own_figure:
            panel.set_xlabel(fitted_text(label, 60 if len(targets) == 1 else 34, n_lines=2))
    level = f"{level:.0%}".replace("%", " %")
    note = f"line: {level} interval; p: corrected test over folds (Holm); filled: both show a difference"
    if own_figure:
        axes[0].figure.suptitle(note, fontsize="small", x=0.99, ha="right")
    elif len(axes) == 1:
        axes[0].set_title(note, fontsize="small", loc="right")
    return axes[0] if len(axes) == 1 else axes


def _limits(table):
    """Return one range for all panels, with zero in it."""
    values = table[["difference", "low", "high"]].to_numpy(dtype=float)
    values = np.append(values[np.isfinite(values)], 0.0)
    room = 0.06 * np.ptp(values) or 1.0
    return values.min() - room, values.max() + room


def _draw(ax, own, limits, named):
    positions = np.arange(len(own))
    ax.axvline(0, color="0.5", linewidth=0.8, linestyle="--", zorder=0)
    ax.hlines(positions, own["low"], own["high"], color="black", linewidth=1.6, zorder=2)
    agreed = own["conclusion"].isin(_AGREED).to_numpy()
    for which, fill in ((agreed, "black"), (~agreed, "white")):
        values = own["difference"].to_numpy(dtype=float)[which]
        ax.plot(values, positions[which], "D", color="black", markerfacecolor=fill, markersize=6, zorder=3)
    for position, p in zip(positions, own["p_holm"].to_numpy(dtype=float)):
        if np.isfinite(p):
            text = "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".")
            place = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": "x-small"}
            ax.text(1.01, position, text, **place)
    labels = [fitted_text(name, 32, n_lines=2) if named else "" for name in own.index]
    ax.set_yticks(positions, labels)
    ax.set_ylim(len(own) - 0.5, -0.5)
    ax.set_xlim(limits)
    ax.locator_params(axis="x", nbins=4)
    tidy(ax)
