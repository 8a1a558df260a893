"""The callbacks of a training: learning rate, average of the weights, early stopping, scores, progress."""

import math
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import torch
from skorch.callbacks import (
    Callback,
    GradientNormClipping,
    LRScheduler,
    MlflowLogger,
    NeptuneLogger,
    PassthroughScoring,
    PrintLog,
    SacredLogger,
    TensorBoard,
    WandbLogger,
)
from torch.optim.lr_scheduler import LambdaLR

from avfusion._progress import progress_bar

TRACKERS = (MlflowLogger, NeptuneLogger, SacredLogger, TensorBoard, WandbLogger)


class PooledScore(PassthroughScoring):
    """Flag of a score of all validation steps, which the net records: whether it is the best so far."""

    def on_epoch_end(self, net, **kwargs):
        """Record it as ``<name>_best``."""
        if self.name in net.history[-1]:
            score = net.history[-1, self.name]
            best = bool(self._is_best_score(score))
            self.best_score_ = score if best else self.best_score_
            net.history.record(f"{self.name}_best", best)


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
        self.average_ = copies(averaged_tensors(net.module_))
        self.n_steps_ = 0

    def on_batch_begin(self, net, training, **kwargs):
        """Start anew from weights that other callbacks have set before the first batch."""
        if training and self.n_steps_ == 0:
            self.average_ = copies(averaged_tensors(net.module_))

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

    @contextmanager
    def around_callbacks(self, net, scored):
        """Show the averaged weights to callbacks if they were scored, and go on from weights that these set.

        Training then goes on from these weights, and the average, too.
        """
        if scored:
            self._swap(net)
        before = copies(averaged_tensors(net.module_))
        try:
            yield
        finally:
            now = averaged_tensors(net.module_)
            if not all(map(torch.equal, before, now)):
                self.average_ = copies(now)
            elif scored:
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


def copies(tensors):
    """Return a copy of each tensor."""
    return [tensor.clone() for tensor in tensors]


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
    """End training when the validation CCC has not risen for some epochs; restore the best weights."""

    def __init__(self, patience):
        self.patience = patience

    def on_train_begin(self, net, **kwargs):
        """Forget former trainings."""
        self.best_score_, self.best_epoch_, self.best_state_ = -np.inf, None, None
        self.first_epoch_ = len(net.history)

    def on_epoch_end(self, net, **kwargs):
        """Keep the weights if they are the best so far; stop if they have not been for `patience` epochs."""
        epoch, score = len(net.history), net.history[-1, "valid_ccc"]
        if score > self.best_score_:
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


def prints(callbacks):
    """Return whether there is skorch's PrintLog among callbacks, which is silent in a net that is."""
    items = [item[-1] if isinstance(item, (tuple, list)) else item for item in callbacks or ()]
    return any(item is PrintLog or isinstance(item, PrintLog) for item in items)


def has_trackers(callbacks):
    """Return whether some callbacks write to a tracker, TensorBoard, MLflow or another that skorch knows.

    Examples
    --------
    >>> has_trackers([("progress", Progress(3, "net"))]), has_trackers(None)
    (False, False)
    """
    return len(without_trackers(callbacks)) < len(callbacks or ())


def without_trackers(callbacks):
    """Return callbacks but for those that write to a tracker: the connections that they hold stay behind."""
    return [
        item
        for item in callbacks or ()
        if not isinstance(item[1] if isinstance(item, tuple) else item, TRACKERS)
    ]
