"""Predictions that are no numbers are not given away as if they were some."""

import numpy as np

from avfusion.sequences._messages import row_name


def check_predicted(values, form, lengths=None, index=None):
    """Raise where a fitted model predicts NaN or infinity.

    Parameters
    ----------
    values : ndarray of shape (n_steps, n_targets) per frame, else (n_rows, n_targets)
        Predictions, rows one after the other.
    form : TargetForm
        Of the targets.
    lengths : ndarray of shape (n_rows,), optional
        Steps of each row; None per clip.
    index : pandas.Index, optional
        Of the rows.

    Raises
    ------
    ValueError
        Naming row, step and target.

    Examples
    --------
    >>> from avfusion.sequences import as_targets
    >>> check_predicted(np.array([[1.0], [np.nan]]), as_targets([1.0, 2.0]).form)
    Traceback (most recent call last):
    ValueError: The prediction for row 1, 'target', is nan (1 of 2 values). Bring features and labels to ...
    """
    if np.isfinite(values).all():
        return
    wrong = ~np.isfinite(values)
    line, k = np.argwhere(wrong)[0]
    place, row = "", line
    if lengths is not None:
        ends = np.cumsum(np.maximum(lengths, 0))
        row = int(np.searchsorted(ends, line, side="right"))
        place = f" step {line - (ends[row] - lengths[row])},"
    raise ValueError(
        f"The prediction for {row_name(row, index)},{place} {form.target_names[k]!r}, is "
        f"{values[line, k]} ({wrong.sum()} of {values.size} values). Bring features and labels to an "
        "ordinary scale, or lower a network's lr, and fit again: what was fitted, or this row, leads beyond "
        "the range of floats."
    )
