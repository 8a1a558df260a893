"""The base of every network estimator: data in, skorch in the middle, predictions out."""

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from avfusion._tracking import warn_if_not_logged
from avfusion.estimators import _inputs as inputs
from avfusion.estimators._base import SequenceRegressorMixin
from avfusion.estimators._batches import (
    EvaluationBatches,
    StreamDataset,
    TrainingBatches,
    expected_batches,
    expected_windows,
    observed_statistics,
    stitched_predictions,
)
from avfusion.estimators._callbacks import prints, training_callbacks
from avfusion.estimators._data_warnings import advise
from avfusion.estimators._fit_tasks import fit_tasks, with_callbacks
from avfusion.estimators._inner_folds import hold_out
from avfusion.estimators._losses import loss_function, loss_name
from avfusion.estimators._model import build_model, within_memory
from avfusion.estimators._parameters import NetworkParameters
from avfusion.estimators._plain_state import PlainState, take_weights
from avfusion.estimators._training import (
    LabelledLoss,
    SequenceNet,
    TrainingDiverged,
    random_generator,
    seeded,
)
from avfusion.estimators._training_checks import check_training
from avfusion.estimators._weights import labels_of_steps, only_weights, target_scale, with_scaled_labels
from avfusion.sequences._data_spec import RegressorFittedToData
from avfusion.sequences._groups import check_are_groups
from avfusion.sequences._recordings import read_recordings
from avfusion.sequences._target_form import Predictions

_ANEW = "Fit a new estimator, or this one with warm_start=False, to start anew."


class NetworkRegressor(
    PlainState, NetworkParameters, RegressorFittedToData, SequenceRegressorMixin, BaseEstimator
):
    """Base of all estimators that train a network; a subclass says which.

    A subclass has annotated attributes for the parameters of its network, which become keyword arguments of
    ``__init__``, and two methods: ``_network()`` returns a callable from the widths of the
    streams to a `torch.nn.Module` of this form: ``module(streams, masks)`` gives (batch, steps,
    ``module.output_size``). ``_choose_modalities(data)`` returns the names of the columns to use.
    """

    _watch, _pairwise = None, False  # whether the network has a part for every pair of streams
    __metadata_request__fit: ClassVar[dict] = {"sample_weight": None}  # see `only_weights`
    __metadata_request__partial_fit: ClassVar[dict] = {"sample_weight": None}

    @with_callbacks
    def fit(self, X, y, groups=None, X_val=None, y_val=None, **params) -> Self:
        """Train the network.

        Parameters
        ----------
        X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
            One row per recording or clip. A 2-D array is one modality of one-step sequences.
        y : per-frame or per-clip targets
            Per frame: DataFrame or Series of sequences, list or object array of (T,) or (T, K) arrays, or a
            numeric (n_rows, T, K) array. Per clip: numbers, (n_rows,) or (n_rows, K). NaN is unlabelled.
        groups : str, sequence of str or array-like of shape (n_rows,), optional
            Groups that the held-out rows of early stopping must respect, or the column of X that holds them.
        X_val : as `X`, optional
            Rows to validate on after every epoch, such as those of an official split. Early stopping looks at
            these; all rows of X are then trained on.
        y_val : as `y`
            Their labels.
        **params : dict
            ``sample_weight``, how much each row (numbers, or their column of X) or each label (in a form of
            y) counts in loss, scale and held-out score. Weights of a target are relative to each other. A
            weight of 0 is no label; such rows still count in the statistics of the features.

        Returns
        -------
        FusionRegressor
            The estimator itself.

        Raises
        ------
        ValueError
            If the streams of a row differ in length, labels do not fit the streams, values are infinite, a
            modality is unknown or never observed, or nothing is labelled. Nothing is trained then.
        """
        self._check_parameters()
        warn_if_not_logged(self)
        sample_weight = only_weights(self, "fit", params)
        check_are_groups(groups)
        if X_val is None and y_val is not None:
            raise ValueError("y_val is given without X_val, the rows that it labels.")
        warm = self.warm_start and hasattr(self, "net_")
        if warm:
            chosen = getattr(self, "modalities", getattr(self, "modality", None))
            inputs.check_same_modalities(chosen, self.modalities_, _ANEW)
        holds_out = self.early_stopping and X_val is None
        data = self._read_training_data(X, y, sample_weight, groups if holds_out else None, holds_out, warm)
        spec = self.spec_ if warm else self._spec_of(data)
        dataset = self._dataset(data, spec)
        random = random_generator(self.random_state)
        train, valid = self._hold_out(dataset, data.groups, random) if holds_out else (dataset, None)
        seeds = random.randint(np.iinfo(np.int32).max, size=self.n_members)
        spec = spec if warm else self._with_target_scale(spec, train)
        if X_val is not None:
            valid = self._read_validation_data(X_val, y_val, spec)
        parts = [part for part in (train, valid) if part is not None]
        gaps = spec.per_frame or any(np.isnan(part.labels).any() for part in parts)
        weighted = any(part.weights is not None for part in parts)
        check_training(self, spec, valid is not None, unlabelled=gaps, weighted=weighted)
        statistics = {name: observed_statistics(train, name) for name in train.frames}
        advise(self, train, statistics, spec.target_form.target_names)
        former = self.nets_ if warm else [None] * self.n_members
        train, valid = (part and with_scaled_labels(part, spec) for part in (train, valid))
        with nullcontext() if warm else self._settled(spec), fit_tasks(self, X, y):
            self.nets_ = [
                self._train_net(statistics, train, valid, int(seed), net) for seed, net in zip(seeds, former)
            ]
            self.net_ = self.nets_[0]
        return self

    @contextmanager
    def _watched(self, watch):
        """Call ``watch(net)`` after every epoch of every network that `fit` trains meanwhile."""
        self._watch = watch
        try:
            yield
        finally:
            del self._watch

    def partial_fit(self, X, y, **params) -> Self:
        """Go over some rows once, at a constant learning rate: training by hand, or on data in parts.

        The first call settles the input statistics and the scale of the targets, so it should see rows that
        are like those to come.

        Parameters
        ----------
        X : as in `fit`
            Rows to train on.
        y : as in `fit`
            Their labels.
        **params : dict
            ``sample_weight``, as in `fit`; weights are relative to the others of the same call.

        Returns
        -------
        NetworkRegressor
            The estimator itself.

        Raises
        ------
        ValueError
            As `fit`, or if the rows have other modalities, widths or targets than those of the first call.
        """
        self._check_parameters()
        sample_weight = only_weights(self, "partial_fit", params)
        first = not hasattr(self, "net_")
        data = self._read_training_data(X, y, sample_weight, warm=not first)
        spec = self._spec_of(data) if first else self.spec_
        dataset = self._dataset(data, spec)
        gaps = spec.per_frame or np.isnan(dataset.labels).any()
        given = {"unlabelled": gaps, "weighted": dataset.weights is not None}
        check_training(self, spec, validates=False, by_hand=True, **given)
        if first:
            spec = self._with_target_scale(spec, dataset)
            statistics = {name: observed_statistics(dataset, name) for name in dataset.frames}
            seeds = random_generator(self.random_state).randint(np.iinfo(np.int32).max, size=self.n_members)
            with self._settled(spec):
                nets = [self._net_by_hand(statistics, int(seed), dataset) for seed in seeds]
                self._train_by_hand(nets, dataset)
        else:
            self._train_by_hand([self._partial_fit_net(net, dataset) for net in self.nets_], dataset)
        return self

    def _train_by_hand(self, nets, dataset):
        dataset = with_scaled_labels(dataset, self.spec_)
        try:
            for net in nets:
                with seeded(int(net.get_params()["iterator_train__rng"].integers(2**31)), self.device):
                    net.train(dataset, epochs=1)
        except TrainingDiverged:
            if nets == vars(self).get("nets_"):  # the very nets that predict
                self._forget()
            raise
        self.nets_, self.net_ = nets, nets[0]

    def predict(self, X) -> Predictions:
        """Predict a value per frame or per clip, in the form that y had in `fit`.

        Parameters
        ----------
        X : as in `fit`
            Rows to predict; a prediction does not depend on the other rows.

        Returns
        -------
        DataFrame, Series or ndarray
            A DataFrame or Series like y (names; index of X); an object array of (T,) or (T, K) arrays where y
            was a list or object array; else a numeric array.

        Raises
        ------
        ValueError
            If a modality of `fit` is missing or has another width, or streams of a row differ in length.
        """
        check_is_fitted(self, "net_")
        return self._predict_dataset(*self._read_dataset(X))

    def _read_dataset(self, X):
        """Return the data set of rows to predict, their labels, and when their steps are."""
        data = read_recordings(X, spec=self.spec_, caller=type(self).__name__)
        dataset = self._dataset(data, self.spec_)
        return dataset, data.index, data.clock(self.spec_.in_step, dataset.lengths)

    def _predict_dataset(self, dataset, index, clock=None, nets=None, hop=None):
        """Return predictions for rows that were read, of some nets in place of the fitted ones if given."""
        hop = hop or self.hop or (max(1, self.window // 2) if self.window else None)
        values = stitched_predictions(nets or self.nets_, dataset, self.batch_size_, hop)
        return self.spec_.predictions(values, dataset.lengths, index, clock)

    def _read_training_data(self, X, y, sample_weight=None, groups=None, holds_out=False, warm=False):
        """Read rows to train on, which must be like those of the last fit where training goes on from it."""
        groups_name = "groups"
        if holds_out and groups is None:
            groups, groups_name = self.validation_groups, "validation_groups"
        spec = self.spec_ if warm else None
        named = {"groups_name": groups_name, "caller": type(self).__name__}
        data = read_recordings(X, y, groups=groups, sample_weight=sample_weight, spec=spec, **named)
        if warm:
            inputs.check_same_targets(data.targets.form, spec.target_form, "y", _ANEW)
            inputs.check_same_members(self.n_members, len(self.nets_), _ANEW)
        return data

    def _read_validation_data(self, X, y, spec):
        if y is None:
            raise ValueError("X_val is given without y_val, the labels of its rows.")
        data = read_recordings(X, y, spec=spec, caller=type(self).__name__)
        inputs.check_same_targets(data.targets.form, spec.target_form, "y_val")
        return self._dataset(data, spec)

    def _spec_of(self, data):
        """Return what is to be remembered of training data, but for the scale of the targets."""
        names = self._choose_modalities(data)
        in_step = self._streams_in_step(data, names)
        return data.spec(
            names,
            in_step=in_step,
            companions=inputs.companions(data, in_step) if in_step else (),
            dtype=np.result_type(np.float32, *(data.columns[name].frames.dtype for name in names)),
        )

    def _with_target_scale(self, spec, train):
        mean, scale = target_scale(train.labels, train.weights, self.standardize_target)
        return replace(spec, target_mean=mean, target_scale=scale)

    def _dataset(self, data, spec):
        """Return the rows as networks take them, checked, with labels where there are any."""
        data.check_finite(spec.names)
        lengths, stream_lengths = self._lengths(data, spec)
        inputs.check_rate(data, spec.in_step, spec.rate_hz)
        labels = weights = None
        if data.targets is not None:
            labels, weights = labels_of_steps(data, spec, lengths)
        arrays = {name: data.columns[name] for name in spec.names}
        return StreamDataset(
            frames={name: array.frames for name, array in arrays.items()},
            starts={name: np.where(array.lengths < 0, -1, array.starts) for name, array in arrays.items()},
            lengths=lengths,
            stream_lengths=stream_lengths,
            dtype=spec.dtype,
            labels=labels,
            weights=weights,
            window=self.window if spec.per_frame else None,
            per_frame=spec.per_frame,
        ).with_weights_of_mean_one()

    def _lengths(self, data, spec):
        """Return the number of steps of each row, and by stream where streams may not be in step."""
        return inputs.aligned_lengths(data, spec), None

    def _streams_in_step(self, data, names):
        """Return those of the streams that have a step for each step of the row."""
        return tuple(names)

    def _hold_out(self, dataset, groups, random):
        return hold_out(dataset, groups, self.validation_fraction, random)

    @contextmanager
    def _settled(self, spec):
        """Train anew, for what later calls are held to; a fit that fails or is interrupted leaves nothing."""
        self._forget()
        self.spec_ = spec
        try:
            yield
        except BaseException:
            self._forget()
            raise

    def _forget(self):
        for learnt in ("net_", "nets_", "batch_size_", "spec_"):
            vars(self).pop(learnt, None)

    def _train_net(self, statistics, train, valid, seed, former):
        """Return a trained net, which goes on from the weights of a former one if there is one."""
        with seeded(seed, self.device):
            net = self._build_net(statistics, seed, expected_windows(train)).initialize()
            if former is not None:
                take_weights(net, former, _ANEW)
            net.train(train, valid, watch=self._watch)
        net.finish()
        if former is not None:
            # not before training: skorch's schedulers would resume where the last one ended, at zero
            net.history[:0] = former.history
        return net

    def _partial_fit_net(self, former, dataset):
        """Return a net for `partial_fit`: the former one, or after `fit` one with its weights."""
        # that one has no schedule, which would have ended at zero, and an optimizer that starts anew
        if not hasattr(former, "finished_"):
            return former
        seed = int(former.get_params()["iterator_train__rng"].integers(2**31))
        statistics = {name: (np.zeros(width), np.ones(width)) for name, width in self.modalities_.items()}
        net = self._net_by_hand(statistics, seed, dataset)
        take_weights(net, former, _ANEW)  # and the statistics
        net.history[:0] = former.history
        return net

    def _net_by_hand(self, statistics, seed, dataset=None):
        n_windows = 0 if dataset is None else expected_windows(dataset)
        with seeded(seed, self.device):
            return self._build_net(statistics, seed, n_windows, by_hand=True).initialize()

    def _build_net(self, statistics, seed, n_windows, by_hand=False):
        """Return a net for the data of `spec_`, not initialized; an epoch has so many windows."""
        spec = self.spec_
        self.batch_size_ = self._rows_per_batch(n_windows)
        model = partial(
            build_model,
            network=within_memory(self._network(), self.get_params(deep=False)),
            head={"dropout": self.dropout, "pooling": self.pooling},
            statistics=statistics,
            input_norm=self.input_norm,
            input_noise=self.input_noise,
            dtype=np.dtype(spec.dtype).name,
            per_frame=spec.per_frame,
            n_targets=spec.target_form.n_targets,
        )
        net = SequenceNet(
            model,
            criterion=LabelledLoss,
            criterion__function=loss_function(self.loss, spec.per_frame),
            **self._optimizer_arguments(),
            lr=self.lr,
            batch_size=self.batch_size_,
            max_epochs=self.max_epochs,
            iterator_train=TrainingBatches,
            iterator_train__rng=np.random.default_rng(seed),
            iterator_train__modality_dropout=self.modality_dropout,
            iterator_valid=EvaluationBatches,
            train_split=None,
            callbacks=self._callbacks(n_windows, by_hand),
            device=self.device,
            precision=self.precision,
            verbose=self.verbose or prints(self.callbacks),
        )
        net.target_mean, net.target_scale = spec.target_mean, spec.target_scale
        parameters = self.get_params(deep=False)  # those of today: `set_params` may follow
        net.origin_ = {"parameters": parameters, "n_windows": n_windows, "by_hand": by_hand}
        return net

    def _loss_name(self, per_frame):
        return loss_name(self.loss, per_frame)

    def _rows_per_batch(self, n_windows):
        if self.batch_size != "auto":
            return self.batch_size
        return int(np.clip(n_windows // 10, 8, 64))

    def _callbacks(self, n_windows, by_hand):
        ours = training_callbacks(
            n_steps=self.max_epochs * expected_batches(n_windows, self.batch_size_),
            schedule=None if by_hand else self.schedule,
            gradient_clip=self.gradient_clip,
            weight_average=self.weight_average,
            patience=self.patience if self.early_stopping and not by_hand else None,
            progress=(self.max_epochs, type(self).__name__) if self.verbose and not by_hand else None,
        )
        return [*ours, *(self.callbacks or ())]
