import numpy as np
import pytest

import avfusion as av
from avfusion.fusion import HierarchicalGate
from avfusion.networks import JointAttention
from avfusion.sequences._targets import as_targets

QUICK = {"hidden_size": 8, "max_epochs": 2, "random_state": 0}


def values_of(y):
    return as_targets(y).values


def test_builds_the_network_that_it_is_named_after(ragged):
    core = (
        av.GatedRecursiveJointAttentionRegressor(gate="hierarchical", n_recursions=3, **QUICK)
        .fit(*ragged)
        .net_.module_.network.core
    )
    assert [type(step) for step in core.steps] == [JointAttention] * 3
    assert isinstance(core.gate, HierarchicalGate)


@pytest.mark.parametrize(
    "change",
    [
        {"gate": "hierarchical"},
        {"n_recursions": 3},
        {"attention": "tanh"},
        {"intra_lstm": False},
        {"joint_lstm": False},
    ],
)
def test_its_parameters_reach_the_network(ragged, change):
    X, y = ragged
    models = [av.GatedRecursiveJointAttentionRegressor(**QUICK, **c).fit(X, y) for c in ({}, change)]
    plain, changed = (values_of(model.predict(X)) for model in models)
    assert np.abs(plain - changed).max() > 1e-5


@pytest.mark.parametrize("change", [{"attention": "linear"}, {"n_recursions": 0}, {"gate": "none"}])
def test_parameters_out_of_range(ragged, change):
    (name,) = change
    with pytest.raises(
        ValueError, match=f"The '{name}' parameter of GatedRecursiveJointAttentionRegressor must be"
    ):
        av.GatedRecursiveJointAttentionRegressor(**change).fit(*ragged)
