"""Recordings in named arrays: which name or shape makes them what."""

import numpy as np
import pytest

from avfusion.formats._named_arrays import parts_of

RNG = np.random.default_rng(0)


def frames(*shape):
    return RNG.normal(size=shape)


def read(content, stem="file"):
    return list(parts_of(content, stem))


def where(content):
    return [(part.recording, part.stream, part.n_steps) for part in read(content)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"openface": frames(5, 3)}, [(None, None, 5)]),
        ({"a": frames(5, 3), "b": frames(6, 3)}, [("a", None, 5), ("b", None, 6)]),
        ({"a": frames(5), "b": frames(6)}, [("a", None, 5), ("b", None, 6)]),
        ({"audio": frames(5, 3), "video_feat": frames(6, 3)}, [(None, "audio", 5), (None, "video", 6)]),
        ({"valence": frames(5), "arousal": frames(5)}, [(None, None, 5)]),
        ({"features": frames(5, 3), "labels": frames(5)}, [(None, None, 5), (None, "labels", 5)]),
        ({"train": {"a": frames(2, 3)}, "test": {"b": frames(3, 3)}}, [("a", None, 2), ("b", None, 3)]),
        (
            {"audio": {"a": frames(2, 3)}, "video": {"a": frames(4, 5)}},
            [("a", "audio", 2), ("a", "video", 4)],
        ),
        ({"audio": {"a": frames(2), "b": frames(2)}}, [("a", "audio", 2), ("b", "audio", 2)]),
        ({"a": {"audio": frames(2, 3)}, "b": {"audio": frames(4, 3)}}, [("a", None, 2), ("b", None, 4)]),
        (
            {"a": {"x1": frames(2, 3), "x2": frames(2, 9)}, "b": {"x1": frames(4, 3)}},
            [("a", "x1", 2), ("a", "x2", 2), ("b", "x1", 4)],
        ),
        ({"s1": {"t1": frames(2, 3)}, "s2": {"t2": frames(4, 3)}}, [("s1_t1", None, 2), ("s2_t2", None, 4)]),
        (
            {"s1": {"t1": frames(2, 3), "t2": frames(3, 3)}, "s2": {"t1": frames(4, 3)}},
            [("s1_t1", None, 2), ("s1_t2", None, 3), ("s2", None, 4)],
        ),
        ({"data": {"a": frames(2, 3), "b": frames(4, 3)}}, [("a", None, 2), ("b", None, 4)]),
        ({"root": {"a": frames(2, 3), "b": frames(4, 3)}}, [("a", None, 2), ("b", None, 4)]),
        ({"a": frames(2, 3), "b": frames(4, 3), "metadata": {"n": 1}}, [("a", None, 2), ("b", None, 4)]),
    ],
)
def test_what_names_say(content, expected):
    assert where(content) == expected


def test_partitions_rates_and_other_words_go_along():
    group = {"features": frames(4, 2), "fps": 25, "start_s": 1.5, "speaker": "s1", "label": 0.5}
    (part,) = read({"Train": {"clip": group}, "test": {}} | {"test": {"b": frames(2, 2)}})[:1]
    assert (part.recording, part.rate_hz, part.start_s) == ("clip", 25.0, 1.5)
    assert part.about == {"partition": "Train", "speaker": "s1"}
    assert part.targets == {"label": 0.5}
    first, second = read({"fps": 30, "a": frames(2, 3), "b": frames(3, 3)})
    assert first.rate_hz == second.rate_hz == 30


def test_labels_by_recording_are_targets_of_its_streams():
    content = {"audio": {"a": frames(2, 3), "b": frames(4, 3)}, "labels": {"a": 0.5, "b": np.array([1.0])}}
    assert [part.targets for part in read(content)] == [{"label": 0.5}, {"label": 1.0}]
    content["labels"] = {"a": frames(2), "b": frames(4)}
    assert where(content)[2:] == [("a", "labels", 2), ("b", "labels", 4)]


def test_what_is_said_of_each_recording_goes_along():
    content = {
        "audio": {"a": frames(2, 3), "b": frames(4, 3)},
        "subject": {"a": "s1", "b": b"s2"},
        "valence": {"a": 0.5, "b": 1},
    }
    first, second = read(content)
    assert (first.about, second.about) == ({"subject": "s1"}, {"subject": "s2"})
    assert (first.targets, second.targets) == ({"valence": 0.5}, {"valence": 1.0})
    content = {"train": {"a": frames(2, 3)}, "vocabulary": {"word": 3}}
    assert where(content) == [("a", None, 2)]


def test_labels_beside_a_container_or_alone():
    labels = {"a": frames(2), "b": frames(4)}
    content = {"features": {"a": frames(2, 3), "b": frames(4, 3)}, "labels": labels}
    assert where(content) == [("a", None, 2), ("b", None, 4), ("a", "labels", 2), ("b", "labels", 4)]
    assert where({"labels": labels}) == [("a", "labels", 2), ("b", "labels", 4)]


def test_targets_are_columns():
    valence, arousal = frames(5), frames(5, 1)
    (part,) = read({"valence": valence, "arousal": arousal, "time": np.arange(5)})
    assert list(part.values) == ["timestamp", "valence", "arousal"]
    np.testing.assert_array_equal(part.values["arousal"], arousal[:, 0])


def test_computational_sequences_have_the_times_of_their_words():
    features, intervals = frames(4, 3), np.arange(8).reshape(4, 2) / 10
    sequence = {"data": {"v[0]": {"features": features, "intervals": intervals}}, "metadata": {"n": 1}}
    (part,) = read({"glove_vectors": sequence})
    assert part.recording == "v[0]"
    np.testing.assert_array_equal(part.values[["start_time", "end_time"]], intervals)
    np.testing.assert_array_equal(part.values[[0, 1, 2]], features)
    both = read({"words": sequence, "COVAREP": sequence})
    assert [(part.recording, part.stream) for part in both] == [("v[0]", "words"), ("v[0]", "COVAREP")]


def test_a_file_called_after_a_stream_holds_recordings():
    arrays = {"a": frames(5), "b": frames(5)}
    with pytest.raises(ValueError, match="may be recordings, modalities or columns"):
        read(arrays, "clip01")
    assert [part.recording for part in read(arrays, "labels")] == ["a", "b"]
    assert [part.recording for part in read(arrays, "audio")] == ["a", "b"]
    first, second = read({"a": 0.5, "b": 1}, "labels")
    assert (first.recording, first.stream, first.n_steps, first.targets) == ("a", "labels", 0, {"label": 0.5})
    assert second.targets == {"label": 1.0}
    with pytest.raises(ValueError, match="no array of numbers"):
        read({"a": 0.5, "b": 1}, "settings")


def test_a_mask_over_steps_makes_them_missing():
    values = frames(3, 2)
    (part,) = read({"features": values, "mask": np.array([1, 0, 1])})
    np.testing.assert_array_equal(part.values, np.where([[True], [False], [True]], values, np.nan))
    with pytest.raises(ValueError, match=r"mask has the shape \(4,\)"):
        read({"features": values, "mask": np.ones(4)})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "no array of numbers"),
        ({"a": "text", "n": 3}, "no array of numbers"),
        ({"p": frames(5), "q": frames(5)}, "2 arrays .*may be recordings, modalities or columns"),
        ({"arr_0": frames(5, 2), "arr_1": frames(6, 2)}, "2 arrays"),
        ({"x": frames(5, 2), "mean": frames(2)}, "Name one 'features'"),
        ({"x": frames(5, 2), "clip": {"y": frames(5, 2)}}, "arrays 'x' beside the groups 'clip'"),
        ({"features": frames(2, 5, 3)}, r"the shape \(2, 5, 3\)\. If .* add 'lengths' and 'ids'"),
        ({"x": np.array([1j, 2])}, "complex"),
    ],
)
def test_what_has_no_reading_or_two_is_refused(content, reason):
    with pytest.raises((ValueError, TypeError), match=reason):
        read(content)


def test_groups_are_not_followed_for_ever():
    content = {"a": frames(2, 2)}
    for _ in range(20):
        content = {"g": content, "h": content}
    with pytest.raises(ValueError, match="more than 8 deep"):
        read(content)


def test_parts_are_read_one_by_one():
    read_names = []

    class Lazy:
        dtype = np.dtype("f8")

        def __init__(self, name, n_steps):
            self.name, self.shape = name, (n_steps, 2)

        def __len__(self):
            return self.shape[0]

        def __array__(self, dtype=None, copy=None):
            read_names.append(self.name)
            return np.zeros(self.shape)

    parts = parts_of({name: Lazy(name, k + 1) for k, name in enumerate("abc")}, "file")
    assert next(parts).recording == "a"
    assert read_names == ["a"]
