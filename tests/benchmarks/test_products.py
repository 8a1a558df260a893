import pytest
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.products import Products, flops, seconds


def test_linear_layer_forwards_and_backwards():
    layer, x = nn.Linear(5, 7), torch.randn(3, 5, requires_grad=True)
    with Products() as products:
        layer(x).sum().backward()
    # the output, the gradient of the input and that of the weights: 2 * 3 * 5 * 7 flop each
    assert sum(products.counts.values()) == 3
    assert {flops(product) for _, product in products.counts} == {2 * 3 * 5 * 7}


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch's LSTM is another one there")
def test_lstm_has_a_product_per_step_for_the_state():
    layer, x = nn.LSTM(5, 4, batch_first=True), torch.randn(3, 6, 5, requires_grad=True)
    with Products() as products:
        layer(x)[0].sum().backward()
    state = {key: n for key, n in products.counts.items() if key[1][1] == 3}
    assert state == {("lstm", (1, 3, 4, 16)): 6, ("lstm", (1, 3, 16, 4)): 6}
    forwards = 2 * 6 * 3 * (5 + 4) * 16
    assert sum(n * flops(product) for (_, product), n in products.counts.items()) == 3 * forwards


def test_attention_has_two_products_and_four_backwards():
    query, key, value = (torch.randn(2, 1, 6, 4, requires_grad=True) for _ in range(3))
    with Products() as products:
        F.scaled_dot_product_attention(query, key, value).sum().backward()
    total = sum(n * flops(product) for (_, product), n in products.counts.items())
    assert total == 6 * 2 * 2 * 6 * 6 * 4
    assert {kind for kind, _ in products.counts} <= {"attention", "linear"}


@pytest.mark.parametrize("product", [(1, 2, 3, 4), (2, 2, 3, 4)])
def test_products_are_timed(product):
    assert 0 < seconds(product) < 60
