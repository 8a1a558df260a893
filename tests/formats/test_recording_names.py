"""Tables that hold several recordings."""

import pandas as pd
import pytest

from avfusion.formats._recording_names import by_recording, recording_columns, recording_names, split


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["a/s1.wav", "a/s2.WAV"], ["s1", "s2"]),
        (["C:\\data\\s1.mp4", "C:\\data\\s2.mp4"], ["s1", "s2"]),
        (["'s1'", '"s2"'], ["s1", "s2"]),
        (["a/1.wav", "b/1.wav"], ["a_1", "b_1"]),
        (["s1.v2", "s1.v3"], ["s1.v2", "s1.v3"]),
        (["../../x", ".."], ["x", "unnamed"]),
        ([2, 2058.0], ["2", "2058"]),
    ],
)
def test_names(values, names):
    assert recording_names(values) == names


CLOCK = {"time": [0.0, 0.5, 0.0, 0.5], "F0": [1.0, 2.0, 3.0, 4.0]}
RUNNING = {"time": [0.0, 0.5, 1.0, 1.5], "F0": [1.0, 2.0, 3.0, 4.0]}
TWO = ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"recording": TWO} | CLOCK, ["recording"]),
        ({"Video ID": TWO} | CLOCK, ["Video ID"]),
        ({"clip": TWO} | CLOCK, ["clip"]),
        ({"musicId": [1, 1, 4, 4]} | CLOCK, ["musicId"]),
        ({"name": TWO} | CLOCK, ["name"]),
        ({"recording": TWO} | RUNNING, ["recording"]),
        ({"clip": TWO} | RUNNING, []),
        (CLOCK | {"name": TWO}, []),
        ({"segment_id": [1, 1, 2, 2]} | RUNNING, []),
        ({"subject": TWO} | CLOCK, []),
        ({"recording": ["a"] * 4} | RUNNING, []),
        ({"recording": ["a", "a", None, "b"]} | CLOCK, []),
        ({"video": [0.1, 0.1, 0.2, 0.2]} | CLOCK, []),
        ({"filename": ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]} | RUNNING, []),
        ({"filename": ["1.wav", "2.wav", "3.wav", "4.wav"], "F0": [1, 2, 3, 4]}, ["filename"]),
        ({"recording": ["1", "2", "3", "4"], "F0": [1, 2, 3, 4]}, ["recording"]),
        ({"name": ["1", "2", "3", "4"], "frameTime": [0, 0, 0, 0], "F0": [1, 2, 3, 4]}, ["name"]),
        ({"name": ["1", "2", "3", "4"], "frameTime": [0, 1, 2, 3], "F0": [1, 2, 3, 4]}, []),
        ({"file": ["a.wav", "a.wav", "b.wav", "b.wav"], "name": [1, 1, 2, 2]} | CLOCK, ["file"]),
        ({"video": TWO, "clip": [1, 2, 1, 2], "F0": [1, 2, 3, 4]}, ["video", "clip"]),
    ],
)
def test_columns_that_say_of_which_recording_a_row_is(columns, found):
    assert recording_columns(pd.DataFrame(columns)) == found


def test_recordings_that_lie_between_each_other_keep_their_order():
    table = pd.DataFrame({"recording": ["b", "a", "b", "a"], "F0": [1, 2, 3, 4]})
    assert {part.recording: part.values["F0"].tolist() for part in split(table)} == {"b": [1, 3], "a": [2, 4]}


def test_words_that_are_the_same_within_recordings_are_metadata():
    table = pd.DataFrame({"clip": TWO, "sex": ["f", "f", "m", "m"], "word": ["x", "y", "x", "x"], "age": 30})
    (_, first, about), _ = by_recording(table, ["clip"])
    assert about == {"sex": "f"}
    assert list(first.columns) == ["word", "age"]


def test_names_of_two_columns_are_joined():
    table = pd.DataFrame({"video": TWO, "clip": [1, 2, 1, 2], "F0": [1, 2, 3, 4]})
    assert [part.recording for part in split(table)] == ["a_1", "a_2", "b_1", "b_2"]
