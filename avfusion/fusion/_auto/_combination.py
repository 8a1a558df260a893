"""One prediction of those of many candidates: weights that are shrunk as held-out predictions advise."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfusion.estimators._combine import filled_with_mean, weighted_mean
from avfusion.estimators._weights import moments, of_mean_one
from avfusion.fusion._auto._lines import matched_line, regressed_line

__all__ = ["SMALLEST", "Combination", "HeldOut", "combine", "gain_of_last", "last_line"]

SMALLEST = 0.01  # a weight below it is left out
OWN_GROUPS = 50  # groups after which a target's own weights count as much as those of all targets


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Predictions of candidates for values that they were not fitted on.

    Parameters
    ----------
    predicted : ndarray of shape (n_candidates, n_values, K)
        NaN where a candidate did not predict. The first is a constant, which predicts everything.
    labels : ndarray of shape (n_values, K)
        NaN is unlabelled.
    weights : ndarray of shape (n_values, K) or None
        How much labels count.
    groups : ndarray of int, (n_values,)
        Group of each value.
    folds : ndarray of int, (n_values,)
        Fold that held it out.

    Examples
    --------
    >>> labels = np.array([[0.0], [1.0]])
    >>> HeldOut(np.stack([labels, labels + 1]), labels, None, np.arange(2), np.arange(2)).n_groups
    2
    """

    predicted: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None
    groups: np.ndarray
    folds: np.ndarray

    @property
    def n_groups(self):
        """Number of groups that have a label."""
        return len(np.unique(self.groups[~np.isnan(self.labels).all(axis=1)]))

    def take(self, values):
        """Return some of the values, by a mask or positions."""
        weights = None if self.weights is None else self.weights[values]
        return HeldOut(
            self.predicted[:, values], self.labels[values], weights, self.groups[values], self.folds[values]
        )


@dataclass(frozen=True, eq=False)
class Combination:
    """A weighted mean of the lines of candidates, and a line of its own.

    Parameters
    ----------
    scales, offsets : ndarray of shape (n_candidates, K)
        The line of each candidate.
    weights : ndarray of shape (n_candidates, K)
        Of the mean of what the lines give; of sum one for each target.
    scale, offset : ndarray of shape (K,)
        The line of the mean.

    Examples
    --------
    >>> ones = np.ones((2, 1))
    >>> halves = Combination(ones, 0 * ones, ones / 2, np.ones(1), np.zeros(1))
    >>> halves(np.array([[[1.0], [1.0]], [[3.0], [np.nan]]])).ravel()
    array([2., 1.])
    """

    scales: np.ndarray
    offsets: np.ndarray
    weights: np.ndarray
    scale: np.ndarray
    offset: np.ndarray

    def __call__(self, predicted):
        """Combine predictions (n_candidates, n_values, K); NaN is left out of its value's mean."""
        lined = predicted * self.scales[:, None] + self.offsets[:, None]
        return mean_of_targets(lined, self.weights) * self.scale + self.offset


def mean_of_targets(predicted, weights):
    """Average over candidates, with weights of their own for each target.

    Examples
    --------
    >>> mean_of_targets(np.array([[[1.0, 1.0]], [[3.0, 3.0]]]), np.array([[1.0, 0.5], [0.0, 0.5]]))
    array([[1., 2.]])
    """
    columns = [weighted_mean(predicted[:, :, k : k + 1], own) for k, own in enumerate(weights.T)]
    return np.concatenate(columns, axis=1)


def combine(held_out, scoring):
    """Learn how to combine candidates, and estimate what comes of it.

    Each candidate gets a line (`regressed_line`), and the mean of them weights by several rules, from the
    boldest to the most careful: those of smallest squared error on the simplex, for all targets together or
    shrunk towards that for each; halfway from these to equal ones and to the best candidate; equal ones; the
    best candidate alone. Weights are learnt without each fold in turn, and judged on it. The rules that are
    within one standard error, over groups, of the best one are averaged.

    Parameters
    ----------
    held_out : HeldOut
    scoring : {"ccc", "pcc", "mae", "rmse"}
        What the last line is for: mean and standard deviation of the labels for "ccc", else the smallest
        squared error, with the median in place of the mean for "mae".

    Returns
    -------
    Combination
    nested : ndarray of shape (n_values, K)
        Combined predictions for the held-out values, by weights that were learnt without their fold.
    rules : DataFrame
        Loss of each rule, its standard error against the best, and whether it is used.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.normal(size=(200, 1))
    >>> good, poor = (labels + noise * rng.normal(size=labels.shape) for noise in (0.5, 3.0))
    >>> predicted = np.stack([0 * labels, good, poor])
    >>> held_out = HeldOut(predicted, labels, None, np.arange(200), np.arange(200) % 5)
    >>> combination, _, rules = combine(held_out, "rmse")
    >>> bool(combination.weights[1, 0] > 0.8)
    True
    """
    lines = candidate_lines(held_out)
    whole = _rules(held_out, lines)
    per_fold = _nested(held_out)
    used, table = _close_to_best(per_fold, held_out)
    weights = np.mean([whole[name] for name in used], axis=0)
    nested = np.mean([per_fold[name] for name in used], axis=0)
    weights = _without_smallest(weights)
    line = last_line(held_out, nested, scoring)
    combination = Combination(*lines, weights, *line)
    return combination, nested * line[0] + line[1], table


def candidate_lines(held_out):
    """Return scales and offsets of all candidates, (n_candidates, K) each."""
    spread = moments(held_out.labels, held_out.weights)[1]
    given = held_out.weights, held_out.n_groups, spread
    lines = [regressed_line(held_out.labels, own, *given) for own in held_out.predicted]
    return tuple(np.stack(part) for part in zip(*lines))


def last_line(held_out, predictions, scoring):
    """Return the line, (K,) and (K,), that a score wants of predictions.

    Examples
    --------
    >>> labels = np.array([[0.0], [1.0], [5.0]])
    >>> held_out = HeldOut(labels[None], labels, None, np.arange(3), np.arange(3))
    >>> [round(float(part[0]), 6) for part in last_line(held_out, labels / 2, "ccc")]
    [2.0, 0.0]
    """
    labels, weights = held_out.labels, held_out.weights
    if scoring == "ccc":
        return matched_line(labels, predictions, weights)
    scale, offset = regressed_line(labels, predictions, weights, held_out.n_groups)
    if scoring == "mae":
        offset = offset + _median(labels - (predictions * scale + offset), held_out)
    return scale, offset


def _median(residuals, held_out):
    """Return the median of each target, shrunk towards 0 where groups are few; weights do not count."""
    n = held_out.n_groups
    return np.nanmedian(residuals, axis=0) * n / (n + OWN_GROUPS)


def _rules(held_out, lines):
    """Return the weights (n_candidates, K) that each rule learns."""
    products = _products(held_out, lines)
    n_targets, n_candidates, _ = products.shape
    pooled = np.tile(simplex(products.sum(axis=0))[:, None], n_targets)
    best = np.zeros_like(pooled)
    best[np.einsum("kee->e", products).argmin()] = 1
    equal = np.full_like(pooled, 1 / max(n_candidates - 1, 1))
    equal[0] = 0 if n_candidates > 1 else 1
    rules = {"simplex": pooled, "equal": equal, "best": best}
    rules["simplex and equal"] = (pooled + equal) / 2
    rules["simplex and best"] = (pooled + best) / 2
    if n_targets > 1:
        own = np.column_stack([simplex(one) for one in products])
        share = held_out.n_groups / (held_out.n_groups + OWN_GROUPS)
        rules["simplex of each target"] = share * own + (1 - share) * pooled
    return rules


def _products(held_out, lines):
    """Return the sums of products of the candidates' errors, (K, n_candidates, n_candidates)."""
    lined = filled_with_mean(held_out.predicted * lines[0][:, None] + lines[1][:, None])
    errors = np.moveaxis(_scaled_errors(held_out, lined), 2, 0)
    return errors @ errors.transpose(0, 2, 1)


def gain_of_last(held_out, n=1):
    """Return by which share the last n candidates lower the smallest squared error over all targets.

    Examples
    --------
    >>> labels = np.array([[0.0], [1.0], [3.0]])
    >>> predicted = np.stack([0 * labels, labels, 0 * labels])
    >>> held_out = HeldOut(predicted, labels, None, np.arange(3), np.arange(3))
    >>> gain_of_last(held_out) < 0.01, gain_of_last(held_out, 2) > 0.5
    (True, True)
    """
    products = _products(held_out, candidate_lines(held_out)).sum(axis=0)
    without, all_of_them = (
        own @ part @ own for part in (products[:-n, :-n], products) for own in [simplex(part)]
    )
    return float(max(1 - all_of_them / without, 0.0)) if without > 0 else 0.0


def simplex(products):
    """Return the weights, not negative and of sum one, of the smallest squared error.

    Parameters
    ----------
    products : ndarray of shape (n_candidates, n_candidates)
        Sums of products of the candidates' errors.

    Returns
    -------
    ndarray of shape (n_candidates,)

    Examples
    --------
    >>> simplex(np.array([[1.0, 0.0], [0.0, 3.0]])).round(3)
    array([0.75, 0.25])
    """
    from scipy.optimize import nnls  # here, since it takes long to import

    size = np.trace(products) / len(products)
    if size <= 0:
        return np.full(len(products), 1 / len(products))
    root = np.linalg.cholesky(products / size + 1e-9 * np.eye(len(products))).T
    heavy = 1e3  # of the sum, which is one
    weights = nnls(np.vstack([root, np.full(len(root), heavy)]), np.append(np.zeros(len(root)), heavy))[0]
    return weights / weights.sum()


def _scaled_errors(held_out, predictions):
    """Return errors in units of each target's deviation; 0 if unlabelled, times the root of the weight."""
    spread = moments(held_out.labels, held_out.weights)[1]
    errors = np.nan_to_num((predictions - held_out.labels) / np.where(spread > 0, spread, 1.0))
    weights = of_mean_one(held_out.labels, held_out.weights)
    return errors if weights is None else errors * np.sqrt(weights)


def _nested(held_out):
    """Return what each rule predicts for each fold when it learns from the others."""
    folds = np.unique(held_out.folds)
    nested = {}
    for fold in folds:
        test = held_out.folds == fold
        train = held_out.take(~test) if len(folds) > 1 else held_out
        if np.isnan(train.labels).all(axis=0).any():  # a target is labelled in this fold alone
            train = held_out
        scales, offsets = lines = candidate_lines(train)
        lined = held_out.predicted[:, test] * scales[:, None] + offsets[:, None]
        for name, weights in _rules(train, lines).items():
            nested.setdefault(name, np.empty_like(held_out.labels))[test] = mean_of_targets(lined, weights)
    return nested


def _close_to_best(per_fold, held_out):
    """Return the rules within one standard error of the best, and a table of all."""
    losses = {name: (_scaled_errors(held_out, own) ** 2).sum(axis=1) for name, own in per_fold.items()}
    n_labels = max(np.count_nonzero(~np.isnan(held_out.labels)), 1)
    _, codes = np.unique(held_out.groups, return_inverse=True)
    n = codes.max() + 1
    sums = {name: np.bincount(codes, own) / n_labels for name, own in losses.items()}
    best = min(sums, key=lambda name: sums[name].sum())
    rows = {}
    for name, own in sums.items():
        difference = own - sums[best]
        error = np.sqrt(n * difference.var(ddof=1)) if n > 1 else np.inf
        rows[name] = {
            "loss": own.sum(),
            "standard error": error,
            "used": bool(difference.sum() <= error or name == best),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return list(table.index[table["used"]]), table


def _without_smallest(weights):
    """Leave out candidates whose weight is small for every target."""
    kept = np.where(weights.max(axis=1, keepdims=True) >= SMALLEST, weights, 0.0)
    return kept / kept.sum(axis=0)
