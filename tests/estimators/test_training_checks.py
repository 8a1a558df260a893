import numpy as np
import pytest
import torch
from skorch.callbacks import BatchScoring, Callback, Checkpoint, EarlyStopping, EpochScoring, LRScheduler
from torch.nn import functional as F
from torch.optim.lr_scheduler import ReduceLROnPlateau

import avfusion as av
from avfusion.estimators._training_checks import check_loss

QUICK = {"hidden_size": 4, "max_epochs": 2, "batch_size": 2, "random_state": 0}


def rows():
    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(n, 3)) for n in (5, 9, 7, 8, 6, 12)]
    return av.as_sequences({"audio": cells}), [cell[:, 0] for cell in cells]


def fit(valid=True, **settings):
    X, y = rows()
    held_out = {"X_val": X[4:], "y_val": y[4:]} if valid else {}
    return av.EarlyFusionRegressor(**QUICK | settings).fit(X[:4], y[:4], **held_out)


def refuses(match, **settings):
    with pytest.raises(ValueError, match=match):
        fit(**settings)


@pytest.mark.parametrize("callback", [EarlyStopping(load_best=True), Checkpoint(load_best=True)])
def test_weights_that_were_not_scored(callback, tmp_path):
    refuses(r"load_best=True.*averaged weights. Set early_stopping=True", callbacks=[callback])
    refuses(r"load_best=True", callbacks=[("mine", callback)])


def test_callbacks_that_keep_the_scored_weights():
    def stop():
        return EarlyStopping(monitor="valid_ccc", lower_is_better=False, patience=1, load_best=True)

    settings = {"max_epochs": 8, "lr": 0.3, "dropout": 0.0, "input_noise": 0.0}
    X, y = rows()
    for more in ({"callbacks": [stop()], "weight_average": None}, {"early_stopping": True, "patience": 1}):
        model = fit(**settings, **more)
        best = max(model.net_.history[:, "valid_ccc"])
        assert av.metrics.ccc_score(y[4:], model.predict(X[4:])) == pytest.approx(best, abs=1e-5)
    assert fit(callbacks=[EarlyStopping(patience=1)]).predict(X).shape == (6,)


def test_two_schedules():
    plateau = LRScheduler(ReduceLROnPlateau, monitor="train_loss", patience=0, threshold=10, factor=0.1)
    refuses("schedule='cosine' and the callback LRScheduler .* Set schedule=None", callbacks=[plateau])
    refuses("schedule='cosine' and the callback LRScheduler", callbacks=[LRScheduler])
    model = fit(callbacks=[plateau], schedule=None, max_epochs=3)
    assert model.net_.optimizer_.param_groups[0]["lr"] < model.lr


def test_scores_of_batches():
    def score(net, dataset, y):
        return 1.0

    for wrong in (EpochScoring("r2"), EpochScoring(score), EpochScoring("r2", use_caching=False)):
        refuses("EpochScoring joins predictions of batches.* Set use_caching=False", callbacks=[wrong])
    refuses("BatchScoring averages scores over batches", callbacks=[BatchScoring(score)])
    history = fit(callbacks=[EpochScoring(score, name="mine", use_caching=False)]).net_.history
    assert history[:, "mine"] == [1.0, 1.0]


@pytest.mark.parametrize("callback", [EarlyStopping(), EarlyStopping, Checkpoint(monitor="valid_ccc_best")])
def test_scores_of_validation_without_rows(callback):
    match = "monitors 'valid_.*no rows for validation. Give fit X_val and y_val, or set monitor='train_loss'"
    refuses(match, callbacks=[callback], valid=False)


def test_callbacks_hear_of_every_batch_of_validation():
    class Count(Callback):
        def on_train_begin(self, net, **kwargs):
            self.seen = []

        def on_batch_end(self, net, batch, training, y_pred, loss, **kwargs):
            self.seen.append((training, y_pred.shape[:2] == batch[1].shape[:2], bool(loss.isfinite())))

    count = Count()
    history = fit(callbacks=[count]).net_.history
    assert count.seen == [(True, True, True)] * 2 + [(False, True, True)] + [(True, True, True)] * 2 + [
        (False, True, True)
    ]
    assert history[:, "valid_ccc"] == fit().net_.history[:, "valid_ccc"]


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (torch.nn.MSELoss(), "loss=MSELoss failed as loss.prediction, target, labelled.*takes 3 positional"),
        (torch.nn.MSELoss, "loss=MSELoss failed"),
        (F.mse_loss, "loss=mse_loss failed"),
        (av.metrics.ccc_score, "loss=ccc_score failed"),
        (lambda p, t, labelled: (p - t) ** 2, r"gave the shape \(8, 1\), but one number"),
        (lambda p, t, labelled: 1.0, "gave float, but one number with a gradient"),
        (lambda p, t, labelled: torch.tensor(1.0), "with a gradient"),
    ],
)
def test_what_is_no_loss(loss, told):
    with pytest.raises(TypeError, match=told):
        fit(loss=loss)


def test_losses_of_ones_own():
    state = torch.get_rng_state()
    check_loss(lambda p, t, labelled: F.mse_loss(p[labelled], t[labelled]) * torch.rand(()), 3)
    assert torch.equal(torch.get_rng_state(), state)
    assert fit(loss=lambda p, t, labelled: F.mse_loss(p[labelled], t[labelled])).predict(rows()[0]).shape == (
        6,
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("callbacks__stop__patience", r"callbacks are set as a whole, callbacks=\[EarlyStopping"),
        ("optimizer__momentum", "an optimizer takes lr and weight_decay"),
        ("loss__alpha", "functools.partial"),
    ],
)
def test_parts_of_what_is_set_as_a_whole(name, told):
    model = av.EarlyFusionRegressor(callbacks=[("stop", EarlyStopping())], optimizer="sgd")
    with pytest.raises(ValueError, match=f"{name}: .*{told}"):
        model.set_params(**{name: 1})
