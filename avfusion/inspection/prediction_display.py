"""Predictions beside labels: traces over time, or for one label per clip a scatter plot."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from avfusion.inspection.panels import (
    LABEL_COLOUR,
    distinct_styles,
    fitted_text,
    name_lines,
    panel_axes,
    tidy,
)
from avfusion.inspection.selection import paired_values, select_rows, select_targets
from avfusion.metrics import ccc_score
from avfusion.sequences import SequenceDtype
from avfusion.sequences.targets import as_targets

_MOST_PANELS = 12  # by default


@dataclass(frozen=True, eq=False)
class PredictionPanel:
    """What one panel shows.

    Parameters
    ----------
    target : str
        Name of the target.
    labels : ndarray of shape (n_steps,), or per clip (n_rows,)
        NaN is unlabelled.
    predictions : dict of str to ndarray of the same shape
        By name of the model; NaN where there is none.
    row : str, optional
        Name of the row whose steps these are; None where every value is a clip.

    Examples
    --------
    >>> PredictionPanel("arousal", np.array([0.0, 1.0]), {"ridge": np.array([0.0, 1.0])}).ccc
    {'ridge': 1.0}
    """

    target: str
    labels: np.ndarray
    predictions: dict
    row: str | None = None

    @property
    def ccc(self) -> dict:
        """CCC of each model over the labelled steps of this panel; NaN without labels or predictions.

        Examples
        --------
        >>> panel = PredictionPanel("arousal", np.array([np.nan, 1.0]), {"ridge": np.array([0.0, np.nan])})
        >>> panel.ccc
        {'ridge': nan}
        """
        labelled = ~np.isnan(self.labels)
        scores = {}
        for name, values in self.predictions.items():
            complete = labelled.any() and not np.isnan(values[labelled]).any()
            scores[name] = ccc_score(self.labels[labelled], values[labelled]) if complete else np.nan
        return scores


class PredictionDisplay:
    """Predictions beside labels.

    Labels per frame are drawn over time, one panel for each row and target; labels per clip as actual against
    predicted values, one panel for each target. It is recommended to use :meth:`from_estimator` or
    :meth:`from_predictions`. All parameters are stored as attributes.

    Parameters
    ----------
    panels : list of PredictionPanel
        What to draw, in this order, with the same models in each.
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
            Several are told apart by their names.
        X : DataFrame with sequence columns, or whatever the estimators take
            Rows to predict, preferably ones that were not trained on.
        y : per-frame or per-clip targets
            Their labels.
        rows, targets, rate_hz, ax
            As in `from_predictions`.
        row_names : str or array-like of shape (n_rows,), optional
            Column of X that names the rows, or the names.
        name : str, optional
            What to call a single estimator; by default its class.

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
            row_names = _names_from_column(X, row_names)
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
            Names of all rows of y; by default its index, or "row 0", "row 1", ...
        name : str, default="prediction"
            What to call the predictions of a single model.
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
            raise ValueError("y_pred is an empty dict; give the predictions of one model at least.")
        index = y_true.index if isinstance(y_true, (pd.DataFrame, pd.Series)) else None
        values = {str(key): paired_values(true, y, key, index) for key, y in models.items()}
        columns = select_targets(true.form.target_names, targets)
        most = max(1, min(3, _MOST_PANELS // len(columns)))
        rows = select_rows(true, rows, most, index)
        names = _row_names(true.n_rows, row_names, index)
        panels = _panels(true, values, rows, columns, names)
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
            The display itself. Above each panel stands its CCC: of its own steps only, so their mean is not
            the pooled CCC of `score`. Several models' follow each other in the order of the legend.

        Raises
        ------
        ValueError
            If there are no panels, or `ax` holds another number of axes than there are panels.

        Examples
        --------
        >>> from matplotlib.figure import Figure
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
        styles = distinct_styles(self.panels[0].predictions, "markers" if clips else "dashes")
        draw = self._draw_clips if clips else self._draw_steps
        drawn = [draw(axes, panel, styles) for axes, panel in zip(self.axes_, self.panels)]
        self.label_lines_, self.prediction_lines_ = (list(lines) for lines in zip(*drawn))
        for axes, panel in zip(self.axes_, self.panels):
            axes.set_title(_title(panel, _characters(axes)), loc="left", fontsize="medium")
            tidy(axes)
        if ax is None:
            self._share(n_columns, clips)
        handles = [self.label_lines_[0], *self.prediction_lines_[0].values()]
        name_lines(self.axes_, ax is None, ["equal" if clips else "label", *styles], handles)
        return self

    def _n_columns(self, clips):
        n_panels, n_targets = len(self.panels), len({panel.target for panel in self.panels})
        if clips:
            return min(n_panels, 4 if n_panels > 6 else 3)
        if n_targets == 1:
            return 1 if n_panels <= 4 else 2
        return min(n_targets, 3)

    def _draw_steps(self, ax, panel, styles):
        time = np.arange(len(panel.labels)) / (self.rate_hz or 1)
        (labels,) = ax.plot(time, panel.labels, color=LABEL_COLOUR, linewidth=3, zorder=1)
        lines = {
            name: ax.plot(time, values, linewidth=1.2, zorder=2, **styles[name])[0]
            for name, values in panel.predictions.items()
        }
        ax.margins(x=0.01)
        ax.set_xlabel("time (s)" if self.rate_hz else "time (steps)")
        ax.set_ylabel(fitted_text(panel.target, 20, n_lines=2))
        return labels, lines

    def _draw_clips(self, ax, panel, styles):
        values = np.concatenate([panel.labels, *panel.predictions.values()])
        ends = [np.nanmin(values), np.nanmax(values)]
        (diagonal,) = ax.plot(ends, ends, color="0.5", linestyle="--", linewidth=1, zorder=1)
        lines = {
            name: ax.plot(
                predicted,
                panel.labels,
                linestyle="none",
                markersize=4,
                fillstyle="none",
                zorder=2,
                **styles[name],
            )[0]
            for name, predicted in panel.predictions.items()
        }
        ax.set_aspect("equal", adjustable="datalim")
        ax.set_xlabel(fitted_text(f"predicted {panel.target}", 32, n_lines=2))
        ax.set_ylabel(fitted_text(f"actual {panel.target}", 32, n_lines=2))
        return diagonal, lines

    def _share(self, n_columns, clips):
        """Give each target one scale, and the axis of time one name per column."""
        if clips:
            return
        first = {}
        for panel, axes in zip(self.panels, self.axes_):
            if panel.target in first:
                axes.sharey(first[panel.target])
                axes.autoscale(axis="y")  # over all that share
            first.setdefault(panel.target, axes)
        for axes in self.axes_[:-n_columns]:
            axes.set_xlabel("")


def _panels(true, values, rows, columns, row_names):
    names = true.form.target_names
    if true.lengths is None:
        return [
            PredictionPanel(
                names[k], true.values[rows, k], {model: v[rows, k] for model, v in values.items()}
            )
            for k in columns
        ]
    stops = np.cumsum(np.maximum(true.lengths, 0))
    panels = []
    for row in rows:
        steps = slice(stops[row] - true.lengths[row], stops[row])
        for k in columns:
            own = {model: v[steps, k] for model, v in values.items()}
            panels.append(PredictionPanel(names[k], true.values[steps, k], own, row_names[row]))
    return panels


def _row_names(n_rows, row_names, index):
    if row_names is None:
        if index is None or isinstance(index, pd.RangeIndex):
            return [f"row {row}" for row in range(n_rows)]
        return [str(label) for label in index]
    if len(row_names) != n_rows:
        raise ValueError(f"row_names has {len(row_names)} names, but y_true has {n_rows} rows.")
    return [str(name) for name in row_names]


def _names_from_column(X, column):
    if not isinstance(X, pd.DataFrame) or column not in X.columns:
        columns = list(X.columns) if isinstance(X, pd.DataFrame) else "none: it is no DataFrame"
        raise ValueError(f"row_names={column!r} is no column of X; its columns are {columns}.")
    return [f"{column} {value}" for value in X[column]]


def _class_name(estimator):
    return type(estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator).__name__


def _characters(ax):
    """How many characters of a title have room above an axes."""
    width = ax.get_position().width * ax.figure.get_figwidth()
    return max(12, int(width * 11))


def _title(panel, n_characters):
    scores = panel.ccc.values()
    numbers = ", ".join("none" if np.isnan(score) else f"{score:.2f}" for score in scores)
    score = f"CCC {numbers}" if not np.isnan(panel.labels).all() else "no labels"
    if panel.row is None:
        return fitted_text(score, n_characters, n_lines=2)
    if len(panel.row) + len(score) + 2 <= n_characters:
        return f"{panel.row}: {score}"
    return f"{fitted_text(panel.row, n_characters)}\n{fitted_text(score, n_characters, n_lines=2)}"
