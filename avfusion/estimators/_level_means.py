"""Means of labels by level, from sums that are made once: of a stimulus, a person, or both together."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import lsmr


@dataclass(frozen=True)
class RowSums:
    """Sums of labels of each row, of which means by any level follow.

    Parameters
    ----------
    weight : ndarray of shape (n_rows, K)
        Weights of the labels of a row, together.
    total : ndarray of shape (n_rows, K)
        Sum of weight times label, less `centre`.
    repeats : ndarray of shape (n_rows, K)
        How often a row counts: the mean weight of its labels, 0 where it has none.
    centre : ndarray of shape (K,)
        Close to all labels, so that sums lose no digits.

    Examples
    --------
    >>> sums = row_sums(np.array([[1.0], [3.0], [5.0]]), None, np.array([0, 0, 1]), 2)
    >>> (sums.total / sums.weight + sums.centre).ravel()
    array([2., 5.])
    """

    weight: np.ndarray
    total: np.ndarray
    repeats: np.ndarray
    centre: np.ndarray

    def take(self, rows):
        """Return the sums of some rows.

        Examples
        --------
        >>> row_sums(np.array([[1.0], [3.0]]), None, np.arange(2), 2).take([1]).weight
        array([[1.]])
        """
        return RowSums(self.weight[rows], self.total[rows], self.repeats[rows], self.centre)

    @property
    def mean(self):
        """Mean of all labels, (K,); NaN for a target without any."""
        return np.where(self.weight.sum(axis=0) > 0, self._mean + self.centre, np.nan)

    @property
    def _mean(self):
        return _ratio(self.total.sum(axis=0), self.weight.sum(axis=0))

    @property
    def size(self):
        """Labels of a recording in the mean, (K,)."""
        return _ratio(self.weight.sum(axis=0), self.repeats.sum(axis=0))

    def by(self, codes, n_levels):
        """Return weight and total of each level, (n_levels, K) each; rows of code -1 are left out."""
        kept = codes >= 0
        chosen = sparse.csr_array(
            (np.ones(kept.sum()), (codes[kept], np.flatnonzero(kept))), shape=(n_levels, len(codes))
        )
        return chosen @ self.weight, chosen @ self.total


def row_sums(values, weights, row_of_value, n_rows):
    """Add up the labels of each row.

    Parameters
    ----------
    values : ndarray of shape (n_values, K)
        NaN is unlabelled.
    weights : ndarray of that shape or None
    row_of_value : ndarray of int of shape (n_values,)
    n_rows : int

    Returns
    -------
    RowSums

    Examples
    --------
    >>> row_sums(np.array([[1.0], [np.nan]]), None, np.zeros(2, dtype=int), 1).weight
    array([[1.]])
    """
    weight, total, number, centre = sums_by(values, weights, row_of_value, n_rows)
    return RowSums(weight, total, _ratio(weight, number), centre)


def sums_by(values, weights, place, n_places):
    """Add up labels by place, less a value that is close to all.

    Parameters
    ----------
    values : ndarray of shape (n_values, K)
        NaN is unlabelled.
    weights : ndarray of that shape or None
    place : ndarray of int of shape (n_values,)
    n_places : int

    Returns
    -------
    weight, total, number : ndarray of shape (n_places, K)
        Sum of the weights, sum of weight times label less `centre`, number of labels.
    centre : ndarray of shape (K,)

    Examples
    --------
    >>> weight, total, _, centre = sums_by(np.array([[1.0], [3.0]]), None, np.array([0, 1]), 2)
    >>> (total / weight + centre).ravel()
    array([1., 3.])
    """
    labelled = ~np.isnan(values) & (True if weights is None else weights > 0)
    columns = zip(values.T, labelled.T)
    centre = np.array([column[seen].mean() if seen.any() else 0.0 for column, seen in columns])
    weight = np.where(labelled, 1.0 if weights is None else weights, 0.0)
    total = weight * np.where(labelled, values - centre, 0.0)
    parts = [
        np.stack([np.bincount(place, column, n_places) for column in part.T], axis=1)
        for part in (weight, total, labelled)
    ]
    return *parts, centre


def level_means(sums, codes, n_levels, shrinkage=0.0):
    """Return the mean of each level, drawn to that of all labels.

    Parameters
    ----------
    sums : RowSums
        Of the training rows.
    codes : ndarray of int of shape (n_rows,)
        Level of each row; -1 for none.
    n_levels : int
    shrinkage : float, default=0
        As if a level had this many more recordings, of mean length, with the mean of all.

    Returns
    -------
    ndarray of shape (n_levels, K)
        The mean of all for a level without labels.

    Examples
    --------
    >>> sums = row_sums(np.array([[1.0], [3.0], [8.0]]), None, np.arange(3), 3)
    >>> level_means(sums, np.array([0, 0, 1]), 3).ravel()
    array([2., 8., 4.])
    >>> level_means(sums, np.array([0, 0, 1]), 2, shrinkage=1.0).ravel().round(2)
    array([2.67, 6.  ])
    """
    weight, total = sums.by(codes, n_levels)
    return sums.mean + _ratio(total - weight * sums._mean, weight + shrinkage * sums.size)


def additive_means(sums, codes, n_levels, shrinkage):
    """Fit one number per level of several columns, which add up, by penalised least squares.

    Parameters
    ----------
    sums : RowSums
        Of the training rows.
    codes : list of ndarray of int of shape (n_rows,)
        Levels in each column; -1 for none.
    n_levels : list of int
    shrinkage : list of float
        For each column, as in `level_means`.

    Returns
    -------
    list of ndarray of shape (n_levels, K)
        What is added to the mean of all labels; 0 for a level without labels.

    Examples
    --------
    >>> sums = row_sums(np.array([[1.0], [2.0], [3.0], [4.0]]), None, np.arange(4), 4)
    >>> codes = [np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])]
    >>> [part.ravel().round(6) for part in additive_means(sums, codes, [2, 2], [0.0, 0.0])]
    [array([-1.,  1.]), array([-0.5,  0.5])]
    """
    starts = np.cumsum([0, *n_levels])
    design = dummies(codes, n_levels)
    parts = []
    for k in range(sums.weight.shape[1]):
        weight = sums.weight[:, k]
        root = np.sqrt(weight)
        target = _ratio(sums.total[:, k], weight) - sums._mean[k]
        penalty = np.sqrt(np.repeat(shrinkage, n_levels) * sums.size[k])
        system = sparse.vstack([design.multiply(root[:, None]), sparse.diags_array(penalty)]).tocsr()
        right = np.concatenate([root * target, np.zeros(len(penalty))])
        parts.append(lsmr(system, right, atol=1e-12, btol=1e-12, maxiter=1000)[0])
    together = np.stack(parts, axis=1)
    return [together[start:stop] for start, stop in pairwise(starts)]


def dummies(codes, n_levels):
    """Return an indicator for each level of several columns, as a sparse matrix (n_rows, sum of levels).

    Examples
    --------
    >>> dummies([np.array([0, 1]), np.array([0, -1])], [2, 1]).toarray()
    array([[1., 0., 1.],
           [0., 1., 0.]])
    """
    blocks = []
    for own, number in zip(codes, n_levels):
        kept = np.flatnonzero(own >= 0)
        places = (kept, own[kept])
        blocks.append(sparse.csr_array((np.ones(len(kept)), places), shape=(len(own), number)))
    return sparse.hstack(blocks).tocsr()


def _ratio(above, below):
    """Return a quotient; 0 where there is nothing to divide by."""
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=np.asarray(below) > 0)
