"""Undo the shrinkage of regressors that minimise squared error."""

from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import cross_val_predict
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import check_is_fitted

from avfusion._sklearn_compat import as_one_task
from avfusion._tracking import untracked, warn_if_not_logged
from avfusion.estimators._base import SequenceRegressorMixin
from avfusion.estimators._frame_regressor import FrameRegressor
from avfusion.estimators._inner_folds import check_folds_labelled, inner_folds
from avfusion.estimators._routing import (
    asking_for_weights,
    fit_router,
    routed_to_fit,
    weight_parameters,
)
from avfusion.estimators._weights import moments
from avfusion.metrics._regression import paired_targets
from avfusion.sequences._data_spec import RegressorFittedToData
from avfusion.sequences._finite import check_predicted
from avfusion.sequences._label_markers import markers_told_once
from avfusion.sequences._recordings import read_recordings
from avfusion.sequences._target_form import Predictions
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import weights_by_row


class RescaledRegressor(RegressorFittedToData, SequenceRegressorMixin, BaseEstimator):
    """Match mean and standard deviation of an estimator's predictions to those of the labels.

    A regressor that minimises squared error predicts values near the mean where it is uncertain, which the
    CCC punishes though the correlation is the same. This estimator learns one scale and one offset per target
    from predictions for rows that were held out (inner cross-validation of the training rows), so that
    nothing leaks, and applies them to the predictions of the estimator fitted on all rows.

    Parameters
    ----------
    regressor : estimator or Pipeline, optional
        What to rescale; by default ``FrameRegressor(Ridge())``.
    groups : str or sequence of str, optional
        Column of X whose values (columns: whose combinations of values) must not be on both sides of an inner
        split, for instance "subject". ``groups`` given to `fit` take precedence.
    n_splits : int, default=5
        Number of inner folds, at most the number of groups.

    Attributes
    ----------
    regressor_ : estimator
        Fitted on all rows.
    scale_, offset_ : ndarray of shape (n_targets,)
        Predictions become ``scale_ * prediction + offset_``.
    target_form_ : TargetForm
        The form in which y was given, and in which predictions are given back.
    modalities_ : dict of str to int
        Names and widths of the streams.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it has names.

    Examples
    --------
    >>> import avfusion as av
    >>> from sklearn.linear_model import Ridge
    >>> X, y = av.datasets.make_audiovisual_regression(
    ...     audio_rate_hz=1, video_rate_hz=1, random_state=0
    ... )
    >>> ridge = av.FrameRegressor(Ridge())
    >>> plain, rescaled = ridge.fit(X[:30], y[:30]), av.RescaledRegressor(ridge).fit(X[:30], y[:30])
    >>> bool(rescaled.score(X[30:], y[30:]) > plain.score(X[30:], y[30:]))
    True
    """

    def __init__(self, regressor=None, *, groups=None, n_splits=5):
        self.regressor = regressor
        self.groups = groups
        self.n_splits = n_splits

    __metadata_request__fit: ClassVar[dict] = {"sample_weight": None}  # among `params`: folds are not exact

    def get_metadata_routing(self):
        """Return which metadata ``fit`` takes and passes on: scikit-learn's metadata routing.

        Returns
        -------
        MetadataRouter
            What scikit-learn's tools read.
        """
        return fit_router(self, self._given_estimators)

    @as_one_task
    def fit(self, X, y, groups=None, **params) -> Self:
        """Fit the estimator, and scale and offset on held-out predictions.

        Parameters
        ----------
        X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
            One row per recording or clip; two rows (two groups) at least.
        y : per-frame or per-clip targets
            As for every estimator here; NaN is unlabelled.
        groups : str, sequence of str or array-like of shape (n_rows,), optional
            Groups that the inner folds must respect, or the column of X that holds them.
        **params : dict
            ``sample_weight``, how much each row (numbers, or their column of X) or each label (in a form of
            y) counts, for the estimator and in the moments that are matched. With metadata routing on, more
            metadata, of which the estimator gets what it asks for, groups among it.

        Returns
        -------
        RescaledRegressor
            The estimator itself.

        Raises
        ------
        ValueError
            If there are fewer than two rows or groups, other `params` though metadata routing is off, weights
            that the estimator does not take, or whatever it objects to.
        """
        warn_if_not_logged(self)
        sample_weight = params.pop("sample_weight", None)
        own = {"groups": groups, "sample_weight": sample_weight, "caller": type(self).__name__}
        data = read_recordings(X, y, **own)
        X, targets, groups = data.frame, data.targets, data.groups
        regressor = self._given_regressor
        weights = weights_by_row(sample_weight, X)
        weights = weight_parameters(regressor, weights, type(self).__name__)
        routed = routed_to_fit(self, X, params, groups)("regressor")
        folds = inner_folds(X, self.groups if groups is None else groups, self.n_splits)
        if targets.labelled.any(axis=0).all():  # otherwise the regressor says so
            names = targets.form.target_names
            check_folds_labelled(folds, targets.labelled, names, parameter="n_splits or groups")
        for_folds = {}
        if routed:  # not otherwise: RidgeCV cannot tell what it asks for
            given = {"groups": groups, **params}
            for_folds = {k: given[k] for k in get_routing_for_object(regressor).consumes("fit", given)}
        if weights:
            regressor, for_folds = asking_for_weights(regressor), for_folds | weights
        with markers_told_once(targets.counted), untracked():
            # before the folds, so that what it objects to names rows of X
            fitted = clone(regressor).fit(X, y, **routed, **weights)
            held_out = cross_val_predict(regressor, X, y, cv=folds, params=for_folds)
        pair = paired_targets(y, held_out, weights_by_row(sample_weight, X))
        self.scale_, self.offset_ = matching_line(*pair)
        self.regressor_, self.spec_ = fitted, data.spec()
        return self

    @property
    def _given_estimators(self):
        return [("regressor", self._given_regressor)]

    @property
    def _given_regressor(self):
        return FrameRegressor() if self.regressor is None else self.regressor

    def predict(self, X) -> Predictions:
        """Predict, on the scale of the labels.

        Parameters
        ----------
        X : as in `fit`
            Rows to predict.

        Returns
        -------
        DataFrame, Series or ndarray
            In the form of y.
        """
        check_is_fitted(self, "regressor_")
        data = read_recordings(X, spec=self.spec_, caller=type(self).__name__)
        prediction = as_targets(self.regressor_.predict(data.frame))
        values = prediction.values * self.scale_ + self.offset_
        form = self.spec_.target_form
        check_predicted(values, form, prediction.lengths, data.index)
        return form.wrap(values, prediction.lengths, data.index, prediction.clock)


def matching_line(labels, predictions):
    """Return scale and offset, (n_targets,) each, that give predictions the labels' first two moments.

    Predictions that never vary are left alone but for their mean.
    """
    values = np.where(np.isnan(labels.values), np.nan, predictions.values)
    (mean, deviation), (centre, spread) = (moments(part, labels.weights) for part in (labels.values, values))
    varies = spread > 1e-12 * np.maximum(np.abs(centre), deviation)  # more than rounding does
    scale = np.divide(deviation, spread, out=np.ones_like(spread), where=varies)
    return scale, mean - scale * centre
