"""The page on one's own data: what it shows runs, and gives what it says."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from avfusion.metrics import ccc_score

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "your_data.md").read_text(encoding="utf-8")


def test_the_page_runs_and_says_what_comes_out():
    cells = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert len(cells) == 5
    page = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is set aside, which the page tells
        exec(compile(cells[0], "docs/your_data.md", "exec"), page)
    clip = page["X"]["face"].iloc[0].frames[:, 0]
    np.testing.assert_array_equal(np.isnan(clip), [False, False, True, True, True, False, False])
    exec(compile(cells[1], "docs/your_data.md", "exec"), page)
    assert str(page["X"]["audio"].dtype) == "sequence[float32, 2, 25Hz]"
    assert [len(cell) for cell in page["predicted"]] == [2, 1]
    exec(compile(cells[2], "docs/your_data.md", "exec"), page)
    np.testing.assert_allclose(page["aligned"]["words"].iloc[0].frames[:, 1], [2, 0, 0, 1])
    exec(compile(cells[3], "docs/your_data.md", "exec"), page)
    assert [len(cell) for cell in page["utterances"]["audio"]] == [40, 50]
    assert page["table"]["time"].iloc[40] == 4.0
    exec(compile(cells[4], "docs/your_data.md", "exec"), page)
    labels, predicted, weights = (
        np.concatenate([np.ravel(cell) for cell in page[name]]) for name in ("y", "predicted", "agreement")
    )
    assert page["score"] == pytest.approx(ccc_score(labels, predicted, sample_weight=weights))
    assert "labels are weighted" in " ".join(repr(page["result"]).split())
