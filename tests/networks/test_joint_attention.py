import pickle

import numpy as np
import pytest
import torch

from avfusion.networks._joint_attention import JointAttention, softmax_attention, tanh_attention
from tests.networks.published_parts import recursive_joint_attention as network_of
from tests.networks.reference import numpy_weights, recursive_joint_attention

WIDTHS = {"audio": 3, "video": 5, "text": 2}


def compare_with_reference(network, streams, masks, n_recursions, attention):
    weights = numpy_weights(network)
    out = network.eval()(streams, masks).detach()
    for row, length in enumerate(masks["audio"].sum(1).tolist()):
        cells = [x[row, :length].numpy() for x in streams.values()]
        expected = recursive_joint_attention(cells, weights, n_recursions, attention)
        np.testing.assert_allclose(out[row, :length], expected, atol=1e-10)
        assert (out[row, length:] == 0).all()


@pytest.mark.parametrize("attention", ["softmax", "tanh"])
@pytest.mark.parametrize("n_recursions", [0, 1, 3])
@pytest.mark.parametrize("n_modalities", [1, 2, 3])
def test_equals_the_equations_row_by_row(n_modalities, n_recursions, attention, make_batch, randomise):
    widths = dict(list(WIDTHS.items())[:n_modalities])
    network = network_of(widths, 4, n_recursions, attention)
    streams, masks = make_batch(widths, [7, 1, 12, 4], dtype=torch.float64)
    compare_with_reference(randomise(network.double()), streams, masks, n_recursions, attention)


@pytest.mark.parametrize(("intra_lstm", "joint_lstm"), [(True, False), (False, True), (False, False)])
def test_equals_the_equations_without_lstms(intra_lstm, joint_lstm, make_batch, randomise):
    options = {"intra_lstm": intra_lstm, "joint_lstm": joint_lstm}
    network = network_of(WIDTHS, 6, 2, "tanh", **options)
    streams, masks = make_batch(WIDTHS, [5, 9, 3], dtype=torch.float64)
    compare_with_reference(randomise(network.double()), streams, masks, 2, "tanh")


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_softmax_attention_equals_the_written_out_softmax(dtype, tolerance):
    generator = torch.Generator().manual_seed(0)
    query, key, value = (
        torch.randn(3, 40, 8, dtype=dtype, generator=generator, requires_grad=True) for _ in range(3)
    )
    mask = torch.arange(40) < torch.tensor([[40], [7], [1]])
    out = softmax_attention(query, key, value, mask, 0.3)
    scores = (query @ key.transpose(1, 2) * 0.3).masked_fill(~mask.unsqueeze(1), -torch.inf)
    expected = scores.softmax(-1) @ value
    torch.testing.assert_close(out, expected, atol=tolerance, rtol=tolerance)
    ours = torch.autograd.grad(out.square().sum(), (query, key, value))
    theirs = torch.autograd.grad(expected.square().sum(), (query, key, value))
    torch.testing.assert_close(ours, theirs, atol=20 * tolerance, rtol=20 * tolerance)


@pytest.mark.parametrize("attend", [softmax_attention, tanh_attention])
def test_attention_gradcheck(attend):
    generator = torch.Generator().manual_seed(0)
    mask = torch.arange(4) < torch.tensor([[4], [2], [0]])
    arguments = [
        (torch.randn(3, 4, 2, dtype=torch.float64, generator=generator) * mask.unsqueeze(2)).requires_grad_()
        for _ in range(3)
    ]
    assert torch.autograd.gradcheck(
        lambda q, k, v: attend(q, k * mask.unsqueeze(2), v * mask.unsqueeze(2), mask, 0.5), arguments
    )


@pytest.mark.parametrize("attention", ["softmax", "tanh"])
def test_step_order_is_irrelevant_without_lstms(attention, randomise):
    network = network_of({"a": 3, "b": 2}, 8, 2, attention, intra_lstm=False, joint_lstm=False)
    network = randomise(network).eval()
    streams = {"a": torch.randn(1, 30, 3), "b": torch.randn(1, 30, 2)}
    masks = dict.fromkeys(streams, torch.ones(1, 30, dtype=torch.bool))
    order = torch.randperm(30)
    shuffled = network({name: x[:, order] for name, x in streams.items()}, masks)
    torch.testing.assert_close(shuffled, network(streams, masks)[:, order], atol=1e-5, rtol=0)


@pytest.mark.parametrize("attention", ["softmax", "tanh"])
def test_attention_is_an_average_so_a_repeated_row_looks_the_same(attention, randomise):
    network = network_of({"a": 3, "b": 2}, 8, 2, attention, intra_lstm=False, joint_lstm=False)
    network = randomise(network).eval()
    streams = {"a": torch.randn(1, 30, 3), "b": torch.randn(1, 30, 2)}
    mask = torch.ones(1, 30, dtype=torch.bool)
    once = network(streams, dict.fromkeys(streams, mask))
    thrice = network(
        {name: x.repeat(1, 3, 1) for name, x in streams.items()},
        dict.fromkeys(streams, mask.repeat(1, 3)),
    )
    torch.testing.assert_close(thrice[:, 60:], once, atol=1e-5, rtol=0)


@pytest.mark.parametrize("attention", ["softmax", "tanh"])
def test_training_begins_without_the_update_but_can_learn_it(attention):
    torch.manual_seed(0)
    step = JointAttention(2, 8, attention)
    streams, mask = [torch.randn(4, 50, 8) for _ in range(2)], torch.ones(4, 50, dtype=torch.bool)
    updated = step(streams, mask)
    for before, after in zip(streams, updated):
        assert torch.equal(before, after)
    sum(x.square().sum() for x in updated).backward()
    assert all(update.weight.grad.abs().max() > 0 for update in step.update)


@pytest.mark.parametrize("attention", ["softmax", "tanh"])
def test_attention_step_keeps_the_padding_zero(attention, randomise):
    mask = torch.arange(6) < torch.tensor([[6], [2]])
    streams = [torch.randn(2, 6, 8) * mask.unsqueeze(2) for _ in range(2)]
    for updated in randomise(JointAttention(2, 8, attention, dropout=0.0))(streams, mask):
        assert (updated[~mask] == 0).all()
        assert (updated[mask] != 0).all()


def test_each_recursion_has_weights_of_its_own():
    def count(n):
        return sum(p.numel() for p in network_of(WIDTHS, 8, n).parameters())

    assert count(1) - count(0) == 3 * (24 * 8 + 8 * 8 + 8 * 8)
    assert count(3) - count(0) == 3 * (count(1) - count(0))


@pytest.mark.parametrize("attention", ["softmax", "tanh"])
def test_thousands_of_steps_train(attention, randomise):
    network = randomise(network_of({"a": 4, "b": 3}, 8, 1, attention))
    streams = {"a": torch.randn(1, 2500, 4), "b": torch.randn(1, 2500, 3)}
    masks = dict.fromkeys(streams, torch.ones(1, 2500, dtype=torch.bool))
    network(streams, masks).square().sum().backward()
    weight = network.core.steps[0].correlate[0].weight
    assert weight.grad.isfinite().all()
    assert weight.grad.abs().max() > 0


@pytest.mark.parametrize("attention", ["softmax", "tanh"])
def test_row_without_steps_gives_zeros_and_finite_gradients(attention, randomise):
    network = randomise(network_of({"a": 4}, 8, 1, attention))
    mask = torch.tensor([[True, True, True], [False, False, False]])
    out = network({"a": torch.randn(2, 3, 4)}, {"a": mask})
    out.sum().backward()
    assert (out[1] == 0).all()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


def test_any_names_and_pickle():
    network = network_of({"audio.egemaps": 2, 0: 3, "keys": 1}, 4).eval()
    streams = {"keys": torch.randn(1, 5, 1), 0: torch.randn(1, 5, 3), "audio.egemaps": torch.randn(1, 5, 2)}
    masks = dict.fromkeys(streams, torch.ones(1, 5, dtype=torch.bool))
    again = pickle.loads(pickle.dumps(network))
    torch.testing.assert_close(again(streams, masks), network(streams, masks))


def test_errors():
    with pytest.raises(ValueError, match=r"attention='cosine' is unknown. Choose one of tanh, softmax"):
        network_of({"a": 2}, attention="cosine")
    with pytest.raises(ValueError, match="n_recursions must be 0 or more, not -1"):
        network_of({"a": 2}, n_recursions=-1)
    with pytest.raises(ValueError, match="at least one stream"):
        network_of({})
    with pytest.raises(ValueError, match="output_size=5 must be even"):
        network_of({"a": 2}, hidden_size=5)
