"""Rows of official partitions."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import PredefinedSplit
from typer.testing import CliRunner

import avfusion as av
from avfusion.cli import app
from avfusion.cli._partitions import (
    check_is_no_partition,
    official_fold,
    official_partition,
    rows_named,
    warn_of_partition,
)
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


@pytest.mark.parametrize("value", ["1", "1.0", " 1"])
def test_numbers_are_equal_however_they_are_written(recordings, value):
    X = recordings.X.assign(part=[1, 2, np.nan, 1, 2])
    assert rows_named("--test", [f"part={value}"], Recordings("clips", X, None)).tolist() == [0, 3]
    with pytest.raises(ValueError, match="has no such value"):
        rows_named("--test", ["part=nan"], Recordings("clips", X, None))


SPY = """
from pathlib import Path
import numpy as np
from avfusion import FrameRegressor, OnFrames
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

class Spy(FrameRegressor):
    def fit(self, X, y, groups=None):
        with open(Path(__file__).with_name("seen.txt"), "a") as file:
            print(*X.index, file=file)
            print(float(np.abs(X["audio"].array.pack().frames).max()), file=file)
        return super().fit(X, y)

estimators = {"spy": make_pipeline(OnFrames(StandardScaler()), Spy())}
"""


@pytest.mark.parametrize("table", ["metadata.csv", "recordings.csv"])
def test_nothing_of_the_test_rows_reaches_training(tmp_path, table):
    """Their features are a thousand times as large, which a scaler that saw them would show."""
    data = tmp_path / "data"
    rng = np.random.default_rng(0)
    partition = ["train"] * 4 + ["devel"] * 2 + ["test"] * 3
    for modality in ("audio", "labels"):
        (data / modality).mkdir(parents=True)
    for name, part in zip("abcdefghi", partition):
        signal = rng.normal(size=30)
        np.save(data / "audio" / f"{name}.npy", signal * (1000 if part == "test" else 1))
        np.save(data / "labels" / f"{name}.npy", signal)
    listed = pd.DataFrame(
        {"recording": list("abcdefghi"), "partition": partition, "subject": list("112233123")}
    )
    listed.to_csv(data / table, index=False)
    (tmp_path / "mine.py").write_text(SPY.replace("__file__", repr(str(tmp_path / "mine.py"))))
    options = ["--train", "partition=train", "--train", "partition=devel", "--test", "partition=test"]
    arguments = ["compare", data, "-e", tmp_path / "mine.py", *options, "-o", tmp_path / "out", "-q"]
    with pytest.warns(UserWarning, match="rows of one subject are trained on and tested"):
        result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    rows, largest = (tmp_path / "seen.txt").read_text().splitlines()
    assert rows.split() == list("abcdef")
    train = np.concatenate([np.load(data / "audio" / f"{name}.npy") for name in "abcdef"])
    assert float(largest) == pytest.approx(np.abs((train - train.mean()) / train.std()).max(), rel=1e-5)
    folds = pd.read_csv(tmp_path / "out" / "folds.csv")
    assert (folds["n_train"].item(), folds["n_test"].item()) == (6, 3)


@pytest.mark.parametrize("values", [["train", "devel", "test"], ["Train", "Val"], ["training", "validation"]])
def test_an_official_partition_is_no_group(values):
    with pytest.raises(ValueError, match=rf"--train partition={values[0]} --test partition={values[1]}"):
        check_is_no_partition("partition", pd.Series(values))


@pytest.mark.parametrize(
    "values", [["s1", "s2"], ["train", "bus", "car"], ["train"], ["test", "retest"], [1, 2]]
)
def test_other_groups_are_groups(values):
    check_is_no_partition("subject", pd.Series(values))


def test_cross_validation_over_a_partition_is_warned_of(recordings):
    with pytest.warns(UserWarning, match="--train partition=train --test partition=devel"):
        warn_of_partition(recordings)
    X = recordings.X.drop(columns="partition").assign(site=["train", "bus", "bus", "bus", "bus"])
    assert official_partition(Recordings("clips", X, None)) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_partition(Recordings("clips", X, None))
