"""The page on adding a method: its notebook runs as it stands, and its files make a method of the package."""

import re
import runpy
import sys
from pathlib import Path

import pytest

import avfusion as av
from tests.estimators.conftest import ragged

__all__ = ["ragged"]

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "add_your_method.md").read_text(encoding="utf-8")


def test_the_notebook_runs():
    cells = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert len(cells) >= 8
    page = {"__name__": "__main__"}
    main = sys.modules["__main__"]
    for cell in cells:
        exec(compile(cell, "docs/add_your_method.md", "exec"), page)
        for name, value in page.items():  # as in a notebook, pickle finds classes in __main__
            if isinstance(value, type) and value.__module__ == "__main__":
                setattr(main, name, value)
    assert {"FiLM", "early fusion"} == set(page["result"].table.index)
    assert set(page["search"].best_params_) == {"core__rank", "dropout"}


def files():
    found = re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    return dict(found)


def test_three_files_are_a_method(tmp_path, ragged):
    assert sorted(files()) == [
        "avfusion/fusion/film.py",
        "docs/pictures/film.toml",
        "tests/fusion/test_film.py",
    ]
    path = tmp_path / "film.py"
    path.write_text(files()["avfusion/fusion/film.py"])
    film = runpy.run_path(str(path))
    assert set(film["__all__"]) == {"FiLM", "FiLMRegressor"}
    av.fusion.check_core(film["FiLM"], rank=2)
    model = film["FiLMRegressor"](rank=2, hidden_size=4, max_epochs=1, random_state=0).fit(*ragged)
    assert "{" not in type(model).__doc__.split("References")[0].replace('{"', "")
    assert model.net_.module_.network.core.reduce.out_features == 2
    with pytest.raises(ValueError, match="The 'rank' parameter of FiLMRegressor must be"):
        model.set_params(rank=0).fit(*ragged)


def test_its_picture_can_be_drawn(tmp_path):
    path = tmp_path / "film.toml"
    path.write_text(files()["docs/pictures/film.toml"])
    nodes, arrows = runpy.run_path(str(ROOT / "docs" / "make_pictures.py"))["read"](path)
    assert {end for arrow in arrows for end in arrow} == set(nodes)
