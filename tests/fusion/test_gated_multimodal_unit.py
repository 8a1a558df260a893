import numpy as np
import pytest
import torch

import avfusion as av
from avfusion.fusion import GatedMultimodalUnit
from avfusion.sequences._targets import as_targets
from tests.networks.reference_fusion import gated_multimodal_unit


@pytest.mark.parametrize("n_modalities", [1, 2, 3, 4])
def test_equals_the_equations_step_by_step(n_modalities, randomise):
    core = randomise(GatedMultimodalUnit(n_modalities, 4)).double().eval()
    weights = {name: value.numpy() for name, value in core.state_dict().items()}
    mask = torch.arange(6) < torch.tensor([[6], [1], [4], [0]])
    streams = [torch.randn(4, 6, 4, dtype=torch.float64) * mask[..., None] for _ in range(n_modalities)]
    out = core(streams, mask).detach().numpy()
    assert (out[~mask.numpy()] == 0).all()
    for row, step in mask.nonzero().tolist():
        expected = gated_multimodal_unit([x[row, step].numpy() for x in streams], weights)
        np.testing.assert_allclose(out[row, step], expected, atol=1e-10)


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
