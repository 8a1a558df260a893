"""`check_core` passes every core of the package, and refuses each way in which one can be wrong."""

import pytest
import torch
from torch import nn

import avfusion as av
from avfusion.estimators._module_parameters import _own_parameters
from avfusion.fusion import check_core, check_network
from avfusion.networks import Concatenation

METHODS = [cls for cls in av.all_estimators()["estimator"] if issubclass(cls, av.FusionRegressor)]
CORED = [cls for cls in METHODS if issubclass(cls, av.EncodedFusionRegressor)]


def parameters_of(build, n_positional, cls):
    """The defaults of an estimator for the parameters of its core or network."""
    model = cls(hidden_size=8)
    return {
        name: getattr(model, name) for name in _own_parameters(build, n_positional) if hasattr(model, name)
    }


@pytest.mark.parametrize("cls", CORED)
def test_every_core_keeps_the_contract(cls):
    check_core(cls.core, **parameters_of(cls.core, 2, cls))


@pytest.mark.parametrize("cls", [cls for cls in METHODS if cls not in CORED])
def test_every_network_keeps_the_contract(cls):
    check_network(cls.network, **parameters_of(cls.network, 1, cls))


def test_there_are_as_many_as_there_should_be():
    assert len(CORED) >= 8
    assert len(METHODS) >= 12


class Core(nn.Module):
    """Right in all but what a subclass changes."""

    def __init__(self, n_modalities, hidden_size):
        super().__init__()
        self.output_size = hidden_size
        self.map = nn.Linear(n_modalities * hidden_size, hidden_size)

    def forward(self, streams, mask):
        return self.map(torch.cat(streams, -1)) * mask.unsqueeze(-1)


class Padded(Core):
    def forward(self, streams, mask):
        return self.map(torch.cat(streams, -1))


class OverTheBatch(Core):
    def forward(self, streams, mask):
        out = super().forward(streams, mask)
        return (out - out.mean(0)) * mask.unsqueeze(-1)


class OverThePadding(Core):
    def forward(self, streams, mask):
        out = super().forward(streams, mask)
        return (out + out.mean(1, keepdim=True)) * mask.unsqueeze(-1)


class Infinite(Core):
    def forward(self, streams, mask):
        return super().forward(streams, mask) / 0


class Narrow(Core):
    def forward(self, streams, mask):
        return super().forward(streams, mask)[..., 1:]


class InfiniteGradient(Core):
    def forward(self, streams, mask):
        return super().forward(streams, mask) + (0 * self.map.weight.sum()).abs().sqrt()


@pytest.mark.parametrize(
    ("core", "message"),
    [
        (
            Padded,
            r"core Padded with 1 stream\(s\): row 1 has 1 steps, but .* not zero at step 1, in the",
        ),
        (OverTheBatch, r"the output of row 0 \(7 steps\) changes by .* when the row is alone"),
        (OverThePadding, r"the output of row 1 \(1 steps\) changes by .* when the row is alone"),
        (Infinite, "row 0 has values that are not finite"),
        (Narrow, r"gave the shape \(4, 7, 7\) .*expected \(4, 7, 8\)"),
        (InfiniteGradient, "the gradient of map.weight is not finite"),
    ],
)
def test_what_is_wrong_is_named(core, message):
    check_core(Core)
    with pytest.raises(ValueError, match=message):
        check_core(core)


def test_a_network_is_checked_as_a_core_is():
    class Noisy(Concatenation):
        def forward(self, streams, masks):
            out = super().forward(streams, masks)
            return out + out.mean(0) * masks["audio"].unsqueeze(-1)

    check_network(Concatenation)
    with pytest.raises(ValueError, match="network Noisy: the output of row 0"):
        check_network(Noisy)


def test_torchs_generator_is_left_alone():
    state = torch.get_rng_state()
    check_core(Core)
    assert torch.equal(torch.get_rng_state(), state)


class Double(Core):
    def forward(self, streams, mask):
        return super().forward(streams, mask).double()


def test_a_type_of_its_own_and_a_module_that_is_built_are_refused():
    with pytest.raises(TypeError, match=r"core Double .* gave torch.float64 for torch.float32"):
        check_core(Double)
    with pytest.raises(TypeError, match="core is a Core that is built already"):
        check_core(Core(2, 8))
    with pytest.raises(TypeError, match="network is a Concatenation that is built already"):
        check_network(Concatenation({"audio": 3}))
