import numpy as np
import pytest
import torch

import avfusion as av
from avfusion.fusion import TensorFusion
from tests.networks.reference_fusion import tensor_fusion


@pytest.mark.parametrize("n_modalities", [1, 2, 3, 4])
def test_equals_the_equations_step_by_step(n_modalities, randomise):
    core = randomise(TensorFusion(n_modalities, 4)).double().eval()
    weights = {name: value.numpy() for name, value in core.state_dict().items()}
    mask = torch.arange(6) < torch.tensor([[6], [1], [4], [0]])
    streams = [torch.randn(4, 6, 4, dtype=torch.float64) * mask[..., None] for _ in range(n_modalities)]
    out = core(streams, mask).detach().numpy()
    assert (out[~mask.numpy()] == 0).all()
    for row, step in mask.nonzero().tolist():
        expected = tensor_fusion([x[row, step].numpy() for x in streams], weights)
        np.testing.assert_allclose(out[row, step], expected, atol=1e-10)


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
