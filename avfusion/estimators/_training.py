"""Training of networks: a skorch net for padded sequences, and the callbacks that make it work well.

skorch owns the loop, the history and the callbacks. What is added here is what sequences need: a loss that
knows which steps are labelled, and a validation score over all steps at once (a CCC averaged over batches is
not the CCC of the field).
"""

from contextlib import contextmanager, nullcontext, suppress
from copy import deepcopy
from threading import RLock

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from skorch import NeuralNet
from skorch.callbacks import EpochTimer, PassthroughScoring
from skorch.dataset import get_len
from skorch.utils import get_map_location
from torch.optim import Optimizer

from avfusion._warnings import warn_user
from avfusion.estimators._callbacks import PooledScore, has_trackers, without_trackers
from avfusion.estimators._losses import OwnLoss
from avfusion.estimators._scoring import ScoredNet
from avfusion.networks import ccc_loss

one_at_a_time = RLock()


class LabelledLoss(torch.nn.Module):
    """A loss over the labelled steps of a batch; labels that are NaN do not count.

    A weighted loss is that of the batch times the mean weight of its labels: so a batch of little weight
    moves the network little, and the sum over batches is the loss of all labels. Losses of this package do
    so target by target. One of the user's gets weights whose mean is 1 over the labels of the batch.

    Parameters
    ----------
    function : callable
        ``function(prediction, target, mask)`` on (n, n_targets) tensors, mask true where there is a label;
        with weights also ``weight=``.
    """

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, prediction, target, weight=None):
        """Return the loss of (batch, steps, n_targets) or (batch, n_targets)."""
        prediction, target = (x.reshape(-1, x.shape[-1]) for x in (prediction, target))
        labelled = ~torch.isnan(target)
        if weight is None:
            return self.function(prediction, target, labelled)
        weight = weight.reshape(-1, weight.shape[-1])
        if isinstance(self.function, OwnLoss):
            share = weight.sum() / labelled.sum().clamp(min=1)
            weight = weight / torch.where(share > 0, share, 1.0)
            return share * self.function(prediction, target, labelled, weight=weight)
        share = weight.sum(0) / labelled.sum(0).clamp(min=1)  # (K,)
        targets = zip(*(x.split(1, dim=1) for x in (prediction, target, labelled, weight)))
        losses = torch.stack([self.function(*parts) for parts in targets])  # 0 without a label
        return (share * losses).sum() / labelled.any(0).sum().clamp(min=1)


class StopTraining(Exception):
    """Raised when a callback stops training."""


class TrainingDiverged(ValueError):
    """Raised when weights are no longer finite: what they would predict is worth nothing."""


class SequenceNet(ScoredNet, NeuralNet):
    """skorch's net for batches ``({"streams": ..., "masks": ...}, labels)``.

    Validation pools all steps of the validation rows and records ``valid_loss`` and ``valid_ccc``, with the
    averaged weights where weights are averaged. They are in place, too, while callbacks are called at the
    end of an epoch: what these keep is what was scored.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}, default="float32"
        "bfloat16" runs the forward pass under torch's autocast.
    """

    def __init__(self, *args, precision="float32", **kwargs):
        self.precision, self.watch = precision, None
        super().__init__(*args, **kwargs)

    @property
    def _default_callbacks(self):
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring("train_loss", on_train=True)),
            ("valid_loss", PooledScore("valid_loss")),
            ("valid_ccc", PooledScore("valid_ccc", lower_is_better=False)),
        ]

    def __getstate__(self):
        """Return everything as it is, but on the CPU, so that any machine can load it, and without data.

        skorch pickles modules by itself, by name: the classes of a notebook would not reach other processes.
        """
        state = vars(self) | {"train_split": None, "watch": None}  # there is data in them while it trains
        if has_trackers(self.callbacks) and hasattr(self, "finished_"):
            parameters = self.origin_["parameters"]
            kept = without_trackers(parameters["callbacks"])
            state["origin_"] = self.origin_ | {"parameters": parameters | {"callbacks": kept}}
            state |= {name: without_trackers(state[name]) for name in ("callbacks", "callbacks_")}
        if torch.device(self.device).type != "cpu":
            on_device = {k: v for k, v in state.items() if isinstance(v, (torch.nn.Module, Optimizer))}
            state |= moved(deepcopy(on_device), "cpu")
        return state

    def __setstate__(self, state):
        """Go back to the device, or stay on the CPU and warn where there is none."""
        device = self._check_device(state["device"], get_map_location(state["device"]))
        vars(self).update(state, device=device)
        if torch.device(device).type != "cpu":
            moved(vars(self), device)

    def infer(self, x, **fit_params):
        """Run the module; its output has the type of the weights, so that the loss is not rounded."""
        x = {name: part for name, part in x.items() if name != "weights"}  # of labels, for the loss
        if self.precision == "float32":
            return super().infer(x, **fit_params)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16):
            output = super().infer(x, **fit_params)
        return output.to(next(self.module_.parameters()).dtype)

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the loss, weighted where the batch has weights."""
        if X is None or "weights" not in X:
            return super().get_loss(y_pred, y_true, X=X, training=training)
        return self.criterion_(y_pred, *(part.to(self.device) for part in (y_true, X["weights"])))

    def train(self, dataset, valid=None, epochs=None, watch=None):
        """Train on a data set until the last epoch, or until a callback ends it.

        Unlike skorch's `partial_fit` it re-raises KeyboardInterrupt, so that an interrupted fit is never
        mistaken for a finished one. ``watch(net)`` is called after the callbacks of every epoch; what it
        raises ends the training.
        """
        self.train_split = None if valid is None else (lambda dataset: (dataset, valid))
        self.watch, first = watch, len(self.history)
        self.notify("on_train_begin", X=dataset, y=None)
        try:
            self.fit_loop(dataset, epochs=epochs)
        except StopTraining:
            pass
        except BaseException:
            with suppress(Exception):  # the first error is the one to show
                self._end(dataset)
            raise
        self._end(dataset)
        if not self.is_finite:
            raise TrainingDiverged(
                "Training diverged: weights became infinite or NaN. Lower lr, clip gradients with "
                "gradient_clip, and bring features and targets to scale (input_norm, standardize_target)."
            )
        warn_of_lost_loss(self.history[first:], dict(self.callbacks_).get("stop_early"))

    def _end(self, dataset):
        self.train_split = self.watch = None  # the net keeps no data
        self.notify("on_train_end", X=dataset, y=None)

    def on_epoch_begin(self, net, *args, **kwargs):
        """Begin the epoch for whoever watches the training, too."""
        super().on_epoch_begin(net, *args, **kwargs)
        getattr(self.watch, "begin", lambda net: None)(net)

    def finish(self):
        """Free the state of optimizer and scheduler, which is several times the size of the weights."""
        self.optimizer_.state.clear()
        self.optimizer_.zero_grad(set_to_none=True)
        schedule = dict(self.callbacks_).get("schedule")
        if schedule is not None:
            vars(schedule).pop("lr_scheduler_", None)  # it holds the optimizer, and with it the weights
        self.finished_ = True

    @property
    def is_finite(self):
        """True while all weights are finite numbers."""
        return all(parameter.isfinite().all() for parameter in self.module_.parameters())

    @property
    def average(self):
        """The callback that averages weights, or None."""
        return dict(self.callbacks_).get("weight_average")

    def notify(self, method_name, **cb_kwargs):
        """Call the callbacks; a KeyboardInterrupt at the end of an epoch is how skorch's stop training.

        All of them are called at that epoch's end before training ends.
        """
        ends = method_name == "on_epoch_end"
        around = self.average and method_name in ("on_epoch_begin", "on_epoch_end")
        with self.average.around_callbacks(self, scored=ends) if around else nullcontext():
            getattr(self, method_name)(self, **cb_kwargs)
            stopped = None
            for callback, given in self.calls_of(method_name, cb_kwargs):
                try:
                    getattr(callback, method_name)(self, **given)
                except KeyboardInterrupt as stop:
                    if not ends:
                        raise
                    stopped = stop
            if stopped is not None:
                raise StopTraining from stopped
            if ends and self.watch is not None:
                self.watch(self)

    def train_step_single(self, batch, **fit_params):
        """Run one training step and restore torch's thread count even if the backward pass fails."""
        n_threads = torch.get_num_threads()
        try:
            return super().train_step_single(batch, **fit_params)
        finally:
            torch.set_num_threads(n_threads)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Train one epoch batch by batch as skorch does, or validate once over all batches."""
        if training or iterator is None:
            return super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        with self.average.swapped_in(self) if self.average else nullcontext(), torch.no_grad():
            self._set_training(False)
            parts = [self._validate_batch(batch, prefix) for batch in iterator]
        prediction, target, *weight = (
            torch.cat([x.reshape(-1, x.shape[-1]) for x in side]) for side in zip(*parts)
        )
        self.history.record(prefix + "_loss", self.criterion_(prediction, target, *weight).item())
        ccc = 1 - ccc_loss(prediction, target, ~torch.isnan(target), *weight).item()
        self.history.record(prefix + "_ccc", ccc)
        self.history.record(prefix + "_batch_count", len(parts))
        return None

    def _validate_batch(self, batch, prefix):
        """Return predictions, labels and weights of a batch; callbacks get it and its own loss."""
        self.notify("on_batch_begin", batch=batch, training=False)
        inputs, labels = batch
        known = [labels, inputs["weights"]] if "weights" in inputs else [labels]
        prediction, known = self.infer(inputs), [part.to(self.device) for part in known]
        loss = self.criterion_(prediction, *known)
        self.history.record_batch(prefix + "_loss", loss.item())
        self.history.record_batch(prefix + "_batch_size", get_len(labels))
        self.notify("on_batch_end", batch=batch, training=False, y_pred=prediction, loss=loss)
        return prediction, *known


def warn_of_lost_loss(epochs, stop_early=None):
    """Warn where the loss of a training was NaN or infinite, although the weights that were kept are finite.

    Parameters
    ----------
    epochs : list of dict
        Of skorch's history.
    stop_early : StopEarly or None

    Examples
    --------
    >>> warn_of_lost_loss([{"epoch": 1, "train_loss": 0.5}])
    """
    for position, epoch in enumerate(epochs):
        lost = [name for name in ("train_loss", "valid_loss") if not np.isfinite(epoch.get(name, 0.0))]
        if not lost:
            continue
        best = getattr(stop_early, "best_epoch_", None)
        kept = (
            "the weights are finite" if best is None else f"the weights are those of epoch {best}, the best"
        )
        when = f"in epoch {epoch.get('epoch', position + 1)} ({lost[0]})"
        warn_user(
            f"The loss turned {epoch[lost[0]]} {when}; {kept}. Lower lr, clip gradients with gradient_clip, "
            "or look at the labels and at a loss of your own.",
            ConvergenceWarning,
        )
        return


def moved(attributes, device):
    """Move the modules among some attributes of a net to a device, and optimizers' state to their weights."""
    for module in attributes.values():
        if isinstance(module, torch.nn.Module):
            module.to(device)
    for optimizer in attributes.values():
        if isinstance(optimizer, Optimizer):
            optimizer.load_state_dict(optimizer.state_dict())
    return attributes


def random_generator(random_state):
    """Return scikit-learn's random generator, for None a new one: the global one is left as it is."""
    return np.random.RandomState() if random_state is None else check_random_state(random_state)


@contextmanager
def seeded(seed, device):
    """Draw torch's random numbers from `seed` for a while, then put the global state back.

    Threads, such as those of optuna's ``n_jobs``, take turns: they share torch's generator.
    """
    device = torch.device(device)
    with one_at_a_time, torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)
        yield
