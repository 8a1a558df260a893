"""The corrected resampled t-test, and p-values adjusted for their number."""

import numpy as np
from scipy import stats

from avfusion.sequences._plain_arrays import plain_parts

__all__ = ["corrected_resampled_t_test", "holm"]


def corrected_resampled_t_test(differences, n_train, n_test):
    r"""Test whether two models differ, from their differences in overlapping folds.

    .. math::

        t = \bar d \Big/ \sqrt{\left(\frac{1}{J} + \frac{n_{test}}{n_{train}}\right) s^2}

    with J folds (of all repeats together), their mean difference and sample variance :math:`s^2`, and J - 1
    degrees of freedom. The second term makes up for what folds have in common.

    Parameters
    ----------
    differences : array-like of shape (J,)
        Score of one model minus score of the other, for each fold.
    n_train, n_test : float
        Rows trained on and tested, or whatever is drawn, such as speakers; only their ratio matters.

    Returns
    -------
    t : float
        NaN with fewer than two folds.
    p : float
        Two-sided. 1 where the models are equal in every fold.

    References
    ----------
    C. Nadeau, Y. Bengio. Inference for the generalization error. Machine Learning 52, 2003.

    Examples
    --------
    >>> from avfusion.model_selection import corrected_resampled_t_test
    >>> t, p = corrected_resampled_t_test([0.02, 0.05, 0.03, 0.06, 0.01], n_train=80, n_test=20)
    >>> round(t, 2), round(p, 3)
    (2.44, 0.071)
    """
    differences = np.asarray(plain_parts(differences), dtype=float)
    n_folds = len(differences)
    if n_folds < 2:
        return np.nan, np.nan
    mean, variance = differences.mean(), differences.var(ddof=1)
    if variance == 0:
        return (0.0, 1.0) if mean == 0 else (float(np.copysign(np.inf, mean)), 0.0)
    t = mean / np.sqrt((1 / n_folds + n_test / n_train) * variance)
    return float(t), float(2 * stats.t.sf(abs(t), n_folds - 1))


def holm(p_values):
    """Adjust p-values for their number, so that the chance of any false alarm stays at the level (Holm 1979).

    Parameters
    ----------
    p_values : array-like of shape (n,)
        NaN counts for nothing and stays.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> from avfusion.model_selection.comparison._corrected_test import holm
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p_values = np.asarray(p_values, dtype=float)
    adjusted = p_values.copy()
    order = np.flatnonzero(~np.isnan(p_values))
    order = order[np.argsort(p_values[order], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted
