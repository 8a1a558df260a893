"""The training history of a network: loss and validation CCC of every epoch."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from avfusion.inspection._panels import panel_axes, tidy


class TrainingDisplay:
    """Loss and validation CCC per epoch.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as attributes.

    Parameters
    ----------
    train_loss : array-like of shape (n_epochs,)
        Mean loss of the training batches, with dropout and noise.
    valid_loss, valid_ccc : array-like of shape (n_epochs,), optional
        Loss and CCC of the held-out rows; NaN in epochs without them.
    best_epoch : int, optional
        Epoch, counted from 1, whose weights were kept.
    loss_name : str, optional
        Label of the axis.

    Attributes
    ----------
    axes_ : ndarray of Axes of shape (1,) or (2,)
        The panels: loss and, if there was validation, CCC below.
    ax_ : Axes
        The first panel.
    figure_ : Figure
    lines_ : dict of str to Line2D
        By name: ``train_loss``, ``valid_loss``, ``valid_ccc``.

    See Also
    --------
    PredictionDisplay : Predictions beside labels.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from avfusion.inspection import TrainingDisplay
    >>> display = TrainingDisplay(train_loss=[0.9, 0.5, 0.4]).plot(ax=Figure().subplots())
    >>> display.lines_["train_loss"].get_ydata()
    array([0.9, 0.5, 0.4])
    """

    def __init__(self, *, train_loss, valid_loss=None, valid_ccc=None, best_epoch=None, loss_name=None):
        self.train_loss = train_loss
        self.valid_loss = valid_loss
        self.valid_ccc = valid_ccc
        self.best_epoch = best_epoch
        self.loss_name = loss_name

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the history of a fitted network.

        Parameters
        ----------
        estimator : fitted estimator
            One that trains a network, or a Pipeline that ends with one, or a search over such.
        ax : Axes or array-like of Axes, optional
            Where to draw, as in `plot`.

        Returns
        -------
        TrainingDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it trains no network, or several.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import avfusion as av
        >>> X, y = av.datasets.make_audiovisual_regression(
        ...     8, label_rate_hz=1, audio_rate_hz=1, video_rate_hz=1, random_state=0
        ... )
        >>> model = av.EarlyFusionRegressor(max_epochs=3, early_stopping=True, random_state=0).fit(X, y)
        >>> display = av.inspection.TrainingDisplay.from_estimator(model, ax=Figure().subplots(2))
        >>> [ax.get_ylabel() for ax in display.axes_]
        ['loss (ccc+mse)', 'validation CCC']
        """
        model = _trained(estimator)
        history = {
            key: _recorded(model.net_.history, key) for key in ("train_loss", "valid_loss", "valid_ccc")
        }
        flags = _recorded(model.net_.history, "valid_ccc_best")
        # without early stopping it is the last weights that are kept, also after a warm start
        best = np.flatnonzero(flags == 1) if model.early_stopping and not np.isnan(flags[-1]) else ()
        display = cls(
            **{key: values for key, values in history.items() if not np.isnan(values).all()},
            best_epoch=int(best[-1]) + 1 if len(best) else None,
            loss_name=model._loss_name(model.target_form_.per_frame),
        )
        return display.plot(ax=ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : Axes or array-like of Axes, optional
            An axes for each panel, or one that is divided where two are needed; by default a new figure.

        Returns
        -------
        TrainingDisplay
            The display itself.

        Raises
        ------
        ValueError
            If `ax` holds another number of axes than there are panels.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> display = TrainingDisplay(
        ...     train_loss=[0.9, 0.5, 0.4], valid_ccc=[0.2, 0.5, 0.4], best_epoch=2
        ... )
        >>> display.plot(ax=Figure().subplots(2)).axes_[1].get_title(loc="left")
        'best: epoch 2, CCC 0.500'
        """
        n_panels = 1 if self.valid_ccc is None else 2
        self.axes_ = panel_axes(ax, n_panels, n_columns=1, panel_size=(6.4, 4.3 / n_panels))
        self.ax_, self.figure_, self.lines_ = self.axes_[0], self.axes_[0].figure, {}
        self._draw_loss(self.ax_)
        if n_panels == 2:
            self._draw_ccc(self.axes_[1])
        for panel in self.axes_:
            self._dress(panel)
        self.axes_[-1].set_xlabel("epoch")
        return self

    def _draw_loss(self, ax):
        self._line(ax, "train_loss", color="black", label="training")
        if self.valid_loss is not None:
            self._line(ax, "valid_loss", color="0.45", linestyle="--", label="validation")
            ax.legend(frameon=False, fontsize="small", handlelength=3)
        ax.set_ylabel(f"loss ({self.loss_name})" if self.loss_name else "loss")

    def _draw_ccc(self, ax):
        self._line(ax, "valid_ccc", color="black")
        ax.set_ylabel("validation CCC")
        if self.best_epoch is not None:
            best = self.valid_ccc[self.best_epoch - 1]
            ax.plot(self.best_epoch, best, "D", color="black", markersize=6)
            ax.set_title(f"best: epoch {self.best_epoch}, CCC {best:.3f}", loc="left", fontsize="medium")

    def _line(self, ax, key, **style):
        values = np.asarray(getattr(self, key), dtype=float)
        marker = "." if len(values) < 40 else None  # a single epoch would not show as a line
        (self.lines_[key],) = ax.plot(np.arange(1, len(values) + 1), values, marker=marker, **style)

    def _dress(self, ax):
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        margin = max(0.5, 0.02 * len(self.train_loss))
        ax.set_xlim(1 - margin, len(self.train_loss) + margin)
        if self.best_epoch is not None:
            ax.axvline(self.best_epoch, color="0.6", linewidth=1, linestyle=":", zorder=0)
        tidy(ax)


def _trained(estimator):
    """Return the estimator that has the net, inside pipelines and searches."""
    check_is_fitted(estimator)
    inner = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else None
    for name in ("best_estimator_", "regressor_", "estimator_"):
        inner = getattr(estimator, name, None) if inner is None else inner
    if hasattr(estimator, "net_"):
        return estimator
    if inner is not None:
        return _trained(inner)
    remedy = "one of its estimators_" if hasattr(estimator, "estimators_") else "an estimator that trains one"
    raise TypeError(
        f"{type(estimator).__name__} trains no network itself, so that there is no history. Pass {remedy}."
    )


def _recorded(history, key):
    return np.array([epoch.get(key, np.nan) for epoch in history], dtype=float)
