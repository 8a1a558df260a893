"""Parameters of the optimizer and of callbacks: set, listed, cloned, pickled, searched, refused by name."""

import pickle
from copy import copy
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, LoadInitState, LRScheduler, PrintLog

import avfusion as av
from avfusion.estimators._nested_parameters import named_callbacks

QUICK = {"hidden_size": 4, "max_epochs": 1, "random_state": 0}


def rows():
    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(n, 3)) for n in (5, 9, 7, 8)]
    return av.as_sequences({"audio": cells}), [cell[:, 0] for cell in cells]


def group(model):
    return model.fit(*rows()).net_.optimizer_.param_groups[0]


def stopping(**parameters):
    return av.EarlyFusionRegressor(
        callbacks=[("stop", EarlyStopping(monitor="train_loss"))], **QUICK | parameters
    )


def test_parameters_of_the_optimizer_reach_it():
    model = av.EarlyFusionRegressor(optimizer="sgd", optimizer__momentum=0.5, **QUICK)
    assert group(model)["momentum"] == 0.5
    assert group(clone(model).set_params(optimizer__nesterov=True))["nesterov"]
    assert group(av.EarlyFusionRegressor(optimizer__betas=(0.8, 0.9), **QUICK))["betas"] == (0.8, 0.9)
    assert group(av.UnimodalRegressor("audio", optimizer__eps=1e-3, **QUICK))["eps"] == 1e-3
    assert (
        group(av.EarlyFusionRegressor(optimizer=partial(torch.optim.SGD, momentum=0.3), **QUICK))["momentum"]
        == 0.3
    )


def test_parameters_of_the_optimizer_are_listed_cloned_and_pickled():
    model = av.EarlyFusionRegressor(optimizer="sgd", **QUICK)
    assert model.get_params()["optimizer__momentum"] == 0
    assert "optimizer__momentum" not in model.get_params(deep=False)
    assert "optimizer__lr" not in model.get_params()  # the estimator's own
    model.set_params(optimizer__momentum=0.9)
    assert "optimizer__momentum=0.9" in repr(model)
    for again in (clone(model), pickle.loads(pickle.dumps(model))):
        assert again.get_params(deep=False)["optimizer__momentum"] == 0.9
    assert "optimizer__momentum" not in model.set_params(optimizer="adam").get_params()


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_dict_unchanged,
        estimator_checks.check_estimators_pickle,
    ],
)
def test_scikit_learns_checks_with_parameters_of_the_optimizer(check):
    check("UnimodalRegressor", av.UnimodalRegressor(optimizer="sgd", optimizer__momentum=0.5, **QUICK))


def test_weights_in_groups():
    model = av.EarlyFusionRegressor(optimizer__param_groups=[("*bias*", {"lr": 0.5})], schedule=None, **QUICK)
    rates = {g["lr"] for g in model.fit(*rows()).net_.optimizer_.param_groups}
    assert rates == {0.5, model.lr}


def test_another_callback_is_set_in_a_copy():
    model = stopping()
    stop = model.callbacks[0][1]
    for other in (clone(model), copy(model)):
        other.set_params(callbacks__stop__patience=1)
        assert other.get_params()["callbacks__stop__patience"] == other.callbacks[0][1].patience == 1
    assert (stop.patience, model.get_params()["callbacks__stop__patience"]) == (5, 5)
    model.set_params(callbacks__stop__patience=2)
    assert (stop.patience, model.callbacks[0][1].patience, model.callbacks[0][1].monitor) == (
        5,
        2,
        "train_loss",
    )


def test_patience_that_is_set_ends_the_training():
    model = stopping(max_epochs=9).set_params(callbacks__stop__patience=1, callbacks__stop__threshold=10)
    model.set_params(callbacks__stop__threshold_mode="abs")
    assert len(model.fit(*rows()).net_.history) == 2


def test_names_of_callbacks():
    items = [
        EarlyStopping(),
        PrintLog,
        EarlyStopping(patience=7),
        ("mine", LRScheduler("StepLR", step_size=3)),
    ]
    model = av.EarlyFusionRegressor(callbacks=items)
    names = ["EarlyStopping_1", "PrintLog", "EarlyStopping_2", "mine"]
    assert [name for name, _ in named_callbacks(items)] == names
    assert model.get_params()["callbacks__EarlyStopping_2__patience"] == 7
    model.set_params(
        callbacks__EarlyStopping_2__patience=3,
        callbacks__PrintLog__floatfmt=".2f",
        callbacks__mine__gamma=0.5,
    )
    assert [name for name, _ in named_callbacks(model.callbacks)] == names
    assert [c.patience for c in (model.callbacks[0], model.callbacks[2])] == [5, 3]
    assert model.callbacks[1].floatfmt == ".2f"
    assert model.callbacks[3][1].kwargs == {"step_size": 3, "gamma": 0.5}


def test_a_whole_callback_and_what_is_within_one():
    model = stopping().set_params(callbacks__stop=None)
    assert model.callbacks == [("stop", None)]
    model.set_params(callbacks__stop=EarlyStopping(patience=2), callbacks__stop__monitor="train_loss")
    assert (model.callbacks[0][1].patience, model.callbacks[0][1].monitor) == (2, "train_loss")
    load = LoadInitState(Checkpoint(dirname="a"))
    model.set_params(callbacks=[load], callbacks__LoadInitState__checkpoint__dirname="b")
    assert (load.checkpoint.dirname, model.callbacks[0].checkpoint.dirname) == ("a", "b")


@pytest.mark.works_with(
    "skorch",
    "`optimizer__momentum` and `callbacks__stop__patience` in grids and searches",
)
@pytest.mark.parametrize("search", ["grid", "optuna"])
def test_searched(search):
    grid = {"optimizer__momentum": [0.5, 0.9], "callbacks__stop__patience": [1, 2]}
    model = stopping(optimizer="sgd")
    if search == "grid":
        found = GridSearchCV(model, grid, cv=KFold(2)).fit(*rows())
    else:
        found = av.FusionSearchCV(model, grid, cv=2, n_trials=2, random_state=0).fit(*rows())
    best = found.best_params_
    assert found.best_estimator_.net_.optimizer_.param_groups[0]["momentum"] == best["optimizer__momentum"]
    assert found.best_estimator_.callbacks[0][1].patience == best["callbacks__stop__patience"]
    assert model.callbacks[0][1].patience == 5
    assert pickle.loads(pickle.dumps(found.best_estimator_)).predict(rows()[0]).shape == (4,)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("optimizer__momentun", "SGD has no parameter 'momentun' .did you mean 'momentum'"),
        ("optimizer__betas", "SGD has no parameter 'betas' .optimizer='adamw' has it"),
        ("optimizer__lr", "is the estimator's own lr: set lr"),
        ("optimizer__weight_decay", "set weight_decay"),
        ("optimizer__params", "has no parameter 'params'"),
        ("callbacks__stop__patiance", "EarlyStopping has no parameter 'patiance' .did you mean 'patience'"),
        ("callbacks__stopp__patience", r"no callback is named 'stopp', there are \['stop'\] .did you mean"),
        ("hiden_size", "Invalid parameter 'hiden_size' for EarlyFusionRegressor .did you mean 'hidden_size'"),
        ("lr__x", "Invalid parameter 'lr__x'"),
        ("loss__alpha", "functools.partial"),
        ("module__depth", "network__parameter"),
        ("iterator_train__batch_size", "batch_size, window and modality_dropout"),
    ],
)
def test_unknown_names(name, told):
    model = stopping(optimizer="sgd")
    before = model.get_params()
    with pytest.raises(ValueError, match=told):
        model.set_params(lr=0.5, **{name: 1})
    with pytest.raises(ValueError, match=told):
        make_pipeline(model).set_params(**{f"earlyfusionregressor__{name}": 1})
    assert model.get_params() == before  # nothing of it is set


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        (
            {"optimizer": "adamw", "optimizer__momentum": 0.5},
            "AdamW has no parameter 'momentum' .optimizer='sgd'",
        ),
        ({"optimizer": "sgd", "optimizer__momentum": -1}, "SGD cannot be built with .*Invalid momentum"),
        ({"optimizer": torch.optim.Rprop}, "Rprop has no weight decay: set weight_decay=0"),
        ({"optimizer": dict}, "dict is no optimizer of torch"),
        ({"optimizer": lambda params, lr, weight_decay: None}, "gave NoneType, which is no optimizer"),
        ({"optimizer": "sdg"}, "must be a str among"),
    ],
)
def test_optimizers_are_tried_before_training(parameters, told):
    class Never(Callback):
        def on_train_begin(self, net, **kwargs):
            raise AssertionError("training began")

    model = av.EarlyFusionRegressor(callbacks=[Never()], **QUICK | parameters)
    with pytest.raises(ValueError, match=told):
        model.fit(*rows())


def test_an_optimizer_without_weight_decay():
    assert "weight_decay" not in group(
        av.EarlyFusionRegressor(optimizer=torch.optim.Rprop, weight_decay=0, **QUICK)
    )
