import pytest
import torch
from torch.nn import functional as F

from avfusion.released import _onednn as kernels
from avfusion.released._onednn import Linear, onednn_product, product, suits_onednn

onednn = pytest.mark.skipif(not suits_onednn(torch.ones(1)), reason="torch was built without oneDNN")

LAYOUTS = {
    "rows": lambda n, m: torch.randn(n, m),
    "columns": lambda n, m: torch.randn(m, n).t(),
    "rows with gaps": lambda n, m: torch.randn(n, m + 7)[:, 3 : m + 3],
    "columns with gaps": lambda n, m: torch.randn(m, n + 5).t()[2 : n + 2],
}


@onednn
@pytest.mark.parametrize("sizes", [(1, 1, 1), (17, 300, 5), (64, 33, 129)])
@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
def test_products_equal_those_in_float64(sizes, left, right):
    torch.manual_seed(0)
    n, k, m = sizes
    a, b, bias = LAYOUTS[left](n, k), LAYOUTS[right](k, m), torch.randn(m)
    expected = a.double() @ b.double()
    torch.testing.assert_close(product(a, b).double(), expected, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(product(a, b, bias).double(), expected + bias, rtol=1e-5, atol=1e-4)
    bounded = onednn_product(a, b, function="tanh").double()
    torch.testing.assert_close(bounded, expected.tanh(), rtol=1e-5, atol=1e-4)


@onednn
def test_gaps_are_closed_before_a_product(monkeypatch):
    seen = []

    class Recorder:
        @staticmethod
        def _linear_pointwise(left, weight, *rest):
            seen.append(weight.is_contiguous() or weight.t().is_contiguous())
            return left @ weight.t()

    monkeypatch.setattr(torch.ops, "mkldnn", Recorder)
    for layout in LAYOUTS.values():
        onednn_product(torch.randn(3, 8), layout(8, 4))
    assert seen == [True] * len(LAYOUTS)  # with gaps oneDNN takes a thousand times as long


def test_products_of_batches_and_of_other_types():
    torch.manual_seed(0)
    for dtype in (torch.float32, torch.float64):
        a, b = torch.randn(2, 3, 4, dtype=dtype), torch.randn(4, 5, dtype=dtype)
        torch.testing.assert_close(product(a, b), torch.einsum("abk,km->abm", a, b))


@onednn
class TestLinear:
    @pytest.fixture
    def calls(self, monkeypatch):
        calls = []

        def record(*arguments, **options):
            calls.append(arguments[0].shape)
            return onednn_product(*arguments, **options)

        monkeypatch.setattr(kernels, "onednn_product", record)
        return calls

    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize("shape", [(192,), (5, 192), (2, 7, 192)])
    def test_equals_torch_in_value_and_gradient(self, shape, bias, calls):
        torch.manual_seed(0)
        layer, x = Linear(192, 130, bias), torch.randn(shape, requires_grad=True)
        arguments = [x, *layer.parameters()]
        weights = torch.randn(*shape[:-1], 130)
        ours, theirs = layer(x), F.linear(x.double(), *(p.double() for p in layer.parameters()))
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-5)
        assert len(calls) == (len(shape) > 1)
        for cotangent in (weights, torch.ones(1).expand_as(weights)):
            found = torch.autograd.grad((ours * cotangent).sum(), arguments, retain_graph=True)
            expected = torch.autograd.grad((theirs * cotangent).sum(), arguments, retain_graph=True)
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)
        torch.testing.assert_close(
            torch.autograd.grad(ours.sum(), arguments),
            torch.autograd.grad(theirs.sum(), arguments),
            rtol=1e-5,
            atol=1e-4,
        )

    def test_only_wanted_gradients_are_computed(self, calls):
        layer = Linear(192, 130).requires_grad_(False)
        x = torch.randn(3, 192, requires_grad=True)
        layer(x).sum().backward()
        assert calls == [(3, 192), (3, 130)]
        assert layer.weight.grad is None

    @pytest.mark.parametrize("n_rows", [1, 1000])
    def test_the_weights_decide_and_not_the_batch(self, n_rows, calls):
        Linear(192, 130)(torch.randn(n_rows, 192))
        assert len(calls) == 1
        Linear(16, 16)(torch.randn(n_rows, 16))
        assert len(calls) == 1

    def test_empty_batch(self):
        assert Linear(192, 130)(torch.zeros(0, 192)).shape == (0, 130)

    def test_what_onednn_cannot_do_takes_the_other_way(self, calls, monkeypatch):
        layer, x = Linear(192, 130), torch.randn(3, 192)
        layer.double()(x.double())
        layer.float()
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(x).dtype == torch.bfloat16
        monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
        layer(x)
        assert not calls
