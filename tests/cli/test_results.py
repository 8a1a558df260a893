"""Files that the commands write."""

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.cli._results import predict_table, save_files
from avfusion.cli._tables import save_table


class Predicts:
    """Returns what it is given."""

    def __init__(self, predictions):
        self.predictions = predictions

    def predict(self, X):
        return self.predictions


X = av.as_sequences({"audio": [np.ones((2, 1)), np.ones((3, 1))], "labels": [np.ones((1, 1))] * 2}).assign(
    subject=["a", "b"]
)


def header(names):
    return {"modalities": ["audio"], "targets": {"names": names}}


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_predictions_stand_beside_metadata(tmp_path, suffix):
    frames = np.empty(2, dtype=object)
    frames[:] = [np.zeros(2), np.ones(3)]
    table = predict_table(Predicts(frames), header(["mood"]), X)
    assert list(table.columns) == ["subject", "mood"]
    save_table(table, tmp_path / f"p{suffix}")
    again = (pd.read_parquet if suffix == ".parquet" else pd.read_feather)(tmp_path / f"p{suffix}")
    assert again["mood"].iloc[1].frames.ravel().tolist() == [1, 1, 1]
    assert [file.name for file in tmp_path.iterdir()] == [f"p{suffix}"]


def test_a_csv_file_has_a_row_for_each_step(tmp_path):
    labels = {"mood": [[0.5, 0.25], None, [1.0]], "joy": [[1.0, 2.0], None, [3.0]]}
    table = av.as_sequences(labels, dtype="float64", rate_hz=4).assign(subject=["s", "t", "s"])
    save_table(table.set_axis(["a", "b", "c"]), tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines() == [
        "recording,subject,step,time_s,mood,joy",
        "a,s,0,0.0,0.5,1.0",
        "a,s,1,0.25,0.25,2.0",
        "c,s,0,0.0,1.0,3.0",
    ]
    save_table(
        pd.DataFrame({"mood": [1.0, 2.0]}, index=pd.Index(["a", "b"], name="clip")), tmp_path / "p.csv"
    )
    assert (tmp_path / "p.csv").read_text().splitlines() == ["clip,mood", "a,1.0", "b,2.0"]


def test_numbers_per_clip_become_a_column_for_each_target():
    table = predict_table(Predicts(np.array([[1.0, 2.0], [3.0, 4.0]])), header(["arousal", "valence"]), X)
    assert table["valence"].tolist() == [2, 4]


def test_a_folder_has_a_file_for_each_recording(tmp_path):
    labels = {"mood": [[0.5, 0.25], None, [1.0]], "joy": [[1.0, 2.0], None, [3.0]]}
    table = av.as_sequences(labels, dtype="float64", rate_hz=4).assign(subject=["s", "t", "s"])
    save_files(table.set_axis(["a", "b", "c.wav"]), tmp_path / "p")
    assert sorted(file.name for file in (tmp_path / "p").iterdir()) == ["a.csv", "c.wav.csv"]
    assert (tmp_path / "p" / "a.csv").read_text() == "mood,joy\n0.5,1.0\n0.25,2.0\n"
    assert [file.name for file in tmp_path.iterdir()] == ["p"]


def test_a_folder_of_predictions_is_read_back_as_labels(tmp_path):
    rng = np.random.default_rng(0)
    columns = {"mood": [rng.normal(size=n) for n in (5, 9)], "joy": [rng.normal(size=n) for n in (5, 9)]}
    table = av.as_sequences(columns, dtype="float64").set_axis(["a", "b"])
    save_files(table, tmp_path / "labels")
    (tmp_path / "audio").mkdir()
    for name in table.index:
        np.save(tmp_path / "audio" / f"{name}.npy", np.zeros((9, 1)))
    _, y = av.datasets.load_folder(tmp_path)
    for target in columns:
        for name in table.index:
            np.testing.assert_allclose(y[target][name].frames, table[target][name].frames, rtol=1e-15)


def test_a_folder_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    table = av.as_sequences({"mood": [[0.5], [1.0]]}).set_axis(["a", "b"])
    write, calls = pd.DataFrame.to_csv, []

    def fails_at_the_second(self, *arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError("No space left on device")
        write(self, *arguments, **options)

    monkeypatch.setattr(pd.DataFrame, "to_csv", fails_at_the_second)
    with pytest.raises(OSError, match="No space"):
        save_files(table, tmp_path / "p")
    assert not list(tmp_path.iterdir())


def test_predictions_per_clip_go_into_one_file(tmp_path):
    with pytest.raises(ValueError, match=r"per clip: write them to one file, --output .*p\.csv"):
        save_files(pd.DataFrame({"mood": [1.0]}), tmp_path / "p")


def test_of_two_that_predict_into_one_new_folder_the_last_is_there(tmp_path, monkeypatch):
    def table(names, target="mood"):
        return av.as_sequences({target: [[0.5]] * len(names)}).set_axis(list(names))

    write = pd.DataFrame.to_csv

    def slowly(self, path, **options):
        write(self, path, **options)
        if path.name == "a.csv":  # meanwhile, another process ends
            save_files(table("bc"), tmp_path / "p")

    monkeypatch.setattr(pd.DataFrame, "to_csv", slowly)
    save_files(table("a"), tmp_path / "p")
    assert [file.name for file in (tmp_path / "p").iterdir()] == ["a.csv"]
    assert [file.name for file in tmp_path.iterdir()] == ["p"]
    monkeypatch.undo()
    for foreign in ("notes.txt", "c.csv"):
        with pytest.raises(FileExistsError, match="It is no folder of predictions"):
            save_files(table("a", "joy"), tmp_path / "p")
        (tmp_path / "p" / foreign).write_text("mine")
        with pytest.raises(FileExistsError, match="It is no folder of predictions"):
            save_files(table("a"), tmp_path / "p")
