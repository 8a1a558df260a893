import json
import shlex

import numpy as np
import pytest

import avfusion as av
from benchmarks import first_table


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_written_is_read_with_its_clocks(tmp_path):
    first_table.write_folder(tmp_path / "d", 2, 10.0)
    X, y = av.datasets.load_folder(tmp_path / "d")
    assert {name: X.dtypes[name].rate_hz for name in ("openface", "opensmile")} == {
        "openface": 25,
        "opensmile": 100,
    }
    assert y.dtypes["arousal"].rate_hz == 2
    assert X.dtypes["openface"].width == len(first_table.FACE)
    assert X.dtypes["opensmile"].width == len(first_table.VOICE)
    assert 0 < np.isnan(X["openface"].array.frames).all(axis=1).mean() < 0.1
    lines = (tmp_path / "d" / "openface" / "rec_000.csv").read_text().splitlines()
    assert lines[0].startswith("frame, face_id, timestamp, confidence, success, gaze_0_x,")
    lines = (tmp_path / "d" / "opensmile" / "rec_000.csv").read_text().splitlines()
    assert lines[0].startswith("name;frameTime;Loudness_sma3;")
    assert lines[1].startswith("'rec_000';0.0")


def test_two_commands_lead_to_a_table(tmp_path):
    (tmp_path / "quick.yaml").write_text(
        "ridge: [Align: {rate_hz: 2}, FrameRegressor: {regressor: {HistGradientBoostingRegressor: "
        "{max_iter: 20}}}]"
    )
    few = ["--recordings", "10", "--seconds", "20", "--estimators", str(tmp_path / "quick.yaml")]
    first_table.main([*few, "--output", str(tmp_path)])
    typed, table = json.loads((tmp_path / "first_table.json").read_text())["tables"].values()
    assert shlex.split(typed[0]["command"]) == ["avfusion", "describe", "recordings"]
    assert shlex.split(typed[1]["command"])[:3] == ["avfusion", "compare", "recordings"]
    assert typed[0]["lines of output"] <= 40
    assert table[0]["ccc"] > 0.5
