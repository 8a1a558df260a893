"""Convolutions over time: the mathematics of NumPy, the reach, and nothing from the padding."""

import numpy as np
import pytest
import torch

from avfusion.networks._temporal_convolution import (
    ConvolutionEncoder,
    DilatedConvolution,
    TemporalConvolution,
)


def whole(x):
    return torch.ones(x.shape[:2], dtype=torch.bool)


@pytest.mark.parametrize("causal", [True, False])
def test_a_dilated_convolution_is_a_weighted_sum_of_steps(causal):
    torch.manual_seed(0)
    convolution = DilatedConvolution(3, 4, kernel_size=3, dilation=2, causal=causal).double()
    x = torch.randn(1, 7, 3, dtype=torch.double)
    weight, bias = (p.detach().numpy() for p in convolution.convolution.parameters())  # (4, 3, k), (4,)
    offsets = (-4, -2, 0) if causal else (-2, 0, 2)
    expected = np.tile(bias, (7, 1))
    for step in range(7):
        for k, offset in enumerate(offsets):
            if 0 <= step + offset < 7:
                expected[step] += weight[:, :, k] @ x[0, step + offset].numpy()
    np.testing.assert_allclose(convolution(x, whole(x))[0].detach(), expected, atol=1e-12)


@pytest.mark.parametrize(("causal", "before", "after"), [(False, 6, 6), (True, 12, 0)])
def test_a_step_sees_as_far_as_the_equations_say(causal, before, after):
    """With k = 3 and L = 2, (k - 1)(2^L - 1) = 6 steps on either side, or twice as many before."""
    torch.manual_seed(0)
    network = TemporalConvolution(1, 16, n_layers=2, kernel_size=3, causal=causal).double().eval()
    x = torch.rand(1, 41, 1, dtype=torch.double, requires_grad=True)
    network(x, whole(x))[0, 20].sum().backward()
    seen = x.grad[0, :, 0].nonzero().ravel() - 20
    assert seen.min() >= -before
    assert seen.max() <= after
    assert seen.min() <= -before + 2  # a path of ReLUs may be shut
    assert seen.max() >= after - 2


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("norm", ["layer", "batch"])
def test_a_row_is_encoded_the_same_in_any_batch(causal, norm):
    torch.manual_seed(0)
    encoder = ConvolutionEncoder(3, 8, n_layers=2, kernel_size=3, causal=causal, norm=norm).eval()
    x, mask = torch.randn(2, 9, 3), torch.arange(9) < torch.tensor([[9], [4]])
    x[1, 4:] = 100.0
    both = encoder(x, mask)
    torch.testing.assert_close(both[1, :4], encoder(x[1:, :4], mask[1:, :4])[0], rtol=0, atol=1e-6)
    assert (both[1, 4:] == 0).all()


def test_what_was_not_observed_is_filled_in():
    encoder = ConvolutionEncoder(3, 8)
    x = torch.full((1, 5, 3), torch.nan)
    assert encoder(x, whole(x)).isfinite().all()


def test_an_even_kernel_has_no_centre_and_other_norms_are_unknown():
    TemporalConvolution(3, 8, kernel_size=4, causal=True)
    with pytest.raises(ValueError, match="kernel_size=4 must be odd"):
        TemporalConvolution(3, 8, kernel_size=4)
    with pytest.raises(ValueError, match="norm='group' is unknown"):
        ConvolutionEncoder(3, 8, norm="group")
