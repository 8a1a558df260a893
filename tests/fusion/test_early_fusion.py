import numpy as np
import pytest
import torch

from avfusion.networks import Concatenation
from tests.networks.reference import concatenation, numpy_weights


@pytest.mark.parametrize("widths", [{"audio": 3, "video": 5}, {"audio": 4}, {"audio": 30, "video": 9}])
def test_equals_the_equations_row_by_row(widths, make_batch, randomise):
    network = randomise(Concatenation(widths, 4).double()).eval()
    streams, masks = make_batch(widths, [7, 1, 12], dtype=torch.float64)
    out = network(streams, masks).detach()
    for row, length in enumerate([7, 1, 12]):
        expected = concatenation([x[row, :length].numpy() for x in streams.values()], numpy_weights(network))
        np.testing.assert_allclose(out[row, :length], expected, atol=1e-10)
        assert (out[row, length:] == 0).all()


def test_errors():
    with pytest.raises(ValueError, match="at least one stream"):
        Concatenation({})
    with pytest.raises(ValueError, match="hidden size must be even"):
        Concatenation({"a": 2}, hidden_size=5)
