"""The files of a comparison of several targets."""

import pandas as pd
from sklearn.linear_model import Ridge

from avfusion.model_selection import compare
from avfusion.model_selection.comparison._saving import figure_of
from tests.model_selection.comparison.targets import NAMES, several


def test_every_target_is_in_the_files(tmp_path):
    result = several()
    folder = result.save(tmp_path / "results")
    targets = pd.read_csv(folder / "targets.csv")
    pd.testing.assert_frame_equal(targets, result.targets, check_dtype=False)
    assert {"ccc_low", "ccc_high", "ccc_fold_std", "ccc_group_mean"} <= set(targets)
    text = (folder / "table.md").read_text()
    assert text == result.to_markdown(by_target=True)
    assert [line for line in text.splitlines() if line.startswith("**")] == [
        "**Mean of 3 targets**", *(f"**{name}**" for name in NAMES)
    ]  # fmt: skip
    assert (folder / "table.tex").read_text() == result.to_latex(by_target=True)
    assert len(figure_of(result).axes) == 4


def test_files_of_many_targets_have_their_mean_only(tmp_path):
    import numpy as np

    X = np.random.default_rng(0).normal(size=(30, 21))
    result = compare({"ridge": Ridge()}, X, X, scoring="mae", cv=2, verbose=False)
    folder = result.save(tmp_path)
    assert (folder / "table.md").read_text() == result.to_markdown()
    assert len(pd.read_csv(folder / "targets.csv")) == 21
    assert len(figure_of(result).axes) == 1
