import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion import all_estimators
from avfusion.estimators._network_regressor import NetworkRegressor
from avfusion.model_selection import search_space
from avfusion.model_selection.search._search_spaces import kept_parameters, read_space

NETWORKS = [c for c in all_estimators()["estimator"] if issubclass(c, NetworkRegressor)]


def ends(distribution):
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    return distribution.low, distribution.high


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_has_a_space_that_holds_its_defaults(network):
    model, space = network(), search_space(network())
    assert {"lr", "hidden_size", "dropout"} <= set(space)
    assert not {"random_state", "device", "verbose"} & set(space)
    for name, distribution in space.items():
        assert distribution._contains(distribution.to_internal_repr(getattr(model, name))), name
        for value in ends(distribution):
            clone(model).set_params(**{name: value})._check_parameters()


def test_what_is_particular_to_a_method_is_searched():
    assert isinstance(search_space(av.RecursiveJointAttentionRegressor())["n_recursions"], IntDistribution)
    assert "n_recursions" not in search_space(av.EarlyFusionRegressor())


def test_nested_estimators_contribute_under_their_names():
    trees = make_pipeline(av.Functionals(), HistGradientBoostingRegressor())
    late = av.LateFusionRegressor(
        [("audio", av.UnimodalRegressor("audio"), "audio"), ("trees", trees, "video")]
    )
    model = make_pipeline(av.Align(rate_hz=1.0), av.RescaledRegressor(late))
    space = search_space(model)
    assert isinstance(space["rescaledregressor__regressor__audio__lr"], FloatDistribution)
    name = "rescaledregressor__regressor__trees__histgradientboostingregressor__max_iter"
    assert isinstance(space[name], IntDistribution)
    assert set(space) <= set(model.get_params())


@pytest.mark.parametrize("network", NETWORKS)
def test_what_a_network_sets_is_not_searched(network):
    full = search_space(network())
    for name, distribution in full.items():
        value = next(value for value in ends(distribution) if value != getattr(network(), name))
        model = network(**{name: value})
        assert set(search_space(model)) == set(full) - {name}
        assert kept_parameters(model) == {name: value}
    assert kept_parameters(network()) == {}


def test_what_is_set_is_kept_wherever_it_is():
    trees = make_pipeline(av.Functionals(), HistGradientBoostingRegressor(max_iter=77))
    late = av.LateFusionRegressor(
        [("audio", av.UnimodalRegressor("audio", max_epochs=5), "audio"), ("trees", trees, "video")]
    )
    model = make_pipeline(av.Align(rate_hz=1.0), av.RescaledRegressor(late))
    kept = {
        "rescaledregressor__regressor__audio__max_epochs": 5,
        "rescaledregressor__regressor__trees__histgradientboostingregressor__max_iter": 77,
    }
    assert kept_parameters(model) == kept
    space = search_space(model)
    assert not set(kept) & set(space)
    assert "rescaledregressor__regressor__audio__lr" in space


def test_a_network_of_ones_own_has_its_own_defaults():
    class Short(av.EarlyFusionRegressor):
        def __init__(self, *, max_epochs=7, lr=3e-3, random_state=None):
            super().__init__(max_epochs=max_epochs, lr=lr, random_state=random_state)

    assert "max_epochs" in search_space(Short())
    assert set(search_space(Short(max_epochs=8))) == set(search_space(Short())) - {"max_epochs"}


@pytest.mark.works_with("Optuna", "the default space leaves what the estimator sets")
def test_the_search_keeps_what_is_set_and_says_so(data, capsys):
    model = av.EarlyFusionRegressor(max_epochs=2, hidden_size=4, random_state=0, window=10)
    search = av.FusionSearchCV(model, cv=2, n_trials=2, random_state=0, verbose=1).fit(*data)
    assert search.kept_params_ == {"hidden_size": 4, "max_epochs": 2}
    assert "search: kept as set: hidden_size=4, max_epochs=2" in capsys.readouterr().out
    assert not {"max_epochs", "hidden_size"} & set(search.best_params_)
    best = search.best_estimator_.get_params()
    assert {key: best[key] for key in best.keys() - search.best_params_.keys()} == {
        key: value for key, value in model.get_params().items() if key not in search.best_params_
    }
    explicit = av.FusionSearchCV(model, {"max_epochs": [1]}, cv=2, n_trials=1).fit(*data)
    assert explicit.best_estimator_.max_epochs == 1
    assert explicit.kept_params_ == {}


def test_where_all_is_set_the_error_says_what():
    with pytest.raises(
        ValueError, match="The default space of Ridge is empty, since the estimator sets 'alpha'"
    ):
        read_space(None, Ridge(alpha=10))


def test_a_choice_that_is_an_estimator_is_not_changed_by_nested_parameters(data):
    ridge = Ridge(alpha=1.0)
    space = {"regressor": [ridge], "regressor__alpha": [100.0]}
    search = av.FusionSearchCV(av.FrameRegressor(Ridge()), space, cv=2, n_trials=1).fit(*data)
    assert ridge.alpha == 1.0
    assert search.best_estimator_.regressor.alpha == 100.0


def test_a_space_is_the_callers_to_change():
    space = search_space(Ridge())
    space.clear()
    assert search_space(Ridge())


def test_nothing_is_known_of_others():
    assert search_space(DummyRegressor()) == {}


def test_a_parameter_that_is_an_array_was_set():
    alphas = np.array([1.0, 2.0])
    assert kept_parameters(av.FrameRegressor(Ridge(alpha=alphas)))["regressor__alpha"] is alphas
