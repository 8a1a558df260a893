import numpy as np
import pytest
import torch

from avfusion.networks import TensorFusion
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
