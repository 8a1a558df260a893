"""The base of every network estimator: data in, skorch in the middle, predictions out."""

from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils.validation import check_is_fitted

from avfusion.estimators import _inputs as inputs
from avfusion.estimators._base import SequenceRegressorMixin
from avfusion.estimators._batches import (
    EvaluationBatches,
    StreamDataset,
    TrainingBatches,
    expected_batches,
    expected_windows,
    observed_statistics,
    span_batches,
)
from avfusion.estimators._data_warnings import advise
from avfusion.estimators._model import build_model
from avfusion.estimators._parameters import NetworkParameters
from avfusion.estimators._training import (
    OPTIMIZERS,
    LabelledLoss,
    SequenceNet,
    random_generator,
    seeded,
    training_callbacks,
)
from avfusion.networks import LOSSES
from avfusion.sequences._groups import read_groups
from avfusion.sequences._reading import check_finite, check_widths, listed, read_columns
from avfusion.sequences._targets import as_targets

_ANEW = "Fit a new estimator, or this one with warm_start=False, to start anew."


class NetworkRegressor(NetworkParameters, SequenceRegressorMixin, BaseEstimator):
    """Base of all estimators that train a network; a subclass says which.

    A subclass has annotated attributes for the parameters of its network, which become keyword arguments of
    ``__init__``, and two methods: ``_network()`` returns a callable from the widths of the
    streams to a `torch.nn.Module` of this form: ``module(streams, masks)`` gives (batch, steps,
    ``module.output_size``). ``_choose_modalities(X)`` returns the names of the columns to read.
    """

    def fit(self, X, y, groups=None, X_val=None, y_val=None):
        """Train the network.

        Parameters
        ----------
        X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
            One row per recording or clip. A 2-D array is one modality of one-step sequences.
        y : per-frame or per-clip targets
            Per frame: DataFrame or Series of sequences, list or object array of (T,) or (T, K) arrays, or a
            numeric (n_rows, T, K) array. Per clip: numbers, (n_rows,) or (n_rows, K). NaN is unlabelled.
        groups : str or array-like of shape (n_rows,), optional
            Groups that the held-out rows of early stopping must respect, or the column of X that holds them.
        X_val : as `X`, optional
            Rows to validate on after every epoch, such as those of an official split. Early stopping looks at
            these; all rows of X are then trained on.
        y_val : as `y`
            Their labels.

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
        if X_val is None and y_val is not None:
            raise ValueError("y_val is given without X_val, the rows that it labels.")
        warm = self.warm_start and hasattr(self, "net_")
        if warm:
            self._check_same_modalities()
        X, data, form = self._read_training_data(X, y, reset=not warm)
        random = random_generator(self.random_state)
        train, valid = self._hold_out(X, data, groups, random) if X_val is None else (data, None)
        seeds = random.randint(np.iinfo(np.int32).max, size=self.n_members)
        if warm:
            self._check_can_go_on(form)
        else:
            self._settle(form, train)
        if X_val is not None:
            valid = self._read_validation_data(X_val, y_val, train)
        statistics = {name: observed_statistics(train, name) for name in train.frames}
        advise(self, train, statistics, form.target_names)
        train, valid = (self._with_scaled_labels(part) for part in (train, valid))
        self.nets_ = [
            self._train_net(statistics, train, valid, int(seed), former)
            for seed, former in zip(seeds, self.nets_ if warm else [None] * self.n_members)
        ]
        self.net_ = self.nets_[0]
        return self

    def partial_fit(self, X, y):
        """Go over some rows once, at a constant learning rate: training by hand, or on data in parts.

        The first call settles the input statistics and the scale of the targets, so it should see rows that
        are like those to come.

        Parameters
        ----------
        X : as in `fit`
            Rows to train on.
        y : as in `fit`
            Their labels.

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
        first = not hasattr(self, "net_")
        X, data, form = self._read_training_data(X, y, reset=first)
        if not first:
            self._check_can_go_on(form)
            data = replace(data, dtype=self._dtype)
        else:
            self._settle(form, data)
            statistics = {name: observed_statistics(data, name) for name in data.frames}
            seeds = random_generator(self.random_state).randint(np.iinfo(np.int32).max, size=self.n_members)
            nets = []
            for seed in seeds:
                with seeded(int(seed), self.device):
                    nets.append(self._build_net(statistics, data, seed, by_hand=True).initialize())
        data = self._with_scaled_labels(data)
        if not first:
            nets = [self._by_hand(net, data) for net in self.nets_]
        for net in nets:
            with seeded(int(net.get_params()["iterator_train__rng"].integers(2**31)), self.device):
                net.train(data, epochs=1)
        self.nets_, self.net_ = nets, nets[0]
        return self

    def predict(self, X):
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
        return self._predict_rows(*self._read_rows(X))

    def _read_rows(self, X):
        """Return the data set of rows to predict, and their index."""
        X = read_columns(self, X, reset=False)
        check_widths(self, X, self.modalities_)
        data = replace(self._stream_dataset(X, list(self.modalities_)), dtype=self._dtype)
        inputs.check_rate(X, self._streams_in_step(self.modalities_), self.rate_hz_)
        return data, X.index

    def _predict_rows(self, data, index):
        values = self._predict_scaled(data) * self.target_scale_ + self.target_mean_
        lengths = data.lengths if self.target_form_.per_frame else None
        return self.target_form_.wrap(values, lengths, index)

    def _read_training_data(self, X, y, reset):
        targets = as_targets(y)
        X = read_columns(self, X, reset=reset)
        inputs.check_rows_agree(X, targets)
        names = self._choose_modalities(X) if reset else list(self.modalities_)  # weights know their order
        if not reset:
            check_widths(self, X, self.modalities_)
        data = self._stream_dataset(X, names, targets, reset)
        in_step = self._streams_in_step(names)
        if reset:
            self.rate_hz_ = inputs.common_rate(X, in_step)
        else:
            inputs.check_rate(X, in_step, self.rate_hz_)
        inputs.check_label_rate(X, in_step, targets.form)
        inputs.check_labelled(data.labels, targets.form.target_names)
        return X, data, targets.form

    def _read_validation_data(self, X, y, train):
        if y is None:
            raise ValueError("X_val is given without y_val, the labels of its rows.")
        _, data, form = self._read_training_data(X, y, reset=False)
        fitted = self.target_form_
        inputs.check_target_names(form, fitted, "y_val")
        if (form.per_frame, form.n_targets) != (fitted.per_frame, fitted.n_targets):
            kinds = [
                f"{f.n_targets} target(s) per {'frame' if f.per_frame else 'clip'}" for f in (form, fitted)
            ]
            raise ValueError(f"y_val has {kinds[0]}, but y has {kinds[1]}.")
        return replace(data, dtype=train.dtype)

    def _stream_dataset(self, X, names, targets=None, reset=False):
        """Return the data set of X, checked, with labels where there are targets."""
        check_finite(X, names)
        arrays = {name: X[name].array for name in names}
        per_frame = targets.form.per_frame if targets is not None else self.target_form_.per_frame
        lengths, stream_lengths = self._lengths(X, names, targets, per_frame, reset)
        labels = None
        if targets is not None:
            labels = inputs.frame_labels(targets, lengths, X.index) if per_frame else targets.values
        return StreamDataset(
            frames={name: array.frames for name, array in arrays.items()},
            starts={name: np.where(array.lengths < 0, -1, array.starts) for name, array in arrays.items()},
            lengths=lengths,
            stream_lengths=stream_lengths,
            dtype=np.result_type(np.float32, *(array.frames.dtype for array in arrays.values())),
            labels=labels,
            window=self.window if per_frame else None,
            per_frame=per_frame,
        )

    def _lengths(self, X, names, targets, per_frame, reset):
        """Return the number of steps of each row, and by stream where streams may not be in step."""
        return self._aligned_lengths(X, names, targets, per_frame, reset), None

    def _aligned_lengths(self, X, names, targets, per_frame, reset, why=inputs.IN_STEP):
        if reset:
            self._companions = inputs.companions(X, names)
        rate = None if reset else self.rate_hz_
        given = None if targets is None else targets.lengths
        return inputs.aligned_lengths(X, names, per_frame, self._companions, rate, given, why)

    def _streams_in_step(self, names):
        """Return those of the streams that have a step for each step of the row."""
        return names

    def _hold_out(self, X, data, groups, random):
        """Return the rows to train on and those held out (None without early stopping)."""
        if not self.early_stopping:
            return data, None
        name = "validation_groups" if groups is None else "groups"
        groups = read_groups(self.validation_groups if groups is None else groups, X, name)
        groups = np.arange(len(X)) if groups is None else groups
        if len(np.unique(groups)) < 2:
            raise ValueError(
                "early_stopping needs at least two rows (two groups, where there are groups), one of them "
                f"to be held out; X has {len(X)} row(s) in {len(np.unique(groups))} group(s)."
            )
        split = GroupShuffleSplit(1, test_size=self.validation_fraction, random_state=random)
        parts = [data.take(rows) for rows in next(split.split(groups, groups=groups))]
        for part, name in zip(parts, ("training", "held-out")):
            if np.isnan(part.labels).all(axis=0).any():
                raise ValueError(
                    f"A target has no label in the {name} rows of early_stopping. Label more rows or groups, "
                    "change validation_fraction or random_state, or do without early_stopping."
                )
        return parts

    def _settle(self, form, data):
        """Keep what later calls are held to: the form and the scale of the targets, names and widths.

        Nets of a former fit, which had another scale, go: a training that is cut off leaves no model.
        """
        for former in ("net_", "nets_"):
            vars(self).pop(former, None)
        self.target_form_ = form
        self.modalities_ = {name: frames.shape[1] for name, frames in data.frames.items()}
        self.target_mean_, self.target_scale_ = np.zeros(form.n_targets), np.ones(form.n_targets)
        if self.standardize_target:
            self.target_mean_, scale = np.nanmean(data.labels, axis=0), np.nanstd(data.labels, axis=0)
            self.target_scale_ = np.where(scale > 0, scale, 1.0)

    def _with_scaled_labels(self, data):
        if data is None:
            return None
        return data.with_labels((data.labels - self.target_mean_) / self.target_scale_)

    def _train_net(self, statistics, train, valid, seed, former):
        """Return a trained net, which goes on from the weights of a former one if there is one."""
        with seeded(seed, self.device):
            net = self._build_net(statistics, train, seed).initialize()
            if former is not None:
                self._take_over_weights(net, former)
            net.train(train, valid)
        net.finish()
        if former is not None:
            # not before training: skorch's schedulers would resume where the last one ended, at zero
            net.history[:0] = former.history
        return net

    def _by_hand(self, former, data):
        """Return a net for `partial_fit`: the former one, or after `fit` one with its weights.

        That one has no schedule, which would have ended at zero, and an optimizer that starts anew.
        """
        if not hasattr(former, "finished_"):
            return former
        seed = int(former.get_params()["iterator_train__rng"].integers(2**31))
        statistics = {name: (np.zeros(width), np.ones(width)) for name, width in self.modalities_.items()}
        with seeded(seed, self.device):
            net = self._build_net(statistics, data, seed, by_hand=True).initialize()
        self._take_over_weights(net, former)  # and the statistics
        net.history[:0] = former.history
        return net

    def _build_net(self, statistics, data, seed, by_hand=False):
        self.batch_size_ = self._rows_per_batch(data)
        model = partial(
            build_model,
            network=self._network(),
            head={"dropout": self.dropout, "pooling": self.pooling},
            statistics=statistics,
            input_norm=self.input_norm,
            input_noise=self.input_noise,
            dtype=np.dtype(data.dtype).name,
            per_frame=data.per_frame,
            n_targets=data.labels.shape[1],
        )
        return SequenceNet(
            model,
            criterion=LabelledLoss,
            criterion__function=self._loss_function(data.per_frame),
            optimizer=OPTIMIZERS.get(self.optimizer, self.optimizer),
            optimizer__weight_decay=self.weight_decay,
            lr=self.lr,
            batch_size=self.batch_size_,
            max_epochs=self.max_epochs,
            iterator_train=TrainingBatches,
            iterator_train__rng=np.random.default_rng(seed),
            iterator_train__modality_dropout=self.modality_dropout,
            iterator_valid=EvaluationBatches,
            train_split=None,
            callbacks=self._callbacks(data, by_hand),
            callbacks__print_log=None,
            device=self.device,
            precision=self.precision,
            verbose=0,
        )

    def _loss_function(self, per_frame):
        return self.loss if callable(self.loss) else LOSSES[self._loss_name(per_frame)]

    def _loss_name(self, per_frame):
        if self.loss == "auto":
            return "ccc+mse" if per_frame else "mse"
        return self.loss if isinstance(self.loss, str) else getattr(self.loss, "__name__", None)

    def _rows_per_batch(self, data):
        if self.batch_size != "auto":
            return self.batch_size
        return int(np.clip(expected_windows(data) // 10, 8, 64))

    def _callbacks(self, data, by_hand):
        ours = training_callbacks(
            n_steps=self.max_epochs * expected_batches(data, self.batch_size_),
            schedule=None if by_hand else self.schedule,
            gradient_clip=self.gradient_clip,
            weight_average=self.weight_average,
            patience=self.patience if self.early_stopping and not by_hand else None,
            progress=(self.max_epochs, type(self).__name__) if self.verbose and not by_hand else None,
        )
        return [*ours, *(self.callbacks or ())]

    def _check_same_modalities(self):
        """Raise where other streams are chosen than in the last fit."""
        chosen = getattr(self, "modalities", getattr(self, "modality", None))
        chosen = [chosen] if isinstance(chosen, str) else chosen
        if chosen is not None and set(chosen) != set(self.modalities_):
            raise ValueError(
                f"{listed(chosen)} are chosen, but the last fit, from which training goes on, had "
                f"{listed(self.modalities_)}. {_ANEW}"
            )

    def _check_can_go_on(self, form):
        fitted = self.target_form_
        if (form.per_frame, form.n_targets) != (fitted.per_frame, fitted.n_targets):
            kinds = ["per frame" if f.per_frame else "per clip" for f in (form, fitted)]
            raise ValueError(
                f"y has {form.n_targets} target(s) {kinds[0]}, but the last fit, from which training goes "
                f"on, had {fitted.n_targets} {kinds[1]}. {_ANEW}"
            )
        inputs.check_target_names(form, fitted, "y")
        if len(self.nets_) != self.n_members:
            raise ValueError(
                f"n_members={self.n_members}, but the last fit, from which training goes on, had "
                f"{len(self.nets_)}. {_ANEW}"
            )

    def _take_over_weights(self, net, former):
        """Let a new net go on from the weights and the input statistics of the last fit."""
        try:
            net.module_.load_state_dict(former.module_.state_dict())
        except RuntimeError as error:
            raise ValueError(
                "The weights of the last fit, from which training goes on, do not fit the network of the "
                f"parameters of now. {_ANEW}"
            ) from error

    @property
    def _dtype(self):
        """The type of the network's numbers, that of the features in `fit`."""
        return np.dtype(str(next(self.net_.module_.parameters()).dtype).removeprefix("torch."))

    def _predict_scaled(self, data):
        """Return predictions on the scale of training, one line per step or per row."""
        per_frame = self.target_form_.per_frame
        hop = self.hop or (max(1, self.window // 2) if self.window else None)
        total = np.zeros((data.lengths.sum() if per_frame else len(data), self.target_form_.n_targets))
        counts = np.zeros((len(total), 1))
        for spans, (batch, _) in span_batches(data, self.batch_size_, hop):
            values = sum(net.evaluation_step((batch, None)) for net in self.nets_) / len(self.nets_)
            values = values.cpu().numpy()
            if not per_frame:
                total[spans.rows], counts[spans.rows] = values, 1
                continue
            steps = np.arange(values.shape[1])
            inside = steps < spans.lengths[:, None]
            position = ((data.offsets[spans.rows] + spans.begins)[:, None] + steps)[inside]
            np.add.at(total, position, values[inside])
            np.add.at(counts, position, 1)
        return total / counts
