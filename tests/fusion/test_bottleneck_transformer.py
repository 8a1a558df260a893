import numpy as np
import pytest
import torch
from torch import nn

import avfusion as av
from avfusion.fusion import BottleneckTransformer
from tests.networks.reference_fusion import bottleneck_transformer


def padded(n_modalities, lengths, size, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    streams = [
        torch.randn(*mask.shape, size, dtype=torch.float64, generator=generator) * mask.unsqueeze(-1)
        for _ in range(n_modalities)
    ]
    return streams, mask


def test_without_bottlenecks_a_stream_goes_through_torchs_layers(randomise):
    size, n_layers = 6, 2
    core = randomise(
        BottleneckTransformer(1, size, n_layers=n_layers, fusion_layer=n_layers, n_heads=3).double()
    ).eval()
    streams, mask = padded(1, [5, 2, 4], size)
    half = size // 2
    angle = torch.arange(5.0).double().unsqueeze(1) * 10000.0 ** -(torch.arange(half).double() / half)
    x = streams[0] + torch.cat([angle.sin(), angle.cos()], -1)
    for [ours] in core.layers:
        theirs = nn.TransformerEncoderLayer(
            size, 3, 4 * size, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        ).double()
        pairs = {
            "norm1": ours.norm, "norm2": ours.inner_norm, "linear1": ours.inner, "linear2": ours.outer,
            "self_attn.out_proj": ours.update,
        }  # fmt: skip
        state = {
            f"{name}.{kind}": getattr(m, kind) for name, m in pairs.items() for kind in ("weight", "bias")
        }
        for kind in ("weight", "bias"):
            parts = [getattr(ours.query, kind), getattr(ours.key_value, kind)]
            state[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
        theirs.load_state_dict(state)
        x = theirs(x, src_key_padding_mask=~mask)
    expected = core.norms[0](x)
    torch.testing.assert_close(core(streams, mask)[mask], expected[mask])


@pytest.mark.parametrize("fusion_layer", [0, 1])
@pytest.mark.parametrize("n_modalities", [1, 2, 3])
def test_equals_the_equations_row_by_row(n_modalities, fusion_layer, randomise):
    core = BottleneckTransformer(n_modalities, 4, n_layers=2, fusion_layer=fusion_layer, n_bottlenecks=3)
    core = randomise(core.double()).eval()
    weights = {name: value.numpy() for name, value in core.state_dict().items()}
    streams, mask = padded(n_modalities, [6, 1, 4], 4)
    out = core(streams, mask).detach().numpy()
    assert (out[~mask.numpy()] == 0).all()
    for row, length in enumerate([6, 1, 4]):
        cells = [x[row, :length].numpy() for x in streams]
        expected = bottleneck_transformer(cells, weights, n_layers=2, fusion_layer=fusion_layer, n_heads=2)
        np.testing.assert_allclose(out[row, :length], expected, atol=1e-10)


def test_streams_meet_in_the_tokens_only():
    torch.manual_seed(0)
    streams, mask = padded(2, [8], 4)
    changed = [streams[0], -streams[1]]
    for fusion_layer, meets in ((0, True), (2, False)):
        core = BottleneckTransformer(2, 4, n_layers=2, fusion_layer=fusion_layer).double().eval()
        difference = (core(streams, mask) - core(changed, mask))[..., :4].abs().max()
        assert (difference > 1e-9) == meets


def test_row_without_steps_gives_zeros_and_finite_gradients():
    core = BottleneckTransformer(2, 4).double()
    streams, mask = padded(2, [3, 0], 4)
    out = core(streams, mask)
    out.sum().backward()
    assert (out[1] == 0).all()
    assert all(p.grad.isfinite().all() for p in core.parameters() if p.grad is not None)


def test_errors():
    with pytest.raises(ValueError, match="n_heads=3 does not divide the number of features, 8"):
        BottleneckTransformer(2, 8, n_heads=3)
    with pytest.raises(ValueError, match=r"fusion_layer=3 must be within 0..n_layers=2"):
        BottleneckTransformer(2, 8, fusion_layer=3)


QUICK = {"hidden_size": 6, "max_epochs": 1, "random_state": 0}


def test_builds_the_network_of_its_parameters(ragged):
    model = av.BottleneckTransformerRegressor(
        n_layers=3, fusion_layer=1, n_bottlenecks=5, n_heads=3, dropout=0.1, **QUICK
    ).fit(*ragged)
    core = model.net_.module_.network.core
    assert isinstance(core, BottleneckTransformer)
    assert core.fusion_layer == 1
    assert core.bottlenecks.shape == (5, 6)
    assert [len(layers) for layers in core.layers] == [2, 2, 2]
    assert {(layer.n_heads, layer.dropout.p) for layers in core.layers for layer in layers} == {(3, 0.1)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_heads": 4}, "n_heads=4 does not divide hidden_size=6; change one"),
        ({"fusion_layer": 3}, "fusion_layer=3 is beyond n_layers=2; lower it"),
        ({"n_bottlenecks": 0}, "The 'n_bottlenecks' parameter of BottleneckTransformerRegressor must be"),
    ],
)
def test_what_cannot_work_is_refused_before_training(ragged, change, message):
    model = av.BottleneckTransformerRegressor(**QUICK, **change)
    with pytest.raises(ValueError, match=message):
        model.fit(*ragged)
    assert not hasattr(model, "net_")
