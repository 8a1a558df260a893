"""How every transformer reads X: which columns are sequences, whether they are sound, and the way back."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy
import pandas
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from avfusion._sklearn_compat import _check_feature_names_in, _wrap_data_with_container
from avfusion.sequences import SequenceArray, sequence_columns
from avfusion.sequences._convert import ONLY
from avfusion.sequences._reading import BLOCK, check_finite, check_widths, listed, read_columns
from avfusion.sequences._target_columns import row_name


class Modality(NamedTuple):
    """What a fitted transformer remembers of one sequence column.

    Attributes
    ----------
    width : int
        Features per frame.
    rate_hz : float or None
        Frames per second, None if unknown.
    """

    width: int
    rate_hz: float | None


@dataclass(frozen=True)
class Streams:
    """The sequence columns of one X, and what it takes to answer in the same form.

    Attributes
    ----------
    columns : dict of str to SequenceArray
        The modalities.
    source : pandas.DataFrame or None
        X itself; None if X is a 2-D array, whose rows are sequences of one step.
    n_rows : int
        Number of recordings.
    """

    columns: dict
    source: pandas.DataFrame | None
    n_rows: int

    @property
    def modalities(self):
        """Width and rate of each column."""
        return {name: Modality(array.width, array.rate_hz) for name, array in self.columns.items()}

    def open(self, name):
        """Return a column with contiguous frames, in row order, after checking that none is infinite."""
        if self.source is not None:
            check_finite(self.source, [name])
        return self.columns[name].pack()

    def row_name(self, row):
        """Name a row for a message, by its position and its index label."""
        return row_name(row, None if self.source is None else self.source.index)

    def mirror(self, changed):
        """Answer as X was given, some columns replaced: a DataFrame with its metadata, or a 2-D array."""
        if self.source is None:
            return changed.get(ONLY, self.columns[ONLY]).frames
        result = self.source.copy(deep=False)
        for name, array in changed.items():
            result[name] = array
        return result


class StreamTransformer(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Base of the transformers that change sequence columns and leave everything else alone.

    A subclass learns in ``_learn(streams)``, returns the columns that it changed, as a dict, from
    ``_change(streams)``, and names the features of its answer to a 2-D array in
    ``_array_feature_names(names)``.
    """

    def fit(self, X, y=None):
        """Check `X` and learn what the transformation needs.

        Parameters
        ----------
        X : pandas.DataFrame with sequence columns, or array-like of shape (n_rows, n_features)
            Recordings, one per row; a 2-D array counts as sequences of one step.
        y : None
            Ignored.

        Returns
        -------
        StreamTransformer
            The transformer itself.

        Raises
        ------
        ValueError
            If `X` is empty, has no sequence column, or does not suit the parameters.
        """
        self._learn(read_streams(self, X, reset=True))
        return self

    def fit_transform(self, X, y=None):
        """Fit to `X`, then transform it; see `fit` and `transform`.

        Parameters
        ----------
        X : pandas.DataFrame with sequence columns, or array-like of shape (n_rows, n_features)
            Recordings, one per row.
        y : None
            Ignored.

        Returns
        -------
        pandas.DataFrame or numpy.ndarray
            What `transform` returns.
        """
        return self.fit(X, y).transform(X)

    def transform(self, X):
        """Transform the sequence columns of `X`.

        Parameters
        ----------
        X : pandas.DataFrame with sequence columns, or array-like of shape (n_rows, n_features)
            Same modalities, of the same widths, as in `fit`; metadata columns are free to differ.

        Returns
        -------
        pandas.DataFrame or numpy.ndarray
            In the form of `X`: its index, its metadata columns and the order of its columns are kept.

        Raises
        ------
        ValueError
            If the modalities or their widths are not those of `fit`, or a value is infinite.
        """
        check_is_fitted(self)
        streams = read_streams(self, X, reset=False)
        result = streams.mirror(self._change(streams))
        # scikit-learn gives every DataFrame that an estimator returns the column names of `fit`, by position;
        # metadata columns may differ between fit and transform, so it is only handed answers to 2-D arrays
        return _wrap_data_with_container("transform", result, X, self) if streams.source is None else result

    def get_feature_names_out(self, input_features=None):
        """Name the columns of the answer.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the columns of `X`; by default those seen in `fit`, or ``x0, x1, ...``.

        Returns
        -------
        numpy.ndarray of str objects
            For a DataFrame with sequence columns its own columns, which transforming keeps.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return self._array_feature_names(names) if self._fitted_on_array else names

    def _learn(self, streams):
        pass

    def _change(self, streams):
        raise NotImplementedError

    def _array_feature_names(self, names):
        return names

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def read_streams(estimator, X, reset):
    """Read X, and remember its columns in a transformer or compare them with those it remembers.

    Parameters
    ----------
    estimator : StreamTransformer
        Gets ``modalities_`` (dict of str to `Modality`), ``n_features_in_`` and, if X has names,
        ``feature_names_in_``.
    X : DataFrame, array-like or what as_sequences takes
        Recordings, one per row.
    reset : bool
        True in `fit`.

    Returns
    -------
    Streams

    Raises
    ------
    ValueError
        If X is empty, holds no numbers, or is not like the X of `fit`.
    """
    frame = read_columns(estimator, X, reset=reset, allow_nan=True)
    columns = {name: frame[name].array for name in sequence_columns(frame)}
    streams = Streams(columns, None if estimator._fitted_on_array else frame, len(frame))
    if reset:
        estimator.modalities_ = streams.modalities
    elif streams.source is not None:
        _check_modalities(estimator, frame)
    return streams


def packed(frames, lengths, rate_hz):
    """Return the column whose rows of these lengths (-1: missing) lie one after the other in frames."""
    sizes = numpy.maximum(lengths, 0)
    return SequenceArray(frames, numpy.cumsum(sizes) - sizes, lengths, rate_hz=rate_hz)


def present_lengths(column):
    """Return the number of frames of each row, 0 where the stream is missing."""
    return numpy.maximum(column.lengths, 0)


def blocks(n, width):
    """Cut range(n) into (begin, end) blocks of about `BLOCK` numbers, for items of `width` numbers."""
    size = max(1, BLOCK // max(1, width))
    return [(begin, min(begin + size, n)) for begin in range(0, n, size)]


def _check_modalities(estimator, X):
    known = estimator.modalities_
    unknown = [name for name in sequence_columns(X) if name not in known]
    if unknown:
        raise ValueError(
            f"X has sequence columns that {type(estimator).__name__} was not fitted on: {listed(unknown)}; "
            f"it knows {listed(known)}: drop the others, or fit it again"
        )
    check_widths(estimator, X, {name: modality.width for name, modality in known.items()})
