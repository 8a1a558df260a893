import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avfusion.estimators import _batches
from avfusion.estimators._batches import (
    EvaluationBatches,
    StreamDataset,
    TrainingBatches,
    bucket,
    cut_at_hop,
    cut_at_random_phase,
    expected_batches,
    expected_windows,
    observed_statistics,
    span_batches,
)

row_lengths = st.lists(st.integers(1, 40), min_size=1, max_size=12).map(np.array)
windows = st.integers(2, 15)


def steps_of(spans):
    """All (row, step) pairs, span by span."""
    return [(r, b + k) for r, b, n in zip(*spans) for k in range(n)]


@given(row_lengths, windows, st.integers(0, 10))
def test_random_phase_covers_every_step_with_full_windows(lengths, window, seed):
    rows = np.arange(len(lengths)) * 3
    spans = cut_at_random_phase(rows, lengths, window, np.random.default_rng(seed))
    length_of = dict(zip(rows.tolist(), lengths.tolist()))
    for row, begin, length in zip(*spans):
        assert length == min(window, length_of[row])
        assert 0 <= begin <= length_of[row] - length
    assert set(steps_of(spans)) == {(r, k) for r, n in length_of.items() for k in range(n)}
    assert len(set(zip(*spans))) == len(spans.rows)


def test_random_phase_cuts_elsewhere_each_time_and_everywhere():
    rng = np.random.default_rng(0)
    begins = [cut_at_random_phase(np.array([0]), np.array([50]), 10, rng).begins for _ in range(300)]
    assert {int(b) for each in begins for b in each} == set(range(41))
    assert len({tuple(b) for b in begins}) == 10


def test_whole_rows_without_a_window():
    lengths = np.array([3, 9, 5])
    spans = cut_at_random_phase(np.arange(3), lengths, None, np.random.default_rng(0))
    assert sorted(zip(*spans)) == [(0, 0, 3), (1, 0, 9), (2, 0, 5)]
    assert sorted(zip(*cut_at_hop(np.arange(3), lengths, None, None))) == [(0, 0, 3), (1, 0, 9), (2, 0, 5)]


@given(row_lengths, windows, st.data())
def test_hop_covers_every_step_and_ends_with_the_row(lengths, window, data):
    hop = data.draw(st.integers(1, window))
    spans = cut_at_hop(np.arange(len(lengths)), lengths, window, hop)
    expected = []
    for row, length in enumerate(lengths.tolist()):
        begin = 0
        while begin + window < length:
            expected.append((row, begin, window))
            begin += hop
        expected.append((row, max(0, length - window), min(length, window)))
    assert list(zip(*spans)) == expected
    assert set(steps_of(spans)) == {(r, k) for r, n in enumerate(lengths.tolist()) for k in range(n)}


@given(row_lengths, st.integers(1, 5), st.sampled_from([None, 0, 1]))
def test_bucket_is_a_permutation(lengths, batch_size, seed):
    batches = bucket(lengths, batch_size, None if seed is None else np.random.default_rng(seed))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert max(map(len, batches)) <= batch_size
    assert len(batches) == -(-len(lengths) // batch_size)


def test_bucket_puts_similar_lengths_together_in_changing_company():
    lengths = np.repeat(np.arange(10, 1000, 10), 2)
    drawn = [bucket(lengths, 8, np.random.default_rng(seed)) for seed in (0, 1)]
    for batches in drawn:
        padded = sum(len(b) * lengths[b].max() for b in batches)
        assert padded < 1.15 * lengths.sum()  # about 1.6 if batches were drawn without a look at lengths
        assert np.abs(np.diff([lengths[b].mean() for b in batches])).mean() > 100  # not from short to long
    companies = [{frozenset(b.tolist()) for b in batches} for batches in drawn]
    assert len(companies[0] & companies[1]) < len(companies[0]) / 2
    ordered = bucket(lengths, 8)
    assert (np.diff([lengths[b].max() for b in ordered]) > 0).all()


def dataset(per_frame=True, dtype="float32", labels=True, **changes):
    """Four rows out of order in one buffer, wide and narrow; the second lacks audio."""
    rng = np.random.default_rng(0)
    lengths = np.array([5, 3, 8, 2])
    frames = {"audio": rng.normal(size=(30, 4)), "video": rng.normal(size=(18, 1)).astype(np.float32)}
    starts = {"audio": np.array([12, -1, 4, 20]), "video": np.array([13, 10, 2, 0])}
    values = rng.normal(size=(lengths.sum() if per_frame else 4, 2))
    values[1] = np.nan
    parts = {
        "frames": frames,
        "starts": starts,
        "lengths": lengths,
        "dtype": np.dtype(dtype),
        "labels": values if labels else None,
        "window": None,
        "per_frame": per_frame,
    }
    return StreamDataset(**(parts | changes))


def slow_gather(data, spans):
    """One row, one step at a time; NaN where nothing is to be found."""
    shape = len(spans.rows), max(spans.lengths)
    streams = {n: np.full((*shape, f.shape[1]), np.nan, data.dtype) for n, f in data.frames.items()}
    mask, labels = np.zeros(shape, bool), np.full((*shape, 2), np.nan, data.dtype)
    for i, (row, begin, length) in enumerate(zip(*spans)):
        for step in range(length):
            mask[i, step] = True
            for name in streams:
                if data.starts[name][row] >= 0:
                    streams[name][i, step] = data.frames[name][data.starts[name][row] + begin + step]
            if data.per_frame:
                labels[i, step] = data.labels[sum(data.lengths[:row]) + begin + step]
    if not data.per_frame:
        labels = np.stack([data.labels[row] for row in spans.rows]).astype(data.dtype)
    return streams, mask, labels


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("per_frame", [True, False])
@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1], [1], [2, 0]])
def test_gather_is_what_a_loop_over_rows_gives(order, per_frame, dtype):
    data = dataset(per_frame, dtype)
    window = 4 if per_frame else None
    spans = cut_at_hop(np.array(order), data.lengths[order], window, 3)
    inputs, labels = data.gather(spans)
    streams, mask, expected_labels = slow_gather(data, spans)
    for name, stream in inputs["streams"].items():
        assert stream.dtype == getattr(torch, dtype)
        values = np.where(mask[:, :, None], stream.numpy(), np.nan)  # padding may hold anything
        np.testing.assert_array_equal(values, streams[name])
        np.testing.assert_array_equal(inputs["masks"][name].numpy(), mask)
    assert labels.dtype == getattr(torch, dtype)
    np.testing.assert_array_equal(labels.numpy(), expected_labels)


def test_gather_from_memory_mapped_frames(tmp_path):
    data = dataset()
    mapped = {}
    for name, frames in data.frames.items():
        np.save(tmp_path / f"{name}.npy", frames)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    spans = cut_at_hop(np.arange(4), data.lengths, 3, 2)
    expected, found = data.gather(spans)[0], dataset(frames=mapped).gather(spans)[0]
    for name in mapped:
        np.testing.assert_array_equal(found["streams"][name].numpy(), expected["streams"][name].numpy())


def test_gather_does_not_write_into_the_labels():
    data = dataset()
    before = data.labels.copy()
    data.gather(cut_at_hop(np.arange(4), data.lengths, None, None))
    np.testing.assert_array_equal(data.labels, before)


def test_gather_without_labels():
    data = dataset(labels=False)
    inputs, labels = data.gather(cut_at_hop(np.arange(4), data.lengths, None, None))
    assert len(labels) == 4
    assert inputs["masks"]["audio"].sum(1).tolist() == [5, 3, 8, 2]


@pytest.mark.parametrize("per_frame", [True, False])
def test_take_is_the_data_set_of_those_rows(per_frame):
    data = dataset(per_frame)
    rows = np.array([3, 0, 1])
    part = data.take(rows)
    assert len(part) == 3
    assert all(part.frames[name] is data.frames[name] for name in data.frames)
    whole = data.gather(cut_at_hop(rows, data.lengths[rows], None, None))
    own = part.gather(cut_at_hop(np.arange(3), part.lengths, None, None))
    np.testing.assert_array_equal(own[1].numpy(), whole[1].numpy())
    for name in data.frames:
        np.testing.assert_array_equal(own[0]["streams"][name].numpy(), whole[0]["streams"][name].numpy())


def many_rows(n, absent=()):
    """Rows of one step; `absent` are the rows that lack audio."""
    starts = np.arange(n)
    frames = {name: np.ones((n, 2), np.float32) for name in ("audio", "video", "text")}
    of = {name: starts.copy() for name in frames}
    of["audio"][list(absent)] = -1
    labels = np.zeros((n, 1))
    return StreamDataset(frames, of, np.ones(n, np.int64), np.dtype("float32"), labels)


def hidden(batches):
    """Which streams of which rows are NaN, (n_rows, n_streams)."""
    parts = []
    for inputs, _ in batches:
        streams = inputs["streams"].values()
        parts.append(np.column_stack([stream.isnan().all(-1).all(-1).numpy() for stream in streams]))
    return np.concatenate(parts)


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.9])
def test_modality_dropout_hides_streams_at_its_rate_but_never_all(rate):
    found = hidden(TrainingBatches(many_rows(6000), 64, np.random.default_rng(0), rate))
    assert not found.all(axis=1).any()
    expected = rate - rate**3 / 3  # of three streams one comes back where all were drawn
    np.testing.assert_allclose(found.mean(axis=0), expected, atol=0.03)


def test_modality_dropout_leaves_a_stream_that_is_present():
    data = many_rows(3000, absent=range(3000))
    data.starts["text"][:] = -1
    found = hidden(TrainingBatches(data, 64, np.random.default_rng(0), 0.6))
    assert found.tolist() == [[True, False, True]] * 3000


def test_no_modality_dropout_of_a_single_stream():
    data = many_rows(200)
    data = StreamDataset(
        {"text": data.frames["text"]}, {"text": data.starts["text"]}, data.lengths, data.dtype, data.labels
    )
    assert not hidden(TrainingBatches(data, 16, np.random.default_rng(0), 0.9)).any()


def test_evaluation_sees_every_step_of_every_row():
    data = dataset(window=3)
    seen = set()
    for spans, (inputs, labels) in span_batches(data, 2, hop=3):
        seen.update(steps_of(spans))
        assert inputs["masks"]["audio"].sum(1).tolist() == spans.lengths.tolist()
        assert (~labels.isnan()).sum() == sum(
            (~np.isnan(data.labels[data.offsets[row] + step])).sum() for row, step in steps_of(spans)
        )
    assert seen == {(row, step) for row, n in enumerate([5, 3, 8, 2]) for step in range(n)}
    assert sum(len(labels) for _, labels in EvaluationBatches(data, 2)) == 2 + 1 + 3 + 1


@pytest.mark.parametrize("window", [None, 2, 7, 30])
def test_expected_batches_is_the_mean_number_of_batches(window):
    lengths = np.array([3, 9, 25, 30, 31, 64, 100, 7, 60])
    frames, starts = {"audio": np.zeros((200, 1))}, {"audio": np.zeros(9, np.int64)}
    data = StreamDataset(frames, starts, lengths, np.dtype("float32"), np.zeros((329, 1)), window)
    batches = TrainingBatches(data, 4, np.random.default_rng(0))
    counted = np.mean([sum(1 for _ in batches) for _ in range(200)])
    assert (
        counted - 0.6 <= expected_batches(expected_windows(data), 4) <= counted + 1
    )  # whole batches, rounded up
    # without batches to round: the mean number of windows itself
    counted = np.mean([sum(1 for _ in TrainingBatches(data, 1, batches.rng)) for _ in range(200)])
    assert abs(expected_windows(data) - counted) < 1


def test_the_next_batch_is_read_ahead(monkeypatch):
    data, told = dataset(), []
    monkeypatch.setattr(
        _batches, "read_ahead", lambda frames, begins, lengths: told.append((begins, lengths))
    )
    all_spans = cut_at_hop(np.arange(4), data.lengths, 3, 2)
    pieces = [all_spans.take([k, k + 1]) for k in range(3)]
    for k, (spans, _, labels) in enumerate(_batches.gathered(data, pieces)):
        assert spans is pieces[k]
        np.testing.assert_array_equal(labels.numpy(), data.gather(spans)[1].numpy())
        for (begins, lengths), name in zip(told, data.frames, strict=True) if k < 2 else ():
            starts, following = data.starts[name][pieces[k + 1].rows], pieces[k + 1]
            assert begins.tolist() == (starts + following.begins)[starts >= 0].tolist()
            assert lengths.tolist() == following.lengths[starts >= 0].tolist()
        assert bool(told) == (k < 2)
        told.clear()


@pytest.mark.parametrize("block", [1, 10, 1 << 22])
def test_statistics_of_long_rows_are_those_of_short_ones(block, monkeypatch):
    data = dataset()
    expected = observed_statistics(data, "audio")
    monkeypatch.setattr(_batches, "BLOCK", block)
    for found, known in zip(observed_statistics(data, "audio"), expected):
        np.testing.assert_allclose(found, known, rtol=1e-12)
