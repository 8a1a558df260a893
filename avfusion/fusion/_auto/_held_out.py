"""Held-out predictions of all candidates in one array."""

from dataclasses import replace

import numpy as np

from avfusion.estimators._combine import gather_predictions, weighted_mean
from avfusion.estimators._weights import moments
from avfusion.fusion._auto._combination import HeldOut

__all__ = ["CONSTANT", "constant", "held_out_of", "stacked"]

CONSTANT = "constant"


def held_out_of(data, tried, folds, groups):
    """Bring what candidates predicted for held-out rows into one array, the constant first.

    Parameters
    ----------
    data : Recordings
        With labels.
    tried : list of Tried
        Those that are done.
    folds : list of (train, test)
    groups : ndarray of shape (n_rows,) or None

    Returns
    -------
    HeldOut
        The constant is the mean label of the rows that a fold trains on.

    Raises
    ------
    ValueError
        If candidates do not agree on the number of frames of a row, or it is not that of its labels.
    """
    targets, parts = data.targets.counted, []
    groups = np.arange(len(data)) if groups is None else np.unique(groups, return_inverse=True)[1]
    candidates = [one.candidate for one in tried]
    for number, (train, _) in enumerate(folds):
        predictions = {one.candidate.name: one.predictions[number] for one in tried if one.predictions}
        mean = constant(targets, train)
        predicted, lengths = stacked(predictions, candidates, mean, data, targets.form)
        for row in np.flatnonzero(lengths) if targets.lengths is not None else ():
            if lengths[row] != targets.lengths[row]:
                raise ValueError(
                    f"The candidates predict {lengths[row]} frames for {data.row_name(row)}, which has "
                    f"{targets.lengths[row]} labels. Let them align their streams to the rate of the labels."
                )
        values = np.flatnonzero(lengths[targets.row_of_value] > 0)
        weights = None if targets.weights is None else targets.weights[values]
        of_group, of_fold = groups[targets.row_of_value[values]], np.full(len(values), number)
        parts.append(HeldOut(predicted, targets.values[values], weights, of_group, of_fold))
    return joined(parts)


def stacked(predictions, candidates, mean, data, form):
    """Bring predictions of candidates into one array, the constant first.

    Parameters
    ----------
    predictions : dict of str to (str, ndarray, Targets or None)
        By the candidate's name: as `predict_present` returns. What is not in it is NaN.
    candidates : list of Candidate
    mean : ndarray of shape (K,)
        The constant.
    data : Recordings
    form : TargetForm

    Returns
    -------
    predicted : ndarray of shape (1 + n_candidates, n_values, K)
    lengths : ndarray of shape (n_rows,)
        Number of values of each row; 0 for one that no candidate predicted.
    """
    nothing = np.empty(0, dtype=np.int64)
    given = [predictions.get(one.name, (one.name, nothing, None)) for one in candidates]
    predicted, lengths = gather_predictions(given, len(data), form, data.index)
    place = {one.name: number for number, one in enumerate(candidates)}
    for one in candidates:
        if one.mean_of:
            predicted[place[one.name]] = _mean(predicted[[place[name] for name in one.mean_of]])
    return np.concatenate([np.broadcast_to(mean, (1, *predicted.shape[1:])), predicted]), lengths


def _mean(members):
    """Return the mean of those that predicted; NaN where none did."""
    known = (~np.isnan(members).any(axis=2)).any(axis=0)
    mean = np.full(members.shape[1:], np.nan)
    mean[known] = weighted_mean(members[:, known], np.ones(len(members)))
    return mean


def constant(targets, rows):
    """Return the mean label of some rows, (K,); that of all where a target has none there."""
    own, weights = np.isin(targets.row_of_value, rows), targets.weights
    if np.isnan(targets.values[own]).all(axis=0).any():
        return moments(targets.values, weights)[0]
    return moments(targets.values[own], None if weights is None else weights[own])[0]


def joined(parts):
    """Join the values of folds."""
    weights = None if parts[0].weights is None else np.concatenate([part.weights for part in parts])
    return replace(
        parts[0],
        predicted=np.concatenate([part.predicted for part in parts], axis=1),
        labels=np.concatenate([part.labels for part in parts]),
        weights=weights,
        groups=np.concatenate([part.groups for part in parts]),
        folds=np.concatenate([part.folds for part in parts]),
    )
