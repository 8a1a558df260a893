"""The base of every network estimator: data in, skorch in the middle, predictions out."""

from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from avfusion.estimators import inputs
from avfusion.estimators.batches import (
    EvaluationBatches,
    StreamDataset,
    TrainingBatches,
    expected_batches,
    span_batches,
)
from avfusion.estimators.mixin import SequenceRegressorMixin
from avfusion.estimators.training import (
    OPTIMIZERS,
    LabelledLoss,
    SequenceNet,
    random_generator,
    seeded,
    training_callbacks,
)
from avfusion.networks import LOSSES, ClipHead, FrameHead, FusionModel, InputNorm
from avfusion.sequences.reading import check_finite, check_widths, read_columns
from avfusion.sequences.targets import as_targets

SHARED_PARAMETERS = """\
hidden_size : int, default=32
        Width of the recurrent layers (both directions together); even.
    dropout : float, default=0.5
        Dropout after every recurrent layer and on the updates of attention.
    input_norm : {"standard", "layer", None}, default="standard"
        "standard" brings every feature to mean 0 and spread 1 over the observed training steps, and clips at
        5; "layer" normalises every step over its features; None takes features as they are.
    input_noise : float, default=0.5
        Standard deviation of Gaussian noise on the normalised inputs in training.
    modality_dropout : float, default=0.0
        Probability that a stream of a row is hidden in training (never all of them), so that the network
        learns to do without.
    pooling : {"mean", "max", "attention"}, default="mean"
        How steps are pooled where there is one label per clip.
    loss : {"ccc+mse", "ccc", "mse", "mae", "huber"} or callable, default="ccc+mse"
        "ccc" is 1 - CCC over all labelled steps of a batch, "ccc+mse" adds half the squared error of the
        standardised target. A callable is given ``(prediction, target, mask)``, (n, n_targets) each.
    optimizer : {"adamw", "adam", "sgd"} or torch optimizer class, default="adamw"
        What updates the weights.
    lr : float, default=3e-3
        Learning rate at its highest.
    weight_decay : float, default=0.1
        Weight decay of the optimizer.
    batch_size : int, default=8
        Number of windows (or rows) in a batch.
    max_epochs : int, default=40
        Number of passes over the training rows.
    schedule : {"cosine", None}, default="cosine"
        "cosine" raises the learning rate over 10 steps and then lets it fall to zero; None leaves it.
    gradient_clip : float or None, default=1.0
        Largest norm of the gradient.
    weight_average : float or None, default=0.95
        Decay of the moving average of the weights that predictions are made with; None for the last weights.
    window : int or None, default=300
        Longest piece of a row that is seen at once, in steps, where labels are per frame; None for whole
        rows. Training cuts at a random phase. A clip label belongs to its whole row, which is never cut.
    hop : int or None, default=None
        Steps between the windows of prediction, whose overlaps are averaged; by default half a window.
    early_stopping : bool, default=False
        Hold out a part of the rows, stop when its CCC has not risen for `patience` epochs, and keep the
        best epoch's weights.
    validation_fraction : float, default=0.1
        Share of the rows (of the groups, where there are groups) held out.
    validation_groups : str or None, default=None
        Column of X whose values must not be on both sides of the held-out split, for instance "subject".
        ``groups`` given to `fit` take precedence.
    patience : int, default=10
        Epochs without a better validation CCC before training stops.
    standardize_target : bool, default=True
        Learn targets of mean 0 and spread 1; predictions are on the scale of y either way.
    device : str or torch.device, default="cpu"
        Where the network trains and predicts.
    random_state : int, RandomState or None, default=None
        Seed of the weights, of dropout and of the batches. The global generators are left as they are.
    verbose : int, default=0
        Whether to show a progress bar.
    callbacks : list of skorch callbacks, optional
        More callbacks for the training; used as they are, as skorch does.
    warm_start : bool, default=False
        Whether another call of `fit` goes on from the weights of the last one."""

FITTED_ATTRIBUTES = """\
net_ : skorch.NeuralNet
        The trained net: ``net_.module_`` is the network, ``net_.history`` what happened in training.
    modalities_ : dict of str to int
        Names and widths of the streams.
    target_form_ : TargetForm
        The form in which y was given, and in which predictions are given back.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it has names."""


def build_model(network, head, *, statistics, input_norm, input_noise, dtype, per_frame, n_targets):
    """Return the whole model: input norms, the network, and the head that the targets need.

    Parameters
    ----------
    network : callable
        Called with the widths of the streams, returns the network.
    head : dict
        Arguments of the head.
    statistics : dict of str to (mean, std)
        Per stream, arrays (width,) of the training rows.
    """
    widths = {name: len(mean) for name, (mean, _) in statistics.items()}
    norms = {name: InputNorm(width, mode=input_norm, noise=input_noise) for name, width in widths.items()}
    body = network(widths)
    if per_frame:
        head = FrameHead(body.output_size, n_targets, dropout=head["dropout"])
    else:
        head = ClipHead(body.output_size, widths, n_targets, **head)
    model = FusionModel(norms, body, head).to(getattr(torch, dtype))
    for name, (mean, std) in statistics.items():
        norms[name].set_statistics(mean, std)
    return model


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkRegressor(SequenceRegressorMixin, BaseEstimator):
    """Base of all estimators that train a network; a subclass says which.

    A subclass is a dataclass (which writes the flat ``__init__`` that scikit-learn asks for) with fields for
    the parameters of its network, and two methods: ``_network()`` returns a callable from the widths of the
    streams to a `torch.nn.Module` of this form: ``module(streams, masks)`` gives (batch, steps,
    ``module.output_size``). ``_choose_modalities(X)`` returns the names of the columns to read.
    """

    hidden_size: int = 32
    dropout: float = 0.5
    input_norm: str | None = "standard"
    input_noise: float = 0.5
    modality_dropout: float = 0.0
    pooling: str = "mean"
    loss: str = "ccc+mse"
    optimizer: str = "adamw"
    lr: float = 3e-3
    weight_decay: float = 0.1
    batch_size: int = 8
    max_epochs: int = 40
    schedule: str | None = "cosine"
    gradient_clip: float | None = 1.0
    weight_average: float | None = 0.95
    window: int | None = 300
    hop: int | None = None
    early_stopping: bool = False
    validation_fraction: float = 0.1
    validation_groups: str | None = None
    patience: int = 10
    standardize_target: bool = True
    device: str = "cpu"
    random_state: int | None = None
    verbose: int = 0
    callbacks: list | None = None
    warm_start: bool = False

    _parameter_constraints: ClassVar[dict] = {
        "hidden_size": [Interval(Integral, 2, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "input_norm": [StrOptions({"standard", "layer"}), None],
        "input_noise": [Interval(Real, 0, None, closed="left")],
        "modality_dropout": [Interval(Real, 0, 1, closed="left")],
        "pooling": [StrOptions({"mean", "max", "attention"})],
        "loss": [StrOptions(set(LOSSES)), callable],
        "optimizer": [StrOptions(set(OPTIMIZERS)), type],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "schedule": [StrOptions({"cosine"}), None],
        "gradient_clip": [Interval(Real, 0, None, closed="neither"), None],
        "weight_average": [Interval(Real, 0, 1, closed="left"), None],
        "window": [Interval(Integral, 2, None, closed="left"), None],
        "hop": [Interval(Integral, 1, None, closed="left"), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "validation_groups": [str, None],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "standardize_target": ["boolean"],
        "device": [str, torch.device],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "callbacks": [list, tuple, None],
        "warm_start": ["boolean"],
    }

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.__doc__:  # the shared parameters are described once, above
            shared, fitted = SHARED_PARAMETERS, FITTED_ATTRIBUTES
            cls.__doc__ = cls.__doc__.replace("{shared_parameters}", shared)
            cls.__doc__ = cls.__doc__.replace("{fitted_attributes}", fitted)

    def fit(self, X, y, groups=None):
        """Train the network.

        Parameters
        ----------
        X : DataFrame with sequence columns, or whatever `avfusion.as_sequences` takes
            One row per recording or clip. A 2-D array is one modality of one-step sequences.
        y : per-frame or per-clip targets
            Per frame: DataFrame or Series of sequences, list or object array of (T,) or (T, K) arrays, or a
            numeric (n_rows, T, K) array. Per clip: numbers, (n_rows,) or (n_rows, K). NaN is unlabelled.
        groups : array-like of shape (n_rows,), optional
            Groups that the held-out rows of early stopping must respect.

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
        warm = self.warm_start and hasattr(self, "net_")
        X, data, form = self._read_training_data(X, y, reset=not warm)
        random = random_generator(self.random_state)
        train, valid = self._hold_out(X, data, groups, random)
        seed = int(random.randint(np.iinfo(np.int32).max))
        if warm:
            self._check_same_form(form)
        else:
            self.target_form_ = form
            self.modalities_ = {name: frames.shape[1] for name, frames in data.frames.items()}
            self._set_target_scale(train.labels)
        statistics = {name: observed_statistics(train, name) for name in train.frames}
        train, valid = (self._with_scaled_labels(part) for part in (train, valid))
        with seeded(seed, self.device):
            net = self._build_net(statistics, train, np.random.default_rng(seed)).initialize()
            if warm:
                self._take_over_weights(net)
            self._train(net, train, valid)
        if warm:  # not before training: skorch's schedulers would resume where the last one ended, at zero
            net.history[:0] = self.net_.history
        self.net_ = net
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
        X = read_columns(self, X, reset=False)
        check_widths(self, X, self.modalities_)
        data = replace(self._stream_dataset(X, list(self.modalities_)), dtype=self._dtype)
        values = self._predict_scaled(data) * self.target_scale_ + self.target_mean_
        lengths = data.lengths if self.target_form_.per_frame else None
        return self.target_form_.wrap(values, lengths, X.index)

    def _check_parameters(self):
        self._validate_params()
        if self.hidden_size % 2:
            raise ValueError(f"hidden_size={self.hidden_size} must be even: half for each direction in time.")
        if self.window is not None and self.hop is not None and self.hop > self.window:
            raise ValueError(
                f"hop={self.hop} is larger than window={self.window}: steps between windows would have no "
                "prediction. Choose a hop of at most the window."
            )

    def _read_training_data(self, X, y, reset):
        targets = as_targets(y)
        X = read_columns(self, X, reset=reset)
        inputs.check_rows_agree(X, targets)
        names = self._choose_modalities(X)
        if not reset:
            check_widths(self, X, self.modalities_)
        data = self._stream_dataset(X, names, targets)
        inputs.check_labelled(data.labels, targets.form.target_names)
        return X, data, targets.form

    def _stream_dataset(self, X, names, targets=None):
        """Return the data set of X, checked, with labels where there are targets."""
        check_finite(X, names)
        arrays = {name: X[name].array for name in names}
        per_frame = targets.form.per_frame if targets is not None else self.target_form_.per_frame
        lengths = inputs.aligned_lengths(X, names, per_frame)
        labels = None
        if targets is not None:
            labels = inputs.frame_labels(targets, lengths, X.index) if per_frame else targets.values
        return StreamDataset(
            frames={name: array.frames for name, array in arrays.items()},
            starts={name: np.where(array.lengths < 0, -1, array.starts) for name, array in arrays.items()},
            lengths=lengths,
            dtype=np.result_type(np.float32, *(array.frames.dtype for array in arrays.values())),
            labels=labels,
            window=self.window if per_frame else None,
            per_frame=per_frame,
        )

    def _hold_out(self, X, data, groups, random):
        """Return the rows to train on and those held out (None without early stopping)."""
        if not self.early_stopping:
            return data, None
        if groups is None and self.validation_groups is not None:
            if self.validation_groups not in X.columns:
                raise ValueError(
                    f"validation_groups={self.validation_groups!r} is no column of X; its columns are "
                    f"{list(X.columns)}."
                )
            groups = X[self.validation_groups].to_numpy()
        groups = np.arange(len(X)) if groups is None else np.asarray(groups)
        if len(groups) != len(X):
            raise ValueError(f"groups has {len(groups)} values, but X has {len(X)} rows; give one for each.")
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

    def _set_target_scale(self, labels):
        n_targets = labels.shape[1]
        self.target_mean_, self.target_scale_ = np.zeros(n_targets), np.ones(n_targets)
        if self.standardize_target:
            self.target_mean_, scale = np.nanmean(labels, axis=0), np.nanstd(labels, axis=0)
            self.target_scale_ = np.where(scale > 0, scale, 1.0)

    def _with_scaled_labels(self, data):
        if data is None:
            return None
        return data.with_labels((data.labels - self.target_mean_) / self.target_scale_)

    def _build_net(self, statistics, data, rng):
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
            criterion__function=LOSSES.get(self.loss, self.loss) if isinstance(self.loss, str) else self.loss,
            optimizer=OPTIMIZERS.get(self.optimizer, self.optimizer),
            optimizer__weight_decay=self.weight_decay,
            lr=self.lr,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            iterator_train=TrainingBatches,
            iterator_train__rng=rng,
            iterator_train__modality_dropout=self.modality_dropout,
            iterator_valid=EvaluationBatches,
            train_split=None,
            callbacks=self._callbacks(data),
            callbacks__print_log=None,
            device=self.device,
            verbose=0,
        )

    def _callbacks(self, data):
        ours = training_callbacks(
            n_steps=self.max_epochs * expected_batches(data, self.batch_size),
            schedule=self.schedule,
            gradient_clip=self.gradient_clip,
            weight_average=self.weight_average,
            patience=self.patience if self.early_stopping else None,
            progress=(self.max_epochs, type(self).__name__) if self.verbose else None,
        )
        return [*ours, *(self.callbacks or ())]

    def _check_same_form(self, form):
        fitted = self.target_form_
        if (form.per_frame, form.n_targets) != (fitted.per_frame, fitted.n_targets):
            kinds = ["per frame" if f.per_frame else "per clip" for f in (form, fitted)]
            raise ValueError(
                f"y has {form.n_targets} target(s) {kinds[0]}, but the last fit, from which warm_start goes "
                f"on, had {fitted.n_targets} {kinds[1]}. Set warm_start=False to start anew."
            )

    def _take_over_weights(self, net):
        """Let a new net go on from the weights and the input statistics of the last fit."""
        try:
            net.module_.load_state_dict(self.net_.module_.state_dict())
        except RuntimeError as error:
            raise ValueError(
                "The weights of the last fit, from which warm_start goes on, do not fit the network of the "
                "parameters of now. Set warm_start=False to start anew."
            ) from error

    def _train(self, net, train, valid):
        net.train_split = (lambda dataset: (dataset, valid)) if valid is not None else None
        try:
            net.partial_fit(train, None)
        finally:
            net.train_split = None  # the net keeps no data

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
        for spans, (batch, _) in span_batches(data, self.batch_size, hop):
            values = self.net_.evaluation_step((batch, None)).cpu().numpy()
            if not per_frame:
                total[spans.rows], counts[spans.rows] = values, 1
                continue
            steps = np.arange(values.shape[1])
            inside = steps < spans.lengths[:, None]
            position = ((data.offsets[spans.rows] + spans.begins)[:, None] + steps)[inside]
            np.add.at(total, position, values[inside])
            np.add.at(counts, position, 1)
        return total / counts


@dataclass(kw_only=True, eq=False, repr=False)
class FusionRegressor(NetworkRegressor):
    """Base of the networks that fuse one to many streams; a subclass says which network it builds.

    Its parameters are those that every fusion estimator has.

    Parameters
    ----------
    {shared_parameters}
    modalities : list of str, optional
        The sequence columns of X to use; by default all of them.

    Attributes
    ----------
    {fitted_attributes}
    """

    modalities: list | None = None

    _parameter_constraints: ClassVar[dict] = {
        **NetworkRegressor._parameter_constraints,
        "modalities": ["array-like", str, None],
    }

    def _choose_modalities(self, X):
        return inputs.choose_modalities(X, self.modalities)


def observed_statistics(data, name):
    """Return mean and spread of a stream's features over the observed steps of all rows, (width,) each.

    Summed in float64, row by row, around the first observed step, so that neither memory-mapped features are
    copied nor large offsets lose digits.
    """
    frames, starts = data.frames[name], data.starts[name]
    shift, n_steps = None, 0
    for row in np.flatnonzero(starts >= 0):
        values = np.asarray(frames[starts[row] : starts[row] + data.lengths[row]], dtype=np.float64)
        values = values[~np.isnan(values).any(axis=1)]
        if not len(values):
            continue
        if shift is None:
            shift, total, squares = values[0], np.zeros(frames.shape[1]), np.zeros(frames.shape[1])
        values = values - shift
        n_steps += len(values)
        total += values.sum(axis=0)
        squares += np.square(values).sum(axis=0)
    inputs.check_observed(n_steps > 0, name)
    mean = total / n_steps
    variance = squares / n_steps - np.square(mean)
    return mean + shift, np.sqrt(np.maximum(variance, 0))
