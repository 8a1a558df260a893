"""Parameters within parameters, as skorch names them: ``optimizer__momentum``, ``callbacks__stop__patience``.

What is set for the optimizer is kept beside it, as the parameters of modules are. What is set for a callback
is written into a copy of it, in a new list: the callbacks of other estimators stay as they are.
"""

import inspect
from copy import copy
from functools import wraps
from typing import Any, ClassVar

import torch
from skorch.callbacks import LRScheduler, lr_scheduler

from avfusion._sklearn_compat import InvalidParameterError
from avfusion.networks._checks import title
from avfusion.sequences._messages import brief, did_you_mean

OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD}
PREFIX = "optimizer__"
OF_THE_ESTIMATOR = ("lr", "weight_decay")
ELSEWHERE = {  # skorch's names, and what stands for them here
    "callbacks": "parameters of callbacks are set in the callbacks that are given, or by set_params.",
    "criterion": "a loss is set as a whole: loss='huber', or a function such as partial(my_loss, alpha=2).",
    "iterator_train": "batches are set by batch_size, window and modality_dropout.",
    "iterator_valid": "batches of validation are set by batch_size and window.",
    "loss": "a loss is set as a whole. Give a function, such as functools.partial(my_loss, alpha=2).",
    "module": "what a network is built with are parameters of the estimator, such as hidden_size; those of a "
    "network of one's own are network__parameter (core__parameter).",
    "train_split": "rows are held out by early_stopping, validation_fraction and validation_groups.",
}


class NestedParameters:
    """Base of estimators with an `optimizer` and `callbacks` whose own parameters can be set."""

    optimizer: Any
    callbacks: Any
    _of_optimizer: ClassVar[dict] = {}  # by name; no attributes of their own, which scikit-learn would refuse

    def get_params(self, deep=True):
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the defaults of the optimizer, and the callbacks with their parameters.

        Returns
        -------
        dict
            Those of the optimizer as ``optimizer__momentum``, of callbacks as ``callbacks__stop__patience``.
        """
        inner = {}
        if deep:
            inner = {f"{PREFIX}{name}": value for name, value in optimizer_defaults(self.optimizer).items()}
            for name, callback in named_callbacks(self.callbacks):
                inner[f"callbacks__{name}"] = callback
                own = callback_parameters(callback)
                inner |= {f"callbacks__{name}__{key}": value for key, value in own.items()}
        return super().get_params(deep) | inner | prefixed(self._of_optimizer)

    def set_params(self, **params):
        """Set parameters, those of the optimizer and of callbacks too.

        Another `optimizer` leaves behind what was set for the former one, unless it takes it too. A callback
        is replaced by a copy, so that estimators that share it are not changed.

        Parameters
        ----------
        **params : dict
            New values by name, such as ``optimizer__momentum=0.9`` or ``callbacks__stop__patience=3``, where
            `callbacks` is ``[("stop", EarlyStopping())]``. One without a name has that of its class.

        Returns
        -------
        estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If there is no such parameter. Nothing is set then.
        """
        optimizer = {name: params.pop(name) for name in list(params) if name.startswith(PREFIX)}
        changes = {name: params.pop(name) for name in list(params) if name.startswith("callbacks__")}
        self._check_names(params)
        build = params.get("optimizer", self.optimizer)
        for name in optimizer if callable(optimizer_class(build)) else ():  # else `fit` says so
            check_taken(build, name.removeprefix(PREFIX))
        if changes:
            params["callbacks"] = with_parameters(params.get("callbacks", self.callbacks), changes)
        super().set_params(**params)
        if optimizer or "optimizer" in params:
            kept = {name: value for name, value in self._of_optimizer.items() if is_taken(build, name)}
            own = {name.removeprefix(PREFIX): value for name, value in optimizer.items()}
            self._of_optimizer = kept | own
        return self

    def _check_names(self, params):
        own = super().get_params(deep=False)
        for name in params:
            owner, _, inner = name.partition("__")
            if is_elsewhere(name, own):
                raise InvalidParameterError(f"{name}: {ELSEWHERE[owner]}")
            if owner not in own or (inner and not hasattr(own[owner], "set_params")):
                raise InvalidParameterError(
                    f"Invalid parameter {name!r} for {type(self).__name__}{did_you_mean(owner, own)}. "
                    "get_params() has all of them."
                )

    def _optimizer_arguments(self):
        """Return the class of the optimizer and what it is given, as skorch names it.

        Raises
        ------
        ValueError
            If it cannot be built with these.
        """
        build, given = optimizer_class(self.optimizer), dict(self._of_optimizer)
        if inspect.isclass(build) and not issubclass(build, torch.optim.Optimizer):
            raise InvalidParameterError(
                f"optimizer={title(build)} is no optimizer of torch, as is torch.optim.SGD."
            )
        for name in given:
            check_taken(build, name)
        if is_taken(build, "weight_decay"):
            given["weight_decay"] = self.weight_decay
        elif self.weight_decay:
            raise InvalidParameterError(f"{title(build)} has no weight decay: set weight_decay=0.")
        check_optimizer(build, {"lr": self.lr} | given)
        return {"optimizer": build} | prefixed(given)


def takes_optimizer_parameters(init):
    """Let an ``__init__`` take parameters of the optimizer, too, as scikit-learn's `clone` needs."""
    own = inspect.signature(init).parameters

    @wraps(init)
    def __init__(self, *args, **parameters):
        for name in parameters:
            if is_elsewhere(name, own):
                raise TypeError(f"{type(self).__name__}: {name}: {ELSEWHERE[name.partition('__')[0]]}")
        inner = {name: parameters.pop(name) for name in list(parameters) if name.startswith(PREFIX)}
        init(self, *args, **parameters)
        if inner:
            self._of_optimizer = self._of_optimizer | {n.removeprefix(PREFIX): v for n, v in inner.items()}

    return __init__


def is_elsewhere(name, own):
    """Return whether skorch has a parameter of some name that is another one, or none, in an estimator.

    Examples
    --------
    >>> [is_elsewhere(name, {"loss", "lr"}) for name in ("criterion", "loss", "loss__delta", "lr")]
    [True, False, True, False]
    """
    return name.partition("__")[0] in ELSEWHERE and name not in own


def prefixed(parameters):
    """Return parameters of an optimizer by their names outside it."""
    return {PREFIX + name: value for name, value in parameters.items()}


def optimizer_class(optimizer):
    """Return the class of a name; whatever else it is is returned."""
    return OPTIMIZERS.get(optimizer, optimizer) if isinstance(optimizer, str) else optimizer


def optimizer_defaults(optimizer):
    """Return those parameters of an optimizer that have a default and are none of the estimator's.

    Parameters
    ----------
    optimizer : str or callable

    Returns
    -------
    dict

    Examples
    --------
    >>> optimizer_defaults("sgd")["momentum"]
    0
    """
    return {
        name: parameter.default
        for name, parameter in signature_of(optimizer_class(optimizer)).items()
        if parameter.default is not parameter.empty and name not in OF_THE_ESTIMATOR
    }


def is_taken(optimizer, name):
    """Return whether an optimizer has a parameter of some name beside those that it optimizes."""
    known = list(signature_of(optimizer_class(optimizer)).values())[1:]
    any_name = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known)
    return any_name or name in {parameter.name for parameter in known}


def check_taken(optimizer, name):
    """Raise an InvalidParameterError unless a parameter of some name can be set for an optimizer."""
    if name in OF_THE_ESTIMATOR:
        raise InvalidParameterError(f"{PREFIX}{name} is the estimator's own {name}: set {name}.")
    if is_taken(optimizer, name) or name == "param_groups":  # skorch's: patterns of weights with values
        return
    others = [n for n, other in OPTIMIZERS.items() if name in optimizer_defaults(other)]
    hint = f" (optimizer={others[0]!r} has it)" if others else ""
    raise InvalidParameterError(
        f"{PREFIX}{name}: {title(optimizer_class(optimizer))} has no parameter {name!r}"
        f"{hint or did_you_mean(name, optimizer_defaults(optimizer))}."
    )


def check_optimizer(build, arguments):
    """Raise unless an optimizer of torch can be built with some arguments, and take a step.

    Parameters
    ----------
    build : callable
    arguments : dict

    Raises
    ------
    InvalidParameterError
        Quotes what torch says.

    Examples
    --------
    >>> check_optimizer(torch.optim.SGD, {"lr": 0.1, "momentum": 0.9})
    """
    arguments = {name: value for name, value in arguments.items() if name != "param_groups"}
    weights = [torch.nn.Parameter(torch.zeros(2, 2)), torch.nn.Parameter(torch.zeros(2))]
    try:
        optimizer = build(weights, **arguments)
        ours = type(optimizer).__module__.startswith("torch.")  # others may need what callbacks do
        if ours and not arguments.get("capturable"):  # which takes no step on the CPU
            for weight in weights:
                weight.grad = torch.zeros_like(weight)
            optimizer.step(lambda: torch.zeros(()))
    except Exception as error:
        raise InvalidParameterError(
            f"optimizer={title(build)} cannot be used with {brief(arguments, 80)}: {brief(str(error), 100)}."
        ) from error
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise InvalidParameterError(
            f"optimizer={title(build)} gave {type(optimizer).__name__}, which is no optimizer of torch. Give "
            "a class such as torch.optim.SGD."
        )


def named_callbacks(callbacks):
    """Return callbacks with their names as skorch gives them.

    Parameters
    ----------
    callbacks : list or None
        Of callbacks, their classes, or (name, callback).

    Returns
    -------
    list of (str, callback)
        Without a name, that of the class, numbered from 1 where there are several.

    Examples
    --------
    >>> from skorch.callbacks import EarlyStopping, PrintLog
    >>> [name for name, _ in named_callbacks([EarlyStopping(), PrintLog, ("mine", EarlyStopping())])]
    ['EarlyStopping', 'PrintLog', 'mine']
    """
    if not isinstance(callbacks, (list, tuple)):
        return []
    names = [item[0] if _has_name(item) else class_name(item) for item in callbacks]
    numbered = []
    for place, (name, item) in enumerate(zip(names, callbacks)):
        several = names.count(name) > 1 and not _has_name(item)
        name = f"{name}_{names[: place + 1].count(name)}" if several else name
        numbered.append((name, item[1] if _has_name(item) else item))
    return numbered


def _has_name(item):
    return isinstance(item, (tuple, list)) and len(item) == 2 and isinstance(item[0], str)


def class_name(callback):
    """Return the name of a callback's class, which may be given in its place."""
    return callback.__name__ if inspect.isclass(callback) else type(callback).__name__


def callback_parameters(callback):
    """Return the parameters of a callback, or, where its class is given, the defaults.

    Parameters
    ----------
    callback : skorch callback or class

    Returns
    -------
    dict
        With those of the schedule of an LRScheduler.

    Examples
    --------
    >>> from skorch.callbacks import EarlyStopping
    >>> callback_parameters(EarlyStopping(patience=3))["patience"]
    3
    """
    if inspect.isclass(callback):
        return _defaults(callback)
    own = callback.get_params() if hasattr(callback, "get_params") else {}
    if isinstance(callback, LRScheduler):
        policy = callback.policy
        policy = vars(lr_scheduler).get(policy) if isinstance(policy, str) else policy
        own = _defaults(policy, leave_out=("optimizer", "last_epoch")) | own
    return own


def _defaults(build, leave_out=()):
    return {
        name: parameter.default
        for name, parameter in signature_of(build).items()
        if parameter.default is not parameter.empty and name not in leave_out
    }


def with_parameters(callbacks, changes):
    """Return a new list of callbacks in which some have other parameters.

    Parameters
    ----------
    callbacks : list or None
    changes : dict
        New values by name, ``callbacks__stop__patience``; under ``callbacks__stop`` another callback.

    Returns
    -------
    list
        Callbacks that are changed are copied before.

    Raises
    ------
    InvalidParameterError
        If there is no such callback, or it has no such parameter.
    """
    names = [name for name, _ in named_callbacks(callbacks)]
    items = list(callbacks or ())
    for key in sorted(changes, key=lambda key: key.count("__")):  # whole callbacks first
        name, _, inner = key.removeprefix("callbacks__").partition("__")
        if name not in names:
            has = f"there are {brief(names)}" if names else "there are no callbacks"
            raise InvalidParameterError(
                f"{key}: no callback is named {name!r}, {has}{did_you_mean(name, names)}."
            )
        place = names.index(name)
        item = items[place]
        new = with_parameter(item[1] if _has_name(item) else item, inner, changes[key], key)
        items[place] = (name, new) if _has_name(item) or not inner else new
    return items


def with_parameter(callback, name, value, key):
    """Return a copy of a callback with another value of a parameter, or of one of a parameter of it."""
    if not name:
        return value
    name, _, inner = name.partition("__")
    known = callback_parameters(callback)
    if name not in known:
        raise InvalidParameterError(
            f"{key}: {class_name(callback)} has no parameter {name!r}{did_you_mean(name, known)}."
        )
    if inspect.isclass(callback):
        return callback(**{name: value})
    new = copy(callback)
    setattr(new, name, with_parameter(getattr(new, name), inner, value, key) if inner else value)
    return new


def signature_of(build):
    """Return the parameters of a callable by name; none where Python cannot see them."""
    try:
        return dict(inspect.signature(build).parameters)
    except (TypeError, ValueError):
        return {}
