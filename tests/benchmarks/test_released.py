"""The plain network of the benchmark is the package's, and the benchmark writes what it promises."""

import json

import pytest
import torch

from avfusion.released import load_released
from benchmarks import released


@pytest.mark.parametrize("dropout_site", ["attended", "correlation"])
def test_the_plain_network_gives_the_same_outputs_and_gradients(dropout_site):
    torch.manual_seed(0)
    plain = released.PlainNetwork(n_steps=4, n_recursions=2).double().eval()
    for encoder in (plain.video_extract, plain.audio_extract, plain.Joint):
        torch.nn.init.normal_(encoder.init_hidden)
    model = released.released_model(2, n_steps=4, dropout_site=dropout_site).double().eval()
    load_released(model, plain.state_dict())
    streams = {name: torch.randn(3, 4, 512, dtype=torch.float64) for name in ("video", "audio")}
    masks = dict.fromkeys(streams, torch.ones(3, 4, dtype=torch.bool))
    outputs = [network(streams, masks) for network in (plain, model)]
    torch.testing.assert_close(*outputs, rtol=1e-10, atol=1e-12)
    for output in outputs:
        output.square().sum().backward()
    theirs, ours = plain.coattn["dcn_layers"][0], model.network.core.steps[0]
    pairs = [(theirs.dense_coattn["key2_linear"], ours.keys[1]), (theirs.linears[0][0], ours.updates[0])]
    for layer, other in pairs:
        torch.testing.assert_close(layer.weight.grad, other.weight.grad, rtol=1e-9, atol=1e-14)


def test_what_is_kept_is_counted_once_and_without_weights():
    layer, x = torch.nn.Linear(8, 8), torch.randn(4, 8, requires_grad=True)
    assert released.kept_bytes(layer, x) == 4 * 4 * 8  # its input
    square = torch.nn.Sequential(torch.nn.Tanh(), torch.nn.Tanh())
    assert released.kept_bytes(square, x) == 2 * 4 * 4 * 8


def test_benchmark(tmp_path):
    released.main(["--short", "--output", str(tmp_path), "--batch", "2", "--length", "3", "--repeats", "1"])
    tables = json.loads((tmp_path / "released.json").read_text())["tables"]
    assert list(tables) == ["one step of attention", "training step of the network"]
    for rows in tables.values():
        plain, tiled, on_c, default = rows
        assert (plain["plain / step"], plain["kept / plain"]) == (1, 1)
        assert tiled["kept (MB)"] < on_c["kept (MB)"]
        assert default["kept (MB)"] < plain["kept (MB)"]
