"""The challenge's systems beside one constant per video."""

import json
import os

import numpy as np
import pytest

from benchmarks import situation

REAL = os.environ.get("AVFUSION_DATA")


@pytest.mark.skipif(not REAL, reason="AVFUSION_DATA is unset")
def test_the_script_on_the_real_predictions(tmp_path, capsys):
    situation.main(["--output", str(tmp_path)])
    tables = json.loads((tmp_path / "situation.json").read_text())["tables"]
    assert "No model predicts better than one constant per video" in capsys.readouterr().out
    for title in ("baselines from all other people", "baselines from the other folds of the challenge"):
        rows = {row["predictor"]: row for row in tables[title]}
        video = rows["one constant per video"]
        errors = [video[f"rmse_per_recording: {name}"] for name in ("valence", "arousal")]
        np.testing.assert_allclose(errors, [1.035, 0.861], atol=0.004)  # published to three digits
        assert min(rows[name]["rmse_per_recording"] for name in situation.SYSTEMS) > 1.1 * np.mean(errors)
