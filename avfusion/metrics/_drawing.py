"""Draws of groups of one or several kinds for a bootstrap."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avfusion.sequences._plain_arrays import plain_array


def read_drawing(groups, true):
    """Return the combination of groups of each row, and how these are drawn.

    Kinds that are nested in another one are left out: sessions that each belong to one person are drawn with
    it.

    Parameters
    ----------
    groups : array-like of shape (n_rows,) or (n_rows, n_kinds), or None
        By default every row is a group.
    true : Targets
        Groups without a label are not drawn.

    Returns
    -------
    cells : ndarray of int of shape (n_rows,)
        Number of each row's combination, -1 where it has no label.
    drawing : Drawing

    Raises
    ------
    ValueError
        If there are not as many groups as rows, or one is missing.

    Examples
    --------
    >>> from avfusion.sequences._targets import as_targets
    >>> cells, drawing = read_drawing([["a", 1], ["a", 2], ["b", 2]], as_targets([1.0, 2.0, 3.0]))
    >>> cells, drawing.levels, drawing.n_groups
    (array([0, 1, 2]), array([[0, 0, 1],
           [0, 1, 1]]), 2)
    """
    kinds = groups if isinstance(groups, pd.DataFrame) else None
    if kinds is None and groups is not None and np.ndim(plain_array(groups)) == 2:
        kinds = pd.DataFrame(plain_array(groups))
    kinds = [groups] if kinds is None else [kinds[name].to_numpy() for name in kinds]
    codes = _not_nested(np.stack([_group_codes(kind, true) for kind in kinds]))
    if len(codes) == 1:
        return codes[0], Drawing(np.arange(codes.max() + 1)[None])
    valid = (codes >= 0).all(axis=0) & true.labelled.any(axis=1)
    levels, cells = np.unique(codes[:, valid], axis=1, return_inverse=True)
    of_row = np.full(true.n_rows, -1)
    of_row[valid] = cells.ravel()
    return of_row, Drawing(levels)


def _not_nested(codes):
    """Leave out kinds of groups of which each belongs to one group of another kind, as sessions to people."""
    kept = list(range(len(codes)))
    for kind in kept[::-1]:
        others = [other for other in kept if other != kind]
        pairs = (len(np.unique(codes[[kind, other]], axis=1).T) for other in others)
        if len(np.unique(codes[kind])) in pairs:
            kept = others
    return codes[kept]


@dataclass(frozen=True)
class Drawing:
    """Rule by which groups are drawn.

    Parameters
    ----------
    levels : ndarray of int of shape (n_kinds, n_cells)
        For each combination of groups that there is, the number of its group of each kind.

    Examples
    --------
    >>> Drawing(np.array([[0, 0, 1], [0, 1, 1]])).counts(1, np.random.RandomState(0)).shape
    (1, 3)
    """

    levels: np.ndarray

    @property
    def n_groups(self):
        """Number of groups of the kind of which there are fewest."""
        return int(self.levels.max(axis=1).min()) + 1

    def counts(self, n_resamples, rng):
        """Return how often each combination counts, of shape (n_resamples, n_cells).

        Examples
        --------
        >>> int(Drawing(np.arange(3)[None]).counts(1, np.random.RandomState(0)).sum())
        3
        """
        counts = 1
        for level in self.levels:
            n = level.max() + 1
            counts = counts * rng.multinomial(n, np.full(n, 1 / n), size=n_resamples)[:, level]
        return counts

    def cells(self, rng):
        """Return the combinations of one resample, each as often as it counts.

        Examples
        --------
        >>> Drawing(np.arange(3)[None]).cells(np.random.RandomState(0)).shape
        (3,)
        """
        n_cells = self.levels.shape[1]
        if len(self.levels) == 1:
            return rng.randint(n_cells, size=n_cells)
        return np.repeat(np.arange(n_cells), self.counts(1, rng)[0])


def _group_codes(groups, true):
    """Return the number of each row's group among those that have a label, -1 for rows of others."""
    groups = pd.Series(np.arange(true.n_rows) if groups is None else np.asarray(plain_array(groups)))
    if len(groups) != true.n_rows:
        raise ValueError(f"groups has {len(groups)} values for {true.n_rows} rows.")
    if groups.isna().any():
        raise ValueError(f"groups is missing for row {int(np.argmax(groups.isna()))}.")
    return pd.factorize(groups.where(groups.isin(groups[true.labelled.any(axis=1)])))[0]
