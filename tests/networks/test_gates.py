import numpy as np
import pytest
import torch

from avfusion.fusion import DynamicGate, HierarchicalGate, RecursionGate
from avfusion.networks import SlotGate
from tests.networks.reference import numpy_weights
from tests.networks.reference_attention import gate

GATES = [DynamicGate, RecursionGate, HierarchicalGate]


def gate_of(kind, n_modalities, hidden_size, n_recursions):
    return kind(n_modalities, hidden_size, *([] if kind is DynamicGate else [n_recursions]))


def history_of(n_recursions, n_modalities=2, size=4):
    generator = torch.Generator().manual_seed(0)
    shape = (n_recursions + 1, n_modalities, 1, 6, size)
    return [list(xs) for xs in torch.randn(shape, dtype=torch.float64, generator=generator)]


def expected(kind, xs, weights, m):
    """`xs`: L + 1 of (T, h), of modality m."""
    if kind is DynamicGate:
        return gate(xs[-1], [xs[0], xs[-1]], weights, f"gates.{m}")
    if kind is RecursionGate:
        return gate(xs[-1], xs, weights, f"gates.{m}")
    chosen = [gate(x, [xs[0], x], weights, f"lower.{m}.{i}") for i, x in enumerate(xs[1:])]
    return gate(chosen[-1], chosen, weights, f"upper.{m}")


@pytest.mark.parametrize("n_recursions", [1, 3])
@pytest.mark.parametrize("kind", GATES)
def test_equals_the_equations(kind, n_recursions, randomise):
    module = randomise(gate_of(kind, 2, 4, n_recursions).double())
    history = history_of(n_recursions)
    weights = numpy_weights(module)
    for m, found in enumerate(module(history)):
        xs = [step[m][0].numpy() for step in history]
        np.testing.assert_allclose(found[0].detach(), expected(kind, xs, weights, m), atol=1e-12)


@pytest.mark.parametrize("kind", GATES)
def test_begins_with_equal_weights_and_learns_to_choose(kind):
    module, history = gate_of(kind, 1, 4, 1).double(), history_of(1, n_modalities=1)
    (out,) = module(history)
    torch.testing.assert_close(out, ((history[0][0] + history[1][0]) / 2).relu())
    out.sum().backward()
    first = module.lower[0][0] if kind is HierarchicalGate else module.gates[0]
    assert first.score.weight.grad.abs().max() > 0


def test_a_sharp_gate_passes_one_slot_on():
    module = SlotGate(3)
    with torch.no_grad():
        module.score.bias.copy_(torch.tensor([-10.0, 10.0]))
    before, after = torch.rand(1, 5, 3), torch.rand(1, 5, 3)
    torch.testing.assert_close(module(after, [before, after]), after)


def test_errors():
    with pytest.raises(ValueError, match="n_slots must be 1 or more, not 0"):
        SlotGate(4, 0)
    with pytest.raises(ValueError, match="n_slots must be 1 or more"):
        HierarchicalGate(2, 4, 0)
