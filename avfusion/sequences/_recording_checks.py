"""Checks of X and y that are something else than they seem: turned, ambiguous, infinite, without columns."""

import numpy as np
import pandas as pd

from avfusion.sequences._buffers import in_blocks
from avfusion.sequences._callers import selecting_tool, stacking_tool
from avfusion.sequences._convert import sequence_columns
from avfusion.sequences._messages import quoted
from avfusion.sequences._readings import is_label_per_step
from avfusion.sequences._text_files import remedy_for_cells


def check_orientation(X, y):
    """Refuse X or y whose columns, not rows, are as many as the rows of the other."""
    shapes = [_shape(data) for data in (X, y)]
    if () in shapes or shapes[0][0] == shapes[1][0]:
        return
    upright = isinstance(X, pd.DataFrame) and sequence_columns(X)
    sides = (("X", *shapes),) * (not upright) + (("y", *reversed(shapes)),)
    turned = [name for name, own, other in sides if len(own) == 2 and own[1] == other[0]]
    if turned:
        raise ValueError(
            f"X and y have inconsistent numbers of samples: X has {shapes[0][0]} rows, y has {shapes[1][0]}. "
            f"If the columns of {' or '.join(turned)} are the rows, give {'.T or '.join(turned)}.T."
        )


def _shape(data):
    if hasattr(data, "shape"):
        return data.shape
    return (len(data),) if hasattr(data, "__len__") else ()


def check_recordings(X):
    """Refuse an array (T, D) for a modality whose rows were longer in `fit`."""
    for name, rows in X.items():
        if isinstance(rows, np.ndarray) and rows.dtype != object and rows.ndim == 2:
            n = len(rows)
            raise ValueError(
                f"X[{name!r}] has the shape {rows.shape}: {n} recordings of one step, or one recording of "
                f"{n} steps? Rows were longer in fit: give {{{name!r}: [array]}} for one recording, "
                f"{{{name!r}: array[:, None]}} for {n}."
            )


def check_labels_per_row(data, targets):
    """Refuse labels per step under a tool that stacks numbers, and numbers per row that may be either."""
    n_targets = targets.form.n_targets
    if targets.lengths is not None and stacking_tool():
        raise ValueError(f"y has a label per step. {stacking_tool()}")
    if (
        targets.lengths is None
        and targets.form.names is None
        and is_label_per_step(n_targets, [c.lengths for c in data.columns.values()])
    ):
        raise ValueError(
            f"y has {n_targets} numbers for each row, and every row has {n_targets} steps: {n_targets} "
            "ratings of the row, or a label per step? Give y[:, :, None] or a list of arrays for a label "
            "per step; for ratings, a DataFrame with a name for each."
        )


def refuse_objects(X):
    """Refuse tables of text, and columns of metadata that a tool chose by themselves."""
    if isinstance(X, pd.DataFrame):
        others = [name for name, dtype in X.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]
        if others:
            raise ValueError(
                f"X has no sequence column, and columns that are not numbers: {quoted(others, limit=4)}. "
                + (
                    remedy_for_cells(X, others)
                    or "Turn recordings into sequence columns with avfusion.as_sequences."
                )
            )
    elif isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 2 and selecting_tool():
        raise ValueError(
            f"X is an array {X.shape} of objects, none of them a sequence: {selecting_tool()} chose columns "
            "of metadata alone. Give it the streams only, X[avfusion.sequences.sequence_columns(X)]; if all "
            "are numbers, X.astype(float)."
        )


def first_infinite(column):
    """Find the first infinite value of a column.

    Parameters
    ----------
    column : SequenceArray

    Returns
    -------
    (row, step) or None

    Examples
    --------
    >>> from avfusion.sequences import SequenceArray
    >>> first_infinite(SequenceArray.from_sequences([[0.0], [1.0, float("inf")]]))
    (1, 1)
    """
    ends = np.cumsum(np.maximum(column.lengths, 0))
    for rows, frames in in_blocks(column.frames, column.starts, column.lengths):
        infinite = np.isinf(frames).any(axis=1)
        if infinite.any():
            frame = ends[rows.start] - max(column.lengths[rows.start], 0) + int(infinite.argmax())
            row = int(np.searchsorted(ends, frame, side="right"))
            return row, int(frame - (ends[row] - column.lengths[row]))
    return None
