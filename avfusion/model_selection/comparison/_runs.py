"""The fits of a comparison: every estimator, with every seed, in every fold; kept in a folder if asked."""

import pickle
import time
import traceback
import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import sklearn
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from avfusion._kept_fits._store import Fit, FitStore, read_fit, write_fit
from avfusion._parallel import Ended, each_result, one_torch_thread
from avfusion._progress import progress_bar
from avfusion._sklearn_compat import _safe_indexing
from avfusion._tracking import untracked
from avfusion.estimators._routing import weight_parameters
from avfusion.metrics._regression import paired_targets
from avfusion.model_selection._cluster import SentOnce, on_cluster
from avfusion.sequences._groups import combined
from avfusion.sequences._targets import Targets, as_targets


@dataclass(frozen=True)
class Samples:
    """Samples and labels as the estimators get them, with their groups and folds.

    Parameters
    ----------
    X, y : DataFrame, Series, list or array
        Of which rows can be taken.
    targets : Targets
        The labels, read.
    groups : ndarray of shape (n_rows,) or None
        Group of each row.
    folds : list of (train, test)
        Row positions.
    weights : ndarray, Series or list, optional
        How much rows or labels count; `targets` have them, too.
    group_columns : DataFrame, optional
        A column for each kind of groups; `groups` are their combinations.

    Examples
    --------
    >>> folds = [(np.array([1, 2]), np.array([0]))]
    >>> Samples([[1.0], [2.0], [3.0]], [1, 2, 3], as_targets([1, 2, 3]), None, folds).tested
    array([0])
    """

    X: object
    y: object
    targets: Targets
    groups: np.ndarray | None
    folds: list
    weights: object = None
    group_columns: pd.DataFrame | None = None

    @property
    def tests(self):
        """Rows that each fold tests."""
        return [test for _, test in self.folds]

    @property
    def tested(self):
        """All rows that folds test, in their order."""
        return np.sort(np.concatenate(self.tests))

    def split(self, fold):
        """Return what a fit in a fold needs beside the samples."""
        train, test = self.folds[fold]
        return Split(train, test, self.groups, self.weights, self.targets.take(test), self.group_columns)

    def held_out(self, fold):
        """Name what a fold tests, for tables and messages."""
        test = self.folds[fold][1]
        if self.groups is None:
            return f"{len(test)} rows"
        names = [str(group) for group in pd.unique(self.groups[test])]
        return ", ".join(names) if len(names) <= 3 else f"{len(names)} groups"


class Split(NamedTuple):
    """Rows of one fold, groups and weights of all rows, and labels of those that are tested."""

    train: np.ndarray
    test: np.ndarray
    groups: np.ndarray | None
    weights: object
    labels: Targets
    group_columns: pd.DataFrame | None = None


class Task(NamedTuple):
    """One fit: which estimator, which of its seeds, which fold."""

    name: str
    seed: int
    fold: int


def run_all(plan, samples, *, folder=None, n_jobs=None, verbose=False, error_score=np.nan):
    """Fit and predict every estimator, with every seed, in every fold.

    Parameters
    ----------
    plan : dict of str to list of estimator
        Not fitted, one for each seed.
    samples : Samples
    folder : str, Path or None
        Where finished fits are kept, and looked for.
    n_jobs, verbose, error_score : as in `compare`

    Returns
    -------
    dict of Task to Fit
        Predictions are None where a fit failed.

    Raises
    ------
    RuntimeError
        If all fail, or any does with ``error_score="raise"``.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> folds = [(np.array([1, 2]), np.array([0]))]
    >>> samples = Samples([[1.0], [2.0], [3.0]], [1, 2, 3], as_targets([1, 2, 3]), None, folds)
    >>> run_all({"mean": [DummyRegressor()]}, samples)["mean", 0, 0].predictions.values
    array([[2.5]])
    """
    estimators = {
        Task(name, seed, fold): estimator
        for name, seeds in plan.items()
        for seed, estimator in enumerate(seeds)
        for fold in range(len(samples.folds))
    }
    paths = _paths(estimators, samples, folder)
    done = {task: fit for task, path in paths.items() if (fit := _kept(path, task, samples)) is not None}
    failures, shared = [], SentOnce(samples)
    with (
        progress_bar(
            total=len(estimators), initial=len(done), disable=not verbose, unit="fit", desc="compare"
        ) as bar,
        on_cluster(),
    ):
        missing = [task for task in estimators if task not in done]

        def tasks():
            for task in missing:
                bar.set_postfix_str(_title(task, plan, samples))
                where = _where(task, plan, samples)
                yield _fit_predict, (task, where, estimators[task], shared, paths.get(task)), {}

        for number, outcome in each_result(tasks(), n_jobs):
            task = missing[number]
            if isinstance(outcome, Ended):
                outcome = _failed(_where(task, plan, samples), outcome)
            fit, failure = done[task], _ = outcome
            _keep_here(paths.get(task), fit, _title(task, plan, samples))
            bar.update()
            if failure is not None:
                if error_score == "raise":
                    raise failure.as_error()
                failures.append(failure)
    if len(failures) == len(estimators):
        several = f"All {len(failures)} fits failed; the first: "
        raise failures[0].as_error(several if len(failures) > 1 else "")
    for failure in failures:
        warnings.warn(f"{failure.message.rstrip('.')}. Its scores are NaN.", FitFailedWarning, stacklevel=3)
    return done


def _paths(estimators, samples, folder):
    """Return the file of each fit; none without a folder."""
    if folder is None:
        return {}
    more = () if samples.weights is None else (samples.weights,)
    store = FitStore(folder, samples.X, samples.y, samples.groups, *more)
    return {task: store.path(estimator, *samples.folds[task.fold]) for task, estimator in estimators.items()}


def _kept(path, task, samples):
    """Return a finished fit, or None if there is none whose predictions can be scored."""
    labels = samples.split(task.fold).labels
    fit = read_fit(path, labels)
    with suppress(ValueError):
        return None if fit is None else fit._replace(predictions=_checked(fit.predictions, labels))


def _title(task, plan, samples):
    seeds = len(plan[task.name])
    of_seeds = f", seed {task.seed + 1} of {seeds}" if seeds > 1 else ""
    return f"{task.name}{of_seeds}, fold {task.fold + 1} of {len(samples.folds)}"


def _where(task, plan, samples):
    return f"{_title(task, plan, samples)} (held out: {samples.held_out(task.fold)})"


def _fit_predict(task, where, estimator, shared, path):
    """Fit and predict in one fold: its `Fit`, and a `Failure` or None."""
    (samples,) = shared.parts
    X, y, split = samples.X, samples.y, samples.split(task.fold)
    kept = None if path is None else _kept(path, task, samples)
    if kept is not None:  # by another process, or by one that was ended before it could answer
        return kept, None
    try:
        fitted = clone(estimator)
        X_train, y_train = _safe_indexing(X, split.train), _safe_indexing(y, split.train)
        own = split.groups if split.group_columns is None else split.group_columns
        parameters = fit_parameters(fitted, own, split.weights, split.train)
        start = time.perf_counter()
        with untracked(), one_torch_thread():
            fitted.fit(X_train, y_train, **parameters)
            middle = time.perf_counter()
            predicted = fitted.predict(_safe_indexing(X, split.test))
            stop = time.perf_counter()
        fit = Fit(_checked(predicted, split.labels), middle - start, stop - middle)
    except Exception as error:
        return _failed(where, error)
    if path is not None:
        with suppress(OSError):  # on a full disk, or another machine
            write_fit(path, fit)
    return fit, None


def _failed(where, error):
    """Return what a fit that failed has for a `Fit`, and its `Failure`."""
    message = f"{where} failed: {type(error).__name__}: {error}"
    trace = "".join(traceback.format_exception(error))
    return Fit(None, np.nan, np.nan), Failure(message, trace, _if_it_travels(error))


def _keep_here(path, fit, title):
    """Write a fit that the process which made it could not write; where that fails too, it is still good."""
    if path is None or fit.predictions is None or path.exists():
        return
    try:
        write_fit(path, fit)
    except OSError as error:
        warnings.warn(f"{title}: the fit was not kept ({error}); resume would repeat it.", stacklevel=3)


def _checked(predicted, labels):
    """Read predictions; raise if they do not match the labels."""
    predicted = as_targets(predicted, "y_pred")
    if all_labelled(labels):
        paired_targets(labels, predicted)
    elif np.isnan(predicted.values).any():
        raise ValueError("Some predictions are NaN.")
    return predicted


def all_labelled(targets):
    """Return whether every target has a label.

    Examples
    --------
    >>> all_labelled(as_targets([1.0, np.nan]))
    True
    """
    return bool((~np.isnan(targets.counted.values)).any(axis=0).all())


class Failure(NamedTuple):
    """The error of a fold, in a form that can be pickled."""

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


def fit_parameters(estimator, groups=None, sample_weight=None, rows=None):
    """Fit parameters that hand groups and weights of some rows to an estimator.

    Parameters
    ----------
    estimator : estimator
    groups : ndarray of shape (n_rows,), DataFrame of shape (n_rows, n_kinds) or None
        For one that needs them.
    sample_weight : ndarray, Series, list or None
        For one that takes them; any other is refused.
    rows : ndarray of int, optional
        By default all.

    Returns
    -------
    dict

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> fit_parameters(Ridge(), None, [1.0, 2.0, 3.0], np.array([0, 2]))
    {'sample_weight': [1.0, 3.0]}
    """
    if rows is not None:
        groups = None if groups is None else _safe_indexing(groups, rows)
        sample_weight = None if sample_weight is None else _safe_indexing(sample_weight, rows)
    return group_parameters(estimator, groups) | weight_parameters(estimator, sample_weight, "estimator")


def group_parameters(estimator, groups):
    """Fit parameters that hand groups to a search whose own cv needs them, or to whatever asks for them.

    Parameters
    ----------
    estimator : estimator
        A search, a Pipeline that ends in one, or anything else.
    groups : ndarray of shape (n_rows,), DataFrame of shape (n_rows, n_kinds) or None
        Group of each training row. Of several kinds, splitters that take no columns get the combinations.

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
    takes_columns = getattr(getattr(last, "cv", None), "takes_group_columns", False)
    if isinstance(groups, pd.DataFrame) and not (takes_columns and groups.shape[1] > 1):
        groups = combined(groups)
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
