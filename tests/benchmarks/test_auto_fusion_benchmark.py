"""The regret of the automatic estimator is measured on test rows, against candidates on the same scale."""

import numpy as np
import pytest

import avfusion as av
from avfusion.fusion._auto import _candidates
from benchmarks.auto_fusion import measured


@pytest.mark.parametrize("target", ["frame", "clip"])
def test_regret_is_that_of_the_best_candidate(target, monkeypatch):
    monkeypatch.setattr(_candidates, "_networks", lambda *args: [])
    monkeypatch.setattr(_candidates, "N_TREES", 5)
    X, y = av.datasets.make_audiovisual_regression(12, target=target, duration_s=(8, 12), random_state=0)
    split = (X[:8], y[:8]), (X[8:], y[8:]), None
    row = measured("tiny", [split], "auto", {})
    sign = 1 if target == "frame" else -1
    scores = {name: sign * score for name, score in row["all"].items() if name != "combination"}
    assert row["best single"] == max(scores, key=scores.get)
    assert row["regret"] == pytest.approx(max(scores.values()) - sign * row["all"]["combination"], abs=2e-4)
    assert {"ridge", "ridge-audio", "constant"} <= scores.keys()
    assert np.isfinite(list(scores.values())).all()
    assert row["low"] <= row["regret"] <= row["high"]
    assert row["regret of the best held out"] >= 0
