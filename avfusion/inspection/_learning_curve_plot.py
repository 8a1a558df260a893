"""Scores of estimators against the number of groups that they are trained on."""

from avfusion.inspection._panels import draw_bands, panel_axes, tidy


def plot_learning_curve(table, score, ax=None):
    """Draw the score of each estimator against the number of training groups, with its interval.

    Parameters
    ----------
    table : DataFrame
        With the columns "estimator", "n_groups", "score", "low" and "high"; rows of one estimator and number
        are averaged.
    score : str
        Name of the score.
    ax : matplotlib.axes.Axes, optional
        As in `plot_comparison`; it is returned.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> columns = ["estimator", "n_groups", "score", "low", "high"]
    >>> table = pd.DataFrame([("ridge", 2, 0.1, 0.0, 0.2), ("ridge", 4, 0.3, 0.2, 0.4)], columns=columns)
    >>> plot_learning_curve(table, "ccc", Figure().subplots()).lines[0].get_ydata()
    array([0.1, 0.3])
    """
    (ax,) = panel_axes(ax, 1, n_columns=1, panel_size=(6.4, 4.8))
    draw_bands(
        ax,
        {
            name: lines.groupby("n_groups")[["score", "low", "high"]].mean()
            for name, lines in table.groupby("estimator", sort=False)
        },
    )
    ax.set_xlabel("groups that are trained on")
    ax.set_ylabel(f"{score}, out of fold (band: interval over groups)")
    ax.legend(frameon=False)
    tidy(ax)
    return ax
