"""Rows of official partitions."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import PredefinedSplit
from typer.testing import CliRunner

import avfusion as av
from avfusion.cli import app
from avfusion.cli._partitions import official_fold
from avfusion.cli._recordings import Recordings


@pytest.fixture
def recordings():
    X = av.as_sequences({"audio": [[1.0, 2.0]] * 5})
    return Recordings(
        "clips", X.assign(partition=["train", "devel", "train", "test", None], fold=range(5)), None
    )


def test_a_partition_is_one_fold(recordings):
    [(train, test)] = official_fold(["partition=train", "fold=4"], ["partition=devel"], recordings)
    assert train.tolist() == [0, 2, 4]
    assert test.tolist() == [1]
    assert official_fold(None, None, recordings) is None


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        (["partition=train"], None, "--train and --test go together"),
        (["part=train"], ["fold=1"], "--train part: clips has no such metadata column. Nearest: partition."),
        (["partition"], ["fold=1"], "--train partition must have the form COLUMN=VALUE"),
        (["partition=trian"], ["fold=1"], "'partition' of clips has no such value. Nearest: train."),
        (["partition=train"], ["fold=2"], "--train and --test have 1 recordings in common"),
    ],
)
def test_what_is_no_partition_is_refused(recordings, train, test, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        official_fold(train, test, recordings)


def test_a_folder_is_compared_on_its_partition(tmp_path):
    data = tmp_path / "data"
    rng = np.random.default_rng(0)
    for modality in ("audio", "labels"):
        (data / modality).mkdir(parents=True)
    for name in range(9):
        signal = rng.normal(size=30)
        np.save(data / "audio" / f"{name}.npy", np.c_[signal + rng.normal(size=30), rng.normal(size=30)])
        np.save(data / "labels" / f"{name}.npy", signal)
    partition = ["train"] * 5 + ["devel"] * 2 + ["test"] * 2
    pd.DataFrame({"recording": range(9), "partition": partition}).to_csv(data / "metadata.csv", index=False)
    (tmp_path / "ridge.yaml").write_text("ridge: FrameRegressor")
    arguments = [
        "compare",
        data,
        "-e",
        tmp_path / "ridge.yaml",
        "--scoring",
        "ccc",
        "-o",
        tmp_path / "out",
    ]
    options = ["--train", "partition=train", "--test", "partition=devel"]
    result = CliRunner().invoke(app, [*map(str, arguments), *options])
    assert result.exit_code == 0, result.output
    X, y = av.datasets.load_folder(data)
    official = PredefinedSplit([-1] * 5 + [0] * 2)
    expected = av.compare(
        {"ridge": av.FrameRegressor()}, X[:7], y[:7], cv=official, scoring="ccc", verbose=False
    )
    found = pd.read_csv(tmp_path / "out" / "folds.csv")
    np.testing.assert_allclose(found["ccc"], expected.folds["ccc"])
    assert (found["n_train"].item(), found["n_test"].item()) == (5, 2)
