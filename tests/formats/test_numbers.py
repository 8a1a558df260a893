"""Words that are numbers, and messages about those that are none."""

import numpy as np
import pandas as pd
import pytest

from avfusion.formats._numbers import SOURCE, Source, as_numbers, is_number


def column(words, source=None):
    table = pd.DataFrame({"F0": pd.Series(words, dtype=object)})
    if source is not None:
        table.attrs[SOURCE] = source
    return table["F0"]


def test_the_line_and_the_separator_are_named():
    words = column(["0.5"] * 15 + ["12,5"], Source(";", ".", 2))
    with pytest.raises(TypeError, match=r"Column 'F0' holds text in line 17, '12,5' \(read with ';' between"):
        as_numbers(words, "F0")


def test_blank_lines_and_comments_are_counted_in_the_number_of_a_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("F0\n1\n\n% no row\n2\nx\n")
    source = Source(",", ".", 2, path, "%")
    assert [source.line_of(row) for row in range(3)] == [2, 5, 6]


@pytest.mark.parametrize("word", ["1.234,5", "1.234", "1,234,567"])
def test_thousands_among_decimal_commas_are_refused(word):
    with pytest.raises(TypeError, match="holds text"):
        as_numbers(column(["0,5", word], Source(";", ",", 2)), "F0")


def test_decimal_commas_beside_words_for_missing():
    numbers = as_numbers(column(["0,5", "-nan(ind)", "-1,25e-3"], Source(";", ",", 2)), "F0")
    np.testing.assert_array_equal(numbers, [0.5, np.nan, -1.25e-3])


@pytest.mark.parametrize("word", ["1,234.5", "1 000", "1_000", "12:30", "0x1F", "1.2.3"])
def test_what_may_be_misread_is_no_number(word):
    with pytest.raises(TypeError, match="holds text"):
        as_numbers(column([word]), "F0")


def test_infinite_is_a_number_and_missing_is_none():
    assert [is_number(word) for word in ("inf", "-Infinity", "1.#INF", "1e-3", "+.5", "0,5")] == [True] * 6
    assert [is_number(word) for word in ("", "?", "nan", "-1.#IND", "1_0", "x", "12:30")] == [False] * 7
