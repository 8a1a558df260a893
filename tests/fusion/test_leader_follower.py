import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

import avfusion as av
from avfusion.fusion import LeaderFollower, LeaderFollowerAttention
from tests.networks.golden import Golden, loss
from tests.networks.reference import fill_absent, layer_norm, numpy_weights

WIDTHS = {"video": 5, "audio": 3, "text": 2}
SIZES = [128, 32, 32]


def watch(module):
    """Keep what goes into a module and what comes out of it."""
    seen = {}

    def keep(module, arguments, result):
        seen["in"], seen["out"] = arguments[0], result

    module.register_forward_hook(keep)
    return seen


def run(attention, weights, streams):
    """The module with weights by name, some of them computed from others, and what it holds inside."""
    seen = {"norm": watch(attention.norm)}
    seen |= {m: watch(linear) for m, linear in enumerate(attention.qkv)}
    mask = torch.ones(3, 16, dtype=torch.bool)
    return torch.func.functional_call(attention, weights, (streams, mask)), seen


def check(golden, weights, inputs, output):
    golden.check_output("out", output)
    total = loss({"out": output})
    assert total.item() == pytest.approx(golden.numbers["loss"].item(), rel=1e-12)
    gradients = torch.autograd.grad(total, [*weights.values(), *inputs.values()], allow_unused=True)
    golden.check_gradients(dict(zip(weights, gradients)))
    golden.check_input_gradients(dict(zip(inputs, gradients[len(weights) :])))


def trainable(golden):
    return {name: weight.clone().requires_grad_() for name, weight in golden.weights.items()}


def check_one_head(golden, weights, inputs, maps, names):
    """`maps`: weight and bias of the published k, q and v of each modality; our q is their k."""
    attention = LeaderFollowerAttention(SIZES, 32).double()
    ours = {}
    for m, three in enumerate(maps):
        ours[f"qkv.{m}.weight"] = torch.cat([weight for weight, _ in three])
        ours[f"qkv.{m}.bias"] = torch.cat([bias for _, bias in three])
    ours |= {f"norm.{kind}": weights[f"ln.{kind}"].flatten() for kind in ("weight", "bias")}
    hidden, seen = run(attention, ours, list(inputs.values()))
    check(golden, weights, inputs, hidden @ weights["regressor.weight"].T + weights["regressor.bias"])
    found = {
        f"{kind}_ln": seen["norm"][site].unflatten(-1, (3, 32))
        for kind, site in zip(("pre", "post"), ("in", "out"))
    }
    for m, name in enumerate(names):
        found |= dict(zip((f"K{name}", f"Q{name}", f"V{name}"), seen[m]["out"].chunk(3, -1)))
    golden.check_intermediates(found)


def test_the_first_released_form():
    golden = Golden("lfan", "abaw2")
    weights = trainable(golden)
    sizes = dict(zip(("leader", "follower1", "follower2"), SIZES))
    inputs = {name: golden.input(name, (3, 16, size)) for name, size in sizes.items()}

    def linear(name):
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    def after(outer, inner):
        return outer[0] @ inner[0], inner[1] @ outer[0].T + outer[1]

    maps = [[linear(name) for name in ("encoder1", "encoderQ1", "encoderV1")]]
    for i in (2, 3):  # query and value of a follower are made from its key
        key = linear(f"encoder{i}")
        maps.append([key, after(linear(f"encoderQ{i}"), key), after(linear(f"encoderV{i}"), key)])
    check_one_head(golden, weights, inputs, maps, ["0", "1", "2"])


def test_the_form_of_the_paper():
    golden = Golden("lfan", "single")
    weights = trainable(golden)
    names = ("video", "vggish", "mfcc")
    inputs = {name: golden.input(name, (3, 16, size)) for name, size in zip(names, SIZES)}
    maps = [
        [(weights[f"encoder{k}.{name}.weight"], weights[f"encoder{k}.{name}.bias"]) for k in "KQV"]
        for name in names
    ]
    check_one_head(golden, weights, inputs, maps, [f".{name}" for name in names])


def test_the_form_with_heads_and_a_projection():
    golden = Golden("lfan", "multihead")
    weights = trainable(golden)
    names = ("video", "vggish", "mfcc")
    inputs = {name: golden.input(name, (3, 16, size)) for name, size in zip(names, SIZES)}
    attention = LeaderFollowerAttention(SIZES, 32, n_heads=2, projection=True).double()
    seen = {"projection": watch(attention.projection)}
    ours = {}
    for kind in ("weight", "bias"):
        for m, name in enumerate(names):
            ours[f"qkv.{m}.{kind}"] = weights[f"fusion.layers.self_attn.qkv_proj.{name}.{kind}"]
        ours[f"projection.{kind}"] = weights[f"fusion.layers.self_attn.o_proj.{kind}"]
        ours[f"norm.{kind}"] = weights[f"fusion.layers.norm1.{kind}"]
    hidden, inside = run(attention, ours, list(inputs.values()))
    output = (hidden @ weights["regressor.weight"].T + weights["regressor.bias"]).tanh()
    check(golden, weights, inputs, output)
    q, k, _ = torch.stack([inside[m]["out"].unflatten(-1, (2, 3, 16)) for m in range(3)], -2).unbind(-3)
    found = {f"qkv.{name}": inside[m]["out"] for m, name in enumerate(names)}
    found |= {
        "attention": (q @ k.mT / 4).softmax(-1).transpose(1, 2),
        "pre_o_proj": seen["projection"]["in"],
        "pre_ln": inside["norm"]["in"],
        "post_ln": inside["norm"]["out"],
    }
    golden.check_intermediates(found)


def convolve(x, weight, bias, dilation, causal):
    """A step is the sum of its weights times the steps they lie on, where there are such."""
    n_weights = weight.shape[2]
    first = n_weights - 1 if causal else n_weights // 2
    out = np.tile(bias, (len(x), 1))
    for t in range(len(x)):
        for j in range(n_weights):
            source = t + (j - first) * dilation
            if 0 <= source < len(x):
                out[t] += weight[:, :, j] @ x[source]
    return out


def encode(x, weights, prefix, causal):
    x = fill_absent(x, weights[f"{prefix}.absence.vector"])
    x = start = x @ weights[f"{prefix}.linear.weight"].T + weights[f"{prefix}.linear.bias"]
    name = f"{prefix}.convolutions"
    carried = x @ weights[f"{name}.carry.weight"].T + weights[f"{name}.carry.bias"]
    for level in range(2):
        for half in range(2):
            layer = f"{name}.layers.{level}.{half}.convolution"
            x = np.maximum(
                convolve(x, weights[f"{layer}.weight"], weights[f"{layer}.bias"], 2**level, causal), 0
            )
        x = carried = np.maximum(carried + x, 0)
    return layer_norm(start + carried, weights, f"{prefix}.norm")


def by_hand(streams, weights, leader, causal):
    xs = [encode(x, weights, f"encoders.{m}", causal) for m, x in enumerate(streams)]
    steps = []
    for t in range(len(xs[0])):
        qkv = [
            np.split(weights[f"core.qkv.{m}.weight"] @ x[t] + weights[f"core.qkv.{m}.bias"], 3)
            for m, x in enumerate(xs)
        ]
        attended = []
        for q, _, v in qkv:
            score = np.exp([q @ k / np.sqrt(len(q)) for _, k, _ in qkv])
            attended.append(sum(s * other for s, (_, _, other) in zip(score / score.sum(), qkv)) + v)
        fused = layer_norm(np.concatenate(attended)[None], weights, "core.norm")[0]
        steps.append(np.concatenate([xs[leader][t], fused]))
    return np.array(steps) @ weights["joint.linear.weight"].T + weights["joint.linear.bias"]


@pytest.mark.parametrize("causal", [False, True])
def test_the_whole_network_step_by_step(make_batch, randomise, causal):
    options = {"leader_size": 6, "follower_size": 4, "n_layers": 2, "kernel_size": 3, "joint_lstm": False}
    network = LeaderFollower(WIDTHS, "audio", 8, causal=causal, **options).double().eval()
    randomise(network)
    lengths = [9, 4, 7]
    streams, masks = make_batch(WIDTHS, lengths, dtype=torch.float64)
    found, weights = network(streams, masks).detach().numpy(), numpy_weights(network)
    for row, length in enumerate(lengths):
        alone = [x[row, :length].numpy() for x in streams.values()]
        np.testing.assert_allclose(
            found[row, :length], by_hand(alone, weights, leader=1, causal=causal), atol=1e-10
        )
        assert (found[row, length:] == 0).all()


def test_later_steps_do_not_matter_where_all_is_causal():
    network = LeaderFollower({"a": 2}, hidden_size=4, causal=True, joint_lstm=False).eval()
    x, mask = torch.randn(1, 9, 2), {"a": torch.ones(1, 9, dtype=torch.bool)}
    other = x.clone()
    other[:, 5:] += 1
    found, changed = network({"a": x}, mask), network({"a": other}, mask)
    torch.testing.assert_close(found[:, :5], changed[:, :5])
    assert not torch.allclose(found[:, 5:], changed[:, 5:])


def test_batch_norm_counts_existing_steps_only(make_batch):
    network = LeaderFollower(WIDTHS, hidden_size=4, encoder_norm="batch", dropout=0.0).train()
    norms = [encoder.norm for encoder in network.encoders]
    streams, masks = make_batch(WIDTHS, [9, 4, 7])
    network(streams, masks)
    statistics = [norm.running_mean.clone() for norm in norms]
    longer = {name: nn.functional.pad(x, (0, 0, 0, 5), value=1e9) for name, x in streams.items()}
    for norm in norms:
        norm.reset_running_stats()
    network(longer, {name: nn.functional.pad(mask, (0, 5)) for name, mask in masks.items()})
    for norm, expected in zip(norms, statistics):
        assert expected.abs().max() > 0
        torch.testing.assert_close(norm.running_mean, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widths": {}}, "at least one stream"),
        ({"leader": "touch"}, "leader='touch' is none of the streams 'video', 'audio', 'text'"),
        ({"encoder": "gru"}, "encoder='gru' is unknown. Choose 'tcn' or 'lstm'"),
        ({"encoder_norm": "group"}, "norm='group' is unknown. Choose 'layer' or 'batch'"),
        ({"kernel_size": 4}, "kernel_size=4 must be odd"),
        ({"n_heads": 3}, "n_heads=3 does not divide attention_size=32"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        LeaderFollower(**({"widths": WIDTHS} | options))


MODEL = av.LeaderFollowerRegressor(encoder="tcn", max_epochs=1, hidden_size=8, n_layers=1, random_state=0)


@pytest.fixture(scope="module")
def recordings():
    return av.datasets.make_audiovisual_regression(4, label_rate_hz=5, audio_rate_hz=5, random_state=0)


@pytest.mark.parametrize(("leader", "expected"), [(None, 0), ("audio", 0), ("video", 1)])
def test_the_leader_is_a_column(recordings, leader, expected):
    X, y = recordings
    model = clone(MODEL).set_params(leader=leader, leader_size=12, follower_size=4).fit(X, y)
    core = model.net_.module_.network.core
    assert list(model.modalities_) == ["audio", "video"]
    assert core.leader == expected
    assert core.output_size == 12 + 2 * 4


def test_the_published_settings(recordings):
    X, y = recordings
    published = {"leader_size": 128, "follower_size": 32, "causal": True, "encoder_norm": "batch"}
    model = clone(MODEL).set_params(**published, joint_lstm=False).fit(X, y)
    together = model.predict(X)
    np.testing.assert_allclose(together.iloc[1], model.predict(X.iloc[[1]]).iloc[0], atol=1e-5)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"leader": "touch"}, "leader='touch' is none of the streams 'audio', 'video'. Choose"),
        ({"n_heads": 3}, "n_heads=3 must divide the features of attention, 8"),
        ({"kernel_size": 4}, "kernel_size=4 must be odd"),
        ({"encoder": "lstm", "leader_size": 5}, "leader_size=5 must be even"),
    ],
)
def test_bad_parameters(recordings, parameters, message):
    with pytest.raises(ValueError, match=message):
        clone(MODEL).set_params(**parameters).fit(*recordings)
