import math
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from skorch.history import History
from torch import nn

import avfusion as av
from avfusion.estimators._training import (
    LabelledLoss,
    StopEarly,
    WarmupCosine,
    WeightAverage,
    random_generator,
    seeded,
    training_callbacks,
)
from avfusion.metrics import ccc_score

QUICK = {"hidden_size": 8, "batch_size": 2, "random_state": 0}


class Watch(Callback):
    """Remember the weights as they are at the end of every batch and epoch, and the epochs' records."""

    def __init__(self, log):
        self.log = log

    def on_batch_end(self, net, training, **kwargs):
        if training:
            self.log.append(("batch", weights(net)))

    def on_epoch_end(self, net, **kwargs):
        self.log.append(("epoch", weights(net)))

    def on_train_end(self, net, **kwargs):
        self.log.append(("end", weights(net)))


def weights(net):
    return torch.cat([p.detach().flatten().clone() for p in net.module_.parameters()])


def test_labelled_loss_sees_labels_only():
    seen = []
    loss = LabelledLoss(lambda *args: seen.extend(args) or torch.tensor(0.0))
    prediction = torch.arange(12.0).reshape(2, 3, 2)
    target = prediction + 1
    target[0, 1] = torch.nan
    target[1, 2, 0] = torch.nan
    loss(prediction, target)
    assert seen[0].tolist() == prediction.reshape(6, 2).tolist()
    assert seen[2].tolist() == [[True, True], [False, False], *[[True, True]] * 3, [False, True]]


def test_labelled_loss_of_clips_has_no_gradient_from_missing_labels():
    prediction = torch.tensor([[1.0], [5.0], [2.0]], requires_grad=True)
    loss = LabelledLoss(av.networks.LOSSES["mse"])(prediction, torch.tensor([[0.0], [torch.nan], [4.0]]))
    loss.backward()
    assert loss.item() == pytest.approx((1 + 4) / 2)
    assert prediction.grad.flatten().tolist() == [1.0, 0.0, -2.0]


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


def split_rows(X, monkeypatch):
    """Let early stopping hold out the rows 2 and 5."""
    train, valid = [0, 1, 3, 4], [2, 5]
    monkeypatch.setattr(
        "sklearn.model_selection.GroupShuffleSplit.split", lambda *args, **kwargs: iter([(train, valid)])
    )
    return X.iloc[valid].index


@pytest.mark.parametrize("weight_average", [None, 0.8])
def test_valid_ccc_is_the_score_of_the_predictions(ragged, monkeypatch, weight_average):
    X, y = ragged
    rows = split_rows(X, monkeypatch)
    model = av.EarlyFusionRegressor(
        max_epochs=1, window=None, early_stopping=True, weight_average=weight_average, **QUICK
    ).fit(X, y)
    expected = ccc_score(y.loc[rows], model.predict(X.loc[rows]))
    assert model.net_.history[-1, "valid_ccc"] == pytest.approx(expected, abs=1e-5)
    scaled = [(np.asarray(cell) - model.target_mean_) / model.target_scale_ for cell in y.loc[rows]]
    answers = [(np.asarray(c) - model.target_mean_) / model.target_scale_ for c in model.predict(X.loc[rows])]
    mse = np.mean((np.concatenate(scaled) - np.concatenate(answers)) ** 2)
    loss = 1 - expected + 0.5 * mse
    assert model.net_.history[-1, "valid_loss"] == pytest.approx(loss, rel=1e-4)


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


def test_validation_has_no_influence_on_the_training(ragged, monkeypatch):
    X, y = ragged
    rows = split_rows(X, monkeypatch)
    kwargs = {"max_epochs": 3, "window": None, "weight_average": None, **QUICK}
    held_out, never_seen = [], []
    av.EarlyFusionRegressor(early_stopping=True, callbacks=[Watch(held_out)], **kwargs).fit(X, y)
    # the same draw of the seed, without any validation
    chosen = np.array([0, 1, 3, 4])
    original = av.EarlyFusionRegressor._dataset
    monkeypatch.setattr(av.EarlyFusionRegressor, "_dataset", lambda *args: original(*args).take(chosen))
    av.EarlyFusionRegressor(callbacks=[Watch(never_seen)], **kwargs).fit(X, y)
    assert len(rows) == 2
    batches = [[w for kind, w in log if kind == "batch"] for log in (held_out, never_seen)]
    assert len(batches[0]) == len(batches[1]) == 6
    assert all(torch.equal(*pair) for pair in zip(*batches))


def test_progress_bar(ragged, capsys):
    model = av.EarlyFusionRegressor(max_epochs=3, verbose=1, early_stopping=True, **QUICK).fit(*ragged)
    shown = capsys.readouterr().err
    assert "EarlyFusionRegressor: 100%" in shown
    assert "3/3" in shown
    assert f"loss={model.net_.history[-1, 'train_loss']:.3f}" in shown
    assert f"valid CCC={model.net_.history[-1, 'valid_ccc']:.3f}" in shown


def test_silent_by_default(ragged, capsys):
    av.EarlyFusionRegressor(max_epochs=1, **QUICK).fit(*ragged)
    assert capsys.readouterr() == ("", "")


@pytest.mark.works_with("skorch", "callbacks of one's own run when skorch runs them")
def test_user_callbacks_run_as_skorch_runs_them(ragged):
    class Count(Callback):
        def initialize(self):
            self.epochs = 0
            return self

        def on_epoch_end(self, net, **kwargs):
            self.epochs += 1
            net.history.record("mine", self.epochs)

    own = Count()
    model = av.EarlyFusionRegressor(max_epochs=3, callbacks=[own], **QUICK)
    assert model.fit(*ragged).net_.history[:, "mine"] == [1, 2, 3]
    assert own.epochs == 3
    assert model.fit(*ragged).net_.history[:, "mine"] == [1, 2, 3]


def test_an_error_in_training_leaves_no_half_trained_net(ragged):
    class Fail(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise RuntimeError("disk full")

    model = av.EarlyFusionRegressor(max_epochs=3, callbacks=[Fail()], **QUICK)
    with pytest.raises(RuntimeError, match="disk full"):
        model.fit(*ragged)
    assert not hasattr(model, "net_")


def test_an_error_on_the_way_back_through_an_lstm_leaves_torch_its_threads(ragged):
    class Fail(Callback):
        def on_train_begin(self, net, **kwargs):
            lstm = next(module for module in net.module_.modules() if isinstance(module, nn.LSTM))
            lstm.weight_hh_l0.register_hook(self.fail)

        def fail(self, gradient):
            self.n_threads = torch.get_num_threads()
            raise RuntimeError("not enough memory")

    fail, before = Fail(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError, match="not enough memory"):
            av.EarlyFusionRegressor(max_epochs=1, callbacks=[fail], **QUICK).fit(*ragged)
        assert (fail.n_threads, torch.get_num_threads()) == (1, 2)
    finally:
        torch.set_num_threads(before)


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


def test_seeded_restores_the_global_generator():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with seeded(1, "cpu"):
        first = torch.rand(2)
    with pytest.raises(RuntimeError), seeded(1, torch.device("cpu")):  # noqa: PT012
        again = torch.rand(2)
        raise RuntimeError
    assert torch.equal(first, again)
    assert torch.equal(torch.rand(3), expected)


def test_random_generator_never_is_the_global_one():
    state = np.random.RandomState(3)
    assert random_generator(state) is state
    assert random_generator(3).randint(1000) == np.random.RandomState(3).randint(1000)
    assert random_generator(None) is not np.random.mtrand._rand
    assert random_generator(None).randint(2**31) != random_generator(None).randint(2**31)


def test_attended_features_are_exact_under_autocast():
    value, key, query = (torch.randn(2, 4, n, requires_grad=True) for n in (3, 3, 5))
    results = []
    for mixed in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            out = av.released.attended_features(value, key, query, 0.5)
        results.append([out, *torch.autograd.grad(out.sum(), (value, key, query))])
    assert all(torch.equal(*pair) for pair in zip(*results))


def size_in_weights(model):
    return len(pickle.dumps(model)) / (4 * sum(p.numel() for p in model.net_.module_.parameters()))


def test_a_fitted_model_is_little_more_than_its_weights(ragged):
    model = av.RecursiveJointAttentionRegressor(**{**QUICK, "hidden_size": 128}, max_epochs=1)
    assert size_in_weights(model.fit(*ragged)) < 1.1
    assert 2.9 < size_in_weights(model.partial_fit(*ragged)) < 3.2  # with the two moments of AdamW


@pytest.mark.parametrize("start", ["fit", "partial_fit"])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_partial_fit_goes_on_after_pickling_as_without(ragged, start, optimizer):
    model = av.EarlyFusionRegressor(**QUICK, max_epochs=2, optimizer=optimizer, n_members=2)
    getattr(model, start)(*ragged)
    for _ in range(3):
        again = pickle.loads(pickle.dumps(model)).partial_fit(*ragged)
        model.partial_fit(*ragged)
        assert all(torch.equal(weights(a), weights(b)) for a, b in zip(model.nets_, again.nets_))
        model = again


def test_partial_fit_after_fit_has_a_constant_learning_rate(ragged):
    model = av.EarlyFusionRegressor(**QUICK, max_epochs=2).fit(*ragged)
    former, rate = weights(model.net_), model.lr
    for _ in range(2):
        model.partial_fit(*ragged)
        assert {group["lr"] for group in model.net_.optimizer_.param_groups} == {rate}
    assert (weights(model.net_) - former).abs().max() > rate
