"""Any scikit-learn regressor, frame by frame."""

from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import Ridge
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from avfusion._sklearn_compat import _check_method_params, as_one_task
from avfusion._tracking import untracked, warn_if_not_logged
from avfusion.estimators import _inputs as inputs
from avfusion.estimators._base import SequenceRegressorMixin
from avfusion.estimators._number_range import wide_enough
from avfusion.estimators._routing import fit_router, routed_to_fit, weight_parameter, weight_parameters
from avfusion.estimators._weights import labels_of_steps
from avfusion.sequences._buffers import within_rows
from avfusion.sequences._data_spec import RegressorFittedToData
from avfusion.sequences._finite import check_predicted
from avfusion.sequences._label_markers import warn_of_markers
from avfusion.sequences._messages import brief
from avfusion.sequences._paging import release
from avfusion.sequences._plain_arrays import plain_array
from avfusion.sequences._recordings import read_recordings
from avfusion.sequences._target_form import Predictions


class FrameRegressor(RegressorFittedToData, SequenceRegressorMixin, BaseEstimator):
    """Put a scikit-learn regressor on frames: the streams' features side by side, one row per step.

    The regressor knows nothing of time; `AddContext` before it gives it the past and the future. Where there
    is one label per clip, each of its frames has that label, and the prediction is the mean over its frames
    (`Functionals`, which describes a clip by one row, is the other way).

    Parameters
    ----------
    regressor : scikit-learn regressor or Pipeline, optional
        By default ``Ridge()``. If it takes one target only, one clone is fitted per target.
    modalities : list of str, optional
        The sequence columns of X to use; by default all of them.

    Attributes
    ----------
    regressors_ : list
        The fitted regressor, or one per target.
    modalities_ : dict of str to int
        Names and widths of the streams.
    rate_hz_ : float or None
        The rate that the streams declared in `fit`.
    target_form_ : TargetForm
        The form in which y was given, and in which predictions are given back.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it has names.

    See Also
    --------
    Functionals : A table of statistics per clip, for any regressor of scikit-learn.

    Notes
    -----
    Frames without a label are left out of `fit`. Frames that are not observed are NaN, and absent streams are
    NaN throughout: take a regressor that can handle them, such as HistGradientBoostingRegressor, or a
    Pipeline that begins with an imputer.

    Examples
    --------
    >>> import avfusion as av
    >>> from sklearn.linear_model import Ridge
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.FrameRegressor(Ridge(alpha=10)).fit(X, y)
    >>> model.predict(X)[:2]
    0    461 x 1, 92.2 s
    1    416 x 1, 83.2 s
    Name: label, dtype: sequence[float64, 1, 5Hz]
    """

    def __init__(self, regressor=None, *, modalities=None):
        self.regressor = regressor
        self.modalities = modalities

    __metadata_request__fit: ClassVar[dict] = {"sample_weight": None}  # among `params`: not all take it

    def get_metadata_routing(self):
        """Return which metadata ``fit`` takes and passes on: scikit-learn's metadata routing.

        Returns
        -------
        MetadataRouter
            What scikit-learn's tools read.
        """
        return fit_router(self, self._given_estimators)

    @as_one_task
    def fit(self, X, y, **params) -> Self:
        """Fit the regressor on all labelled frames.

        Parameters
        ----------
        X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
            One row per recording or clip; the streams of a row have the same number of steps.
        y : per-frame or per-clip targets
            As for every estimator here; NaN is unlabelled.
        **params : dict
            ``sample_weight``, how much each row (numbers, or their column of X) or each label (in a form of
            y) counts: the regressor gets the weights of its frames as they are, and frames of weight 0 are
            left out. With metadata routing on, also metadata of the rows that the regressor asks for: each
            frame has that of its row, so that a search as regressor does not split a subject's frames.

        Returns
        -------
        FrameRegressor
            The estimator itself.

        Raises
        ------
        ValueError
            If the streams of a row differ in length, labels do not fit the streams, values are infinite,
            frames are NaN and the regressor cannot handle that, there are `params` though metadata routing
            is off, or weights and the regressor takes none.
        """
        if not hasattr(self._given_regressor, "fit"):
            raise TypeError(
                f"regressor must be one of scikit-learn, with fit and predict, not {brief(self.regressor)}."
            )
        warn_if_not_logged(self)
        sample_weight = params.pop("sample_weight", None)
        if sample_weight is not None:
            weight_parameter(self, type(self).__name__)
        data = read_recordings(X, y, sample_weight=sample_weight, caller=type(self).__name__)
        names = inputs.choose_modalities(data, self.modalities)
        spec = data.spec(names, in_step=tuple(names), companions=inputs.companions(data, names))
        table, lengths = frame_table(data, spec)
        labels, weights = labels_of_steps(data, spec, lengths)
        if not spec.per_frame:
            labels = np.repeat(labels, lengths, axis=0)
            weights = None if weights is None else np.repeat(weights, lengths, axis=0)
        warn_of_markers(data.targets.counted)
        ends = np.cumsum(list(spec.widths.values()))
        for name, columns in zip(names, np.split(table, ends[:-1], axis=1)):
            inputs.check_observed(not np.isnan(columns).all(), name)
        table = wide_enough(table, labels, weights)
        params = routed_to_fit(self, data.frame, params)("regressor")
        row_of_frame, _ = within_rows(lengths)
        self.regressors_ = self._fit_regressors(
            table,
            labels,
            weights,
            lambda frames: _check_method_params(data.frame, params, indices=row_of_frame[frames]),
        )
        self.spec_ = spec
        return self

    def predict(self, X) -> Predictions:
        """Predict a value per frame or per clip, in the form that y had in `fit`.

        Parameters
        ----------
        X : as in `fit`
            Rows to predict.

        Returns
        -------
        DataFrame, Series or ndarray
            In the form of y.
        """
        check_is_fitted(self, "regressors_")
        data = read_recordings(X, spec=self.spec_, caller=type(self).__name__)
        table, lengths = frame_table(data, self.spec_)
        columns = [plain_array(call_without_nan(own.predict, table)) for own in self.regressors_]
        values, form = np.column_stack(columns).astype(np.float64, copy=False), self.spec_.target_form
        if not form.per_frame:
            values = np.add.reduceat(values, np.cumsum(lengths) - lengths, axis=0) / lengths[:, None]
            check_predicted(values, form, index=data.index)
            return form.wrap(values, index=data.index)
        check_predicted(values, form, lengths, data.index)
        return form.wrap(values, lengths, data.index, data.clock(self.spec_.in_step, lengths))

    @property
    def _given_regressor(self):
        return Ridge() if self.regressor is None else self.regressor

    @property
    def _given_estimators(self):
        return [("regressor", self._given_regressor)]

    def _fit_regressors(self, table, labels, weights, params_of):
        regressor = self._given_regressor
        labelled = ~np.isnan(labels)
        together = labelled.all(axis=1) | ~labelled.any(axis=1)
        if weights is not None:
            together &= (np.isnan(weights) | (weights == weights[:, :1])).all(axis=1)
        if labels.shape[1] == 1 or (get_tags(regressor).target_tags.multi_output and together.all()):
            columns = [slice(None)] if labels.shape[1] > 1 else [0]
        else:
            columns = range(labels.shape[1])
        fitted = []
        for column in columns:
            first = 0 if isinstance(column, slice) else column
            rows = labelled[:, first]
            fit, params = clone(regressor).fit, params_of(rows)
            own = None if weights is None else weights[rows, first]
            params |= weight_parameters(regressor, own, "regressor")
            with untracked():
                fitted.append(call_without_nan(fit, table[rows], labels[rows, column], **params))
        return fitted


def frame_table(data, spec):
    """Return the frames of all rows, streams side by side, and the number of steps of each row.

    Parameters
    ----------
    data : Recordings
    spec : DataSpec
        Which streams, all of them in step.

    Returns
    -------
    table : ndarray of shape (n_steps, n_features)
        NaN where a stream is absent.
    lengths : ndarray of shape (n_rows,)
    """
    data.check_finite(spec.names)
    lengths = inputs.aligned_lengths(data, spec)
    inputs.check_rate(data, spec.in_step, spec.rate_hz)
    blocks = []
    for name, width in spec.widths.items():
        array = data.columns[name]
        block = array.pack().frames
        if array.isna().any():
            filled = np.full((lengths.sum(), width), np.nan, dtype=block.dtype)
            filled[np.repeat(~array.isna(), lengths)] = block
            block = filled
        blocks.append(block)
    table = np.concatenate(blocks, axis=1)
    for name in spec.widths:
        array = data.columns[name]
        release(array.frames, array.starts, array.lengths)
    return table, lengths


def call_without_nan(method, table, *labels, **params):
    """Call a regressor's method; where NaN makes it fail, say what to do about it."""
    try:
        return method(table, *labels, **params)
    except ValueError as error:
        if get_tags(method.__self__).input_tags.allow_nan or not np.isnan(table).any():
            raise
        frames = np.isnan(table).any(axis=1)
        raise ValueError(
            f"Some frames are NaN ({frames.sum()} of {len(table)}; not observed, or a stream is absent), "
            f"which the regressor {type(method.__self__).__name__} does not take. Use one that does, such as "
            "HistGradientBoostingRegressor, or put an imputer before it: "
            "FrameRegressor(make_pipeline(SimpleImputer(), ...))."
        ) from error
