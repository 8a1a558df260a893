"""The objective of a study: a cross-validated score, reported epoch by epoch so that trials can be pruned."""

import inspect

import numpy as np
import optuna
from optuna.pruners import NopPruner
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.pipeline import Pipeline

from avfusion._sklearn_compat import cloned_with
from avfusion.estimators._base import SequenceRegressorMixin
from avfusion.estimators._routing import weight_parameter
from avfusion.metrics import scorers
from avfusion.model_selection.comparison._folds import labelled_folds, split_rows
from avfusion.model_selection.search._cross_validation import FoldOutcome, score_folds
from avfusion.model_selection.search._search_spaces import read_space, suggest
from avfusion.sequences._groups import combined, read_group_columns
from avfusion.sequences._messages import brief
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import weights_by_row, with_weights

__all__ = ["optuna_objective"]

STEPS_PER_FOLD = 40  # of the axis on which trials report: the default number of epochs of a network


def optuna_objective(estimator, X, y, *, space=None, cv=None, scoring=None, groups=None, sample_weight=None):
    """Return the objective for a study of your own: the cross-validated score of an estimator.

    The score of every epoch of every fold is reported to the trial, so that the study's pruner can stop it in
    the middle of a fold; with a `NopPruner` only folds are reported. The value is the mean score over folds,
    so the study's direction is "maximize".

    Parameters
    ----------
    estimator : estimator or Pipeline
        Cloned for each fold.
    X, y : as in `compare`
        The samples.
    space : dict or callable, optional
        Parameter name to optuna distribution or list of choices, or ``space(trial) -> dict of parameters``;
        by default `search_space` of the estimator.
    cv : int, scikit-learn splitter, iterable or None
        As in `compare`, but rows may be tested more than once.
    scoring : str, callable or None
        A key of `avfusion.metrics.scorers`, what scikit-learn knows, or ``scorer(estimator, X, y)``; by
        default the estimator's own score, the CCC.
    groups : str, sequence of str or array-like of shape (n_rows,), optional
        Column of X or values that folds must not split.
    sample_weight : str, array-like, Series, DataFrame or list, optional
        How much rows (numbers, or their column of X) or labels (in a form of y) count, in fits and scores.

    Returns
    -------
    callable
        ``objective(trial) -> float``. Scores and times of the folds are kept as user attributes of the trial.

    Raises
    ------
    ValueError
        If the space names parameters that the estimator does not have, groups or weights do not fit, or the
        estimator takes no weights.

    Examples
    --------
    >>> import optuna
    >>> import avfusion as av
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import optuna_objective
    >>> X, y = av.datasets.make_audiovisual_regression(
    ...     6, audio_rate_hz=1, video_rate_hz=1, random_state=0
    ... )
    >>> space = {"regressor__alpha": [1, 100]}
    >>> objective = optuna_objective(av.FrameRegressor(Ridge()), X, y, space=space, cv=2)
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> study = optuna.create_study(direction="maximize")
    >>> study.optimize(objective, n_trials=2)
    >>> sorted(study.best_params)
    ['regressor__alpha']
    """
    space = read_space(space, estimator)
    columns = read_group_columns(groups, X)
    groups = None if columns is None else combined(columns)
    folds = labelled_folds(split_rows(cv, X, y, columns), y)
    scorer = resolve_scorer(estimator, scoring)
    weights = weights_by_row(sample_weight, X)
    if weights is not None:
        with_weights(as_targets(y), weights)
        weight_parameter(estimator, "estimator")
        _check_weighs(scorer, scoring)

    def objective(trial):
        parameters = suggest(trial, space)
        # copied, since nested parameters are set in estimators that are choices themselves
        model = cloned_with(estimator, clone(parameters, safe=False))
        last = -1

        def watch(fold, share, value):
            nonlocal last
            step = int(np.ceil(STEPS_PER_FOLD * (fold + share) - 1e-9))
            if step <= last or not np.isfinite(value):
                return
            last = step
            trial.report(value, step)
            if fold + share < len(folds) and trial.should_prune():
                raise optuna.TrialPruned

        # scoring every epoch takes a tenth of the time or more, so it is left out where nothing is pruned
        epochs = not isinstance(getattr(trial, "study", None) and trial.study.pruner, NopPruner)
        outcomes = []
        try:
            outcomes.extend(score_folds(model, X, y, folds, scorer, groups, watch, epochs, weights))
        finally:  # also for a trial that is pruned
            for key in FoldOutcome._fields:
                trial.set_user_attr(key, [getattr(outcome, key) for outcome in outcomes])
        return float(np.mean([outcome.score for outcome in outcomes]))

    return objective


def resolve_scorer(estimator, scoring):
    """Return ``scorer(estimator, X, y)`` for one of our names, one of scikit-learn's, a scorer or None."""
    if scoring is None and _scores_by_ccc(estimator):
        return scorers["ccc"]
    if not isinstance(scoring, str):
        return check_scoring(estimator, scoring)
    if f"neg_{scoring}" in scorers:
        raise ValueError(
            f"scoring={scoring!r} is an error measure, but higher scores are better: use 'neg_{scoring}'."
        )
    return scorers[scoring] if scoring in scorers else check_scoring(estimator, scoring)


def _check_weighs(scorer, scoring):
    """Raise where a scorer of the user's takes no weights."""
    parameters = inspect.signature(scorer).parameters
    kinds = [parameter.kind for parameter in parameters.values()]
    if "sample_weight" not in parameters and inspect.Parameter.VAR_KEYWORD not in kinds:
        name = getattr(scoring, "__name__", None) or brief(scoring)
        raise ValueError(
            f"sample_weight is given, but scoring={name} takes none. Give the scorer an argument "
            "sample_weight=None, or take one of avfusion.metrics.scorers."
        )


def _scores_by_ccc(estimator):
    """Return whether the ``score`` of an estimator, or of a Pipeline's last step, is that of this package."""
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    return getattr(type(last), "score", None) is SequenceRegressorMixin.score
