"""Compare estimators on the same folds of the same data."""

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit
from sklearn.utils.validation import check_consistent_length

from avfusion._kept_fits._hashing import fingerprint
from avfusion._sklearn_compat import _safe_indexing
from avfusion._versions import package_versions
from avfusion.estimators._routing import weight_parameters
from avfusion.metrics._scores import resolve_scoring
from avfusion.model_selection.comparison._comparison import Comparison
from avfusion.model_selection.comparison._evaluation import Evaluation
from avfusion.model_selection.comparison._folds import check_no_copies, make_folds
from avfusion.model_selection.comparison._names import check_names
from avfusion.model_selection.comparison._novelty import hint_at_groups, novelty, share_left_out
from avfusion.model_selection.comparison._out_of_fold import out_of_fold
from avfusion.model_selection.comparison._runs import Samples, Task, all_labelled, run_all
from avfusion.model_selection.comparison._seeds import (
    read_n_seeds,
    seed_of,
    seeded,
    seeded_splitter,
    seeds_of,
)
from avfusion.model_selection.comparison._situation import judge
from avfusion.model_selection.comparison._situation_columns import check_situation, factors_of
from avfusion.model_selection.comparison._target_tables import long_table, mean_over_seeds
from avfusion.model_selection.records._provenance import described, not_repeatable, plain, rows_of
from avfusion.model_selection.splitters._crossed_group_k_fold import CrossedGroupKFold
from avfusion.model_selection.splitters._purged_time_k_fold import PurgedTimeKFold
from avfusion.sequences._groups import combined, read_group_columns
from avfusion.sequences._identity import index_of
from avfusion.sequences._label_markers import markers_told_once
from avfusion.sequences._messages import brief
from avfusion.sequences._rows import read_samples
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import weights_by_row, with_weights

_LEVEL = 0.95
_RESAMPLES = 2000


def compare(
    estimators,
    X,
    y,
    *,
    groups=None,
    sample_weight=None,
    cv=None,
    scoring=None,
    n_jobs=None,
    n_seeds=1,
    resume=None,
    error_score=np.nan,
    situation="auto",
    random_state=0,
    verbose=True,
) -> Comparison:
    """Cross-validate several estimators on the same folds.

    Each score is computed over all out-of-fold predictions together, with a bootstrap interval over groups,
    and per fold, per group and per target.

    Parameters
    ----------
    estimators : dict of str to estimator
        Anything with ``fit`` and ``predict``: Pipelines and searches included. They are cloned, never fitted.
        A search whose own cv needs groups gets those of its training rows.
    X : DataFrame, array, list or mapping
        The samples. A mapping of modality to sequences goes through `avfusion.as_sequences`.
    y : DataFrame, Series, list or array
        Labels per frame or per clip, in any form that `avfusion` takes. NaN is unlabelled.
    groups : str, sequence of str or array-like of shape (n_rows,) or (n_rows, n_kinds), optional
        What must not be split between training and test: name of a column of X, such as "subject", or values.
        Of several, such as ``("subject", "video")``, test rows share none with training rows, and intervals
        are over new persons and new videos alike. Equal values count as one thing: the first session of each
        person is nothing that persons share.
    sample_weight : str, array-like, Series, DataFrame or list, optional
        How much rows (numbers, or their column of X) or labels (in a form of y) count, for all estimators in
        training, and in every score. One that takes no weights is refused.
    cv : int, scikit-learn splitter, iterable of (train, test) or None
        With groups, None is leave-one-group-out up to 10 groups and 5 group folds beyond, and an int that
        many group folds; without groups, None is 5 folds in the order of the rows. With groups of several
        columns, None is `avfusion.model_selection.CrossedGroupKFold` of up to 4 parts of each, and an int
        that many parts. A row may be tested at most once; rows that are never tested have NaN predictions and
        no part in the scores.
    scoring : str, sequence of str, dict or None
        Names ("ccc", "pcc", "sagr", "rmse", "mae", the keys of `avfusion.metrics.scorers`, scikit-learn's),
        or a dict of name to metric or scorer. By default CCC, PCC, RMSE and MAE. "rmse_per_recording" and the
        like are means over recordings of each one's own score (labels per frame).
    n_jobs : int, optional
        Processes over estimators and folds, as in joblib.
    n_seeds : int or dict of str to int, default=1
        How many times an estimator is fitted in each fold, with other random numbers: the table has means
        over seeds and their standard deviation. A dict names the number for some estimators, the others have
        1. In run i, from 0, each of its parameters ``random_state``, those of nested estimators too, is i
        more than it was; RandomState instances stay. What has no such parameter, or does not use it, is
        fitted once.
    resume : str or Path, optional
        Folder in which each finished fit is kept, so that a comparison that was killed goes on where it was
        when it is called again. Fits are known by data, fold, estimator with all parameters, seed and
        versions of packages: comparisons of several kinds may share a folder, and several processes too. A
        change in code of your own is not noticed: take another folder then. With ``random_state=None`` seeds
        differ from call to call, so that no fit with a seed is found again.
    error_score : "raise" or nan, default=nan
        How to handle a failing fit. By default: warn, and set that fold's score and predictions and the
        estimator's pooled scores to NaN, since those of the other rows would not be comparable. The fits that
        were done are not lost.
    situation : "auto", None or dict, default="auto"
        Columns of X that say which stimulus and which person a row is of, as in ``{"stimulus": "video",
        "person": "subject"}``; a list of columns is all of them together, None is none. Roles that are not
        named, and all with "auto", are found by the names of columns (video, clip, story...; subject,
        speaker...; else the groups are people). What these alone predict stands beneath the table
        (`Comparison.situation`). With None nothing does.
    random_state : int, RandomState instance or None, default=0
        Seed of the bootstrap, and of every ``random_state`` that is None of estimators, of what is nested in
        them (members, candidates of a search, its splitter) and of `cv`, so that the same call gives the same
        table. What has a number keeps it. Networks are fitted with one thread each, so that bits do not
        depend on `n_jobs`.
    verbose : bool
        Whether to show progress.

    Returns
    -------
    Comparison
        Tables, out-of-fold predictions, ``plot()``, ``to_markdown()`` and ``save(folder)``.

    Raises
    ------
    TypeError
        If `estimators` is not a dict of estimators, or the content of something in X or y cannot be read.
    ValueError
        If lengths differ, nothing is labelled, `groups`, `cv`, `n_seeds`, `situation` or weights do not fit,
        an estimator takes no weights, or the same recording is in two groups.
    RuntimeError
        If every estimator fails in every fold, or any does with ``error_score="raise"``: the message names
        estimator and fold, and the cause is chained.

    Warns
    -----
    FitFailedWarning
        For each fold in which an estimator fails.
    UserWarning
        If rows of one subject, recording, session, video or the like, by the names and values of columns of
        X, are trained on and tested in the same fold, and no groups were given.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> models = {"mean": DummyRegressor(), "ridge": Ridge()}
    >>> result = compare(models, X, X[:, 0], scoring="ccc", verbose=False)
    >>> result.table["ccc"].round(2).to_dict()
    {'mean': -0.01, 'ridge': 1.0}
    """
    _check_estimators(estimators)
    if not (error_score == "raise" or (isinstance(error_score, float) and np.isnan(error_score))):
        raise ValueError(f"error_score must be 'raise' or nan, not {error_score!r}.")
    seed = seed_of(random_state)
    cv = seeded_splitter(cv, seed)
    samples = _read_samples(X, y, groups, cv, sample_weight)
    for name, estimator in estimators.items():
        weight_parameters(estimator, samples.weights, f"estimators[{name!r}]")
    check_situation(situation, samples.X)
    name, weight = (own if isinstance(own, str) else None for own in (groups, sample_weight))
    factors = factors_of(situation, samples.X, samples.groups, name, leave_out=weight)
    scores = resolve_scoring(scoring)
    _check_scores(scores, samples)
    n_seeds = read_n_seeds(n_seeds, estimators)
    plan = {name: seeded(estimator, n_seeds[name], seed) for name, estimator in estimators.items()}
    # all that may fail comes before the fits
    n_fits = {name: len(own) for name, own in plan.items()}
    check_names(n_fits, scores, samples.targets.form.target_names)
    settings = _settings(estimators, plan, samples, cv, seed)
    settings["situation"] = {factor.name: factor.role for factor in factors}
    recipe = {"scoring": scoring, "n_seeds": n_seeds, "error_score": error_score, "situation": situation}
    recipe |= _recipe(estimators, samples, settings)
    with markers_told_once(samples.targets.counted):
        fits = run_all(plan, samples, folder=resume, n_jobs=n_jobs, verbose=verbose, error_score=error_score)
    return _judged(plan, samples, scores, fits, settings, recipe, factors)


def _check_estimators(estimators):
    if not isinstance(estimators, Mapping) or not estimators:
        raise TypeError(
            f"estimators must be a dict of name to estimator, with at least one, not {brief(estimators)}."
        )
    for name, estimator in estimators.items():
        lacking = [method for method in ("fit", "predict", "get_params") if not hasattr(estimator, method)]
        if isinstance(estimator, type) or lacking:
            hint = "an instance, not the class" if isinstance(estimator, type) else f"one with {lacking[0]}()"
            raise TypeError(
                f"estimators[{name!r}] is {brief(estimator)}, but must be a scikit-learn estimator: {hint}."
            )


def _read_samples(X, y, groups, cv, sample_weight):
    """Read what is compared on, and split it; refuse what cannot be scored."""
    X, y = read_samples(X, y)
    weights = weights_by_row(sample_weight, X)
    targets = with_weights(as_targets(y), weights, index_of(X))
    if np.isnan(targets.values).all():
        raise ValueError("y has no label at all: every value is NaN or missing.")
    check_consistent_length(X, y)
    if groups is None and isinstance(cv, CrossedGroupKFold):
        groups = cv.groups  # intervals, too, are over what it splits by
    columns = read_group_columns(groups, X)
    if columns is not None and isinstance(X, pd.DataFrame):
        check_no_copies(X, columns)
    folds = make_folds(cv, X, y, columns)
    group_of_row = None if columns is None else combined(columns)
    samples = Samples(X, y, targets, group_of_row, folds, weights, columns)
    if not all_labelled(targets.take(samples.tested)):
        raise ValueError("The rows that cv tests have no label for some target: nothing to score there.")
    if columns is None and not isinstance(cv, (PurgedTimeKFold, TimeSeriesSplit)):
        hint_at_groups(X, folds, stacklevel=3)
    return samples


def _check_scores(scores, samples):
    """Refuse scorers that cannot score such labels, before any fit: labels stand for predictions."""
    y = _safe_indexing(samples.y, samples.tested)
    weights = None if samples.weights is None else _safe_indexing(samples.weights, samples.tested)
    for name, score in scores.items():
        if score.per_recording and samples.targets.lengths is None:
            raise ValueError(f"The score {name!r} needs labels per frame, but y has one label per row.")
        if score.metric is not None:  # takes all labels
            continue
        try:
            score(y, y, weights)
        except Exception as error:
            what = "labels" if weights is None else "labels with weights"
            raise ValueError(
                f"The score {name!r} cannot take these {what} ({type(error).__name__}: {error}). "
                "scikit-learn's scores take numbers, none missing; avfusion's take all kinds of label."
            ) from error


def _judged(plan, samples, scores, fits, settings, recipe, factors):
    """Put the fits together and score them."""
    runs = [(name, seed) for name in plan for seed in range(len(plan[name]))]
    parts = {run: [fits[Task(*run, fold)] for fold in range(len(samples.folds))] for run in runs}
    predictions = {name: [] for name in plan}
    for run, own in parts.items():
        given = [fit.predictions for fit in own]
        predictions[run[0]].append(out_of_fold(samples.targets, samples.tests, given))
    failed = {
        run: np.concatenate([test for test, fit in zip(samples.tests, own) if fit.predictions is None])
        for run, own in parts.items()
        if any(fit.predictions is None for fit in own)
    }
    evaluation = Evaluation(
        samples.y,
        predictions,
        scores,
        samples.groups,
        samples.tested,
        failed,
        samples.weights,
        samples.group_columns,
    )
    (folds, target_folds), (groups, target_groups) = (
        _fold_tables(evaluation, samples, parts),
        evaluation.by_group(),
    )
    bootstrap = {key: settings[key] for key in ("n_resamples", "level", "random_state")}
    fold_of_row = np.full(samples.targets.n_rows, -1)
    for fold, test in enumerate(samples.tests):
        fold_of_row[test] = fold
    # one seed for all: every estimator and score is resampled with the same groups
    by_seed, targets = evaluation.by_seed(folds, groups, target_folds, target_groups, **bootstrap)
    table = mean_over_seeds(by_seed, scores)
    return Comparison(
        table=table,
        folds=folds,
        groups=groups,
        targets=targets,
        predictions={name: own[0] for name, own in predictions.items()},
        y=samples.y,
        sample_weight=samples.weights,
        fold_of_row=fold_of_row,
        group_of_row=samples.groups,
        group_columns=samples.group_columns,
        novelty=pd.DataFrame(settings["novelty"], columns=["column", "kind", "share_new"]),
        scores=tuple(scores),
        settings=settings,
        recipe=recipe,
        seeds=by_seed,
        seed_predictions=predictions,
        target_folds=target_folds,
        target_groups=target_groups,
        target_names=evaluation.target_names,
        situation=judge(samples, evaluation, factors, table, targets, bootstrap),
    )


def _fold_tables(evaluation, samples, parts):
    """Return scores, seconds and sizes of every fold, and scores of each target."""
    lines, of_targets = [], []
    for run, own in parts.items():
        for fold, (train, test) in enumerate(samples.folds):
            mean, by_target = evaluation.scored(run[0], test, run[1])
            label = evaluation.label_of(*run) | {"fold": fold}
            sizes = {"held_out": samples.held_out(fold), "n_train": len(train), "n_test": len(test)}
            seconds = {"fit_s": own[fold].fit_s, "predict_s": own[fold].predict_s}
            lines.append(label | sizes | mean | seconds)
            of_targets.append((label, by_target))
    return pd.DataFrame(lines), long_table(of_targets, evaluation.target_names)


def _group_numbers(samples):
    """Return how many groups were tested, that is, have a label in a tested row, of how many."""
    if samples.groups is None:
        return {"n_groups": None}
    rows = samples.tested[samples.targets.counted.labelled[samples.tested].any(axis=1)]
    return {
        "n_groups": len(pd.unique(samples.groups[rows])),
        "n_groups_given": len(pd.unique(samples.groups)),
        "n_groups_of": {str(k): int(v.iloc[rows].nunique()) for k, v in samples.group_columns.items()},
    }


def _recipe(estimators, samples, settings):
    """Return what `rerun` needs beside the arguments that it takes as they were."""
    return {
        "estimators": {name: clone(estimator) for name, estimator in estimators.items()},
        "folds": samples.folds,
        "groups": samples.group_columns,
        "sample_weight": samples.weights,
        **{key: settings[key] for key in ("random_state", "cv", "data", "versions")},
    }


def _settings(estimators, plan, samples, cv, seed):
    found = novelty(samples.X, samples.folds, samples.group_columns)
    weights = {} if samples.weights is None else {"sample_weight": fingerprint(samples.weights)}
    return {
        "estimators": {str(name): described(estimator) for name, estimator in estimators.items()},
        "seeds": {str(name): seeds_of(own) for name, own in plan.items()},
        "cv": plain(cv),
        "n_folds": len(samples.folds),
        **_group_numbers(samples),
        "novelty": json.loads(found.to_json(orient="records")),
        "share_left_out": share_left_out(samples.folds, samples.targets.n_rows),
        "n_resamples": _RESAMPLES,
        "level": _LEVEL,
        "random_state": seed,
        "fold_rows": rows_of(samples.folds),
        "versions": package_versions(),
        "not_repeatable": {
            str(name): reasons
            for name, estimator in estimators.items()
            if (reasons := not_repeatable(estimator))
        },
        "data": fingerprint(samples.X, samples.y),
        **weights,
    }
