"""Agreement of continuous predictions with labels, for labels per frame and per clip.

All functions take every kind of y that `avfusion` takes, leave out NaN labels and share two options:
`multioutput`, as in scikit-learn, and `average`, over all labelled frames together or row by row. Labels are
read once, by `paired_targets`; the scores themselves are functions of packed arrays, and `Targets` are taken
as they are.
"""

from dataclasses import replace
from inspect import cleandoc

import numpy as np

from avfusion.metrics._statistics import Column, by_row, ccc, mae, pcc, rmse, sagr
from avfusion.sequences._callers import permuting_tool
from avfusion.sequences._identity import check_same_order
from avfusion.sequences._label_clock import place_labels
from avfusion.sequences._messages import brief, quoted, row_name
from avfusion.sequences._plain_arrays import plain_parts
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import weights_by_row, with_weights

_DESCRIPTIONS = {
    "{parameters}": """\
y_true, y_pred : DataFrame, Series, list, tuple or array
    Labels and predictions, per frame or per clip: numbers, sequence columns, or an array per row. Their
    rows must have the same lengths. NaN labels, and rows whose labels are missing, are left out.
sample_weight : array-like, Series, DataFrame or list, optional
    How much labels count: a number per row, one for each target, or a sequence as long as the labels.
    Labels of weight 0 are left out. Ratios matter, within a target.
multioutput : {"uniform_average", "raw_values"} or array-like of shape (K,)
    Mean over targets, one value per target, or weights of the targets.
average : {"pooled", "row"}
    One score over all labelled frames of all rows, or the mean over rows of each row's own score (labels
    per frame only; rows without labels are left out; rows count by the mean weight of their labels).""",
    "{raises}": """\
ValueError
    If labels and predictions do not have the same kind, rows, lengths and number of targets; if their
    columns are the same ones in another order; if a target has no label at all; if a prediction is NaN
    where there is a label; if weights do not fit the labels.""",
}


def _documented(metric):
    """Put the descriptions that all metrics share into the docstring of one."""
    text = cleandoc(metric.__doc__ or "") + "\n"
    for name, description in _DESCRIPTIONS.items():
        text = text.replace(name, description)
    metric.__doc__ = text
    return metric


@_documented
def ccc_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", average="pooled"):
    """Concordance correlation coefficient.

    2 cov(y, p) / (var y + var p + (mean y - mean p)^2), with the moments of n (not n - 1) values: Pearson's
    correlation, lowered by any difference in mean or standard deviation. The measure of continuous affect
    recognition.

    Parameters
    ----------
    {parameters}

    Returns
    -------
    float or ndarray of shape (K,)
        In [-1, 1]; 1 is perfect. 0 where the labels or the predictions are constant.

    Raises
    ------
    {raises}

    References
    ----------
    .. [1] L. I-K. Lin, "A concordance correlation coefficient to evaluate reproducibility", Biometrics 45,
       1989.

    Examples
    --------
    >>> from avfusion.metrics import ccc_score
    >>> round(ccc_score([1.0, 2.0, 3.0, 4.0], [1.5, 2.0, 2.5, 5.0]), 3)
    0.88
    >>> ccc_score([[1.0, 1.0], [2.0, 5.0]], [[1.0, 3.0], [2.0, 3.0]], multioutput="raw_values")
    array([1., 0.])
    """
    return _score(ccc, y_true, y_pred, sample_weight, multioutput, average)


@_documented
def pcc_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", average="pooled"):
    """Correlation coefficient of Pearson.

    Parameters
    ----------
    {parameters}

    Returns
    -------
    float or ndarray of shape (K,)
        In [-1, 1]. 0 where the labels or the predictions are constant.

    Raises
    ------
    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> from avfusion.metrics import pcc_score
    >>> labels = [np.array([0.1, 0.3, np.nan]), np.array([0.5])]
    >>> round(pcc_score(labels, [np.array([1.0, 2.0, 9.0]), np.array([3.0])]), 3)
    1.0
    """
    return _score(pcc, y_true, y_pred, sample_weight, multioutput, average)


@_documented
def sagr_score(y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", average="pooled"):
    """Sign agreement: the share of labels whose prediction has the same sign.

    Zero agrees with zero only.

    Parameters
    ----------
    {parameters}

    Returns
    -------
    float or ndarray of shape (K,)
        In [0, 1]; 1 is best.

    Raises
    ------
    {raises}

    References
    ----------
    .. [1] M. A. Nicolaou, H. Gunes, M. Pantic, "Continuous prediction of spontaneous affect from multiple
       cues and modalities in valence-arousal space", IEEE Trans. Affective Computing 2(2), 2011.

    Examples
    --------
    >>> from avfusion.metrics import sagr_score
    >>> sagr_score([-0.2, 0.1, 0.4, 0.5], [-0.1, 0.3, -0.1, 0.0])
    0.5
    """
    return _score(sagr, y_true, y_pred, sample_weight, multioutput, average)


@_documented
def root_mean_squared_error(
    y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", average="pooled"
):
    """Root of the mean squared error, in units of y.

    Parameters
    ----------
    {parameters}

    Returns
    -------
    float or ndarray of shape (K,)
        0 is best.

    Raises
    ------
    {raises}

    Examples
    --------
    >>> from avfusion.metrics import root_mean_squared_error
    >>> root_mean_squared_error([1.0, 2.0, float("nan")], [1.0, 4.0, 0.0])
    1.4142135623730951
    """
    return _score(rmse, y_true, y_pred, sample_weight, multioutput, average)


@_documented
def mean_absolute_error(
    y_true, y_pred, *, sample_weight=None, multioutput="uniform_average", average="pooled"
):
    """Mean of the absolute error, in units of y.

    Parameters
    ----------
    {parameters}

    Returns
    -------
    float or ndarray of shape (K,)
        0 is best.

    Raises
    ------
    {raises}

    Examples
    --------
    >>> from avfusion.metrics import mean_absolute_error
    >>> mean_absolute_error([1.0, 2.0, float("nan")], [1.0, 4.0, 0.0])
    1.0
    """
    return _score(mae, y_true, y_pred, sample_weight, multioutput, average)


#: What each metric computes from a `Column`.
STATISTICS = {
    ccc_score: ccc,
    pcc_score: pcc,
    sagr_score: sagr,
    root_mean_squared_error: rmse,
    mean_absolute_error: mae,
}


def _score(statistic, y_true, y_pred, sample_weight, multioutput, average):
    if average not in ("pooled", "row"):
        raise ValueError(f"average must be 'pooled' or 'row', not {average!r}.")
    true, pred = paired_targets(y_true, y_pred, sample_weight)
    if average == "row" and true.lengths is None:
        raise ValueError("average='row' needs labels per frame, but y_true has one label per row.")
    columns = labelled_columns(true, pred)
    if average == "pooled":
        scores = [statistic(column) for column in columns]
    else:
        scores = [mean_over_rows(statistic, column) for column in columns]
    return _over_targets(np.array(scores, dtype=np.float64), multioutput)


def labelled_columns(true, pred):
    """Take labels and predictions apart into targets, without NaN labels.

    Parameters
    ----------
    true, pred : Targets
        From `paired_targets`.

    Returns
    -------
    list of Column
        One for each target.

    Examples
    --------
    >>> [column.pred for column in labelled_columns(*paired_targets([1.0, float("nan")], [2.0, 3.0]))]
    [array([2.])]
    """
    labelled, weights, row = ~np.isnan(true.values), true.weights, true.row_of_value
    return [
        Column(
            true.values[seen, k],
            pred.values[seen, k],
            None if weights is None else weights[seen, k],
            row[seen],
        )
        for k, seen in enumerate(labelled.T)
    ]


def mean_over_rows(statistic, column):
    """Return the mean over rows of each row's own statistic.

    Examples
    --------
    >>> column = Column(np.array([1.0, 2.0, 3.0]), np.zeros(3), None, np.array([0, 0, 1]))
    >>> float(mean_over_rows(mae, column))
    2.25
    """
    values, weights, _ = by_row(statistic, column)
    return np.mean(values) if column.weight is None else np.average(values, weights=weights)


def _over_targets(scores, multioutput):
    if isinstance(multioutput, str):
        if multioutput == "raw_values":
            return scores
        if multioutput == "uniform_average":
            return float(scores.mean())
        raise ValueError(
            "multioutput must be 'uniform_average', 'raw_values' or an array of weights, not "
            f"{brief(multioutput)}."
        )
    weights = np.asarray(plain_parts(multioutput), dtype=np.float64)
    if weights.shape != scores.shape:
        raise ValueError(f"multioutput has {weights.size} weights for {scores.size} targets.")
    largest = weights.max(initial=0.0)
    if not (np.isfinite(weights).all() and weights.min() >= 0 and largest > 0):
        raise ValueError(
            f"multioutput is {brief(weights.tolist(), 60)}. Weights of targets are 0 or more, and one is "
            "more; use 0 for a target that does not count."
        )
    return float(np.average(scores, weights=weights / largest))


def paired_targets(y_true, y_pred, sample_weight=None):
    """Read labels and predictions and bring them to the same frames or rows.

    Parameters
    ----------
    y_true, y_pred : Targets, DataFrame, Series, list, tuple or array
        Labels and predictions, as in `ccc_score`; `Targets` are not read again.
    sample_weight : optional
        Weights, as in `ccc_score`; `Targets` may have brought theirs.

    Returns
    -------
    true, pred : Targets
        With `values` of equal shape: values of rows whose labels are missing are dropped from both, and their
        lengths are -1. NaN labels stay; those of weight 0 become NaN.

    Raises
    ------
    ValueError
        As `ccc_score`.

    Examples
    --------
    >>> import numpy as np
    >>> from avfusion.metrics._regression import paired_targets
    >>> true, pred = paired_targets([np.ones(2), None], [np.zeros(2), np.zeros(3)])
    >>> true.values.shape, pred.values.shape
    ((2, 1), (2, 1))
    """
    true, pred = as_targets(y_true, "y_true"), as_targets(y_pred, "y_pred")
    kinds = ["per frame" if t.lengths is not None else "per clip" for t in (true, pred)]
    if kinds[0] != kinds[1]:
        raise ValueError(f"y_true has labels {kinds[0]}, but y_pred has predictions {kinds[1]}.")
    if true.n_rows != pred.n_rows:
        raise ValueError(f"y_true has {true.n_rows} rows, but y_pred has {pred.n_rows}.")
    if true.form.n_targets != pred.form.n_targets:
        raise ValueError(f"y_true has {true.form.n_targets} targets, but y_pred has {pred.form.n_targets}.")
    names = true.form.names, pred.form.names
    if None not in names and names[0] != names[1] and set(names[0]) == set(names[1]):
        raise ValueError(
            f"y_true has the targets {quoted(names[0])}, y_pred the same ones in another order, "
            f"{quoted(names[1])}: bring them into one order."
        )
    check_same_order(true.index, pred.index, ("y_true", "y_pred"))
    weights = weights_by_row(sample_weight, None)
    true = _of_ordinary_size(with_weights(true, weights, pred.index, of="y_true").counted)
    if true.lengths is not None:
        true = place_labels(true, pred.lengths, pred.clock, "y_true", ask=False)
        pred = _on_labelled_rows(true, pred)
    _check_labels(true, pred)
    return true, pred


def _of_ordinary_size(targets):
    """Scale weights whose sum may overflow by a power of two, which is exact: only ratios matter."""
    if targets.weights is None:
        return targets
    _, exponent = np.frexp(np.nan_to_num(targets.weights).max(axis=0, initial=0.0))
    exponent = np.where(np.abs(exponent) > 500, exponent, 0)
    return replace(targets, weights=np.ldexp(targets.weights, -exponent))


def _on_labelled_rows(true, pred):
    missing = true.lengths < 0
    if len(wrong := np.flatnonzero((true.lengths != pred.lengths) & ~missing)):
        row, more = wrong[0], f" (and in {len(wrong) - 1} more rows)" * (len(wrong) > 1)
        raise ValueError(
            f"y_true has {true.lengths[row]} labels in {row_name(row, true.index)} but y_pred has "
            f"{max(pred.lengths[row], 0)}{more}. {permuting_tool() or 'Give both of the same steps.'}"
        )
    if not missing.any():
        return pred
    kept = ~missing[pred.row_of_value]
    return replace(pred, values=pred.values[kept], lengths=true.lengths)


def _check_labels(true, pred):
    labelled = ~np.isnan(true.values)
    empty = np.flatnonzero(~labelled.any(axis=0))
    if len(empty):
        raise ValueError(
            f"y_true has no label at all for {true.form.target_names[empty[0]]!r}: nothing to score."
        )
    broken = np.argwhere(labelled & np.isnan(pred.values))
    if len(broken):
        line, k = broken[0]
        raise ValueError(
            f"y_pred is NaN where there is a label: {row_name(true.row_of_value[line], true.index)}, "
            f"{true.form.target_names[k]!r} ({len(broken)} such predictions)."
        )
