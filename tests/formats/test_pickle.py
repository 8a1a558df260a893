"""Pickled features as people keep them."""

import pickle

import numpy as np
import pytest

from avfusion.formats._pickle import read
from avfusion.formats._registry import DamagedFileError, read_parts
from tests.formats.samples import mmsa

FRAMES = np.random.default_rng(0).normal(size=(7, 3))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "clips.pkl"


def parts(path, content):
    path.write_bytes(pickle.dumps(content))
    return list(read(path))


def test_an_array(path):
    (part,) = parts(path, FRAMES)
    np.testing.assert_array_equal(part.values, FRAMES)
    assert part.recording is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"a": FRAMES, "b": FRAMES[:2]}, [("a", None, 7), ("b", None, 2)]),
        ({"audio": {"a": FRAMES}, "video": {"a": FRAMES[:2]}}, [("a", "audio", 7), ("a", "video", 2)]),
        ([FRAMES, FRAMES[:2]], [("clips_0", None, 7), ("clips_1", None, 2)]),
        (
            [{"id": "a", "audio": FRAMES, "label": 1}, {"id": "b", "audio": FRAMES}],
            [("a", None, 7), ("b", None, 7)],
        ),
        ([[0.5, 1.0], [2, 3]], [(None, None, 2)]),
    ],
)
def test_where_recordings_are(path, content, expected):
    assert [(part.recording, part.stream, part.n_steps) for part in parts(path, content)] == expected


def test_mmsa(path):
    found = parts(path, mmsa())
    assert [(part.recording, part.stream, part.n_steps) for part in found] == [
        ("a$_$1", "audio", 3),
        ("a$_$1", "vision", 5),
        ("b$_$2", "audio", 4),
        ("b$_$2", "vision", 1),
    ]
    assert found[0].about["partition"] == "train"
    assert found[2].targets == {"label": -0.5}


@pytest.mark.parametrize("content", [None, "text", 3, {"a": "b"}, [], [{"a": 1}, 2]])
def test_what_holds_no_arrays(path, content):
    with pytest.raises(ValueError, match=r"It holds"):
        parts(path, content)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a\nb", "", "x" * 300, "C:\\x", ".."])
def test_names_that_lead_elsewhere(path, name):
    path.write_bytes(pickle.dumps({name: FRAMES, "b": FRAMES}))
    with pytest.raises(DamagedFileError, match="of a recording"):
        list(read_parts(path))


def test_an_array_in_many_places_takes_no_memory(path):
    large = np.zeros(10**6)
    path.write_bytes(pickle.dumps({f"r{k}": large for k in range(1000)}))
    with pytest.raises(DamagedFileError, match=r"would take|repeats its contents"):
        list(read_parts(path))


def test_it_is_known_by_its_head(tmp_path):
    (tmp_path / "a.npy").write_bytes(pickle.dumps(FRAMES))
    assert next(iter(read_parts(tmp_path / "a.npy"))).n_steps == 7
