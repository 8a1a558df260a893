"""The base of the transformers: read X, change some columns of sequences, give X back in its form."""

from dataclasses import replace
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from avfusion._sklearn_compat import _check_feature_names_in, _wrap_data_with_container, as_one_task
from avfusion.sequences._buffers import BLOCK
from avfusion.sequences._data_spec import FittedToData
from avfusion.sequences._declare import timed_as_in_fit
from avfusion.sequences._messages import quoted
from avfusion.sequences._recordings import read_recordings


class StreamTransformer(FittedToData, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Base of the transformers that change sequence columns and leave everything else alone.

    A subclass learns in ``_learn(data)``, which sets attributes when nothing can fail any more, returns the
    columns that it changed, as a dict, from ``_change(data)``, and names the features that it makes of a 2-D
    array in ``_array_feature_names(names)``; data are `Recordings`.
    """

    @as_one_task
    def fit(self, X, y=None) -> Self:
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
        data = read_recordings(X, caller=type(self).__name__, allow_nan=True)
        self._learn(data)
        self.spec_ = data.spec()
        return self

    def fit_transform(self, X, y=None) -> pd.DataFrame | np.ndarray:
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

    def transform(self, X) -> pd.DataFrame | np.ndarray:
        """Transform the sequence columns of `X`.

        Parameters
        ----------
        X : pandas.DataFrame with sequence columns, or array-like of shape (n_rows, n_features)
            Same modalities, of the same widths, as in `fit`; metadata columns are free to differ. A column
            that knows no time, as one of nested lists from JSON, has the rate of `fit`.

        Returns
        -------
        pandas.DataFrame or numpy.ndarray
            In the form of `X`: its index, its metadata columns and the order of its columns are kept.

        Raises
        ------
        ValueError
            If the modalities or their widths are not those of `fit`, or a value is infinite.
        """
        data = self._read(X)
        result = data.mirror(self._change(data))
        # scikit-learn gives every DataFrame that an estimator returns the column names of `fit`, by position;
        # metadata columns may differ between fit and transform, so it is only given results for 2-D arrays
        return _wrap_data_with_container("transform", result, X, self) if data.is_table else result

    def get_feature_names_out(self, input_features=None):
        """Name the columns of the result.

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
        return self._array_feature_names(names) if self.spec_.is_table else names

    def _read(self, X):
        """Read recordings to transform, which must have the modalities of `fit` and no others."""
        check_is_fitted(self)
        data = read_recordings(X, spec=self.spec_, caller=type(self).__name__, allow_nan=True)
        unknown = [name for name in data.columns if name not in self.spec_.widths]
        if unknown and not data.is_table:
            raise ValueError(
                f"X has sequence columns that {type(self).__name__} was not fitted on: {quoted(unknown)}. "
                f"It knows {quoted(self.spec_.widths)}: drop the others, or fit it again."
            )
        if data.is_table:
            return data
        return replace(data, frame=timed_as_in_fit(data.frame, self.spec_.rates_hz))

    def _learn(self, data):
        pass

    def _change(self, data):
        raise NotImplementedError

    def _array_feature_names(self, names):
        return names

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def present_lengths(column):
    """Return the number of frames of each row, 0 where the stream is missing."""
    return np.maximum(column.lengths, 0)


def blocks(n, width):
    """Cut range(n) into (begin, end) blocks of about `BLOCK` numbers, for items of `width` numbers."""
    size = max(1, BLOCK // max(1, width))
    return [(begin, min(begin + size, n)) for begin in range(0, n, size)]
