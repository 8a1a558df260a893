from pathlib import Path

import audmetric
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from torchmetrics.functional import concordance_corrcoef

from avfusion.networks import LOSSES, ccc_loss, ccc_mse_loss, huber_loss, mae_loss, mse_loss

GOLDEN = np.load(Path(__file__).with_name("golden_ccc.npz"))  # numbers of the published code, float64
CASES = sorted({key.split(".")[0] for key in GOLDEN})


def column(values):
    return torch.tensor(np.ravel(values)).unsqueeze(1)


def everywhere(x):
    return torch.ones_like(x, dtype=torch.bool)


def random_problem(n=30, k=3, seed=0, labelled=0.7):
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.randn(n, k, dtype=torch.float64, generator=generator) for _ in range(2))
    return x, y + 0.5 * x, torch.rand(n, k, generator=generator) < labelled


@pytest.mark.parametrize("case", CASES)
def test_ccc_equals_the_published_metric(case):
    x, y = column(GOLDEN[f"{case}.x"]), column(GOLDEN[f"{case}.y"])
    expected = np.nan_to_num(GOLDEN[f"{case}.metric"], nan=0.0)  # constants: 0 in place of nan
    tolerance = 1e-3 if case == "tiny_variance" else 1e-6  # variance 1e-10 against eps 1e-8
    assert 1 - ccc_loss(x, y, everywhere(x)).item() == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("case", CASES)
def test_ccc_gradient_equals_the_published_one(case):
    """The published loss has moments over N - 1, which is ours with the difference of means shrunk."""
    x, y = column(GOLDEN[f"{case}.x"]).requires_grad_(), column(GOLDEN[f"{case}.y"])
    n = len(x)
    shrunk = x - x.mean() + y.mean() + (x.mean() - y.mean()) * np.sqrt((n - 1) / n)
    loss = ccc_loss(shrunk, y, everywhere(y))
    loss.backward()
    assert x.grad.isfinite().all()
    expected = column(GOLDEN[f"{case}.grad_x"])
    if expected.isfinite().all() and case != "tiny_variance":
        assert loss.item() == pytest.approx(GOLDEN[f"{case}.loss"].item(), abs=1e-6)
        torch.testing.assert_close(x.grad, expected, atol=1e-6, rtol=1e-6)


def test_ccc_equals_torchmetrics_and_audmetric_per_target():
    x, y, mask = random_problem()
    theirs = [audmetric.concordance_cc(y[mask[:, k], k].numpy(), x[mask[:, k], k].numpy()) for k in range(3)]
    assert 1 - ccc_loss(x, y, mask).item() == pytest.approx(np.mean(theirs), abs=1e-7)
    x = x - x.mean(0) + y.mean(0)  # equal means: then N or N - 1, which torchmetrics takes, is the same
    theirs = concordance_corrcoef(x, y).mean().item()
    assert 1 - ccc_loss(x, y, everywhere(x)).item() == pytest.approx(theirs, abs=1e-7)


@pytest.mark.parametrize(
    ("loss", "error"),
    [
        (mse_loss, lambda e: e**2),
        (mae_loss, np.abs),
        (huber_loss, lambda e: np.where(abs(e) <= 1, e**2 / 2, abs(e) - 0.5)),
    ],
)
def test_pointwise_losses_average_within_then_over_targets(loss, error):
    x, y, mask = random_problem()
    e = (x - y).numpy()
    expected = np.mean([error(e[mask[:, k].numpy(), k]).mean() for k in range(3)])
    assert loss(x, y, mask).item() == pytest.approx(expected, rel=1e-12)


def test_without_masks_they_are_torchs():
    x, y, _ = random_problem(k=2)
    torch.testing.assert_close(mse_loss(x, y, everywhere(x)), F.mse_loss(x, y))
    torch.testing.assert_close(mae_loss(x, y, everywhere(x)), F.l1_loss(x, y))
    torch.testing.assert_close(huber_loss(x, y, everywhere(x)), F.huber_loss(x, y))


def test_sum_of_ccc_and_half_the_squared_error():
    x, y, mask = random_problem()
    expected = ccc_loss(x, y, mask) + mse_loss(x, y, mask) / 2
    torch.testing.assert_close(ccc_mse_loss(x, y, mask), expected)
    assert {
        "ccc": ccc_loss,
        "mse": mse_loss,
        "mae": mae_loss,
        "huber": huber_loss,
        "ccc+mse": ccc_mse_loss,
    } == LOSSES


@pytest.mark.parametrize("name", LOSSES)
class TestEveryLoss:
    def test_gradcheck(self, name):
        x, y, mask = random_problem(n=8)
        assert torch.autograd.gradcheck(lambda x: LOSSES[name](x, y, mask), x.requires_grad_())

    def test_rubbish_outside_the_mask_is_invisible(self, name):
        x, y, mask = random_problem()
        clean = x.clone().requires_grad_()
        LOSSES[name](clean, y, mask).backward()
        x[~mask], y[~mask] = torch.inf, torch.nan
        x.requires_grad_()
        loss = LOSSES[name](x, y, mask)
        loss.backward()
        torch.testing.assert_close(x.grad, clean.grad)
        assert (x.grad[~mask] == 0).all()

    def test_target_without_labels_does_not_count(self, name):
        x, y, mask = random_problem()
        mask[:, 1] = False
        torch.testing.assert_close(
            LOSSES[name](x, y, mask), LOSSES[name](x[:, [0, 2]], y[:, [0, 2]], mask[:, [0, 2]])
        )

    @pytest.mark.parametrize("n", [0, 5])
    def test_nothing_labelled_is_zero_with_zero_gradient(self, name, n):
        x = torch.randn(n, 2, requires_grad=True)
        loss = LOSSES[name](x, torch.full((n, 2), torch.nan), torch.zeros(n, 2, dtype=torch.bool))
        loss.backward()
        assert loss.item() == 0
        assert (x.grad == 0).all()

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize("value", [0.0, 1.0])
    def test_constant_predictions_and_targets_have_finite_gradients(self, name, value, dtype):
        for x, y in [(value, torch.randn(6, 1)), (torch.randn(6, 1), value), (value, value)]:
            x, y = (torch.as_tensor(v, dtype=dtype).expand(6, 1).clone() for v in (x, y))
            loss = LOSSES[name](x.requires_grad_(), y, everywhere(x))
            loss.backward()
            assert loss.isfinite()
            assert loss.dtype == dtype
            assert x.grad.isfinite().all()

    def test_other_shapes_are_refused(self, name):
        x = torch.zeros(4, 1)
        with pytest.raises(ValueError, match=r"one shape \(N, K\), not \(4, 1\), \(4,\) and \(4, 1\)"):
            LOSSES[name](x, torch.zeros(4), everywhere(x))
        with pytest.raises(ValueError, match="one shape"):
            LOSSES[name](torch.zeros(4), torch.zeros(4), torch.zeros(4, dtype=torch.bool))


@given(st.integers(1, 20), st.integers(0, 100), st.floats(0.1, 10), st.floats(-5, 5))
def test_ccc_loss_is_bounded_symmetric_and_blind_to_common_scale(n, seed, scale, shift):
    x, y, mask = random_problem(n=n, k=1, seed=seed, labelled=1.0)
    loss = ccc_loss(x, y, mask).item()
    assert 0 <= loss <= 2
    assert ccc_loss(y, x, mask).item() == pytest.approx(loss, abs=1e-12)
    assert ccc_loss(scale * x + shift, scale * y + shift, mask).item() == pytest.approx(loss, abs=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_integer_weights_are_repeated_entries(name):
    x, y, mask = random_problem(seed=3)
    times = torch.randint(0, 4, (30,), generator=torch.Generator().manual_seed(0))
    weight = times[:, None].double().expand(30, 3)
    rows = torch.repeat_interleave(torch.arange(30), times)
    expected = LOSSES[name](x[rows], y[rows], mask[rows])
    for factor in (1.0, 7.3, 1e-200, 1e200):
        found = LOSSES[name](x, y, mask, weight=factor * weight)
        assert found.item() == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_an_entry_of_weight_zero_is_outside_the_mask(name):
    x, y, mask = random_problem(seed=4)
    counts = torch.rand(30, 3, generator=torch.Generator().manual_seed(1)) < 0.6
    grads = []
    for weight, seen in ((counts.double(), mask), (None, mask & counts)):
        leaf = torch.where(seen, x, float("nan")).requires_grad_()
        loss = LOSSES[name](leaf, torch.where(seen, y, float("nan")), seen, weight=weight)
        loss.backward()
        grads.append((loss.detach(), leaf.grad))
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_weighted_losses(name):
    x, y, mask = random_problem(n=8, seed=5)
    weight = torch.rand(8, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: LOSSES[name](p, y, mask, weight=weight), x)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("labelled", [True, False])
def test_without_any_weight_loss_and_gradient_are_zero(name, labelled):
    x, y, _ = random_problem(n=5)
    x.requires_grad_()
    loss = LOSSES[name](x, y, torch.full((5, 3), labelled), weight=torch.zeros(5, 3, dtype=torch.float64))
    loss.backward()
    assert loss.item() == 0
    assert (x.grad == 0).all()


def test_a_target_counts_as_much_whatever_its_weights():
    x, y, mask = random_problem()
    weight = torch.ones(30, 3, dtype=torch.float64) * torch.tensor([1.0, 10.0, 0.0])
    expected = mse_loss(x[:, :2], y[:, :2], mask[:, :2])
    assert mse_loss(x, y, mask, weight).item() == pytest.approx(expected.item())


def test_a_weight_of_another_shape_is_refused():
    x, y, mask = random_problem()
    with pytest.raises(ValueError, match=r"weight must have the shape \(30, 3\) of mask, not \(30, 1\)"):
        mse_loss(x, y, mask, torch.ones(30, 1))
