"""What estimators accept as X, and the checks that run before any training starts."""

import numbers

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.utils.validation import validate_data

from avfusion.sequences import SequenceArray, as_sequences, sequence_columns

TABLE_MODALITY = "features"  # the name of the one modality of a plain table


def is_table(X):
    """Tell whether X is what scikit-learn calls X: a two-dimensional table of numbers, without sequences."""
    if isinstance(X, pd.DataFrame):
        return not sequence_columns(X) and all(pd.api.types.is_numeric_dtype(t) for t in X.dtypes)
    if sparse.issparse(X) or not isinstance(X, (list, tuple)):
        cells = getattr(X, "dtype", None) == object and getattr(X, "ndim", 0) == 1
        return not (isinstance(X, dict) or cells or getattr(X, "ndim", 2) == 3)
    return all(
        isinstance(row, numbers.Number)
        or (isinstance(row, (list, tuple)) and not any(isinstance(cell, (list, tuple)) for cell in row))
        or getattr(row, "ndim", 2) == 1
        for row in X
    )


def read_frame(estimator, X, *, reset):
    """Return X as a DataFrame with sequence columns, whatever form it had.

    A plain table becomes one modality of one-step sequences; scikit-learn's own rules for tables (number and
    names of features, no NaN) are applied to it, and it keeps its floating type.
    """
    if is_table(X):
        if not reset and TABLE_MODALITY not in estimator.modalities_:
            raise ValueError(
                f"{type(estimator).__name__} was fitted on the sequence columns {list(estimator.modalities_)}, "
                "but X is a plain table. Pass sequences as in fit; avfusion.as_sequences makes them."
            )
        index = X.index if isinstance(X, pd.DataFrame) else None
        table = validate_data(estimator, X, reset=reset, dtype=[np.float64, np.float32])
        rows = np.arange(len(table))
        cells = SequenceArray(np.ascontiguousarray(table), rows, np.ones_like(rows))
        return pd.DataFrame({TABLE_MODALITY: cells}, index=index)
    if isinstance(X, pd.DataFrame) and not sequence_columns(X):
        kinds = ", ".join(f"{name!r} ({dtype})" for name, dtype in X.dtypes.items())
        raise ValueError(
            f"X has no sequence column; its columns are {kinds}. Columns of arrays become sequences with "
            "avfusion.as_sequences, a long table of frames with avfusion.as_sequences(X, recording=...)."
        )
    X = as_sequences(X)
    if not len(X):
        raise ValueError("X has 0 rows: nothing to read. At least one row is needed.")
    if reset:
        names = sequence_columns(X)
        estimator.n_features_in_, estimator.feature_names_in_ = len(names), np.array(names, dtype=object)
    return X


def choose_modalities(X, modalities):
    """Return the names of the chosen sequence columns (all, where `modalities` is None)."""
    present = sequence_columns(X)
    if modalities is None:
        return present
    chosen = [modalities] if isinstance(modalities, str) else list(modalities)
    for name in chosen:
        if name in X.columns and name not in present:
            raise ValueError(
                f"Column {name!r} has dtype {X[name].dtype}, not sequences. "
                "avfusion.as_sequences makes a sequence column."
            )
        if name not in present:
            raise ValueError(f"X has no modality {name!r}; its sequence columns are {present}.")
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"modalities={modalities!r} must name one or more different sequence columns.")
    return chosen


def check_widths(X, widths):
    """Raise unless X has the modalities of `fit`, each with the width that it had there."""
    for name in choose_modalities(X, list(widths)):
        width = X[name].array.width
        if width != widths[name]:
            raise ValueError(
                f"Column {name!r} has {width} features per step, but it had {widths[name]} in fit. "
                "Extract the same features, or fit again."
            )


def check_finite(X, names):
    """Raise where a stream holds an infinite value; NaN is legal, it marks a step as not observed."""
    for name in names:
        array = X[name].array
        for row, (start, length) in enumerate(zip(array.starts, array.lengths)):
            if length > 0 and np.isinf(array.frames[start : start + length]).any():
                raise ValueError(
                    f"Column {name!r} holds an infinite value in {describe_row(X.index, row)}. Replace it "
                    "with NaN, which marks a step as not observed."
                )


def describe_row(index, row):
    """Return words for a row: its position and its index label."""
    return f"row {row} (index {index[row]!r})"


def aligned_lengths(X, names, per_frame):
    """Return the number of steps of each row, which all its present streams must share; (n_rows,) int64.

    A row whose chosen streams are all absent takes the length of its other streams; without any it is one
    unobserved step for a clip, and an error where an answer per frame is due.
    """
    check_same_rate(X, names)
    lengths = _common_lengths(X, names)
    if (lengths < 0).any():
        others = [name for name in sequence_columns(X) if name not in names]
        if others:
            unknown = np.flatnonzero(lengths < 0)
            lengths[unknown] = _common_lengths(X.iloc[unknown], others)
    for row in np.flatnonzero(lengths < 0):
        if per_frame:
            raise ValueError(
                f"All streams are absent in {describe_row(X.index, row)} (columns {list(names)}), so the "
                "number of its steps is unknown. Drop the row."
            )
        lengths[row] = 1
    for row in np.flatnonzero(lengths == 0):
        raise ValueError(f"The streams have no step in {describe_row(X.index, row)}. Drop the row.")
    return lengths


def check_same_rate(X, names):
    """Raise where streams that have to be in step declare different rates."""
    rates = {name: X[name].array.rate_hz for name in names if X[name].array.rate_hz is not None}
    if len(set(rates.values())) > 1:
        listed = ", ".join(f"{name!r} {rate:g} Hz" for name, rate in rates.items())
        raise ValueError(
            f"The streams have different rates ({listed}). Bring them onto one time base with "
            "avfusion.Align(rate_hz=...)."
        )


def _common_lengths(X, names):
    lengths = np.full(len(X), -1)
    owner = np.full(len(X), None, dtype=object)
    for name in names:
        own = X[name].array.lengths
        clash = np.flatnonzero((own >= 0) & (lengths >= 0) & (own != lengths))
        if len(clash):
            row = clash[0]
            raise ValueError(
                f"Unequal lengths in {describe_row(X.index, row)}: {owner[row]!r} has {lengths[row]} steps, "
                f"{name!r} has {own[row]}. This estimator reads its streams in step: bring them onto one "
                "time base with avfusion.Align(rate_hz=...)."
            )
        owner[own >= 0] = name
        lengths = np.where(own >= 0, own, lengths)
    return lengths


def frame_labels(targets, lengths, index):
    """Return labels per step for rows of `lengths` steps, (lengths.sum(), K); wholly unlabelled rows are NaN."""
    given = targets.lengths
    for row in np.flatnonzero((given >= 0) & (given != lengths)):
        raise ValueError(
            f"y has {given[row]} labels in {describe_row(index, row)}, whose streams have {lengths[row]} "
            "steps. A label belongs to each step: bring the streams to the rate of the labels with "
            "avfusion.Align(rate_hz=...), and cut both to the same end."
        )
    if (given >= 0).all():
        return targets.values
    labels = np.full((lengths.sum(), targets.values.shape[1]), np.nan)
    labels[np.repeat(given >= 0, lengths)] = targets.values
    return labels


def check_labelled(labels, names):
    """Raise where a target has no label at all."""
    for column in np.flatnonzero(np.isnan(labels).all(axis=0)):
        raise ValueError(f"Nothing is labelled: {names[column]} in y is NaN everywhere.")


def check_rows_agree(X, targets):
    """Raise unless y has a label (sequence) for each row of X."""
    if targets.n_rows != len(X):
        raise ValueError(
            f"X and y have inconsistent numbers of samples: X has {len(X)} rows, y has {targets.n_rows}."
        )
