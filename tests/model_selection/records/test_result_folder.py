"""A folder holds one result, and what its user keeps there."""

import dataclasses
import os

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion._checksums import SUMS
from avfusion.model_selection.records._result_folder import (
    COMPARISON,
    SEARCH,
    check_result_folder,
    result_folder,
)


def write(folder, kind, text, names=None):
    with result_folder(folder, kind) as part:
        for name in names or kind.always:
            (part / name).write_text(text)


@pytest.mark.parametrize("kind", [COMPARISON, SEARCH])
def test_nothing_of_an_older_result_stays(kind, tmp_path):
    folder = tmp_path / "new" / "result"
    write(folder, kind, "old", [*kind.always, *kind.more])
    left = f".{kind.always[0]}.0123456789abcdef.part"  # of a version that wrote file by file
    for name in (left, "notes.txt", ".gitignore", ".notes.txt.1.part"):
        (folder / name).write_text("mine")
    check_result_folder(folder, kind)
    write(folder, kind, "new")
    kept = {"notes.txt", ".gitignore", ".notes.txt.1.part"}
    assert {path.name: path.read_text() for path in folder.iterdir() if path.name != SUMS} == (
        dict.fromkeys(kind.always, "new") | dict.fromkeys(kept, "mine")
    )
    assert os.listdir(tmp_path / "new") == ["result"]


@pytest.mark.parametrize(
    ("names", "kind", "named"),
    [
        (["table.csv"], COMPARISON, "table.csv"),  # a table of the user's
        (["plot.png", "thesis.tex"], COMPARISON, "plot.png"),
        (SEARCH.always, COMPARISON, "settings.json, trials.csv"),
        (COMPARISON.always, SEARCH, "predictions.parquet, settings.json, table.csv"),
    ],
)
def test_files_of_our_names_that_are_no_such_result_are_not_replaced(names, kind, named, tmp_path):
    for name in names:
        (tmp_path / name).write_text("mine")
    for call in (lambda: check_result_folder(tmp_path, kind), lambda: write(tmp_path, kind, "new")):
        with pytest.raises(FileExistsError, match=f"holds {named}, but is no result of {kind.writer}"):
            call()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(names, "mine")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "result").write_text("mine")
    with pytest.raises(FileExistsError, match="is there already, and is no folder: choose another name"):
        check_result_folder(tmp_path / "result", COMPARISON)
    assert (tmp_path / "result").read_text() == "mine"


def test_a_comparison_and_what_else_lies_there(tmp_path):
    numbers = np.random.default_rng(0).normal(size=(40, 2))
    settings = {"scoring": "mae", "verbose": False}
    result = av.compare({"a": Ridge()}, numbers, numbers[:, 0], groups=np.arange(40) % 4, **settings)
    other = dataclasses.replace(result, groups=result.groups.iloc[:0], recipe=None)
    folder = result.save(tmp_path / "r")
    assert {file.name for file in folder.iterdir()} <= {*COMPARISON.always, *COMPARISON.more, SUMS}
    (folder / "notes.txt").write_text("mine")
    (folder / "variant").mkdir()
    other.save(folder / "variant")
    other.save(folder)
    assert not {"groups.csv", "recipe.joblib"} & set(os.listdir(folder))  # which only the first one had
    assert (folder / "notes.txt").read_text() == "mine"
    assert pd.read_csv(folder / "variant" / "table.csv")["estimator"].tolist() == ["a"]
