"""Select the rows and targets to draw, and check predictions against the labels."""

import warnings
from dataclasses import replace

import numpy as np

from avfusion.sequences._identity import check_same_order
from avfusion.sequences._label_clock import RowClock, place_labels
from avfusion.sequences._messages import brief, quoted, row_name
from avfusion.sequences._targets import as_targets


def paired_values(true, y_pred, model, index=None):
    """Return predictions as an array that is aligned with ``true.values``.

    Parameters
    ----------
    true : Targets
    y_pred : predictions, in every form that targets have
    model : str
        Name of the model, for error messages.
    index : pandas.Index, optional
        Names of the rows, for error messages.

    Returns
    -------
    ndarray of the shape of ``true.values``

    Raises
    ------
    ValueError
        If they differ from the labels in kind, rows, lengths or number of targets. Unlike in a metric, they
        may be NaN and labels may be missing: both are drawn as gaps.

    Examples
    --------
    >>> true = as_targets([np.zeros(2), None])
    >>> paired_values(true, [np.ones(2), np.ones(3)], "ridge").ravel()
    array([1., 1.])
    """
    pred = as_targets(y_pred, f"y_pred ({model})")
    _check_same("kind", "y_true is {}", model, true, pred, _kind)
    _check_same("number of rows", "y_true has {}", model, true, pred, lambda t: t.n_rows)
    _check_same("number of targets", "y_true has {}", model, true, pred, lambda t: t.form.n_targets)
    check_same_order(true.index, pred.index, ("y_true", f"y_pred ({model})"))
    if true.lengths is None:
        return pred.values
    if true.clock is not None and pred.clock is not None:  # labels that begin later, or end earlier
        starts = (
            pred.clock.starts_s if np.isnan(true.clock.starts_s).all() else np.nan_to_num(pred.clock.starts_s)
        )
        pred = replace(pred, clock=RowClock(pred.clock.rates_hz, starts, pred.clock.times_s))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # predictions beyond the labels are not drawn
            pred = place_labels(pred, true.lengths, true.clock, f"y_pred ({model})", ask=False)
    wrong = np.flatnonzero((true.lengths != pred.lengths) & (true.lengths >= 0))
    if len(wrong):
        row = wrong[0]
        raise ValueError(
            f"y_true has {true.lengths[row]} labels in {row_name(row, index)}, but the predictions of "
            f"{model!r} are {max(pred.lengths[row], 0)}. Predict for the rows that y_true labels."
        )
    return pred.values[true.lengths[pred.row_of_value] >= 0]


def select_rows(true, rows, most, index=None):
    """Return positions of the rows to draw.

    Parameters
    ----------
    true : Targets
    rows : int, array-like of int, or None
        None takes the first `most` rows that have labels; all rows where labels are per clip.
    most : int
    index : pandas.Index, optional
        Names of the rows, for error messages.

    Returns
    -------
    ndarray of int

    Raises
    ------
    ValueError
        If there is no such row, or it has no labels.

    Examples
    --------
    >>> select_rows(as_targets([np.zeros(2), None, np.zeros(3)]), None, most=3)
    array([0, 2])
    """
    if rows is None:
        if true.lengths is None:
            return np.arange(true.n_rows)
        labelled = np.unique(true.row_of_value[~np.isnan(true.values).all(axis=1)])
        if not len(labelled):
            raise ValueError("y_true has no labels: there is nothing to draw.")
        return labelled[:most]
    positions = np.atleast_1d(np.asarray(rows))
    if positions.ndim != 1 or positions.dtype.kind not in "iu" or not len(positions):
        raise ValueError(
            f"rows={brief(rows)} must be integers from 0 to {true.n_rows - 1}, positions of rows."
        )
    outside = positions[(positions < -true.n_rows) | (positions >= true.n_rows)]
    if len(outside):
        raise ValueError(f"rows has {outside[0]}, but y_true has the rows 0 to {true.n_rows - 1}.")
    positions = positions % true.n_rows
    if true.lengths is not None and (true.lengths[positions] < 1).any():
        empty = positions[true.lengths[positions] < 1][0]
        raise ValueError(f"y_true has no labels in {row_name(empty, index)}. Leave it out of rows.")
    return positions


def select_targets(names, targets):
    """Return positions of the targets to draw.

    Parameters
    ----------
    names : list of str
        Of all targets.
    targets : str, int, list of these, or None
        None takes all.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If there is no such target.

    Examples
    --------
    >>> select_targets(["arousal", "valence"], "valence")
    [1]
    """
    if targets is None:
        return list(range(len(names)))
    chosen = [targets] if isinstance(targets, (str, int, np.integer)) else list(targets)
    positions = []
    for target in chosen:
        position = names.index(target) if target in names else target
        if isinstance(position, str) or position not in range(len(names)):
            raise ValueError(f"targets has {target!r}, but y_true has {quoted(names)}.")
        positions.append(int(position))
    if not positions:
        raise ValueError(f"targets={brief(targets)} chooses none of those in y_true, {quoted(names)}.")
    return positions


def _kind(targets):
    return "per clip" if targets.lengths is None else "per frame"


def _check_same(what, form, model, true, pred, measure):
    expected, found = measure(true), measure(pred)
    if expected != found:
        raise ValueError(
            f"The predictions of {model!r} differ from the labels in {what}: {found}, but "
            f"{form.format(expected)}."
        )
