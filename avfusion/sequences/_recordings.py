"""The border: X, y and groups are read here, once, into one frozen object.

Everything behind it (estimators, transformers) works on `Recordings`: what came, checked. What is remembered
of them is a `DataSpec`. Whatever has to be decided about data as they enter is decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._cell_arrays import is_cell_array, with_known_names
from avfusion.sequences._cell_columns import holds_sequences
from avfusion.sequences._cells import n_axes
from avfusion.sequences._convert import ONLY, as_sequences, sequence_columns
from avfusion.sequences._data_spec import DataSpec
from avfusion.sequences._groups import read_groups
from avfusion.sequences._identity import by_recording, check_same_order, index_of
from avfusion.sequences._label_clock import RowClock, place_labels
from avfusion.sequences._messages import quoted, row_name
from avfusion.sequences._other_tables import as_pandas
from avfusion.sequences._padded import is_padded_pair
from avfusion.sequences._plain_arrays import plain_parts, within_floats
from avfusion.sequences._recording_checks import (
    check_labels_per_row,
    check_orientation,
    check_recordings,
    first_infinite,
    refuse_objects,
)
from avfusion.sequences._targets import Targets, as_targets
from avfusion.sequences._weights import weights_by_row, with_weights


@dataclass(frozen=True, eq=False)
class Recordings:
    """The input of an estimator or transformer, read and checked by `read_recordings`.

    Parameters
    ----------
    frame : DataFrame
        A row per recording: sequence columns, and metadata columns as they came.
    n_columns : int
        Number of columns of X.
    column_names : ndarray of object or None
        Their names, where X has names.
    is_table : bool, default=False
        Whether X was a two-dimensional table of numbers, whose rows are sequences of one step.
    targets : Targets, optional
        The labels.
    groups : ndarray of shape (n_rows,), optional
        Group of each row.

    Examples
    --------
    >>> data = read_recordings({"audio": [[1.0, 2.0], [3.0]]}, [0.5, 0.7], caller="Ridge")
    >>> data.columns["audio"].lengths, data.targets.values.ravel()
    (array([2, 1]), array([0.5, 0.7]))
    """

    frame: pd.DataFrame
    n_columns: int
    column_names: np.ndarray | None
    is_table: bool = False
    targets: Targets | None = None
    groups: np.ndarray | None = None

    def __len__(self):
        return len(self.frame)

    def __getstate__(self):
        """Leave out what is cached: it would carry all frames a second time."""
        return {name: value for name, value in vars(self).items() if name != "columns"}

    @property
    def index(self):
        """Labels of the rows."""
        return self.frame.index

    @cached_property
    def columns(self) -> dict[str, SequenceArray]:
        """The sequence columns: the modalities, by name."""
        return {name: self.frame[name].array for name in sequence_columns(self.frame)}

    def row_name(self, row):
        """Name a row for a message, by its position and its label."""
        return row_name(row, None if self.is_table else self.index)

    def check_finite(self, names):
        """Raise where a stream holds an infinite value. NaN is legal: it marks a step as not observed.

        Frames are looked at in blocks of whole rows, so that memory-mapped ones are not loaded at once.

        Parameters
        ----------
        names : iterable of str
            Columns to check.

        Raises
        ------
        ValueError
            Naming the row, the column and the step.

        Examples
        --------
        >>> read_recordings({"audio": [[1.0, float("nan")]]}, caller="Ridge").check_finite(["audio"])
        """
        for name in names:
            found = first_infinite(self.columns[name])
            if found is not None:
                row, step = found
                raise ValueError(
                    f"Column {name!r}, {self.row_name(row)}: step {step} holds an infinite value. "
                    "Replace it, or set it to NaN if it was not observed."
                )

    def clock(self, names, lengths):
        """Return when the steps of rows of `lengths` steps are, as one of the streams says that has them all.

        Parameters
        ----------
        names : iterable of str
        lengths : ndarray of shape (n_rows,)

        Returns
        -------
        RowClock or None
        """
        rates, starts = np.full(len(self), np.nan), np.full(len(self), np.nan)
        for name in names:
            clock = RowClock.of(self.columns[name])
            fits = self.columns[name].lengths == lengths
            if clock is None or (clock.times_s is not None and not fits.all()):
                continue
            if clock.times_s is not None:
                return clock
            starts = np.where(np.isnan(rates) & fits, clock.starts_s, starts)
            rates = np.where(np.isnan(rates) & fits, clock.rates_hz, rates)
        return None if np.isnan(rates).all() else RowClock(rates, starts)

    def labels_on_steps(self, targets, names=None):
        """Return labels per frame on the steps of the streams that have their rate, by time.

        Parameters
        ----------
        targets : Targets
        names : iterable of str, optional
            The streams in use; by default all.

        Returns
        -------
        Targets
        """
        if targets.lengths is None or targets.clock is None:
            return targets
        lengths = np.full(len(self), -1)
        rates, starts = np.full(len(self), np.nan), np.full(len(self), np.nan)
        for name in self.columns if names is None else names:
            column = self.columns[name]
            own = column.rates_hz
            if column.dtype.clock == "times" and (column.lengths == targets.lengths).all():
                return place_labels(targets, column.lengths, RowClock.of(column))
            fits = (lengths < 0) & (column.lengths >= 0) & ~np.isnan(own)
            if targets.clock.times_s is None:
                fits &= own == targets.clock.rates_hz
            lengths, rates = np.where(fits, column.lengths, lengths), np.where(fits, own, rates)
            starts = np.where(fits, column.starts_s, starts)
        return place_labels(targets, lengths, RowClock(rates, starts))

    def open(self, name):
        """Return a column, after checking that none of its frames is infinite."""
        if not self.is_table:  # scikit-learn's rules have been applied to those
            self.check_finite([name])
        return self.columns[name]

    def mirror(self, changed):
        """Return X with some columns replaced, in the form in which it came.

        Parameters
        ----------
        changed : dict of str to SequenceArray

        Returns
        -------
        DataFrame or ndarray
            With its metadata; a 2-D array where X was a table.
        """
        if self.is_table:
            return changed.get(ONLY, self.columns[ONLY]).frames
        result = self.frame.copy(deep=False)
        for name, array in changed.items():
            result[name] = array
        return result

    def spec(self, names=None, **more):
        """Return what has to be remembered of these data.

        Parameters
        ----------
        names : list of str, optional
            The modalities in use, by default all.
        **more
            Other fields of `DataSpec`.

        Returns
        -------
        DataSpec
        """
        used = self.columns if names is None else {name: self.columns[name] for name in names}
        return DataSpec(
            widths={name: array.width for name, array in used.items()},
            rates_hz={name: array.rate_hz for name, array in used.items()},
            n_columns=self.n_columns,
            column_names=self.column_names,
            is_table=self.is_table,
            target_form=None if self.targets is None else self.targets.form,
            features={name: array.features for name, array in used.items()},
            longest=max((int(array.lengths.max()) for array in used.values()), default=1),
            **more,
        )


def read_recordings(
    X,
    *labels,
    groups=None,
    groups_name="groups",
    sample_weight=None,
    spec=None,
    caller,
    allow_nan=False,
):
    """Read X, and y where it is given, whatever form they have.

    A plain table becomes one modality of one-step sequences. scikit-learn's own rules for tables (number and
    names of features, finite values) are applied to it, and it keeps its floating dtype.

    Parameters
    ----------
    X : DataFrame with sequence columns, array-like (n_rows, n_features), or what `as_sequences` takes
        One row per recording or clip.
    *labels : at most one y
        Labels per frame or per clip, as `as_targets` takes them; None is refused.
    groups : str, sequence of str or array-like of shape (n_rows,), optional
        Group of each row, or the column of X that holds them.
    groups_name : str, default="groups"
        What messages call them.
    sample_weight : str, array-like or None
        A weight for each row or label, in the forms of `with_weights`, or the column of X that holds them.
    spec : DataSpec, optional
        What is remembered of `fit`; X is compared with it. A modality of `fit` that is missing in every row
        gets the width and the rate it had there.
    caller : str
        Name of the estimator, for messages.
    allow_nan : bool, default=False
        Whether a table may hold NaN. Sequences may: NaN marks a step as not observed.

    Returns
    -------
    Recordings

    Raises
    ------
    ValueError
        If X is empty, has neither numbers nor sequences, does not have the modalities of `fit`, or y or
        groups have another number of rows, or weights do not fit the labels.
    TypeError
        If y is no target.

    Examples
    --------
    >>> read_recordings([[1.0, 2.0], [3.0, 4.0]], caller="Ridge").frame
      features
    0    1 x 2
    1    1 x 2
    """
    X, labels = as_pandas(plain_parts(X)), [as_pandas(y) for y in labels]
    for y in labels:
        check_orientation(X, y)
    targets = as_targets(*labels) if labels and not isinstance(labels[0], Mapping) else None
    sequences = spec is not None and not spec.is_table
    if sequences:
        X = with_known_names(X, spec, caller)
    if sequences and isinstance(X, pd.DataFrame) and X.columns.is_unique and len(X):
        X = _with_known_widths(X, spec)  # also where no column shows that it is one of sequences
    table = is_table(X)
    if spec is not None and spec.longest > 1 and isinstance(X, Mapping):
        check_recordings(X)
    if not table:
        data = _read_sequences(X, caller)
    if spec is not None:
        spec.check_same_kind(table, () if table else data.columns, caller)
    if table:
        data = _read_table(X, spec, caller, allow_nan)
    elif spec is not None:
        data = replace(data, frame=_with_known_widths(data.frame, spec))
        spec.check_same_streams({name: array.width for name, array in data.columns.items()}, caller)
    if labels and targets is None:
        targets = as_targets(by_recording(labels[0], data.frame.index))
    if targets is not None and targets.n_rows != len(data):
        raise ValueError(
            f"X and y have inconsistent numbers of samples: X has {len(data)} rows, y has {targets.n_rows}."
        )
    if not table:
        data = replace(data, frame=_in_known_form(data, spec))
    if targets is not None:
        check_same_order(index_of(X), targets.index)
        targets = with_weights(targets, weights_by_row(sample_weight, data.frame), index_of(X))
        check_labels_per_row(data, targets)
        targets = data.labels_on_steps(targets, None if spec is None else spec.names)
    return replace(data, targets=targets, groups=read_groups(groups, data.frame, groups_name))


def _in_known_form(data, spec):
    """Return the frame with one rate where all rows have it, and features in the order of `fit`."""
    changed = {}
    for name, array in data.columns.items():
        new = array._with_common_rate()
        if spec is not None and spec.features is not None and name in spec.widths:
            try:
                new = new.in_order(spec.features[name])
            except ValueError as error:
                raise ValueError(f"Column {name!r}: {error}") from None
        if new is not array:
            changed[name] = new
    return data.frame.assign(**changed) if changed else data.frame


def is_table(X):
    """Return whether X is what scikit-learn calls X, a two-dimensional table, and not sequences in some form.

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
    X = as_pandas(X)
    if isinstance(X, pd.DataFrame):
        return not any(holds_sequences(column) for _, column in X.items())
    if isinstance(X, Mapping) or is_padded_pair(X):
        return False
    if isinstance(X, (list, tuple)):
        return not any(isinstance(row, Mapping) or n_axes(row) > 1 for row in X)
    if getattr(X, "ndim", 2) == 1:
        return not holds_sequences(X)
    return getattr(X, "ndim", 2) != 3 and not is_cell_array(X)


def _read_sequences(X, caller):
    if isinstance(X, pd.DataFrame):
        if not X.columns.is_unique:
            repeated = quoted(X.columns[X.columns.duplicated()])
            raise ValueError(f"The columns of X have names in common: {repeated}. Rename them.")
        if len(X) == 0:
            raise ValueError(f"X has no rows; {caller} needs at least one recording.")
    frame = as_sequences(X)
    names = None if is_cell_array(X) else np.asarray(frame.columns, dtype=object)
    return Recordings(frame, frame.shape[1], names)


def _with_known_widths(frame, spec):
    """Give columns without any present row, which cannot show it themselves, the width and rate of `fit`."""
    columns = {
        name: SequenceArray.from_sequences([None] * len(frame), width=width, rate_hz=spec.rates_hz[name])
        for name, width in spec.widths.items()
        if name in frame.columns and frame[name].isna().all()
    }
    return frame.assign(**columns) if columns else frame


def _read_table(X, spec, caller, allow_nan):
    """Apply scikit-learn's rules for tables; it writes what it finds onto an estimator, here a blank one."""
    refuse_objects(X)
    rules = type(caller, (BaseEstimator,), {})()
    if spec is not None:
        rules.n_features_in_ = spec.n_columns
        if spec.column_names is not None:
            rules.feature_names_in_ = spec.column_names
    finite = "allow-nan" if allow_nan else True
    form = {"dtype": [np.float64, np.float32], "order": "C", "ensure_all_finite": finite}
    with within_floats():
        table = validate_data(rules, plain_parts(X), reset=spec is None, **form)
    rows = np.arange(len(table))
    column = SequenceArray(table.view(), rows, np.ones_like(rows))
    frame = pd.DataFrame({ONLY: column}, index=X.index if isinstance(X, pd.DataFrame) else None)
    return Recordings(frame, table.shape[1], getattr(rules, "feature_names_in_", None), is_table=True)
