"""Separators, decimal signs and headers."""

import pytest

from avfusion.formats._dialect import Dialect, check_is_table, fields_of, separator_of


@pytest.mark.parametrize(
    ("lines", "separator"),
    [
        (["a,b", "1,2"], ","),
        (["a;b", "0,5;0,6"], ";"),
        (["a\tb", "0,5\t0,6"], "\t"),
        (["a | b", "1 | 2"], "|"),
        (["0,5 0,6", "0,7 0,8"], r"\s+"),
        (["1, 2", "3, 4"], ","),
        (["clip01 0.5 0.6", "clip02 0.6 0.7"], r"\s+"),
        (["arousal valence", "0.5 0.6"], r"\s+"),
        (['"a;b","c"', "1,2"], ","),
        (["It was a night", "of rain and wind"], ","),
    ],
)
def test_separators(lines, separator):
    assert separator_of(lines) == separator


@pytest.mark.parametrize(
    ("lines", "header"),
    [
        (["name;F0", "'unknown';120"], True),
        (["clip01,0.5", "clip02,0.6"], False),
        (["file,0,1,2", "a.wav,0.1,0.2,0.3"], True),
        (["inf,nan", "1,2"], False),
        (["-0.5,oops", "0.6,0.7"], False),
        (["0.5,-0.4,oops", "0.6,0.7,0.8"], False),
        (["time,100.0,200.0", "0.1,0.2,0.3"], True),
        (["2020-01-01 12:00:00,0.5", "2020-01-01 12:00:01,0.6"], False),
        (["time,value"], None),
    ],
)
def test_headers(lines, header):
    if header is None:
        with pytest.raises(ValueError, match="no values, only names"):
            Dialect.of(lines)
    else:
        assert Dialect.of(lines).header is header


def test_a_decimal_comma_that_comes_late_is_seen():
    lines = ["a;b"] + ["0;0"] * 2
    assert Dialect.of(lines).decimal == "."
    assert Dialect.of(lines, data=b"a;b\n0;0\n0;0\n0;0,5\n").decimal == ","
    assert Dialect.of(lines, data=b"a;b\n0;0\n0;0\n0;(0,5)\n").decimal == "."


def test_a_million_spaces_are_passed_by_at_once():
    lines = ["1 2", "3 4"]
    assert Dialect.of(lines, data=b"1 2\n3" + b" " * 10**6 + b"4,5,6\n").decimal == "."
    assert Dialect.of(lines, data=b"1 2\n3" + b" " * 10**6 + b"4,5\n").decimal == ","


def test_names_that_stood_before_cover_a_last_separator():
    assert Dialect.of(["1\t2\t", "3\t4\t"], ["a", "b"]).names == ["a", "b", "Unnamed: 2"]


def test_a_line_of_a_million_fields_is_no_table():
    with pytest.raises(ValueError, match="1000000 fields, more than 50000"):
        fields_of([",".join(["1"] * 10**6)], ",")


def test_fifty_thousand_names_in_common_are_found_at_once():
    with pytest.raises(ValueError, match="names in common: 'a'"):
        Dialect.of([",".join(["a"] * 49_999), ",".join(["1"] * 49_999)])


def test_labels_that_are_all_missing_are_a_table():
    check_is_table([["arousal"], [""], ["NA"]])
    check_is_table([["0.5"]])


def test_a_name_on_two_lines_is_refused():
    with pytest.raises(ValueError, match="a quote that does not end"):
        Dialect.of(['"F', '0",F1', "1,2", "3,4"])
    assert Dialect.of(['"F,0",F1', "1,2", "3,4"]).first == ["F,0", "F1"]
    assert Dialect.of(['5" screen,F1', "1,2", "3,4"]).header
