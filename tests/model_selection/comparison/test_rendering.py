"""How a comparison is read: lines above its table, and blocks below it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from avfusion.model_selection import compare
from avfusion.model_selection.comparison import _rendering


@pytest.fixture(scope="module")
def result():
    X = np.random.default_rng(0).normal(size=(30, 2))
    return compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)


def test_lines_and_blocks_stand_above_and_below_the_table(result, monkeypatch):
    table = pd.DataFrame({"share": ["0.25"]}, index=pd.Index(["person"], name="source"))
    header = (*_rendering.HEADER, lambda comparison: "", lambda comparison: "a < b")
    blocks = (lambda comparison: None, lambda comparison: _rendering.Block("what & where", table))
    monkeypatch.setattr(_rendering, "HEADER", header)
    monkeypatch.setattr(_rendering, "BLOCKS", blocks)
    lines = repr(result).splitlines()
    assert lines[1] == "a < b"
    assert lines[-5:-3] == ["", "what & where"]
    assert lines[-1].split() == ["person", "0.25"]
    html = result._repr_html_()
    assert "<p>a &lt; b</p>" in html
    assert html.index("ridge") < html.index("<p>what &amp; where</p>") < html.index("person")
