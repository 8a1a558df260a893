"""Searches with Optuna that prune inside cross-validation and can be killed and resumed."""

import time
from collections.abc import Mapping
from numbers import Integral, Real
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted

from avfusion._kept_fits._hashing import content_hash
from avfusion._sklearn_compat import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    as_one_task,
    cloned_with,
)
from avfusion._tracking import untracked, warn_if_not_logged
from avfusion._versions import package_versions
from avfusion.estimators._base import SequenceRegressorMixin
from avfusion.estimators._routing import WEIGHT
from avfusion.estimators._weights import only_weights
from avfusion.fusion import RecursiveJointAttentionRegressor
from avfusion.model_selection.comparison._folds import labelled_folds, split_rows
from avfusion.model_selection.comparison._runs import fit_parameters
from avfusion.model_selection.comparison._seeds import seed_of
from avfusion.model_selection.records._provenance import described, not_repeatable, plain, rows_of
from avfusion.model_selection.search._callbacks import check_callbacks
from avfusion.model_selection.search._identity import identity_of
from avfusion.model_selection.search._objective import optuna_objective, resolve_scorer
from avfusion.model_selection.search._portable import PortableMixin
from avfusion.model_selection.search._search_spaces import kept_parameters, read_space
from avfusion.model_selection.search._storage import described_storage, finished_trials
from avfusion.model_selection.search._study import run_study
from avfusion.model_selection.search._trials import best_of, parameters_of, results_of
from avfusion.sequences._groups import combined, read_group_columns
from avfusion.sequences._identity import index_of
from avfusion.sequences._label_markers import markers_told_once
from avfusion.sequences._recordings import is_table
from avfusion.sequences._rows import read_rows, read_samples
from avfusion.sequences._target_form import Predictions
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import weights_by_row, with_weights

__all__ = ["FusionSearchCV"]


class FusionSearchCV(
    PortableMixin, CallbackSupportMixin, SequenceRegressorMixin, MetaEstimatorMixin, BaseEstimator
):
    """Search the parameters of an estimator or Pipeline with Optuna, by cross-validation with pruning.

    Every epoch of every fold is scored on the fold's test rows and reported, so that a configuration that is
    worse than the others is stopped in the middle of a fold. Trials are kept in `storage` as they finish: a
    search that was killed resumes where it stopped, and several processes can work on one study.

    Parameters
    ----------
    estimator : estimator or Pipeline, optional
        Epochs are scored if it is a network of this package or a Pipeline that ends in one; any other
        estimator is scored after each fold. By default a `RecursiveJointAttentionRegressor`.
    space : dict or callable, optional
        Parameter name to optuna distribution or list of choices, or ``space(trial) -> dict of parameters``;
        by default `avfusion.model_selection.search_space` of the estimator, which keeps what the estimator
        sets: see `kept_params_`.
    cv : int, scikit-learn splitter, iterable or None, default=None
        With groups, None is leave-one-group-out up to 10 groups and 5 group folds beyond, and an int that
        many group folds; without groups, None is 5 folds in the order of the rows.
    scoring : str, callable or None, default=None
        A key of `avfusion.metrics.scorers`, what scikit-learn knows, or ``scorer(estimator, X, y)``; None is
        the estimator's own score, the CCC. Higher is better.
    n_trials : int, default=20
        Number of configurations in the study, including those of an earlier search that was killed. Where
        several searches share the study, all but one of them may run one trial more.
    timeout : float or None, default=None
        Seconds after which no new trial starts.
    sampler : optuna sampler or None, default=None
        By default TPE, seeded with `random_state` and the slot of the trial, so that a search that was killed
        tries the same configurations after it is resumed. Any other sampler is seeded anew when a search is
        resumed. A sampler that has nothing left to suggest, such as a full grid, ends the search.
    pruner : optuna pruner or None, default=None
        By default a trial is stopped unless it is among the best 40 % of the earlier ones, from the fifth
        trial and a third of the first fold on. ``optuna.pruners.NopPruner()`` completes every trial, and then
        only folds are scored, not epochs. The axis has 40 steps per fold.
    storage : str, path-like, SQLAlchemy URL, optuna storage or None, default=None
        Where trials are kept: a journal file, a database URL such as "sqlite:///study.db" or
        "postgresql+psycopg://user@host/studies" (a password is best left to PGPASSWORD or ~/.pgpass), or an
        optuna storage, whose settings stay as they are. With None they are kept in memory. Journals and
        databases are opened with heartbeats, by which trials of dead containers and machines are found.
    study_name : str or None, default=None
        Name of the study in the storage; by default derived from the data, the folds, the estimator, the
        space and the scoring, so that repeating the same search resumes it, and a different search cannot mix
        in. A study of this name that is about something else is refused; one that you made, with direction
        "maximize", may have enqueued trials, which are tried first.
    refit : bool, default=True
        Whether to fit the best configuration on all rows.
    n_jobs : int or None, default=None
        Number of trials at the same time, each in a process with its share of the cores. What the sampler
        knows when it suggests a trial then depends on which trial ends first: a search can be repeated
        exactly only with one job. On one GPU use one job: several would wait for each other, each with a copy
        of the data.
    error_score : "raise" or numeric, default=nan
        With "raise" an error in a fit ends the search; otherwise a warning is issued and the trial has this
        score.
    callbacks : list of callable or None, default=None
        Each is called as ``callback(study, trial)`` after every trial of this search, in this process, such
        as the trackers of optuna-integration. ``study.stop()`` ends the search. An error in one is a warning,
        or ends the search with ``error_score="raise"``.
    random_state : int, RandomState or None, default=None
        Seed of the default sampler. The estimator has its own.
    verbose : int, default=0
        Whether to show progress: best score, number of pruned trials, time left.

    Attributes
    ----------
    best_estimator_ : estimator
        Fitted on all rows, with `refit`.
    best_params_ : dict
    best_score_ : float
        Mean over folds.
    best_index_ : int
        Position of the best trial in `cv_results_`.
    cv_results_ : dict of str to array
        As in scikit-learn's searches, with the "state" ("complete", "pruned" or "failed") of each trial;
        scores that a trial did not reach are NaN.
    kept_params_ : dict
        What the default space would search if the estimator did not set it, with the values that are kept.
    study_ : optuna.Study
        The study as the search left it, in memory, for optuna's plots.
    record_ : dict
        How the search was done, as JSON: the search and the estimator with all parameters, rows of each fold,
        seed, versions, a hash of the data, and what would make a repetition differ. `save` writes it.
    scorer_ : callable
    n_splits_ : int
    refit_time_ : float
        Seconds, with `refit`.
    n_features_in_ : int
        Number of columns of X, with `refit`.
    feature_names_in_ : ndarray of str
        Names of the columns of X, with `refit` and where it has names.

    See Also
    --------
    avfusion.model_selection.optuna_objective : For a study of your own.
    avfusion.model_selection.search_space : The default space, to narrow or extend.
    avfusion.model_selection.rerun : Runs a saved search again.

    Examples
    --------
    >>> import avfusion as av
    >>> from sklearn.linear_model import Ridge
    >>> X, y = av.datasets.make_audiovisual_regression(
    ...     6, audio_rate_hz=1, video_rate_hz=1, random_state=0
    ... )
    >>> space = {"regressor__alpha": [0.1, 10.0, 1000.0]}
    >>> search = av.FusionSearchCV(av.FrameRegressor(Ridge()), space, cv=2, n_trials=4, random_state=0)
    >>> search.fit(X, y, groups="subject").best_params_
    {'regressor__alpha': ...}
    """

    splits_by_groups = True  # whatever cv is: `compare` passes the groups of the training rows
    # so that groups arrive with routing on; weights are among `params`, as folds are not exact
    __metadata_request__fit: ClassVar[dict] = {"groups": True, "sample_weight": None}

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "space": [Mapping, callable, None],
        "cv": ["cv_object"],
        "scoring": [str, callable, None],
        "n_trials": [Interval(Integral, 1, None, closed="left")],
        "timeout": [Interval(Real, 0, None, closed="left"), None],
        "sampler": [BaseSampler, None],
        "pruner": [BasePruner, None],
        "study_name": [str, None],
        "refit": ["boolean"],
        "n_jobs": [Integral, None],
        "error_score": [StrOptions({"raise"}), Real],
        "callbacks": [list, tuple, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator=None,
        space=None,
        *,
        cv=None,
        scoring=None,
        n_trials=20,
        timeout=None,
        sampler=None,
        pruner=None,
        storage=None,
        study_name=None,
        refit=True,
        n_jobs=None,
        error_score=np.nan,
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.space = space
        self.cv = cv
        self.scoring = scoring
        self.n_trials = n_trials
        self.timeout = timeout
        self.sampler = sampler
        self.pruner = pruner
        self.storage = storage
        self.study_name = study_name
        self.refit = refit
        self.n_jobs = n_jobs
        self.error_score = error_score
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    @as_one_task
    def fit(self, X, y, groups=None, **params) -> Self:
        """Search, and fit the best configuration on all rows.

        Parameters
        ----------
        X, y : as the estimator takes them
            The samples.
        groups : str, sequence of str or array-like of shape (n_rows,), optional
            Column of X or values that folds must not split.
        **params : dict
            ``sample_weight``, how much rows (numbers, or their column of X) or labels (in a form of y) count,
            in fits and scores.

        Returns
        -------
        FusionSearchCV
            The fitted search.

        Raises
        ------
        ValueError
            If the space names parameters that the estimator does not have, groups or weights do not fit, the
            study is about something else, or no trial was completed.
        """
        self._validate_params()
        check_callbacks(self.callbacks)
        warn_if_not_logged(self)
        self._reset()
        sample_weight = only_weights(self, "fit", params)
        X, y = read_samples(self._read(X), y)
        weights = weights_by_row(sample_weight, X)
        targets = as_targets(y)
        check_consistent_length(X, y)
        estimator = self._given_estimator
        space = read_space(self.space, estimator)
        kept = {} if self.space is not None else kept_parameters(estimator)
        columns = read_group_columns(groups, X)
        row_groups = None if columns is None else combined(columns)
        targets = with_weights(targets, weights, index_of(X)).counted
        folds = labelled_folds(split_rows(self.cv, X, y, columns), targets)
        scorer = resolve_scorer(estimator, self.scoring)
        options = {"scoring": self.scoring, "groups": row_groups, "sample_weight": weights}
        objective = optuna_objective(estimator, X, y, space=space, cv=folds, **options)
        identity = identity_of(estimator, self.scoring, space, folds, X, y, row_groups, weights)
        seed = seed_of(self.random_state)
        recipe, record = self._provenance(identity, row_groups, folds, estimator, seed, weights)
        name = self.study_name or f"{type(estimator).__name__}-{content_hash(identity)[:12]}"
        if kept and self.verbose:
            print(f"search: kept as set: {', '.join(f'{key}={value!r}' for key, value in kept.items())}")
        with markers_told_once(targets):
            self.study_ = run_study(self, objective, space, identity, name, seed)
            self._recipe, self.record_, self.kept_params_ = recipe, record, kept
            self.scorer_, self.n_splits_ = scorer, len(folds)
            trials = finished_trials(self.study_)
            self.cv_results_ = results_of(trials, space, len(folds), self.error_score)
            self._choose_best(trials, space)
            if self.refit:
                self._refit(estimator, X, y, row_groups, weights)
        return self

    def predict(self, X) -> Predictions:
        """Predict with the best configuration.

        Parameters
        ----------
        X : as in `fit`
            Rows to predict.

        Returns
        -------
        DataFrame, Series or ndarray
            As the estimator's own `predict`.
        """
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.predict(X)

    @property
    def _given_estimator(self):
        return RecursiveJointAttentionRegressor() if self.estimator is None else self.estimator

    @property
    def _given_estimators(self):
        return [("estimator", self._given_estimator)]

    def score(self, X, y, sample_weight=None) -> float:
        """Score the best configuration by `scoring`.

        Parameters
        ----------
        X, y : as in `fit`
            Rows to score.
        sample_weight : str, array-like, Series, DataFrame or list, optional
            How much rows or labels count, for scorers that take weights.

        Returns
        -------
        float
            Higher is better.
        """
        check_is_fitted(self, "best_estimator_")
        weights = weights_by_row(sample_weight, X)
        return self.scorer_(self.best_estimator_, X, y, **({} if weights is None else {WEIGHT: weights}))

    @property
    def n_features_in_(self):
        """Number of columns of X."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.n_features_in_

    @property
    def feature_names_in_(self):
        """Names of the columns of X."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.feature_names_in_

    def _read(self, X):
        """Return the samples as rows; a table of numbers is checked as scikit-learn's estimators do it."""
        X = read_rows(X)
        if isinstance(X, pd.DataFrame) or issparse(X) or not is_table(X):
            return X
        return check_array(X, ensure_all_finite=False, allow_nd=True, input_name="X")

    def _refit(self, estimator, X, y, groups, sample_weight):
        begin = time.perf_counter()
        best = cloned_with(estimator, clone(self.best_params_, safe=False))
        with untracked():
            self.best_estimator_ = best.fit(X, y, **fit_parameters(best, groups, sample_weight))
        self.refit_time_ = time.perf_counter() - begin

    def _reset(self):
        """Remove the results of an earlier fit, some of which this one may not reach."""
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("__")]:
            delattr(self, name)

    def _provenance(self, identity, groups, folds, estimator, seed, sample_weight):
        """Return how the search is done: the recipe for `rerun`, and the record for people."""
        facts = {"versions": package_versions(), "data": identity["data"]}
        changes = {"cv": folds, "storage": None, "study_name": None, "callbacks": None, "random_state": seed}
        again = clone(type(self)(**(self.get_params(deep=False) | changes)))
        here = {"estimator": None, "storage": described_storage(self.storage), "random_state": seed}
        own = self.get_params(deep=False) | here
        record = {
            **plain(own),
            "estimator": described(estimator),
            "fold_rows": rows_of(folds),
            "not_repeatable": not_repeatable(again),
            **facts,
        }
        if sample_weight is not None:
            record["sample_weight"] = identity["weights"]
        return {"search": again, "groups": groups, "sample_weight": sample_weight, **facts}, record

    def _choose_best(self, trials, space):
        scores = self.cv_results_["mean_test_score"]
        self.best_index_ = best_of(trials, scores)
        self.best_score_ = float(scores[self.best_index_])
        self.best_params_ = parameters_of(trials[self.best_index_], space)
