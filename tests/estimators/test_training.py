import pickle

import numpy as np
import pytest
import torch
from optuna.distributions import FloatDistribution
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback
from torch import nn

import avfusion as av
from avfusion.estimators._losses import OwnLoss
from avfusion.estimators._training import LabelledLoss, random_generator, seeded
from avfusion.metrics import ccc_score
from avfusion.networks import LOSSES
from tests.estimators.weights_watch import Watch, weights

QUICK = {"hidden_size": 8, "batch_size": 2, "random_state": 0}


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


def weighted_batches(n_targets=2):
    generator = torch.Generator().manual_seed(0)
    prediction, target = torch.randn(2, 6, n_targets, generator=generator, dtype=torch.double)
    weight = torch.rand(6, n_targets, generator=generator, dtype=torch.double)
    weight[:3, 0], weight[3:, -1] = weight[:3, 0] * 50, weight[3:, -1] * 50
    return prediction, target, weight / weight.mean(0)


def of_the_mean(p, t, labelled, weight):
    return ((p - t).square() * weight).mean()


def of_the_sum(p, t, labelled, weight):
    return ((p - t).square() * weight).sum() / weight.sum()


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("function", [LOSSES["mse"], OwnLoss(of_the_mean), OwnLoss(of_the_sum)])
def test_weighted_losses_of_batches_add_up_whatever_the_targets_weigh_in_each(function, n_targets):
    prediction, target, weight = weighted_batches(n_targets)
    loss = LabelledLoss(function)
    batches = [loss(prediction[part], target[part], weight[part]) for part in (slice(3), slice(3, 6))]
    expected = (weight * (prediction - target).square()).mean()
    assert torch.stack(batches).mean().item() == pytest.approx(expected.item(), rel=1e-12)


def test_labelled_loss_of_clips_has_no_gradient_from_missing_labels():
    prediction = torch.tensor([[1.0], [5.0], [2.0]], requires_grad=True)
    loss = LabelledLoss(av.networks.LOSSES["mse"])(prediction, torch.tensor([[0.0], [torch.nan], [4.0]]))
    loss.backward()
    assert loss.item() == pytest.approx((1 + 4) / 2)
    assert prediction.grad.flatten().tolist() == [1.0, 0.0, -2.0]


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


def test_two_threads_and_one_give_the_same_within_a_millionth():
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(60, 300)) for _ in range(6)]
    X, y = av.as_sequences({"audio": rows, "video": rows[::-1]}), [row[:, 0] for row in rows]
    before, predictions = torch.get_num_threads(), []
    try:
        for n_threads in (1, 2, 2):
            torch.set_num_threads(n_threads)
            model = av.CrossAttentionRegressor(hidden_size=32, max_epochs=1, random_state=0).fit(X, y)
            predictions.append(np.concatenate(list(model.predict(X))))
    finally:
        torch.set_num_threads(before)
    one, two, again = predictions
    np.testing.assert_array_equal(two, again)
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-6)


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


class LostLater(nn.Module):
    """A loss that is NaN, or infinite, from some training step on."""

    def __init__(self, at, lost=float("nan")):
        super().__init__()
        self.at, self.lost, self.steps = at, lost, 0

    def forward(self, prediction, target):
        self.steps += prediction.requires_grad
        loss = ((prediction - target) ** 2).mean()
        return loss * self.lost if self.steps > self.at else loss


def lost(loss, early_stopping, **options):
    rng = np.random.default_rng(0)
    X = av.as_sequences({"a": rng.normal(size=(20, 6, 2)), "b": rng.normal(size=(20, 6, 2))})
    y = [row.frames[:, 0] for row in X["a"]]
    options = {
        "max_epochs": 6,
        "hidden_size": 4,
        "batch_size": 4,
        "window": None,
        "random_state": 0,
    } | options
    return av.EarlyFusionRegressor(loss=loss, early_stopping=early_stopping, **options), X, y


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_best_weights_are_kept_and_the_epoch_is_told_in_which_the_loss_was_lost(value):
    model, X, y = lost(LostLater(10, value), early_stopping=True)
    with pytest.warns(
        ConvergenceWarning, match=r"turned (nan|inf) in epoch \d .*of epoch \d, the best\. Lower lr"
    ):
        model.fit(X, y)
    losses = model.net_.history[:, "train_loss"]
    epoch = 1 + int(np.flatnonzero(~np.isfinite(losses))[0])
    assert 1 < epoch <= 6
    assert all(np.isfinite(row).all() for row in model.predict(X))


def test_each_member_that_lost_its_loss_is_told():
    model, X, y = lost(LostLater(10), early_stopping=True, n_members=2)
    with pytest.warns(ConvergenceWarning) as told:
        model.fit(X, y)
    assert len([one for one in told if "The loss turned nan" in str(one.message)]) == 2


@pytest.mark.parametrize(("at", "early_stopping"), [(0, True), (10, False), (0, False)])
def test_a_training_without_weights_worth_keeping_fails(at, early_stopping):
    model, X, y = lost(LostLater(at), early_stopping)
    with pytest.raises(ValueError, match="Training diverged"):
        model.fit(X, y)
    assert not hasattr(model, "net_")


def test_partial_fit_that_diverges_fails():
    model, X, y = lost(LostLater(7), early_stopping=False)
    model.partial_fit(X, y)
    with pytest.raises(ValueError, match="Training diverged"):
        model.partial_fit(X, y)
    assert not hasattr(model, "net_")


def test_a_trial_of_which_the_loss_is_lost_fails_with_that_reason():
    model, X, y = lost(LostLater(2), early_stopping=False)
    search = av.FusionSearchCV(
        model, {"lr": FloatDistribution(1e-3, 1e-2)}, n_trials=1, cv=2, error_score="raise", verbose=0
    )
    with pytest.raises(ValueError, match="Training diverged"):
        search.fit(X, y)
