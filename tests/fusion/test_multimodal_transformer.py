import numpy as np
import pytest
import torch
from torch import nn

from avfusion.networks import MultimodalTransformer, TransformerLayer
from tests.networks.reference import fill_absent, layer_norm, numpy_weights

WIDTHS = {"video": 5, "audio": 3, "text": 2}
LENGTHS = {"video": [9, 4, 7], "audio": [18, 5, 7], "text": [2, 1, 3]}


@pytest.fixture
def batch():
    """Streams of their own lengths, with rubbish in the padding and some unobserved steps."""
    rng = np.random.default_rng(0)
    streams, masks = {}, {}
    for name, width in WIDTHS.items():
        masks[name] = torch.arange(18) < torch.tensor(LENGTHS[name]).unsqueeze(1)
        x = torch.tensor(rng.normal(size=(3, 18, width)))
        x[0, 1] = torch.nan
        x[~masks[name]] = torch.inf
        streams[name] = x
    return streams, masks


def linear(x, weights, name):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def layer(x, source, weights, name, n_heads):
    """Head by head and query by query."""
    query = linear(layer_norm(x, weights, f"{name}.norm"), weights, f"{name}.query")
    keys, values = np.split(
        linear(layer_norm(source, weights, f"{name}.norm"), weights, f"{name}.key_value"), 2, axis=1
    )
    size = x.shape[1] // n_heads
    attended = np.zeros_like(x)
    for head in range(n_heads):
        part = slice(head * size, (head + 1) * size)
        for t in range(len(x)):
            score = np.exp([query[t, part] @ key[part] / np.sqrt(size) for key in keys])
            attended[t, part] = score / score.sum() @ values[:, part]
    x = x + linear(attended, weights, f"{name}.update")
    hidden = np.maximum(linear(layer_norm(x, weights, f"{name}.inner_norm"), weights, f"{name}.inner"), 0)
    return x + linear(hidden, weights, f"{name}.outer")


def by_hand(streams, weights, n_row, n_heads=2):
    xs = []
    for m, x in enumerate(streams):
        x = fill_absent(x, weights[f"encoders.{m}.absence.vector"])
        x = layer_norm(linear(x, weights, f"encoders.{m}.sequence.linear"), weights, f"encoders.{m}.norm")
        for t in range(len(x)):
            time = (t + 0.5) * n_row / len(x) - 0.5
            rates = [10000 ** -(i / 4) for i in range(4)]
            x[t] += [np.sin(time * rate) for rate in rates] + [np.cos(time * rate) for rate in rates]
        xs.append(x)
    fused, number = [], 0
    for m in range(len(xs)):
        gathered = []
        for n in range(len(xs)):
            if n == m:
                continue
            z, name = xs[m], f"crossings.{number}"
            for i in range(2):
                z = layer(z, xs[n], weights, f"{name}.layers.{i}", n_heads)
            gathered.append(layer_norm(z, weights, f"{name}.norm"))
            number += 1
        y = np.hstack(gathered) if gathered else xs[m]
        y = layer_norm(layer(y, y, weights, f"selves.{m}.layers.0", n_heads), weights, f"selves.{m}.norm")
        fused.append([y[int((t + 0.5) * len(y) / n_row)] for t in range(n_row)])
    return linear(np.hstack(fused), weights, "joint.linear")


@pytest.mark.parametrize("names", [["video"], ["video", "audio"], ["video", "audio", "text"]])
@pytest.mark.parametrize("clock", ["video", None])
def test_the_whole_network_step_by_step(batch, randomise, names, clock):
    streams, masks = ({name: part[name] for name in names} for part in batch)
    widths = {name: WIDTHS[name] for name in names}
    network = MultimodalTransformer(widths, clock, 8, n_heads=2, intra_lstm=False, joint_lstm=False)
    randomise(network.double().eval())
    found, weights = network(streams, masks).detach().numpy(), numpy_weights(network)
    assert found.shape == (3, 18, 8)
    for row in range(3):
        alone = [x[row, : LENGTHS[name][row]].numpy() for name, x in streams.items()]
        length = LENGTHS[clock][row] if clock else max(map(len, alone))
        np.testing.assert_allclose(found[row, :length], by_hand(alone, weights, length), atol=1e-9)
        assert (found[row, length:] == 0).all()


def test_a_row_does_not_depend_on_its_batch(batch):
    streams, masks = batch
    network = MultimodalTransformer(WIDTHS, "video", 8).double().eval()
    together = network(streams, masks)
    for row in range(3):
        n = max(lengths[row] for lengths in LENGTHS.values())
        alone = network(*({k: v[row : row + 1, :n] for k, v in part.items()} for part in batch))
        torch.testing.assert_close(together[row, :n], alone[0])


def copied(size=8, n_heads=2):
    """torch's layer, and ours with its weights."""
    theirs = nn.TransformerEncoderLayer(
        size, n_heads, 4 * size, dropout=0.0, batch_first=True, norm_first=True
    ).double()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    ours = TransformerLayer(size, n_heads, dropout=0.0).double()
    attention, state = theirs.self_attn, {}
    for kind in ("weight", "bias"):
        joint = getattr(attention, f"in_proj_{kind}")
        state |= {
            f"query.{kind}": joint[:size],
            f"key_value.{kind}": joint[size:],
            f"update.{kind}": getattr(attention.out_proj, kind),
            f"norm.{kind}": getattr(theirs.norm1, kind),
            f"inner_norm.{kind}": getattr(theirs.norm2, kind),
            f"inner.{kind}": getattr(theirs.linear1, kind),
            f"outer.{kind}": getattr(theirs.linear2, kind),
        }
    ours.load_state_dict(state)
    return theirs, ours


def test_self_attention_equals_torchs_layer():
    torch.manual_seed(0)
    theirs, ours = copied()
    x, mask = torch.randn(3, 7, 8).double(), torch.arange(7) < torch.tensor([[7], [3], [5]])
    expected = theirs(x, src_key_padding_mask=~mask)
    torch.testing.assert_close(ours(x, x, mask)[mask], expected[mask])


def test_attention_to_another_sequence_equals_torchs():
    torch.manual_seed(0)
    theirs, ours = copied()
    x, source = torch.randn(3, 7, 8).double(), torch.randn(3, 4, 8).double()
    mask = torch.arange(4) < torch.tensor([[4], [1], [2]])
    key = theirs.norm1(source)
    attended, _ = theirs.self_attn(theirs.norm1(x), key, key, key_padding_mask=~mask)
    updated = x + attended
    expected = updated + theirs.linear2(theirs.linear1(theirs.norm2(updated)).relu())
    torch.testing.assert_close(ours(x, source, mask), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widths": {}}, "at least one stream"),
        ({"clock": "touch"}, "clock 'touch' is none of the streams 'video', 'audio', 'text'"),
        ({"n_heads": 5}, "n_heads=5 does not divide the number of features, 32"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        MultimodalTransformer(**({"widths": WIDTHS} | options))
