"""Warnings before training: of data that a network learns little from, with what to do about it.

Each function returns a message, or None where all is well.
"""

import warnings

import numpy as np

from avfusion.sequences._label_markers import LabelMarkerWarning, marker_message

SPREAD = 1e4  # ratio of feature deviations from which on the small ones are lost
SHARE = 0.2  # of steps that are dropped for the sake of single features
FAR = 1.5  # labels of -1..1 are within it
SAMPLE = 200_000  # steps to look at; more of them tell no more


def advise(estimator, data, statistics, target_names):
    """Warn of each thing that the user should know of, once, from where `fit` was called."""
    messages = [constant_target(data.labels, target_names), ratings_like_steps(data)]
    if not estimator.standardize_target:
        messages.append(unscaled_targets(data.labels, target_names))
    if data.window not in (None, type(estimator).window):  # the default may be longer than any row
        messages.append(idle_window(data.window, data.lengths))
    for name, (_, deviations) in statistics.items():
        messages.append(partly_missing(data, name))
        if estimator.input_norm is None:
            messages.append(unlike_scales(name, deviations))
    for message in filter(None, messages):
        warnings.warn(message, UserWarning, stacklevel=3)
    message = marker_message(data.labels, target_names)
    if message is not None:
        warnings.warn(message, LabelMarkerWarning, stacklevel=3)


def constant_target(labels, names):
    """Return a warning of targets, columns of (n, K) labels, that never vary, or None."""
    known = (~np.isnan(labels)).sum(axis=0)
    constant = (np.nanmin(labels, axis=0) == np.nanmax(labels, axis=0)) & (known > 1)
    if not constant.any():
        return None
    listed = ", ".join(
        f"{names[k]} is always {labels[~np.isnan(labels[:, k]), k][0]:g}" for k in constant.nonzero()[0]
    )
    return (
        f"A target never varies among the training labels: {listed}. There is nothing to learn from it, and "
        "its CCC is 0. Leave it out of y, or train on rows in which it varies."
    )


def unscaled_targets(labels, names):
    """Return a warning of targets, columns of (n, K) labels, far from what an untrained network predicts."""
    means, deviations = np.nanmean(labels, axis=0), np.nanstd(labels, axis=0)
    far = (np.abs(means) > FAR) | (deviations > FAR)
    if not far.any():
        return None
    told = ", ".join(
        f"{names[k]} has mean {means[k]:.3g} and standard deviation {deviations[k]:.3g}"
        for k in far.nonzero()[0]
    )
    return (
        f"standardize_target=False, and labels are far from zero: {told}. A network begins with predictions "
        "near zero, and at a small learning rate it stays there. Set standardize_target=True, or bring the "
        "labels to -1..1."
    )


def ratings_like_steps(data):
    """Return a warning of labels per clip that are as many as the steps of every row, maybe meant so."""
    n_targets = data.labels.shape[1]
    if data.per_frame or n_targets == 1 or (data.lengths != n_targets).any():
        return None
    return (
        f"y has {n_targets} numbers for each row, as many as its streams have steps, and is taken for "
        f"{n_targets} ratings of the whole row. For a label per step, give y as a list of arrays, one for "
        f"each row, or as an array (n_rows, {n_targets}, 1)."
    )


def idle_window(window, lengths):
    """Return a warning of a window that is longer than all rows."""
    if window <= lengths.max():
        return None
    return (
        f"window={window} is longer than every training row (the longest has {lengths.max()} steps), so rows "
        "are seen whole. Lower it to train on pieces of rows, or leave it at its default."
    )


def unlike_scales(name, deviations):
    """Return a warning of features, (width,) standard deviations, of very different scales."""
    varying = np.flatnonzero(deviations > 0)
    if len(varying) < 2:
        return None
    small, large = varying[deviations[varying].argmin()], varying[deviations[varying].argmax()]
    if deviations[large] < SPREAD * deviations[small]:
        return None
    return (
        f"Features of stream {name!r} are of very different scale: feature {large} has the standard "
        f"deviation {deviations[large]:.3g}, feature {small} {deviations[small]:.3g}, and input_norm=None "
        'takes them as they are. Scale them with OnFrames(StandardScaler()), or choose input_norm="standard".'
    )


def partly_missing(data, name):
    """Return a warning of a stream many of whose steps count as unobserved for a few NaN features."""
    frames, starts = data.frames[name], data.starts[name]
    lengths = data.lengths if data.stream_lengths is None else data.stream_lengths[name]
    rows = np.flatnonzero(starts >= 0)
    rows = rows[:: 1 + int(lengths[rows].sum()) // SAMPLE]
    n_steps, n_partly, by_feature = 0, 0, np.zeros(frames.shape[1], int)
    for row in rows:
        missing = np.isnan(frames[starts[row] : starts[row] + lengths[row]])
        per_step = missing.sum(axis=1)
        partly = (per_step > 0) & (2 * per_step < frames.shape[1])
        n_steps, n_partly = n_steps + len(missing), n_partly + partly.sum()
        by_feature += missing[partly].sum(axis=0)
    if not n_partly or n_partly < SHARE * n_steps:
        return None
    worst = [feature for feature in np.argsort(-by_feature, kind="stable")[:3] if by_feature[feature]]
    listed = ", ".join(f"{feature} ({by_feature[feature] / n_steps:.0%} of steps)" for feature in worst)
    return (
        f"{n_partly / n_steps:.0%} of the steps of stream {name!r} count as unobserved because a few of "
        f"their features are NaN, though most are there; most often feature {listed}. Impute them with "
        "OnFrames(SimpleImputer()), or drop these features."
    )
