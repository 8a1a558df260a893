"""Labels and out-of-fold predictions of a comparison in one long table."""

import numpy as np
import pandas as pd

from avfusion.metrics._regression import paired_targets
from avfusion.model_selection.comparison._names import as_texts, prediction_columns
from avfusion.sequences._buffers import packed_starts
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import with_weights


def prediction_table(comparison):
    """Return the table of `Comparison.prediction_table`.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> result = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
    >>> prediction_table(result).shape
    (50, 5)
    """
    rows = np.flatnonzero(comparison.fold_of_row >= 0)
    labels = with_weights(as_targets(comparison.y), comparison.sample_weight).take(rows)
    true, _ = paired_targets(labels, labels)
    lines, k = np.nonzero(~np.isnan(true.values))
    row = rows[true.row_of_value[lines]]
    columns = {"row": row, "fold": comparison.fold_of_row[row]}
    if isinstance(comparison.y, (pd.DataFrame, pd.Series)):
        columns["index"] = as_texts(comparison.y.index[row])
    if comparison.group_of_row is not None:
        columns["group"] = as_texts(comparison.group_of_row[row])
    if true.lengths is not None:
        columns["frame"] = lines - packed_starts(true.lengths)[true.row_of_value[lines]]
    columns["target"] = np.array(as_texts(comparison.target_names), dtype=object)[k]
    columns["label"] = true.values[lines, k]
    if true.weights is not None:
        columns["weight"] = true.weights[lines, k]
    for name, own in comparison.seed_predictions.items():
        for title, predicted in zip(prediction_columns(name, len(own)), own):
            columns[title] = _on_labels(labels, predicted, rows)[lines, k]
    return pd.DataFrame(columns)


def _on_labels(labels, predicted, rows):
    """Return predictions of rows as values beside those of the labels; NaN where a fit failed."""
    predicted = as_targets(predicted).take(rows)
    if labels.lengths is not None and (labels.lengths < 0).any():
        kept = (labels.lengths >= 0)[predicted.row_of_value]
        return predicted.values[kept]
    return predicted.values
