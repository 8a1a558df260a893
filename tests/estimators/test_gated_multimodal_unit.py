import numpy as np
import pytest

import avfusion as av
from avfusion.networks import GatedMultimodalUnit
from avfusion.sequences._targets import as_targets

QUICK = {"hidden_size": 4, "max_epochs": 1, "random_state": 0}


def test_builds_the_network_of_its_parameters(ragged):
    core = av.GatedMultimodalRegressor(**QUICK).fit(*ragged).net_.module_.network.core
    assert isinstance(core, GatedMultimodalUnit)
    assert core.gate.out_features == 4  # two streams share one gate
    assert len(core.value) == 2


@pytest.mark.parametrize("change", [{"intra_lstm": False}, {"joint_lstm": False}])
def test_its_parameters_reach_the_network(ragged, change):
    X, y = ragged
    models = [av.GatedMultimodalRegressor(**QUICK, **c).fit(X, y) for c in ({}, change)]
    plain, changed = (as_targets(model.predict(X)).values for model in models)
    assert np.abs(plain - changed).max() > 1e-5


def test_parameters_out_of_range(ragged):
    with pytest.raises(ValueError, match="The 'joint_lstm' parameter of GatedMultimodalRegressor must be"):
        av.GatedMultimodalRegressor(joint_lstm="yes").fit(*ragged)
