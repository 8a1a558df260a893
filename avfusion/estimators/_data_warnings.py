"""Warnings before training: of data that a network learns little from, with what to do about it.

Each function returns a message, or None where all is well.
"""

import numpy as np

from avfusion._warnings import warn_user
from avfusion.estimators._batches import NEVER, may_hold_nan
from avfusion.sequences._label_markers import LabelMarkerWarning, marker_message
from avfusion.sequences._messages import quoted
from avfusion.sequences._paging import release

SPREAD = 1e4  # ratio of feature deviations from which on the small ones are lost
SHARE = 0.01  # of steps that lack single features, from which on it is told
FAR = 1.5  # labels of -1..1 are within it
MANY_STREAMS = 10  # of whose pairs a network with a part for each is still trained in a moment
SAMPLE = 200_000  # steps to look at; more of them tell no more


def advise(estimator, data, statistics, target_names):
    """Warn of each thing that the user should know of, once, from where `fit` was called."""
    messages = [constant_target(data.labels, target_names), ratings_like_steps(data)]
    messages.append(many_pairs(estimator, list(statistics)))
    if not estimator.standardize_target:
        messages.append(unscaled_targets(data.labels, target_names))
    if data.window not in (None, type(estimator).window):  # the default may be longer than any row
        messages.append(idle_window(data.window, data.lengths))
    for name, (_, deviations) in statistics.items():
        messages += [never_observed(name, deviations), partly_missing(data, name, deviations < NEVER)]
        if estimator.input_norm is None:
            messages.append(unlike_scales(name, deviations))
    for message in filter(None, messages):
        warn_user(message)
    message = marker_message(data.labels, target_names)
    if message is not None:
        warn_user(message, LabelMarkerWarning)


def many_pairs(estimator, names):
    """Return a warning of so many streams that a network with a part for every pair is slow, or None."""
    if not estimator._pairwise or len(names) <= MANY_STREAMS:
        return None
    return (
        f"{type(estimator).__name__} compares each of {len(names)} streams with each other one: "
        f"{len(names) * (len(names) - 1)} ordered pairs, which take long to train and much memory. Choose "
        f"streams (modalities={names[:2]}), join those that belong together, or take EarlyFusionRegressor."
    )


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
    varying = np.flatnonzero((deviations > 0) & (deviations < NEVER))
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


def never_observed(name, deviations):
    """Return a warning of features, (width,) standard deviations, that are NaN in all training rows."""
    features = np.flatnonzero(deviations == NEVER).tolist()
    if not len(features):
        return None
    return (
        f"Stream {name!r} has features that are NaN in all steps of the training rows: {quoted(features)}. "
        "Nothing is learnt from them. Drop them, or train on rows that have them."
    )


def partly_missing(data, name, known):
    """Return a warning of a stream of whose steps some lack `known` features, a mask (width,), or None."""
    frames, starts = data.frames[name], data.starts[name]
    lengths = data.lengths if data.stream_lengths is None else data.stream_lengths[name]
    rows = np.flatnonzero(starts >= 0)
    rows = rows[:: 1 + int(lengths[rows].sum()) // SAMPLE]
    n_partly, by_feature = 0, np.zeros(frames.shape[1], int)
    for row in rows:
        values = frames[starts[row] : starts[row] + lengths[row]]
        if may_hold_nan(values):
            missing = np.isnan(values)
            missing = missing[~missing.all(axis=1)] & known
            missing = missing[missing.any(axis=1)]
            n_partly, by_feature = n_partly + len(missing), by_feature + missing.sum(axis=0)
        release(frames, starts[row], lengths[row])
    n_steps = int(lengths[rows].sum())
    if not n_partly or n_partly < SHARE * n_steps:
        return None
    worst = [feature for feature in np.argsort(-by_feature, kind="stable")[:3] if by_feature[feature]]
    listed = ", ".join(f"{feature} (in {by_feature[feature] / n_steps:.0%} of steps)" for feature in worst)
    more = np.count_nonzero(by_feature) - len(worst)
    return (
        f"{n_partly / n_steps:.0%} of the steps of stream {name!r} lack some of their features (NaN): "
        f"feature {listed}{f' and {more} more' if more else ''}. There they take their training mean, and "
        "the others are used. Where that says something, add OnFrames(SimpleImputer(add_indicator=True))."
    )
