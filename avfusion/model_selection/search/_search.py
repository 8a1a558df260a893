"""Searches with Optuna that prune inside cross-validation and can be killed and resumed."""

import json
import time
import warnings
from collections.abc import Mapping
from copy import deepcopy
from numbers import Integral, Real
from pathlib import Path
from typing import ClassVar

import joblib
import numpy as np
import optuna
import pandas as pd
from optuna.pruners import BasePruner, PercentilePruner
from optuna.samplers import BaseSampler
from optuna.trial import TrialState
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.exceptions import FitFailedWarning
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted

from avfusion._progress import progress_bar
from avfusion._sklearn_compat import HasMethods, Interval, StrOptions
from avfusion.estimators import RecursiveJointAttentionRegressor
from avfusion.estimators._base import SequenceRegressorMixin
from avfusion.estimators._training import random_generator
from avfusion.model_selection.comparison._compare import group_parameters
from avfusion.model_selection.comparison._folds import labelled_folds, split_rows
from avfusion.model_selection.records._provenance import (
    described,
    package_versions,
    plain,
    rows_of,
    write_recipe,
)
from avfusion.model_selection.records._repeatable import not_repeatable
from avfusion.model_selection.search._identity import check_identity, content_hash, identity_of
from avfusion.model_selection.search._objective import STEPS_PER_FOLD, optuna_objective, resolve_scorer
from avfusion.model_selection.search._search_spaces import read_space
from avfusion.model_selection.search._seeded_tpe import PlaceSampler
from avfusion.model_selection.search._storage import (
    bury_dead_trials,
    finished_trials,
    in_memory,
    quiet_optuna,
    storage_of,
)
from avfusion.model_selection.search._trials import parameters_of, progress_of, results_of, run_trial
from avfusion.persistence import in_one_step
from avfusion.sequences import as_sequences
from avfusion.sequences._groups import read_groups
from avfusion.sequences._targets import as_targets

__all__ = ["FusionSearchCV"]


class FusionSearchCV(SequenceRegressorMixin, MetaEstimatorMixin, BaseEstimator):
    """Search the parameters of an estimator or Pipeline with Optuna, by cross-validation that is cut short.

    Every epoch of every fold is scored on the fold's test rows and reported, so that a configuration that
    lags behind the others ends in the middle of a fold. Trials are kept in `storage` as they finish: a search
    that was killed goes on where it was, and several processes can work on one study.

    Parameters
    ----------
    estimator : estimator or Pipeline, optional
        Epochs are watched if it is a network of this package or a Pipeline that ends in one; anything else is
        judged fold by fold. By default a `RecursiveJointAttentionRegressor`.
    space : dict or callable, optional
        Parameter name to optuna distribution or list of choices, or ``space(trial) -> dict of parameters``;
        by default `avfusion.model_selection.search_space` of the estimator.
    cv : int, scikit-learn splitter, iterable or None, default=None
        With groups, None is leave-one-group-out up to 10 groups and 5 group folds beyond, and an int that
        many group folds; without groups, None is 5 folds in the order of the rows.
    scoring : str, callable or None, default=None
        A key of `avfusion.metrics.scorers`, what scikit-learn knows, or ``scorer(estimator, X, y)``; None is
        the estimator's own score, the CCC. Higher is better.
    n_trials : int, default=20
        Number of configurations in the study, those of a former, killed search included. Where several
        searches share it, each of them but one may run a trial more.
    timeout : float or None, default=None
        Seconds after which no new trial begins.
    sampler : optuna sampler or None, default=None
        By default TPE, seeded by `random_state` and the place of the trial, so that a search that was killed
        tries what it would have tried. One of your own is seeded anew when a search goes on. One that has
        nothing left to suggest, such as a full grid, ends the search.
    pruner : optuna pruner or None, default=None
        By default a trial ends that is not among the best 40 % of those before it, from the fifth trial and a
        third of the first fold on.
        ``optuna.pruners.NopPruner()`` lets every trial go to its end, and then only folds are scored, not
        epochs. The axis has 40 steps per fold.
    storage : str, path-like, optuna storage or None, default=None
        Where trials are kept: a journal file, a database URL such as "sqlite:///study.db", or an optuna
        storage. None keeps them in memory.
    study_name : str or None, default=None
        Name of the study in the storage; by default made from the data, the folds, the estimator, the space
        and the scoring, so that the same search goes on and another one does not meddle. A study of this name
        that is about something else is refused.
    refit : bool, default=True
        Whether to fit the best configuration on all rows.
    n_jobs : int or None, default=None
        Number of trials at the same time, each in a process with its share of the cores. What the sampler
        knows when it chooses then depends on which trial ends first: only one job gives the same search
        again. On one GPU take one job: several would wait for each other, each with a copy of the data.
    error_score : "raise" or numeric, default=nan
        Whether an error in a fit ends the search; otherwise it is a warning, and the trial has this score.
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
        Where the best trial stands in `cv_results_`.
    cv_results_ : dict of str to array
        As of scikit-learn's searches, with "state" ("complete", "pruned" or "failed") of each trial; scores
        that a trial did not come to are NaN.
    study_ : optuna.Study
        The study, for optuna's plots.
    record_ : dict
        How it was done, all of it JSON: the search and the estimator with all parameters, rows of each fold,
        seed, versions, a hash of the data, and what would make it differ when run again. `save` writes it.
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

    splits_by_groups = True  # whatever cv is: `compare` hands over the groups of the training rows
    __metadata_request__fit: ClassVar[dict] = {"groups": True}  # so that they arrive with routing on, too

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
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y, groups=None):
        """Search, and fit the best configuration on all rows.

        Parameters
        ----------
        X, y : as the estimator takes them
            The samples.
        groups : str or array-like of shape (n_rows,), optional
            Column of X or values that folds must not split.

        Returns
        -------
        FusionSearchCV
            The search itself.

        Raises
        ------
        ValueError
            If the space names parameters that the estimator has not, groups do not fit, the study is about
            something else, or no trial came to its end.
        """
        self._validate_params()
        self._forget()
        as_targets(y)  # refuses what is no target
        X, y = read_rows(X), read_labels(y)
        check_consistent_length(X, y)
        estimator = RecursiveJointAttentionRegressor() if self.estimator is None else self.estimator
        space = read_space(self.space, estimator)
        row_groups = read_groups(groups, X)
        folds = labelled_folds(split_rows(self.cv, X, y, row_groups), y)
        scorer = resolve_scorer(estimator, self.scoring)
        objective = optuna_objective(
            estimator, X, y, space=space, cv=folds, scoring=self.scoring, groups=row_groups
        )
        identity = identity_of(estimator, self.scoring, space, folds, X, y, row_groups)
        seed = seed_of(self.random_state)
        self.study_ = self._search(objective, identity, estimator, seed)
        self._sign(identity["data"], row_groups, folds, estimator, seed)
        self.scorer_, self.n_splits_ = scorer, len(folds)
        trials = finished_trials(self.study_)
        self.cv_results_ = results_of(trials, space, len(folds), self.error_score)
        self._choose_best(trials, space)
        if self.refit:
            begin = time.perf_counter()
            best = clone(estimator).set_params(**clone(self.best_params_, safe=False))
            self.best_estimator_ = best.fit(X, y, **group_parameters(best, row_groups))
            self.refit_time_ = time.perf_counter() - begin
        return self

    def predict(self, X):
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

    def score(self, X, y):
        """Score the best configuration by `scoring`.

        Parameters
        ----------
        X, y : as in `fit`
            Rows to score.

        Returns
        -------
        float
            Higher is better.
        """
        check_is_fitted(self, "best_estimator_")
        return self.scorer_(self.best_estimator_, X, y)

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

    def save(self, folder):
        """Write the trials and the record of the search, each file in one step.

        ``trials.csv`` (`cv_results_`), ``settings.json`` (`record_`) and ``recipe.joblib``, which
        `avfusion.model_selection.rerun` takes; a warning stands for it if something in it cannot be pickled,
        such as a lambda. The fitted model itself goes into a file by `avfusion.persistence.save`.

        Parameters
        ----------
        folder : str or Path
            Made if it does not exist; files of these names are replaced.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OSError
            If the folder cannot be made or written to.
        """
        check_is_fitted(self, "record_")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with in_one_step(folder / "trials.csv") as path:
            pd.DataFrame(self.cv_results_).drop(columns="params").to_csv(path, index_label="trial")
        with in_one_step(folder / "settings.json") as path:
            path.write_text(json.dumps(self.record_, indent=2) + "\n", encoding="utf-8")
        write_recipe(self._recipe, folder)
        return folder

    def _forget(self):
        """Remove what a former fit found, some of which this one may not come to."""
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("__")]:
            delattr(self, name)

    def _sign(self, data, groups, folds, estimator, seed):
        """Keep how the search was done, for people and for `rerun`."""
        facts = {"versions": package_versions(), "data": data}
        changes = {"cv": folds, "storage": None, "study_name": None, "random_state": seed}
        again = clone(type(self)(**(self.get_params(deep=False) | changes)))
        self._recipe = {"search": again, "groups": groups, **facts}
        own = {key: plain(value) for key, value in self.get_params(deep=False).items() if key != "estimator"}
        self.record_ = {
            **{
                key: str(value) if key == "storage" and value is not None else value
                for key, value in own.items()
            },
            "estimator": described(estimator),
            "random_state": seed,
            "fold_rows": rows_of(folds),
            "not_repeatable": not_repeatable(again),
            **facts,
        }

    def _search(self, objective, identity, estimator, seed):
        """Run the trials that the study lacks; return the study."""
        n_jobs = joblib.effective_n_jobs(self.n_jobs)
        shared = n_jobs > 1
        # a sampler changes as it is used, and a parameter is not to change
        sampler = deepcopy(self.sampler) or PlaceSampler(seed, constant_liar=shared)
        pruner = self.pruner or PercentilePruner(40.0, n_startup_trials=4, n_warmup_steps=STEPS_PER_FOLD // 3)
        name = self.study_name or f"{type(estimator).__name__}-{content_hash(identity)[:12]}"
        begin = time.monotonic()
        with quiet_optuna(), storage_of(self.storage, shared) as storage:
            study = optuna.create_study(
                study_name=name, storage=storage, direction="maximize", load_if_exists=True, pruner=pruner
            )
            check_identity(study, identity)
            bury_dead_trials(study)
            done, exhausted = len(finished_trials(study)), False
            if done:
                sampler.reseed_rng()  # or one with a seed of its own would suggest the same once more
            with progress_bar(
                total=self.n_trials, initial=min(done, self.n_trials), disable=not self.verbose,
                unit="trial", desc="search",
            ) as bar:  # fmt: skip

                def tasks():
                    for _ in range(self.n_trials - done):
                        in_time = self.timeout is None or time.monotonic() - begin < self.timeout
                        if in_time and not exhausted:
                            yield delayed(run_trial)(
                                storage, name, objective, sampler, pruner, self.n_trials, shared,
                                self.error_score == "raise",
                            )  # fmt: skip

                for outcome in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks()):
                    exhausted = exhausted or not outcome.more
                    if outcome.error:
                        warnings.warn(f"A trial failed: {outcome.error}", FitFailedWarning, stacklevel=3)
                    bar.set_postfix(progress_of(study), refresh=False)
                    bar.update()
            return study if self.storage is not None else in_memory(study)

    def _choose_best(self, trials, space):
        scores = self.cv_results_["mean_test_score"]
        complete = np.array([trial.state == TrialState.COMPLETE for trial in trials], dtype=bool)
        if not np.isfinite(scores[complete]).any():
            errors = [trial.user_attrs["error"] for trial in trials if "error" in trial.user_attrs]
            raise ValueError(
                f"No trial of {len(trials)} came to a score. "
                + (f"The first error: {errors[0]}" if errors else "Allow more trials or more time.")
            )
        self.best_index_ = int(np.nanargmax(np.where(complete, scores, np.nan)))
        self.best_score_ = float(scores[self.best_index_])
        self.best_params_ = parameters_of(trials[self.best_index_], space)


def seed_of(random_state):
    """Return a number that stands for a random state, which may be None or in use."""
    return (
        random_state if isinstance(random_state, int) else int(random_generator(random_state).randint(2**31))
    )


def read_rows(X):
    """Return X as a DataFrame or an array of numbers, of which rows can be taken."""
    mappings = isinstance(X, Mapping) or (isinstance(X, list) and X and isinstance(X[0], Mapping))
    if mappings and not issparse(X):  # one kind of sparse array is a dict
        return as_sequences(X)
    if isinstance(X, pd.DataFrame):
        return X
    return check_array(X, ensure_all_finite=False, allow_nd=True, input_name="X")


def read_labels(y):
    """Return y as something of which rows can be taken."""
    if isinstance(y, tuple):
        return list(y)
    return y if isinstance(y, (pd.DataFrame, pd.Series, list)) else np.asarray(y)
