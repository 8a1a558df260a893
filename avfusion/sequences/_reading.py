"""How estimators and transformers read X: columns of sequences, or a table of numbers as scikit-learn has."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._buffers import gather
from avfusion.sequences._cells import n_axes
from avfusion.sequences._convert import ONLY, as_sequences, sequence_columns
from avfusion.sequences._dtype import Sequence, SequenceDtype
from avfusion.sequences._padded import is_padded_pair
from avfusion.sequences._target_columns import row_name

BLOCK = 1 << 22  # numbers looked at together: 32 MB of float64


def read_columns(estimator, X, *, reset, allow_nan=False):
    """Return X as a DataFrame with sequence columns, whatever form it has.

    A plain table becomes one modality of one-step sequences. scikit-learn's own rules for tables (number and
    names of features, finite values) are applied to it, and it keeps its floating dtype.

    Parameters
    ----------
    estimator : estimator or transformer
        Gets ``n_features_in_`` and, where X has names, ``feature_names_in_``: those of all columns.
        ``_fitted_on_array`` tells afterwards whether X was a table. Once fitted it has ``modalities_``, a
        mapping of the names of the sequence columns to their widths, or to (width, rate).
    X : DataFrame with sequence columns, array-like (n_rows, n_features), or what `as_sequences` takes
        One row per recording or clip.
    reset : bool
        True in `fit`; else X is compared with what `fit` has seen.
    allow_nan : bool, default=False
        Whether a table may hold NaN. Sequences may: NaN marks a step as not observed.

    Returns
    -------
    DataFrame
        With the index of X; metadata columns stay as they are. A modality of `fit` that is missing in every
        row gets the width it had in `fit`.

    Raises
    ------
    ValueError
        If X is empty, has neither numbers nor sequences, or is a table where `fit` had sequences or the other
        way round.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> estimator = BaseEstimator()
    >>> read_columns(estimator, [[1.0, 2.0], [3.0, 4.0]], reset=True)
      features
    0    1 x 2
    1    1 x 2
    >>> estimator.n_features_in_
    2
    """
    table = is_table(X)
    if not table:
        X = _read_sequences(estimator, X)
    else:
        _refuse_objects(X)
    if not reset:
        _check_kind(estimator, table, X)
        X = X if table else _with_known_widths(X, estimator.modalities_)
    if table:
        X = _read_table(estimator, X, reset, allow_nan)
    elif reset:
        estimator.n_features_in_ = X.shape[1]
        estimator.feature_names_in_ = np.asarray(X.columns, dtype=object)
    if reset:
        estimator._fitted_on_array = table
    return X


def is_table(X):
    """Tell whether X is what scikit-learn calls X, a two-dimensional table, and not sequences in some form.

    A list of one-dimensional arrays is a table, as everywhere in scikit-learn.

    Examples
    --------
    >>> is_table([[1.0, 2.0], [3.0, 4.0]]), is_table([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]])
    (True, False)
    >>> is_table({"audio": [[1.0, 2.0], [3.0]]})
    False
    """
    if issparse(X):  # some sparse formats are mappings
        return True
    if isinstance(X, pd.DataFrame):
        return not any(_holds_sequences(column) for _, column in X.items())
    if isinstance(X, Mapping) or is_padded_pair(X):
        return False
    if isinstance(X, (list, tuple)):
        return not any(isinstance(row, Mapping) or n_axes(row) > 1 for row in X)
    if getattr(X, "ndim", 2) == 1:
        return not _holds_sequences(X)
    return getattr(X, "ndim", 2) != 3


def check_widths(estimator, X, widths):
    """Raise unless X has the modalities of `fit`, each with the width that it had there.

    Parameters
    ----------
    estimator : estimator or transformer
        Named in the message.
    X : DataFrame
        With sequence columns.
    widths : dict of str to int
        Names and widths of the modalities of `fit`.

    Raises
    ------
    ValueError
        If one is lacking or has another width.

    Examples
    --------
    >>> from sklearn.base import BaseEstimator
    >>> check_widths(BaseEstimator(), as_sequences({"audio": [[1.0, 2.0]]}), {"audio": 1})
    """
    fitted, present = type(estimator).__name__, sequence_columns(X)
    lacking = [name for name in widths if name not in present]
    if lacking:
        raise ValueError(
            f"X lacks sequence columns that {fitted} was fitted on: {listed(lacking)}; "
            "an absent stream is a column of missing values"
        )
    for name, width in widths.items():
        if X[name].array.width != width:
            raise ValueError(
                f"column {name!r} has {X[name].array.width} features per frame, but {fitted} was fitted on "
                f"{width}; give it the features of fit, or fit it again"
            )


def check_finite(X, names):
    """Raise where a stream holds an infinite value. NaN is legal: it marks a step as not observed.

    Frames are looked at in blocks of whole rows, so that memory-mapped ones are not loaded at once.

    Parameters
    ----------
    X : DataFrame
        With sequence columns.
    names : iterable of str
        Columns to check.

    Raises
    ------
    ValueError
        Naming the row, the column and the step.

    Examples
    --------
    >>> check_finite(as_sequences({"audio": [[1.0, float("nan")]]}), ["audio"])
    """
    for name in names:
        column = X[name].array
        ends = np.cumsum(np.maximum(column.lengths, 0))
        block_of_row = ends * column.width // BLOCK
        for first, last in _runs(block_of_row):
            rows = slice(first, last)
            frames = gather(column.frames, column.starts[rows], column.lengths[rows])
            infinite = np.isinf(frames).any(axis=1)
            if infinite.any():
                begin = ends[first] - max(column.lengths[first], 0)
                frame = begin + int(infinite.argmax())
                row = int(np.searchsorted(ends, frame, side="right"))
                step = frame - (ends[row] - column.lengths[row])
                raise ValueError(
                    f"{row_name(row, X.index)}, column {name!r}: step {step} holds an infinite value; "
                    "replace it, or set it to NaN if it was not observed"
                )


def listed(names):
    """Write names for a message.

    Examples
    --------
    >>> listed(["audio", "video"])
    "'audio', 'video'"
    """
    return ", ".join(map(repr, names))


def _read_sequences(estimator, X):
    if isinstance(X, pd.DataFrame):
        if not X.columns.is_unique:
            repeated = listed(X.columns[X.columns.duplicated()])
            raise ValueError(f"the columns of X have names in common: {repeated}")
        if len(X) == 0:
            raise ValueError(f"X has no rows; {type(estimator).__name__} needs at least one recording")
    return as_sequences(X)


def _with_known_widths(X, modalities):
    """Give columns without any present row, which cannot tell it themselves, the width and rate of `fit`."""
    columns = {}
    for name, known in modalities.items():
        if name in X.columns and X[name].isna().all():
            width, rate_hz = known if isinstance(known, tuple) else (known, None)
            columns[name] = SequenceArray.from_sequences([None] * len(X), width=width, rate_hz=rate_hz)
    return X.assign(**columns) if columns else X


def _read_table(estimator, X, reset, allow_nan):
    index = X.index if isinstance(X, pd.DataFrame) else None
    finite = "allow-nan" if allow_nan else True
    table = validate_data(
        estimator, X, reset=reset, dtype=[np.float64, np.float32], order="C", ensure_all_finite=finite
    )
    rows = np.arange(len(table))
    return pd.DataFrame({ONLY: SequenceArray(table.view(), rows, np.ones_like(rows))}, index=index)


def _refuse_objects(X):
    """Refuse tables of text or of sequences that lost their columns, which are not tables of numbers."""
    if isinstance(X, pd.DataFrame):
        others = [name for name, dtype in X.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]
        if others:
            raise ValueError(
                f"X has no sequence column, and columns that are not numbers: {listed(others)}; "
                "turn recordings into sequence columns with avfusion.as_sequences"
            )
    elif isinstance(X, np.ndarray) and X.dtype == object and any(isinstance(c, Sequence) for c in X.flat):
        raise ValueError(
            "X is a 2-D array with sequences in its cells, whose columns have lost their names and types; "
            'if it comes from a ColumnTransformer or FeatureUnion, call its set_output(transform="pandas")'
        )


def _check_kind(estimator, table, X):
    fitted = type(estimator).__name__
    if not table and estimator._fitted_on_array:
        raise ValueError(
            f"{fitted} was fitted on a 2-D table of numbers, but X has sequence columns "
            f"{listed(sequence_columns(X))}; fit it on such columns"
        )
    if table and not estimator._fitted_on_array:
        raise ValueError(
            f"{fitted} was fitted on the sequence columns {listed(estimator.modalities_)}, but X has none; "
            "make them with avfusion.as_sequences"
        )


def _holds_sequences(column):
    """Tell whether a column, or an array of cells, holds sequences: as its dtype, or as objects."""
    if isinstance(column.dtype, SequenceDtype):
        return True
    return pd.api.types.is_object_dtype(column.dtype) and any(n_axes(cell) > 0 for cell in column)


def _runs(values):
    """Return (first, last) of each run of equal values."""
    firsts = np.flatnonzero(np.diff(values, prepend=-1))
    return zip(firsts, [*firsts[1:], len(values)])
