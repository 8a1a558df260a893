"""Out-of-fold predictions from the situation alone, in closed form, on the folds of a comparison."""

from dataclasses import dataclass, replace

import numpy as np

from avfusion.estimators._level_means import additive_means, level_means, row_sums
from avfusion.estimators._step_means import grid_of, smooth_course, step_means
from avfusion.sequences._targets import Targets

CONSTANT, TIME = "one constant", "position in time"
PERSON_SHRINKAGE = 1.0  # recordings, as PersonMeanRegressor has by default


@dataclass(frozen=True)
class Baseline:
    """Predictions from one thing that is known of the situation.

    Parameters
    ----------
    name : str
    rank : int
        How much is known: 0 nothing, 1 one thing, 2 more.
    known : float
        Share of the tested rows of which it is known from training.
    predictions : Targets
        Out of fold, on the steps of the labels; NaN in rows that no fold tests, and where there is no label.

    Examples
    --------
    >>> from avfusion.sequences import as_targets
    >>> Baseline("one constant", 0, 1.0, as_targets([2.0])).rank
    0
    """

    name: str
    rank: int
    known: float
    predictions: Targets


def situation_predictions(targets, folds, factors):
    """Predict labels of the tested rows from the training rows of their fold, without any feature.

    Parameters
    ----------
    targets : Targets
    folds : list of (train, test)
    factors : list of Factor
        Those that no test row shares with training rows are left out.

    Returns
    -------
    list of Baseline
        A constant; the position in time (labels per frame); one constant for each level of a factor, and for
        each stimulus a curve over time (labels per frame); stimulus and person together.

    Examples
    --------
    >>> from avfusion.model_selection.comparison._situation_columns import Factor
    >>> from avfusion.sequences import as_targets
    >>> folds = [(np.array([0, 1]), np.array([2, 3])), (np.array([2, 3]), np.array([0, 1]))]
    >>> video = Factor("stimulus", "video", np.array([0, 1, 0, 1]))
    >>> found = situation_predictions(as_targets([1.0, 5.0, 2.0, 8.0]), folds, [video])
    >>> {one.name: one.predictions.values.ravel().tolist() for one in found}
    {'one constant': [5.0, 5.0, 3.0, 3.0], 'one constant per video': [2.0, 8.0, 1.0, 5.0]}
    """
    counted = targets.counted
    data = _Data(counted, row_sums(counted.values, counted.weights, counted.row_of_value, counted.n_rows))
    of_rows, of_steps, known = _plan(factors, folds, counted.lengths is not None)
    rows = {name: np.full(data.sums.weight.shape, np.nan) for name in of_rows}
    steps = {name: np.full(counted.values.shape, np.nan) for name in of_steps}
    for train, test in folds:
        sums = data.sums.take(train)
        for name, predict in of_rows.items():
            rows[name][test] = predict(sums, train, test)
        training, tested = data.steps_of(train), data.steps_of(test)
        for name, predict in of_steps.items():
            steps[name][tested] = predict(data, training, tested)
    values = {name: own[counted.row_of_value] for name, own in rows.items()}
    for name, own in steps.items():
        base = values[CONSTANT if of_steps[name].base is None else of_steps[name].base]
        values[name] = np.where(np.isnan(own), base, own)
    return [
        Baseline(name, rank, share, _beside(targets, values[name])) for name, (rank, share) in known.items()
    ]


def _plan(factors, folds, per_frame):
    """Return what predicts rows, what predicts steps, and rank and known share of each, in order."""
    shares = {factor.name: factor.known(folds) for factor in factors}
    factors = [factor for factor in factors if shares[factor.name] > 0]
    of_rows, of_steps, known = {CONSTANT: _Levels([])}, {}, {CONSTANT: (0, 1.0)}
    if per_frame:
        of_steps[TIME], known[TIME] = _Course(), (1, 1.0)
    for factor in factors:
        name = f"one constant per {factor.name}"
        of_rows[name], known[name] = _Levels([factor]), (1, shares[factor.name])
        if per_frame and factor.role == "stimulus":
            curve = f"one curve per {factor.name}"
            of_steps[curve], known[curve] = _Curves(factor, name), (2, shares[factor.name])
    both = [factor for factor in factors if factor.role != "other"]
    if len(both) == 2:
        name = f"one constant per {both[0].name} and {both[1].name}, added"
        of_rows[name], known[name] = _Levels(both), (2, min(shares[factor.name] for factor in both))
    return of_rows, of_steps, known


@dataclass(frozen=True)
class _Data:
    """Labels, their sums by row, and where their steps are on a grid of time."""

    targets: Targets
    sums: object

    def __post_init__(self):
        of = self.targets
        per_frame = of.lengths is not None
        object.__setattr__(self, "row", of.row_of_value)
        object.__setattr__(self, "grid", grid_of(of.clock, of.lengths) if per_frame else None)

    def steps_of(self, rows):
        chosen = np.zeros(self.targets.n_rows, dtype=bool)
        chosen[rows] = True
        return chosen[self.row]

    def labels(self, steps):
        weights = self.targets.weights
        return self.targets.values[steps], None if weights is None else weights[steps]


@dataclass(frozen=True)
class _Levels:
    """A mean for each level of a factor; of several, what adds up."""

    factors: list

    def __call__(self, sums, train, test):
        shrinkage = [PERSON_SHRINKAGE if factor.role == "person" else 0.0 for factor in self.factors]
        codes = [factor.codes[train] for factor in self.factors]
        n_levels = [factor.n_levels for factor in self.factors]
        if len(self.factors) == 1:
            parts = [level_means(sums, codes[0], n_levels[0], shrinkage[0]) - sums.mean]
        else:
            parts = additive_means(sums, codes, n_levels, shrinkage) if self.factors else []
        values = np.repeat(sums.mean[None], len(test), axis=0)
        nothing = np.zeros((1, values.shape[1]))  # for rows whose level is missing
        for factor, part in zip(self.factors, parts):
            values += np.concatenate([part, nothing])[factor.codes[test]]
        return values


@dataclass(frozen=True)
class _Course:
    """One smooth curve over time."""

    base = None

    def __call__(self, data, training, tested):
        course = smooth_course(*data.labels(training), data.grid[training])
        return course.at(data.grid[tested])


@dataclass(frozen=True)
class _Curves:
    """A curve over time for each level."""

    factor: object
    base: str

    def __call__(self, data, training, tested):
        levels = self.factor.codes[data.row]
        curves = step_means(*data.labels(training), levels[training], data.grid[training])
        return curves.of(levels[tested], data.grid[tested])


def _beside(targets, values):
    """Return predictions as targets, NaN where there is no label to compare them with."""
    return replace(targets, values=np.where(np.isnan(targets.values), np.nan, values), weights=None)
