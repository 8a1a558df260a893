import pytest

import avfusion as av
from avfusion.networks import TensorFusion

QUICK = {"hidden_size": 4, "max_epochs": 1, "random_state": 0}


def test_builds_the_network_of_its_parameters(ragged):
    core = (
        av.TensorFusionRegressor(reduced_size=3, dropout=0.2, **QUICK).fit(*ragged).net_.module_.network.core
    )
    assert isinstance(core, TensorFusion)
    assert core.combine.in_features == 4**2
    assert core.dropout.p == 0.2


def test_a_product_that_is_too_large_is_refused(ragged):
    model = av.TensorFusionRegressor(reduced_size=128, **QUICK)
    with pytest.raises(
        ValueError, match="reduced_size=128 makes products of 16641 numbers per step with 2 mod"
    ):
        model.fit(*ragged)
    assert not hasattr(model, "net_")
