"""Names, metrics and scorers, all as functions of labels and predictions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import get_scorer

from avfusion.metrics._abaw import abaw_scorer
from avfusion.metrics._bootstrap import resampled_metrics, resampled_row_means, resampled_scores
from avfusion.metrics._regression import (
    STATISTICS,
    ccc_score,
    mean_absolute_error,
    mean_over_rows,
    pcc_score,
    root_mean_squared_error,
    sagr_score,
)
from avfusion.metrics._scorers import scorers
from avfusion.sequences._messages import brief, quoted

_METRICS = {
    "ccc": ccc_score,
    "pcc": pcc_score,
    "sagr": sagr_score,
    "rmse": root_mean_squared_error,
    "mae": mean_absolute_error,
    "abaw": ccc_score,  # over all frames that have a label, averaged over targets
}
_ERRORS = (root_mean_squared_error, mean_absolute_error)
PER_RECORDING = "_per_recording"
_DEFAULT = ("ccc", "pcc", "rmse", "mae")


@dataclass(frozen=True)
class Score:
    """A score of predictions: one of the metrics, perhaps negated, or any scikit-learn scorer.

    Parameters
    ----------
    metric : callable or None
        ``metric(y_true, y_pred, multioutput=...)`` of `avfusion.metrics`.
    sign : {1, -1}
        -1 for errors that are to be maximised.
    scorer : callable or None
        ``scorer(estimator, X, y)``, if there is no metric.
    per_recording : bool, default=False
        Whether it is the mean over recordings of each one's own score (labels per frame only).

    Examples
    --------
    >>> from avfusion.metrics._scores import resolve_scoring
    >>> score = resolve_scoring("neg_mae")["neg_mae"]
    >>> score([1.0, 2.0], [1.5, 2.5])
    -0.5
    """

    metric: Callable | None
    sign: int = 1
    scorer: Callable | None = None
    per_recording: bool = False

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Score predictions, averaged over targets; weights go to the scorer where there are any."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if self.metric is None:
            return float(self.scorer(GivenPredictions(y_pred), None, y_true, **weights))
        average = {"average": "row"} if self.per_recording else {}
        return self.sign * self.metric(y_true, y_pred, **average, **weights)

    @property
    def higher_is_better(self):
        """Return whether higher is better; None for a function of one's own, of which nothing is known.

        Examples
        --------
        >>> [resolve_scoring(name)[name].higher_is_better for name in ("mae", "neg_mae", "r2")]
        [False, True, True]
        """
        if self.metric is None:
            return True if hasattr(self.scorer, "_sign") else None  # scikit-learn's turn errors round
        return self.is_error == (self.sign < 0)

    @property
    def is_error(self):
        """Return whether it is an error, in units of y, and not a share or a correlation.

        Examples
        --------
        >>> [resolve_scoring(name)[name].is_error for name in ("neg_mae", "ccc")]
        [True, False]
        """
        return self.metric in _ERRORS

    def by_target(self, columns):
        """Score each target by itself, which needs a metric.

        Parameters
        ----------
        columns : list of Column
            From `labelled_columns`.

        Returns
        -------
        ndarray of shape (K,)

        Examples
        --------
        >>> from avfusion.metrics._regression import labelled_columns, paired_targets
        >>> resolve_scoring("mae")["mae"].by_target(labelled_columns(*paired_targets([[1, 0]], [[1, 1]])))
        array([0., 1.])
        """
        statistic = STATISTICS[self.metric]
        if self.per_recording:
            statistic = partial(mean_over_rows, statistic)
        return self.sign * np.array([statistic(column) for column in columns], dtype=np.float64)


def resampled_by(scores, pair, given, *, by_target=False, **options):
    """Scores of the same bootstrap resamples by several scores; metrics resample packed labels all at once.

    Parameters
    ----------
    scores : dict of str to Score
    pair : (Targets, Targets)
        Labels and predictions, from `paired_targets`.
    given : callable
        ``given() -> (labels, predictions, weights)`` in the form that the user gave, for scores that are no
        metric; weights may be None.
    by_target : bool, default=False
        Whether those of metrics have the resamples of each target, too.
    **options
        Groups, number of resamples and seed, as in `avfusion.metrics.bootstrap_interval`.

    Returns
    -------
    dict of str to Resamples

    Examples
    --------
    >>> from avfusion.metrics._regression import paired_targets
    >>> pair = paired_targets([1.0, 2.0], [1.5, 2.5])
    >>> resampled_by(resolve_scoring("neg_mae"), pair, None, n_resamples=2)["neg_mae"].scores
    array([-0.5, -0.5])
    """
    pooled = {n: score.metric for n, score in scores.items() if score.metric and not score.per_recording}
    by_row = {n: STATISTICS[score.metric] for n, score in scores.items() if score.per_recording}
    options["by_target"], together = by_target, {}
    for names, resampled in ((pooled, resampled_metrics), (by_row, resampled_row_means)):
        together |= dict(zip(names, resampled(*pair, names.values(), **options))) if names else {}
    del options["by_target"]
    return {
        name: together[name] * score.sign
        if name in together
        else _resampled_scorer(score, *given(), **options)
        for name, score in scores.items()
    }


def _resampled_scorer(score, y_true, y_pred, sample_weight=None, **options):
    return resampled_scores(y_true, y_pred, score, sample_weight=sample_weight, **options)


class GivenPredictions(RegressorMixin, BaseEstimator):
    """Stands for the estimator whose predictions are known, so that any scorer can score them.

    Parameters
    ----------
    predictions : DataFrame, Series, list or ndarray
        For the rows that will be scored.

    Examples
    --------
    >>> GivenPredictions([1.0, 2.0]).score(None, [1.0, 2.0])
    1.0
    """

    def __init__(self, predictions):
        self.predictions = predictions

    def predict(self, X):
        """Return the predictions that are known."""
        return self.predictions

    def score(self, X, y, sample_weight=None):
        """Return the CCC, as every estimator of this package."""
        return ccc_score(y, self.predictions, sample_weight=sample_weight)


def resolve_scoring(scoring=None):
    """Turn what `compare` takes as `scoring` into named scores.

    Parameters
    ----------
    scoring : str, sequence of str, dict or None
        Names ("ccc", "pcc", "sagr", "rmse", "mae", "abaw"; with "_per_recording" behind it, the mean over
        recordings of each one's own score; a key of `avfusion.metrics.scorers`, or a name that scikit-learn
        knows), or a dict of name to name, metric of `avfusion.metrics` or scorer
        ``(estimator, X, y) -> float``. By default CCC, PCC, RMSE and MAE.

    Returns
    -------
    dict of str to Score

    Raises
    ------
    TypeError, ValueError
        If an entry is neither a known name nor callable, or there is none.

    Examples
    --------
    >>> list(resolve_scoring())
    ['ccc', 'pcc', 'rmse', 'mae']
    """
    if scoring is None:
        scoring = _DEFAULT
    if isinstance(scoring, str):
        scoring = (scoring,)
    if callable(scoring):
        scoring = {getattr(scoring, "__name__", "score"): scoring}
    if not isinstance(scoring, Mapping):
        scoring = {name: name for name in scoring}
    if not scoring:
        raise ValueError("scoring is empty: name at least one score, such as 'ccc'.")
    return {str(name): _resolve(name, value) for name, value in scoring.items()}


def one_score(scoring, caller):
    """Return name and function of one score.

    Parameters
    ----------
    scoring : as in `resolve_scoring`
    caller : str
        Name of the function that takes one, for the error.

    Raises
    ------
    ValueError
        If it stands for several scores.

    Examples
    --------
    >>> one_score("mae", "robustness_curve")[0]
    'mae'
    """
    scores = resolve_scoring(scoring)
    if len(scores) != 1:
        raise ValueError(
            f"scoring={brief(scoring)} stands for {len(scores)} scores, {quoted(scores)}, but one is needed. "
            f"Call {caller} once for each."
        )
    return next(iter(scores.items()))


def _resolve(name, value):
    if isinstance(value, str):
        if value in _METRICS:
            return Score(_METRICS[value])
        if value.removesuffix(PER_RECORDING) in _METRICS:
            return Score(_METRICS[value.removesuffix(PER_RECORDING)], per_recording=True)
        if value not in scorers:
            try:
                return Score(None, scorer=get_scorer(value))
            except ValueError:
                known = ", ".join([*_METRICS, *(s for s in scorers if s not in _METRICS)])
                raise ValueError(
                    f"scoring={value!r} is not known. Use one of {known}, or a name of scikit-learn's."
                ) from None
        value = scorers[value]
    value = ccc_score if value is abaw_scorer else value
    if value in _METRICS.values():
        return Score(value)
    for known, scorer in scorers.items():
        if value is scorer:
            return Score(_METRICS[known.removeprefix("neg_")], -1 if known.startswith("neg_") else 1)
    if not callable(value):
        raise TypeError(f"scoring[{name!r}] is {brief(value)}, but must be a name, a metric or a scorer.")
    return Score(None, scorer=value)
