"""A store of finished runs, so that a long benchmark can be killed and called again.

One run is one estimator fitted and asked for predictions in one fold: one file, written in one step. Its name
is a hash of all that the predictions depend on: the estimator with every parameter, the code of this package
behind it, package versions, the content of the data, the rows of the fold. What has changed is run anew.
"""

import ast
import hashlib
import importlib
import inspect
import pickle
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata

import numpy as np
import torch
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.parallel import Parallel, delayed

import avfusion as av
from avfusion._progress import progress_bar
from avfusion._sklearn_compat import _safe_indexing
from avfusion.model_selection.comparison._compare import group_parameters
from avfusion.model_selection.comparison._evaluation import out_of_fold
from avfusion.model_selection.comparison._folds import make_folds
from avfusion.model_selection.records._fingerprint import fingerprint
from avfusion.sequences._groups import read_groups
from benchmarks.report import write_in_one_step

PACKAGES = ("avfusion", "numpy", "pandas", "scikit-learn", "scipy", "torch", "skorch")


@dataclass(frozen=True)
class Run:
    """What one fit and prediction gave."""

    predictions: object
    fit_s: float
    predict_s: float


def compare(estimators, X, y, *, groups, cv, folder, n_jobs=2, **options):
    """Return what `avfusion.compare` does, from runs that are kept in `folder`.

    Parameters
    ----------
    estimators, X, y, groups, cv : as in `avfusion.compare`
        X and y have an index without duplicates.
    folder : Path
        Of the store; made if it does not exist.
    n_jobs : int
        Processes, with one thread of torch each.
    **options
        Further ones of `avfusion.compare`.

    Returns
    -------
    Comparison
    """
    group_of_row = read_groups(groups, X)
    folds = make_folds(cv, X, y, group_of_row)
    runs = finish(estimators, X, y, group_of_row, folds, folder, n_jobs)
    tests = [test for _, test in folds]
    recalled = {
        name: Recalled(out_of_fold(y, tests, [run.predictions for run in own])) for name, own in runs.items()
    }
    comparison = av.compare(recalled, X, y, groups=groups, cv=folds, verbose=False, **options)
    table, by_fold = comparison.table.copy(), comparison.folds.copy()
    for seconds in ("fit_s", "predict_s"):
        by_fold[seconds] = [getattr(run, seconds) for own in runs.values() for run in own]
        table[seconds] = by_fold.groupby("estimator", sort=False)[seconds].mean()
    described = {name: description(estimator) for name, estimator in estimators.items()}
    settings = {**comparison.settings, "estimators": described, "cv": description(cv)}
    return replace(comparison, table=table, folds=by_fold, settings=settings)


class Recalled(RegressorMixin, BaseEstimator):
    """Stands for an estimator whose out-of-fold predictions are known, by the index of X."""

    def __init__(self, predictions):
        self.predictions = predictions

    def fit(self, X, y):
        """Do nothing."""
        return self

    def predict(self, X):
        """Return what is known for these rows."""
        return self.predictions.loc[X.index]


def finish(estimators, X, y, groups, folds, folder, n_jobs):
    """Return the runs of each estimator by name, one for each fold; do those that are not in the store."""
    for what, index in (("X", X.index), ("y", y.index)):
        if not index.is_unique:
            raise ValueError(f"The index of {what} has duplicates; runs are recalled by it.")
    folder.mkdir(parents=True, exist_ok=True)
    data = fingerprint(X, X.index.to_numpy(), y, groups)  # runs are recalled by the index
    paths = {
        (name, fold): folder / f"{key(estimator, data, *split)}.pickle"
        for name, estimator in estimators.items()
        for fold, split in enumerate(folds)
    }
    missing = {path: place for place, path in paths.items() if not path.exists()}
    tasks = (
        delayed(run)(path, f"{name}, fold {fold}", estimators[name], X, y, groups, *folds[fold])
        for path, (name, fold) in missing.items()
    )
    with progress_bar(total=len(missing), disable=not missing, unit="fit", desc="runs") as bar:
        for _ in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks):
            bar.update()
    return {
        name: [pickle.loads(paths[name, fold].read_bytes()) for fold in range(len(folds))]
        for name in estimators
    }


def run(path, title, estimator, X, y, groups, train, test):
    """Fit, predict and keep the predictions."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        fitted = clone(estimator)
        parameters = group_parameters(fitted, None if groups is None else groups[train])
        begin = time.perf_counter()
        fitted.fit(_safe_indexing(X, train), _safe_indexing(y, train), **parameters)
        middle = time.perf_counter()
        predictions = fitted.predict(_safe_indexing(X, test))
        done = Run(predictions, middle - begin, time.perf_counter() - middle)
    except Exception as error:
        raise RuntimeError(f"{title} failed: {type(error).__name__}: {error}") from error
    finally:
        torch.set_num_threads(threads)
    write_in_one_step(path, lambda part: part.write_bytes(pickle.dumps(done)))


def key(estimator, data, train, test):
    """Return the name of a run: a hash of all that its predictions depend on."""
    versions = [f"{package} {metadata.version(package)}" for package in PACKAGES]
    facts = [description(estimator), code(estimator), platform.python_version(), versions, data]
    return _hash(*(repr(fact) for fact in facts), np.asarray(train).tolist(), np.asarray(test).tolist())


def description(value):
    """Tell an estimator with all its parameters, or a value, in what JSON can hold and every process alike.

    Raises
    ------
    ValueError
        If a parameter can only be told by its address in memory.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(name): description(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [description(item) for item in value]
    if hasattr(value, "get_params") and not isinstance(value, type):
        parameters = description(value.get_params(deep=False))
        return {"class": f"{type(value).__module__}.{type(value).__qualname__}", "parameters": parameters}
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if " at 0x" in repr(value):
        raise ValueError(f"{value!r} has no name that another process would give it, too.")
    return repr(value)


def code(estimator):
    """Return a hash of the modules of this package that an estimator uses, without their docstrings."""
    found = set()
    todo = _modules(estimator)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo |= _imported(name)
    return _hash(*(_text(name) for name in sorted(found)))


def _modules(value):
    """Return the modules of this package in which a value and its parameters are defined."""
    if isinstance(value, (list, tuple)):
        return set().union(*(_modules(item) for item in value))
    own = getattr(value, "__module__", None) or ""
    names = {own} if own.startswith("avfusion.") else set()
    if hasattr(value, "get_params") and not isinstance(value, type):
        names |= set().union(*(_modules(item) for item in value.get_params(deep=False).values()))
    return names


@cache
def _imported(name):
    """Return the modules of this package from which a module takes something, the defining ones."""
    names = set()
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("avfusion"):
            names |= {_defining(node.module, alias.name) for alias in node.names}
    return names


def _defining(module, name):
    """Return the module that defines what another one may only hand on."""
    taken = getattr(importlib.import_module(module), name)
    if inspect.ismodule(taken):
        return taken.__name__
    own = getattr(taken, "__module__", None)
    if own and own.startswith("avfusion."):
        return own
    for node in ast.walk(_tree(module)):  # data, which does not know where it is from
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
            return _defining(node.module, name)
    return module


@cache
def _text(name):
    return ast.dump(_tree(name))


@cache
def _tree(name):
    tree = ast.parse(inspect.getsource(importlib.import_module(name)))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            node.body = node.body[1:]
    return tree


def _hash(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:40]
