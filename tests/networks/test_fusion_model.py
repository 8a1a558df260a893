import functools

import pytest
import torch
from torch import nn

from avfusion.networks import (
    ClipHead,
    Concatenation,
    FrameHead,
    FusionModel,
    InputNorm,
    ccc_mse_loss,
)
from tests.networks.published_parts import recursive_joint_attention

WIDTHS = {"audio": 6, "video": 70}  # narrow and wide LSTM inputs
LENGTHS = [7, 1, 40, 23]
NETWORKS = {
    "rja softmax": functools.partial(recursive_joint_attention, attention="softmax", n_recursions=2),
    "rja tanh": functools.partial(recursive_joint_attention, attention="tanh", n_recursions=2),
    "rja without lstms": functools.partial(recursive_joint_attention, intra_lstm=False, joint_lstm=False),
    "concatenation": Concatenation,
}


def build(network, head, input_norm="standard", noise=0.0):
    torch.manual_seed(0)
    norms = {name: InputNorm(width, input_norm, noise) for name, width in WIDTHS.items()}
    for norm in norms.values():
        norm.set_statistics(torch.full((norm.width,), 0.3), torch.full((norm.width,), 1.5))
    head = FrameHead(8, 2) if head == "frame" else ClipHead(8, WIDTHS, 2, pooling=head)
    return FusionModel(norms, NETWORKS[network](WIDTHS, 8), head)


@pytest.mark.parametrize("input_norm", ["standard", "layer", None])
@pytest.mark.parametrize("head", ["frame", "mean", "max", "attention"])
@pytest.mark.parametrize("network", NETWORKS)
def test_prediction_depends_neither_on_batch_nor_on_padding(network, head, input_norm, make_batch):
    model = build(network, head, input_norm).eval()
    streams, masks = make_batch(WIDTHS, LENGTHS)
    together = model(streams, masks)
    assert together.shape == ((4, 40, 2) if head == "frame" else (4, 2))
    for row, length in enumerate(LENGTHS):
        alone = model(
            {name: x[row : row + 1, :length] for name, x in streams.items()},
            {name: mask[row : row + 1, :length] for name, mask in masks.items()},
        )[0]
        expected = together[row, :length] if head == "frame" else together[row]
        torch.testing.assert_close(alone, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("head", ["frame", "mean"])
@pytest.mark.parametrize("network", NETWORKS)
def test_training_depends_neither_on_padding_nor_breaks_on_it(network, head, make_batch):
    def gradients(padding):
        model = build(network, head).double().eval()
        streams, masks = make_batch(WIDTHS, LENGTHS, dtype=torch.float64)
        if padding is not None:
            for name, x in streams.items():
                x[~masks[name]] = padding
        out = model(streams, masks)
        mask = masks["audio"] if head == "frame" else torch.ones(4, dtype=torch.bool)
        target = torch.arange(out.numel(), dtype=torch.float64).view_as(out).sin()
        labelled = mask.unsqueeze(-1).expand_as(out).reshape(-1, 2)
        ccc_mse_loss(out.reshape(-1, 2), target.reshape(-1, 2), labelled).backward()
        return [p.grad for p in model.parameters() if p.requires_grad]

    clean, rubbish = gradients(0.0), gradients(None)
    assert all(g is not None and g.isfinite().all() for g in rubbish)
    torch.testing.assert_close(rubbish, clean, atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize("network", NETWORKS)
def test_absent_is_not_zero_and_is_learnt(network, make_batch, randomise):
    model = randomise(build(network, "frame")).eval()
    streams, masks = make_batch(WIDTHS, [5, 5], damaged=False)
    absent = dict(streams, audio=torch.full_like(streams["audio"], torch.nan))
    zero = dict(streams, audio=model.input_norms["audio"].mean.expand_as(streams["audio"]))
    missing_rows = dict(masks, audio=torch.zeros_like(masks["audio"]))
    torch.testing.assert_close(model(absent, masks), model(streams, missing_rows))  # both ways to say it
    assert (model(absent, masks) - model(zero, masks)).abs().max() > 1e-3


@pytest.mark.parametrize("input_norm", ["standard", "layer", "unit", None])
@pytest.mark.parametrize("network", NETWORKS)
def test_features_missing_from_a_step_are_as_imputed_with_the_training_mean(network, input_norm, make_batch):
    model = build(network, "frame", input_norm).eval()
    streams, masks = make_batch(WIDTHS, LENGTHS, damaged=False)
    streams["audio"][2, 5] = torch.nan  # a whole step, which stays as it is
    holes = {name: x.clone() for name, x in streams.items()}
    filled = {name: x.clone() for name, x in streams.items()}
    holes["audio"][0, 3, 1] = holes["video"][2, 7, 4:] = torch.nan
    filled["audio"][0, 3, 1] = filled["video"][2, 7, 4:] = 0.3  # the mean that `build` sets
    inside = masks["audio"]
    assert torch.equal(model(holes, masks)[inside], model(filled, masks)[inside])
    lost = {name: x.clone() for name, x in holes.items()}
    lost["audio"][0, 3] = torch.nan
    assert (model(holes, masks) - model(lost, masks))[0, 3].abs().max() > 1e-6  # what was observed counts


def test_the_head_sees_what_was_missing():
    class Recorder(nn.Module):
        def forward(self, hidden, streams, masks):
            self.seen = streams
            return hidden

    class Sum(nn.Module):
        def forward(self, streams, masks):
            return streams["audio"].sum(-1, keepdim=True)

    model = FusionModel({"audio": InputNorm(2)}, Sum(), Recorder())
    x = torch.tensor([[[1.0, torch.nan], [torch.nan, torch.nan], [1.0, 2.0]]])
    hidden = model({"audio": x}, {"audio": torch.ones(1, 3, dtype=torch.bool)})
    torch.testing.assert_close(model.head.seen["audio"], x, equal_nan=True)
    assert hidden[0, [0, 2]].flatten().tolist() == [1.0, 3.0]


@pytest.mark.parametrize("network", NETWORKS)
def test_float32_and_float64_agree(network, make_batch):
    single = build(network, "frame").eval()
    double = build(network, "frame").double().eval()
    streams, masks = make_batch(WIDTHS, LENGTHS)
    out = double({name: x.double() for name, x in streams.items()}, masks)
    assert out.dtype == torch.float64
    torch.testing.assert_close(
        single(streams, masks).double()[masks["audio"]], out[masks["audio"]], atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("network", NETWORKS)
def test_same_seed_same_training_step(network, make_batch):
    streams, masks = make_batch(WIDTHS, LENGTHS)

    def step():
        model = build(network, "frame", noise=0.5)
        out = model(streams, masks)
        out[masks["audio"]].sum().backward()
        return [out[masks["audio"]].detach()] + [p.grad for p in model.parameters() if p.requires_grad]

    for first, second in zip(step(), step()):
        assert torch.equal(first, second)


def test_network_trains_on_noise_and_head_sees_clean_streams():
    class Recorder(nn.Module):
        def forward(self, *arguments):
            self.seen = arguments
            return arguments[0]

    network, head = Recorder(), Recorder()
    model = FusionModel({"audio": InputNorm(4, noise=1.0)}, network, head)
    streams = {"audio": torch.randn(2, 3, 4), "unused": torch.randn(2, 3, 1)}
    masks = dict.fromkeys(streams, torch.ones(2, 3, dtype=torch.bool))
    hidden = model(streams, masks)
    assert hidden is network.seen[0]
    assert list(network.seen[1]) == ["audio"]
    assert (network.seen[0]["audio"] - streams["audio"]).abs().min() > 0
    torch.testing.assert_close(head.seen[1]["audio"], streams["audio"])
    model.eval()(streams, masks)
    torch.testing.assert_close(network.seen[0]["audio"], streams["audio"])


@pytest.mark.parametrize("network", NETWORKS)
def test_learns_what_only_both_streams_together_carry(network):
    torch.manual_seed(0)
    widths = {"audio": 1, "video": 1}
    streams = {name: torch.randn(16, 20, 1).sign() for name in widths}
    masks = dict.fromkeys(widths, torch.ones(16, 20, dtype=torch.bool))
    target = (streams["audio"] * streams["video"]).view(-1, 1)
    body = NETWORKS[network](widths, hidden_size=16, dropout=0.0)
    model = FusionModel({name: InputNorm(1) for name in widths}, body, FrameHead(16, 1, dropout=0.0))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        loss = ccc_mse_loss(
            model(streams, masks).view(-1, 1), target, torch.ones_like(target, dtype=torch.bool)
        )
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
