import numpy as np
import pytest
import torch

import avfusion as av
from avfusion.networks import JointCrossAttention
from avfusion.sequences._targets import as_targets
from tests.fusion.test_cross_attention import LENGTHS, padded_streams
from tests.networks.reference import numpy_weights
from tests.networks.reference_attention import joint_cross_attention


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
    with pytest.raises(ValueError, match=r"attention='cosine' is unknown. Choose one of tanh, softmax"):
        JointCrossAttention(2, 4, "cosine")


def test_row_without_steps_gives_zeros():
    mask = torch.tensor([[True, True], [False, False]])
    out = JointCrossAttention(2, 4)([torch.randn(2, 2, 4) * mask.unsqueeze(2) for _ in range(2)], mask)
    assert all((x[1] == 0).all() and x.isfinite().all() for x in out)


QUICK = {"hidden_size": 8, "max_epochs": 2, "random_state": 0}


def values_of(y):
    return as_targets(y).values


def test_builds_the_network_that_it_is_named_after(ragged):
    core = av.JointCrossAttentionRegressor(**QUICK).fit(*ragged).net_.module_.network.core
    assert [type(step) for step in core.steps] == [JointCrossAttention] * 1
    assert core.gate is None


@pytest.mark.parametrize("change", [{"attention": "tanh"}, {"intra_lstm": False}, {"joint_lstm": False}])
def test_its_parameters_reach_the_network(ragged, change):
    X, y = ragged
    models = [av.JointCrossAttentionRegressor(**QUICK, **c).fit(X, y) for c in ({}, change)]
    plain, changed = (values_of(model.predict(X)) for model in models)
    assert np.abs(plain - changed).max() > 1e-5


@pytest.mark.parametrize("change", [{"attention": "linear"}])
def test_parameters_out_of_range(ragged, change):
    (name,) = change
    with pytest.raises(ValueError, match=f"The '{name}' parameter of JointCrossAttentionRegressor must be"):
        av.JointCrossAttentionRegressor(**change).fit(*ragged)
