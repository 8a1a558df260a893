"""From predictions per fold to out-of-fold predictions in the order and the form of y."""

import numpy as np

from avfusion.sequences._buffers import packed_starts
from avfusion.sequences._label_clock import RowClock
from avfusion.sequences._targets import as_targets


def out_of_fold(y, tests, parts):
    """Put the predictions of all folds in the order and the form of the labels.

    Parameters
    ----------
    y : Targets, DataFrame, Series, list or array
        The labels of all rows.
    tests : list of array of int
        Rows that each fold tests.
    parts : list
        Predictions for these rows, in any form; None where there are none.

    Returns
    -------
    DataFrame, Series or ndarray
        NaN in rows that no fold tests or has no predictions for.

    Raises
    ------
    ValueError
        If the predictions cannot take the form of y.

    Examples
    --------
    >>> out_of_fold([1.0, 2.0, 3.0, 4.0], [np.array([2, 0]), np.array([1])], [[30, 10], [20]])
    array([10., 20., 30., nan])
    """
    targets = as_targets(y)
    given = [(test, as_targets(part, "y_pred")) for test, part in zip(tests, parts) if part is not None]
    lengths = targets.lengths
    if lengths is None:
        values = np.full(targets.values.shape, np.nan)
        for test, part in given:
            values[test] = part.values
        return targets.form.wrap(values, index=targets.index)
    lengths = lengths.copy()
    for test, part in given:
        lengths[test] = part.lengths
    values = np.full((np.maximum(lengths, 0).sum(), targets.form.n_targets), np.nan)
    starts = packed_starts(lengths)
    for test, part in given:
        shifts = starts[test] - packed_starts(part.lengths)
        values[np.arange(len(part.values)) + shifts[part.row_of_value]] = part.values
    return targets.form.wrap(values, lengths, targets.index, _clock(given, lengths))


def _clock(given, lengths):
    """Return when the steps of out-of-fold predictions are, as far as rates and starts tell."""
    rates, starts = np.full(len(lengths), np.nan), np.full(len(lengths), np.nan)
    for test, part in given:
        if part.clock is not None:
            rates[test], starts[test] = part.clock.rates_hz, part.clock.starts_s
    return RowClock(rates, starts)
