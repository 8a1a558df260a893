"""Labels and their weights in training: on their way into `fit`, brought to scale, and in moments."""

import inspect

import numpy as np
import torch

from avfusion.estimators import _inputs as inputs
from avfusion.estimators._number_range import TOO_COARSE, exponents, rounding
from avfusion.networks._checks import title
from avfusion.sequences._callers import permuting_tool
from avfusion.sequences._label_clock import lengths_apart
from avfusion.sequences._messages import quoted, row_name

__all__ = [
    "check_takes_weights",
    "labels_of_steps",
    "moments",
    "of_mean_one",
    "only_weights",
    "target_scale",
    "with_scaled_labels",
]


def only_weights(owner, method, params):
    """Return the weights among the metadata of a method, and refuse everything else.

    Networks are trained in batches, so that integer weights are not exactly repeated rows, which
    scikit-learn asks of every method with an argument ``sample_weight``: they take it among ``**params``.

    Parameters
    ----------
    owner : estimator
        A loss function of its own must take weights.
    method : str
    params : dict

    Returns
    -------
    array-like, str or None

    Raises
    ------
    TypeError
        Naming what is not expected, or a loss that takes no weights.

    Examples
    --------
    >>> only_weights(None, "fit", {"sample_weight": [1.0, 2.0]})
    [1.0, 2.0]
    """
    others = [name for name in params if name != "sample_weight"]
    if others:
        raise TypeError(
            f"{type(owner).__name__}.{method} got an unexpected argument: {quoted(others)}. Beside its own "
            "arguments it takes sample_weight."
        )
    if params.get("sample_weight") is not None:
        check_takes_weights(getattr(owner, "loss", "auto"))
    return params.get("sample_weight")


def labels_of_steps(data, spec, lengths):
    """Return labels that count and their weights, checked, per step or per row as `spec` says.

    Parameters
    ----------
    data : Recordings
    spec : DataSpec
    lengths : ndarray of shape (n_rows,)
        Steps of each row.

    Returns
    -------
    labels : ndarray of shape (lengths.sum(), K) or (n_rows, K)
        NaN where there is none, and where the weight is 0.
    weights : ndarray of that shape or None

    Raises
    ------
    ValueError
        If rates or lengths are not those of the streams, or a target has no label.
    """
    inputs.check_label_rate(data, spec.in_step)
    targets = data.targets.counted
    found = targets.values, targets.weights
    if spec.per_frame:
        apart = lengths_apart(targets.lengths, lengths, data.row_name, remedy=permuting_tool())
        if apart:
            raise ValueError(apart)
        found = [_on_all_rows(values, targets.lengths, lengths) for values in found]
    inputs.check_labelled(found[0], targets.form.target_names)
    return found


def _on_all_rows(values, given, lengths):
    """Return values per step, NaN for rows that have none."""
    if values is None or (given >= 0).all():
        return values
    everywhere = np.full((lengths.sum(), values.shape[1]), np.nan)
    everywhere[np.repeat(given >= 0, lengths)] = values
    return everywhere


def of_mean_one(labels, weights):
    """Divide weights by their mean over the labels of each target.

    Parameters
    ----------
    labels, weights : ndarray of shape (n, K)
        NaN where there is no label that counts.

    Returns
    -------
    ndarray of shape (n, K) or None
        0 where there is no label. None where all labels count alike: then there is nothing to weigh.

    Examples
    --------
    >>> of_mean_one(np.array([[1.0], [2.0], [np.nan]]), np.array([[2.0], [6.0], [np.nan]])).ravel()
    array([0.5, 1.5, 0. ])
    >>> of_mean_one(np.array([[1.0], [2.0]]), np.array([[3.0], [3.0]])) is None
    True
    """
    if weights is None:
        return None
    labelled = ~np.isnan(labels)
    weights = np.where(labelled, weights, 0.0)
    largest = weights.max(axis=0)
    if ((weights == largest) | ~labelled).all():
        return None
    weights = weights / np.where(largest > 0, largest, 1)  # so that sums are finite
    total = weights.sum(axis=0)
    return weights * (labelled.sum(axis=0) / np.where(total > 0, total, 1))


def moments(labels, weights=None):
    """Return mean and standard deviation of each target over its labels, weighted, (K,) each.

    Parameters
    ----------
    labels : ndarray of shape (n, K)
        NaN is unlabelled.
    weights : ndarray of shape (n, K), optional
        0 or NaN where there is no label.

    Returns
    -------
    mean, deviation : ndarray of shape (K,)

    Examples
    --------
    >>> moments(np.array([[1.0], [3.0]]), np.array([[3.0], [1.0]]))[0]
    array([1.5])
    """
    exponent = exponents(labels)
    if exponent.any():  # squares would be beyond floats, or vanish; powers of two are exact
        return tuple(np.ldexp(part, exponent) for part in moments(np.ldexp(labels, -exponent), weights))
    if weights is None:
        return np.nanmean(labels, axis=0), np.nanstd(labels, axis=0)
    counts = ~np.isnan(labels) & (weights > 0)
    shares = np.where(counts, weights, 0.0)
    shares = shares / shares.max(axis=0)
    shares = shares / shares.sum(axis=0)
    values = np.where(counts, labels, 0.0)
    mean = (shares * values).sum(axis=0)
    return mean, np.sqrt((shares * np.where(counts, values - mean, 0.0) ** 2).sum(axis=0))


def target_scale(labels, weights, standardize):
    """Return mean and standard deviation by which targets are learnt, (K,) each; 0 and 1 if they are not.

    Examples
    --------
    >>> target_scale(np.array([[1.0], [3.0]]), None, True)
    (array([2.]), array([1.]))
    """
    if not standardize:
        return np.zeros(labels.shape[1]), np.ones(labels.shape[1])
    mean, deviation = moments(labels, weights)
    return mean, np.where(deviation > 0, deviation, 1.0)


def with_scaled_labels(dataset, spec):
    """Return a data set with labels on the scale of training, where the type of training can hold them.

    Parameters
    ----------
    dataset : StreamDataset
    spec : DataSpec
        With the scale.

    Returns
    -------
    StreamDataset

    Raises
    ------
    ValueError
        If labels are beyond the range of the type, or so close together that it cannot tell them apart.
    """
    labels = spec.scaled(dataset.labels)
    wrong = np.flatnonzero(rounding(labels, spec.dtype) > TOO_COARSE)
    if len(wrong):
        k, dtype = wrong[0], np.dtype(spec.dtype).name
        line = int(np.nanargmax(np.abs(labels[:, k])))
        row = np.searchsorted(np.cumsum(dataset.lengths), line, side="right") if dataset.per_frame else line
        raise ValueError(
            f"Labels of {spec.target_form.target_names[k]!r}, such as {dataset.labels[line, k]:.6g} in "
            f"{row_name(int(row))} of the training, are beyond what {dtype} holds or tells apart. Set "
            "standardize_target=True, or bring them to another scale."
        )
    return dataset.with_labels(labels)


def check_takes_weights(loss):
    """Raise unless a loss function of the user's has a parameter ``weight``.

    Parameters
    ----------
    loss : callable or str
        Losses that have a name all take weights.

    Raises
    ------
    TypeError
        Naming the loss and what to do.

    Examples
    --------
    >>> from avfusion.networks import mse_loss
    >>> check_takes_weights(mse_loss)
    """
    if isinstance(loss, str):
        return
    try:
        known = inspect.signature(loss.forward if isinstance(loss, torch.nn.Module) else loss).parameters
    except (TypeError, ValueError):  # a builtin without a signature
        known = {}
    if "weight" not in known:
        name = title(loss) if inspect.isroutine(loss) or inspect.isclass(loss) else type(loss).__name__
        raise TypeError(
            f"sample_weight is given, but loss={name} takes no weight. Give it a parameter weight=None, "
            "(n, n_targets) as the labels, as avfusion.networks.mse_loss has; or choose a loss by its name."
        )
