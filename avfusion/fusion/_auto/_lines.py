"""Straight lines that bring predictions to the scale on which a score is best, learnt from held-out rows."""

import numpy as np

from avfusion.estimators._weights import moments

__all__ = ["matched_line", "regressed_line"]

OWN_GROUPS = 50  # groups after which a target's own slope counts as much as that of all targets together
PRIOR_GROUPS = 5  # groups after which predictions count as much as the assumption that they are right
MEAN_GROUPS = 10  # groups after which the mean of the labels counts as much as that of the predictions
FLATTEST, STEEPEST = 0.1, 2.0


def regressed_line(labels, predictions, weights=None, n_groups=1, spread=None):
    """Return scale and offset, (K,) each, of the line of smallest squared error.

    The slope of each target is shrunk towards that of all targets together, and that towards 1, the more the
    fewer groups there are, and lies between .1 and 2. The mean is shrunk in the same way towards that of the
    predictions, which rests on more labels than those of the values at hand.

    Parameters
    ----------
    labels, predictions : ndarray of shape (n_values, K)
        NaN where there is none.
    weights : ndarray of shape (n_values, K), optional
        How much labels count.
    n_groups : int, default=1
        From how many groups they are.
    spread : ndarray of shape (K,), optional
        Standard deviations by which targets are made comparable; by default those of these labels.

    Returns
    -------
    scale, offset : ndarray of shape (K,)

    Examples
    --------
    >>> predictions = np.array([[0.0], [1.0], [2.0]])
    >>> [part.round(2).tolist() for part in regressed_line(1 + predictions / 2, predictions, n_groups=1e6)]
    [[0.5], [1.0]]
    """
    both, mean, centre, shares = _paired(labels, predictions, weights)
    if spread is None:
        spread = moments(np.where(both, labels, np.nan), weights)[1]
    unit = np.where(spread > 0, spread, 1.0)
    true, predicted = (
        np.where(both, (values - own) / unit, 0.0) for values, own in ((labels, mean), (predictions, centre))
    )
    common, variance = (shares * true * predicted).sum(axis=0), (shares * predicted**2).sum(axis=0)
    smallest = np.finfo(float).eps
    pooled = common.sum() / variance.sum() if variance.sum() > smallest else 1.0
    pooled = (n_groups * pooled + PRIOR_GROUPS) / (n_groups + PRIOR_GROUPS)
    own = np.divide(common, variance, out=np.full_like(common, pooled), where=variance > smallest)
    scale = np.clip((n_groups * own + OWN_GROUPS * pooled) / (n_groups + OWN_GROUPS), FLATTEST, STEEPEST)
    share = n_groups / (n_groups + MEAN_GROUPS)
    return scale, share * mean + (1 - share) * centre - scale * centre


def matched_line(labels, predictions, weights=None):
    """Return scale and offset that give predictions the mean and standard deviation of the labels.

    Predictions that never vary keep their scale.

    Parameters
    ----------
    labels, predictions, weights : as in `regressed_line`

    Returns
    -------
    scale, offset : ndarray of shape (K,)

    Examples
    --------
    >>> predictions = np.array([[0.0], [1.0], [2.0]])
    >>> [part.tolist() for part in matched_line(3 + 2 * predictions[::-1], predictions)]
    [[2.0], [3.0]]
    """
    both, mean, centre, shares = _paired(labels, predictions, weights)
    deviation, spread = (
        np.sqrt((shares * np.where(both, values - own, 0.0) ** 2).sum(axis=0))
        for values, own in ((labels, mean), (predictions, centre))
    )
    varies = spread > 1e-9 * np.maximum(np.abs(centre), deviation)
    scale = np.divide(deviation, spread, out=np.ones_like(spread), where=varies)
    return scale, mean - scale * centre


def _paired(labels, predictions, weights):
    """Return where both are known, both means, and the share of each value in them."""
    both = ~(np.isnan(labels) | np.isnan(predictions))
    shares = both * (1.0 if weights is None else np.nan_to_num(weights))
    shares = shares / np.maximum(shares.sum(axis=0), np.finfo(float).tiny)
    mean, centre = ((shares * np.where(both, v, 0.0)).sum(axis=0) for v in (labels, predictions))
    return both, mean, centre, shares
