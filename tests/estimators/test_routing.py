"""Metadata of rows reaches the estimators that ask for it, where routing is on."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.ensemble import VotingRegressor
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avfusion.estimators._routing import fit_router, routed_to_fit, weight_parameters

X = pd.DataFrame({"subject": ["a", "a", "b"]})
WEIGHTS = np.array([1.0, 2.0, 3.0])


class Owner(BaseEstimator):
    """Fits two others, one of which asks for weights."""

    def __init__(self, asks=True):
        self.asks = asks

    def get_metadata_routing(self):
        ridge = Ridge() if self.asks is None else Ridge().set_fit_request(sample_weight=self.asks)
        return fit_router(self, [("ridge", ridge), ("other", Ridge().set_fit_request(sample_weight=False))])


def test_weights_reach_the_one_that_asks():
    with config_context(enable_metadata_routing=True):
        routed = routed_to_fit(Owner(), X, {"sample_weight": WEIGHTS})
    np.testing.assert_array_equal(routed("ridge")["sample_weight"], WEIGHTS)
    assert routed("other") == routed("unknown") == {}


def test_what_nobody_decided_on_is_refused():
    with config_context(enable_metadata_routing=True), pytest.raises(UnsetMetadataPassedError):
        routed_to_fit(Owner(asks=None), X, {"sample_weight": WEIGHTS})


def test_without_routing_metadata_for_others_is_refused_and_nothing_travels():
    assert routed_to_fit(Owner(), X, {}, groups="subject")("ridge") == {}
    with pytest.raises(ValueError, match=r"enable_metadata_routing.*sample_weight"):
        routed_to_fit(Owner(), X, {"sample_weight": WEIGHTS})


def test_members_of_scikit_learns_ensembles_take_weights_or_are_refused():
    ensemble = VotingRegressor([("ridge", Ridge()), ("out", "drop")])
    assert weight_parameters(ensemble, WEIGHTS, "regressor") == {"sample_weight": WEIGHTS}
    with pytest.raises(
        ValueError, match=r"regressor, 'near', KNeighborsRegressor\(\), takes no sample_weight"
    ):
        weight_parameters(
            VotingRegressor([("ridge", Ridge()), ("near", KNeighborsRegressor())]), WEIGHTS, "regressor"
        )
    piped = VotingRegressor([("piped", make_pipeline(StandardScaler(), Ridge()))])
    with pytest.raises(ValueError, match=r"takes no sample_weight"):
        weight_parameters(piped, WEIGHTS, "regressor")
    search = GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {})
    assert list(weight_parameters(search, WEIGHTS, "search")) == ["ridge__sample_weight"]
