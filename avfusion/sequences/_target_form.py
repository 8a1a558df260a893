"""The form in which targets were given, so that predictions can be given back in it."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._dtype import SequenceDtype

Predictions: TypeAlias = pd.DataFrame | pd.Series | np.ndarray  # in the form that y had


@dataclass(frozen=True)
class TargetForm:
    """The form in which targets were given, so that predictions can be given back in it.

    Fitted estimators keep it; it holds no data and pickles.

    Parameters
    ----------
    per_frame : bool
        Whether every row has a sequence of values (else one value per target).
    names : tuple or None
        Column names of a DataFrame, ``(name,)`` of a Series, None for anything else.
    n_targets : int
        Number of targets K, all columns together.
    container : {"frame", "series", "cells", "array"}
        DataFrame, Series, list or object array of sequences, or numeric array.
    widths : tuple of int
        Number of targets of each column (of the one column, unless it was a table).
    flat : tuple of bool
        Whether each column's arrays, or the arrays in its cells, came without an axis of targets.
    dtypes : tuple
        Per column of a DataFrame or Series: the `SequenceDtype`, the float dtype, or ``object``.

    Examples
    --------
    >>> import numpy as np
    >>> from avfusion.sequences._targets import as_targets
    >>> form = as_targets([np.zeros(3), np.ones(2)]).form
    >>> form.wrap(np.arange(5.0)[:, None], lengths=[3, 2])
    array([array([0., 1., 2.]), array([3., 4.])], dtype=object)
    """

    per_frame: bool
    names: tuple | None
    n_targets: int
    container: str
    widths: tuple
    flat: tuple
    dtypes: tuple = ()

    @property
    def target_names(self) -> list[str]:
        """One name per target: the column's, with a position where a column holds several.

        Examples
        --------
        >>> import pandas as pd
        >>> from avfusion.sequences._targets import as_targets
        >>> as_targets(pd.DataFrame({"arousal": [0.1], "valence": [0.2]})).form.target_names
        ['arousal', 'valence']
        >>> as_targets([[1.0, 2.0], [3.0, 4.0]]).form.target_names
        ['target 0', 'target 1']
        """
        if self.names is None or self.names == (None,):
            return ["target"] if self.n_targets == 1 else [f"target {k}" for k in range(self.n_targets)]
        names = []
        for name, width in zip(self.names, self.widths):
            names += [str(name)] if width == 1 else [f"{name} {k}" for k in range(width)]
        return names

    def of_target(self, k) -> "TargetForm":
        """Return the form that one target has by itself.

        Parameters
        ----------
        k : int
            Its position.

        Returns
        -------
        TargetForm
            Of the same container, with one column; a Series or column of several targets is named after the
            one.

        Examples
        --------
        >>> import pandas as pd
        >>> from avfusion.sequences._targets import as_targets
        >>> as_targets(pd.DataFrame({"arousal": [0.1], "valence": [0.2]})).form.of_target(1).target_names
        ['valence']
        """
        column = int(np.searchsorted(np.cumsum(self.widths), k, side="right"))
        flat = self.flat[column] or self.container in ("array", "cells")
        names, dtypes = self.names, self.dtypes
        if names is not None:
            own = names[column] if self.widths[column] == 1 else self.target_names[k]
            names, dtypes = (own,), (dtypes[column],)
        return TargetForm(self.per_frame, names, 1, self.container, (1,), (flat,), dtypes)

    def wrap(self, values, lengths=None, index=None, clock=None) -> Predictions:
        """Give values back in the form that the targets had.

        Parameters
        ----------
        values : array-like of shape (n_frames, K) per frame, else (n_rows, K)
            Packed in the order of the rows. A single target may come without its axis.
        lengths : array-like of shape (n_rows,), optional
            Number of frames of each row (-1: missing); needed if `per_frame`.
        index : pandas.Index, optional
            Index of a DataFrame or Series; by default 0, 1, ...
        clock : RowClock, optional
            When the frames are; columns of sequences that had a clock get it.

        Returns
        -------
        DataFrame, Series or ndarray
            Lists, tuples and object arrays come back as an object array, numbers as a float array.

        Raises
        ------
        ValueError
            If the shapes do not agree, or rows of different lengths are to become one 3-D array.

        Examples
        --------
        >>> from avfusion.sequences._targets import as_targets
        >>> as_targets(pd.Series([1.0, 2.0], name="rating")).form.wrap([[3.0], [4.0]], index=["a", "b"])
        a    3.0
        b    4.0
        Name: rating, dtype: float64
        """
        values = np.asarray(values)
        values = values[:, None] if values.ndim == 1 else values
        lengths = np.asarray(lengths, dtype=np.int64) if self.per_frame else None
        n_values = len(values) if lengths is None else np.maximum(lengths, 0).sum()
        if values.shape != (n_values, self.n_targets):
            raise ValueError(
                f"Values of shape {values.shape} cannot take the form of the targets: "
                f"{(int(n_values), self.n_targets)} (values, targets) are needed."
            )
        if self.container == "array":
            return self._wrap_array(values, lengths)
        stops = np.cumsum(self.widths)
        blocks = [values[:, stop - width : stop] for stop, width in zip(stops, self.widths)]
        if self.container == "cells":
            columns = [_cells(block, lengths, flat) for block, flat in zip(blocks, self.flat)]
            return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)
        columns = [
            _pandas_column(block, lengths, dtype, flat, clock)
            for block, dtype, flat in zip(blocks, self.dtypes, self.flat)
        ]
        if self.container == "series":
            return pd.Series(columns[0], index=index, name=self.names[0])
        frame = pd.DataFrame(dict(enumerate(columns)), index=index)
        frame.columns = pd.Index(self.names, tupleize_cols=False)
        return frame

    def _wrap_array(self, values, lengths):
        if lengths is None:
            return values[:, 0] if self.flat[0] else values
        if len(np.unique(lengths)) != 1 or lengths[0] < 0:
            raise ValueError(
                "The targets were one (rows, frames, targets) array, but the rows have different lengths "
                f"({lengths.min()} to {lengths.max()} frames). Give the targets as a list of arrays instead."
            )
        return values.reshape(len(lengths), int(lengths[0]), self.n_targets)


def object_array(cells):
    """Return cells in a one-dimensional object array, whatever they are."""
    array = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        array[row] = cell
    return array


def _cells(block, lengths, flat):
    stops = np.cumsum(np.maximum(lengths, 0))
    block = block[:, 0] if flat else block
    return object_array([None if n < 0 else block[stop - n : stop] for stop, n in zip(stops, lengths)])


def _pandas_column(block, lengths, dtype, flat, clock):
    if isinstance(dtype, SequenceDtype):
        known = clock.arguments() if clock is not None and dtype.timed else {}
        if (
            dtype.rate_hz is not None
        ):  # the rate is that of the labels, when they begin is said by the streams
            known = {"rate_hz": dtype.rate_hz, "start_s": known.get("start_s")}
        return SequenceArray.from_packed(block.astype(dtype.subtype), lengths, **known)
    if lengths is not None:
        return _cells(block, lengths, flat)
    return block[:, 0].astype(dtype)
