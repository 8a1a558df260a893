"""Tables of numbers as tools write them: header, separator, index and missing values, and no step lost."""

import csv
import gzip
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfusion.formats._csv import as_numbers, read_table
from avfusion.formats._csv import read as read_file
from avfusion.formats._registry import read_parts

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(40, 3))
INDEX = "Unnamed: 0"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "table.csv"


def read(path, text=None):
    if text is not None:
        path.write_text(text, encoding="utf-8")
    return read_table(path)


def numbers(table):
    return np.column_stack([as_numbers(table[name], name) for name in table.columns])


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("names", [None, list("abc")])
def test_what_pandas_writes_comes_back(path, width, index, names):
    frame = pd.DataFrame(VALUES[:, :width], columns=names and names[:width])
    frame.to_csv(path, index=index)
    table, named = read(path)
    assert named == (names is not None)
    assert list(table.columns) == [INDEX] * index + (names or [0, 1, 2])[:width]
    np.testing.assert_array_equal(numbers(table)[:, index:], frame)


@pytest.mark.parametrize("name", [None, "arousal"])
def test_a_series_with_its_index(path, name):
    pd.Series(VALUES[:, 0], name=name).to_csv(path)
    table, named = read(path)
    assert list(table.columns) == [INDEX, name or 0]
    assert named == (name is not None)
    assert len(table) == 40


@pytest.mark.parametrize("first", ["NA", '""', "?", "nan", "#N/A", "-nan(ind)", ""])
def test_a_missing_first_step_is_no_header(path, first):
    table, named = read(path, "\n".join([first, *map(str, VALUES[1:, 0])]) + "\n")
    assert not named
    np.testing.assert_array_equal(numbers(table)[:, 0], np.append(np.nan, VALUES[1:, 0]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"1","2"\n"3","4"\n', [[1, 2], [3, 4]]),
        ("True\nFalse\n", [[1], [0]]),
        ("0\n0\n1\n", [[0], [0], [1]]),
        ("0,1\n1,0\n", [[0, 1], [1, 0]]),
        ("0\n0.5\n1\n", [[0], [0.5], [1]]),
        ("0,1,2\n", [[0, 1, 2]]),
    ],
)
def test_a_line_of_values_is_a_step(path, text, expected):
    table, named = read(path, text)
    assert not named
    np.testing.assert_array_equal(numbers(table), expected)


@pytest.mark.parametrize("header", ["", "arousal\n"])
def test_an_empty_line_of_one_column_is_a_missing_value(path, header):
    table, _ = read(path, header + "0\n1\n\n3\n4\n\n")
    np.testing.assert_array_equal(numbers(table)[:, 0], [0, 1, np.nan, 3, 4, np.nan])


def test_empty_lines_of_several_columns_are_no_steps(path):
    table, _ = read(path, "1,2\n,4\n\n")
    np.testing.assert_array_equal(numbers(table), [[1, 2], [np.nan, 4]])


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("time;value\n0.00;0.5\n0.04;-0.6\n", ["time", "value"], [[0, 0.5], [0.04, -0.6]]),
        ("time;value\n0,00;0,5\n0,04;-0,6\n", ["time", "value"], [[0, 0.5], [0.04, -0.6]]),
        ("value\n0,5\n-0,6\n0,5\n", ["value"], [[0.5], [-0.6], [0.5]]),
        ("value\n0,5\nNA\n0,6\n", ["value"], [[0.5], [np.nan], [0.6]]),
        ("0,5\n-0,6\n0,7\n", [0], [[0.5], [-0.6], [0.7]]),
        ("0,51234\n0,61234\n0,71234\n", [0], [[0.51234], [0.61234], [0.71234]]),
        ("0,5\n0,6\n1,7\n", [0, 1], [[0, 5], [0, 6], [1, 7]]),
        ('"0,5","0,6"\n"0,7","-0,8"\n', [0, 1], [[0.5, 0.6], [0.7, -0.8]]),
        ('a,b\n"0,5",1\n"0,7",2\n', ["a", "b"], [[0.5, 1], [0.7, 2]]),
        ("   1.0e+00   2.0e+00\n   3.0e+00  -4.0e+00\n", [0, 1], [[1, 2], [3, -4]]),
        ("a,b\n1.5 , 2\n 3 ,4 \n", ["a", "b"], [[1.5, 2], [3, 4]]),
        ("0.1\r\r\n0.2\r\r\n", [0], [[0.1], [0.2]]),
        ("a\tb\n1\t2\n", ["a", "b"], [[1, 2]]),
        ("a\tb\n1,5\t2\n", ["a", "b"], [[1.5, 2]]),
        ("1.0 2.0\n3.0 4.0\n", [0, 1], [[1, 2], [3, 4]]),
        ("# a,b\n1,2\n", ["a", "b"], [[1, 2]]),
        ("\ufeffa,b\n1,2\n", ["a", "b"], [[1, 2]]),
        (" a, b\n1, 2\n", ["a", "b"], [[1, 2]]),
        ("a|b\n1|2\n", ["a", "b"], [[1, 2]]),
        ("a,b,\n1,2\n3,4\n", ["a", "b"], [[1, 2], [3, 4]]),
        ("1 ,2\n3 ,4\n", [0, 1], [[1, 2], [3, 4]]),
        ("1 , 2\n3 , 4\n", [0, 1], [[1, 2], [3, 4]]),
        ("sep=;\na;b\n1;2\n", ["a", "b"], [[1, 2]]),
        ("a,b\n1,2,\n3,4,\n", ["a", "b"], [[1, 2], [3, 4]]),
        ("\n\na,b\n1,2\n", ["a", "b"], [[1, 2]]),
        ("a,b,\n1,2,\n3,4,\n", ["a", "b"], [[1, 2], [3, 4]]),
        ('"","V1","V2"\n"1",0.1,NA\n"2",0.3,1\n', [INDEX, "V1", "V2"], [[1, 0.1, np.nan], [2, 0.3, 1]]),
        ('"V1","V2"\n"1",0.1,NA\n"2",0.3,1\n', [INDEX, "V1", "V2"], [[1, 0.1, np.nan], [2, 0.3, 1]]),
        ('"V1" "V2"\n"1" 0.1 NA\n"2" 0.3 1\n', [INDEX, "V1", "V2"], [[1, 0.1, np.nan], [2, 0.3, 1]]),
    ],
)
def test_separators_and_headers_of_other_tools(path, text, names, expected):
    table, _ = read(path, text)
    assert list(table.columns) == names
    np.testing.assert_array_equal(numbers(table), expected)


def test_savetxt_comes_back(path):
    np.savetxt(path, VALUES)
    np.testing.assert_array_equal(numbers(read(path)[0]), VALUES)
    np.savetxt(path, VALUES, delimiter=",", header="a,b,c")
    assert list(read(path)[0].columns) == ["a", "b", "c"]


def test_words_that_mean_missing_and_infinite():
    words = ["NA", "NaN", "-nan(ind)", "nan(ind)", "-1.#IND", "1.#QNAN", "1.#QNAN0", "?", "#N/A", "", None]
    assert np.isnan(as_numbers(pd.Series(words, dtype=object), "F0")).all()
    infinite = as_numbers(pd.Series(["-inf", "1.#INF", "-1.#INF00", "Infinity", "2"], dtype=object), "F0")
    np.testing.assert_array_equal(infinite, [-np.inf, np.inf, -np.inf, np.inf, 2])


@pytest.mark.parametrize("text", ["happy", "0x1F", "2020-01-01"])
def test_other_words_are_named(text):
    with pytest.raises(TypeError, match=f"Column 'mood' holds text, such as '{text}' in step 1"):
        as_numbers(pd.Series(["0.5", text]), "mood")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "holds no values"),
        ("\n\n", "holds no values"),
        ("a,b\n", "holds no values, only names"),
        ("a,a\n1,2\n", "Columns have names in common: 'a'"),
        ("a,b\n1,2,3,4\n", "first line has 2 fields, but others have 2 more"),
        ("1,2\n3,4,5\n", "Expected 2"),
        ("@relation GOLD\n\n@attribute x numeric\n", "ARFF"),
    ],
)
def test_what_is_no_table_is_refused(path, text, reason):
    with pytest.raises(ValueError, match=reason):
        read(path, text)


def test_encodings(path):
    path.write_bytes("größe,b\n1,2\n".encode("utf-16"))
    assert list(read(path)[0].columns) == ["größe", "b"]
    path.write_bytes("größe,b\n1,2\n".encode("latin-1"))
    with pytest.warns(UserWarning, match="not UTF-8 is read as Windows-1252"):
        assert list(read(path)[0].columns) == ["größe", "b"]


def test_names_stay_words(path):
    text = "recording,subject,age\n007,NA,3\nNA,s1,\nnull,None,4\n"
    path.write_text(text)
    table, _ = read_table(path, text=("recording",))
    assert table["recording"].tolist() == ["007", "NA", "null"]
    assert table["subject"].isna().tolist() == [True, False, True]
    np.testing.assert_array_equal(table["age"], [3, np.nan, 4])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2\n3\n", "Expected 2 fields in line 3, saw 1 (read with ',' between the fields)"),
        ("a;b\n\n1;2\n3;4;5\n", "Expected 2 fields in line 4, saw 3 (read with ';' between the fields)"),
        ("# x\n1 2\n3\n", "Expected 2 fields in line 3, saw 1 (read with spaces between the fields)"),
        ("a,b\n1,2\na,b\n3,4\n", "Line 3 repeats the first line"),
        ("a\n1\na\n3\n", "Line 3 repeats the first line"),
        ("a,b\n1,2,\n3,4\n", "Expected 2 fields in line 2, saw 3"),
        ("a,b\n1,2,3\n4,5\n6,7\n", "Expected 2 fields in line 2, saw 3"),
        ("a,b\n\n1,2\n3,4,5\n", "Expected 2 fields in line 4, saw 3"),
        ('a,b\n1,2\n"3,4\n1,2\n', "quote that is opened in line 3, or after it, is never closed"),
        ("a;b\n" + "1," * 99_999 + ";2\n", "A field is too long, in the line '1,1,1,"),
        ("Call me Ishmael. Some years ago\nI had little money\n", "first line is 'Call me Ishmael. Some"),
        ("mood\n", "no values, only names"),
        ("Call me Ishmael.\n", "It is no table: its first line is 'Call me Ishmael.'"),
        ("Dear all,\nthanks, and bye,\nA.\n", "It is no table: its first line is 'Dear all"),
    ],
)
def test_damaged_tables_are_named_by_their_line(path, text, reason):
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(reason)):
        read_file(path)


def test_a_text_among_numbers_is_named_by_its_line(path):
    path.write_text("a;F0\n\n1;2\n3;?\n5;0.5.1\n")
    table = read_file(path)[0].values
    with pytest.raises(TypeError, match=r"'F0' holds text in line 5, '0.5.1' \(read with ';' between"):
        as_numbers(table["F0"], "F0")


def test_thousands_in_quotes_are_refused(path):
    path.write_text('a,b\n"1,234",1\n"12,345",2\n')
    with pytest.raises(TypeError, match="'a' holds text in line 2, '1,234'"):
        as_numbers(read(path)[0]["a"], "a")


def test_categories_are_named_with_their_column(path):
    path.write_text("mood\nhappy\nsad\n")
    with pytest.raises(TypeError, match="'mood' holds text in line 2, 'happy'"):
        as_numbers(read_file(path)[0].values["mood"], "mood")


@pytest.mark.parametrize("width", [1, 2, 50])
@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("index", [False, True])
def test_every_separator_and_decimal_sign_comes_back(path, width, sep, decimal, index):
    if sep == decimal:
        return
    values = np.random.default_rng(width).normal(size=(30, width))
    values[3, -1] = values[0, 0] = np.nan
    frame = pd.DataFrame(values, columns=[f"x{k}" for k in range(width)])
    frame.to_csv(path, sep=sep, decimal=decimal, index=index, na_rep="NA")
    table, named = read(path)
    assert named
    np.testing.assert_array_equal(numbers(table)[:, int(index) :], values)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".csv.gz", ".TXT"])
def test_the_labels_of_aff_wild2(tmp_path, suffix):
    path = tmp_path / f"clip01_left{suffix}"
    pack = gzip.compress if suffix.endswith(".gz") else bytes
    path.write_bytes(pack(b"valence,arousal\n0.1,0.2\n-5,-5\n0.30000001192092896,-0.4\n"))
    (part,) = read_parts(path)
    assert part.values.to_dict("list") == {
        "valence": [0.1, -5, 0.30000001192092896],
        "arousal": [0.2, -5, -0.4],
    }


def test_a_gap_in_a_clock_without_a_name_is_seen(path):
    kept = np.r_[0:20, 25:60]
    np.savetxt(path, np.column_stack([kept / 25, RNG.normal(size=55)]), fmt="%.3f")
    table = read_file(path)[0].values
    assert list(table.columns) == ["time", 0]
    np.testing.assert_allclose(table["time"], kept / 25)


def test_a_column_that_is_empty_in_a_table_without_names_is_the_end_of_lines(path):
    assert read(path, "1,2,\n3,4,\n")[0].to_numpy().tolist() == [[1, 2], [3, 4]]
    assert read(path, "1,,2\n3,,4\n")[0].shape == (2, 3)


def test_tables_without_names_that_name_recordings(tmp_path):
    rows = [f"'{name}.wav';{k / 10:.1f};{RNG.normal():.3f}" for name in ("dev_1", "dev_2") for k in range(30)]
    (tmp_path / "features.csv").write_text("\n".join(rows))
    parts = list(read_parts(tmp_path / "features.csv"))
    assert [(part.recording, part.named, list(part.values.columns)) for part in parts] == [
        ("dev_1", False, ["time", 0]),
        ("dev_2", False, ["time", 0]),
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(width=64, allow_infinity=False), min_size=3, max_size=3), min_size=2, max_size=6
    ),
    st.fixed_dictionaries(
        {
            "sep": st.sampled_from([",", ";", "\t", "|", " "]),
            "index": st.booleans(),
            "na_rep": st.sampled_from(["NA", "nan", "-nan(ind)", "?"]),
            "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC, csv.QUOTE_ALL]),
            "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
            "lineterminator": st.sampled_from(["\n", "\r\n"]),
            "compression": st.sampled_from([None, "gzip"]),
        }
    ),
    st.sampled_from([["größe", "AU01_r", "pose_Tx"], [0, 1, 2]]),
)
def test_whatever_pandas_writes_comes_back(tmp_path_factory, rows, options, names):
    path = tmp_path_factory.mktemp("any") / "a.csv"
    frame = pd.DataFrame(rows, columns=names)
    frame.to_csv(path, **options)
    table, named = read(path)
    assert named == (names[0] != 0)
    np.testing.assert_array_equal(numbers(table)[:, int(options["index"]) :], frame)


def test_covarep_has_no_clock(path):
    values = RNG.normal(size=(100, 74))
    values[:, 0], values[:, 1] = np.repeat([0, 120.5], 50), np.repeat([0, 1], 50)
    values[3, 5] = -np.inf
    np.savetxt(path, values, delimiter=",")
    (part,) = read_file(path)
    assert not part.named
    np.testing.assert_array_equal(part.values, values)


@pytest.mark.parametrize("sep", [",", ";", "\t", " "])
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("line", [0, 1, 7, -1])
@pytest.mark.parametrize("damage", [lambda f: f[:-1], lambda f: [*f, "0.5"], lambda f: [*f[:-1], "oops"]])
def test_no_damaged_line_is_read(path, sep, header, index, line, damage):
    frame = pd.DataFrame(VALUES[:20], columns=list("abc"))
    lines = frame.to_csv(sep=sep, header=header, index=index).splitlines()
    place = line + header if line >= 0 else line
    lines[place] = sep.join(damage(lines[place].split(sep)))
    path.write_text("\n".join(lines))
    number = place + 1 if line >= 0 else len(lines)
    with pytest.raises((ValueError, TypeError), match=rf"line ({number}|{number + 1}|2)\b"):
        numbers(read_file(path)[0].values)
