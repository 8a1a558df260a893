"""Many recordings in one array: packed, padded, lists, and the dicts of MMSA, MFN and MulT."""

import numpy as np
import pytest

from avfusion.formats._batches import is_batch
from avfusion.formats._contents import contents_of
from avfusion.formats._named_arrays import parts_of

RNG = np.random.default_rng(0)


def frames(*shape):
    return RNG.normal(size=shape)


def read(content, stem="file"):
    return {(part.recording, part.stream): part for part in parts_of(content, stem)}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"x": np.zeros((4, 3))}, False),
        ({"x": np.zeros((4, 3)), "id": "clip"}, False),
        ({"x": np.zeros((4, 3)), "names": ["a", "b", "c"]}, False),  # of features
        ({"x": np.zeros((4, 2, 3)), "names": ["a", "b", "c", "d"]}, True),
        ({"x": np.zeros((1, 4, 3)), "mask": np.ones(4)}, False),
        ({"x": np.zeros((2, 4, 3)), "mask": np.ones((2, 4))}, True),
        ({"x": [np.zeros((4, 3)), np.zeros((2, 3))]}, True),
    ],
)
def test_when_arrays_are_of_many(content, expected):
    assert is_batch(contents_of(content)) == expected


def test_padded_at_the_end_and_in_front():
    values = frames(2, 5, 3)
    found = read({"features": values, "lengths": [3, 5], "ids": ["a", "b"], "feature_names": list("xyz")})
    np.testing.assert_array_equal(found["a", None].values, values[0, :3])
    assert list(found["a", None].values) == list("xyz")
    values[0, :2] = 0
    found = read({"features": values, "lengths": [3, 5], "ids": ["a", "b"]})
    np.testing.assert_array_equal(found["a", None].values, values[0, 2:])
    np.testing.assert_array_equal(found["b", None].values, values[1])


def test_a_length_of_none_is_an_absent_stream():
    content = {
        "audio": frames(2, 4, 3),
        "vision": frames(2, 4, 3),
        "audio_lengths": [0, 4],
        "vision_lengths": [4, 4],
    }
    assert set(read(content | {"ids": ["a", "b"]})) == {("a", "vision"), ("b", "audio"), ("b", "vision")}


def test_a_mask_keeps_the_gaps_between_steps():
    values, mask = frames(2, 4, 3), np.array([[0, 1, 0, 1], [0, 0, 0, 0]], dtype=bool)
    (part,) = read({"features": values, "mask": mask}).values()
    np.testing.assert_array_equal(part.values, [values[0, 1], [np.nan] * 3, values[0, 3]])
    padded = np.where(mask[..., None], 0, values)
    with pytest.raises(ValueError, match=r"mask is True where all steps are zero.*: give ~mask"):
        read({"features": padded, "mask": mask})


def test_packed():
    values, labels = frames(7, 3), frames(7)
    content = {"features": values, "lengths": np.array([4, 3]), "labels": labels}
    found = read(content, "train")
    np.testing.assert_array_equal(found["train_1", None].values, values[4:])
    np.testing.assert_array_equal(found["train_1", "labels"].values, labels[4:])
    found = read({"features": values, "ids": ["a"] * 4 + ["b"] * 3})
    np.testing.assert_array_equal(found["b", None].values, values[4:])
    with pytest.raises(ValueError, match="steps of its recording 'a' are not in one piece"):
        read({"features": values, "ids": list("aabbaab")})


def test_one_step_for_each():
    values = frames(2, 5)
    found = read({"functionals": values, "ids": ["a", "b"], "y": [0.5, 1.0]})
    np.testing.assert_array_equal(found["b", None].values, values[1:])
    assert found["b", None].targets == {"label": 1.0}


def test_lists():
    first, second = frames(4, 3), frames(2, 3)
    found = read({"audio": [first, second], "vision": [None, second], "ids": ["a", "b"]})
    assert set(found) == {("a", "audio"), ("b", "audio"), ("b", "vision")}
    np.testing.assert_array_equal(found["a", "audio"].values, first)


def mmsa(**more):
    return {
        "id": ["v$_$0", "w$_$3"],
        "raw_text": np.array(["good", "bad"]),
        "text": frames(2, 4, 5),
        "audio": frames(2, 4, 3),
        "vision": frames(2, 4, 2),
        "annotations": ["Positive", "Negative"],
        "classification_labels": np.array([1, 0]),
        "regression_labels": np.array([1.5, -2]),
        **more,
    }


def test_mmsa_with_lengths():
    content = mmsa(audio_lengths=[2, 4], vision_lengths=[4, 1], regression_labels_T=np.array([0, 1]))
    content["text_bert"] = np.ones((2, 3, 4))
    found = read({"train": content, "test": mmsa(id=["x$_$1", "y$_$1"])})
    part = found["v$_$0", "audio"]
    np.testing.assert_array_equal(part.values, content["audio"][0, :2])
    assert part.about == {"partition": "train", "video": "v", "raw_text": "good", "annotations": "Positive"}
    assert part.targets == {"label": 1.5, "label_T": 0.0}
    assert found["w$_$3", "vision"].n_steps == 1
    assert found["v$_$0", "text"].n_steps == 4
    assert found["y$_$1", "text"].about["partition"] == "test"
    assert not [stream for _, stream in found if stream == "text_bert"]


def test_padding_is_taken_from_the_words_if_nothing_is_outside_of_them():
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 1]])
    content = mmsa(text_bert=np.stack([mask, mask, mask], axis=1))
    assert read(content)["v$_$0", "audio"].n_steps == 4  # the mask is not that of these arrays
    for name in ("text", "audio", "vision"):
        content[name][0, 2:] = 0
    content["audio"][0, 1] = 0  # a pause, within the words
    found = read(content)
    np.testing.assert_array_equal(found["v$_$0", "audio"].values, content["audio"][0, :2])
    assert found["w$_$3", "audio"].n_steps == 4


def test_front_padding_is_where_all_modalities_are_zero():
    content = mmsa()
    for name in ("text", "audio", "vision"):
        content[name][0, 0] = 0
    content["audio"][0, 1] = 0
    found = read(content)
    np.testing.assert_array_equal(found["v$_$0", "audio"].values, content["audio"][0, 1:])
    np.testing.assert_array_equal(found["v$_$0", "text"].values, content["text"][0, 1:])


def test_zeros_of_unaligned_arrays_without_lengths_are_kept_and_said():
    content = mmsa(audio=frames(2, 9, 3))
    content["audio"][0, :5] = 0
    with pytest.warns(UserWarning, match="no lengths .*zeros at their ends are kept. Add .*audio_lengths"):
        found = read(content)
    assert found["v$_$0", "audio"].n_steps == 9


def test_infinities_and_nan_stay():
    content = mmsa()
    content["audio"][0, 0, 0], content["vision"][0, 1, 0] = -np.inf, np.nan
    found = read(content)
    assert found["v$_$0", "audio"].values[0, 0] == -np.inf
    assert np.isnan(found["v$_$0", "vision"].values[1, 0])


def test_mfn_and_mult():
    ids = np.array([[b"v", b"0.5", b"1.25"], [b"v", b"1.25", b"3"]])
    content = mmsa(id=ids, labels=frames(2, 1, 1))
    for name in ("raw_text", "annotations", "classification_labels", "regression_labels"):
        del content[name]
    found = read({"valid": content})
    assert found["v_0.5_1.25", "audio"].about == {"partition": "valid", "video": "v"}
    assert found["v_1.25_3", "text"].targets == {"label": content["labels"][1, 0, 0]}
    content["labels"] = frames(2, 1, 3)
    assert list(read(content)["v_0.5_1.25", "text"].targets) == ["label 0", "label 1", "label 2"]


def test_labels_per_step():
    content = mmsa(labels=frames(2, 4, 1), audio_lengths=[4, 4])
    del content["regression_labels"]
    found = read(content)
    np.testing.assert_array_equal(found["v$_$0", "labels"].values, content["labels"][0])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"x": frames(2, 4, 3), "lengths": [2, 5]}, "row 1 has 4 steps, but its length says 5"),
        ({"x": frames(3, 4, 3), "lengths": [2, 4]}, "3 rows for 2 recordings"),
        ({"x": frames(6, 3), "lengths": [2, 3]}, "6 rows for 2 recordings, and 5 steps"),
        ({"x": frames(2, 4, 3), "ids": ["a", "a"]}, "Two of its recordings have the id 'a'"),
        (
            {"x": frames(2, 4, 3), "ids": ["a", "b"], "lengths": [1, 2, 3]},
            "disagree: 2 by 'ids', 3",
        ),
        ({"x": frames(2, 4, 3), "mask": np.ones((2, 3))}, "mask has the shape"),
        ({"x": frames(2, 4, 3), "mask": np.full((2, 4), 2)}, "other values than 0 and 1"),
        ({"x": frames(2, 4, 3), "ids": ["a", "b"], "labels": frames(3)}, r"'labels' have the shape \(3,\)"),
        ({"text_bert": frames(2, 3, 4), "id": ["a", "b"]}, "no features beside"),
    ],
)
def test_what_does_not_agree_is_refused(content, reason):
    with pytest.raises(ValueError, match=reason):
        read(content)
