import numpy as np
import pytest
import torch

import avfusion as av
from avfusion.fusion import CrossAttention
from avfusion.sequences._targets import as_targets
from tests.networks.reference import numpy_weights
from tests.networks.reference_attention import cross_attention

LENGTHS = [7, 1, 12, 4]


def padded_streams(n_modalities, size=4):
    generator = torch.Generator().manual_seed(0)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS).unsqueeze(1)
    shape = (n_modalities, len(LENGTHS), max(LENGTHS), size)
    return list(torch.randn(shape, dtype=torch.float64, generator=generator) * mask.unsqueeze(2)), mask


@pytest.mark.parametrize("n_modalities", [1, 2, 3])
def test_equals_the_equations_row_by_row(n_modalities, randomise):
    step = randomise(CrossAttention(n_modalities, 4).double())
    streams, mask = padded_streams(n_modalities)
    out = step(streams, mask)
    weights = {f"step.{name}": value for name, value in numpy_weights(step).items()}
    for row, length in enumerate(LENGTHS):
        expected = cross_attention([x[row, :length].numpy() for x in streams], weights, "step")
        for found, wanted in zip(out, expected):
            np.testing.assert_allclose(found[row, :length].detach(), wanted, atol=1e-12)
            assert (found[row, length:] == 0).all()


def test_one_matrix_for_each_pair_and_one_gain():
    assert [len(list(CrossAttention(m, 4).parameters())) for m in (1, 2, 3, 4)] == [2, 2, 4, 7]


def test_training_begins_without_what_is_attended_but_can_learn_it():
    step = CrossAttention(2, 4).double()
    streams, mask = padded_streams(2)
    out = step(streams, mask)
    torch.testing.assert_close(out, [x.tanh() for x in streams])
    sum(x.square().sum() for x in out).backward()
    assert step.gain.grad != 0


def test_row_without_steps_gives_zeros_and_finite_gradients():
    step = CrossAttention(2, 4)
    mask = torch.tensor([[True, True], [False, False]])
    out = step([torch.randn(2, 2, 4) * mask.unsqueeze(2) for _ in range(2)], mask)
    sum(x.sum() for x in out).backward()
    assert all((x[1] == 0).all() for x in out)
    assert all(p.grad.isfinite().all() for p in step.parameters())


QUICK = {"hidden_size": 8, "max_epochs": 2, "random_state": 0}


def values_of(y):
    return as_targets(y).values


def test_builds_the_network_that_it_is_named_after(ragged):
    core = av.CrossAttentionRegressor(**QUICK).fit(*ragged).net_.module_.network.core
    assert [type(step) for step in core.steps] == [CrossAttention] * 1
    assert core.gate is None


@pytest.mark.parametrize("change", [{"intra_lstm": False}, {"joint_lstm": False}])
def test_its_parameters_reach_the_network(ragged, change):
    X, y = ragged
    models = [av.CrossAttentionRegressor(**QUICK, **c).fit(X, y) for c in ({}, change)]
    plain, changed = (values_of(model.predict(X)) for model in models)
    assert np.abs(plain - changed).max() > 1e-5


@pytest.mark.parametrize("change", [{"joint_lstm": "yes"}])
def test_parameters_out_of_range(ragged, change):
    (name,) = change
    with pytest.raises(ValueError, match=f"The '{name}' parameter of CrossAttentionRegressor must be"):
        av.CrossAttentionRegressor(**change).fit(*ragged)
