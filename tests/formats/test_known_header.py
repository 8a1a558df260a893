"""A file whose first line is known is read as if it were the first, or the short way is not taken."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfusion.formats import _known_header
from avfusion.formats._csv import as_numbers, read, read_table
from avfusion.formats._known_header import read_like_before, remember


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """Write a first file, read it, and return the path of the next one."""
    monkeypatch.setattr(_known_header, "_known", _known_header.OrderedDict())

    def see(text):
        (tmp_path / "first.csv").write_text(text, encoding="utf-8")
        table, named = read_table(tmp_path / "first.csv")
        remember(tmp_path / "first.csv", table, named)
        return tmp_path / "next.csv"

    return see


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_and_the_names_are_those_of_the_first(seen, separator):
    path = seen("frame, smile,gaze\n1,0.5,1.5\n".replace(",", separator))
    path.write_text("frame, smile,gaze\n7,1e-3,\n8, -2.5 ,nan\n".replace(",", separator))
    table = read_like_before(path)
    expected = pd.DataFrame({"frame": [7, 8], "smile": [1e-3, -2.5], "gaze": [np.nan, np.nan]})
    pd.testing.assert_frame_equal(table, expected, check_column_type=False)


@pytest.mark.parametrize(
    "text",
    [
        "smile,gaze\n1,happy\n",
        "smile,gaze\n1,2,3\n",
        "smile,gaze\n1\n",
        "smile,gaze\n1,2\nsmile,gaze\n1,2\n",
        "smile,gaze\n-1.#IND,2\n",
        "smile,gaze\n",
        "smile,gaze\n1,0x1F\n",
        "gaze,smile\n1,2\n",
        "smile,gaze",
    ],
)
def test_whatever_is_not_plain_is_not_read_the_short_way(seen, text):
    path = seen("smile,gaze\n0.5,1.5\n")
    path.write_text(text)
    assert read_like_before(path) is None


@pytest.mark.parametrize(
    "text",
    [
        "a;b\n0,5;1,5\n",  # decimal commas are text at first
        "a\n1\n2\n",  # empty lines of one column are missing values
        "1,2\n3,4\n",  # no names
        "a,b\n1,x\n",
        ",a\n0,1\n",  # an index
    ],
)
def test_only_plain_tables_are_remembered(seen, text):
    path = seen(text)
    path.write_text(text)
    table = read_like_before(path)
    if text.startswith("a;b"):  # remembered at the most where the next one is read alike
        assert table is None
    assert table is None


FIELDS = st.one_of(
    st.floats(width=32).map(repr),
    st.integers(-99, 99).map(str),
    st.sampled_from(
        ["", " ", "NA", "nan", "?", "inf", "-inf", "1e400", "+3", '"2.5"', "x", "1,5", "0x1", "1 2"]
    ),
)


@given(st.lists(st.lists(FIELDS, min_size=2, max_size=2), min_size=1, max_size=5), st.sampled_from("\n\r"))
def test_both_ways_read_the_same(tmp_path_factory, rows, end):
    path = tmp_path_factory.mktemp("both") / "a.csv"
    end = "\n" if end == "\n" else "\r\n"
    path.write_bytes(end.join(["smile,gaze", "1.5,2.5", ""]).encode())
    remember(path, *read_table(path))
    path.write_bytes(end.join(["smile,gaze", *(",".join(row) for row in rows), ""]).encode())
    table = read_like_before(path)
    if table is None:
        return
    slow, named = read_table(path)
    assert named
    assert list(table.columns) == list(slow.columns)
    np.testing.assert_array_equal(table, np.column_stack([as_numbers(slow[name], name) for name in slow]))


def test_the_reader_takes_the_short_way(seen, monkeypatch):
    path = seen("smile,gaze\n0.5,1.5\n")
    path.write_text("smile,gaze\n0.25,1\n")
    monkeypatch.setattr("avfusion.formats._csv.read_table", lambda path: pytest.fail("the long way"))
    (part,) = read(path)
    assert part.named
    np.testing.assert_array_equal(part.values, [[0.25, 1]])


def test_few_first_lines_are_kept(seen, tmp_path):
    for k in range(100):
        path = seen(f"a{k},b\n1,2\n")
    path.write_text("a0,b\n1,2\n")
    assert read_like_before(path) is None
    assert len(_known_header._known) == _known_header.N_KNOWN


def test_exact_numbers(seen):
    values = np.random.default_rng(0).normal(size=(200, 3))
    path = seen("a,b,c\n.1,.2,.3\n")
    text = io.StringIO()
    pd.DataFrame(values, columns=list("abc")).to_csv(text, index=False)
    path.write_text(text.getvalue())
    np.testing.assert_array_equal(read_like_before(path), values)


def test_numbers_of_songs_stay_whole(seen):
    path = seen("musicId,Arousal\n7,0.5\n")
    path.write_text("musicId,Arousal\n8,0.5\n")
    assert read_like_before(path)["musicId"].tolist() == [8]
    assert str(read_like_before(path)["musicId"].dtype) == "int64"
    for text in ("8.5,0.5", ",0.5"):
        path.write_text(f"musicId,Arousal\n{text}\n1,1\n")
        assert read_like_before(path) is None
