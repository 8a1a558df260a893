"""Tables with a row for each recording."""

import pandas as pd
import pytest

from avfusion.datasets._recording_tables import read_recording_table


def read(folder, text, names):
    (folder / "metadata.csv").write_text(text)
    return read_recording_table(folder / "metadata.csv", pd.Index(names, name="recording"))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_rows_follow_the_names(tmp_path, separator):
    text = "recording,subject\nb,s2\na,s1\n".replace(",", separator)
    assert read(tmp_path, text, ["a", "b"])["subject"].to_dict() == {"a": "s1", "b": "s2"}


def test_recordings_may_be_called_like_missing_values_and_numbers(tmp_path):
    table = read(tmp_path, "recording,age\nNA,1\nnull,2\n007,\n", ["007", "NA", "null"])
    assert table["age"].fillna(-1).to_dict() == {"007": -1, "NA": 1, "null": 2}


def test_an_index_is_no_metadata(tmp_path):
    assert list(read(tmp_path, ",recording,age\n0,a,1\n1,b,2\n", ["a", "b"]).columns) == ["age"]


def test_what_is_wrong_is_named(tmp_path):
    for text, words in {
        "name,age\na,1\n": r"needs the column 'recording'.*'name', 'age'",
        "recording,age\na,1\na,2\n": r"two rows for the recording 'a'",
        "recording,age\na,1\n": r"no row for 'b': add one",
        "": r"metadata\.csv cannot be read: It holds no values\.$",
    }.items():
        with pytest.raises(ValueError, match=words):
            read(tmp_path, text, ["a", "b"])


def test_rows_of_other_recordings_are_left_out_with_a_warning(tmp_path):
    with pytest.warns(UserWarning, match=r"without features, which are left out: 'c'"):
        assert list(read(tmp_path, "recording,age\na,1\nc,2\n", ["a"]).index) == ["a"]


@pytest.mark.parametrize(
    "written", ["recording,m\na.wav,1\nb.wav,2\n", "Recording,m\n/d/a.mp4,1\n/d/b.mp4,2\n"]
)
def test_names_of_files_are_those_of_their_recordings(tmp_path, written):
    (tmp_path / "labels.csv").write_text(written)
    table = read_recording_table(tmp_path / "labels.csv", pd.Index(["b", "a"]))
    assert table["m"].tolist() == [2, 1]


def test_dots_in_names_are_no_suffixes_where_they_are_recordings(tmp_path):
    (tmp_path / "labels.csv").write_text("recording,m\na.1,1\na.2,2\n")
    table = read_recording_table(tmp_path / "labels.csv", pd.Index(["a.2", "a.1"]))
    assert table["m"].tolist() == [2, 1]


def test_a_name_that_nearly_matches_is_pointed_at(tmp_path):
    (tmp_path / "labels.csv").write_text("Recording,m\n01,1\n")
    with pytest.raises(ValueError, match=r"no row for '001' \('01' may be meant for '001'\): add one"):
        read_recording_table(tmp_path / "labels.csv", pd.Index(["001"]))
