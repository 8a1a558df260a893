import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from torch import nn

import avfusion as av
from avfusion.estimators._batches import Spans, StreamDataset, observed_statistics
from avfusion.fusion import MultimodalTransformer
from avfusion.networks import TransformerLayer
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
        ({"clock": "touch"}, "clock='touch' is none of the streams 'video', 'audio', 'text'"),
        ({"n_heads": 5}, "n_heads=5 does not divide the number of features, 32"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        MultimodalTransformer(**({"widths": WIDTHS} | options))


MODEL = av.MultimodalTransformerRegressor(max_epochs=2, hidden_size=8, n_layers=1, random_state=0)
STEPS = [40, 23, 31, 12]


def columns(rates, seed=0, lengths=STEPS):
    """Streams with a number of steps for each step of the labels (1 Hz)."""
    rng = np.random.default_rng(seed)
    cells = {
        name: [rng.normal(size=(int(n * rate), 3)).astype("float32") for n in lengths]
        for name, rate in rates.items()
    }
    return av.as_sequences(cells, rate_hz=rates)


@pytest.fixture
def X():
    return columns({"audio": 4.0, "video": 1.0, "text": 0.25})


@pytest.fixture
def y():
    rng = np.random.default_rng(1)
    return [rng.normal(size=n) for n in STEPS]


def test_labels_per_frame_are_those_of_the_stream_in_step(X, y):
    model = clone(MODEL).set_params(window=10).fit(X, y)
    assert model.in_step_ == ["video"]
    assert model.stream_rates_ == {"audio": 4.0, "video": 1.0, "text": 0.25}
    assert model.rate_hz_ == 1.0
    together = model.predict(X)
    assert [len(cell) for cell in together] == STEPS
    for row in range(4):
        alone = model.predict(X.iloc[[row]])[0]
        np.testing.assert_allclose(together[row], alone, atol=1e-5)


def test_labels_per_clip(X):
    y = np.arange(4.0)
    model = clone(MODEL).fit(X, y)
    together = model.predict(X)
    assert model.in_step_ == []
    assert together.shape == (4,)
    for row in range(4):
        np.testing.assert_allclose(together[row], model.predict(X.iloc[[row]])[0], atol=1e-5)


def test_absent_streams(X, y):
    holes = X.assign(audio=X["audio"].where(X.index != 1), text=X["text"].where(X.index != 2))
    found = clone(MODEL).fit(holes, y).predict(holes)
    assert all(np.isfinite(cell).all() for cell in found)
    nothing = X.assign(**{name: X[name].where(X.index != 3) for name in X})
    assert np.isfinite(clone(MODEL).fit(nothing, np.arange(4.0)).predict(nothing)).all()
    with pytest.raises(ValueError, match="absent in row 3"):
        clone(MODEL).fit(X, y).predict(nothing)


def test_every_stream_is_looked_at(X, y):
    model = clone(MODEL).fit(X, y)
    for name in X:
        other = X.assign(**{name: columns({name: model.stream_rates_[name]}, seed=5)[name]})
        assert not np.allclose(model.predict(X)[0], model.predict(other)[0], atol=1e-6)


def test_no_stream_in_step(X, y):
    message = (
        "No stream is in step with the labels: 'audio' has 160 steps and y 40 labels in row 0 .index 0.; "
        r"'text' has 10 steps .*avfusion.Align"
    )
    with pytest.raises(ValueError, match=message):
        clone(MODEL).fit(X.drop(columns="video"), y)


def test_labels_of_another_length(X, y):
    with pytest.raises(ValueError, match="'video' has 31 steps and y 30 labels in row 2"):
        clone(MODEL).fit(X, [*y[:2], y[2][:-1], y[3]])


def test_the_stream_in_step_stays_so(X, y):
    model = clone(MODEL).fit(X, y)
    for name, rate, fitted in (("audio", 8.0, "4"), ("video", 2.0, "1")):
        other = X.assign(**{name: columns({name: rate})[name]})
        with pytest.raises(ValueError, match=rf"have {rate:g} Hz, but they had {fitted} Hz in fit"):
            model.predict(other)


def test_a_stream_without_steps(X, y):
    cells = [cell.frames for cell in X["text"]]
    cells[1] = cells[1][:0]
    other = X.assign(text=av.SequenceArray.from_sequences(cells, rate_hz=0.25))
    for target in (y, np.arange(4.0)):
        with pytest.raises(ValueError, match=r"stream 'text' has no step in row 1 .*Drop the row"):
            clone(MODEL).fit(other, target)


def test_streams_of_a_row_last_equally_long(X, y):
    cells = [cell.frames for cell in X["audio"]]
    cells[2] = cells[2][: len(cells[2]) // 2]
    short = X.assign(audio=av.SequenceArray.from_sequences(cells, rate_hz=X["audio"].array.rate_hz))
    message = (
        r"row 2 \(index 2\) do not cover the same stretch of time: 'audio' has .* which are .* s, 'video'"
    )
    for target in (y, np.arange(4.0)):
        with pytest.raises(ValueError, match=message):
            clone(MODEL).fit(short, target)


def test_streams_that_were_in_step_in_fit_must_be_so_later():
    rng = np.random.default_rng(0)
    X = av.as_sequences({name: [rng.normal(size=(n, 2)) for n in (9, 12)] for name in "ab"})
    model = clone(MODEL).fit(X, [np.zeros(9), np.ones(12)])
    other = av.as_sequences({"a": [np.zeros((9, 2))], "b": [np.zeros((12, 2))]})
    with pytest.raises(ValueError, match="In fit 'a', 'b' had a step for each label, and so they must here"):
        model.predict(other)


def test_n_heads_must_divide(X, y):
    with pytest.raises(ValueError, match="n_heads=3 must divide hidden_size=8"):
        clone(MODEL).set_params(n_heads=3).fit(X, y)


def test_others_refuse(X, y):
    with pytest.raises(ValueError, match=r"different rates .*avfusion.Align"):
        av.EarlyFusionRegressor(max_epochs=1).fit(X, y)
    undeclared = pd.DataFrame({n: X[n].array.with_frames(X[n].array.frames, rate_hz=None) for n in X})
    with pytest.raises(ValueError, match=r"Unequal lengths in row 0 .*avfusion.Align"):
        av.EarlyFusionRegressor(max_epochs=1).fit(undeclared, y)


def test_windows_of_other_streams_are_cut_in_proportion():
    lengths, own = np.array([10, 6]), np.array([40, 4])
    data = StreamDataset(
        frames={"video": np.arange(16.0)[:, None], "audio": np.arange(44.0)[:, None]},
        starts={"video": np.array([0, 10]), "audio": np.array([0, 40])},
        lengths=lengths,
        dtype=np.dtype("float64"),
        labels=np.arange(16.0)[:, None],
        stream_lengths={"video": lengths, "audio": own},
    )
    spans = Spans(np.array([0, 1, 1]), np.array([3, 1, 0]), np.array([4, 2, 6]))
    batch, labels = data.gather(spans)
    found = {
        name: [x[m].flatten().tolist() for x, m in zip(batch["streams"][name], batch["masks"][name])]
        for name in batch["streams"]
    }
    assert found["video"] == [[3, 4, 5, 6], [11, 12], [10, 11, 12, 13, 14, 15]]
    # 3 to 7 of 10 are 12 to 28 of 40; 1 to 3 of 6 are 2/3 to 2 of 4, that is steps 0 and 1; all is all
    assert found["audio"] == [list(range(12, 28)), [40, 41], [40, 41, 42, 43]]
    assert labels.shape == (3, 16, 1)
    assert labels[0, :4, 0].tolist() == [3, 4, 5, 6]
    assert labels[0, 4:].isnan().all()
    second = data.take(np.array([1]))
    assert second.stream_lengths["audio"].tolist() == [4]
    mean, _ = observed_statistics(second, "audio")
    assert mean.tolist() == [41.5]
