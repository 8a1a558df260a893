import json

import pytest

from benchmarks import report


def test_tables_and_machine_are_written_and_printed(tmp_path, capsys):
    report.publish("speed", {"fit": [{"case": "small", "seconds": 0.123456}]}, tmp_path / "new")
    record = json.loads((tmp_path / "new" / "speed.json").read_text())
    assert record["tables"] == {"fit": [{"case": "small", "seconds": 0.123456}]}
    assert {"processor", "cores", "versions"} <= set(record["machine"])
    assert record["machine"]["versions"]["torch"]
    text = (tmp_path / "new" / "speed.md").read_text()
    assert "| case | seconds |\n| --- | --- |\n| small | 0.123 |\n" in text
    assert text in capsys.readouterr().out
    assert len(list((tmp_path / "new").iterdir())) == 2  # no temporary file is left


def test_a_file_is_never_half_written(tmp_path):
    path = tmp_path / "table.md"
    path.write_text("whole")

    def fail(part):
        part.write_text("ha")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        report.write_in_one_step(path, fail)
    assert path.read_text() == "whole"


def test_code_is_known_by_what_it_does(monkeypatch):
    before = report.code()
    assert before == report.code()
    monkeypatch.setattr(report.ast, "dump", lambda tree: "changed")
    assert report.code() != before


def test_tasks_take_turns_and_the_first_round_does_not_count():
    calls = []
    times = report.interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, repeats=2)
    assert calls == ["a", "b"] * 3
    assert {name: len(values) for name, values in times.items()} == {"a": 2, "b": 2}


def test_ratio_is_that_of_neighbouring_runs():
    times = {"a": [2.0, 30.0, 4.0], "b": [1.0, 10.0, 2.0]}
    assert report.median_ratio(times, "a", "b") == 2.0
