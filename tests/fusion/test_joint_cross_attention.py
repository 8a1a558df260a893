import numpy as np
import pytest
import torch

from avfusion.networks import JointCrossAttention
from tests.networks.reference import numpy_weights
from tests.networks.reference_attention import joint_cross_attention
from tests.networks.test_cross_attention import LENGTHS, padded_streams


@pytest.mark.parametrize("attention", ["softmax", "tanh"])
@pytest.mark.parametrize("n_modalities", [1, 2, 3])
def test_equals_the_equations_row_by_row(n_modalities, attention, randomise):
    step = randomise(JointCrossAttention(n_modalities, 4, attention).double())
    streams, mask = padded_streams(n_modalities)
    out = step(streams, mask)
    weights = {f"step.{name}": value for name, value in numpy_weights(step).items()}
    for row, length in enumerate(LENGTHS):
        cells = [x[row, :length].numpy() for x in streams]
        for found, wanted in zip(out, joint_cross_attention(cells, weights, "step", attention)):
            np.testing.assert_allclose(found[row, :length].detach(), wanted, atol=1e-12)
            assert (found[row, length:] == 0).all()


def test_unknown_attention():
    with pytest.raises(ValueError, match="attention 'cosine' is unknown; choose one of tanh, softmax"):
        JointCrossAttention(2, 4, "cosine")


def test_row_without_steps_gives_zeros():
    mask = torch.tensor([[True, True], [False, False]])
    out = JointCrossAttention(2, 4)([torch.randn(2, 2, 4) * mask.unsqueeze(2) for _ in range(2)], mask)
    assert all((x[1] == 0).all() and x.isfinite().all() for x in out)
