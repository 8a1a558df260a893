"""Bootstrap intervals of scores, resampling whole groups (recordings, speakers), never single frames.

Neighbouring frames are nearly copies of each other, so resampling them would give intervals that are far too
narrow. The metrics of `avfusion.metrics` are functions of sums over frames; their resamples therefore cost
one matrix product, (resamples, groups) x (groups, sums).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats
from sklearn.utils import check_random_state

from avfusion._sklearn_compat import _safe_indexing
from avfusion.metrics._drawing import read_drawing
from avfusion.metrics._regression import (
    ccc_score,
    labelled_columns,
    mean_absolute_error,
    paired_targets,
    pcc_score,
    root_mean_squared_error,
    sagr_score,
)
from avfusion.metrics._statistics import by_row
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import weights_by_row, with_weights

_CHUNK = 1_000_000  # counts held at once
_LARGEST = 1e75  # products of four numbers of this size are floats still
_CONSTANT = 1e-12  # share of a sum of squares that rounding may leave as variance


def bootstrap_interval(
    y_true,
    y_pred,
    metric=ccc_score,
    *,
    groups=None,
    sample_weight=None,
    n_resamples=2000,
    level=0.95,
    random_state=None,
):
    """Bootstrap interval of a score, over groups.

    Percentiles, further out the fewer groups there are: plain ones are too narrow for few groups, as a
    normal interval is where Student's is due (with 10 groups they covered 89 % where 95 % were promised).

    Parameters
    ----------
    y_true, y_pred : DataFrame, Series, list, tuple or array
        Labels and predictions in any form that `avfusion.metrics` takes.
    metric : callable
        ``metric(y_true, y_pred) -> float``. The metrics of `avfusion.metrics` are resampled all at once; any
        other is called once per resample.
    groups : array-like of shape (n_rows,) or (n_rows, n_kinds), optional
        Group of each row; by default every row is a group. Groups without any label are left out. Of several
        kinds of groups, such as person and video, each is resampled by itself, and a row counts as often as
        its person was drawn times how often its video was (the pigeonhole bootstrap [3]_): an interval over
        persons alone would be that of other persons with these very videos.
    sample_weight : array-like, Series, DataFrame or list, optional
        How much labels count, as in the metrics. Groups are drawn alike, and bring their weights along; a
        metric of your own is called with ``sample_weight=``.
    n_resamples : int
        Number of resamples.
    level : float
        Probability that the interval covers.
    random_state : int, RandomState instance or None
        Seed. The same seed resamples the same groups for every metric of `avfusion.metrics`.

    Returns
    -------
    low : float
        Lower end, in units of the score. NaN with fewer than two groups. Resamples in which some target has
        no label are left out.
    high : float
        Upper end, likewise.

    Raises
    ------
    ValueError
        If `groups` has another length than y or missing values, or `level` is not between 0 and 1; for labels
        and predictions that do not match, as the metric.

    References
    ----------
    .. [1] B. Efron, R. J. Tibshirani, "An introduction to the bootstrap", Chapman & Hall, 1993.
    .. [2] T. C. Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69,
       2015: the expanded percentile interval.
    .. [3] A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from avfusion.metrics import bootstrap_interval
    >>> rng = np.random.default_rng(0)
    >>> y_true = [rng.normal(size=50) for _ in range(20)]
    >>> y_pred = [y + rng.normal(size=50) for y in y_true]
    >>> low, high = bootstrap_interval(y_true, y_pred, random_state=0)
    >>> round(low, 2), round(high, 2)
    (0.63, 0.69)
    """
    resamples = resampled_scores(y_true, y_pred, metric, groups, n_resamples, random_state, sample_weight)
    return resamples.interval(level)


def resampled_scores(
    y_true, y_pred, metric=ccc_score, groups=None, n_resamples=2000, random_state=None, sample_weight=None
) -> "Resamples":
    """Score of every resample of groups; the same seed draws the same groups for other predictions.

    Parameters
    ----------
    y_true, y_pred, metric, groups, n_resamples, random_state, sample_weight : as in `bootstrap_interval`
        Labels and predictions may be `Targets`, if the metric is one of `avfusion.metrics`.

    Returns
    -------
    Resamples
        Scores are NaN where some target has no label in the resample, and everywhere with fewer than two
        groups.

    Examples
    --------
    >>> resamples = resampled_scores([1.0, 2.0, 4.0], [1.0, 3.0, 4.0], n_resamples=5, random_state=0)
    >>> resamples.scores.shape, resamples.n_groups
    ((5,), 3)
    """
    true, pred = paired_targets(y_true, y_pred, sample_weight)
    if metric in _FROM_SUMS:
        return resampled_metrics(true, pred, [metric], groups, n_resamples, random_state)[0]
    cells, drawing = read_drawing(groups, true)
    if drawing.n_groups < 2:
        return Resamples(np.full(n_resamples, np.nan), drawing.n_groups)
    rng = check_random_state(random_state)
    scores = _resample_rows(metric, y_true, y_pred, cells, drawing, n_resamples, rng, sample_weight)
    return Resamples(scores, drawing.n_groups)


def resampled_metrics(true, pred, metrics, groups=None, n_resamples=2000, random_state=None, by_target=False):
    """Scores of the same resamples of groups by several metrics of `avfusion.metrics`.

    Parameters
    ----------
    true, pred : Targets
        From `paired_targets`.
    metrics : list of callable
    groups, n_resamples, random_state : as in `bootstrap_interval`
    by_target : bool, default=False
        Whether the results have those of each target, too: what the same seed gives for labels and
        predictions of this target alone. Targets with labels in all groups are drawn together.

    Returns
    -------
    list of Resamples
        As `resampled_scores` returns for each by itself.

    Examples
    --------
    >>> pair = paired_targets([1.0, 2.0, 4.0], [1.0, 3.0, 4.0])
    >>> [one.n_groups for one in resampled_metrics(*pair, [ccc_score, pcc_score], random_state=0)]
    [3, 3]
    """
    formulas = [_FROM_SUMS[metric] for metric in metrics]
    return _resampled(true, pred, formulas, _sums, groups, n_resamples, random_state, by_target)


def _resampled(true, pred, formulas, sums_of, groups, n_resamples, random_state, by_target):
    """Return the `Resamples` of each formula of the sums over what is drawn; of each target if asked for."""
    cells, drawing = read_drawing(groups, true)
    n_groups, n_targets = drawing.n_groups, true.form.n_targets
    if n_groups < 2:
        everywhere = np.ones(n_targets, dtype=bool)
        drawn = [np.full((n_resamples, n_targets), np.nan) for _ in formulas]
    else:
        sums, rng = sums_of(true, pred, cells), check_random_state(random_state)
        everywhere = (sums[..., 0] > 0).all(axis=0)
        drawn = _resample_sums(formulas, sums, drawing, n_resamples, rng)
    means = [Resamples(own.mean(axis=1), n_groups) for own in drawn]
    if not by_target:
        return means
    parts = [[Resamples(np.ascontiguousarray(column), n_groups) for column in own.T] for own in drawn]
    for k in np.flatnonzero(~everywhere):  # some groups have no label of it: from the others
        pair = true.of_target(k), pred.of_target(k)
        alone = _resampled(*pair, formulas, sums_of, groups, n_resamples, random_state, False)
        for own, again in zip(parts, alone):
            own[k] = again
    return [replace(mean, targets=tuple(own)) for mean, own in zip(means, parts)]


def mean_resamples(several):
    """Average scores of the same resamples, such as those of several seeds.

    Parameters
    ----------
    several : list of Resamples

    Returns
    -------
    Resamples

    Examples
    --------
    >>> mean_resamples([Resamples(np.zeros(2), 5), Resamples(np.ones(2), 5)]).scores
    array([0.5, 0.5])
    """
    scores = np.mean([own.scores for own in several], axis=0)
    targets = tuple(mean_resamples(own) for own in zip(*(own.targets for own in several)))
    return replace(several[0], scores=scores, targets=targets)


def resampled_row_means(
    true, pred, statistics, groups=None, n_resamples=2000, random_state=None, by_target=False
):
    """Means over rows of each row's own statistic, of the same resamples as `resampled_metrics` draws.

    Parameters
    ----------
    true, pred : Targets
        Per frame, from `paired_targets`.
    statistics : list of callable
        Of a `Column`.
    groups, n_resamples, random_state, by_target : as in `resampled_metrics`

    Returns
    -------
    list of Resamples

    Examples
    --------
    >>> from avfusion.metrics._statistics import mae
    >>> pair = paired_targets([np.ones(2), np.zeros(3)], [np.zeros(2), np.zeros(3)])
    >>> resampled_row_means(*pair, [mae], n_resamples=3, random_state=0)[0].scores
    array([0.5, 0.5, 0.5])
    """

    def sums_of(true, pred, cells):
        sums = np.zeros((cells.max() + 1, true.form.n_targets, 1 + len(statistics)))
        for k, column in enumerate(labelled_columns(true, pred)):
            for number, statistic in enumerate(statistics, start=1):
                values, weights, rows = by_row(statistic, column)
                for place, term in ((0, weights), (number, weights * values)):
                    sums[:, k, place] = np.bincount(cells[rows], term, len(sums))
        return sums

    numbers = range(1, 1 + len(statistics))
    formulas = [lambda means, number=number: means[..., number] for number in numbers]
    return _resampled(true, pred, formulas, sums_of, groups, n_resamples, random_state, by_target)


@dataclass(frozen=True)
class Resamples:
    """Scores of resamples of groups, which can be subtracted from those of another model.

    Parameters
    ----------
    scores : ndarray of shape (n_resamples,)
        NaN is left out.
    n_groups : int
        Number of groups that were drawn from; of several kinds, that of which there are fewest.
    targets : tuple of Resamples
        Those of each target, where they were asked for.

    Examples
    --------
    >>> import numpy as np
    >>> (Resamples(np.arange(3.0), 10) - Resamples(np.ones(3), 10)).scores
    array([-1.,  0.,  1.])
    """

    scores: np.ndarray
    n_groups: int
    targets: tuple = ()

    def __sub__(self, other):
        targets = tuple(own - their for own, their in zip(self.targets, other.targets))
        return Resamples(self.scores - other.scores, self.n_groups, targets)

    def __mul__(self, factor):
        targets = tuple(own * factor for own in self.targets)
        return Resamples(factor * self.scores, self.n_groups, targets)

    def interval(self, level):
        """Return the ends of the interval that covers with probability `level`; NaN if there is none.

        Percentiles as far out as Student's t is beyond the normal distribution, and the true standard error
        beyond that of the resamples, which divides by the number of groups and not by one less.

        Examples
        --------
        >>> import numpy as np
        >>> many = Resamples(np.arange(1001.0), n_groups=10_000)
        >>> few = Resamples(np.arange(1001.0), n_groups=5)
        >>> [round(end) for end in (*many.interval(0.95), *few.interval(0.95))]
        [25, 975, 1, 999]
        """
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, not {level}.")
        if np.isnan(self.scores).all():
            return np.nan, np.nan
        n = self.n_groups
        distance = np.sqrt(n / (n - 1)) * stats.t.ppf((1 + level) / 2, n - 1)
        tail = stats.norm.sf(distance)
        low, high = np.nanquantile(self.scores, [tail, 1 - tail])
        return float(low), float(high)


def _sums(true, pred, codes):
    """Add up the labelled values of each group: (groups, targets, 10), columns as listed in `terms`."""
    codes = codes[true.row_of_value]
    sums = np.zeros((codes.max() + 1, true.form.n_targets, 10))
    for k in range(true.form.n_targets):
        labelled = ~np.isnan(true.values[:, k])
        t, p = true.values[labelled, k], pred.values[labelled, k]
        _check_squares(t, p, true.form.target_names[k])
        # moments about the means of all values: sums of squares about zero would cancel
        shift = t.mean(), p.mean()
        x, y, error = t - shift[0], p - shift[1], t - p
        sign = np.sign(t) == np.sign(p)
        gap = np.full(len(t), shift[0] - shift[1])
        terms = [np.ones(len(t)), x, y, x * x, y * y, x * y, error**2, np.abs(error), sign, gap]
        weight = 1.0 if true.weights is None else true.weights[labelled, k] / np.nanmax(true.weights[:, k])
        for column, term in enumerate(terms):
            sums[:, k, column] = np.bincount(codes[labelled], weights=weight * term, minlength=len(sums))
    return sums


def _check_squares(labels, predictions, target):
    """Raise where products of squares, of which the formulas are made, are beyond floats or vanish."""
    largest = max(np.abs(values).max(initial=0.0) for values in (labels, predictions))
    if largest > _LARGEST or 0 < largest < 1 / _LARGEST:
        raise ValueError(
            f"Labels or predictions of {target!r} are as large as {largest:.3g}, with squares that no "
            "interval can be computed from. Bring them to another scale."
        )


def _spreads(means):
    """Variances and covariance from mean products; zero where only rounding is left."""
    x, y, xx, yy, xy = np.moveaxis(means[..., 1:6], -1, 0)
    var_x, var_y = xx - x * x, yy - y * y
    moving = (var_x > _CONSTANT * xx) & (var_y > _CONSTANT * yy)
    return var_x, var_y, np.where(moving, xy - x * y, 0.0), moving


def _ccc(means):
    var_x, var_y, cov, moving = _spreads(means)
    gap = means[..., 1] - means[..., 2] + means[..., 9]
    return np.divide(2 * cov, var_x + var_y + gap**2, out=np.zeros_like(cov), where=moving)


def _pcc(means):
    var_x, var_y, cov, moving = _spreads(means)
    norm = np.sqrt(np.where(moving, var_x * var_y, 1.0))
    return np.clip(cov / norm, -1, 1)


_FROM_SUMS = {
    ccc_score: _ccc,
    pcc_score: _pcc,
    root_mean_squared_error: lambda means: np.sqrt(means[..., 6]),
    mean_absolute_error: lambda means: means[..., 7],
    sagr_score: lambda means: means[..., 8],
}


def _resample_sums(formulas, sums, drawing, n_resamples, rng):
    """Score resamples by each formula: arrays (n_resamples, n_targets), NaN where a target has no label."""
    n_cells, n_targets, n_sums = sums.shape
    scores = [[] for _ in formulas]
    chunk = max(1, _CHUNK // n_cells)
    for start in range(0, n_resamples, chunk):
        size = min(chunk, n_resamples - start)
        counts = drawing.counts(size, rng)
        drawn = (counts @ sums.reshape(n_cells, -1)).reshape(size, n_targets, n_sums)
        with np.errstate(invalid="ignore"):
            means = drawn / drawn[..., :1]
        labelled = drawn[..., 0] > 0
        for own, formula in zip(scores, formulas):
            own.append(np.where(labelled, formula(means), np.nan))
    return [np.concatenate(own) for own in scores]


def _resample_rows(metric, y_true, y_pred, cells, drawing, n_resamples, rng, sample_weight=None):
    y_true, y_pred = (list(y) if isinstance(y, tuple) else y for y in (y_true, y_pred))
    sample_weight = weights_by_row(sample_weight, None)
    labelled = with_weights(as_targets(y_true), sample_weight).labelled
    rows = [np.flatnonzero(cells == cell) for cell in range(cells.max() + 1)]
    scores = np.full(n_resamples, np.nan)
    for i in range(n_resamples):
        drawn = np.concatenate([rows[0][:0], *(rows[cell] for cell in drawing.cells(rng))])
        if labelled[drawn].any(axis=0).all():
            own = {} if sample_weight is None else {"sample_weight": _safe_indexing(sample_weight, drawn)}
            scores[i] = metric(_safe_indexing(y_true, drawn), _safe_indexing(y_pred, drawn), **own)
    return scores
