"""Fitted networks as numbers and parameters, for formats that keep data but no code.

Pickle keeps a trained net as it is. skops keeps plain objects only: no tensors, no modules, no partial
functions. What it is given instead is what the net is made of: the parameters it was built from, its weights
as arrays, its history. Loading builds the net again and fills in the weights, so that predictions are equal
to the last bit, and training goes on as it would have.
"""

import copyreg
import json
from copy import copy

import numpy as np
import torch
from skorch.callbacks import Callback
from skorch.utils import get_map_location

from avfusion.estimators._callbacks import has_trackers, without_trackers
from avfusion.estimators._training import seeded
from avfusion.sequences._messages import quoted

_PLAIN = (bool, int, float, str, type(None), np.generic)


class PlainState:
    """The part of `NetworkRegressor` that skops calls.

    Pickle, joblib and copy call ``__reduce_ex__`` and get everything as it is, a notebook's classes too;
    skops calls ``__getstate__`` and gets plain objects.
    """

    def __reduce_ex__(self, protocol):
        state = super().__getstate__()
        if "net_" in state and has_trackers(state.get("callbacks")):
            state = state | {"callbacks": without_trackers(state["callbacks"])}
        return copyreg.__newobj__, (type(self),), state

    def __getstate__(self):
        """Return parameters and fitted attributes, with each net as a dict of plain objects."""
        state = dict(super().__getstate__())
        state["callbacks"] = without_results(self.callbacks)
        if "nets_" not in state:
            return state
        del state["net_"]
        state["nets_"] = [plain_net(net) for net in self.nets_]
        for net in state["nets_"]:  # nothing that can fail is left for when the model is needed
            check_same_weights(rebuilt(self, net | {"weights": {}}), net["weights"])
        return state

    def __setstate__(self, state):
        super().__setstate__(dict(state))
        nets = vars(self).get("nets_", ())
        if nets and all(isinstance(net, dict) for net in nets):
            self.nets_ = [restored(self, net) for net in nets]
            self.net_ = self.nets_[0]


def plain_net(net):
    """Return what a net is made of, as numbers, strings, arrays and the parameters of its estimator.

    Callbacks are left to the estimator: a finished net needs none, and others have those of the estimator.

    Parameters
    ----------
    net : SequenceNet
        Initialized, from ``NetworkRegressor._build_net``.

    Returns
    -------
    dict
    """
    parameters = {key: value for key, value in net.origin_["parameters"].items() if key != "callbacks"}
    finished = hasattr(net, "finished_")
    return {
        "parameters": parameters,
        "n_windows": net.origin_["n_windows"],
        "by_hand": net.origin_["by_hand"],
        "weights": {name: _as_array(tensor) for name, tensor in _tensors(net.module_).items()},
        "history": _as_json(net.history),
        "random": net.get_params()["iterator_train__rng"],
        "results": {name: _results(callback) for name, callback in net.callbacks_},
        "optimizer": None if finished else _mapped(net.optimizer_.state_dict(), torch.Tensor, _as_array),
    }


def restored(estimator, plain):
    """Return the net that `plain_net` took apart, on its device, or on the CPU where there is none.

    Raises
    ------
    ValueError
        If the network that the parameters build today has other weights.
    """
    net = rebuilt(estimator, plain)
    check_same_weights(net, plain["weights"])
    with torch.no_grad():
        for name, tensor in _tensors(net.module_).items():
            tensor.copy_(torch.from_numpy(np.array(plain["weights"][name])))
    history = plain["history"]
    net.history.extend(json.loads(history) if isinstance(history, str) else history)
    for name, callback in net.callbacks_:
        vars(callback).update(plain["results"].get(name, {}))
    if plain["optimizer"] is None:
        net.finish()
    else:
        net.optimizer_.load_state_dict(_mapped(plain["optimizer"], np.ndarray, torch.tensor))
    return net


def rebuilt(estimator, plain):
    """Return a new net from the parameters of a former one; the estimator knows the data it was fitted to."""
    blank = object.__new__(type(estimator))
    vars(blank).update(plain["parameters"], callbacks=estimator.callbacks, spec_=estimator.spec_)
    statistics = {name: (np.zeros(width), np.ones(width)) for name, width in estimator.spec_.widths.items()}
    net = blank._build_net(statistics, 0, plain["n_windows"], plain["by_hand"])
    net.device = net._check_device(net.device, get_map_location(net.device))
    net.iterator_train__rng = plain["random"]
    with seeded(0, net.device):
        return net.initialize()


def check_same_weights(net, weights):
    """Raise unless a net has weights of these names and shapes."""
    here = {name: tuple(tensor.shape) for name, tensor in _tensors(net.module_).items()}
    there = {name: array.shape for name, array in weights.items()}
    other = [name for name in here.keys() | there.keys() if here.get(name) != there.get(name)]
    if other:
        raise ValueError(
            f"The parameters build a network whose weights {quoted(sorted(other))} are other ones than those "
            "that were trained. Keep it with avfusion.persistence.save, which needs no rebuilding."
        )


def take_weights(net, former, remedy):
    """Let a new net go on from the weights and the input statistics of a former one.

    Raises
    ------
    ValueError
        With the remedy, if they do not fit.
    """
    try:
        net.module_.load_state_dict(former.module_.state_dict())
    except RuntimeError as error:
        raise ValueError(
            "The weights of the last fit, from which training goes on, do not fit the network of the "
            f"parameters of now. {remedy}"
        ) from error


def without_results(callbacks):
    """Return callbacks with their parameters alone; what they found in training may hold weights."""
    if callbacks is None:
        return None
    return [
        (item[0], _blank(item[1])) if isinstance(item, tuple) and len(item) == 2 else _blank(item)
        for item in without_trackers(callbacks)
    ]


def _blank(callback):
    if not isinstance(callback, Callback):
        return callback
    callback = copy(callback)
    for name in [name for name in vars(callback) if name.endswith("_")]:
        delattr(callback, name)
    return callback


def _results(callback):
    return {
        name: value
        for name, value in vars(callback).items()
        if name.endswith("_") and isinstance(value, _PLAIN)
    }


def _tensors(module):
    return dict(module.named_parameters()) | dict(module.named_buffers())


def _as_array(tensor):
    tensor = tensor.detach().cpu()
    try:
        return tensor.numpy().copy()
    except TypeError:  # numpy has no bfloat16, and every bfloat16 is a float32
        return tensor.float().numpy()


def _as_json(history):
    """Return one string rather than thousands of small objects; what is no JSON stays as it is."""
    rows = [dict(row) for row in history]
    try:
        return json.dumps(rows)
    except TypeError:
        return rows


def _mapped(tree, kind, function):
    """Apply a function to all leaves of a kind in nested dicts, lists and tuples."""
    if isinstance(tree, kind):
        return function(tree)
    if isinstance(tree, dict):
        return {key: _mapped(value, kind, function) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_mapped(value, kind, function) for value in tree)
    return tree
