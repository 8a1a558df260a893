import numpy as np
import pytest
import torch

from avfusion.released import _state_lstm as state_lstm
from avfusion.released._state_lstm import LSTMByStates, StateLSTM
from tests.networks.reference import lstm


@pytest.fixture
def by_states(monkeypatch):
    """Let all steps count as large."""
    monkeypatch.setattr(state_lstm, "SMALL_STEP", 0)


def arguments_of(layer, n_steps=6, n_rows=3):
    generator = torch.Generator().manual_seed(1)
    weight = layer.weight_hh_l0
    shapes = (n_steps, n_rows, layer.input_size), *[(n_rows, layer.hidden_size)] * 2
    return [torch.randn(s, generator=generator, dtype=weight.dtype).requires_grad_() for s in shapes]


def value_and_gradients(layer, arguments, backwards):
    y = layer(*arguments, backwards=backwards)
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
    return y, *torch.autograd.grad((y * weights).sum(), [*arguments, *layer.parameters()])


@pytest.mark.parametrize("backwards", [False, True])
def test_equals_the_equations_row_by_row(by_states, backwards, randomise):
    layer = randomise(StateLSTM(7, 5).double())
    arguments = arguments_of(layer)
    found = layer(*arguments, backwards=backwards).detach().numpy()
    x, h, c = (a.detach().numpy() for a in arguments)
    w_input, w_hidden, b_input, b_hidden = (p.detach().numpy() for p in layer.parameters())
    turn = slice(None, None, -1 if backwards else 1)
    for row in range(x.shape[1]):
        expected = lstm(x[turn, row], w_input, w_hidden, b_input + b_hidden, h[row], c[row])[turn]
        np.testing.assert_allclose(found[:, row], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("n_steps", [1, 6])
def test_equals_torch_in_value_and_gradient(n_steps, backwards, dtype, tolerance, monkeypatch, randomise):
    layer = randomise(StateLSTM(7, 5).to(dtype))
    arguments = arguments_of(layer, n_steps)
    expected = value_and_gradients(layer, arguments, backwards)
    monkeypatch.setattr(state_lstm, "SMALL_STEP", 0)
    found = value_and_gradients(layer, arguments, backwards)
    assert "LSTMByStates" in str(found[0].grad_fn) != str(expected[0].grad_fn)
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def test_gradient_by_finite_differences(by_states):
    layer = StateLSTM(3, 2).double()
    arguments = *arguments_of(layer, n_steps=3, n_rows=2), *layer.parameters()
    for backwards in (False, True):
        assert torch.autograd.gradcheck(lambda *xs, b=backwards: LSTMByStates.apply(b, *xs), arguments)


def test_keeps_states_only(by_states):
    layer = StateLSTM(7, 5)
    x, h, c = arguments_of(layer)
    given = {a.untyped_storage().data_ptr() for a in (x, h, c, *layer.parameters())}
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda a: kept.append(a) or a, lambda a: a):
        layer(x, h, c)
    shapes = [tuple(a.shape) for a in kept if a.untyped_storage().data_ptr() not in given]
    assert shapes == [(6, 3, 5)] * 2


def test_inputs_that_need_no_gradient_get_none(by_states):
    layer = StateLSTM(7, 5)
    x, h, c = arguments_of(layer)
    layer(x.detach(), h, c).sum().backward()
    assert x.grad is None
    assert layer.weight_ih_l0.grad.abs().sum() > 0


def test_torch_runs_it_where_nothing_is_to_be_kept(by_states):
    layer = StateLSTM(7, 5)
    arguments = arguments_of(layer)
    with torch.no_grad():
        alone = layer(*arguments)
    assert not layer._only_states(arguments[0].to("meta"))
    torch.testing.assert_close(alone, layer(*arguments))
