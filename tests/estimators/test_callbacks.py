import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping
from skorch.history import History
from torch import nn

import avfusion as av
from avfusion.estimators._callbacks import StopEarly, WarmupCosine, WeightAverage, training_callbacks
from avfusion.metrics import ccc_score
from tests.estimators.weights_watch import Watch, weights

QUICK = {"hidden_size": 8, "batch_size": 2, "random_state": 0}


def split_rows(X, monkeypatch):
    """Let early stopping hold out the rows 2 and 5."""
    train, valid = [0, 1, 3, 4], [2, 5]
    monkeypatch.setattr(
        "sklearn.model_selection.GroupShuffleSplit.split", lambda *args, **kwargs: iter([(train, valid)])
    )
    return X.iloc[valid].index


def test_warmup_cosine():
    factor = WarmupCosine(100)
    assert factor(0) == pytest.approx(0.1)
    assert factor(4) == pytest.approx(0.5 * 0.5 * (1 + math.cos(0.04 * math.pi)))
    assert factor(50) == pytest.approx(0.5)
    assert factor(100) == factor(180) == pytest.approx(0)
    falling = [factor(step) for step in range(9, 101)]
    assert falling == sorted(falling, reverse=True)


def test_learning_rate_ends_at_zero_only_at_the_end(ragged):
    class Rates(Callback):
        def __init__(self, log):
            self.log = log

        def on_batch_begin(self, net, training, **kwargs):
            self.log.append(net.optimizer_.param_groups[0]["lr"])

    rates = []
    av.EarlyFusionRegressor(max_epochs=30, lr=1e-3, window=3, callbacks=[Rates(rates)], **QUICK).fit(*ragged)
    assert rates[0] == pytest.approx(1e-4)
    assert max(rates) == pytest.approx(1e-3, rel=0.1)
    assert np.mean(np.array(rates) < 1e-6) < 0.05  # the schedule knows how many batches there will be
    assert rates[-1] < 2e-5


@pytest.mark.parametrize("decay", [0.5, 0.95])
def test_weight_average_is_that_of_a_slow_loop(ragged, decay):
    log = []
    kwargs = {"max_epochs": 8, "schedule": None, "callbacks": [Watch(log)], **QUICK}
    untrained = []

    class Before(Callback):
        def on_train_begin(self, net, **kwargs):
            untrained.append(weights(net))

    kwargs["callbacks"].append(Before())
    model = av.EarlyFusionRegressor(weight_average=decay, **kwargs).fit(*ragged)
    average = untrained[0]
    for n, (_, now) in enumerate([entry for entry in log if entry[0] == "batch"], start=1):
        kept = min(decay, n / (9 + n))
        average = kept * average + (1 - kept) * now
    last = [entry for entry in log if entry[0] == "batch"][-1][1]
    torch.testing.assert_close(weights(model.net_), average, rtol=1e-4, atol=1e-6)
    assert (weights(model.net_) - last).abs().max() > 1e-4


def test_running_statistics_are_averaged_as_the_weights_are_that_they_belong_to(ragged):
    log = []

    class Statistics(Callback):
        def on_train_begin(self, net, **kwargs):
            log.append(running(net))

        def on_batch_end(self, net, training, **kwargs):
            if training:
                log.append(running(net))

    def running(net):
        buffers = [b for name, b in net.module_.named_buffers() if "running" in name]
        return torch.cat([buffer.flatten().clone() for buffer in buffers])

    settings = {"encoder": "tcn", "encoder_norm": "batch", "max_epochs": 4, "callbacks": [Statistics()]}
    model = av.LeaderFollowerRegressor(weight_average=0.9, **settings, **QUICK).fit(*ragged)
    average = log[0]
    for n, now in enumerate(log[1:], start=1):
        kept = min(0.9, n / (9 + n))
        average = kept * average + (1 - kept) * now
    torch.testing.assert_close(running(model.net_), average, rtol=1e-4, atol=1e-6)
    assert (average - log[-1]).abs().max() > 1e-3


def test_without_weight_average_the_last_weights_stay(ragged):
    log = []
    model = av.EarlyFusionRegressor(max_epochs=2, weight_average=None, callbacks=[Watch(log)], **QUICK)
    model.fit(*ragged)
    assert torch.equal(weights(model.net_), log[-1][1])
    assert torch.equal([w for kind, w in log if kind == "batch"][-1], log[-1][1])


def test_swapped_in_puts_the_weights_back_after_an_error():
    net = SimpleNamespace(module_=nn.Linear(2, 1))
    average = WeightAverage(0.9)
    average.on_train_begin(net)
    with torch.no_grad():
        net.module_.weight.add_(1)
    before = weights(net)
    with pytest.raises(RuntimeError), average.swapped_in(net):  # noqa: PT012, the weights within matter
        assert not torch.equal(weights(net), before)
        raise RuntimeError
    assert torch.equal(weights(net), before)


@pytest.mark.parametrize("weight_average", [None, 0.8])
def test_early_stopping_restores_the_best_epoch(ragged, monkeypatch, weight_average):
    X, y = ragged
    rows = split_rows(X, monkeypatch)
    model = av.EarlyFusionRegressor(
        max_epochs=60,
        lr=0.05,
        schedule=None,
        window=None,
        early_stopping=True,
        patience=4,
        weight_average=weight_average,
        **QUICK,
    ).fit(X, y)
    scores = model.net_.history[:, "valid_ccc"]
    best = int(np.argmax(scores))
    assert len(scores) == best + 1 + 4 < 60
    records = [score > max(scores[:epoch], default=-2) for epoch, score in enumerate(scores)]
    assert model.net_.history[:, "valid_ccc_best"] == records
    assert ccc_score(y.loc[rows], model.predict(X.loc[rows])) == pytest.approx(max(scores), abs=1e-5)


def test_early_stopping_keeps_the_weights_of_the_best_epoch_exactly():
    history = History()
    net = SimpleNamespace(module_=nn.Linear(2, 1), history=history, callbacks_=[])
    stop = StopEarly(patience=2)
    stop.on_train_begin(net)
    kept = []
    for score in (0.1, 0.3, 0.3):
        with torch.no_grad():
            net.module_.weight.add_(1)
        kept.append(weights(net))
        history.new_epoch()
        history.record("valid_ccc", score)
        stop.on_epoch_end(net)
    history.new_epoch()
    history.record("valid_ccc", 0.2)
    with pytest.raises(KeyboardInterrupt):  # two epochs without a better one
        stop.on_epoch_end(net)
    stop.on_train_end(net)
    assert torch.equal(weights(net), kept[1])


def test_progress_bar(ragged, capsys):
    model = av.EarlyFusionRegressor(max_epochs=3, verbose=1, early_stopping=True, **QUICK).fit(*ragged)
    shown = capsys.readouterr().err
    assert "EarlyFusionRegressor: 100%" in shown
    assert "3/3" in shown
    assert f"loss={model.net_.history[-1, 'train_loss']:.3f}" in shown
    assert f"valid CCC={model.net_.history[-1, 'valid_ccc']:.3f}" in shown


def test_callbacks_come_in_order():
    settings = {"schedule": "cosine", "gradient_clip": 1.0, "weight_average": 0.9, "patience": 3}
    names = [name for name, _ in training_callbacks(n_steps=10, progress=(5, "x"), **settings)]
    assert names == ["schedule", "gradient_clip", "weight_average", "stop_early", "progress"]
    assert training_callbacks(n_steps=10, progress=None, **dict.fromkeys(settings)) == []


def test_gradient_norm_is_clipped(ragged):
    norms = []

    class Norms(Callback):
        def on_grad_computed(self, net, named_parameters, **kwargs):
            gradients = [p.grad for _, p in named_parameters if p.grad is not None]
            norms.append(float(torch.cat([g.flatten() for g in gradients]).norm()))

    kwargs = {"max_epochs": 2, "callbacks": [Norms()], **QUICK}
    av.EarlyFusionRegressor(gradient_clip=None, **kwargs).fit(*ragged)
    free, norms[:] = max(norms), []
    av.EarlyFusionRegressor(gradient_clip=free / 10, **kwargs).fit(*ragged)
    assert max(norms) == pytest.approx(free / 10, rel=1e-3)


class Scored(Callback):
    """Remember the weights at the end of epochs, and do something with them then."""

    def __init__(self, act=None):
        self.act = act

    def on_train_begin(self, net, **kwargs):
        self.seen_, self.trained_ = [], []

    def on_batch_end(self, net, training, **kwargs):
        if training:
            self.trained_.append(weights(net))
        else:
            self.validated_ = weights(net)

    def on_epoch_end(self, net, **kwargs):
        self.seen_.append(weights(net))
        if self.act is not None:
            self.act(net)


def with_validation(ragged, *callbacks, **settings):
    X, y = ragged
    model = av.EarlyFusionRegressor(callbacks=list(callbacks), **QUICK | {"max_epochs": 3} | settings)
    return model.fit(X[:4], y[:4], X_val=X[4:], y_val=y[4:])


def test_callbacks_see_the_averaged_weights_and_training_goes_on_from_the_others(ragged):
    scored = Scored()
    model = with_validation(ragged, scored)
    assert torch.equal(scored.seen_[-1], weights(model.net_))
    assert torch.equal(scored.seen_[-1], scored.validated_)
    assert not torch.equal(scored.seen_[-1], scored.trained_[-1])
    assert torch.equal(weights(model.net_), weights(with_validation(ragged).net_))  # to watch changes nothing


def test_weights_that_a_callback_sets_are_those_that_training_goes_on_from(ragged):
    def zero(net):
        if len(net.history) == 2:
            for parameter in net.module_.parameters():
                parameter.data.zero_()

    scored = Scored(zero)
    with_validation(ragged, scored, lr=1e-9, weight_decay=0.0)
    assert scored.seen_[1].abs().max() > 0.1
    assert scored.trained_[-1].abs().max() < 1e-6
    assert scored.seen_[2].abs().max() < 1e-6  # the average, too


def test_weights_that_are_set_before_the_first_batch_are_what_the_average_starts_from(ragged):
    class Set(Callback):
        def on_train_begin(self, net, **kwargs):
            for parameter in net.module_.parameters():
                parameter.data.fill_(0.25)

    scored = Scored()
    with_validation(ragged, Set(), scored, lr=1e-9, weight_decay=0.0, max_epochs=1)
    torch.testing.assert_close(scored.seen_[0], torch.full_like(scored.seen_[0], 0.25))


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_an_error_at_the_end_of_an_epoch_leaves_a_net_as_it_would_be_without(ragged, error):
    def fail(net):
        raise error("disk full")

    X, y = ragged
    model = av.EarlyFusionRegressor(**QUICK).partial_fit(X, y)
    model.net_.callbacks_.append(("fail", Scored(fail)))
    with pytest.raises(error, match="disk full"):
        model.partial_fit(X, y)
    model.net_.callbacks_.pop()
    again = av.EarlyFusionRegressor(**QUICK).partial_fit(X, y).partial_fit(X, y)
    torch.testing.assert_close(weights(model.net_), weights(again.net_))


def test_the_first_error_is_the_one_that_is_shown(ragged):
    class Late(Callback):
        def on_train_end(self, net, **kwargs):
            raise KeyError("no epoch was finished")

    def fail(net):
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        with_validation(ragged, Scored(fail), Late())


@pytest.mark.parametrize("settings", [{"early_stopping": True, "patience": 1}, {}])
def test_the_last_epoch_is_heard_by_callbacks_and_progress(ragged, settings, capsys):
    def stop(net):
        if len(net.history) == 2:
            raise KeyboardInterrupt

    before, after = Scored(stop), Scored()
    model = with_validation(ragged, before, after, verbose=1, max_epochs=5, **settings)
    epochs = len(model.net_.history)
    assert len(before.seen_) == len(after.seen_) == epochs <= 2
    assert f"{epochs}/5" in capsys.readouterr().err


@pytest.mark.parametrize("warm", ["fit", "partial_fit"])
def test_the_best_epoch_is_kept_when_training_goes_on(ragged, warm):
    X, y = ragged
    settings = {"max_epochs": 4, "warm_start": True, "lr": 0.1, "schedule": None}
    model = with_validation(ragged, **settings)
    if warm == "partial_fit":
        model.partial_fit(X[:4], y[:4])
    model.set_params(
        callbacks=[EarlyStopping("valid_ccc", lower_is_better=False, patience=4, load_best=True)]
    ).fit(X[:4], y[:4], X_val=X[4:], y_val=y[4:])
    best = max(model.net_.history[-4:, "valid_ccc"])
    assert model.score(X[4:], y[4:]) == pytest.approx(best, abs=1e-5)


def test_losses_and_scores_of_validation_are_those_of_all_steps(ragged):
    model = with_validation(ragged, loss="mse", batch_size=1, window=None)
    last = model.net_.history[-1]
    assert last["valid_batch_count"] == 2
    losses = [batch["valid_loss"] for batch in last["batches"] if "valid_loss" in batch]
    assert min(losses) < last["valid_loss"] < max(losses)
    scores = model.net_.history[:, "valid_ccc"]
    best = [score == max(scores[:epoch]) for epoch, score in enumerate(scores, start=1)]
    assert model.net_.history[:, "valid_ccc_best"] == best
