"""Models beside a baseline: differences in score, and the CCC of what it leaves unexplained."""

from dataclasses import replace

import numpy as np

from avfusion.metrics import ccc_score
from avfusion.metrics._bootstrap import resampled_metrics
from avfusion.metrics._regression import labelled_columns
from avfusion.metrics._scores import Score, resampled_by

COLUMNS = tuple(f"{what}{end}" for what in ("difference", "partial_ccc") for end in ("", "_low", "_high"))


def beyond(pairs, name, score, level, options):
    """Return difference from a baseline, and the CCC beyond it, with intervals: means over seeds.

    Parameters
    ----------
    pairs : list of (Targets, Targets, Targets)
        Labels, predictions of a model and of the baseline on the same steps, for each seed.
    name : str
    score : Score
        A metric.
    level : float
        Of the intervals.
    options : dict
        Groups, number of resamples and random_state, as in `avfusion.metrics.bootstrap_interval`.

    Returns
    -------
    dict of str to float
        By `COLUMNS`; NaN where the baseline predicts nothing for a label.

    Examples
    --------
    >>> from avfusion.metrics._scores import resolve_scoring
    >>> from avfusion.sequences import as_targets
    >>> pair = tuple(map(as_targets, ([1.0, 2.0, 5.0], [1.0, 2.0, 5.0], [2.0, 2.0, 2.0])))
    >>> found = beyond([pair], "mae", resolve_scoring("mae")["mae"], 0.95, {"random_state": 0})
    >>> round(float(found["difference"]), 2), float(found["partial_ccc"])
    (-1.33, 1.0)
    """
    lines = []
    if any((np.isnan(base.values) & ~np.isnan(true.values)).any() for true, _, base in pairs):
        return dict.fromkeys(COLUMNS, np.nan)
    for true, pred, base in pairs:
        own, other = (
            resampled_by({name: score}, (true, side), None, **options)[name] for side in (pred, base)
        )
        values = [score_of_pair(score, true, side) for side in (pred, base)]
        left = without_base(true, pred, base)
        ccc = score_of_pair(Score(ccc_score), *left)
        ends = resampled_metrics(*left, [ccc_score], **options)[0].interval(level)
        lines.append([values[0] - values[1], *(own - other).interval(level), ccc, *ends])
    return dict(zip(COLUMNS, np.mean(lines, axis=0)))


def score_of_pair(score, true, pred):
    """Return a score of labels and predictions on the same steps, the mean over targets.

    Examples
    --------
    >>> from avfusion.metrics._scores import resolve_scoring
    >>> from avfusion.sequences import as_targets
    >>> score_of_pair(resolve_scoring("mae")["mae"], as_targets([1.0, 2.0]), as_targets([1.0, 4.0]))
    1.0
    """
    return float(score.by_target(labelled_columns(true, pred)).mean())


def without_base(true, pred, base):
    """Take from labels and predictions what a line in a baseline's predictions says of them.

    Parameters
    ----------
    true, pred, base : Targets
        On the same steps.

    Returns
    -------
    true, pred : Targets
        What is left, of mean 0; exact zeros where nothing but rounding is left.

    Examples
    --------
    >>> from avfusion.sequences import as_targets
    >>> labels, predictions, base = map(as_targets, ([1.0, 2.0, 5.0, 6.0], [3, 3, 7, 7], [1, 1, 4, 4]))
    >>> [part.values.ravel().tolist() for part in without_base(labels, predictions, base)]
    [[-0.5, 0.5, -0.5, 0.5], [0.0, 0.0, 0.0, 0.0]]
    """
    sides = [np.full(true.values.shape, np.nan) for _ in range(2)]
    for k in range(true.form.n_targets):
        seen = ~np.isnan(true.values[:, k])
        weight = np.ones(seen.sum()) if true.weights is None else true.weights[seen, k]
        line = _centred(base.values[seen, k], weight)
        for side, values in zip(sides, (true.values[seen, k], pred.values[seen, k])):
            own = _centred(values, weight)
            square = (weight * line) @ line
            rest = own - line * ((weight * line) @ own / square) if square > 0 else own
            rounding = max(1e-9 * np.abs(own).max(initial=0.0), 1e-13 * np.abs(values).max(initial=0.0))
            side[seen, k] = np.where(np.abs(rest).max(initial=0.0) > rounding, rest, 0.0)
    return replace(true, values=sides[0]), replace(pred, values=sides[1])


def _centred(values, weight):
    centred = values - np.average(values, weights=weight)
    return (
        centred if np.abs(centred).max(initial=0.0) > 1e-12 * np.abs(values).max(initial=0.0) else 0 * centred
    )
