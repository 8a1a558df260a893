from functools import partial

import numpy as np
import pytest
import torch

from avfusion.fusion import (
    BottleneckTransformer,
    CrossAttention,
    DynamicGate,
    GatedMultimodalUnit,
    HierarchicalGate,
    LowRankFusion,
    RecursionGate,
    TensorFusion,
)
from avfusion.networks import AttentionStack, EncodedFusion, JointAttention, JointCrossAttention
from tests.networks.reference import numpy_weights
from tests.networks.reference_attention import (
    cross_attention,
    encoded_fusion,
    gate,
    joint_attention,
    joint_cross_attention,
)

WIDTHS = {"audio": 3, "video": 5, "text": 2}
GATED = [DynamicGate, RecursionGate, HierarchicalGate]


def bound(gate, n_recursions):
    return gate if gate is DynamicGate else partial(gate, n_recursions=n_recursions)


def two_recursions(gate):
    return partial(AttentionStack, step=JointAttention, n_recursions=2, gate=gate)


CORES = {
    "cross": partial(AttentionStack, step=CrossAttention, n_recursions=2),
    "joint cross": partial(AttentionStack, step=JointCrossAttention),
    **{
        g.__name__: partial(AttentionStack, step=JointAttention, n_recursions=2, gate=bound(g, 2))
        for g in GATED
    },
    **{c.__name__: c for c in (BottleneckTransformer, GatedMultimodalUnit, LowRankFusion, TensorFusion)},
}


def reference_core(name, xs, weights):
    if name == "joint cross":
        return np.hstack(joint_cross_attention(xs, weights, "core.steps.0", "softmax"))
    if name == "cross":
        return np.hstack(
            cross_attention(cross_attention(xs, weights, "core.steps.0"), weights, "core.steps.1")
        )
    raise KeyError(name)


@pytest.mark.parametrize("lstm", [True, False])
@pytest.mark.parametrize("name", ["cross", "joint cross"])
@pytest.mark.parametrize("n_modalities", [1, 2, 3])
def test_equals_the_equations_with_absent_streams(n_modalities, name, lstm, make_batch, randomise):
    widths = dict(list(WIDTHS.items())[:n_modalities])
    network = EncodedFusion(widths, CORES[name], 4, lstm, lstm)
    network = randomise(network.double()).eval()
    streams, masks = make_batch(widths, [7, 1, 9, 4], dtype=torch.float64)
    weights = numpy_weights(network)
    out = network(streams, masks).detach()
    for row, length in enumerate(masks["audio"].sum(1).tolist()):
        cells = [x[row, :length].numpy() for x in streams.values()]
        expected = encoded_fusion(cells, weights, lambda xs: reference_core(name, xs, weights))
        np.testing.assert_allclose(out[row, :length], expected, atol=1e-10)
        assert (out[row, length:] == 0).all()


def test_gate_works_on_the_first_and_last_of_the_stack(make_batch, randomise):
    core = partial(AttentionStack, step=CrossAttention, gate=DynamicGate)
    network = randomise(EncodedFusion(WIDTHS, core, 4).double()).eval()
    streams, masks = make_batch(WIDTHS, [7], dtype=torch.float64)
    weights = numpy_weights(network)

    def gated(xs):
        after = cross_attention(xs, weights, "core.steps.0")
        chosen = [gate(b, [a, b], weights, f"core.gate.gates.{m}") for m, (a, b) in enumerate(zip(xs, after))]
        return np.hstack(chosen)

    expected = encoded_fusion([x[0].numpy() for x in streams.values()], weights, gated)
    np.testing.assert_allclose(network(streams, masks)[0].detach(), expected, atol=1e-10)


def reference_gate(kind, xs, m, weights):
    """`xs`: one stream before and after each recursion."""
    first, *later = xs
    if kind is DynamicGate:
        return gate(xs[-1], [first, xs[-1]], weights, f"core.gate.gates.{m}")
    if kind is RecursionGate:
        return gate(xs[-1], xs, weights, f"core.gate.gates.{m}")
    chosen = [gate(x, [first, x], weights, f"core.gate.lower.{m}.{i}") for i, x in enumerate(later)]
    return gate(chosen[-1], chosen, weights, f"core.gate.upper.{m}")


@pytest.mark.parametrize("kind", GATED)
def test_gated_recursive_attention_equals_the_equations(kind, make_batch, randomise):
    core = partial(AttentionStack, step=JointAttention, n_recursions=3, gate=bound(kind, 3))
    network = randomise(EncodedFusion(WIDTHS, core, 4).double()).eval()
    streams, masks = make_batch(WIDTHS, [7, 1, 5], dtype=torch.float64)
    weights = numpy_weights(network)

    def gated(xs):
        history = [xs]
        for step in range(3):
            history.append(joint_attention(history[-1], weights, f"core.steps.{step}"))
        return np.hstack([reference_gate(kind, x, m, weights) for m, x in enumerate(zip(*history))])

    out = network(streams, masks).detach()
    for row, length in enumerate([7, 1, 5]):
        cells = [x[row, :length].numpy() for x in streams.values()]
        np.testing.assert_allclose(out[row, :length], encoded_fusion(cells, weights, gated), atol=1e-10)


@pytest.mark.parametrize("name", CORES)
def test_a_row_does_not_depend_on_its_batch(name, make_batch, randomise):
    network = randomise(EncodedFusion(WIDTHS, CORES[name], 8).double()).eval()
    streams, masks = make_batch(WIDTHS, [7, 1, 12, 4], dtype=torch.float64)
    together = network(streams, masks)
    for row, length in enumerate([7, 1, 12, 4]):
        one = {key: x[row : row + 1, :length] for key, x in streams.items()}
        alone = network(one, {key: m[row : row + 1, :length] for key, m in masks.items()})
        torch.testing.assert_close(together[row, :length], alone[0], atol=1e-9, rtol=0)


def test_any_names_and_order():
    core = CORES["cross"]
    network = EncodedFusion({"audio.egemaps": 2, 0: 3, "keys": 1}, core, 4).eval()
    streams = {"keys": torch.randn(1, 5, 1), 0: torch.randn(1, 5, 3), "audio.egemaps": torch.randn(1, 5, 2)}
    masks = dict.fromkeys(streams, torch.ones(1, 5, dtype=torch.bool))
    backwards = dict(reversed(streams.items()))
    torch.testing.assert_close(network(streams, masks), network(backwards, masks), atol=0, rtol=0)


def test_no_streams():
    with pytest.raises(ValueError, match="encoders is empty"):
        EncodedFusion({}, CORES["cross"])
