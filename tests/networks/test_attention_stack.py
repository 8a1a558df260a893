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
    def __init__(self, n_modalities, hidden_size):
        super().__init__()

    def forward(self, history):
        return [sum(x) for x in zip(*history)]


STREAMS = [torch.full((1, 2, 1), 1.0), torch.full((1, 2, 1), 10.0)]
MASK = torch.ones(1, 2, dtype=torch.bool)


# by hand: (1, 10) -> (11, 11) -> (22, 22)
@pytest.mark.parametrize(
    ("n_recursions", "gate", "expected"),
    [(0, None, (1, 10)), (1, None, (11, 11)), (2, None, (22, 22)), (2, SumGate, (34, 43))],
)
def test_numbers_by_hand(n_recursions, gate, expected):
    stack = AttentionStack(2, 1, AddOther, n_recursions, gate)
    assert stack.output_size == 2
    assert stack(STREAMS, MASK)[0].tolist() == [list(expected)] * 2


def test_steps_have_weights_of_their_own():
    own, one = AttentionStack(2, 4, JointAttention, 3), AttentionStack(2, 4, JointAttention)
    assert sum(p.numel() for p in own.parameters()) == 3 * sum(p.numel() for p in one.parameters())


def test_negative_number_of_recursions():
    with pytest.raises(ValueError, match="n_recursions must be 0 or more, not -1"):
        AttentionStack(2, 4, JointAttention, -1)
