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


def test_a_space_is_the_callers_to_change():
    space = search_space(Ridge())
    space.clear()
    assert search_space(Ridge())


def test_nothing_is_known_of_others():
    assert search_space(DummyRegressor()) == {}
