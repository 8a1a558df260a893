"""The base of regressors that look at no feature: what they share in reading data and in predicting."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from avfusion.estimators import _inputs as inputs
from avfusion.estimators._base import FusionTags, SequenceRegressorMixin
from avfusion.estimators._level_means import row_sums
from avfusion.estimators._levels import read_table, without
from avfusion.estimators._step_means import grid_of
from avfusion.estimators._weights import labels_of_steps
from avfusion.sequences._buffers import within_rows
from avfusion.sequences._data_spec import RegressorFittedToData
from avfusion.sequences._finite import check_predicted
from avfusion.sequences._label_markers import warn_of_markers
from avfusion.sequences._recordings import read_recordings
from avfusion.sequences._target_form import Predictions


class SituationRegressor(RegressorFittedToData, SequenceRegressorMixin, BaseEstimator):
    """Predict from what is known of a recording without its features: its stimulus, its person, the time.

    A subclass says by which columns (`_columns`), learns from `Steps` (`_learn`) and predicts them
    (`_predicted`).

    Examples
    --------
    >>> SituationRegressor.fusion_tags.needs_alignment
    False
    """

    fusion_tags = FusionTags(needs_alignment=False)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # it looks at no feature
        return tags

    def fit(self, X, y, sample_weight=None) -> Self:
        """Learn from labels, and from metadata of X or time; no frame is looked at.

        Parameters
        ----------
        X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
            One row per recording or clip. Of a table of numbers, columns of text are left alone.
        y : per-frame or per-clip targets
            As for every estimator here; NaN is unlabelled.
        sample_weight : str, array-like, Series, DataFrame or list, optional
            How much each row (numbers, or their column of X) or each label (in a form of y) counts.

        Returns
        -------
        estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If a column that is named is not there or holds sequences, or X and y do not fit.
        """
        X = read_table(X)
        columns = self._columns(X)
        data = read_recordings(
            without(X, columns), y, sample_weight=sample_weight, caller=type(self).__name__
        )
        in_step = ()
        if data.targets.form.per_frame:
            in_step = inputs.streams_in_step(data, list(data.columns))
        spec = data.spec(in_step=in_step, companions=inputs.companions(data, in_step) if in_step else ())
        steps = Steps.of(data, spec)
        labels, weights = labels_of_steps(data, spec, steps.lengths)
        warn_of_markers(data.targets.counted)
        sums = row_sums(labels, weights, steps.row, len(data))
        self._learn(X, columns, sums, steps, labels, weights)
        self.mean_ = sums.mean
        self.spec_ = spec
        return self

    def predict(self, X) -> Predictions:
        """Predict a value per frame or per clip, in the form that y had in `fit`.

        Parameters
        ----------
        X : as in `fit`
            Rows to predict. Levels that were not in `fit`, and missing ones, get the mean of all labels.

        Returns
        -------
        DataFrame, Series or ndarray
            In the form of y.
        """
        check_is_fitted(self, "spec_")
        X = read_table(X)
        columns = self._fitted_columns(X)
        data = read_recordings(without(X, columns), spec=self.spec_, caller=type(self).__name__)
        steps, form = Steps.of(data, self.spec_), self.spec_.target_form
        values = self._predicted(X, steps)
        if not form.per_frame:
            check_predicted(values, form, index=data.index)
            return form.wrap(values, index=data.index)
        check_predicted(values, form, steps.lengths, data.index)
        clock = data.clock(self.spec_.in_step, steps.lengths)
        return form.wrap(values, steps.lengths, data.index, clock)

    def _columns(self, X):
        return []

    def _fitted_columns(self, X):
        return []


class Steps:
    """The steps of recordings that have one label each: all steps, or of a clip the clip.

    Parameters
    ----------
    lengths : ndarray of shape (n_rows,)
    clock : RowClock or None

    Examples
    --------
    >>> steps = Steps(np.array([2, 1]), None)
    >>> steps.row, steps.step, steps.share
    (array([0, 0, 1]), array([0, 1, 0]), array([0.25, 0.75, 0.5 ]))
    """

    def __init__(self, lengths, clock):
        self.lengths, self.clock = lengths, clock
        self.row, self._place = within_rows(lengths)

    @classmethod
    def of(cls, data, spec):
        """Return the steps of `Recordings` for which a `DataSpec` has a label each."""
        if not spec.per_frame:
            return cls(np.ones(len(data), dtype=np.int64), None)
        lengths = inputs.aligned_lengths(data, spec)
        return cls(lengths, data.clock(spec.in_step, lengths))

    @property
    def step(self):
        """Number of each step on a grid of time."""
        return grid_of(self.clock, self.lengths)

    @property
    def share(self):
        """Where each step lies in its recording, from 0 to 1."""
        return (self._place + 0.5) / self.lengths[self.row]
