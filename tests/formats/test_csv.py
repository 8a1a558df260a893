"""Tables of numbers as tools write them: header, separator, index and missing values, and no step lost."""

import numpy as np
import pandas as pd
import pytest

from avfusion.formats._csv import as_numbers, read_table

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
        ("a\tb\n1\t2\n", ["a", "b"], [[1, 2]]),
        ("a\tb\n1,5\t2\n", ["a", "b"], [[1.5, 2]]),
        ("1.0 2.0\n3.0 4.0\n", [0, 1], [[1, 2], [3, 4]]),
        ("# a,b\n1,2\n", ["a", "b"], [[1, 2]]),
        ("\ufeffa,b\n1,2\n", ["a", "b"], [[1, 2]]),
        (" a, b\n1, 2\n", ["a", "b"], [[1, 2]]),
        ("a|b\n1|2\n", ["a", "b"], [[1, 2]]),
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
    assert list(read(path)[0].columns) == ["größe", "b"]


def test_names_stay_words(path):
    text = "recording,subject,age\n007,NA,3\nNA,s1,\nnull,None,4\n"
    path.write_text(text)
    table, _ = read_table(path, text=("recording",))
    assert table["recording"].tolist() == ["007", "NA", "null"]
    assert table["subject"].isna().tolist() == [True, False, True]
    np.testing.assert_array_equal(table["age"], [3, np.nan, 4])
