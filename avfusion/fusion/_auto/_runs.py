"""Fits of candidates in folds and on all rows: in processes, within a budget, kept in a folder if asked."""

import time
import warnings
from dataclasses import dataclass, replace

import numpy as np
from sklearn import config_context
from sklearn.base import clone

from avfusion._parallel import all_results
from avfusion._progress import progress_bar
from avfusion._sklearn_compat import _check_method_params
from avfusion._tracking import untracked
from avfusion.estimators._late_fusion_members import (
    check_members_fit,
    labels_of,
    predict_present,
    present_rows,
    view_of,
)
from avfusion.estimators._routing import weight_parameters
from avfusion.fusion._auto._candidates import Candidate
from avfusion.sequences._weights import weights_of

__all__ = ["Tried", "fit_chosen", "fit_on", "try_candidates"]

LAST_FIT = 1.25  # what the fit on all rows takes, in fits of a fold
AT_LEAST_S = 1.0  # of which a budget that is left is worth a try
_ABOUT_SIZE = ("n_components > n_samples", "n_quantiles", "Singular matrix", "One of the")


@dataclass(frozen=True, eq=False)
class Tried:
    """A candidate and what came of it.

    Parameters
    ----------
    candidate : Candidate
    predictions : list of (str, ndarray, Targets or None), or None
        Of the rows that each fold holds out; None where there are none.
    fit_s : float
        Seconds that fits and predictions took, all folds together.
    note : str
        Why there are none.
    error : Exception, optional
        That it failed with.

    Examples
    --------
    >>> Tried(Candidate("trees", None, ["audio"]), None, note="left out: budget_s").done
    False
    """

    candidate: Candidate
    predictions: list | None
    fit_s: float = 0.0
    note: str = ""
    error: Exception | None = None

    @property
    def done(self):
        """Whether there are predictions."""
        return self.predictions is not None


def try_candidates(
    data, candidates, folds, params, *, budget_s=None, n_jobs=None, kept=None, verbose=False, begun=None
):
    """Fit every candidate in every fold, and predict the rows held out.

    Parameters
    ----------
    data : Recordings
        With labels.
    candidates : list of Candidate
        From cheap to expensive.
    folds : list of (train, test)
    params : callable
        From the name of a candidate to metadata for its ``fit``.
    budget_s : float, optional
        Seconds for all of it, the fits on all rows that follow among them. The first candidate has no limit.
    n_jobs : int, optional
    kept : KeptFits, optional
        Finished fits.
    verbose : bool
    begun : float, optional
        When the budget began, by `time.perf_counter`.

    Returns
    -------
    list of Tried
        One for each candidate.

    Raises
    ------
    Exception
        Of a candidate that was given. One of those by default that fails is left out, unless all fail.
    """
    begun = time.perf_counter() if begun is None else begun
    tried = {}
    for candidate in progress_bar(candidates, disable=not verbose, unit="candidate", desc="auto fusion"):
        if candidate.mean_of:
            tried[candidate.name] = _mean_of(candidate, tried)
            continue
        reserved = sum(one.fit_s / len(folds) * LAST_FIT for one in tried.values() if one.done)
        left_s = np.inf
        if budget_s is not None and any(one.done for one in tried.values()):
            left_s = budget_s - (time.perf_counter() - begun) - reserved
        slowest = max((one.fit_s for one in tried.values() if one.done), default=0.0)
        if left_s < max(AT_LEAST_S, slowest) and not candidate.given or left_s <= 0:
            tried[candidate.name] = Tried(candidate, None, note="left out: budget_s")
            continue
        tried[candidate.name] = _tried(data, candidate, folds, params(candidate.name), left_s, n_jobs, kept)
    if not any(one.done for one in tried.values()):
        raise next(one.error for one in tried.values() if one.error is not None)
    return list(tried.values())


def _tried(data, candidate, folds, params, left_s, n_jobs, kept):
    """Try one candidate, with an eye on the time that is left."""
    try:
        check_members_fit(data, [(candidate.name, candidate.estimator, candidate.streams)], folds)
        jobs = [
            (_fit_predict, (data, candidate, fold, params, kept and kept.path(candidate, fold)), {})
            for fold in folds
        ]
        # one fold first tells what all take
        start = time.perf_counter()
        first = all_results(jobs[:1], n_jobs) if np.isfinite(left_s) else []
        needed_s = (time.perf_counter() - start) * (len(folds) - 1 + LAST_FIT)
        if needed_s > left_s:
            return Tried(candidate, None, needed_s, note="left out: budget_s")
        results = first + all_results(jobs[len(first) :], n_jobs)
    except Exception as error:
        if candidate.given or isinstance(error, (MemoryError, KeyboardInterrupt)):
            raise
        return Tried(candidate, None, note=f"failed: {error}", error=error)
    predictions, seconds = zip(*results)
    return Tried(candidate, list(predictions), sum(seconds))


def _mean_of(candidate, tried):
    """Return a mean of others, if two of these are there; it takes no time."""
    members = [name for name in candidate.mean_of if tried[name].done]
    if len(members) < 2:
        return Tried(candidate, None, note="left out: too few of its members")
    return Tried(replace(candidate, mean_of=tuple(members)), [])


def _fit_predict(data, candidate, fold, params, path):
    """Fit on one side of a fold, predict the other; return predictions and seconds."""
    train, test = fold
    test = test[data.targets.counted.labelled.any(axis=1)[test]]
    found = None if path is None else path.read(data, candidate, test)
    if found is not None:
        return found
    start = time.perf_counter()
    fitted = fit_on(data, candidate, train, params)
    predictions = predict_present(data, candidate.name, fitted, candidate.streams, among=test)
    seconds = time.perf_counter() - start
    if path is not None:
        path.write(predictions, seconds)
    return predictions, seconds


def fit_on(data, candidate, rows, params):
    """Fit a candidate on those of some rows that have one of its streams.

    Parameters
    ----------
    data : Recordings
        With labels.
    candidate : Candidate
    rows : ndarray of int
    params : dict
        Metadata of all rows for its ``fit``.

    Returns
    -------
    estimator
        Fitted.
    """
    rows = rows[present_rows(data, candidate.streams)[rows]]
    view, labels = view_of(data, candidate.streams, rows), labels_of(data, rows)
    params = _check_method_params(data.frame, params, indices=rows)
    with untracked(), warnings.catch_warnings():
        if candidate.given:
            params |= weight_parameters(candidate.estimator, weights_of(data.targets, rows), candidate.name)
            return clone(candidate.estimator).fit(view, labels, **params)
        for text in _ABOUT_SIZE:  # of a fold, which nobody chose
            warnings.filterwarnings("ignore", message=text)
        with config_context(enable_metadata_routing=False):
            params |= weight_parameters(candidate.estimator, weights_of(data.targets, rows), candidate.name)
            return clone(candidate.estimator).fit(view, labels, **params)


def fit_chosen(data, tried, weights, params, n_jobs=None):
    """Fit on all rows the candidates that have a weight, and the first of all streams, for rows without them.

    Parameters
    ----------
    data : Recordings
        With labels.
    tried : list of Tried
        Those that are done.
    weights : ndarray of shape (1 + n_candidates, K)
        Of the constant and of each of `tried`.
    params : callable
    n_jobs : int, optional

    Returns
    -------
    list of (str, estimator, list of str)
    """
    weighted = [one.candidate for one, own in zip(tried, weights[1:]) if own.any()]
    needed = {one.name for one in weighted} | {name for one in weighted for name in one.mean_of}
    most = max(len(one.candidate.streams) for one in tried)
    candidates = [one.candidate for one in tried if one.candidate.estimator is not None]
    needed.add(next(one.name for one in candidates if len(one.streams) == most))
    chosen = [one for one in candidates if one.name in needed]
    rows = np.arange(len(data))
    fitted = all_results([(fit_on, (data, one, rows, params(one.name)), {}) for one in chosen], n_jobs)
    return [(one.name, estimator, one.streams) for one, estimator in zip(chosen, fitted)]
