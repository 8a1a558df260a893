"""The page on attacks has a row for each class of them, and nothing in its bad columns."""

import runpy
from pathlib import Path

from benchmarks.faults.harness import BAD, modules

MAKE = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "make_what_held.py"))
TEXT = MAKE["PAGE"].read_text(encoding="utf-8")


def titles(what):
    return {
        one.__doc__.strip().splitlines()[0].rstrip(".") for one in modules().values() if hasattr(one, what)
    }


def test_the_page_has_a_row_for_each_class_of_input_and_no_other():
    rows = MAKE["rows_of"](TEXT, "Hostile input")
    assert list(rows[0]) == MAKE["COLUMNS"]
    assert {row["class"] for row in rows[:-1]} == titles("cases")
    for name in MAKE["COLUMNS"][1:]:
        assert int(rows[-1][name]) == sum(int(row[name]) for row in rows[:-1])


def test_the_bad_columns_are_0_and_every_class_was_tried():
    for row in MAKE["rows_of"](TEXT, "Hostile input"):
        assert {name: row[name] for name in BAD} == dict.fromkeys(BAD, "0"), row["class"]
        assert int(row["tried"]) == int(row["clear"]) + int(row["fine"]) > 0


def test_events_of_every_class_left_nothing_that_may_not_be():
    rows = MAKE["rows_of"](TEXT, "Kills, full disks, clocks")
    assert {row["class"] for row in rows} == {title.partition(":")[0] for title in titles("events")}
    assert {row["event"]: row["bad"] for row in rows if row["bad"] != "0"} == {}
    assert all(int(row["times"]) > 0 for row in rows)


def test_a_page_of_bad_ends_is_not_written(tmp_path):
    counts = dict.fromkeys(MAKE["ENDS"], 0) | {"clear": 2, "hang": 1}
    event = {
        "name": "kill | 9",
        "times": 3,
        "outcomes": {"whole": 2, "half": 1},
        "good": ["whole"],
        "bad": {"half": 1},
    }
    found = {"x": {"title": "Kills", "tried": 3, "counts": counts, "events": [event]}}
    assert MAKE["inputs"](found)[0] == {"class": "Kills", "tried": 3, **counts}
    assert MAKE["events"](found)[0]["came of it"] == "whole 2, half 1"
    assert MAKE["events"](found)[0]["bad"] == 1
