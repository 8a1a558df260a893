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
from avfusion.fusion._auto._combination import gain_of_last
from avfusion.fusion._auto._held_out import held_out_of
from avfusion.sequences._weights import weights_of

__all__ = ["Tried", "fit_chosen", "fit_on", "try_candidates"]

LAST_FIT = 1.25  # what the fit on all rows takes, in fits of a fold
AT_LEAST_S = 0.5  # of which a budget that is left is worth a try
FIRST_FOLDS = 2  # that tell what a candidate takes and gives
WORTH = 0.002  # of the squared error, by which a costly candidate must lower it in the first folds
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
        """True where there are predictions."""
        return self.predictions is not None


def try_candidates(
    data, candidates, folds, params, *, budget_s=None, n_jobs=None, kept=None, verbose=False, begun=None
):
    """Fit every candidate in every fold, and predict the rows held out.

    A costly one that hardly lowers the squared error of those before it in the first folds is not fitted in
    the others. Time does not count in this, so that results do not depend on the machine.

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
    attempt = Attempt(data, candidates, folds, params, budget_s, n_jobs, kept, begun)
    for candidate in progress_bar(candidates, disable=not verbose, unit="candidate", desc="auto fusion"):
        attempt.tried[candidate.name] = attempt.of(candidate)
    tried = list(attempt.tried.values())
    if not any(one.done for one in tried):
        raise next(one.error for one in tried if one.error is not None)
    return tried


class Attempt:
    """The candidates that were tried so far, and the time that is left for the others.

    Parameters
    ----------
    data, candidates, folds, params, budget_s, n_jobs, kept, begun
        As in `try_candidates`.
    """

    def __init__(self, data, candidates, folds, params, budget_s, n_jobs, kept, begun):
        self.data, self.candidates, self.folds, self.params = data, candidates, folds, params
        self.budget_s, self.n_jobs, self.kept, self.begun = budget_s, n_jobs, kept, begun
        self.tried, self.first = {}, {}  # what was found, and results of the first folds
        self.n_first = FIRST_FOLDS if len(folds) > FIRST_FOLDS else 0

    @property
    def done(self):
        """Those that have predictions of their own."""
        return [one for one in self.tried.values() if one.predictions]

    def of(self, candidate):
        """Try a candidate."""
        if candidate.mean_of:
            return self._mean_of(candidate)
        if self._left_s() < max([AT_LEAST_S, *(one.fit_s for one in self.done)]):
            return Tried(candidate, None, note="left out: budget_s")
        try:
            return self._fitted(candidate)
        except Exception as error:
            if candidate.given or isinstance(error, MemoryError):
                raise
            return Tried(candidate, None, note=f"failed: {error}", error=error)

    def _left_s(self):
        """Return the seconds that are left, less those for the fits on all rows."""
        if self.budget_s is None or not self.done:
            return np.inf
        last_fits_s = sum(one.fit_s for one in self.done) / len(self.folds) * LAST_FIT
        return self.budget_s - (time.perf_counter() - self.begun) - last_fits_s

    def _fitted(self, candidate):
        """Fit a candidate in the first folds, which tell what it takes and gives, and in the others."""
        folds = self.folds
        check_members_fit(self.data, [(candidate.name, candidate.estimator, candidate.streams)], folds)
        n_first = self.n_first if self.done else 0
        start = time.perf_counter()
        results = self._first_of(candidate) if n_first else []
        took_s = time.perf_counter() - start
        if n_first and took_s / n_first * (len(folds) - n_first + LAST_FIT) > self._left_s():
            return Tried(candidate, None, _seconds(results), note="left out: budget_s")
        if n_first and candidate.costly and self._gain(candidate) < WORTH:
            note = f"left out: no gain in the first {n_first} folds"
            return Tried(candidate, None, _seconds(results), note=note)
        results = results + self._results(candidate, folds[n_first:])
        return Tried(candidate, [predictions for predictions, _ in results], _seconds(results))

    def _results(self, candidate, folds):
        """Return predictions and seconds of some folds."""
        params = self.params(candidate.name)
        jobs = [
            (_fit_predict, (self.data, candidate, fold, params, kept), {})
            for fold in folds
            for kept in [self.kept and self.kept.of(candidate, fold, params)]
        ]
        return all_results(jobs, self.n_jobs)

    def _first_of(self, candidate):
        """Return predictions and seconds of the first folds, of which a sibling may have asked before."""
        if candidate.name not in self.first:
            self.first[candidate.name] = self._results(candidate, self.folds[: self.n_first])
        return self.first[candidate.name]

    def _gain(self, candidate):
        """Return by which share a candidate lowers the squared error of the first folds.

        It counts together with those of which a mean will be made, and the mean: they may be good for nothing
        else. Those that fail, or do not fit into a budget, do not count.
        """
        mean = next((one for one in self.candidates if candidate.name in one.mean_of), None)
        siblings = [one for one in self.candidates if mean is not None and one.name in mean.mean_of]
        new = self._first_tried(siblings if self.budget_s is None else []) or self._first_tried([candidate])
        names = tuple(one.candidate.name for one in new)
        if len(new) > 1:
            new.append(Tried(replace(mean, mean_of=names), []))
        done = [one for one in self.done if one.candidate.name not in names]
        folds, groups = self.folds[: self.n_first], None  # groups do not count here
        return gain_of_last(held_out_of(self.data, [*done, *new], folds, groups), len(new))

    def _first_tried(self, candidates):
        """Return those that can be fitted in the first folds, with what they predict there."""
        found = []
        for one in candidates:
            try:
                results = self._first_of(one)
            except Exception:  # its own turn tells why
                continue
            found.append(Tried(one, [predictions for predictions, _ in results]))
        return found

    def _mean_of(self, candidate):
        """Return a mean of others, if two of these are there; it takes no time."""
        members = tuple(name for name in candidate.mean_of if self.tried[name].done)
        if len(members) < 2:
            return Tried(candidate, None, note="left out: too few of its members")
        return Tried(replace(candidate, mean_of=members), [])


def _seconds(results):
    return sum(seconds for _, seconds in results)


def _fit_predict(data, candidate, fold, params, kept):
    """Fit on one side of a fold, predict the other; return predictions and seconds."""
    train, test = fold
    test = test[data.targets.counted.labelled.any(axis=1)[test]]
    found = None if kept is None else kept.read(data, candidate, test)
    if found is not None:
        return found
    start = time.perf_counter()
    fitted = fit_on(data, candidate, train, params)
    predictions = predict_present(data, candidate.name, fitted, candidate.streams, among=test)
    seconds = time.perf_counter() - start
    if kept is not None:
        kept.write(predictions, seconds)
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
