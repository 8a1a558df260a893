"""Weights of labels: read in every form, checked, and put beside the labels that they weigh."""

from dataclasses import replace
from numbers import Number

import numpy as np
import pandas as pd

from avfusion.sequences._convert import sequence_columns
from avfusion.sequences._identity import by_recording, check_same_order, index_of
from avfusion.sequences._label_clock import place_labels
from avfusion.sequences._messages import brief, quoted, row_name
from avfusion.sequences._other_tables import as_pandas
from avfusion.sequences._target_form import object_array
from avfusion.sequences._targets import read_targets

NAME = "sample_weight"


def weights_by_row(sample_weight, X, name=NAME):
    """Return weights in a form of which rows can be taken: those that name a column of X, or recordings.

    Parameters
    ----------
    sample_weight : str, mapping, array-like or None
        Name of a numeric column of X, weights by the labels of X's index, or the weights themselves.
    X : DataFrame, other samples or None
    name : str, default="sample_weight"
        What messages call the weights.

    Returns
    -------
    ndarray, Series, list or None

    Raises
    ------
    ValueError
        If there is no such column, it holds sequences or no numbers, or weights carry the labels of the rows
        in another order.

    Examples
    --------
    >>> weights_by_row("trust", pd.DataFrame({"trust": [1, 2]}))
    array([1., 2.])
    """
    if isinstance(sample_weight, str) and X is not None:
        return _column(sample_weight, as_pandas(X), name)
    if isinstance(sample_weight, tuple):
        return list(sample_weight)
    weights = by_recording(as_pandas(sample_weight), index_of(X), name)
    check_same_order(index_of(X), index_of(weights), ("X", name))
    return weights


def _column(column, X, name):
    if not isinstance(X, pd.DataFrame):
        raise ValueError(f"{name}={brief(column)} names a column, but X is not a DataFrame.")
    if column not in X.columns:
        raise ValueError(f"{name}={brief(column)} is no column of X. Its columns are {quoted(X.columns)}.")
    if column in sequence_columns(X):
        raise ValueError(
            f"{name}={brief(column)} is a modality of X. For a weight per label give {name}=X[{column!r}], "
            "and X without that column."
        )
    if not pd.api.types.is_numeric_dtype(X[column].dtype):
        raise ValueError(
            f"{name}={brief(column)} is a column of {X[column].dtype}, and weights are numbers: "
            f"X[{column!r}].astype(float)."
        )
    return X[column].to_numpy(dtype=np.float64, na_value=np.nan)


def with_weights(targets, sample_weight, index=None, name=NAME, of="y"):
    """Return targets with a weight for each label.

    Parameters
    ----------
    targets : Targets
        As they were given, before any are moved in time.
    sample_weight : array-like, DataFrame, Series, list or None
        For each row a number, one for each target, or a sequence as long as the labels; None leaves the
        targets as they are.
    index : pandas.Index, optional
        Labels of the rows, where the targets have none.
    name : str, default="sample_weight"
        What messages call the weights.
    of : str, default="y"
        What messages call the targets.

    Returns
    -------
    Targets

    Raises
    ------
    ValueError
        If weights have other rows, lengths or targets than the labels, or are negative, infinite, NaN at a
        label, or zero at all labels of a target.
    TypeError
        If they are no numbers.

    Examples
    --------
    >>> from avfusion.sequences import as_targets
    >>> y = as_targets([np.array([0.1, 0.2]), np.array([0.3])])
    >>> with_weights(y, [1.0, 2.0]).weights.ravel()
    array([1., 1., 2.])
    """
    if sample_weight is None:
        return targets
    weights = _read(sample_weight, name)
    _check_same_rows(targets, weights, index, name, of)
    values = _beside_labels(targets, weights, name, of)
    _check_values(targets, values, name, of)
    return replace(targets, weights=np.where(np.isnan(targets.values), np.nan, values))


def _read(sample_weight, name):
    if isinstance(sample_weight, (str, Number)):
        hint = " (names of columns need X, which metrics do not get)" * isinstance(sample_weight, str)
        raise TypeError(
            f"{name} is {brief(sample_weight)}, but must hold a weight, or a sequence of them, for each "
            f"row{hint}."
        )
    return read_targets(sample_weight, name)


def _check_same_rows(targets, weights, index, name, of):
    """Raise unless weights have the rows of the labels, and columns that fit them."""
    if weights.n_rows != targets.n_rows:
        raise ValueError(f"{name} has {weights.n_rows} rows, but {of} has {targets.n_rows}.")
    own = targets.index if targets.index is not None else index
    check_same_order(own, weights.index, (of if targets.index is not None else "X", name))
    if weights.lengths is not None and targets.lengths is None:
        raise ValueError(f"{name} holds sequences, but {of} has numbers per row. Give a number per row.")
    width, n_targets = weights.form.n_targets, targets.form.n_targets
    if width not in (1, n_targets):
        raise ValueError(
            f"{name} has {width} columns for {n_targets} target(s) of {of}. Give one for all targets, or one "
            "for each; for weights per frame, a list of arrays."
        )
    names = weights.form.names, targets.form.names
    if width > 1 and None not in names and weights.form.target_names != targets.form.target_names:
        raise ValueError(
            f"{name} has the columns {quoted(names[0])}, but {of} {quoted(names[1])}. Give it the same "
            "columns in the same order."
        )


def _beside_labels(targets, weights, name, of):
    """Return a weight for each value of the targets, of their shape."""
    if targets.lengths is None:
        values = weights.values
    elif weights.lengths is None:
        values = weights.values[targets.row_of_value]
    else:
        if targets.clock is not None and weights.clock is not None:
            weights = place_labels(weights, targets.lengths, targets.clock, name, ask=False, report=False)
        own, given = targets.lengths, weights.lengths
        for row in np.flatnonzero((own > 0) & (given != own)):
            raise ValueError(
                f"{name} has {max(given[row], 0)} weights in {_row(targets, row)}, but {of} has {own[row]} "
                "labels. Give a weight for each label, or one number per row."
            )
        values = weights.values[(own > 0)[weights.row_of_value]]
    return np.broadcast_to(values, targets.values.shape)


def _check_values(targets, values, name, of):
    """Raise where a label has no weight that can be used, or no label of a target counts."""
    labelled = ~np.isnan(targets.values)
    with np.errstate(invalid="ignore"):
        wrong = np.argwhere(labelled & ~((values >= 0) & (values < np.inf)))
    names = targets.form.target_names
    if len(wrong):
        line, k = wrong[0]
        value = values[line, k]
        remedy = "Use 0 for a label that does not count" if not value < 0 else "Weights are 0 or more"
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise ValueError(
            f"{name} is {value:g} at a label in {_row(targets, targets.row_of_value[line])}, "
            f"{names[k]!r}{more}. {remedy}."
        )
    idle = labelled.any(axis=0) & ~(labelled & (values > 0)).any(axis=0)
    for k in np.flatnonzero(idle):
        raise ValueError(
            f"{name} is zero at all labels of {names[k]!r} in {of}, so that none counts. Give one a weight, "
            "or leave the target out."
        )


def _row(targets, row):
    return row_name(int(row), targets.index)


def weights_of(targets, rows=None):
    """Return the weights of some rows in a form that `fit` of every estimator takes beside their labels.

    Parameters
    ----------
    targets : Targets
        With weights, or without.
    rows : array-like of int, optional
        By default all.

    Returns
    -------
    ndarray or None
        Per frame: an object array with an array (T,) or (T, K) for each row. Per clip: (n,) or, where
        targets are not weighed alike, (n, K). What has no label has the weight 0.

    Examples
    --------
    >>> from avfusion.sequences import as_targets
    >>> weights_of(with_weights(as_targets([0.1, 0.2, 0.3]), [1.0, 2.0, 3.0]), [0, 2])
    array([1., 3.])
    """
    if targets.weights is None:
        return None
    taken = targets if rows is None else targets.take(rows)
    filled = np.nan_to_num(taken.weights)
    alike = (np.isnan(taken.weights) | (filled == filled.max(axis=1, keepdims=True))).all()
    filled = filled.max(axis=1) if alike else filled
    if taken.lengths is None:
        return filled
    cells = np.split(filled, np.cumsum(np.maximum(taken.lengths, 0))[:-1])
    return object_array([None if n < 0 else cell for n, cell in zip(taken.lengths, cells)])
