"""The texts that commands share fit on a terminal and name what is there."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from avfusion.cli import _options as options
from avfusion.cli import app
from avfusion.cli._estimators import _classes


@pytest.mark.parametrize("name", ["DATA_HELP", "ESTIMATORS_HELP", "EXIT_CODES"])
def test_texts_keep_their_lines_and_fit_80_columns(name):
    text = getattr(options, name)
    assert text.startswith("\b\n")
    assert max(map(len, text.splitlines())) <= 78  # the help indents by two


def test_examples_are_lines_that_can_be_pasted():
    assert options.examples("describe synthetic", "compare synthetic") == (
        "\b\nExamples:\n  avfusion describe synthetic\n  avfusion compare synthetic"
    )


def test_classes_of_the_example_are_known():
    named = [
        line.partition(":")[0].strip(" -") for line in options.ESTIMATORS_HELP.splitlines() if "- " in line
    ]
    assert len(named) == 5
    assert set(named) <= set(_classes())


@pytest.fixture
def recordings(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((40, 2)) < 0.2, -5, rng.uniform(-1, 1, (40, 2)))
    faces = pd.DataFrame({"frame": range(40), "success": rng.random(40) > 0.5, "AU04_r": rng.normal(size=40)})
    for modality, table in {"video": faces, "labels": pd.DataFrame(labels, columns=["A1", "A2"])}.items():
        (tmp_path / modality).mkdir()
        table.to_csv(tmp_path / modality / "clip.csv", index=False)
    return tmp_path


def describe(folder, *arguments):
    result = CliRunner().invoke(app, ["describe", str(folder), *arguments])
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines()]


def test_a_folder_is_described_as_asked(recordings):
    lines = describe(recordings, "--raters", "mean", "--missing-label", "-5")
    assert ["video", "1"] in [line[:2] for line in lines]
    assert ["label", "frame"] in [line[:2] for line in lines]
    notes = [line for line in lines[lines.index(["Notes"]) + 1 :] if line[:1] == ["-"]]
    assert [note[:6] for note in notes] == [["-", "Set", "aside", "as", "bookkeeping:", "'frame',"]]
    lines = describe(recordings, "--target", "A2", "--valid", "none", "--keep", "frame")
    assert ["video", "2"] in [line[:2] for line in lines]
    assert any("A2 is -5" in " ".join(line) for line in lines)
    assert not any("not valid" in " ".join(line) for line in lines)
