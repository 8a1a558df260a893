import pytest
import torch
from torch import nn

from avfusion.networks import AttentionStack, JointAttention


class AddOther(nn.Module):
    """x_1 + w x_2 and x_2 + w x_1: order and simultaneity show in the numbers."""

    def __init__(self, n_modalities, hidden_size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, streams, mask):
        first, second = streams
        return [first + self.weight * second, second + self.weight * first]


class SumGate(nn.Module):
    def __init__(self, n_modalities, hidden_size, n_recursions):
        super().__init__()
        self.n_recursions = n_recursions

    def forward(self, history):
        assert len(history) == self.n_recursions + 1
        return [sum(x) for x in zip(*history)]


STREAMS = [torch.full((1, 2, 1), 1.0), torch.full((1, 2, 1), 10.0)]
MASK = torch.ones(1, 2, dtype=torch.bool)


# by hand: (1, 10) -> (11, 11) -> (22, 22)
@pytest.mark.parametrize(
    ("n_recursions", "gate", "expected"),
    [(0, None, (1, 10)), (1, None, (11, 11)), (2, None, (22, 22)), (2, SumGate, (34, 43))],
)
@pytest.mark.parametrize("share_weights", [False, True])
def test_numbers_by_hand(n_recursions, gate, expected, share_weights):
    stack = AttentionStack(2, 1, AddOther, n_recursions, gate, share_weights)
    assert stack.output_size == 2
    assert stack(STREAMS, MASK)[0].tolist() == [list(expected)] * 2


def test_shared_weights_are_one_step_repeated(randomise):
    stack = randomise(AttentionStack(2, 4, JointAttention, 3, share_weights=True))
    own = AttentionStack(2, 4, JointAttention, 3)
    assert sum(p.numel() for p in own.parameters()) == 3 * sum(p.numel() for p in stack.parameters())
    streams = [torch.randn(1, 2, 4) for _ in range(2)]
    expected = streams
    for _ in range(3):
        expected = stack.steps[0](expected, MASK)
    torch.testing.assert_close(stack(streams, MASK), torch.cat(expected, -1))


def test_negative_number_of_recursions():
    with pytest.raises(ValueError, match="n_recursions must be 0 or more; got -1"):
        AttentionStack(2, 4, JointAttention, -1)
