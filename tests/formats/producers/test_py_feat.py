"""Tables as py-feat writes them."""

import numpy as np
import pandas as pd
import pytest

from avfusion.formats._registry import read_parts

RNG = np.random.default_rng(0)
BOX = ["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"]
FEATURES = ["Pitch", "Roll", "Yaw", "AU01", "AU12", "anger", "happiness", "neutral"]


def fex(frames, **columns):
    values = RNG.normal(size=(len(frames), len(BOX + FEATURES)))
    table = pd.DataFrame(values, columns=BOX + FEATURES)
    return table.assign(**{"FaceScore": 0.9, "input": "videos/clip01.mp4", "frame": frames} | columns)


def parts_of(tmp_path, table):
    table.to_csv(tmp_path / "a.csv", index=False)
    return list(read_parts(tmp_path / "a.csv"))


def test_one_video(tmp_path):
    table = fex(range(10))
    (part,) = parts_of(tmp_path, table)
    assert part.recording is None
    np.testing.assert_array_equal(part.values[FEATURES], table[FEATURES])


def test_seconds_beside_frames_are_no_clock(tmp_path):
    (part,) = parts_of(tmp_path, fex(range(60), approx_time=[f"00:{k // 25:02d}" for k in range(60)]))
    assert "approx_time" not in part.values.columns
    assert part.values["frame"].tolist() == list(range(60))


def test_each_video_is_a_recording(tmp_path):
    table = pd.concat([fex(range(5)), fex(range(3), input="videos/clip02.mp4")])
    parts = parts_of(tmp_path, table)
    assert [(part.recording, part.n_steps) for part in parts] == [("clip01", 5), ("clip02", 3)]
    np.testing.assert_array_equal(parts[1].values[FEATURES], table[FEATURES][5:])


def test_images_are_frames_of_one_recording(tmp_path):
    (part,) = parts_of(tmp_path, fex(range(4), input=[f"frames/{k}.jpg" for k in range(4)]))
    assert part.n_steps == 4


def test_the_identity_that_is_seen_most_is_kept(tmp_path):
    table = fex([0, 0, 1, 2, 2], Identity=["Person_0", "Person_1", "Person_1", "Person_0", "Person_1"])
    with pytest.warns(UserWarning, match="2 faces in 'a': Person_1 is kept .seen in 3 of 3 frames"):
        (part,) = parts_of(tmp_path, table)
    np.testing.assert_array_equal(part.values[FEATURES], table[FEATURES].iloc[[1, 2, 4]])


def test_without_identities_the_best_face_of_each_frame_is_kept(tmp_path):
    table = fex([0, 0, 1, 1, 2], FaceScore=[0.9, 0.8, 0.7, 0.95, np.nan])
    with pytest.warns(UserWarning, match="highest score in each frame is kept .there are no identities"):
        (part,) = parts_of(tmp_path, table)
    np.testing.assert_array_equal(part.values[FEATURES], table[FEATURES].iloc[[0, 3, 4]])
