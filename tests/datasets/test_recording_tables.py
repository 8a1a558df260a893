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
