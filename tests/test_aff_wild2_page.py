"""The page on Aff-Wild2: what it shows runs on the published layout, and gives what it says."""

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from tests.datasets.aff_wild2_layout import VIDEOS, write_aff_wild2

PAGE = (Path(__file__).parents[1] / "docs" / "aff_wild2.md").read_text(encoding="utf-8")
QUICK = ("published()", "published(max_epochs=1, hidden_size=8, random_state=0)")


def test_the_way_from_the_folder_to_the_submission(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Aff-Wild2").mkdir()
    labels, _, _ = write_aff_wild2(tmp_path / "Aff-Wild2")
    asked = {name: 50 for name, (folder, _) in VIDEOS.items() if folder == "Validation_Set"}
    lines = [f"{name}/{k + 1:05d}.jpg,-5,-5" for name, n in asked.items() for k in range(n)]
    sample = tmp_path / "Aff-Wild2" / "CVPR_6th_ABAW_VA_test_set_sample.txt"
    sample.write_text("\n".join(["image_location,valence,arousal", *lines]))
    cells = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert len(cells) == 4
    assert QUICK[0] in cells[1]
    page = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Left out|Some frames")
        for cell in cells:
            exec(compile(cell.replace(*QUICK), "docs/aff_wild2.md", "exec"), page)
    for name, values in labels.items():
        n = len(page["y"]["valence"][name])
        np.testing.assert_array_equal(page["y"]["valence"][name].frames[:, 0], values[:n, 0])
        assert n == len(page["X"]["audio"][name]) == len(page["X"]["video"][name])
    assert set(page["scores"]) == {
        "fit_time",
        "score_time",
        "test_ccc",
        "test_ccc_valence",
        "test_ccc_arousal",
    }
    assert "ccc_arousal" in capsys.readouterr().out
    written = pd.read_csv("predictions.txt")
    assert written["image_location"].tolist() == [line.split(",")[0] for line in lines]
    first = page["predicted"]["valence"].iloc[0].frames[:, 0]
    np.testing.assert_allclose(written["valence"][: len(first)], np.clip(first, -1, 1), rtol=1e-6)
