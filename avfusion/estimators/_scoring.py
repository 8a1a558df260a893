"""Labelled steps of ragged batches, in the units of y, for skorch's scoring callbacks.

These callbacks join batches and call metrics of scikit-learn, so each batch is packed to two arrays
(n_labelled, n_targets): per frame the steps of all its rows, per clip the rows.
"""

import inspect
from collections.abc import Iterator
from copy import copy
from dataclasses import replace

import numpy as np
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import get_scorer, get_scorer_names, make_scorer
from skorch.callbacks import BatchScoring, EpochScoring
from skorch.callbacks.scoring import convert_sklearn_metric_function
from skorch.dataset import Dataset

from avfusion import metrics
from avfusion.sequences._messages import brief, did_you_mean, quoted

SCORING = (BatchScoring, EpochScoring)
METRICS = (
    metrics.ccc_score,
    metrics.mean_absolute_error,
    metrics.pcc_score,
    metrics.root_mean_squared_error,
    metrics.sagr_score,
)


class ScoredNet:
    """Mixin of a skorch net whose scoring callbacks see labelled steps, not padded batches."""

    target_mean, target_scale = 0.0, 1.0  # of y: a label is target_mean + target_scale * scaled label

    def initialize_callbacks(self):
        """Initialize the callbacks; scores may be named as `avfusion.metrics.scorers` names them."""
        super().initialize_callbacks()
        for _, callback in self.callbacks_:
            if isinstance(callback, SCORING):
                callback.scoring_ = known_scoring(callback.scoring_)
        return self

    def calls_of(self, method_name, given) -> Iterator:
        """Yield each callback with what it is given; scoring callbacks get packed batches."""
        packed = None
        for _, callback in list(self.callbacks_):
            if method_name == "on_batch_end" and isinstance(callback, SCORING):
                packed = packed or self._packed_batch(given)
                if isinstance(callback, EpochScoring) or len(packed["y_pred"]):
                    yield callback, packed
            elif method_name == "on_epoch_end" and isinstance(callback, EpochScoring):
                yield callback, given if callback.use_caching else self._with_labels(given, callback.on_train)
            else:
                yield callback, given

    def score(self, X, y):
        """Return the CCC of labelled steps: the score of scoring callbacks whose `scoring` is None."""
        return metrics.ccc_score(y, self.predict(X))

    def forward_iter(self, X, training=False, device="cpu"):
        """Yield predictions for the labelled steps of a data set, batch by batch, in the units of y."""
        for inputs, labels in self.get_iterator(X, training=False):
            yield self._packed(self.evaluation_step((inputs, None), training), labels)[0].to(device)

    def _packed_batch(self, given):
        inputs, labels = given["batch"]
        prediction, labels = self._packed(given["y_pred"], labels)
        return given | {"batch": (inputs, labels), "y_pred": prediction}

    def _packed(self, prediction, labels):
        """Return predictions and labels of a batch where there is a label, on the CPU, in the units of y."""
        labels = labels.reshape(-1, labels.shape[-1]).double().cpu()
        prediction = prediction.detach().reshape(-1, prediction.shape[-1]).double().cpu()
        there = ~torch.isnan(labels).all(dim=1)
        mean, scale = (torch.as_tensor(x, dtype=torch.double) for x in (self.target_mean, self.target_scale))
        return prediction[there] * scale + mean, labels[there] * scale + mean

    def _with_labels(self, given, on_train):
        """Return what is given with the labels of one data set, in the order of `forward_iter`."""
        name = "dataset_train" if on_train else "dataset_valid"
        data = given[name]
        return given if data is None else given | {name: Dataset(data, self._labels(data), length=len(data))}

    def _labels(self, dataset):
        batches = self.get_iterator(replace(dataset, frames={}, stream_lengths=None), training=False)
        return np.concatenate([self._packed(labels, labels)[1].numpy() for _, labels in batches])


def known_scoring(scoring):
    """Return a scorer for a name of `avfusion.metrics.scorers` or one of our metrics; others as they are.

    Parameters
    ----------
    scoring : str, callable or None
        As skorch's scoring callbacks take it.

    Returns
    -------
    str, callable or None

    Examples
    --------
    >>> known_scoring("ccc")
    make_scorer(ccc_score, response_method='predict')
    >>> known_scoring("r2")
    'r2'
    """
    if isinstance(scoring, str):
        return metrics.scorers.get(scoring, scoring)
    return make_scorer(scoring) if scoring in METRICS else scoring


def is_scorer(scoring):
    """Return whether scikit-learn makes a scorer of it, of which the greatest value is the best."""
    return isinstance(scoring, str) or hasattr(scoring, "_score_func")


def score_name(callback):
    """Return the name under which a callback of skorch records a score.

    Parameters
    ----------
    callback : BatchScoring, EpochScoring or PassthroughScoring

    Returns
    -------
    str

    Examples
    --------
    >>> score_name(EpochScoring("r2")), score_name(EpochScoring(metrics.ccc_score))
    ('r2', 'ccc_score')
    """
    return callback.name if callback.name is not None else copy(callback).initialize().name_


def check_scoring(callback, n_targets):
    """Raise where the `scoring` of a callback is unknown, or fails on labels and predictions.

    Parameters
    ----------
    callback : BatchScoring or EpochScoring
    n_targets : int
        Number of targets, which not all of scikit-learn's metrics take.

    Raises
    ------
    ValueError
        Naming the callback.

    Examples
    --------
    >>> check_scoring(EpochScoring("r2"), n_targets=2)
    """
    kind, scoring = type(callback).__name__, callback.scoring
    if isinstance(scoring, (dict, list, tuple, set)):
        raise ValueError(f"{kind} takes one score: give a callback for each of {quoted(scoring)}.")
    scorer = known_scoring(convert_sklearn_metric_function(scoring))
    if is_scorer(scorer):
        _try_scorer(kind, _scorer(kind, scorer), scoring, n_targets)
    elif scoring is not None:
        _check_signature(kind, scoring)
        if callback.name is None and not hasattr(getattr(scoring, "func", scoring), "__name__"):
            raise ValueError(f"{kind}: the score has no name. Set name=...")


def _scorer(kind, scoring):
    try:
        return get_scorer(scoring)
    except ValueError as error:
        known = [*metrics.scorers, *get_scorer_names()]
        raise ValueError(f"{kind}: there is no score {scoring!r}{did_you_mean(scoring, known)}.") from error


def _try_scorer(kind, scorer, scoring, n_targets):
    rng = np.random.default_rng(0)
    y, predicted = rng.uniform(0.1, 1.0, size=(2, 8, n_targets))
    try:
        scorer(_Predicted(predicted), y, y)
    except Exception as error:
        raise ValueError(
            f"{kind}: the score {brief(scoring)} fails on {n_targets} continuous target(s): "
            f"{brief(str(error), 100)}. Take one for regression, such as 'ccc' or 'r2'."
        ) from error


def _check_signature(kind, scoring):
    try:
        inspect.signature(scoring).bind("net", "X", "y")
    except TypeError as error:
        raise ValueError(
            f"{kind}: the score is called as scoring(net, X, y), which it does not take: {error}. A "
            "function of labels and predictions becomes one by sklearn.metrics.make_scorer."
        ) from error
    except ValueError:  # a callable of C code that does not say what it takes
        pass


class _Predicted(RegressorMixin, BaseEstimator):
    """Predictions in the place of a net."""

    def __init__(self, predicted):
        self.predicted = predicted

    def predict(self, X):
        """Return them."""
        return self.predicted
