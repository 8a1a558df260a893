"""Turn sequences into a table: one row of functionals per recording."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from avfusion._sklearn_compat import _check_feature_names_in
from avfusion.preprocessing._base import StreamTransformer
from avfusion.preprocessing._statistics import check_statistics, run_statistics


class Functionals(StreamTransformer):
    """Turn sequences into a 2-D table of per-row functionals, for any scikit-learn regressor.

    Unobserved (NaN) values are left out. A missing stream, and one without a single observed value, gives
    NaN, which gradient boosting takes and `SimpleImputer` fills. Metadata columns are dropped.

    Parameters
    ----------
    statistics : tuple of str, default=("mean", "std", "slope", "q25", "median", "q75")
        Any of "mean", "std" (of a population: one step has 0), "min", "max", "median", "first", "last",
        percentiles such as "q25" or "q97.5" (interpolated linearly), and "slope": that of a straight line
        fitted by least squares, per second if the column has a rate, else per step; 0 for one step.

    Attributes
    ----------
    modalities_ : dict of str to int
        Width and rate of each column of `fit`.

    Examples
    --------
    >>> from avfusion.sequences import as_sequences
    >>> from avfusion.preprocessing import Functionals
    >>> X = as_sequences({"audio": [[1.0, 2.0, 6.0], [4.0]]}, rate_hz=2.0)
    >>> Functionals(("mean", "max", "slope")).set_output(transform="pandas").fit_transform(X)
       audio__0__mean  audio__0__max  audio__0__slope
    0             3.0            6.0              5.0
    1             4.0            4.0              0.0
    """

    def __init__(self, statistics=("mean", "std", "slope", "q25", "median", "q75")):
        self.statistics = statistics

    def _learn(self, data):
        check_statistics(self.statistics)

    def transform(self, X):
        """Compute the functionals of every row.

        Parameters
        ----------
        X : pandas.DataFrame with sequence columns, or array-like of shape (n_rows, n_features)
            Same modalities, of the same widths, as in `fit`.

        Returns
        -------
        numpy.ndarray of shape (n_rows, n_functionals)
            Column by column, statistic by statistic, feature by feature, as `get_feature_names_out` says; a
            DataFrame after ``set_output(transform="pandas")``.

        Raises
        ------
        ValueError
            If the modalities or their widths are not those of `fit`, or a value is infinite.
        """
        data = self._read(X)
        return np.concatenate([self._table(data.open(name)) for name in data.columns], axis=1)

    def _table(self, column):
        table = run_statistics(column.frames, column.starts, column.lengths, self.statistics)
        for i, name in enumerate(self.statistics):
            if name == "slope" and column.dtype.timed and column.dtype.clock != "times":
                table[:, i * column.width : (i + 1) * column.width] *= column.rates_hz[:, None]
        return table

    def get_feature_names_out(self, input_features=None):
        """Name the functionals.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the columns of `X`; by default those seen in `fit`, or ``x0, x1, ...``.

        Returns
        -------
        numpy.ndarray of str objects
            ``audio__0__mean`` for the mean of the first feature of the column audio; ``x0__mean`` for a 2-D
            array.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.asarray(
            [
                f"{feature}__{statistic}"
                for features in self._features(names)
                for statistic in self.statistics
                for feature in features
            ],
            dtype=object,
        )

    def _features(self, names):
        """List the names of the features of each column."""
        if self.spec_.is_table:
            return [names]
        return [[f"{name}__{i}" for i in range(width)] for name, width in self.spec_.widths.items()]
