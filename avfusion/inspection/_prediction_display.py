"""Predictions beside labels: traces over time, or for one label per clip a scatter plot."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from avfusion.inspection._panels import (
    LABEL_COLOUR,
    LINE_HEIGHT,
    fitted_text,
    line_styles,
    make_room,
    name_lines,
    panel_axes,
    tidy,
)
from avfusion.inspection._prediction_panels import (
    metadata_column,
    names_of_rows,
    prediction_panels,
)
from avfusion.inspection._row_selection import paired_values, select_rows, select_targets
from avfusion.sequences import SequenceDtype
from avfusion.sequences._targets import as_targets

_MOST_PANELS = 12  # by default


class PredictionDisplay:
    """Predictions beside labels.

    Labels per frame are drawn over time, one panel for each row and target; labels per clip as actual against
    predicted values, one panel for each target and model. It is recommended to use :meth:`from_estimator` or
    :meth:`from_predictions`. All parameters are stored as attributes.

    Parameters
    ----------
    panels : list of PredictionPanel
        Panels in the order in which they are drawn; all of them per frame, with the same models, or all per
        clip.
    rate_hz : float, optional
        Steps per second: time is shown in seconds. Without it in steps.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (n_panels,)
        The panels.
    ax_ : Axes
        The first panel.
    figure_ : Figure
    label_lines_ : list of Line2D
        For each panel the labels or, per clip, the diagonal.
    prediction_lines_ : list of dict of str to Line2D
        For each panel the predictions of each model.

    See Also
    --------
    TrainingDisplay : Loss and validation CCC per epoch.
    sklearn.metrics.PredictionErrorDisplay : Residuals of labels per clip.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from avfusion.inspection import PredictionDisplay, PredictionPanel
    >>> predictions = {"ridge": np.array([0.2, 0.3])}
    >>> panel = PredictionPanel("arousal", np.array([0.1, 0.4]), predictions, row="clip 7")
    >>> display = PredictionDisplay(panels=[panel], rate_hz=2).plot(ax=Figure().subplots())
    >>> display.prediction_lines_[0]["ridge"].get_xdata()
    array([0. , 0.5])
    """

    def __init__(self, *, panels, rate_hz=None):
        self.panels = panels
        self.rate_hz = rate_hz

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, rows=None, targets=None, rate_hz=None, row_names=None, name=None, ax=None
    ):
        """Predict, and draw the predictions beside the labels.

        Parameters
        ----------
        estimator : fitted estimator or Pipeline, or dict of str to such
            Several are distinguished by their names.
        X : DataFrame with sequence columns, or whatever the estimators take
            Rows to predict, preferably ones that were not trained on.
        y : per-frame or per-clip targets
            Their labels.
        rows : int or array-like of int, optional
            Positions of the rows to draw, chosen as in `from_predictions`.
        targets : str, int or list of these, optional
            Names or positions of the targets; by default all of them.
        rate_hz : float, optional
            Labels per second; by default that of y's dtype, if it has one.
        row_names : str or array-like of shape (n_rows,), optional
            Column of X that names the rows, or the names.
        name : str, optional
            Name of a single estimator; by default its class.
        ax : Axes or array-like of Axes, optional
            Where to draw, as in `plot`.

        Returns
        -------
        PredictionDisplay

        Raises
        ------
        ValueError
            As `from_predictions`; if `row_names` is no column of X.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import avfusion as av
        >>> X, y = av.datasets.make_audiovisual_regression(
        ...     8, audio_rate_hz=1, video_rate_hz=1, random_state=0
        ... )
        >>> model = av.FrameRegressor().fit(X[:5], y[:5])
        >>> display = av.inspection.PredictionDisplay.from_estimator(
        ...     model, X[5:], y[5:], row_names="subject", ax=Figure().subplots()
        ... )
        >>> len(display.axes_), display.ax_.get_ylabel()
        (3, 'label')
        """
        if isinstance(row_names, str):
            row_names = metadata_column(X, row_names)
        several = estimator if isinstance(estimator, Mapping) else {name or _class_name(estimator): estimator}
        predictions = {key: model.predict(X) for key, model in several.items()}
        return cls.from_predictions(
            y, predictions, rows=rows, targets=targets, rate_hz=rate_hz, row_names=row_names, ax=ax
        )

    @classmethod
    def from_predictions(
        cls, y_true, y_pred, *, rows=None, targets=None, rate_hz=None, row_names=None, name=None, ax=None
    ):
        """Draw predictions beside labels.

        Parameters
        ----------
        y_true : per-frame or per-clip targets
            Labels, in every form that estimators take. NaN is unlabelled: a gap.
        y_pred : predictions of the same kind, or dict of str to such
            For instance ``Comparison.predictions``.
        rows : int or array-like of int, optional
            Positions of the rows to draw. By default, for labels per frame, the first three that have labels
            (fewer, where many targets would make more than twelve panels); all clips.
        targets : str, int or list of these, optional
            Names or positions of the targets; by default all of them.
        rate_hz : float, optional
            Labels per second; by default that of y's dtype, if it has one.
        row_names : array-like of shape (n_rows,), optional
            Names of all rows of y, or a Series (its name goes before each: "subject 7"); by default the
            index of y, or "row 0", "row 1", ...
        name : str, default="prediction"
            Name of the predictions of a single model.
        ax : Axes or array-like of Axes, optional
            Where to draw, as in `plot`.

        Returns
        -------
        PredictionDisplay

        Raises
        ------
        ValueError
            If labels and predictions differ in kind, rows, lengths or number of targets; if a row or target
            does not exist, or a row has no labels; if there is nothing to draw.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from avfusion.inspection import PredictionDisplay
        >>> labels, predictions = [np.array([0.1, np.nan, 0.3])], [np.array([0.2, 0.3, 0.2])]
        >>> display = PredictionDisplay.from_predictions(
        ...     labels, {"ridge": predictions}, rate_hz=2, ax=Figure().subplots()
        ... )
        >>> display.ax_.get_xlabel(), display.label_lines_[0].get_ydata()
        ('time (s)', array([0.1, nan, 0.3]))
        """
        true = as_targets(y_true, "y_true")
        models = y_pred if isinstance(y_pred, Mapping) else {name or "prediction": y_pred}
        if not models:
            raise ValueError("y_pred is an empty dict; give the predictions of at least one model.")
        index = y_true.index if isinstance(y_true, (pd.DataFrame, pd.Series)) else None
        values = {str(key): paired_values(true, y, key, index) for key, y in models.items()}
        columns = select_targets(true.form.target_names, targets)
        most = max(1, min(3, _MOST_PANELS // len(columns)))
        rows = select_rows(true, rows, most, index)
        names = names_of_rows(true.n_rows, row_names, index)
        panels = prediction_panels(true, values, rows, columns, names)
        if rate_hz is None:
            rate_hz = next((d.rate_hz for d in true.form.dtypes if isinstance(d, SequenceDtype)), None)
        return cls(panels=panels, rate_hz=rate_hz).plot(ax=ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : Axes or array-like of Axes, optional
            An axes for each panel, or one that is divided into panels; by default a new figure.

        Returns
        -------
        PredictionDisplay
            The display itself. The title of each panel has its CCC, which is of its own steps only, so that
            the mean over panels is not the pooled CCC of `score`. Those of several models are in the order of
            the legend.

        Raises
        ------
        ValueError
            If there are no panels, or `ax` holds another number of axes than there are panels.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> from avfusion.inspection import PredictionPanel
        >>> values = np.array([2.0, 4.0, 6.0])
        >>> display = PredictionDisplay(panels=[PredictionPanel("trust", values, {"svr": values})])
        >>> display.plot(ax=Figure().subplots()).ax_.get_xlabel()
        'predicted trust'
        """
        if not self.panels:
            raise ValueError("There are no panels to draw.")
        clips = self.panels[0].row is None
        n_columns = self._n_columns(clips)
        size = (3.4, 3.4) if clips else ((9.0, 2.0) if n_columns == 1 else (10.0 / n_columns, 1.8))
        self.axes_ = panel_axes(ax, len(self.panels), n_columns, size)
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].figure
        styles = line_styles(self.panels[0].predictions)
        draw = self._draw_clips if clips else self._draw_steps
        drawn = [draw(axes, panel, styles) for axes, panel in zip(self.axes_, self.panels)]
        self.label_lines_, self.prediction_lines_ = (list(lines) for lines in zip(*drawn))
        for axes, panel in zip(self.axes_, self.panels):
            axes.set_title(_title(panel, axes), loc="left", fontsize="medium")
            tidy(axes)
        if ax is None:
            self._arrange(n_columns, clips)
        if not clips:
            handles = [self.label_lines_[0], *self.prediction_lines_[0].values()]
            name_lines(self.axes_, ax is None, ["label", *styles], handles)
        return self

    def _n_columns(self, clips):
        n_panels, n_targets = len(self.panels), len({panel.target for panel in self.panels})
        n_models = n_panels // n_targets
        if clips:
            return min(n_models, 4) if n_models > 1 else min(n_panels, 3 if n_panels <= 6 else 4)
        if n_targets == 1:
            return 1 if n_panels <= 4 else 2
        return min(n_targets, 3)

    def _draw_steps(self, ax, panel, styles):
        time = np.arange(len(panel.labels)) / (self.rate_hz or 1)
        labels = _line(ax, time, panel.labels, color=LABEL_COLOUR, linewidth=3, zorder=1)
        lines = {
            name: _line(ax, time, values, linewidth=1.2, zorder=2, **styles[name])
            for name, values in panel.predictions.items()
        }
        ax.margins(x=0.01)
        ax.set_xlabel("time (s)" if self.rate_hz else "time (steps)")
        ax.set_ylabel(fitted_text(panel.target, 16, n_lines=2))
        return labels, lines

    def _draw_clips(self, ax, panel, styles):
        values = np.concatenate([panel.labels, *panel.predictions.values()])
        ends = [np.nanmin(values), np.nanmax(values)]
        (diagonal,) = ax.plot(ends, ends, color="0.5", linestyle="--", linewidth=1, zorder=1)
        points = {"color": "black", "linestyle": "none", "marker": "o", "markersize": 4, "fillstyle": "none"}
        lines = {
            name: ax.plot(predicted, panel.labels, zorder=2, **points)[0]
            for name, predicted in panel.predictions.items()
        }
        ax.set_aspect("equal", adjustable="box")
        ax.set_xlabel(fitted_text(f"predicted {panel.target}", 32, n_lines=2))
        ax.set_ylabel(fitted_text(f"actual {panel.target}", 32, n_lines=2))
        return diagonal, lines

    def _arrange(self, n_columns, clips):
        """Share scales within each target, label time once per column, and make room for titles."""
        first = {}
        for panel, axes in zip(self.panels, self.axes_):
            own = first.setdefault(panel.target, axes)
            if own is not axes:
                axes.sharey(own)
                axes.autoscale(axis="y")  # over all that share
        for axes in self.axes_[: 0 if clips else -n_columns]:
            axes.set_xlabel("")
        n_lines = max(axes.get_title(loc="left").count("\n") for axes in self.axes_)
        make_room(self.figure_, LINE_HEIGHT * n_lines * -(-len(self.axes_) // n_columns))


def _class_name(estimator):
    return type(estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator).__name__


def _line(ax, time, values, **style):
    """Draw a line with gaps; a single value between two gaps is drawn as a point."""
    absent = np.isnan(np.concatenate([[np.nan], values, [np.nan]]))
    alone = ~absent[1:-1] & absent[:-2] & absent[2:]
    points = {"marker": "o", "markersize": style["linewidth"] + 1, "markevery": alone} if alone.any() else {}
    return ax.plot(time, values, **points, **style)[0]


def _title(panel, ax):
    """Return the title of a panel, its name and CCC, on as many lines as the width of the axes requires."""
    n_characters = max(16, int(ax.get_position().width * ax.figure.get_figwidth() * 13))
    name = fitted_text(next(iter(panel.predictions)) if panel.row is None else panel.row, n_characters)
    numbers = ", ".join(
        "none" if np.isnan(score) else f"{round(score, 2) + 0.0:.2f}" for score in panel.ccc.values()
    )
    score = "no labels" if np.isnan(panel.labels).all() else f"CCC {numbers}"
    if len(name) + len(score) + 2 <= n_characters:
        return f"{name}: {score}"
    return f"{name}\n{fitted_text(score, n_characters, n_lines=2)}"
