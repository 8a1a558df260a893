"""The code of docs/clusters.md runs on a cluster of this machine."""

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("distributed")
PAGE = (Path(__file__).parents[1] / "docs" / "clusters.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_two_lines():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {}
    exec(compile(code, "docs/clusters.md", "exec"), names)
    X, y, ridge, result = (names[name] for name in ("X", "y", "ridge", "result"))
    expected = names["av"].compare({"ridge": ridge}, X, y, groups="subject", cv=2, verbose=False)
    assert result.table["ccc"].equals(expected.table["ccc"])
    assert set(names["search"].cv_results_["state"]) == {"complete"}
    assert np.isfinite(names["grid"].best_score_)
