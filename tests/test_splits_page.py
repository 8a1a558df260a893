"""The code on the page on splits runs, and shows what the page says."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "splits.md").read_text(encoding="utf-8")


def test_the_code_on_the_page_runs(capsys):
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(block, names)
    result = names["result"]
    assert result.settings["n_folds"] == 16
    assert result.novelty["share_new"].tolist() == [1.0, 1.0]
    assert "recording seen in training" in capsys.readouterr().out


def test_the_shares_of_training_rows_are_those_of_full_tables():
    for parts, share in ((4, "56 %"), (3, "44 %")):
        assert f"{round(100 * (1 - 1 / parts) ** 2)} %" == share
        assert share in PAGE
