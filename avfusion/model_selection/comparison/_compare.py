"""Compare estimators on the same folds of the same data."""

import pickle
import time
import traceback
import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import sklearn
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_consistent_length

from avfusion._progress import progress_bar
from avfusion._sklearn_compat import _safe_indexing
from avfusion.metrics._regression import paired_targets
from avfusion.model_selection.comparison._comparison import Comparison
from avfusion.model_selection.comparison._evaluation import Evaluation, out_of_fold
from avfusion.model_selection.comparison._folds import check_no_copies, make_folds
from avfusion.model_selection.comparison._scores import resolve_scoring
from avfusion.model_selection.records._fingerprint import fingerprint
from avfusion.model_selection.records._provenance import described, package_versions, plain, rows_of
from avfusion.model_selection.records._repeatable import not_repeatable
from avfusion.sequences._convert import as_sequences
from avfusion.sequences._groups import read_groups
from avfusion.sequences._targets import as_targets

_LEVEL = 0.95
_RESAMPLES = 2000


def compare(
    estimators,
    X,
    y,
    *,
    groups=None,
    cv=None,
    scoring=None,
    n_jobs=None,
    error_score=np.nan,
    random_state=0,
    verbose=True,
):
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
    groups : str or array-like of shape (n_rows,), optional
        What must not be split between training and test: name of a column of X, such as "subject", or values.
    cv : int, scikit-learn splitter, iterable of (train, test) or None
        With groups, None is leave-one-group-out up to 10 groups and 5 group folds beyond, and an int that
        many group folds; without groups, None is 5 folds in the order of the rows. A row may be tested at
        most once; rows that are never tested have NaN predictions and no part in the scores.
    scoring : str, sequence of str, dict or None
        Names ("ccc", "pcc", "sagr", "rmse", "mae", the keys of `avfusion.metrics.scorers`, scikit-learn's),
        or a dict of name to metric or scorer. By default CCC, PCC, RMSE and MAE.
    n_jobs : int, optional
        Processes over estimators and folds, as in joblib.
    error_score : "raise" or nan, default=nan
        What becomes of a fold in which an estimator fails. By default a warning that names it, NaN for its
        score and its predictions, and NaN for the pooled scores of that estimator: those of the other rows
        would not be comparable. The fits that were done are not lost.
    random_state : int, RandomState instance or None
        Seed of the bootstrap. Estimators have their own.
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
        If lengths differ, nothing is labelled, `groups` or `cv` do not fit the rows, or the same recording is
        in two groups.
    RuntimeError
        If every estimator fails in every fold, or any does with ``error_score="raise"``: the message names
        estimator and fold, and the cause is chained.

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
    if isinstance(X, Mapping) and not issparse(X):  # one kind of sparse matrix is a dict
        X = as_sequences(X)
    y = list(y) if isinstance(y, tuple) else y
    targets = as_targets(y)
    if np.isnan(targets.values).all():
        raise ValueError("y has no label at all: every value is NaN or missing.")
    check_consistent_length(X, y)
    group_of_row = read_groups(groups, X)
    if group_of_row is not None and isinstance(X, pd.DataFrame):
        check_no_copies(X, group_of_row)
    scores = resolve_scoring(scoring)
    folds = make_folds(cv, X, y, group_of_row)
    tests = [test for _, test in folds]
    tested = np.sort(np.concatenate(tests))
    if not _all_labelled(_safe_indexing(y, tested)):
        raise ValueError("The rows that cv tests have no label for some target: nothing to score there.")
    _check_scores(scores, _safe_indexing(y, tested))
    data = fingerprint(X, y)  # before the runs: it refuses what cannot be read
    runs = _run(estimators, X, y, group_of_row, folds, n_jobs, verbose, error_score)
    parts = {name: [runs[name, fold] for fold in range(len(folds))] for name in estimators}
    predictions = {name: out_of_fold(y, tests, [part[0] for part in own]) for name, own in parts.items()}
    failed = {
        name: np.concatenate([test for test, part in zip(tests, own) if part[0] is None] or [tests[0][:0]])
        for name, own in parts.items()
    }
    evaluation = Evaluation(y, predictions, scores, group_of_row, tested, failed)
    fold_table = pd.DataFrame(
        {"estimator": name, "fold": fold, "held_out": _held_out(test, group_of_row)}
        | {"n_train": len(train), "n_test": len(test)}
        | evaluation.of_rows(name, test)
        | {"fit_s": parts[name][fold][1], "predict_s": parts[name][fold][2]}
        for name in estimators
        for fold, (train, test) in enumerate(folds)
    )
    group_table = evaluation.by_group()
    # one seed for all: every estimator and score is resampled with the same groups
    seed = random_state if isinstance(random_state, int) else check_random_state(random_state).randint(2**31)
    bootstrap = {"n_resamples": _RESAMPLES, "level": _LEVEL, "random_state": int(seed)}
    fold_of_row = np.full(targets.n_rows, -1)
    for fold, test in enumerate(tests):
        fold_of_row[test] = fold
    settings = _settings(estimators, cv, folds, group_of_row, bootstrap) | {"data": data}
    recipe = {
        "estimators": {name: clone(estimator) for name, estimator in estimators.items()},
        "folds": folds,
        "groups": group_of_row,
        "scoring": scoring,
        "error_score": error_score,
        **{key: settings[key] for key in ("random_state", "cv", "data", "versions")},
    }
    return Comparison(
        table=evaluation.table(fold_table, group_table, **bootstrap),
        folds=fold_table,
        groups=group_table,
        targets=evaluation.by_target(),
        predictions=predictions,
        y=y,
        fold_of_row=fold_of_row,
        group_of_row=group_of_row,
        scores=tuple(scores),
        settings=settings,
        recipe=recipe,
    )


def _check_estimators(estimators):
    if not isinstance(estimators, Mapping) or not estimators:
        raise TypeError(
            f"estimators must be a dict of name to estimator with at least one entry, not {estimators!r}."
        )
    for name, estimator in estimators.items():
        lacking = [method for method in ("fit", "predict", "get_params") if not hasattr(estimator, method)]
        if isinstance(estimator, type) or lacking:
            hint = "an instance, not the class" if isinstance(estimator, type) else f"one with {lacking[0]}()"
            raise TypeError(
                f"estimators[{name!r}] is {estimator!r}; expected a scikit-learn estimator: {hint}."
            )


def _check_scores(scores, y):
    """Refuse scores that such labels cannot have, before anything is fitted: labels stand for predictions."""
    for name, score in scores.items():
        try:
            score(y, y)
        except Exception as error:
            raise ValueError(
                f"scoring {name!r} cannot score these labels ({type(error).__name__}: {error}). "
                "scikit-learn's scores take numbers, none missing; avfusion's take all kinds of label."
            ) from error


def _run(estimators, X, y, groups, folds, n_jobs, verbose, error_score):
    """Fit and predict every estimator in every fold: {(name, fold): (predictions, fit_s, predict_s)}.

    Predictions are None where a fit failed.
    """
    runs, failures = {}, []
    total = len(estimators) * len(folds)
    with progress_bar(total=total, disable=not verbose, unit="fit", desc="compare") as bar:

        def tasks():
            for name, estimator in estimators.items():
                for fold, split in enumerate(folds):
                    title = f"{name}, fold {fold + 1} of {len(folds)}"
                    bar.set_postfix_str(title)
                    yield delayed(_fit_predict)((name, fold), title, estimator, X, y, groups, *split)

        parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
        for key, *outcome, failure in parallel(tasks()):
            runs[key] = outcome
            bar.update()
            if failure is not None:
                if error_score == "raise":
                    raise failure.as_error()
                failures.append(failure)
    if len(failures) == total:
        raise failures[0].as_error("" if total == 1 else f"All {total} fits failed; the first: ")
    for failure in failures:
        warnings.warn(f"{failure.message}. Its scores are NaN.", FitFailedWarning, stacklevel=3)
    return runs


def _fit_predict(key, title, estimator, X, y, groups, train, test):
    try:
        fitted = clone(estimator)
        X_train, y_train = _safe_indexing(X, train), _safe_indexing(y, train)
        parameters = group_parameters(fitted, None if groups is None else groups[train])
        start = time.perf_counter()
        fitted.fit(X_train, y_train, **parameters)
        middle = time.perf_counter()
        predicted = fitted.predict(_safe_indexing(X, test))
        stop = time.perf_counter()
        y_test = _safe_indexing(y, test)
        if _all_labelled(y_test):
            paired_targets(y_test, predicted)
        elif np.isnan(as_targets(predicted).values).any():
            raise ValueError("some predictions are NaN")
    except Exception as error:
        message = f"{title} (held out: {_held_out(test, groups)}) failed: {type(error).__name__}: {error}"
        return key, None, np.nan, np.nan, Failure(message, traceback.format_exc(), _if_it_travels(error))
    return key, predicted, middle - start, stop - middle, None


class Failure(NamedTuple):
    """What went wrong in a fold, in a form that travels between processes."""

    message: str
    traceback: str
    cause: Exception | None

    def as_error(self, prefix=""):
        """Return the error to raise."""
        error = RuntimeError(prefix + self.message)
        error.__cause__ = self.cause
        error.add_note(self.traceback)
        return error


def _if_it_travels(error):
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever a foreign error makes of being pickled
        return None
    return error


def group_parameters(estimator, groups):
    """Fit parameters that hand groups to a search whose own cv needs them, or to whatever asks for them.

    Parameters
    ----------
    estimator : estimator
        A search, a Pipeline that ends in one, or anything else.
    groups : ndarray of shape (n_rows,) or None
        Group of each training row.

    Returns
    -------
    dict
        Empty if the estimator is no search, or its cv takes no groups. With metadata routing on: empty if
        nothing in the estimator asks for groups.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GridSearchCV, GroupKFold
    >>> search = GridSearchCV(Ridge(), {"alpha": [1, 10]}, cv=GroupKFold(2))
    >>> group_parameters(search, np.array([0, 0, 1, 1]))
    {'groups': array([0, 0, 1, 1])}
    >>> group_parameters(Ridge(), np.array([0, 0, 1, 1]))
    {}
    """
    if groups is None:
        return {}
    name, last = estimator.steps[-1] if isinstance(estimator, Pipeline) else ("", estimator)
    if sklearn.get_config()["enable_metadata_routing"]:
        asks = get_routing_for_object(estimator).consumes("fit", ["groups"])
        return {"groups": groups} if asks else {}
    if name:
        return {f"{name}__{key}": value for key, value in group_parameters(last, groups).items()}
    if not {"cv", "refit"} <= set(estimator.get_params(deep=False)):
        return {}
    if getattr(estimator, "splits_by_groups", False):
        return {"groups": groups}
    routing = getattr(check_cv(estimator.cv), "get_metadata_routing", None)
    wants = routing is not None and routing().consumes("split", ["groups"])
    return {"groups": groups} if wants else {}


def _all_labelled(y):
    """Tell whether every target has a label."""
    return bool((~np.isnan(as_targets(y).values)).any(axis=0).all())


def _held_out(test, groups):
    if groups is None:
        return f"{len(test)} rows"
    names = [str(group) for group in pd.unique(groups[test])]
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} groups"


def _settings(estimators, cv, folds, groups, bootstrap):
    return {
        "estimators": {str(name): described(estimator) for name, estimator in estimators.items()},
        "cv": plain(cv),
        "n_folds": len(folds),
        "n_groups": None if groups is None else len(pd.unique(groups)),
        **bootstrap,
        "fold_rows": rows_of(folds),
        "versions": package_versions(),
        "not_repeatable": {
            str(name): reasons
            for name, estimator in estimators.items()
            if (reasons := not_repeatable(estimator))
        },
    }
