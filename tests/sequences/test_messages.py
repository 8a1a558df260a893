import numpy as np
import pandas as pd

from avfusion.sequences._messages import path_name, printable, printable_lines, quoted, row_name


def test_rows_are_named_by_position_and_label():
    assert row_name(3) == "row 3"
    assert row_name(1, pd.Index(["a", "b"])) == "row 1 (index 'b')"
    assert row_name(0, pd.Index(np.array([7, 8]))) == "row 0 (index 7)"
    assert row_name(0, pd.MultiIndex.from_tuples([("a", "b")])) == "row 0 (index ('a', 'b'))"


def test_names_are_quoted():
    assert quoted(["a", 1]) == "'a', 1"
    assert quoted([]) == ""


def test_long_names_lose_their_middle():
    assert len(quoted([500 * "a", 500 * "b", "c"])) < 160
    assert quoted(["a" * 60]) == repr("a" * 60)
    assert path_name("/tmp/" + 300 * "n" + ".csv").endswith("nnn.csv")
    assert len(path_name("/tmp/" + 300 * "n" + ".csv")) < 80


def test_what_a_terminal_would_obey_is_an_escape():
    assert printable("a\n\x1b[31m\udcff\u202e") == r"a\n\x1b[31m\udcff\u202e"
    assert path_name("é/a\x07.csv") == r"é/a\x07.csv"


def test_lines_stay_and_all_that_a_terminal_obeys_is_shown():
    hostile = "a\x1b[2J\u202eb\u2066\x9b31m\x00\r\tc\ud800\nd\u2028e"
    shown = printable_lines(hostile)
    assert shown == r"a\x1b[2J\u202eb\u2066\x9b31m\x00\r\tc\ud800" + "\n" + r"d\u2028e"
    assert printable_lines("größe 音\n") == "größe 音\n"
