"""Training of networks: a skorch net for padded sequences, and the callbacks that make it work well.

skorch owns the loop, the history and the callbacks. What is added here is what sequences need: a loss that
knows which steps are labelled, and a validation score over all steps at once (a CCC averaged over batches is
not the CCC of the field).
"""

import math
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from threading import RLock

import numpy as np
import torch
from sklearn.utils import check_random_state
from skorch import NeuralNet
from skorch.callbacks import Callback, GradientNormClipping, LRScheduler
from skorch.utils import get_map_location
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from avfusion._progress import progress_bar
from avfusion.networks import ccc_loss

one_at_a_time = RLock()
OPTIMIZERS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD}


class LabelledLoss(torch.nn.Module):
    """A loss over the labelled steps of a batch; labels that are NaN do not count.

    A weighted loss is that of the batch times the mean weight of its labels: so a batch of little weight
    moves the network little, and the sum over batches is the loss of all labels.

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
        share = weight.sum() / labelled.sum().clamp(min=1)
        return share * self.function(prediction, target, labelled, weight=weight)


class StopTraining(Exception):
    """Raised when a callback stops training."""


class TrainingDiverged(ValueError):
    """Raised when weights are no longer finite: what they would predict is worth nothing."""


class SequenceNet(NeuralNet):
    """skorch's net for batches ``({"streams": ..., "masks": ...}, labels)``.

    Validation pools all steps of the validation rows and records ``valid_loss`` and ``valid_ccc``, with the
    averaged weights where weights are averaged.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}, default="float32"
        "bfloat16" runs the forward pass under torch's autocast.
    """

    def __init__(self, *args, precision="float32", **kwargs):
        self.precision, self.watch = precision, None
        super().__init__(*args, **kwargs)

    def __getstate__(self):
        """Return everything as it is, but on the CPU, so that any machine can load it.

        skorch pickles modules by itself, by name: the classes of a notebook would not reach other processes.
        """
        state = vars(self).copy()
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
        self.watch = watch
        self.notify("on_train_begin", X=dataset, y=None)
        try:
            self.fit_loop(dataset, epochs=epochs)
        except StopTraining:
            pass
        finally:
            self.train_split = self.watch = None  # the net keeps no data
            self.notify("on_train_end", X=dataset, y=None)
        if not all(parameter.isfinite().all() for parameter in self.module_.parameters()):
            raise TrainingDiverged(
                "Training diverged: weights became infinite or NaN. Lower lr, clip gradients with "
                "gradient_clip, and bring features and targets to scale (input_norm, standardize_target)."
            )

    def finish(self):
        """Free the state of optimizer and scheduler, which is several times the size of the weights."""
        self.optimizer_.state.clear()
        self.optimizer_.zero_grad(set_to_none=True)
        schedule = dict(self.callbacks_).get("schedule")
        if schedule is not None:
            vars(schedule).pop("lr_scheduler_", None)  # it holds the optimizer, and with it the weights
        self.finished_ = True

    def notify(self, method_name, **cb_kwargs):
        """Call the callbacks; a KeyboardInterrupt at the end of an epoch is how skorch's stop training."""
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt as stop:
            if method_name == "on_epoch_end":
                raise StopTraining from stop
            raise
        if method_name == "on_epoch_end" and self.watch is not None:
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
        average = dict(self.callbacks_).get("weight_average")
        with average.swapped_in(self) if average else nullcontext(), torch.no_grad():
            self._set_training(False)
            parts = [self._validate_batch(batch) for batch in iterator]
        prediction, target, *weight = (
            torch.cat([x.reshape(-1, x.shape[-1]) for x in side]) for side in zip(*parts)
        )
        self.history.record_batch(prefix + "_loss", self.criterion_(prediction, target, *weight).item())
        self.history.record_batch(prefix + "_batch_size", len(iterator.dataset))
        self.history.record(prefix + "_batch_count", 1)
        ccc = 1 - ccc_loss(prediction, target, ~torch.isnan(target), *weight).item()
        self.history.record(prefix + "_ccc", ccc)
        return None

    def _validate_batch(self, batch):
        """Return predictions, labels and weights of a batch; callbacks hear of it, and of its own loss."""
        self.notify("on_batch_begin", batch=batch, training=False)
        inputs, labels = batch
        known = [labels, inputs["weights"]] if "weights" in inputs else [labels]
        prediction, known = self.infer(inputs), [part.to(self.device) for part in known]
        loss = self.criterion_(prediction, *known)
        self.notify("on_batch_end", batch=batch, training=False, y_pred=prediction, loss=loss)
        return prediction, *known


def moved(attributes, device):
    """Move the modules among some attributes of a net to a device, and optimizers' state to their weights."""
    for module in attributes.values():
        if isinstance(module, torch.nn.Module):
            module.to(device)
    for optimizer in attributes.values():
        if isinstance(optimizer, Optimizer):
            optimizer.load_state_dict(optimizer.state_dict())
    return attributes


class WarmupCosine:
    """Learning-rate factor: a linear rise over 10 steps, then half a cosine down to zero."""

    warmup = 10

    def __init__(self, n_steps):
        self.n_steps = n_steps

    def __call__(self, step):
        """Return the factor of a step, counted from 0."""
        rise = min(1.0, (step + 1) / self.warmup)
        return rise * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.n_steps)))


class WeightAverage(Callback):
    """Exponential moving average of the weights, put in place when training ends.

    Parameters
    ----------
    decay : float
        Share of the old average kept at each step. Early on less is kept (the average of few steps would
        otherwise be the initial weights).
    """

    def __init__(self, decay):
        self.decay = decay

    def on_train_begin(self, net, **kwargs):
        """Start from the weights as they are."""
        self.average_ = [tensor.clone() for tensor in averaged_tensors(net.module_)]
        self.n_steps_ = 0

    def on_batch_end(self, net, training, **kwargs):
        """Move the average towards the new weights."""
        if training:
            self.n_steps_ += 1
            kept = min(self.decay, self.n_steps_ / (9 + self.n_steps_))
            torch._foreach_lerp_(self.average_, averaged_tensors(net.module_), 1 - kept)

    @contextmanager
    def swapped_in(self, net):
        """Put the averaged weights into the module for a while."""
        self._swap(net)
        try:
            yield
        finally:
            self._swap(net)

    def on_train_end(self, net, **kwargs):
        """Keep the averaged weights."""
        self._swap(net)
        del self.average_

    def _swap(self, net):
        with torch.no_grad():
            for tensor, average in zip(averaged_tensors(net.module_), self.average_):
                kept = tensor.clone()
                tensor.copy_(average)
                average.copy_(kept)


def averaged_tensors(module):
    """Return the weights of a module, and the running statistics that belong to them.

    Parameters
    ----------
    module : torch.nn.Module

    Returns
    -------
    list of Tensor

    Examples
    --------
    >>> [len(averaged_tensors(module)) for module in (torch.nn.Linear(2, 1), torch.nn.BatchNorm1d(2))]
    [2, 4]
    """
    statistics = [
        buffer
        for name, buffer in module.named_buffers()
        if name.rpartition(".")[2] in ("running_mean", "running_var")
    ]
    return [parameter.detach() for parameter in module.parameters()] + statistics


class StopEarly(Callback):
    """End training when the validation CCC has not risen for some epochs; restore the best epoch's weights.

    Unlike skorch's callback of that purpose it keeps the weights that were scored: the averaged ones.
    """

    def __init__(self, patience):
        self.patience = patience

    def on_train_begin(self, net, **kwargs):
        """Forget former trainings."""
        self.best_score_, self.best_epoch_, self.best_state_ = -np.inf, None, None
        self.first_epoch_ = len(net.history)

    def on_epoch_end(self, net, **kwargs):
        """Keep the weights if they are the best so far; stop if they have not been for `patience` epochs."""
        epoch, score = len(net.history), net.history[-1, "valid_ccc"]
        better = score > self.best_score_
        net.history.record("valid_ccc_best", bool(better))
        if better:
            average = dict(net.callbacks_).get("weight_average")
            with average.swapped_in(net) if average else nullcontext():
                self.best_state_ = deepcopy(net.module_.state_dict())
            self.best_score_, self.best_epoch_ = score, epoch
        elif epoch - (self.best_epoch_ or self.first_epoch_) >= self.patience:
            raise KeyboardInterrupt  # how a skorch callback ends training

    def on_train_end(self, net, **kwargs):
        """Restore the best weights."""
        if self.best_state_ is not None:
            net.module_.load_state_dict(self.best_state_)
            self.best_state_ = None


class Progress(Callback):
    """A bar over epochs with the training loss and, where there is one, the validation CCC."""

    def __init__(self, max_epochs, description):
        self.max_epochs, self.description = max_epochs, description

    def on_train_begin(self, net, **kwargs):
        """Open the bar."""
        self.bar_ = progress_bar(total=self.max_epochs, desc=self.description, unit="epoch")

    def on_epoch_end(self, net, **kwargs):
        """Advance by an epoch."""
        shown = {"loss": net.history[-1, "train_loss"]}
        if "valid_ccc" in net.history[-1]:
            shown["valid CCC"] = net.history[-1, "valid_ccc"]
        self.bar_.set_postfix({name: f"{value:.3f}" for name, value in shown.items()}, refresh=False)
        self.bar_.update()

    def on_train_end(self, net, **kwargs):
        """Close the bar."""
        self.bar_.close()
        del self.bar_


def training_callbacks(*, n_steps, schedule, gradient_clip, weight_average, patience, progress):
    """Return skorch's callbacks for these settings, in the order in which they have to run."""
    callbacks = []
    if schedule == "cosine":
        scheduler = LRScheduler(LambdaLR, step_every="batch", lr_lambda=WarmupCosine(n_steps))
        callbacks.append(("schedule", scheduler))
    if gradient_clip is not None:
        callbacks.append(("gradient_clip", GradientNormClipping(gradient_clip)))
    if weight_average:
        callbacks.append(("weight_average", WeightAverage(weight_average)))
    if patience is not None:
        callbacks.append(("stop_early", StopEarly(patience)))
    if progress is not None:
        callbacks.append(("progress", Progress(*progress)))
    return callbacks


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
