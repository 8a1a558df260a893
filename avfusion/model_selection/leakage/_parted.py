"""Which pairs of rows are trained on and tested in the same fold, without a table of all pairs."""

from itertools import combinations

import numpy as np

MAX_LINKS = 100  # pairs for each row of many that are the same; for fewer rows, all pairs


class PartedRows:
    """Pairs of rows of which a fold trains on one and tests the other.

    Rows that are in the same folds have the same partners, so that a table of the kinds of rows is enough:
    five folds have five kinds.

    Parameters
    ----------
    folds : list of (train, test)
    n_rows : int

    Examples
    --------
    >>> parted = PartedRows([(np.array([0, 1]), np.array([2]))], 4)
    >>> parted.partners(2, np.arange(4)).tolist()
    [True, True, False, False]
    >>> parted.n_pairs()
    2
    >>> parted.without([[0, 2]]).n_pairs()
    1
    """

    def __init__(self, folds, n_rows):
        member = np.zeros((2, n_rows, max(len(folds), 1)), dtype=bool)
        for fold, sides in enumerate(folds):
            for side, rows in enumerate(sides):
                member[side, rows, fold] = True
        packed = np.packbits(member, axis=2)
        kinds, self._kind = np.unique(np.hstack(packed), axis=0, return_inverse=True)
        train, test = np.split(kinds, 2, axis=1)
        self._table = np.array([(own & test).any(axis=1) for own in train]).reshape(len(kinds), -1)
        self._table |= self._table.T
        self._kind = self._kind.ravel()
        self._same = np.arange(n_rows)

    def partners(self, row, rows):
        """Return whether a row is parted from each of others, (n_rows,) bool."""
        return self._table[self._kind[row], self._kind[rows]] & (self._same[row] != self._same[rows])

    def take(self, rows):
        """Return the same for some of the rows, which are numbered anew."""
        other = object.__new__(PartedRows)
        other._table, other._kind, other._same = self._table, self._kind[rows], self._same[rows]
        return other

    def without(self, groups):
        """Return the same without pairs that are both in one of the groups of rows, list of list of int."""
        other = self.take(np.arange(len(self._kind)))
        for rows in groups:
            other._same[rows] = rows[0]
        return other

    def n_pairs(self):
        """Return the number of pairs."""
        order = np.argsort(self._same, kind="stable")
        alike = np.split(order, np.flatnonzero(np.diff(self._same[order])) + 1)
        within = sum(self._count(rows) for rows in alike if len(rows) > 1)
        return int(self._count(np.arange(len(self._kind))) - within)

    def _count(self, rows):
        counts = np.bincount(self._kind[rows], minlength=len(self._table))
        return (counts @ (self._table @ counts) - (np.diag(self._table) * counts).sum()) // 2

    def sample(self, n_pairs, seed=0):
        """Return up to `n_pairs` pairs (one, other), one < other, at random if there are more."""
        rows, rng, pairs = np.arange(len(self._kind)), np.random.default_rng(seed), {}
        for _ in range(20 * n_pairs if self.n_pairs() > n_pairs else 0):
            one, other = np.sort(rng.integers(len(rows), size=2)).tolist()
            if one != other and self.partners(one, other):
                pairs[one, other] = None
            if len(pairs) == n_pairs:
                return list(pairs)
        for one in rows.tolist():  # few are parted
            others = one + 1 + np.flatnonzero(self.partners(one, rows[one + 1 :]))
            pairs |= dict.fromkeys((one, other) for other in others.tolist())
            if len(pairs) >= n_pairs:
                break
        return list(pairs)[:n_pairs]

    def linked(self, rows, limit=MAX_LINKS):
        """Return the parted pairs of rows that are the same, or of many rows a number for each row.

        Parameters
        ----------
        rows : list of int
        limit : int, default=100
            Each row is paired with so many others, at random, and with all of them if they are no more.

        Returns
        -------
        list of (int, int)
        """
        rows = sorted(rows)
        if len(rows) <= limit + 1:
            return [pair for pair in combinations(rows, 2) if self.partners(*pair)]
        mixed = np.random.default_rng(0).permutation(rows)
        pairs = set()
        for steps in range(1, limit + 1):
            one, other = mixed[:-steps], mixed[steps:]
            kept = self._table[self._kind[one], self._kind[other]] & (self._same[one] != self._same[other])
            pairs |= set(zip(np.minimum(one, other)[kept].tolist(), np.maximum(one, other)[kept].tolist()))
        return sorted(pairs)
