"""The short batch on which a module is tried before training."""

import numpy as np
import pytest
import torch
from torch import nn

from avfusion.networks import Concatenation
from avfusion.networks._checks import check_builds, checked_core, checked_network


class Product(nn.Module):
    def __init__(self, n_modalities, hidden_size):
        super().__init__()
        self.output_size = hidden_size
        self.map = nn.Linear(hidden_size, hidden_size)

    def forward(self, streams, mask):
        return self.map(torch.stack(streams).prod(0)) * mask.unsqueeze(-1)


def test_the_check_draws_no_random_numbers_and_leaves_training_mode():
    class Drawing(Product):
        def forward(self, streams, mask):
            assert not self.training
            return super().forward(streams, mask) + torch.rand(1)

    state = torch.get_rng_state()
    Drawing(1, 8)
    after_weights = torch.get_rng_state()
    torch.set_rng_state(state)
    module = checked_core(Drawing, 1, 8)
    assert torch.equal(torch.get_rng_state(), after_weights)
    assert module.training


def test_a_network_sees_every_stream_by_its_name():
    module = checked_network(Concatenation, {"a.b": 2, 0: 3}, hidden_size=4)
    assert module.names == ("a.b", 0)


@pytest.mark.parametrize("size", [0, 2.0, "eight", None])
def test_the_output_size_must_be_a_number_of_features(size):
    def core(n_modalities, hidden_size):
        module = Product(n_modalities, hidden_size)
        module.output_size = size
        return module

    with pytest.raises(TypeError, match=r"core core built a Product with.* output_size.*number of features"):
        checked_core(core, 2, 4)


def test_the_output_size_may_be_a_number_of_numpys():
    def core(n_modalities, hidden_size):
        module = Product(n_modalities, hidden_size)
        module.output_size = np.int64(hidden_size)
        return module

    assert checked_core(core, 1, 8).output_size == 8


def test_a_type_of_its_own_is_refused():
    def network(widths):
        class Half(Concatenation):
            def forward(self, streams, masks):
                return super().forward(streams, masks).half()

        return Half(widths)

    with pytest.raises(TypeError, match=r"network network gave torch.float16 for torch.float32"):
        checked_network(network, {"audio": 2})


def test_a_module_is_built_by_a_class():
    check_builds(Product, "core")
    with pytest.raises(TypeError, match="core is a Product that is built already"):
        check_builds(Product(1, 8), "core")
