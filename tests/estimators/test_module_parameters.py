"""Cores and networks of one's own: parameters, tools, processes, and what is refused before training."""

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution
from optuna_integration.sklearn import OptunaSearchCV
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

import avfusion as av
from avfusion.fusion import LowRankFusion
from avfusion.networks import Concatenation
from avfusion.sequences._targets import as_targets
from tests.test_contract import FAST, for_check

QUICK = {"hidden_size": 8, "max_epochs": 2, "random_state": 0}


class Product(nn.Module):
    """The product of linear maps of the streams."""

    def __init__(self, n_modalities, hidden_size, rank=3, dropout=0.0):
        super().__init__()
        self.output_size = rank
        self.maps = nn.ModuleList(nn.Linear(hidden_size, rank) for _ in range(n_modalities))
        self.dropout = nn.Dropout(dropout)

    def forward(self, streams, mask):
        product = 1
        for linear, x in zip(self.maps, streams):
            product = product * linear(x)
        return self.dropout(product) * mask.unsqueeze(-1)


class Mean(nn.Module):
    """The mean of linear maps of the streams."""

    def __init__(self, widths, hidden_size, depth=1):
        super().__init__()
        self.output_size = hidden_size
        self.maps = nn.ModuleDict({name: nn.Linear(width, hidden_size) for name, width in widths.items()})
        self.layers = nn.ModuleList(nn.Linear(hidden_size, hidden_size) for _ in range(depth))

    def forward(self, streams, masks):
        x = sum(linear(streams[name].nan_to_num()) for name, linear in self.maps.items())
        for layer in self.layers:
            x = layer(x).relu()
        return x * next(iter(masks.values())).unsqueeze(-1)


class ProductRegressor(av.EncodedFusionRegressor):
    core = Product
    rank: int = 3


def product(n_modalities, hidden_size, rank=3):
    return Product(n_modalities, hidden_size, rank)


class FunctionRegressor(av.EncodedFusionRegressor):
    core = product
    rank: int = 3


def values_of(y):
    return as_targets(y).values


def with_core(**parameters):
    return av.EncodedFusionRegressor(core=Product, **{**QUICK, **parameters})


def with_network(**parameters):
    return av.FusionRegressor(network=Mean, **{**QUICK, **parameters})


DOORS = pytest.mark.parametrize(
    ("make", "name"), [(with_core, "core__rank"), (with_network, "network__depth")], ids=["core", "network"]
)


@parametrize_with_checks(
    [
        av.EncodedFusionRegressor(core=Product, **FAST),
        av.FusionRegressor(network=Mean, **FAST),
        ProductRegressor(**FAST),
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(for_check(estimator, check))


@DOORS
class TestDoors:
    def test_parameters_are_taken_shown_changed_and_cloned(self, make, name):
        model = make(**{name: 2})
        assert model.get_params(deep=False)[name] == 2
        assert f"{name}=2" in repr(model)
        copy = clone(model)
        assert copy.get_params() == model.get_params()
        assert model.set_params(**{name: 4, "lr": 0.1}).get_params()[name] == 4
        assert (model.lr, copy.get_params()[name]) == (0.1, 2)

    def test_defaults_of_the_module_are_listed_but_not_cloned(self, make, name):
        model = make()
        assert name in model.get_params()
        assert name not in model.get_params(deep=False)
        assert name not in vars(clone(model))
        assert "core__dropout" not in model.get_params()  # the estimator's own

    def test_parameters_reach_the_module(self, make, name, ragged):
        X, y = ragged
        one, other = (make(**{name: value}).fit(X, y) for value in (1, 3))
        assert len(list(one.net_.module_.parameters())) <= len(list(other.net_.module_.parameters()))
        assert np.abs(values_of(one.predict(X)) - values_of(other.predict(X))).max() > 1e-5

    def test_pickle_and_searches_in_two_processes(self, make, name, ragged):
        X, y = ragged
        model = make(**{name: 2}).fit(X, y)
        copy = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(values_of(copy.predict(X)), values_of(model.predict(X)))
        search = GridSearchCV(make(), {name: [1, 3]}, cv=2, n_jobs=2, error_score="raise").fit(X, y)
        assert len(set(search.cv_results_["mean_test_score"])) == 2

    @pytest.mark.filterwarnings("ignore:OptunaSearchCV is experimental", "ignore:.*terminator.*deprecated")
    def test_optuna(self, make, name, ragged):
        choices = CategoricalDistribution([1, 3])
        search = OptunaSearchCV(make(), {name: choices}, cv=2, n_trials=2, error_score="raise").fit(*ragged)
        assert search.best_params_[name] in (1, 3)
        search = av.FusionSearchCV(make(), {name: [1, 3]}, cv=2, n_trials=2, random_state=0).fit(*ragged)
        assert search.best_params_[name] in (1, 3)

    def test_unknown_parameters_are_refused_with_the_known_ones(self, make, name, ragged):
        door = name.partition("__")[0]
        known = "rank, dropout" if door == "core" else "hidden_size, depth"
        with pytest.raises(ValueError, match=f"{door}__width: .* no parameter 'width'. It has {known}"):
            make(**{f"{door}__width": 2}).fit(*ragged)
        with pytest.raises(TypeError, match="unexpected keyword argument 'width'"):
            make(width=2)
        with pytest.raises(ValueError, match="Invalid parameter 'width' for"):
            make().set_params(width=2)

    def test_one_must_be_given(self, make, name, ragged):
        door = name.partition("__")[0]
        with pytest.raises(ValueError, match=f"{door} is not given: set {door} to a class or function"):
            type(make())(**QUICK).fit(*ragged)
        with pytest.raises(ValueError, match=f"The '{door}' parameter of .* must be a callable"):
            type(make())(**{door: 3}, **QUICK).fit(*ragged)


def test_the_estimators_own_parameters_are_given_unless_set_apart(ragged):
    core = with_core(dropout=0.3).fit(*ragged).net_.module_.network.core
    assert core.dropout.p == 0.3
    core = with_core(dropout=0.3, core__dropout=0.1).fit(*ragged).net_.module_.network.core
    assert core.dropout.p == 0.1


def test_the_core_itself_can_be_searched(ragged):
    search = GridSearchCV(with_core(), {"core": [Product, LowRankFusion]}, cv=2, error_score="raise")
    assert search.fit(*ragged).best_params_["core"] in (Product, LowRankFusion)


@pytest.mark.parametrize("cls", [ProductRegressor, FunctionRegressor])
def test_a_subclass_that_fixes_the_core_is_the_same(cls, ragged):
    X, y = ragged
    model = cls(rank=2, **QUICK)
    assert "core" not in model.get_params()
    with pytest.raises(TypeError, match="core"):
        cls(core=LowRankFusion)
    with pytest.raises(TypeError, match="core__rank"):
        cls(core__rank=2)
    expected = with_core(core__rank=2, dropout=0.5 if cls is ProductRegressor else 0.0)
    if cls is ProductRegressor:
        expected = values_of(expected.fit(X, y).predict(X))
        np.testing.assert_array_equal(values_of(model.fit(X, y).predict(X)), expected)
    assert clone(model).get_params() == model.get_params()
    copy = pickle.loads(pickle.dumps(model.fit(X, y)))
    np.testing.assert_array_equal(values_of(copy.predict(X)), values_of(model.predict(X)))


@pytest.mark.parametrize("decorate", [dataclass, dataclass(kw_only=True), dataclass(kw_only=True, eq=False)])
def test_a_decorator_of_the_users_does_no_harm(decorate, ragged):
    @decorate
    class Decorated(av.EncodedFusionRegressor):
        core = Product
        rank: int = 3

    model = Decorated(rank=2, **QUICK)
    assert model.get_params()["rank"] == 2
    assert "core" not in model.get_params()
    assert hash(model) != hash(clone(model))
    assert model != clone(model)
    assert repr(model).startswith("Decorated(hidden_size=8, max_epochs=2, ")
    assert model.fit(*ragged).net_.module_.network.core.output_size == 2


def test_constraints_are_merged_and_optional(ragged):
    class Constrained(ProductRegressor):
        depth: int = 1
        _parameter_constraints = {"depth": [int]}  # noqa: RUF012

    with pytest.raises(ValueError, match="The 'depth' parameter of Constrained must be"):
        Constrained(depth="deep").fit(*ragged)
    with pytest.raises(ValueError, match="The 'lr' parameter of Constrained must be"):
        Constrained(lr=-1).fit(*ragged)


class NoModule(nn.Module):
    def __new__(cls, *sizes):
        return list(sizes)


class NoSize(nn.Module):
    def __init__(self, *sizes):
        super().__init__()


class WrongSize(Product):
    def __init__(self, n_modalities, hidden_size):
        super().__init__(n_modalities, hidden_size, rank=3)
        self.output_size = 5


class OneNumber(WrongSize):
    def forward(self, streams, mask):
        return super().forward(streams, mask).sum(1)


class Pair(WrongSize):
    def forward(self, streams, mask):
        return super().forward(streams, mask), mask


@pytest.mark.parametrize(
    ("core", "kind", "message"),
    [
        (NoModule, TypeError, r"core NoModule built a list, but a torch.nn.Module is needed"),
        (NoSize, TypeError, "core NoSize built a NoSize without the attribute output_size, which must be"),
        (
            WrongSize,
            ValueError,
            r"gave the shape \(2, 3, 3\) for .*expected \(2, 3, 5\): rows, steps",
        ),
        (OneNumber, ValueError, r"gave the shape \(2, 3\) for a batch of 2 rows with 3 steps"),
        (Pair, TypeError, "core Pair gave a tuple; one Tensor is needed"),
    ],
)
def test_what_a_core_must_give_is_checked_before_training(core, kind, message, ragged):
    model = av.EncodedFusionRegressor(core=core, **QUICK)
    with pytest.raises(kind, match=message):
        model.fit(*ragged)
    assert not hasattr(model, "net_")


def test_the_output_of_a_network_is_checked_before_training(ragged):
    def network(widths):
        module = Concatenation(widths, 8)
        module.output_size = 9
        return module

    with pytest.raises(ValueError, match=r"network network gave the shape \(2, 3, 8\).*expected \(2, 3, 9\)"):
        av.FusionRegressor(network=network, **QUICK).fit(*ragged)


SCRIPT = """
import joblib, pickle
import numpy as np
from torch import nn
from sklearn.model_selection import GridSearchCV
import avfusion as av

class Sum(nn.Module):
    def __init__(self, n_modalities, hidden_size, rank=3):
        super().__init__()
        self.output_size = rank
        self.map = nn.Linear(hidden_size, rank)

    def forward(self, streams, mask):
        return self.map(sum(streams)) * mask.unsqueeze(-1)

class SumRegressor(av.EncodedFusionRegressor):
    core = Sum
    rank: int = 3

if __name__ == "__main__":
    X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    quick = dict(max_epochs=1, hidden_size=4, random_state=0)
    for model, name in (
        (av.EncodedFusionRegressor(core=Sum, **quick), "core__rank"), (SumRegressor(**quick), "rank")
    ):
        search = GridSearchCV(model, {name: [2, 3]}, cv=2, n_jobs=2, error_score="raise").fit(X, y)
        best = search.best_estimator_
        [there] = joblib.Parallel(n_jobs=2)([joblib.delayed(best.predict)(X)])
        again = pickle.loads(pickle.dumps(best)).predict(X)
        for other in (there, again):
            assert all(np.array_equal(a, b) for a, b in zip(best.predict(X), other))
    print("same")
"""


def test_classes_of_a_script_travel_to_workers(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "script.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=300)
    assert done.stdout.strip() == "same", done.stderr


class Anything(Product):
    def __init__(self, n_modalities, hidden_size, rank=3, **more):
        super().__init__(n_modalities, hidden_size, rank)
        self.more = more


def test_another_core_leaves_behind_what_it_does_not_take(ragged):
    model = with_core(core__rank=2, core__dropout=0.1)
    model.set_params(core=LowRankFusion)  # takes a rank
    assert model.get_params(deep=False)["core__rank"] == 2
    assert "core__dropout" not in model.get_params(deep=False)
    assert model.set_params(core=Anything, core__colour=3).fit(*ragged).net_.module_.network.core.more == {
        "colour": 3
    }
    model.set_params(core=Product, core__width=2)  # given with it: no leftover but a mistake
    with pytest.raises(ValueError, match="no parameter 'width'"):
        model.fit(*ragged)


def test_what_is_given_by_position_is_no_parameter(ragged):
    with pytest.raises(ValueError, match="core__hidden_size: Anything has no parameter 'hidden_size'"):
        av.EncodedFusionRegressor(**QUICK, core=Anything, core__hidden_size=3).fit(*ragged)


def test_a_module_that_is_built_is_refused(ragged):
    with pytest.raises(TypeError, match=r"core is a Product that is built already.*Give core=Product"):
        av.EncodedFusionRegressor(**QUICK, core=Product(2, 8)).fit(*ragged)


def test_a_callable_without_a_signature_can_be_shown():
    model = av.EncodedFusionRegressor(**QUICK, core=dict)
    assert "core=<class 'dict'>" in repr(model)
    assert clone(model).core is dict


def test_a_core_that_converts_is_named_before_training(ragged):
    class Double(Product):
        def forward(self, streams, mask):
            return super().forward(streams, mask).double()

    with pytest.raises(TypeError, match=r"core Double gave torch\.float64 for torch.float32"):
        av.EncodedFusionRegressor(**QUICK, core=Double).fit(*ragged)


class WithInit(av.EncodedFusionRegressor):
    """Has an ``__init__`` of its own, as classes of scikit-learn do."""

    core = Product

    def __init__(self, *, rank=3, hidden_size=8, max_epochs=2, random_state=0):
        super().__init__(hidden_size=hidden_size, max_epochs=max_epochs, random_state=random_state)
        self.rank = rank


def test_a_subclass_may_have_its_own_init(ragged):
    X, y = ragged
    model = clone(WithInit(rank=2)).fit(X, y)
    assert "core" not in model.get_params()
    assert np.isfinite(values_of(model.predict(X))).all()
