"""Results are whole or not there, and predictions stand beside the metadata."""

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.cli._results import predict_table, save_comparison, save_table

X = av.as_sequences({"audio": [[[1.0]], [[2.0], [3.0]]], "depth": [[[0.0]], [[0.0]]]}).assign(
    subject=["a", "b"]
)


class Constant:
    """Answers one thing to the streams that it may see."""

    def __init__(self, answer):
        self.answer = answer

    def predict(self, X):
        assert list(X.columns) == ["audio", "subject"]
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [
        np.array([5.0, 6.0]),
        pd.Series([5.0, 6.0], name="arousal"),
        pd.DataFrame({"arousal": [5.0, 6.0]}),
    ],
)
def test_predictions_per_clip_replace_the_streams(answer):
    header = {"modalities": {"audio": {}}, "targets": {"names": ["arousal"]}}
    table = predict_table(Constant(answer), header, X)
    pd.testing.assert_frame_equal(table, pd.DataFrame({"subject": ["a", "b"], "arousal": [5.0, 6.0]}))


def test_arrays_per_frame_become_sequences():
    answer = np.empty(2, dtype=object)
    answer[:] = [np.array([1.0]), np.array([2.0, 3.0])]
    header = {"modalities": {"audio": {}}, "targets": {"names": ["arousal"]}}
    table = predict_table(Constant(answer), header, X)
    assert [cell.frames.ravel().tolist() for cell in table["arousal"]] == [[1.0], [2.0, 3.0]]


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_tables_are_read_back(suffix, tmp_path):
    path = tmp_path / f"table{suffix}"
    save_table(X, path)
    read = pd.read_parquet if suffix == ".parquet" else pd.read_feather
    pd.testing.assert_frame_equal(read(path), X)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


class Result:
    groups = pd.DataFrame()

    def __init__(self, fails=False):
        self.fails = fails

    def save(self, folder):
        from pathlib import Path

        Path(folder).mkdir(exist_ok=True)
        Path(folder, "table.csv").write_text("new")
        if self.fails:
            raise OSError("disk full")
        return Path(folder)


def test_a_folder_that_was_there_keeps_other_files(tmp_path):
    for name in ("table.csv", "groups.csv", "notes.txt"):
        (tmp_path / name).write_text("old")
    save_comparison(Result(), tmp_path)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "table.csv": "new",
        "notes.txt": "old",
    }


@pytest.mark.parametrize("there", [True, False])
def test_a_failure_changes_nothing(there, tmp_path):
    folder = tmp_path / "results"
    if there:
        folder.mkdir()
        (folder / "table.csv").write_text("old")
    with pytest.raises(OSError, match="disk full"):
        save_comparison(Result(fails=True), folder)
    assert [file.read_text() for file in tmp_path.rglob("*.*")] == ["old"] * there
