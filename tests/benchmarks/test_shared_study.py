import json

import pytest

from benchmarks import postgresql, shared_study


@pytest.mark.slow
def test_shared_study_in_short(tmp_path):
    shared_study.main(["--short", "--output", str(tmp_path)])
    tables = json.loads((tmp_path / "shared_study.json").read_text())["tables"]
    for row in tables["throughput"]:
        assert row["processes that failed"] == 0
        assert 8 <= row["trials"] <= 8 + row["processes"] - 1
        assert 0 < row["trials per minute"] < 200 * row["processes"]  # a trial takes .3 s at least
    if postgresql.programs() is not None:
        [row] = tables["one of four processes on PostgreSQL is killed"]
        assert row["finished trials lost"] == row["left running"] == 0
        assert row["failed with the process"] == row["of these tried again"] <= 1  # none between two trials
        assert row["finished at the end"] >= 8
