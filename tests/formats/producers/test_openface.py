"""Tables as OpenFace 1 and 2 write them, with spaces after the commas."""

import numpy as np
import pytest

from avfusion.formats._registry import read_parts

FEATURES = "gaze_0_x, gaze_0_y, pose_Tx, pose_Ty, AU01_r, AU12_r, AU12_c"
SEQUENCE = f"frame, face_id, timestamp, confidence, success, {FEATURES}\n"
OLD = f"frame, timestamp, confidence, success, {FEATURES}\n"
IMAGE = f"face, confidence, {FEATURES}\n"
X = np.random.default_rng(0).normal(size=(20, 7)).round(3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "clip01.csv"


def line(*first, values):
    return ", ".join(map(str, [*first, *values])) + "\n"


def part_of(path, text):
    path.write_text(text)
    (part,) = read_parts(path)
    assert part.recording is None
    return part.values


def test_one_face(path):
    rows = [line(k + 1, 0, f"{k / 30:.3f}", 0.98, 1, values=X[k]) for k in range(20)]
    table = part_of(path, SEQUENCE + "".join(rows))
    assert list(table.columns)[:5] == ["frame", "face_id", "timestamp", "confidence", "success"]
    np.testing.assert_array_equal(table[FEATURES.split(", ")], X)


def test_the_first_version_has_no_faces(path):
    table = part_of(path, OLD + "".join(line(k + 1, k / 30, 0.9, 1, values=X[k]) for k in range(20)))
    np.testing.assert_array_equal(table[FEATURES.split(", ")], X)


def test_of_several_faces_the_one_tracked_most_is_kept(path):
    rows = []
    for k in range(10):
        rows.append(line(k + 1, 0, k / 25, 0.3, 0, values=np.zeros(7)))  # never tracked
        if k != 4:
            rows.append(line(k + 1, 1, k / 25, 0.9, 1, values=X[k]))
        if k < 3:
            rows.append(line(k + 1, 2, k / 25, 0.99, 1, values=X[10 + k]))
    with pytest.warns(UserWarning, match="3 faces in 'clip01': face_id 1 is kept .tracked in 9 of 10 frames"):
        table = part_of(path, SEQUENCE + "".join(rows))
    expected = X[:10].copy()
    expected[4] = np.nan
    np.testing.assert_array_equal(table[FEATURES.split(", ")], expected)
    assert table["frame"].tolist() == list(range(1, 11))
    assert table["success"].tolist() == [1, 1, 1, 1, 0, 1, 1, 1, 1, 1]
    np.testing.assert_allclose(table["timestamp"], np.arange(10) / 25)


def test_another_face_id_in_another_frame_is_the_same_video(path):
    rows = [line(k + 1, k // 5, k / 25, 0.9, 1, values=X[k]) for k in range(10)]
    np.testing.assert_array_equal(part_of(path, SEQUENCE + "".join(rows))[FEATURES.split(", ")], X[:10])


def test_an_image_with_two_faces(path):
    rows = [line(k, confidence, values=X[k]) for k, confidence in enumerate([0.7, 0.9])]
    with pytest.warns(UserWarning, match="face 1 is kept"):
        table = part_of(path, IMAGE + "".join(rows))
    np.testing.assert_array_equal(table[FEATURES.split(", ")], X[1:2])


def test_other_tables_with_faces_are_left_alone(path):
    table = part_of(path, "face,confidence,age\n0,0.9,30\n1,0.8,40\n")
    assert len(table) == 2
