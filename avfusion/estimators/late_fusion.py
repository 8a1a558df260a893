"""Late fusion: models of single streams, whose predictions are averaged."""

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from avfusion.estimators import inputs
from avfusion.estimators.mixin import SequenceRegressorMixin
from avfusion.estimators.training import random_generator
from avfusion.estimators.unimodal import UnimodalRegressor
from avfusion.sequences import sequence_columns
from avfusion.sequences.reading import check_finite, check_widths, listed, read_columns
from avfusion.sequences.target_columns import row_name
from avfusion.sequences.targets import as_targets


class LateFusionRegressor(SequenceRegressorMixin, _BaseComposition):
    """Average the predictions of estimators that see some of the streams each.

    A row is answered by those estimators of whose streams it has at least one, and is used to fit just those.
    scikit-learn's VotingRegressor, StackingRegressor and TransformedTargetRegressor cannot take targets that
    are sequences; this one takes every kind of target that the estimators here take.

    Parameters
    ----------
    estimators : list of (str, estimator, modalities), optional
        Name, estimator or Pipeline, and the sequence columns it sees: a name, a list of names, or None for
        all. Metadata columns are passed on. By default a `UnimodalRegressor` for each stream.
    weights : array-like of shape (n_estimators,), optional
        Weights of the mean, not negative; equal by default.
    n_jobs : int, optional
        How many estimators are fitted at the same time.
    random_state : int, RandomState or None, default=None
        Seed of the default estimators. Given ones bring their own.

    Attributes
    ----------
    estimators_ : list of (str, estimator, list of str)
        The fitted estimators and their streams.
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

    Examples
    --------
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
    """

    def __init__(self, estimators=None, *, weights=None, n_jobs=None, random_state=None):
        self.estimators = estimators
        self.weights = weights
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

    def set_params(self, **params):
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

    def fit(self, X, y):
        """Fit every estimator on the rows that have one of its streams.

        Parameters
        ----------
        X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
            One row per recording or clip.
        y : per-frame or per-clip targets
            As for every estimator here; NaN is unlabelled.

        Returns
        -------
        LateFusionRegressor
            The estimator itself.

        Raises
        ------
        ValueError
            If names repeat, weights do not fit, a modality is unknown, or whatever an estimator objects to.
        """
        targets = as_targets(y)
        X = read_columns(self, X, reset=True)
        inputs.check_rows_agree(X, targets)
        members = self._members(X)
        self._member_weights(members)
        check_finite(X, {name for _, _, names in members for name in names})

        def fit_one(name, estimator, names):
            rows = np.flatnonzero(present_rows(X, names))
            if not len(rows):
                raise ValueError(
                    f"Estimator {name!r} has nothing to fit on: {listed(names)} absent everywhere."
                )
            part = view_of(X.iloc[rows], names)
            return name, clone(estimator).fit(part, labels_of(targets, rows, X.index)), names

        self.estimators_ = Parallel(n_jobs=self.n_jobs)(delayed(fit_one)(*member) for member in members)
        self.target_form_ = targets.form
        used = {name for _, _, names in members for name in names}
        self.modalities_ = {name: X[name].array.width for name in sequence_columns(X) if name in used}
        return self

    def predict(self, X):
        """Predict the weighted mean over the estimators that have a stream of the row.

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
            If no stream of a row is present.
        """
        check_is_fitted(self, "estimators_")
        X = read_columns(self, X, reset=False)
        check_widths(self, X, self.modalities_)
        weights = self._member_weights(self.estimators_)
        answered = np.zeros(len(X), dtype=bool)
        predictions = []
        for weight, (name, estimator, names) in zip(weights, self.estimators_):
            rows = np.flatnonzero(present_rows(X, names)) if weight > 0 else ()
            if len(rows):
                answered[rows] = True
                prediction = as_targets(estimator.predict(view_of(X.iloc[rows], names)), name)
                predictions.append((name, weight, rows, prediction))
        for row in np.flatnonzero(~answered):
            raise ValueError(f"No stream is present in {row_name(row, X.index)}. Drop the row.")
        lengths = merged_lengths(predictions, X.index) if self.target_form_.per_frame else None
        values = weighted_mean(predictions, np.ones(len(X), np.int64) if lengths is None else lengths)
        return self.target_form_.wrap(values, lengths, X.index)

    def _members(self, X):
        """Return the estimators with the lists of their streams."""
        if self.estimators is None:
            random = random_generator(self.random_state)
            return [
                (name, UnimodalRegressor(name, random_state=random.randint(2**31 - 1)), [name])
                for name in sequence_columns(X)
            ]
        if len(self.estimators) == 0:
            raise ValueError("estimators is empty; at least one (name, estimator, modalities) is needed.")
        members = []
        for member in self.estimators:
            if not (isinstance(member, (tuple, list)) and len(member) == 3):
                raise ValueError(
                    f"estimators must be a list of (name, estimator, modalities); got {member!r}."
                )
            name, estimator, modalities = member
            members.append((name, estimator, inputs.choose_modalities(X, modalities)))
        self._validate_names([name for name, _, _ in members])
        return members

    def _member_weights(self, members):
        weights = np.ones(len(members)) if self.weights is None else np.asarray(self.weights, dtype=float)
        if weights.shape != (len(members),) or not (weights >= 0).all() or weights.sum() == 0:
            raise ValueError(
                f"weights={self.weights!r} must hold {len(members)} numbers, one for each estimator, none of "
                "them negative and not all zero."
            )
        return weights


def present_rows(X, names):
    """Tell for each row whether it has at least one of the streams, (n_rows,) bool."""
    return ~np.all([X[name].array.isna() for name in names], axis=0)


def view_of(X, names):
    """Return X without the other streams; metadata columns stay."""
    return X.drop(columns=[name for name in sequence_columns(X) if name not in names])


def labels_of(targets, rows, index):
    """Return the labels of some rows in the form in which all were given."""
    values = targets.values[np.isin(targets.row_of_value, rows)]
    lengths = None if targets.lengths is None else targets.lengths[rows]
    return targets.form.wrap(values, lengths, index[rows])


def merged_lengths(predictions, index):
    """Return the number of steps of each row, which all predictions of the row must have."""
    lengths, source = np.full(len(index), -1), {}
    for name, _, rows, prediction in predictions:
        for row, length in zip(rows, prediction.lengths):
            if lengths[row] not in (-1, length):
                raise ValueError(
                    f"Estimators {source[row]!r} and {name!r} predict {lengths[row]} and {length} frames for "
                    f"{row_name(row, index)}. Let both align their streams to the rate of the labels."
                )
            lengths[row], source[row] = length, name
    return lengths


def weighted_mean(predictions, lengths):
    """Return the mean over predictions of some rows each, one line per step of all rows."""
    starts = np.cumsum(lengths) - lengths
    total, weights = 0.0, np.zeros((lengths.sum(), 1))
    for _, weight, rows, prediction in predictions:
        own = lengths[rows]
        within = np.arange(own.sum()) - np.repeat(np.cumsum(own) - own, own)
        lines = np.repeat(starts[rows], own) + within
        values = np.zeros((len(weights), prediction.values.shape[1]))
        values[lines] = weight * prediction.values
        total = total + values
        weights[lines] += weight
    return total / weights
