"""The values of a mapping, by what they are."""

import numpy as np
import pytest

from avfusion.formats._contents import contents_of, ids_of, is_array, scalar_of

FRAMES = np.zeros((4, 2))


def test_conventional_names_are_taken_out():
    found = contents_of(
        {
            "features": FRAMES,
            "feature_names": np.array(["a", "b"]),
            "lengths": [3, 1],
            "mask": np.ones((2, 3), bool),
            "timestamps": np.arange(4),
            "fps": np.array([[25]]),
            "start": 2,
            "ids": np.array(["u", "v"], dtype=object),
            "labels": np.zeros(4),
            "speaker": "s1",
            "n_faces": 2,
        }
    )
    assert list(found.arrays) == ["features"]
    assert (found.names, found.ids, found.rate_hz, found.start_s) == (["a", "b"], ["u", "v"], 25.0, 2.0)
    assert found.lengths[""].tolist() == [3, 1]
    assert found.mask.shape == (2, 3)
    assert found.times.shape == (4,)
    assert list(found.labels) == ["labels"]
    assert found.about == {"speaker": "s1", "n_faces": 2.0}


@pytest.mark.parametrize(
    "content",
    [
        {"t": np.zeros((4, 3))},
        {"names": np.zeros((4, 3))},
        {"lengths": np.array([[0.5, 1.5]])},
        {"fps": np.zeros((4, 3))},
        {"id": np.zeros((4, 7))},
    ],
)
def test_a_name_whose_value_cannot_have_its_role_is_one_as_any_other(content):
    assert list(contents_of(content).arrays) == list(content)


def test_the_rate_of_the_sound_is_not_that_of_its_features():
    found = contents_of({"features": FRAMES, "sr": 16000})
    assert found.rate_hz is None
    assert found.about == {"sr": 16000.0}
    assert contents_of({"features": FRAMES, "fs": 100}).rate_hz == 100
    assert contents_of({"features": FRAMES, "rate": 2000}).rate_hz == 2000


def test_lengths_of_each_modality():
    found = contents_of({"audio": FRAMES, "audio_lengths": [4], "vision_lengths": np.array([2])})
    assert {name: lengths.tolist() for name, lengths in found.lengths.items()} == {
        "audio": [4],
        "vision": [2],
    }


def test_a_padding_mask_may_mean_either():
    with pytest.raises(ValueError, match="'padding_mask' may mark steps or padding: name it 'mask'"):
        contents_of({"features": FRAMES, "padding_mask": np.ones(4)})


def test_lists():
    found = contents_of(
        {"a": [1, 2, None], "b": [[1, 2], [3, 4]], "c": [FRAMES, FRAMES[:2]], "d": ["x", "y"]}
    )
    np.testing.assert_array_equal(found.arrays["a"], [1, 2, np.nan])
    np.testing.assert_array_equal(found.arrays["b"], [[1, 2], [3, 4]])
    assert [len(steps) for steps in found.ragged["c"]] == [4, 2]
    assert found.words == {"d": ["x", "y"]}


def test_numbers_that_are_none():
    assert scalar_of(np.array([25])) == 25
    assert scalar_of(np.zeros(2)) is None
    assert scalar_of(10**400) is None
    assert scalar_of("1") is None
    assert not is_array([1])
    assert contents_of({"fps": 0, "x": FRAMES}).rate_hz is None


@pytest.mark.parametrize(
    ("value", "ids", "videos"),
    [
        (["a", b"b"], ["a", "b"], None),
        (np.array([3, 4]), ["3", "4"], None),
        ([["v", 0.0, 1.25], ["v", 1.25, 2]], ["v_0_1.25", "v_1.25_2"], ["v", "v"]),
        (np.array([[b"v", b"1"]]), ["v_1"], ["v"]),
        (np.zeros((2, 9)), None, None),
        ("clip", None, None),
    ],
)
def test_ids(value, ids, videos):
    assert ids_of(value) == (ids, videos)
