"""Predictions of several estimators for the same rows, and their combination into one.

Predictions are one array (n_estimators, n_values, K): a value of each step where they are per frame, else of
each row. What an estimator cannot predict, because its streams are absent, is NaN.
"""

import numpy as np
from sklearn.base import clone

from avfusion._tracking import untracked
from avfusion.sequences._buffers import within_rows
from avfusion.sequences._messages import row_name

__all__ = ["filled_with_mean", "fit_per_target", "gather_predictions", "simplex_weights", "weighted_mean"]


def gather_predictions(predictions, n_rows, form, index):
    """Bring the predictions of estimators, for some of the rows each, into one array.

    Parameters
    ----------
    predictions : list of (str, ndarray, Targets or None), one per estimator
        Name of the estimator, positions of the rows that it predicted, and its predictions.
    n_rows : int
        Number of all rows.
    form : TargetForm
        Form of the labels.
    index : pandas.Index
        Of the rows, for messages.

    Returns
    -------
    predicted : ndarray of shape (n_estimators, n_values, K)
        NaN where there is none.
    lengths : ndarray of shape (n_rows,)
        Number of values of each row; 0 for one that no estimator predicted.

    Raises
    ------
    ValueError
        If estimators do not agree on the number of frames of a row, or predict in another form than `form`.

    Examples
    --------
    >>> import pandas as pd
    >>> from avfusion.sequences._targets import as_targets
    >>> first, second = as_targets([1.0, 2.0, 3.0]), as_targets([5.0])
    >>> predictions = [("audio", np.arange(3), first), ("video", np.array([1]), second)]
    >>> gather_predictions(predictions, 3, first.form, pd.RangeIndex(3))[0][:, :, 0]
    array([[ 1.,  2.,  3.],
           [nan,  5., nan]])
    """
    given = [(k, *prediction) for k, prediction in enumerate(predictions) if len(prediction[1])]
    for _, name, _, prediction in given:
        _check_form(name, prediction.form, form)
    lengths = _merged_lengths(given, n_rows, form, index)
    starts = np.cumsum(lengths) - lengths
    predicted = np.full((len(predictions), lengths.sum(), form.n_targets), np.nan)
    for k, _, rows, prediction in given:
        own = lengths[rows]
        predicted[k, np.repeat(starts[rows], own) + within_rows(own)[1]] = prediction.values
    return predicted, lengths


def _check_form(name, found, form):
    if (found.per_frame, found.n_targets) != (form.per_frame, form.n_targets):
        kinds = [f"{f.n_targets} value(s) per {'frame' if f.per_frame else 'row'}" for f in (found, form)]
        raise ValueError(f"Estimator {name!r} predicts {kinds[0]}, but y has {kinds[1]}.")


def _merged_lengths(given, n_rows, form, index):
    """Return the number of values of each row, which all predictions of the row must have."""
    lengths, source = np.zeros(n_rows, dtype=np.int64), {}
    for _, name, rows, prediction in given:
        own = prediction.lengths if form.per_frame else np.ones(len(rows), dtype=np.int64)
        for row, length in zip(rows, own):
            if source.get(row) is not None and lengths[row] != length:
                raise ValueError(
                    f"Estimators {source[row]!r} and {name!r} predict {lengths[row]} and {length} frames for "
                    f"{row_name(row, index)}. Let both align their streams to the rate of the labels."
                )
            lengths[row], source[row] = length, name
    return lengths


def weighted_mean(predicted, weights):
    """Average over the estimators that predicted, with their weights divided by the sum of these.

    What only estimators of weight zero predicted gets the plain mean of their predictions.

    Parameters
    ----------
    predicted : ndarray of shape (n_estimators, n_values, K)
        NaN where an estimator did not predict.
    weights : ndarray of shape (n_estimators,)
        Not negative.

    Returns
    -------
    ndarray of shape (n_values, K)

    Examples
    --------
    >>> predicted = np.array([[[1.0], [1.0], [np.nan]], [[4.0], [np.nan], [4.0]]])
    >>> weighted_mean(predicted, np.array([1.0, 2.0])).ravel()
    array([3., 1., 4.])
    """
    present = ~np.isnan(predicted).any(axis=2)  # (n_estimators, n_values)
    shares = weights[:, None] * present
    shares = np.where(shares.sum(axis=0) > 0, shares, present)
    return np.einsum("el,elk->lk", shares / shares.sum(axis=0), np.nan_to_num(predicted))


def filled_with_mean(predicted):
    """Put the mean of the others where an estimator did not predict.

    Parameters
    ----------
    predicted : ndarray of shape (n_estimators, n_values, K)
        Every value predicted by one estimator at least.

    Returns
    -------
    ndarray of shape (n_estimators, n_values, K)

    Examples
    --------
    >>> filled_with_mean(np.array([[[1.0], [1.0]], [[4.0], [np.nan]]]))[:, :, 0]
    array([[1., 1.],
           [4., 1.]])
    """
    return np.where(np.isnan(predicted), weighted_mean(predicted, np.ones(len(predicted))), predicted)


def simplex_weights(predicted, labels):
    """Find the weights, not negative and of sum one, whose mean has the smallest squared error.

    The error is that of `weighted_mean`, over all values and targets, each target in units of its deviation.
    Where all estimators predicted every value, the problem is convex; else the best of several minima is
    taken. A value that one estimator predicted alone has no influence.

    Parameters
    ----------
    predicted : ndarray of shape (n_estimators, n_values, K)
        NaN where an estimator did not predict.
    labels : ndarray of shape (n_values, K)
        NaN is unlabelled.

    Returns
    -------
    ndarray of shape (n_estimators,)

    Examples
    --------
    >>> labels = np.array([[0.0], [1.0], [2.0]])
    >>> simplex_weights(np.stack([labels + 1, labels - 3]), labels).round(3)
    array([0.75, 0.25])
    """
    from scipy.optimize import minimize  # here, since it takes long to import

    patterns = _error_products(predicted, labels)
    equal = np.full(len(predicted), 1 / len(predicted))
    # absent predictions make more than one minimum
    starts = [equal, *(0.9 * np.eye(len(predicted)) + 0.1 * equal)]
    found = [
        minimize(
            lambda weights: _squared_error(weights, patterns),
            start,
            jac=True,
            method="SLSQP",
            bounds=[(0, 1)] * len(start),
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
            options={"ftol": 1e-12, "maxiter": 1000},
        ).x.clip(0)
        for start in starts
    ]
    best = min([equal, *found], key=lambda weights: _squared_error(weights, patterns)[0])
    return best / best.sum()


def _error_products(predicted, labels):
    """List which estimators predicted together, (members, their mean products of errors), and how often."""
    spread = np.nanstd(labels, axis=0)
    errors = (predicted - labels) / np.where(spread > 0, spread, 1.0)  # (n_estimators, n_values, K)
    present = ~np.isnan(predicted).any(axis=2)
    n_labels = np.count_nonzero(~np.isnan(labels))
    patterns = []
    for pattern in np.unique(present, axis=1).T:
        chosen = (present == pattern[:, None]).all(axis=0)
        members = np.flatnonzero(pattern)
        if len(members) > 1:
            own = np.nan_to_num(errors[members][:, chosen].reshape(len(members), -1))  # NaN: unlabelled
            patterns.append((members, own @ own.T / n_labels))
    return patterns


def _squared_error(weights, patterns):
    """Return the mean squared error and its gradient."""
    error, gradient = 0.0, np.zeros_like(weights)
    for members, products in patterns:
        total = weights[members].sum()
        if total <= 0:  # as `weighted_mean` does
            error += products.mean()
            continue
        shares = weights[members] / total
        slope = products @ shares
        error += shares @ slope
        gradient[members] += 2 * (slope - shares @ slope) / total
    return error, gradient


def fit_per_target(estimator, predicted, labels):
    """Fit a clone for each target on the predictions for it, where it is labelled."""
    tables = np.moveaxis(predicted, 0, 1)  # (n_values, n_estimators, K)
    labelled = ~np.isnan(labels)
    with untracked():
        return [
            clone(estimator).fit(tables[labelled[:, k], :, k], labels[labelled[:, k], k])
            for k in range(labels.shape[1])
        ]
