import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avfusion.networks._masking import (
    existing_steps,
    masked_mean,
    masked_mean_std,
    missing_features,
    observed,
    zero_padding,
)


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=4), st.integers(1, 3), st.integers(0, 9))
def test_masked_moments_equal_numpy_on_each_row(lengths, width, seed):
    x = torch.tensor(np.random.default_rng(seed).normal(3, 2, (len(lengths), 6, width)))
    mask = torch.arange(6) < torch.tensor(lengths).unsqueeze(1)
    x[~mask] = torch.nan
    mean, std = masked_mean_std(x, mask)
    torch.testing.assert_close(masked_mean(x, mask), mean)
    for row, length in enumerate(lengths):
        cell = x[row, :length].numpy() if length else np.zeros((1, width))
        np.testing.assert_allclose(mean[row], cell.mean(0), atol=1e-12)
        np.testing.assert_allclose(std[row], cell.std(0), atol=1e-12)


def test_masked_std_of_holes_not_only_padding():
    x = torch.tensor([[[1.0], [torch.inf], [5.0], [torch.nan]]])
    mean, std = masked_mean_std(x, torch.tensor([[True, False, True, False]]))
    assert (mean.item(), std.item()) == (3.0, 2.0)


@pytest.mark.parametrize("values", [[2.0], [2.0, 2.0, 2.0], [0.1, 0.1, 0.1], []])
def test_std_of_one_constant_or_no_step_has_finite_gradient(values):
    x = torch.zeros(1, 4, 1)
    x[0, : len(values), 0] = torch.tensor(values)
    x.requires_grad_()
    mask = torch.arange(4).unsqueeze(0) < len(values)
    mean, std = masked_mean_std(x, mask)
    assert std.item() == pytest.approx(0.0, abs=1e-7)
    (mean + std).sum().backward()
    assert x.grad.isfinite().all()
    assert (x.grad[~mask] == 0).all()


def test_masked_moments_gradcheck():
    x = torch.randn(3, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(5) < torch.tensor([[5], [3], [2]])
    assert torch.autograd.gradcheck(lambda x: masked_mean_std(x, mask), x.requires_grad_())


def test_observed_is_of_steps_where_they_are_whole_or_missing_as_a_whole():
    x = torch.tensor([[[1.0, 2.0], [torch.nan, torch.nan], [1.0, torch.nan], [1.0, 2.0]]])
    mask = torch.tensor([[True, True, False, False]])
    assert observed(x, mask).tolist() == [[True, False, False, False]]
    mask = torch.tensor([[True, True, True, False]])
    assert observed(x, mask).tolist() == [[[True, True], [False, False], [True, False], [False, False]]]


def test_missing_features_are_of_steps_of_which_something_was_observed():
    x = torch.ones(1, 3, 2)
    assert missing_features(x) is None
    x[0, 1] = torch.nan
    assert missing_features(x) is None
    x[0, 2, 1] = torch.nan
    assert missing_features(x).nonzero().tolist() == [[0, 2, 1]]


def test_large_numbers_are_not_taken_for_missing_ones():
    x = torch.full((1, 2, 4), 3e38) * torch.tensor([1.0, 1.0, -1.0, -1.0])  # sums overflow
    assert missing_features(x) is None
    assert observed(x, torch.ones(1, 2, dtype=torch.bool)).all()


def test_masked_moments_of_single_features_equal_numpy():
    x = torch.tensor(np.random.default_rng(0).normal(3, 2, (2, 6, 3)))
    x[0, 1, 2] = x[1, :4, 0] = x[1, 2] = torch.nan
    mean, std = masked_mean_std(x, ~x.isnan())
    np.testing.assert_allclose(mean, np.nanmean(x.numpy(), axis=1), rtol=1e-12)
    np.testing.assert_allclose(std, np.nanstd(x.numpy(), axis=1), rtol=1e-12)


def test_existing_steps_are_those_of_any_stream():
    masks = {"a": torch.tensor([[True, False, False]]), "b": torch.tensor([[True, True, False]])}
    assert existing_steps(masks).tolist() == [[True, True, False]]


def test_zero_padding_stops_values_and_gradients():
    x = torch.tensor([[[1.0], [torch.nan], [torch.inf]]], requires_grad=True)
    out = zero_padding(x, torch.tensor([[True, False, False]]))
    out.sum().backward()
    assert out.flatten().tolist() == [1.0, 0.0, 0.0]
    assert x.grad.flatten().tolist() == [1.0, 0.0, 0.0]
