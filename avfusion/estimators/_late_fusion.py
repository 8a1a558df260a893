"""Late fusion: models of single streams, whose predictions are averaged or stacked."""

from typing import ClassVar, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from avfusion._parallel import all_results
from avfusion._sklearn_compat import _BaseComposition, _check_method_params, as_one_task
from avfusion._tracking import untracked, warn_if_not_logged
from avfusion.estimators._base import FusionTags, SequenceRegressorMixin
from avfusion.estimators._combine import filled_with_mean, gather_predictions, simplex_weights, weighted_mean
from avfusion.estimators._inner_folds import inner_folds
from avfusion.estimators._late_fusion_members import (
    check_answerable,
    check_members_fit,
    check_regressor,
    fit_per_target,
    held_out_predictions,
    is_dropped,
    labels_of,
    predict_present,
    present_rows,
    read_members,
    view_of,
)
from avfusion.estimators._routing import fit_router, routed_to_fit, weight_parameter, weight_parameters
from avfusion.estimators._training import random_generator
from avfusion.estimators._unimodal import UnimodalRegressor
from avfusion.estimators._weights import moments
from avfusion.sequences._data_spec import RegressorFittedToData
from avfusion.sequences._finite import check_predicted
from avfusion.sequences._label_markers import markers_told_once
from avfusion.sequences._messages import brief
from avfusion.sequences._plain_arrays import plain_parts
from avfusion.sequences._recordings import read_recordings
from avfusion.sequences._target_form import Predictions
from avfusion.sequences._weights import weights_of


class LateFusionRegressor(RegressorFittedToData, SequenceRegressorMixin, _BaseComposition):
    r"""Combine the predictions of estimators that see some of the streams each: late fusion, ensembles.

    A row is predicted by those estimators of whose streams it has at least one, and is used to fit only
    those. A clip that has none is left out of `fit`, and gets the mean label of `fit`. Where labels are per
    frame, each row needs a stream, which determines the number of frames.

    Their predictions :math:`\hat y_1, ..., \hat y_E` become one, frame by frame or clip by clip,

    - by a mean, :math:`\sum_e w_e \hat y_e / \sum_e w_e` over the estimators that predict the row. Weights
      are equal, given, or learnt: ``weights="simplex"`` takes those of smallest squared error;
    - by a regressor that is stacked on them, `final_estimator`, one for each target.

    Both are learnt from rows that the estimators were not fitted on: each estimator is fitted once more for
    each of `cv` folds, and predicts the rows left out. Those that predict are fitted on all rows.

    scikit-learn's StackingRegressor cannot take targets that are sequences, and its VotingRegressor takes one
    such target and loses its name; this one takes every kind of target that the estimators here take.

    Parameters
    ----------
    estimators : list of (str, estimator, modalities), optional
        Name, estimator or Pipeline, and the sequence columns it sees: a name, a list of names, or None for
        all. Metadata columns are passed on. "drop" in place of an estimator leaves it out. By default a
        `UnimodalRegressor` for each stream.
    weights : array-like of shape (n_estimators,), "simplex" or None, default=None
        Weights of the mean, not negative, dropped estimators counted; None for equal ones. "simplex" learns
        weights, not negative and of sum one, that minimise the squared error of held-out predictions, over
        all targets in units of their standard deviation. A row that only estimators of weight zero can
        predict gets their plain mean.
    final_estimator : scikit-learn regressor, optional
        Stacked on the estimators: learns each target from their held-out predictions for that target, an
        array (n_values, n_estimators). Where one cannot predict a row, the mean of the others stands in.
    cv : int or scikit-learn splitter, default=5
        Folds of rows whose held-out predictions `weights` or `final_estimator` are learnt from. An int gives
        that many folds, at most one for each group. Rows that no fold tests, as with a `PredefinedSplit`,
        are left out of it.
    groups : str or sequence of str, optional
        Column of X whose values (columns: whose combinations of values) must not be on both sides of a fold,
        for instance "subject". ``groups`` given to `fit` take precedence.
    n_jobs : int, optional
        How many estimators are fitted at the same time.
    random_state : int, RandomState or None, default=None
        Seed of the default estimators. Given ones bring their own.

    Attributes
    ----------
    estimators_ : list of (str, estimator, list of str)
        The fitted estimators and their streams, without those dropped.
    weights_ : ndarray or None
        Weights of the mean, of sum one, one for each of `estimators_`; None with a `final_estimator`.
    final_estimators_ : list of regressors or None
        The fitted clones of `final_estimator`, one for each target.
    target_mean_ : ndarray of shape (n_targets,)
        Mean label, the prediction for a clip without any stream.
    target_form_ : TargetForm
        The form in which y was given, and in which predictions are given back.
    modalities_ : dict of str to int
        Names and widths of all streams in use.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it has names.

    See Also
    --------
    EarlyFusionRegressor : One network on all features.
    Functionals : Makes scikit-learn's regressors members for labels per clip.

    Notes
    -----
    Learning weights takes ``cv`` times the training of equal ones. Errors of networks from different seeds,
    and more so of networks and trees, cancel in part, so that a mean of unlike estimators is often better
    than any of them.

    References
    ----------
    D. H. Wolpert. Stacked generalization. Neural Networks 5(2), 1992. L. Breiman. Stacked regressions.
    Machine Learning 24(1), 1996: weights that are not negative.

    Examples
    --------
    A network and trees, one stream each, labels per frame:

    >>> import avfusion as av
    >>> from sklearn.ensemble import HistGradientBoostingRegressor
    >>> X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    >>> model = av.LateFusionRegressor(
    ...     [
    ...         ("trees", av.FrameRegressor(HistGradientBoostingRegressor(max_iter=10)), "audio"),
    ...         ("network", av.UnimodalRegressor(max_epochs=3, random_state=0), "video"),
    ...     ]
    ... ).fit(X, y)
    >>> model.set_params(network__max_epochs=5).get_params()["network__max_epochs"]
    5

    Weights learnt from held-out subjects, labels per clip, plain scikit-learn regressors:

    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> ratings = [label.frames.mean() for label in y]
    >>> members = [(name, make_pipeline(av.Functionals(), Ridge()), name) for name in ("audio", "video")]
    >>> model = av.LateFusionRegressor(members, weights="simplex", groups="subject").fit(X, ratings)
    >>> round(float(model.weights_.sum()), 6)
    1.0
    >>> stacked = av.LateFusionRegressor(members, final_estimator=Ridge()).fit(X, ratings)
    >>> stacked.predict(X).shape
    (8,)
    """

    fusion_tags: ClassVar[FusionTags] = FusionTags(needs_alignment=False)
    __metadata_request__fit: ClassVar[dict] = {"sample_weight": None}  # among `params`: folds are not exact

    def __init__(
        self,
        estimators=None,
        *,
        weights=None,
        final_estimator=None,
        cv=5,
        groups=None,
        n_jobs=None,
        random_state=None,
    ):
        self.estimators = estimators
        self.weights = weights
        self.final_estimator = final_estimator
        self.cv = cv
        self.groups = groups
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def _pairs(self):  # what _BaseComposition reads and sets nested parameters by
        members = self.estimators if isinstance(self.estimators, (list, tuple)) else ()
        return [member[:2] for member in members if np.iterable(member) and len(member) == 3]

    @_pairs.setter
    def _pairs(self, pairs):
        self.estimators = [
            (name, estimator, modalities)
            for (name, estimator), (_, _, modalities) in zip(pairs, self.estimators)
        ]

    def get_params(self, deep=True):
        """Return the parameters, with those of the estimators as ``name__parameter``.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the estimators' own parameters.

        Returns
        -------
        dict
            Names and values.
        """
        return self._get_params("_pairs", deep=deep)

    def set_params(self, **params) -> Self:
        """Set parameters, also those of the estimators as ``name__parameter``.

        Parameters
        ----------
        **params : dict
            Names and values.

        Returns
        -------
        LateFusionRegressor
            The estimator itself.
        """
        if "estimators" in params:  # before parameters of its members
            self.estimators = params.pop("estimators")
        return self._set_params("_pairs", **params)

    def get_metadata_routing(self):
        """Return which metadata ``fit`` takes and passes on: scikit-learn's metadata routing.

        Returns
        -------
        MetadataRouter
            What scikit-learn's tools read.
        """
        return fit_router(self, self._given_estimators)

    @property
    def _given_estimators(self):
        return [pair for pair in self._pairs if not is_dropped(pair[1])]

    @as_one_task
    def fit(self, X, y, groups=None, **params) -> Self:
        """Fit every estimator on the rows that have one of its streams, and learn how to combine them.

        Parameters
        ----------
        X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
            One row per recording or clip.
        y : per-frame or per-clip targets
            As for every estimator here; NaN is unlabelled.
        groups : str, sequence of str or array-like of shape (n_rows,), optional
            Groups that the folds must respect, or the column of X that holds them.
        **params : dict
            ``sample_weight``, how much each row (numbers, or their column of X) or each label (in a form of
            y) counts, for the estimators and in what is learnt from them. With metadata routing on, more
            metadata, of which each estimator gets what it asks for, groups among it.

        Returns
        -------
        LateFusionRegressor
            The estimator itself.

        Raises
        ------
        ValueError
            If names repeat, `estimators` or `final_estimator` are no regressors, weights do not fit, a
            modality is unknown, no stream of a row is present though labels are per frame, an estimator has
            no row or no label to fit on (also within a fold), there are fewer than two rows or groups to
            learn weights from, other `params` though metadata routing is off, an estimator takes no
            ``sample_weight``, or whatever it objects to. All but the last is found before training.
        """
        warn_if_not_logged(self)
        sample_weight = params.pop("sample_weight", None)
        own = {"groups": groups, "sample_weight": sample_weight, "caller": type(self).__name__}
        data = read_recordings(X, y, **own)
        members = self._members(data)
        weights = self._given_weights([not is_dropped(estimator) for _, estimator, _ in members])
        members = [member for member in members if not is_dropped(member[1])]
        if self.final_estimator is not None:
            check_regressor(self.final_estimator, "final_estimator", ", or None for a mean")
        if sample_weight is not None:
            weight_parameter(self, type(self).__name__)
            weight_parameters(self.final_estimator, self.final_estimator and (), "final_estimator")
        routed = routed_to_fit(self, data.frame, params, data.groups)
        used = {name for _, _, names in members for name in names}
        data.check_finite(used)
        check_answerable(data, members, data.targets.form)
        folds = []
        if self._learns:
            folds = inner_folds(data.frame, self.groups if data.groups is None else data.groups, self.cv)
        check_members_fit(data, members, folds)
        # all rows first, so that what an estimator objects to names rows of X
        parts = [np.arange(len(data)), *(train for train, _ in folds)]
        with markers_told_once(data.targets.counted):
            fitted = self._fit_members(data, members, parts, routed)
        weights = None if weights is None else weights / weights.sum()
        finals = None
        if self._learns:
            predicted, *labels = held_out_predictions(data, folds, fitted[1:])
            if self.final_estimator is None:
                weights = simplex_weights(predicted, *labels)
            else:
                finals = fit_per_target(self.final_estimator, filled_with_mean(predicted), *labels)
        # nothing is set before everything is fitted
        self.estimators_, self.weights_, self.final_estimators_ = fitted[0], weights, finals
        self.spec_ = data.spec(
            [name for name in data.columns if name in used],
            target_mean=moments(data.targets.counted.values, data.targets.counted.weights)[0],
        )
        return self

    def predict(self, X) -> Predictions:
        """Predict, by the estimators that have a stream of the row.

        Parameters
        ----------
        X : as in `fit`
            Rows to predict.

        Returns
        -------
        DataFrame, Series or ndarray
            In the form of y.

        Raises
        ------
        ValueError
            If no stream of a row is present and predictions are per frame.
        """
        check_is_fitted(self, "estimators_")
        data = read_recordings(X, spec=self.spec_, caller=type(self).__name__)
        form = self.spec_.target_form
        check_answerable(data, self.estimators_, form)
        predictions = [predict_present(data, *member) for member in self.estimators_]
        predicted, lengths = gather_predictions(predictions, len(data), form, data.index)
        values = self._combined(predicted)
        if form.per_frame:
            check_predicted(values, form, lengths, data.index)
            return form.wrap(values, lengths, data.index, data.clock(data.columns, lengths))
        clips = np.tile(self.spec_.target_mean, (len(data), 1))
        clips[lengths > 0] = values
        check_predicted(clips, form, index=data.index)
        return form.wrap(clips, index=data.index)

    def _combined(self, predicted):
        """Make one prediction (n_values, K) of those of all estimators."""
        if self.final_estimators_ is None or not predicted.shape[1]:
            weights = np.ones(len(predicted)) if self.weights_ is None else self.weights_
            return weighted_mean(predicted, weights)
        tables = np.moveaxis(filled_with_mean(predicted), 0, 1)  # (n_values, n_estimators, K)
        return np.column_stack([m.predict(tables[:, :, k]) for k, m in enumerate(self.final_estimators_)])

    @property
    def _learns(self):
        return self.final_estimator is not None or isinstance(self.weights, str)

    def _members(self, data):
        """Return the estimators with the lists of their streams."""
        if self.estimators is None:
            random = random_generator(self.random_state)
            return [
                (name, UnimodalRegressor(name, random_state=random.randint(2**31 - 1)), [name])
                for name in data.columns
            ]
        members = read_members(self.estimators, data)
        self._validate_names([name for name, _, _ in members])
        return members

    def _given_weights(self, kept):
        """Return the weights of the mean, of the estimators that are kept; None if they are to be learnt."""
        if self.weights is not None and self.final_estimator is not None:
            raise ValueError("weights, to average, and final_estimator, to stack, are both given. Drop one.")
        if isinstance(self.weights, str) and self.weights != "simplex":
            raise ValueError(f"weights={brief(self.weights)} must be 'simplex', numbers, or None.")
        if self._learns:
            return None
        try:
            weights = np.asarray(plain_parts(self.weights), dtype=float)
            weights = np.ones(len(kept)) if self.weights is None else weights
        except (TypeError, ValueError):  # no numbers
            weights = np.empty(0)
        fit = weights.shape == (len(kept),) and (weights >= 0).all() and np.isfinite(weights).all()
        if not fit or weights[kept].sum() == 0:
            raise ValueError(
                f"weights={brief(self.weights)} must hold {len(kept)} numbers, one for each estimator, none "
                "negative and not all zero."
            )
        return weights[kept]

    def _fit_members(self, data, members, parts, routed):
        """Fit the estimators on each of some sets of rows; return a list of them for each set."""

        def fit_one(name, estimator, names, part):
            rows = part[present_rows(data, names)[part]]
            view, labels = view_of(data, names, rows), labels_of(data, rows)
            params = _check_method_params(data.frame, routed(name), indices=rows)
            params |= weight_parameters(estimator, weights_of(data.targets, rows), name)
            return name, clone(estimator).fit(view, labels, **params), names

        jobs = [(fit_one, (*member, part), {}) for part in parts for member in members]
        with untracked():
            fitted = all_results(jobs, self.n_jobs)
        return [fitted[k : k + len(members)] for k in range(0, len(fitted), len(members))]
