import numpy as np
import pytest
import torch

from avfusion.networks import ClipHead, FrameHead, MaskedBatchNorm, SeparateHeads
from tests.networks.reference import numpy_weights

LENGTHS = [7, 1, 12, 4]


def pooled(hidden, pooling, weights):
    if pooling == "mean":
        return hidden.mean(0)
    if pooling == "max":
        return hidden.max(0)
    score = np.exp(hidden @ weights["score.weight"][0] + weights["score.bias"])
    return score / score.sum() @ hidden


def statistics(x):
    observed = x[~np.isnan(x).all(1)]
    if not len(observed):
        return [np.zeros(2 * x.shape[1]), [1.0]]
    columns = [column[~np.isnan(column)] for column in observed.T]
    moments = [[(c.mean(), c.std()) if len(c) else (0.0, 0.0)] for c in columns]
    return [*np.concatenate(moments).T, [0.0]]


def test_frame_head_equals_numpy(randomise):
    head = randomise(FrameHead(4, n_targets=2).double()).eval()
    hidden = torch.randn(3, 5, 4, dtype=torch.float64)
    w = numpy_weights(head)
    inner = np.maximum(hidden.numpy() @ w["layers.0.weight"].T + w["layers.0.bias"], 0)
    expected = inner @ w["layers.3.weight"].T + w["layers.3.bias"]
    np.testing.assert_allclose(head(hidden, {}, {}).detach(), expected, atol=1e-12)


@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_clip_head_equals_numpy_row_by_row(pooling, make_batch, randomise):
    widths = {"audio": 3, "video": 5}
    streams, masks = make_batch(widths, LENGTHS, dtype=torch.float64)
    hidden = torch.randn(4, 12, 6, dtype=torch.float64)
    head = randomise(ClipHead(6, widths, n_targets=2, pooling=pooling).double()).eval()
    weights = numpy_weights(head)
    out = head(hidden, streams, masks).detach()
    for row, length in enumerate(LENGTHS):
        features = [pooled(hidden[row, :length].numpy(), pooling, weights)]
        for x in streams.values():
            features += statistics(x[row, :length].numpy())
        expected = weights["linear.weight"] @ np.concatenate(features) + weights["linear.bias"]
        np.testing.assert_allclose(out[row], expected, atol=1e-12)


@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_short_rows_and_absent_streams_have_finite_gradients(pooling, make_batch):
    widths = {"audio": 3, "video": 5}
    streams, masks = make_batch(widths, [1, 1, 2])
    masks = {name: mask.clone() for name, mask in masks.items()}
    for mask in masks.values():
        mask[1] = False  # a row without steps
    hidden = torch.randn(3, 2, 4, requires_grad=True)
    streams = {name: x.requires_grad_() for name, x in streams.items()}
    out = ClipHead(4, widths, n_targets=1, pooling=pooling)(hidden, streams, masks)
    out.sum().backward()
    assert out.isfinite().all()
    assert hidden.grad.isfinite().all()
    assert (hidden.grad[1] == 0).all()
    assert all(x.grad.isfinite().all() for x in streams.values())


def test_clip_head_takes_the_statistics_of_each_feature_where_it_was_observed(randomise):
    head = randomise(ClipHead(4, {"audio": 3}, n_targets=2).double()).eval()
    hidden = torch.randn(1, 5, 4, dtype=torch.float64)
    x = torch.randn(1, 5, 3, dtype=torch.float64)
    x[0, 2] = x[0, :4, 1] = torch.nan
    out = head(hidden, {"audio": x}, {"audio": torch.ones(1, 5, dtype=torch.bool)})
    weights, cell = numpy_weights(head), x[0].numpy()
    moments = [np.nanmean(cell, axis=0), np.nanstd(cell, axis=0)]
    features = np.concatenate([hidden[0].numpy().mean(0), *moments, [0.0]])
    expected = features @ weights["linear.weight"].T + weights["linear.bias"]
    np.testing.assert_allclose(out[0].detach(), expected, atol=1e-12)


def test_clip_head_without_statistics():
    hidden, masks = torch.randn(2, 3, 4), {"audio": torch.ones(2, 3, dtype=torch.bool)}
    head = ClipHead(4, {}, n_targets=1).eval()
    expected = head.linear(hidden.mean(1))
    torch.testing.assert_close(head(hidden, {}, masks), expected)


def test_unknown_pooling():
    with pytest.raises(ValueError, match=r"pooling='sum' is unknown. Choose one of mean, max, attention"):
        ClipHead(4, {}, n_targets=1, pooling="sum")


def test_separate_heads_equal_numpy(randomise):
    head = randomise(SeparateHeads(4, n_targets=3, hidden_size=2).double()).eval()
    hidden = torch.randn(3, 5, 4, dtype=torch.float64)
    w = numpy_weights(head)
    for k in range(3):
        inner = hidden.numpy() @ w[f"heads.{k}.0.weight"].T + w[f"heads.{k}.0.bias"]
        expected = np.maximum(inner, 0) @ w[f"heads.{k}.3.weight"].T + w[f"heads.{k}.3.bias"]
        np.testing.assert_allclose(head(hidden, {}, {})[..., k : k + 1].detach(), expected, atol=1e-12)


def test_masked_batch_norm_is_torchs_on_the_steps_alone(randomise):
    norm = randomise(MaskedBatchNorm(4)).double()
    plain = torch.nn.BatchNorm1d(4, dtype=torch.float64)
    plain.load_state_dict(norm.state_dict())
    mask = torch.arange(6) < torch.tensor([[6], [2], [0]])
    x = torch.randn(3, 6, 4, dtype=torch.float64)
    x[~mask] = torch.nan
    for training in (True, True, False):
        norm.train(training), plain.train(training)
        out = norm(x, mask)
        torch.testing.assert_close(out[mask], plain(x[mask]), rtol=1e-12, atol=1e-12)
        assert (out[~mask] == 0).all()
        torch.testing.assert_close(norm.running_var, plain.running_var, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n_steps", [0, 1])
def test_masked_batch_norm_of_too_few_steps_is_as_in_evaluation(n_steps, randomise):
    norm = randomise(MaskedBatchNorm(4))
    norm.running_mean.fill_(1.0), norm.running_var.fill_(2.0)
    x, mask = torch.randn(1, 3, 4), torch.arange(3)[None] < n_steps
    trained = norm.train()(x, mask)
    torch.testing.assert_close(trained, norm.eval()(x, mask), rtol=1e-6, atol=1e-6)
    assert norm.running_mean.tolist() == [1.0] * 4
