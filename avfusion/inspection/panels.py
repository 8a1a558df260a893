"""Where displays draw: one axes per panel, on a new figure or inside what the caller gives."""

from itertools import cycle, islice

import numpy as np

# Colours differ in lightness and every line in its dashes, so that nothing is lost in greyscale.
_COLOURS = ("black", "#0072B2", "#D55E00", "#009E73", "#CC79A7")
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)), (0, (4, 1, 1, 1, 1, 1)))
_MARKERS = ("o", "x", "s", "+", "^", "D")
LABEL_COLOUR = "0.68"


def distinct_styles(names, marks="dashes"):
    """Return for each name what sets its line or its markers apart, in colour and in greyscale.

    Parameters
    ----------
    names : iterable of str
    marks : {"dashes", "markers"}
        Whether lines or single points are drawn.

    Returns
    -------
    dict of str to dict
        Keyword arguments of ``Axes.plot``.

    Examples
    --------
    >>> distinct_styles(["ridge"])
    {'ridge': {'color': 'black', 'linestyle': '-'}}
    """
    names = list(names)
    key, values = ("linestyle", _DASHES) if marks == "dashes" else ("marker", _MARKERS)
    pairs = islice(zip(cycle(_COLOURS), cycle(values)), len(names))
    return {name: {"color": colour, key: value} for name, (colour, value) in zip(names, pairs)}


def panel_axes(ax, n_panels, n_columns, panel_size):
    """Return an axes for every panel, row by row from the top left.

    Parameters
    ----------
    ax : None, Axes or array-like of Axes
        None makes a figure. One axes is used for a single panel, and is divided if there are more (it turns
        invisible then). An array must hold an axes for every panel.
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
    if ax is None:
        from matplotlib import pyplot

        size = panel_size[0] * n_columns, panel_size[1] * n_rows + 0.5
        figure = pyplot.figure(figsize=size, layout="constrained")
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
    from textwrap import wrap

    text = str(text)
    lines = wrap(text, n_characters)
    if len(lines) <= n_lines:
        return "\n".join(lines)
    room = n_characters * n_lines - 1
    text = f"{text[: room // 2].rstrip()}…{text[len(text) - (room - room // 2) :].lstrip()}"
    return "\n".join(text[k : k + n_characters] for k in range(0, len(text), n_characters))


def name_lines(axes, own_figure, names, handles):
    """Name the lines: above all panels of a figure of our own, else within the first panel."""
    names = [fitted_text(name, 60) for name in names]
    if not own_figure:
        axes[0].legend(handles, names, fontsize="small")
        return
    figure = axes[0].figure
    room = figure.get_figwidth() * 13  # characters of this size to the inch
    n_columns = max(1, min(len(names), int(room // (max(map(len, names)) + 8))))
    figure.legend(
        handles, names, loc="outside upper left", ncols=n_columns, frameon=False, fontsize="small",
        handlelength=3.5,
    )  # fmt: skip


def tidy(ax):
    """Take away what carries no information."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize="small")
