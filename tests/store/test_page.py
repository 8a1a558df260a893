"""The code of docs/store.md does what the page promises."""

import re
from pathlib import Path

import numpy as np
import pytest

import avfusion as av

PAGE = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names = {}
    exec(compile(first, "docs/store.md", "exec"), names)
    X, y = av.datasets.make_audiovisual_regression(8, label_rate_hz=5, audio_rate_hz=5, random_state=0)
    same = av.RecursiveJointAttentionRegressor(max_epochs=2, random_state=0).fit(X, y)
    assert names["model"].predict(names["X"]).equals(same.predict(X))
    exec(compile(second, "docs/store.md", "exec"), names)
    X, y = names["X"], names["y"]
    assert X.shape == (8, 4)
    assert len(X["audio"].array.frames) == 1000
    assert np.shares_memory(X["audio"].iloc[0].frames, X["audio"].iloc[1].frames)
    assert y["valence"].array.lengths.tolist() == [250] * 8
    files = {path.name for path in (tmp_path / "clips").iterdir()}
    assert files == {"frames_000.npy", "frames_001.npy", "frames_002.npy", "table.parquet", "manifest.json"}
