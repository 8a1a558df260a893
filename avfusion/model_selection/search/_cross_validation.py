"""Cross-validation of one configuration that can be watched, and ended, after every epoch of every fold."""

import time
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from avfusion._sklearn_compat import _safe_indexing
from avfusion._tracking import untracked
from avfusion.estimators._network_regressor import NetworkRegressor
from avfusion.metrics import scorers
from avfusion.metrics._scores import GivenPredictions
from avfusion.model_selection.comparison._runs import fit_parameters
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import with_weights

__all__ = ["score_folds"]


class FoldOutcome(NamedTuple):
    """Score of a fold, and seconds that fitting and scoring took."""

    score: float
    fit_s: float
    score_s: float


def score_folds(estimator, X, y, folds, scorer, groups=None, watch=None, epochs=True, sample_weight=None):
    """Fit and score a clone in every fold.

    Parameters
    ----------
    estimator : estimator
        Parameters set, not fitted. Epochs can be watched if it is a network, or a Pipeline that ends in one.
    X, y : as in `compare`
        The samples.
    folds : list of (train, test)
        Row positions.
    scorer : callable
        ``scorer(estimator, X, y) -> float``, higher is better.
    groups : ndarray of shape (n_rows,), optional
        For estimators that are searches whose own cv needs them.
    watch : callable, optional
        ``watch(fold, share, value)`` after every epoch and at the end of every fold: the number of the fold,
        the share of it that is done (1 at its end), and the mean score of the folds that are done and this
        one, on its test rows, as far as it has come. Whatever it raises ends the training.
    epochs : bool, default=True
        Whether to watch epochs, or only folds, which costs nothing.
    sample_weight : ndarray, Series or list, optional
        How much rows or labels count, in fits and in scores.

    Yields
    ------
    FoldOutcome
        Of each fold, as it is done.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.metrics import check_scoring
    >>> X = np.arange(6.0)[:, None]
    >>> folds = [(np.arange(3, 6), np.arange(3)), (np.arange(3), np.arange(3, 6))]
    >>> [fold.score for fold in score_folds(Ridge(alpha=1e-9), X, X[:, 0], folds, check_scoring(Ridge()))]
    [1.0, 1.0]
    """
    scores = []
    # labels are read once where the scorer is one of ours; others get the form that the user gave them
    labels = with_weights(as_targets(y), sample_weight) if scorer in scorers.values() else None
    for fold, (train, test) in enumerate(folds):
        y_test = _safe_indexing(y, test) if labels is None else labels.take(test)
        test_rows = _safe_indexing(X, test), y_test
        score_rows = scorer
        if labels is None and sample_weight is not None:
            score_rows = partial(scorer, sample_weight=_safe_indexing(sample_weight, test))
        model = clone(estimator)
        extra = fit_parameters(model, groups, sample_weight, train)

        def report(share, score, fold=fold):
            watch(fold, share, (sum(scores) + score) / (fold + 1))

        begin = time.perf_counter()
        with untracked():
            model = fit_watched(
                model, _safe_indexing(X, train), _safe_indexing(y, train), *test_rows, score_rows,
                report if watch and epochs else None, **extra,
            )  # fmt: skip
        middle = time.perf_counter()
        score = float(score_rows(model, *test_rows))
        yield FoldOutcome(score, middle - begin, time.perf_counter() - middle)
        if watch is not None:
            report(1.0, score)
        scores.append(score)


def fit_watched(estimator, X, y, X_test, y_test, scorer, report, **parameters):
    """Fit an estimator, in a Pipeline step by step, and report its score on other rows after every epoch.

    Parameters
    ----------
    estimator : estimator
        Fitted in place.
    X, y : as in `compare`
        Rows to fit.
    X_test, y_test : as in `compare`
        Rows to score. Nothing is learnt from them: early stopping has its own.
    scorer : callable
    report : callable or None
        ``report(share, score)`` after every epoch but the last.
    **parameters : dict
        Passed to ``fit``.

    Returns
    -------
    estimator
        The fitted one.

    Examples
    --------
    >>> import avfusion as av
    >>> from sklearn.metrics import check_scoring
    >>> X, y = av.datasets.make_audiovisual_regression(
    ...     4, audio_rate_hz=1, video_rate_hz=1, random_state=0
    ... )
    >>> model, seen = av.EarlyFusionRegressor(max_epochs=4, random_state=0), []
    >>> _ = fit_watched(
    ...     model, X, y, X, y, check_scoring(model), lambda share, score: seen.append(share)
    ... )
    >>> seen
    [0.25, 0.5, 0.75]
    """
    if report is None:
        return estimator.fit(X, y, **parameters)
    if isinstance(estimator, Pipeline) and len(estimator.steps) > 1:
        head, (name, last) = estimator[:-1], estimator.steps[-1]
        of_head, of_last = parameters_of_parts(head, name, last, parameters)
        X, X_test = head.fit_transform(X, y, **of_head), head.transform(X_test)
        last = fit_watched(last, X, y, X_test, y_test, scorer, report, **of_last)
        return Pipeline([*head.steps, (name, last)], memory=estimator.memory)
    if not isinstance(estimator, NetworkRegressor):
        return estimator.fit(X, y, **parameters)
    with estimator._watched(EpochScores(estimator, X_test, y_test, scorer, report)):
        return estimator.fit(X, y, **parameters)


def parameters_of_parts(head, name, last, parameters):
    """Sort the parameters of a Pipeline's ``fit`` into those of its head and those of its last step."""
    if get_config()["enable_metadata_routing"]:
        asked = (
            get_routing_for_object(part).consumes(method, parameters)
            for part, method in ((head, "fit_transform"), (last, "fit"))
        )
        return [{key: parameters[key] for key in keys} for keys in asked]
    prefix = f"{name}__"
    of_last = {key.removeprefix(prefix): parameters[key] for key in parameters if key.startswith(prefix)}
    return {key: parameters[key] for key in parameters if not key.startswith(prefix)}, of_last


class EpochScores:
    """Score an estimator's network as it is after every epoch, with its averaged weights, on other rows.

    Parameters
    ----------
    estimator : NetworkRegressor
        Which is being fitted.
    X, y : as in `compare`
        Rows to score; read at the first epoch, when the form of the training data is known.
    scorer : callable
    report : callable
        ``report(share, score)``, the share of all epochs of all members that are done.
    """

    def __init__(self, estimator, X, y, scorer, report):
        self.estimator, self.X, self.y, self.scorer, self.report = estimator, X, y, scorer, report
        self.epochs, self.rows = 0, None

    def __call__(self, net):
        """Report, but for the last epoch of the last member, after which the whole is scored."""
        self.epochs += 1
        total = self.estimator.max_epochs * self.estimator.n_members
        if self.epochs >= total:
            return
        if not net.is_finite:  # the fit itself says so at its end, unless it has better weights by then
            self.report(self.epochs / total, -np.inf)
            return
        if self.rows is None:
            self.rows = self.estimator._read_dataset(self.X)
        # windows side by side: overlaps would cost twice the time
        predictions = self.estimator._predict_dataset(*self.rows, nets=[net], hop=self.estimator.window)
        score = self.scorer(GivenPredictions(predictions), self.X, self.y)
        self.report(self.epochs / total, float(score) if np.isfinite(score) else -np.inf)
