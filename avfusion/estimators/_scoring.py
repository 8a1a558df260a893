"""What skorch's scoring callbacks are given: labelled steps of ragged batches, in the units of y.

These callbacks join batches and call metrics of scikit-learn, so each batch is packed to two arrays
(n_labelled, n_targets): per frame the steps of all its rows, per clip the rows.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from sklearn.metrics import make_scorer
from skorch.callbacks import BatchScoring, EpochScoring
from skorch.dataset import Dataset

from avfusion import metrics

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

    def told(self, method_name, given) -> Iterator:
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
