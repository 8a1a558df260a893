import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    InputShapeSetter,
    LRScheduler,
    PassthroughScoring,
    ProgressBar,
    WandbLogger,
    WarmRestartLR,
)
from torch.optim.lr_scheduler import ReduceLROnPlateau

import avfusion as av

QUICK = {"hidden_size": 4, "max_epochs": 2, "batch_size": 2, "random_state": 0}


def rows():
    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(n, 3)) for n in (5, 9, 7, 8, 6, 12)]
    return av.as_sequences({"audio": cells}), [cell[:, 0] for cell in cells]


def fit(valid=True, **settings):
    X, y = rows()
    held_out = {"X_val": X[4:], "y_val": y[4:]} if valid else {}
    return av.EarlyFusionRegressor(**QUICK | settings).fit(X[:4], y[:4], **held_out)


def refuses(match, callbacks=None, valid=True, **settings):
    with pytest.raises(ValueError, match=match):
        fit(valid, callbacks=callbacks, **settings)


@pytest.mark.works_with(
    "skorch",
    "`EarlyStopping(load_best=True)` and `Checkpoint(load_best=True)` restore the weights that were scored",
)
def test_callbacks_keep_the_weights_that_were_scored(tmp_path):
    def stop():
        return EarlyStopping(monitor="valid_ccc", lower_is_better=False, patience=1, load_best=True)

    X, y = rows()
    settings = {"max_epochs": 8, "lr": 0.3, "dropout": 0.0, "input_noise": 0.0, "schedule": None}
    best = Checkpoint(monitor="valid_ccc_best", dirname=str(tmp_path), load_best=True)
    for more in (
        {"callbacks": [stop()]},
        {"callbacks": [("mine", stop())], "weight_average": 0.99},
        {"callbacks": [best]},
        {"callbacks": [stop()], "weight_average": None},
        {"early_stopping": True, "patience": 1},
    ):
        model = fit(**settings, **more)
        scores = model.net_.history[:, "valid_ccc"]
        assert av.metrics.ccc_score(y[4:], model.predict(X[4:])) == pytest.approx(max(scores), abs=1e-5)
    (tmp_path / "params.pt").unlink()


class Shout(GradientNormClipping):
    """A subclass, as users write them."""


@pytest.mark.works_with("skorch", "a callback beside the parameter for the same purpose", refused=True)
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"callbacks": [GradientNormClipping(5.0)]},
            "gradient_clip=1.0 and the callback GradientNormClipping",
        ),
        (
            {"callbacks": [("a", Shout(5.0))], "gradient_clip": 2.0},
            "gradient_clip=2.0 and the callback Shout",
        ),
        (
            {"callbacks": [EarlyStopping], "early_stopping": True},
            "early_stopping=True and the callback EarlyS",
        ),
        (
            {"callbacks": [Checkpoint(load_best=True)], "early_stopping": True},
            "would both choose the weights",
        ),
        ({"callbacks": [ProgressBar()], "verbose": 1}, "verbose=1 and the callback ProgressBar"),
        ({"callbacks": [InputShapeSetter()]}, "InputShapeSetter is not needed"),
    ],
)
def test_two_masters_for_one_thing(settings, told):
    refuses(told, **settings)
    model = make_pipeline(av.EarlyFusionRegressor(**QUICK))
    model.set_params(**{f"earlyfusionregressor__{name}": value for name, value in settings.items()})
    with pytest.raises(ValueError, match=told):
        model.fit(*rows())


def test_one_master_is_enough(tmp_path):
    clip = GradientNormClipping(1e-9)
    assert fit(callbacks=[clip], gradient_clip=None).callbacks == [clip]
    fit(callbacks=[GradientNormClipping(), Checkpoint(dirname=str(tmp_path))], early_stopping=True)


def test_partial_fit_looks_at_what_is_in_force_there():
    model = av.EarlyFusionRegressor(callbacks=[LRScheduler("StepLR", step_size=1)], **QUICK)
    model.partial_fit(*rows())
    with pytest.raises(ValueError, match="GradientNormClipping would both clip gradients"):
        model.set_params(callbacks=[GradientNormClipping(1.0)]).partial_fit(*rows())
    with pytest.raises(ValueError, match="monitors 'valid_loss', but there are no rows"):
        model.set_params(callbacks=[EarlyStopping()]).partial_fit(*rows())


@pytest.mark.parametrize(
    ("callbacks", "kind", "told"),
    [
        (
            [("schedule", EarlyStopping())],
            ValueError,
            "the name 'schedule' is that of a callback of the estimator",
        ),
        ([("weight_average", EarlyStopping())], ValueError, "the name 'weight_average'"),
        ([("a__b", EarlyStopping())], ValueError, "two underscores"),
        ([("a", EarlyStopping()), ("a", Checkpoint())], ValueError, "the name 'a' is given twice"),
        ([("a", "b", "c")], TypeError, r"callbacks\[0\]=.*is no callback of skorch"),
        ([print], TypeError, "is no callback of skorch"),
        (("stop", EarlyStopping()), TypeError, r"callbacks\[0\]='stop' is no callback"),
        ([WarmRestartLR], TypeError, r"Give LRScheduler\(WarmRestartLR\)"),
        ([EpochScoring], TypeError, r"EpochScoring needs arguments. Give EpochScoring\(...\)"),
    ],
)
@pytest.mark.parametrize("weight_average", [None, 0.9])
def test_what_is_no_callback_and_names(callbacks, kind, told, weight_average):
    with pytest.raises(kind, match=told):
        fit(callbacks=callbacks, weight_average=weight_average, schedule=None)


def test_a_callback_that_is_none_is_left_out():
    assert fit(callbacks=[("stop", None), None]).net_.history[-1, "epoch"] == 2


def test_two_schedules():
    plateau = LRScheduler(ReduceLROnPlateau, monitor="train_loss", patience=0, threshold=10, factor=0.1)
    refuses("schedule='cosine' and the callback LRScheduler .* Set schedule=None", callbacks=[plateau])
    refuses("schedule='cosine' and the callback LRScheduler", callbacks=[LRScheduler])
    model = fit(callbacks=[plateau], schedule=None, max_epochs=3)
    assert model.net_.optimizer_.param_groups[0]["lr"] < model.lr


@pytest.mark.works_with(
    "skorch",
    "callbacks that need rows for validation where there are none",
    refused=True,
)
@pytest.mark.parametrize(
    "callback", [EpochScoring("r2"), BatchScoring("r2"), PassthroughScoring("mine"), WandbLogger(None)]
)
def test_scoring_without_rows_for_validation(callback):
    refuses(f"{type(callback).__name__} needs rows for validation, and there are none", [callback], False)


@pytest.mark.parametrize("callback", [EarlyStopping(), EarlyStopping, Checkpoint(monitor="valid_ccc_best")])
def test_scores_of_validation_without_rows(callback):
    match = "monitors 'valid_.*no rows for validation. Give fit X_val and y_val, or set monitor='train_loss'"
    refuses(match, callbacks=[callback], valid=False)


@pytest.mark.works_with("skorch", "hooks of validation batches")
def test_callbacks_hear_of_every_batch_of_validation():
    class Count(Callback):
        def on_train_begin(self, net, **kwargs):
            self.seen = []

        def on_batch_end(self, net, batch, training, y_pred, loss, **kwargs):
            self.seen.append((training, y_pred.shape[:2] == batch[1].shape[:2], bool(loss.isfinite())))

    count = Count()
    history = fit(callbacks=[count]).net_.history
    epoch = [(True, True, True)] * 2 + [(False, True, True)]
    assert count.seen == 2 * epoch
    assert history[:, "valid_ccc"] == fit().net_.history[:, "valid_ccc"]
