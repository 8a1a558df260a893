"""Means of labels by the step of a recording: a curve for each level, and one smooth curve for all."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline
from sklearn.preprocessing import SplineTransformer

from avfusion.estimators._level_means import sums_by
from avfusion.sequences._buffers import within_rows


def grid_of(clock, lengths):
    """Return the number of each step on a grid of time that all rows share, from when they start.

    Parameters
    ----------
    clock : RowClock or None
        Where it knows the rates of all rows, steps are those of the highest rate since time 0, at which rows
        begin that say nothing else. Otherwise steps count from the begin of each row.
    lengths : ndarray of shape (n_rows,)
        Negative for missing rows.

    Returns
    -------
    ndarray of int of shape (n_steps,)

    Examples
    --------
    >>> from avfusion.sequences._label_clock import RowClock
    >>> grid_of(RowClock(np.array([2.0, 1.0]), np.array([np.nan, 3.0])), np.array([2, 2]))
    array([0, 1, 6, 8])
    """
    lengths = np.maximum(lengths, 0)
    row, step = within_rows(lengths)
    if clock is None or clock.times_s is not None or np.isnan(clock.rates_hz[lengths > 0]).any():
        return step
    highest = clock.rates_hz[lengths > 0].max(initial=1.0)
    starts = np.nan_to_num(clock.starts_s)
    return np.rint((starts[row] + step / clock.rates_hz[row]) * highest).astype(np.int64)


@dataclass(frozen=True)
class StepMeans:
    """Mean of the labels of each level at each step.

    Parameters
    ----------
    levels, steps : ndarray of int of shape (n_means,)
        In the order of levels, then steps.
    means : ndarray of shape (n_means, K)
        NaN where a target has no label.

    Examples
    --------
    >>> labels, levels, steps = np.array([[1.0], [3.0], [5.0]]), np.zeros(3, dtype=int), np.array([0, 0, 1])
    >>> curves = step_means(labels, None, levels, steps)
    >>> curves.of(np.array([0, 0, 0]), np.array([1, 0, 9])).ravel()
    array([ 5.,  2., nan])
    """

    levels: np.ndarray
    steps: np.ndarray
    means: np.ndarray

    def of(self, levels, steps):
        """Return the means of some levels at some steps, (n, K); NaN where there is none."""
        first = min(self.steps.min(), steps.min(initial=0))
        span = max(self.steps.max(), steps.max(initial=0)) - first + 1
        known, asked = (
            part * span + own - first for part, own in ((self.levels, self.steps), (levels, steps))
        )
        place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        found = (known[place] == asked) & (levels >= 0)
        return np.where(found[:, None], self.means[place], np.nan)


def step_means(values, weights, levels, steps):
    """Return the mean of the labels of each level at each step.

    Parameters
    ----------
    values : ndarray of shape (n_values, K)
        NaN is unlabelled.
    weights : ndarray of that shape or None
    levels : ndarray of int of shape (n_values,)
        -1 for none.
    steps : ndarray of int of shape (n_values,)

    Returns
    -------
    StepMeans

    Examples
    --------
    >>> step_means(np.array([[1.0], [3.0]]), None, np.array([0, 1]), np.array([4, 4])).means.ravel()
    array([1., 3.])
    """
    first, span = steps.min(initial=0), np.ptp(steps) + 1 if len(steps) else 1
    keys, place = np.unique(levels * span + steps - first, return_inverse=True)
    weight, total, _, centre = sums_by(values, weights, place, len(keys))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(weight > 0, total / weight, np.nan) + centre
    return StepMeans(keys // span, keys % span + first, means)


@dataclass(frozen=True)
class Course:
    """A smooth curve over time, the same for all recordings.

    Parameters
    ----------
    knots : ndarray of shape (n_splines + 4,)
        Of a cubic spline; empty for a constant.
    coefficients : ndarray of shape (n_splines, K)
    mean : ndarray of shape (K,)
        What is added to the spline.

    Examples
    --------
    >>> values = np.arange(20.0)[:, None]
    >>> smooth_course(values, None, np.arange(20.0)).at(np.array([5.0, 10.0, 50.0])).ravel().round(1)
    array([ 5., 10., 19.])
    """

    knots: np.ndarray
    coefficients: np.ndarray
    mean: np.ndarray

    def at(self, position):
        """Return the curve at some positions, (n, K); beyond those of training that of the nearest."""
        if not len(self.knots):
            return np.broadcast_to(self.mean, (len(position), len(self.mean)))
        within = np.clip(position, self.knots[3], self.knots[-4])
        return BSpline(self.knots, self.coefficients, 3)(within) + self.mean


def smooth_course(values, weights, position, n_knots=8):
    """Fit a cubic spline of the position to labels, by least squares.

    Parameters
    ----------
    values : ndarray of shape (n_values, K)
        NaN is unlabelled.
    weights : ndarray of that shape or None
    position : ndarray of shape (n_values,)
        Time or share of the recording.
    n_knots : int, default=8
        At quantiles of the positions.

    Returns
    -------
    Course

    Examples
    --------
    >>> smooth_course(np.array([[1.0], [3.0]]), None, np.zeros(2)).mean
    array([2.])
    """
    places, where = np.unique(position, return_inverse=True)
    weight, total, _, centre = sums_by(values, weights, where, len(places))
    known = weight.sum(axis=1) > 0
    with np.errstate(invalid="ignore"):
        mean = centre + total.sum(axis=0) / weight.sum(axis=0)  # NaN where nothing is labelled
    n_knots = min(n_knots, int(known.sum()) - 2)
    if n_knots < 2:
        return Course(np.empty(0), np.empty((0, len(mean))), mean)
    spline = SplineTransformer(n_knots, knots="quantile", extrapolation="constant", include_bias=False)
    spline.fit(places[known, None], sample_weight=weight[known].sum(axis=1))
    knots = spline.bsplines_[0].t[3:-3]
    if (np.diff(knots) <= 0).any():  # quantiles that fall together
        spline.set_params(knots="uniform").fit(places[known, None])
    basis = spline.transform(places[:, None])
    coefficients, means = [], []
    for k in range(len(mean)):
        share = weight[:, k] / max(weight[:, k].sum(), np.finfo(float).tiny)
        own = np.divide(total[:, k], weight[:, k], out=np.zeros(len(places)), where=weight[:, k] > 0)
        middle, level = share @ basis, share @ own
        root = np.sqrt(share)[:, None]
        found = np.linalg.lstsq(root * (basis - middle), root[:, 0] * (own - level), rcond=1e-8)[0]
        coefficients.append(found)
        means.append(np.nan if np.isnan(mean[k]) else centre[k] + level - middle @ found)
    last = np.zeros((1, len(mean)))  # splines add up to 1, so that one of them is the mean's
    coefficients = np.concatenate([np.stack(coefficients, axis=1), last])
    return Course(spline.bsplines_[0].t, coefficients, np.array(means))
