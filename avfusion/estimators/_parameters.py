"""The parameters that every network estimator has: defaults, legal values, descriptions."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import ClassVar, dataclass_transform

import torch
from numpy.random import RandomState
from torch import Tensor
from torch.optim import Optimizer

from avfusion._sklearn_compat import Interval, StrOptions
from avfusion.estimators._nested_parameters import OPTIMIZERS, NestedParameters, takes_optimizer_parameters
from avfusion.networks import LOSSES

LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]  # of prediction, target, mask

SHARED_PARAMETERS = """\
hidden_size : int, default=32
        Width of the recurrent layers (both directions together); even.
    dropout : float, default=0.5
        Dropout after every recurrent layer and on the updates of attention.
    input_norm : {"standard", "layer", None}, default="standard"
        "standard" brings every feature to mean 0 and standard deviation 1 over the observed training steps,
        and clips at 5; "layer" normalises every step over its features; None takes features as they are.
    input_noise : float, default=0.5
        Standard deviation of Gaussian noise on the normalised inputs in training.
    modality_dropout : float, default=0.0
        Probability that a stream of a row is hidden in training (never all of them), so that the network
        learns to do without.
    pooling : {"mean", "max", "attention"}, default="mean"
        How steps are pooled where there is one label per clip.
    loss : {"auto", "ccc+mse", "ccc", "mse", "mae", "huber"} or callable, default="auto"
        "auto" is "ccc+mse" for labels per frame and "mse" for labels per clip. "ccc" is 1 - CCC over all
        labelled steps of a batch, "ccc+mse" adds half the squared error of the standardised target. A
        callable is given ``(prediction, target, mask)``, (n, n_targets) each; a module of torch, such as
        ``torch.nn.HuberLoss()``, the labelled entries of prediction and target.
    optimizer : {"adamw", "adam", "sgd"} or torch optimizer class, default="adamw"
        What updates the weights. Its own parameters are given as ``optimizer__momentum=0.9``, here, in
        `set_params` and in grids; `lr` and `weight_decay` are those of the estimator.
    lr : float, default=3e-3
        Learning rate at its highest.
    weight_decay : float, default=0.1
        Weight decay of the optimizer.
    batch_size : int or "auto", default="auto"
        Number of windows (or rows) in a batch; "auto" is a tenth of those in an epoch, but at least 8 and at
        most 64.
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
    n_members : int, default=1
        Number of networks, each from a seed of its own, whose predictions are averaged. More of them help
        more often than another network does.
    early_stopping : bool, default=False
        Hold out a part of the rows, stop when its CCC has not risen for `patience` epochs, and keep the
        best epoch's weights.
    validation_fraction : float, default=0.1
        Share of the rows (of the groups, where there are groups) held out.
    validation_groups : str, sequence of str or None, default=None
        Column of X whose values (columns: whose combinations of values) must not be on both sides of the
        held-out split, for instance "subject".
        ``groups`` given to `fit` take precedence.
    patience : int, default=10
        Epochs without a better validation CCC before training stops.
    standardize_target : bool, default=True
        Learn targets of mean 0 and standard deviation 1; predictions are on the scale of y either way.
    device : str or torch.device, default="cpu"
        Where the network trains and predicts. On one GPU, let searches and comparisons run with ``n_jobs=1``:
        several processes would wait for each other and hold a copy of CUDA and of the data each.
    precision : {"float32", "bfloat16"}, default="float32"
        "bfloat16" computes most products of the network in bfloat16, forwards and backwards, faster on a GPU;
        weights, loss and statistics stay as they are. Expect predictions that differ by about a hundredth
        of the standard deviation of y. "float32" computes in the type of the features, as does float64 in
        either case.
    random_state : int, RandomState or None, default=None
        Seed of the weights, of dropout and of the batches. The global generators are left as they are.
    verbose : int, default=0
        Whether to show a progress bar.
    callbacks : list of skorch callbacks or of (name, callback), optional
        More callbacks for the training; used as they are, as skorch does. At the end of an epoch they see the
        weights that were scored. `set_params` and grids reach ``callbacks__stop__patience``, by the name, or
        that of the class. Scoring callbacks are given the labelled steps of all batches in the units of y,
        and take names of `avfusion.metrics.scorers`, too.
    warm_start : bool, default=False
        Whether another call of `fit` goes on from the weights of the last one."""

FUSION_PARAMETERS = f"""\
{SHARED_PARAMETERS}
    modalities : list of str, optional
        The sequence columns of X to use; by default all of them."""

ENCODER_PARAMETERS = """\
intra_lstm : bool, default=True
        Whether each stream is read by a bidirectional LSTM before fusion, or step by step by a linear map.
    joint_lstm : bool, default=True
        Whether a bidirectional LSTM reads the fused sequence, or a linear map."""

FITTED_ATTRIBUTES = """\
net_ : skorch.NeuralNet
        The trained net: ``net_.module_`` is the network, ``net_.history`` what happened in training.
    nets_ : list of skorch.NeuralNet
        All `n_members` of them.
    modalities_ : dict of str to int
        Names and widths of the streams.
    batch_size_ : int
        Number of windows (or rows) in a batch.
    rate_hz_ : float or None
        The rate that the streams declared in `fit`.
    target_form_ : TargetForm
        The form in which y was given, and in which predictions are given back.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it has names."""


DESCRIPTIONS = {  # by what stands for them in a docstring
    "{encoder_parameters}": ENCODER_PARAMETERS,
    "{fusion_parameters}": FUSION_PARAMETERS,
    "{shared_parameters}": SHARED_PARAMETERS,
    "{fitted_attributes}": FITTED_ATTRIBUTES,
}


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(field,))
@dataclass(kw_only=True, eq=False, repr=False)
class NetworkParameters(NestedParameters):
    """Shared parameters as keyword-only fields.

    Every subclass becomes a dataclass: its annotated attributes are further parameters, and the flat
    ``__init__`` that scikit-learn needs is written for it. ``_parameter_constraints`` holds the legal values
    of its own parameters only, where it has any. ``{shared_parameters}`` in its docstring describes these.
    """

    hidden_size: int = 32
    dropout: float = 0.5
    input_norm: str | None = "standard"
    input_noise: float = 0.5
    modality_dropout: float = 0.0
    pooling: str = "mean"
    loss: str | LossFunction = "auto"
    optimizer: str | Callable[..., Optimizer] = "adamw"
    lr: float = 3e-3
    weight_decay: float = 0.1
    batch_size: int | str = "auto"
    max_epochs: int = 40
    schedule: str | None = "cosine"
    gradient_clip: float | None = 1.0
    weight_average: float | None = 0.95
    window: int | None = 300
    hop: int | None = None
    n_members: int = 1
    early_stopping: bool = False
    validation_fraction: float = 0.1
    validation_groups: str | list[str] | tuple[str, ...] | None = None
    patience: int = 10
    standardize_target: bool = True
    device: str | torch.device = "cpu"
    precision: str = "float32"
    random_state: int | RandomState | None = None
    verbose: int = 0
    callbacks: Sequence | None = None
    warm_start: bool = False

    _parameter_constraints: ClassVar[dict] = {
        "hidden_size": [Interval(Integral, 2, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "input_norm": [StrOptions({"standard", "layer"}), None],
        "input_noise": [Interval(Real, 0, None, closed="left")],
        "modality_dropout": [Interval(Real, 0, 1, closed="left")],
        "pooling": [StrOptions({"mean", "max", "attention"})],
        "loss": [StrOptions({"auto", *LOSSES}), callable],
        "optimizer": [StrOptions(set(OPTIMIZERS)), callable],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "schedule": [StrOptions({"cosine"}), None],
        "gradient_clip": [Interval(Real, 0, None, closed="neither"), None],
        "weight_average": [Interval(Real, 0, 1, closed="left"), None],
        "window": [Interval(Integral, 2, None, closed="left"), None],
        "hop": [Interval(Integral, 1, None, closed="left"), None],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "validation_groups": [str, list, tuple, None],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "standardize_target": ["boolean"],
        "device": [str, torch.device],
        "precision": [StrOptions({"float32", "bfloat16"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "callbacks": [list, tuple, None],
        "warm_start": ["boolean"],
    }

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        _make_dataclass(cls)
        cls.__init__ = takes_optimizer_parameters(cls.__init__)
        constraints = [vars(base).get("_parameter_constraints", {}) for base in reversed(cls.__mro__)]
        cls._parameter_constraints = {name: legal for own in constraints for name, legal in own.items()}
        if cls.__doc__:  # the shared parameters are described once, here
            for name, text in DESCRIPTIONS.items():
                cls.__doc__ = cls.__doc__.replace(name, _with_defaults(text, cls))

    def _check_parameters(self):
        self._validate_params()
        check_device(self.device)
        self._optimizer_arguments()
        if self.hidden_size % 2:
            raise ValueError(f"hidden_size={self.hidden_size} must be even: half for each direction in time.")
        if self.window is not None and self.hop is not None and self.hop > self.window:
            raise ValueError(
                f"hop={self.hop} is larger than window={self.window}: steps between windows would have no "
                "prediction. Choose a hop of at most the window."
            )


def _with_defaults(text, cls):
    """Return a description of shared parameters with those defaults that a class has changed."""
    shared = {known.name: known.default for known in fields(NetworkParameters)}
    for own in fields(cls):
        if own.name in shared and own.default != shared[own.name]:
            default = f'"{own.default}"' if isinstance(own.default, str) else own.default
            text = re.sub(rf"^( *{own.name} : .*, default=).*$", rf"\g<1>{default}", text, flags=re.MULTILINE)
    return text


def _make_dataclass(cls):
    """Make a dataclass of a class, in a way that a further ``@dataclass`` on it does no harm.

    Estimators are compared and hashed by identity, and shown by scikit-learn. A dataclass leaves methods
    alone that a class has itself, so it is given these.
    """
    for name in ("__eq__", "__hash__", "__repr__"):
        if name not in vars(cls):
            setattr(cls, name, getattr(cls, name))
    dataclass(kw_only=True, eq=False, repr=False)(cls)


def check_device(device):
    """Raise unless torch has the device here.

    Parameters
    ----------
    device : str or torch.device

    Raises
    ------
    ValueError
        Says what there is.

    Examples
    --------
    >>> check_device("cpu")
    """
    there = ["cpu"]
    if torch.accelerator.is_available():
        kind = torch.accelerator.current_accelerator().type
        there += [kind, *(f"{kind}:{number}" for number in range(torch.accelerator.device_count()))]
    try:
        known = str(torch.device(device)) in there or torch.device(device).type in ("cpu", "meta")
    except RuntimeError:  # no device of torch's at all
        known = False
    if not known:
        raise ValueError(f"device={str(device)!r} is not here: this machine and build of torch have {there}.")
