"""Shares of the variance of labels, and of what predictions explain of it: stimulus, person, time, rest.

Labels are taken apart one after the other, by projections that are orthogonal to each other: the mean;
between recordings the stimulus, then what the person adds to it; within recordings a smooth course over time
that is the same for all; and the rest. So squares add up, those of errors too, and a model's R2 falls apart
into what it explains of each part.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import lsmr
from sklearn.preprocessing import SplineTransformer

from avfusion.estimators._level_means import dummies
from avfusion.estimators._step_means import grid_of

PARTS = ("stimulus", "person", "time", "rest")
_KNOTS = 8


@dataclass(frozen=True)
class Products:
    """Inner products of labels and predictions, part by part.

    Parameters
    ----------
    true_true, true_pred, pred_pred : dict of str to float
        By part; under "all" the sum.

    Examples
    --------
    >>> Products({"rest": 2.0, "all": 4.0}, {"rest": 1.0}, {"rest": 1.0}).explained()
    {'rest': 0.25}
    """

    true_true: dict
    true_pred: dict
    pred_pred: dict

    def shares(self):
        """Return the share of each part of the labels in their variance.

        Examples
        --------
        >>> Products({"rest": 2.0, "all": 4.0}, {}, {}).shares()
        {'rest': 0.5}
        """
        return {
            part: _over(own, self.true_true["all"]) for part, own in self.true_true.items() if part != "all"
        }

    def explained(self):
        """Return by how much predictions lower the squared error of each part, as a share of the variance.

        Examples
        --------
        >>> Products({"time": 4.0, "all": 4.0}, {"time": 4.0}, {"time": 4.0}).explained()
        {'time': 1.0}
        """
        total = self.true_true["all"]
        return {
            part: _over(2 * own - self.pred_pred[part], total)
            for part, own in self.true_pred.items()
            if part != "all"
        }


def products(true, pred, factors):
    """Take labels and predictions of each target apart.

    Parameters
    ----------
    true, pred : Targets
        On the same steps, from `paired_targets`.
    factors : list of Factor
        Of all rows of these targets; stimulus and person count.

    Returns
    -------
    list of Products
        One for each target. Parts that are not known are left out.

    Examples
    --------
    >>> from avfusion.metrics._regression import paired_targets
    >>> from avfusion.model_selection.comparison._situation_columns import Factor
    >>> video = Factor("stimulus", "video", np.array([0, 0, 1, 1]))
    >>> pair = paired_targets([1.0, 3.0, 7.0, 9.0], [2.0, 2.0, 8.0, 8.0])
    >>> one = products(*pair, [video])[0]
    >>> {part: round(share, 2) for part, share in one.shares().items()}
    {'stimulus': 0.9, 'rest': 0.1}
    >>> {part: round(share, 2) for part, share in one.explained().items()}
    {'stimulus': 0.9, 'rest': 0.0}
    """
    codes = {f.role: f.codes for f in factors if f.role in PARTS}
    grid = None if true.lengths is None else grid_of(true.clock, true.lengths)
    found = []
    for k in range(true.form.n_targets):
        kept = ~np.isnan(true.values[:, k])
        weight = np.ones(kept.sum()) if true.weights is None else true.weights[kept, k]
        row = true.row_of_value[kept]
        at = None if grid is None else grid[kept]
        space = _Space(row, weight, at, codes, true.n_rows)
        found.append(space.products(true.values[kept, k], pred.values[kept, k]))
    return found


def by_chance(true, factors):
    """Return what shares of the variance stimuli and people would have if they made no difference.

    Each adds as much as its degrees of freedom out of what is left between recordings.

    Parameters
    ----------
    true : Targets
    factors : list of Factor

    Returns
    -------
    list of dict of str to float
        For each target.

    Examples
    --------
    >>> from avfusion.sequences import as_targets
    >>> from avfusion.model_selection.comparison._situation_columns import Factor
    >>> video = Factor("stimulus", "video", np.array([0, 0, 1, 1, 1]))
    >>> by_chance(as_targets([1.0, 3.0, 7.0, 9.0, 5.0]), [video])
    [{'stimulus': 0.25}]
    """
    codes = {f.role: f.codes for f in factors if f.role in PARTS}
    found = []
    for k in range(true.form.n_targets):
        kept = ~np.isnan(true.values[:, k])
        values = true.values[kept, k]
        weight = np.ones(len(values)) if true.weights is None else true.weights[kept, k]
        space = _Space(true.row_of_value[kept], weight, None, codes, true.n_rows)
        found.append(space.by_chance(values))
    return found


def shares_table(rows):
    """Put shares into a long table.

    Parameters
    ----------
    rows : list of (str, str, dict of str to float)
        What it is of, target, share by part.

    Returns
    -------
    DataFrame
        With "all", the sum, of what a model explains its R2.

    Examples
    --------
    >>> shares_table([("labels", "mood", {"stimulus": 0.25, "rest": 0.75})])
           of target  stimulus  rest  all
    0  labels   mood      0.25  0.75  1.0
    """
    parts = [part for part in PARTS if any(part in own for _, _, own in rows)]
    return pd.DataFrame(
        {
            "of": of,
            "target": target,
            **{part: own.get(part, np.nan) for part in parts},
            "all": sum(own.values()),
        }
        for of, target, own in rows
    )


class _Space:
    """The labels of one target, and the spaces into which they are projected."""

    def __init__(self, row, weight, grid, codes, n_rows):
        self.row, self.weight, self.n_rows = row, weight, n_rows
        self.of_row = np.bincount(row, weight, n_rows)
        self.codes = {part: codes[part] for part in PARTS if part in codes}
        self.time = None if grid is None else _TimeBasis(row, weight, grid, self.of_row)

    def products(self, true, pred):
        """Return the inner products of labels and predictions in each part."""
        pair = [values - np.average(values, weights=self.weight) for values in (true, pred)]
        means = [self._row_means(values) for values in pair]
        found = [{"all": (self.weight * one) @ two} for one, two in _pairs(pair)]
        before = [np.zeros(self.n_rows)] * 2
        for number, part in enumerate(self.codes, start=1):
            fits = [self._fitted(own, list(self.codes.values())[:number]) for own in means]
            added = [fit - old for fit, old in zip(fits, before)]
            for own, (one, two) in zip(found, _pairs(added)):
                own[part] = (self.of_row * one) @ two
            before = fits
        if self.time is not None:
            within = [values - own[self.row] for values, own in zip(pair, means)]
            for own, product in zip(found, self.time.products(*within)):
                own["time"] = product
        for own in found:
            own["rest"] = 2 * own["all"] - sum(own.values())
        return Products(*found)

    def by_chance(self, values):
        """Return the share that each factor would have if what it adds were as good as that of chance."""
        centred = values - np.average(values, weights=self.weight)
        means, used = self._row_means(centred), self.of_row > 0
        left, total = self.of_row @ means**2, self.weight @ centred**2
        found, before = {}, 1
        for number, part in enumerate(self.codes, start=1):
            codes = list(self.codes.values())[:number]
            rank = _rank([own[used] for own in codes])
            found[part] = _over(left * (rank - before), total * (used.sum() - before))
            left, before = self.of_row @ (means - self._fitted(means, codes)) ** 2, rank
        return found

    def _row_means(self, values):
        total = np.bincount(self.row, self.weight * values, self.n_rows)
        return np.divide(total, self.of_row, out=np.zeros(self.n_rows), where=self.of_row > 0)

    def _fitted(self, means, codes):
        """Return the least squares fit of means of rows by one number per level and factor."""
        n_levels = [int(own.max(initial=-1)) + 2 for own in codes]  # missing ones are a level
        design = dummies([np.where(own < 0, n - 1, own) for own, n in zip(codes, n_levels)], n_levels)
        root = np.sqrt(self.of_row)
        if len(codes) == 1:
            weight = design.T @ self.of_row
            total = design.T @ (self.of_row * means)
            return design @ np.divide(total, weight, out=np.zeros(len(weight)), where=weight > 0)
        return design @ lsmr(design.multiply(root[:, None]).tocsr(), root * means, atol=1e-13, btol=1e-13)[0]


class _TimeBasis:
    """A spline of time, less its mean in each row."""

    def __init__(self, row, weight, grid, of_row):
        places, self.place = np.unique(grid, return_inverse=True)
        self.weight, self.basis = weight, np.zeros((len(places), 0))
        if len(places) > 3:
            spline = SplineTransformer(min(_KNOTS, len(places) - 2), include_bias=False)
            self.basis = spline.fit_transform(places[:, None].astype(float))
        at = np.bincount(self.place, weight, len(places))
        self._in_rows = sparse.csr_array((weight, (row, self.place)), shape=(len(of_row), len(places)))
        sums = self._in_rows @ self.basis
        inverse = np.divide(1.0, of_row, out=np.zeros(len(of_row)), where=of_row > 0)
        self.gram = self.basis.T @ (at[:, None] * self.basis) - sums.T @ (inverse[:, None] * sums)

    def products(self, true, pred):
        """Return the inner products of the projections of values that have no mean in any row."""
        sides = [
            self.basis.T @ np.bincount(self.place, self.weight * own, len(self.basis)) for own in (true, pred)
        ]
        inverse = np.linalg.pinv(self.gram, rcond=1e-9, hermitian=True)
        return [one @ inverse @ two for one, two in _pairs(sides)]


def _pairs(pair):
    true, pred = pair
    return (true, true), (true, pred), (pred, pred)


def _rank(codes):
    """Return the rank of the indicators of one or two factors."""
    numbers = [np.unique(own, return_inverse=True)[1] for own in codes]
    levels = [int(own.max(initial=-1)) + 1 for own in numbers]
    if len(numbers) == 1:
        return levels[0]
    ones = np.ones(len(numbers[0]))
    graph = sparse.coo_array((ones, (numbers[0], numbers[1] + levels[0])), shape=(sum(levels),) * 2)
    return sum(levels) - connected_components(graph, directed=False)[0]


def _over(above, below):
    return float(above / below) if below > 0 else 0.0
