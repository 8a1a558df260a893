"""Axes, line styles and texts that all displays share."""

from itertools import cycle
from textwrap import wrap

import numpy as np

# Colours differ in lightness and lines in their dashes, so that nothing is lost in greyscale.
_COLOURS = ("black", "#0072B2", "#D55E00", "#009E73", "#CC79A7")
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)), (0, (4, 1, 1, 1, 1, 1)))
_MARKERS = "osD^vP*X"
LABEL_COLOUR = "0.68"
LINE_HEIGHT = 0.18  # of text, in inches


def line_styles(names):
    """Return for each name what sets its line apart, in colour and in greyscale.

    Parameters
    ----------
    names : iterable of str

    Returns
    -------
    dict of str to dict
        Keyword arguments of ``Axes.plot``.

    Examples
    --------
    >>> line_styles(["ridge"])
    {'ridge': {'color': 'black', 'linestyle': '-'}}
    """
    pairs = zip(names, cycle(_COLOURS), cycle(_DASHES))
    return {name: {"color": colour, "linestyle": dashes} for name, colour, dashes in pairs}


def panel_axes(ax, n_panels, n_columns, panel_size):
    """Return an axes for every panel, row by row from the top left.

    Parameters
    ----------
    ax : None, Figure, Axes or array-like of Axes
        None makes a figure; one that is given is filled, and gets the size that the panels need. One axes is
        used for a single panel, and is divided if there are more (it turns invisible then). An array must
        hold an axes for every panel.
    n_panels, n_columns : int
    panel_size : (float, float)
        Width and height of a panel of a new figure, in inches.

    Returns
    -------
    ndarray of Axes of shape (n_panels,)

    Raises
    ------
    ValueError
        If an array holds another number of axes, or one axes that is no subplot is to be divided.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> panel_axes(Figure().subplots(), 6, n_columns=2, panel_size=(4, 2)).shape
    (6,)
    """
    n_rows = -(-n_panels // n_columns)
    if ax is None or is_figure(ax):
        size = panel_size[0] * n_columns, panel_size[1] * n_rows
        figure = ax
        if ax is None:
            from matplotlib import pyplot

            figure = pyplot.figure(layout="constrained")
        figure.set_size_inches(size)
        return _grid_axes(figure, figure.add_gridspec(n_rows, n_columns), n_panels)
    axes = np.ravel(np.asarray(ax, dtype=object))
    if len(axes) == n_panels:
        return axes
    if len(axes) > 1:
        raise ValueError(f"ax holds {len(axes)} axes, but there are {n_panels} panels to draw.")
    place = axes[0].get_subplotspec()
    if place is None:
        raise ValueError(
            f"{n_panels} panels are to be drawn, but ax is no subplot that could be divided. Give an array "
            f"of {n_panels} axes, as Figure.subplots makes."
        )
    axes[0].set_axis_off()
    return _grid_axes(axes[0].figure, place.subgridspec(n_rows, n_columns), n_panels)


def is_figure(ax):
    """Return whether a figure was given, and not an axes of one.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> is_figure(Figure()), is_figure(Figure().subplots())
    (True, False)
    """
    return hasattr(ax, "add_gridspec") and hasattr(ax, "set_size_inches")


def grid_of(n_panels, n_lines, extra=0.0):
    """Return the number of columns for panels with a line per estimator, and the size of one in inches.

    Parameters
    ----------
    n_panels, n_lines : int
    extra : float, default=0.0
        Inches beside the lines, such as for numbers.

    Examples
    --------
    >>> grid_of(1, 5)[0], grid_of(3, 5)[0], grid_of(17, 5)[0]
    (1, 3, 4)
    """
    n_columns = min(n_panels, 4)
    width = 6.4 if n_panels == 1 else 3.6
    return n_columns, (width + extra, 1.0 + 0.42 * n_lines)


def _grid_axes(figure, grid, n_panels):
    axes = np.empty(n_panels, dtype=object)
    for panel in range(n_panels):
        axes[panel] = figure.add_subplot(grid[divmod(panel, grid.ncols)])
    return axes


def fitted_text(text, n_characters, n_lines=1):
    r"""Break a text into lines of so many characters; what does not fit is left out in the middle.

    Examples
    --------
    >>> fitted_text("recording of participant 12, second session", 20)
    'recording…nd session'
    >>> fitted_text("amount of laughter", 12, n_lines=2)
    'amount of\nlaughter'
    """
    text = " ".join(str(text).split())
    lines = wrap(text, n_characters)
    if len(lines) > n_lines:
        room = n_characters * n_lines - 1
        text = f"{text[: room // 2].rstrip()}…{text[len(text) - (room - room // 2) :].lstrip()}"
        lines = [text[k : k + n_characters] for k in range(0, len(text), n_characters)]
    return "\n".join(lines).replace("$", r"\$")  # Matplotlib would take $...$ for mathematics


def name_lines(axes, own_figure, names, handles):
    """Name the lines: above all panels of a figure of our own, which grows by that, else in the first panel.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> name_lines([ax], False, ["label"], ax.plot([0, 1]))
    >>> ax.get_legend().get_texts()[0].get_text()
    'label'
    """
    figure = axes[0].figure
    width = figure.get_figwidth() if own_figure else axes[0].get_position().width * figure.get_figwidth()
    room = int(width * 13) - 8  # characters of this size to the inch, less the line itself
    names = [fitted_text(name, min(room, 80), n_lines=2) for name in names]
    if not own_figure:
        axes[0].legend(handles, names, fontsize="small")
        return
    n_columns = max(1, min(len(names), (room + 8) // (max(map(len, names)) + 8)))
    figure.legend(
        handles,
        names,
        loc="outside upper left",
        ncols=n_columns,
        frameon=False,
        fontsize="small",
        handlelength=3.5,
    )
    n_lines = -(-len(names) // n_columns) * max(name.count("\n") + 1 for name in names)
    make_room(figure, LINE_HEIGHT * n_lines)


def make_room(figure, inches):
    """Let a figure grow in height."""
    figure.set_figheight(figure.get_figheight() + inches)


def draw_bands(ax, curves):
    """Draw curves with bands around them, in shades of grey with different markers.

    Parameters
    ----------
    ax : Axes
    curves : dict of str to DataFrame
        By name, which is the label of the line: its index is x; its columns are y and the lower and upper end
        of the band.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> draw_bands(ax, {"ridge": pd.DataFrame([(0.1, 0.0, 0.2), (0.3, 0.2, 0.4)], index=[2, 4])})
    >>> ax.lines[0].get_ydata()
    array([0.1, 0.3])
    """
    for (name, curve), shade, marker in zip(
        curves.items(), np.linspace(0.0, 0.6, len(curves)), cycle(_MARKERS)
    ):
        x, (y, low, high) = curve.index, curve.to_numpy().T
        ax.plot(x, y, label=str(name), color=str(shade), marker=marker, markersize=5)
        ax.fill_between(x, low, high, color=str(shade), alpha=0.15, lw=0)


def tidy(ax):
    """Remove lines that carry no information, and make the ticks' labels small."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize="small")
