import json

import pytest

from benchmarks import search, statistics_hold


@pytest.mark.slow
def test_search_benchmark_in_short(tmp_path):
    search.main(["--short", "--epochs", "2", "--output", str(tmp_path)])
    tables = json.loads((tmp_path / "search.json").read_text())["tables"]
    assert [row["seed"] for row in tables["pruning"]] == [0, "mean"]
    assert tables["throughput in two processes"][0]["throughput of the search"] > 0
    assert [row["configurations"] for row in tables["the search itself, in one process"]] == [1, 4]
    for row in tables["killed and resumed"]:
        assert row["finished trials lost"] == row["left running"] == 0
        assert row["trials at the end"] >= row["asked for"]
        assert row["best value is the best of them"] is True


def test_statistics_hold_in_short(tmp_path):
    statistics_hold.main(["--short", "--groups", "12", "--simulations", "30", "--output", str(tmp_path)])
    tables = json.loads((tmp_path / "statistics_hold.json").read_text())["tables"]
    plain, corrected = tables["false alarms at the 5 % level"]
    assert corrected["false alarms"] <= plain["false alarms"]
    ours, difference, frames = tables["coverage of 95 % intervals"]
    assert frames["coverage"] < 0.6 < min(ours["coverage"], difference["coverage"])
