"""Statistics of the labels and predictions of one target, weighted where labels have weights."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_LARGE = 300  # exponent of two beyond which sums of squares may overflow, or squares vanish
_CONSTANT = 1e-13  # relative to the mean: deviations below it are rounding, scipy's threshold for Pearson's r


@dataclass(frozen=True, eq=False)
class Column:
    """Labels of one target that count, and their predictions: what statistics are computed from.

    Parameters
    ----------
    true, pred : ndarray of shape (n_labelled,)
    weight : ndarray of shape (n_labelled,), optional
        Positive; by default all labels count alike.
    row : ndarray of int of shape (n_labelled,), optional
        Row that each label belongs to, in order.

    Examples
    --------
    >>> Column(np.array([1.0, 2.0]), np.array([1.0, 3.0])).centred[1]
    (np.float64(2.0), array([-1.,  1.]))
    """

    true: np.ndarray
    pred: np.ndarray
    weight: np.ndarray | None = None
    row: np.ndarray | None = None

    @cached_property
    def ordinary(self):
        """Labels, predictions and an exponent: both times ``2**-exponent`` have squares that floats hold."""
        largest = max(np.abs(values).max(initial=0.0) for values in (self.true, self.pred))
        _, exponent = np.frexp(largest)
        if abs(exponent) <= _LARGE or not np.isfinite(largest):
            return self.true, self.pred, 0
        return np.ldexp(self.true, -exponent), np.ldexp(self.pred, -exponent), int(exponent)

    @cached_property
    def centred(self):
        """Mean, and values less it, of labels and of predictions of ordinary size; statistics share them."""
        true, pred, _ = self.ordinary
        return self._centred(true), self._centred(pred)

    def mean(self, values):
        """Return the weighted mean of some values of the labels."""
        return values.mean() if self.weight is None else np.average(values, weights=self.weight)

    def _centred(self, values):
        """Return mean and values less it; exact zeros where they are constant up to rounding."""
        mean = self.mean(values)
        centred = values - mean
        if values.min() == values.max() or np.abs(centred).max() <= _CONSTANT * abs(mean):
            return mean, np.zeros_like(values)
        return mean, centred - self.mean(centred)


def ccc(column):
    """Return the concordance correlation coefficient."""
    (mean_true, true), (mean_pred, pred) = column.centred
    if column.weight is not None:
        share = column.weight / column.weight.sum()
        denominator = share @ true**2 + share @ pred**2 + (mean_true - mean_pred) ** 2
        return 2 * (share @ (true * pred)) / denominator if denominator > 0 else 0.0
    denominator = true @ true + pred @ pred + len(true) * (mean_true - mean_pred) ** 2
    return 2 * (true @ pred) / denominator if denominator > 0 else 0.0


def pcc(column):
    """Return Pearson's correlation coefficient."""
    (_, true), (_, pred) = column.centred
    if column.weight is not None:
        root = np.sqrt(column.weight / column.weight.max())
        true, pred = root * true, root * pred
    norms = np.linalg.norm(true), np.linalg.norm(pred)
    return float(np.clip((true / norms[0]) @ (pred / norms[1]), -1, 1)) if min(norms) > 0 else 0.0


def sagr(column):
    """Return the share of predictions of the sign of the label."""
    return column.mean(np.sign(column.true) == np.sign(column.pred))


def rmse(column):
    """Return the root of the mean squared error."""
    true, pred, exponent = column.ordinary
    return np.ldexp(np.sqrt(column.mean((true - pred) ** 2)), exponent)


def mae(column):
    """Return the mean absolute error."""
    true, pred, exponent = column.ordinary
    return np.ldexp(column.mean(np.abs(true - pred)), exponent)


def by_row(statistic, column):
    """Return a statistic of each row by itself, the weights by which rows count, and the rows.

    Parameters
    ----------
    statistic : callable
    column : Column
        With rows.

    Returns
    -------
    values, weights : ndarray of shape (n_rows,)
        A row counts by the mean weight of its labels.
    rows : ndarray of int of shape (n_rows,)
        Those that have labels.

    Examples
    --------
    >>> column = Column(np.array([1.0, 2.0, 3.0]), np.zeros(3), None, np.array([0, 0, 4]))
    >>> by_row(mae, column)
    (array([1.5, 3. ]), array([1., 1.]), array([0, 4]))
    """
    stops = np.flatnonzero(np.diff(column.row)) + 1
    parts = [np.split(values, stops) for values in (column.true, column.pred)]
    weights = None if column.weight is None else np.split(column.weight, stops)
    rows = zip(*parts) if weights is None else zip(*parts, weights)
    values = np.array([statistic(Column(*row)) for row in rows], dtype=np.float64)
    counts = np.ones(len(values)) if weights is None else np.array([weight.mean() for weight in weights])
    return values, counts, column.row[np.concatenate([[0], stops])]
