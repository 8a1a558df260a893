"""One face is kept of several, with its place in the video."""

import pandas as pd
import pytest

from avfusion.formats.producers._faces import check_frames, seen_most, with_all_frames


def test_frames_of_others_are_missing_before_between_and_after():
    table = pd.DataFrame(
        {
            "frame": [1, 2, 2, 3, 4, 4, 5],
            "t": [0, 1, 1, 2, 3, 3, 4],
            "id": [0, 0, 1, 0, 0, 1, 0],
            "x": range(7),
        }
    )
    rows = with_all_frames(table[table["id"] == 1], table, "frame", ["t"])
    assert rows["frame"].tolist() == [1, 2, 3, 4, 5]
    assert rows["t"].tolist() == [0, 1, 2, 3, 4]
    assert rows["x"].tolist() == pytest.approx([float("nan"), 2, float("nan"), 5, float("nan")], nan_ok=True)


def test_a_frame_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match="frame 3 is there twice for one face"):
        check_frames(pd.DataFrame({"frame": [1, 3, 3]}), "frame")


def test_of_faces_seen_equally_often_the_better_one_is_kept():
    table = pd.DataFrame({"id": ["a", "b", "a", "b"], "score": [0.9, 0.8, 0.2, 0.7]})
    assert seen_most(table, "id", "score") == "b"
