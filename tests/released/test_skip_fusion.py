from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from avfusion.fusion import DynamicGate
from avfusion.networks import AttentionStack, FusionModel, InputNorm, SeparateHeads
from avfusion.released import FeatureJointAttention, SkipFusion, SkipLSTM, load_released, released_names
from avfusion.released import _state_lstm as state_lstm
from avfusion.released._feature_attention import feature_correlation
from tests.networks.golden import Golden, loss
from tests.networks.reference import lstm

WIDTHS = {"video": 5, "audio": 3}


def network_of(widths=WIDTHS, hidden_size=8, n_steps=4, n_recursions=2, gate=None, **options):
    step = partial(FeatureJointAttention, n_steps=n_steps, **options)
    core = partial(AttentionStack, step=step, n_recursions=n_recursions, gate=gate)
    return SkipFusion(widths, core, hidden_size)


def released_model(n_recursions, gate=None, **options):
    widths = {"video": 512, "audio": 512}
    network = network_of(widths, 512, 16, n_recursions, gate, **options)
    norms = {name: InputNorm(512, "unit") for name in widths}
    return FusionModel(norms, network, SeparateHeads(512, 2)).double().eval()


def watch(module):
    """Keep what goes into a module and what comes out of it."""
    seen = {}

    def keep(module, arguments, result):
        seen["in"], seen["out"] = arguments[0], result

    module.register_forward_hook(keep)
    return seen


def watched(model):
    network = model.network
    seen = {"joint": watch(network.joint)}
    for name, encoder in zip(("video_extract", "audio_extract"), network.encoders):
        seen[name] = watch(encoder)
    for number, step in enumerate(network.core.steps):
        seen[number] = {"step": watch(step), "query": watch(step.query)}
        for m in range(2):
            for kind in ("keys", "values", "updates"):
                seen[number][kind, m] = watch(getattr(step, kind)[m])
    return seen


def intermediates(seen, n_steps):
    found = {name: seen[name]["out"] for name in ("video_extract", "audio_extract")}
    found |= {"joint_in": seen["joint"]["in"], "joint_out": seen["joint"]["out"]}
    for number in range(n_steps):
        step, query = seen[number], seen[number]["query"]["out"]
        found[f"step{number}.query"] = query
        for m in range(2):
            key, update = step["keys", m]["out"], step["updates", m]
            found |= {
                f"step{number}.key{m + 1}": key.transpose(1, 2),
                f"step{number}.value{m + 1}": step["values", m]["out"],
                f"step{number}.C{m + 1}": feature_correlation(key, query, 1 / 32),
                f"step{number}.H{m + 1}": update["in"],
                f"step{number}.update{m + 1}": F.relu(update["out"]),
                f"step{number}.att{m + 1}": step["step"]["out"][m],
            }
    return found


def compare_with_release(golden, model):
    load_released(model, golden.weights)
    seen = watched(model)
    streams = {name: golden.input(name, (3, 16, 512)) for name in ("audio", "video")}
    masks = dict.fromkeys(streams, torch.ones(3, 16, dtype=torch.bool))
    out = model(streams, masks)
    outputs = {"v": out[..., 0], "a": out[..., 1]}
    for name, value in outputs.items():
        golden.check_output(f"out.{name}", value)
    total = loss(outputs)
    assert total.item() == pytest.approx(golden.numbers["loss"].item(), rel=1e-9, abs=1e-10)
    total.backward()
    parameters = dict(model.named_parameters())
    names = released_names(model)
    golden.check_gradients({theirs: parameters[ours].grad for ours, theirs in names.items()})
    golden.check_input_gradients({name: x.grad for name, x in streams.items()})
    return seen


@pytest.mark.parametrize("dropout_site", ["attended", "correlation"])
@pytest.mark.parametrize(
    ("variant", "n_recursions", "gain"), [("seq1", 1, 1.0), ("seq2", 2, 1.0), ("seq2hot", 2, 8.0)]
)
def test_equals_the_released_network(variant, n_recursions, gain, dropout_site, monkeypatch):
    if dropout_site == "attended":  # the exact forms that save memory, of the LSTMs too
        monkeypatch.setattr(state_lstm, "SMALL_STEP", 0)
    golden = Golden("rjca_release", variant, ("coattn.", gain))
    model = released_model(n_recursions, dropout=0.6, dropout_site=dropout_site)
    seen = compare_with_release(golden, model)
    golden.check_intermediates(intermediates(seen, n_recursions))


@pytest.mark.parametrize(("variant", "gain"), [("seq2", 1.0), ("seq2hot", 4.0)])
def test_equals_the_released_network_with_a_gate(variant, gain):
    golden = Golden("dca", variant, ("coattn.", gain))
    model = released_model(2, DynamicGate)
    seen = compare_with_release(golden, model)
    found = intermediates(seen, 2)
    for m, stream in enumerate(("video", "audio")):
        found[f"gate_{stream}"] = model.network.core.gate.gates[m].weights(found[f"step1.att{m + 1}"])
    golden.check_intermediates(found)


def batch(make_batch, lengths, **options):
    streams, masks = make_batch(WIDTHS, lengths, **options)
    return {name: InputNorm(WIDTHS[name], "unit")(x) for name, x in streams.items()}, masks


@pytest.mark.parametrize("small_step", [0, 1 << 20])
@pytest.mark.parametrize(("intra_lstm", "joint_lstm"), [(True, True), (False, True), (True, False)])
def test_a_row_does_not_depend_on_its_batch(
    make_batch, randomise, intra_lstm, joint_lstm, small_step, monkeypatch
):
    monkeypatch.setattr(state_lstm, "SMALL_STEP", small_step)
    core = partial(AttentionStack, step=partial(FeatureJointAttention, n_steps=4), n_recursions=2)
    network = SkipFusion(WIDTHS, core, 8, intra_lstm, joint_lstm)
    randomise(network).eval().double()
    streams, masks = batch(make_batch, [7, 1, 12, 4], dtype=torch.float64)
    together = network(streams, masks)
    for row, length in enumerate((7, 1, 12, 4)):
        part = slice(row, row + 1), slice(length)
        alone = network({n: x[part] for n, x in streams.items()}, {n: m[part] for n, m in masks.items()})
        torch.testing.assert_close(together[row, :length], alone[0], rtol=1e-12, atol=1e-12)
        assert (together[row, length:] == 0).all()


def test_encoder_equals_the_equations_row_by_row(randomise):
    encoder = randomise(SkipLSTM(3, 4)).eval().double()
    weights = {name: value.detach().numpy() for name, value in encoder.state_dict().items()}
    lengths, x = [5, 2, 1], torch.randn(3, 5, 3, dtype=torch.float64)
    mask = torch.arange(5) < torch.tensor(lengths).unsqueeze(1)
    out = encoder(x * mask.unsqueeze(2), mask).detach().numpy()
    start = weights["initial_state"]

    def direction(y, layer, which, number):
        w_ih, w_hh, b_ih, b_hh = (
            weights[f"{which}.{layer}.{kind}_l0"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        h, c = start[2 * layer + number], start[4 + 2 * layer + number]
        return lstm(y, w_ih, w_hh, b_ih + b_hh, h, c)

    for row, length in enumerate(lengths):
        y = cell = x[row, :length].numpy()
        for layer in range(2):
            ahead, back = direction(y, layer, "forwards", 0), direction(y[::-1], layer, "backwards", 1)[::-1]
            y = np.hstack([ahead, back])
        expected = np.hstack([cell, y]) @ weights["linear.weight"].T + weights["linear.bias"]
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(out[row, :length], expected, atol=1e-12)
        assert (out[row, length:] == 0).all()


def test_absent_streams_take_the_learnt_vector(make_batch, randomise):
    network = randomise(network_of()).eval().double()
    streams, masks = batch(make_batch, [7, 5, 6], dtype=torch.float64)
    filled = {}
    for name, absence in zip(network.names, [encoder.absence for encoder in network.encoders]):
        absent = (streams[name].isnan().any(-1) & masks[name]).unsqueeze(-1)
        assert absent.any()
        filled[name] = torch.where(absent, absence.vector, streams[name])
    torch.testing.assert_close(network(streams, masks), network(filled, masks), rtol=1e-12, atol=1e-12)
    network(streams, masks).square().sum().backward()
    assert all(encoder.absence.vector.grad.abs().max() >= 0 for encoder in network.encoders)


def test_without_lstms_it_has_linear_maps_only():
    core = partial(AttentionStack, step=partial(FeatureJointAttention, n_steps=4))
    network = SkipFusion(WIDTHS, core, 8, intra_lstm=False, joint_lstm=False)
    assert not [module for module in network.modules() if isinstance(module, nn.LSTM)]


def test_size_of_the_released_network():
    model = released_model(1)
    absent = sum(encoder.absence.vector.numel() for encoder in model.network.encoders)
    more = sum(p.numel() for p in released_model(2).parameters())
    count = sum(p.numel() for p in model.parameters())
    assert more - count == 2_625_056
    assert count - absent == 15_947_859 - SPATIAL


SPATIAL = 3 * (512 * 512 + 512) + 2 * 49 * 512 + 49  # their attention within video frames, which is not ours


def test_errors():
    with pytest.raises(ValueError, match="at least one stream"):
        network_of({})
    with pytest.raises(ValueError, match="output_size=5 must be even"):
        network_of(hidden_size=5)
