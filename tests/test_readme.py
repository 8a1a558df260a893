"""The code that README and docs show runs as it is printed."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def python_blocks(path):
    return re.findall(r"```python\n(.*?)```", (ROOT / path).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.slow
def test_readme_code_runs(tmp_path, monkeypatch):
    blocks = python_blocks("README.md")
    assert blocks
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)
    assert {"ridge", "attention"} <= set(namespace["result"].table.index)


@pytest.mark.slow
@pytest.mark.skipif("AVFUSION_DATA" not in os.environ, reason="AVFUSION_DATA names no folder of data sets")
def test_snippet_of_the_design_runs_on_real_recordings():
    """With fewer epochs and folds, as what is tested is that it runs."""
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import LeaveOneGroupOut, cross_validate
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    import avfusion as av

    (block, *_) = python_blocks("docs/design.md")
    steps = [av.Align(rate_hz=1.0), av.OnFrames(StandardScaler())]
    namespace = {
        "make_pipeline": make_pipeline,
        "cross_validate": cross_validate,
        "LeaveOneGroupOut": LeaveOneGroupOut,
        "StandardScaler": StandardScaler,
        "ridge": make_pipeline(*steps, av.FrameRegressor(Ridge())),
        "early": make_pipeline(*steps, av.EarlyFusionRegressor(max_epochs=1)),
    }
    assert "window=200" in block
    exec(compile(block.replace("window=200", "window=200, max_epochs=1"), "design.md", "exec"), namespace)
