import pytest

import avfusion as av
from avfusion.networks import LowRankFusion

QUICK = {"hidden_size": 4, "max_epochs": 1, "random_state": 0}


def test_builds_the_network_of_its_parameters(ragged):
    core = av.LowRankFusionRegressor(rank=3, **QUICK).fit(*ragged).net_.module_.network.core
    assert isinstance(core, LowRankFusion)
    assert core.weight.shape == (3,)
    assert [factor.out_features for factor in core.factors] == [12, 12]


def test_rank_must_be_positive(ragged):
    with pytest.raises(ValueError, match="The 'rank' parameter of LowRankFusionRegressor must be"):
        av.LowRankFusionRegressor(rank=0, **QUICK).fit(*ragged)
