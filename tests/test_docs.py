"""The page on fusion methods tells of all of them, and its pictures are those that the script draws."""

import re
import runpy
from pathlib import Path

from avfusion import all_estimators

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "which_fusion.md").read_text()
DRAWN = runpy.run_path(str(DOCS / "make_pictures.py"))


def test_every_published_method_has_a_section_with_its_source_and_picture():
    sections = {s.partition("\n")[0]: s for s in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]}
    table = all_estimators()
    for name, source in table["published in"].items():
        if source:
            own = [text for text in sections.values() if f"`{name}`." in text]
            assert len(own) == 1, name
            assert source.removeprefix("arXiv ") in own[0]
            assert "](pictures/" in own[0]


def test_pictures_are_all_shown_and_all_there():
    shown = re.findall(r"pictures/(\w+)\.svg", PAGE)
    drawn = sorted(p.stem for p in (DOCS / "pictures").glob("*.svg"))
    assert sorted(set(shown)) == sorted(DRAWN["pictures"]()) == drawn


def test_arrows_lead_from_box_to_box_and_nothing_is_left_alone():
    for name, (nodes, arrows) in DRAWN["pictures"]().items():
        ends = {end for arrow in arrows for end in arrow}
        assert ends == set(nodes), name


def test_the_code_on_the_page_runs():
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(block, names)
    table = names["result"].to_frame()
    assert table.loc["audio + video", "importance"] > table.loc["video", "importance"] > 0


def test_the_code_on_reading_a_comparison_runs(capsys):
    names = {}
    page = (DOCS / "results.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(block, names)
    assert "ccc of each target" in capsys.readouterr().out
    assert (names["differences"].loc["arousal", "conclusion"] == "worse").all()


def test_the_code_on_the_situation_runs():
    names = {}
    for block in re.findall(r"```python\n(.*?)```", (DOCS / "situation.md").read_text(), flags=re.DOTALL):
        exec(block, names)
    assert "one constant per story" in names["result"].situation.table.index
