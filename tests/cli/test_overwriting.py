import os

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion import persistence
from avfusion.cli._overwriting import check_not_read, check_replaced_model, check_replaced_table

HEADER = {"targets": {"names": ["mood"]}, "modalities": {"audio": {}}}


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    (folder / "audio").mkdir(parents=True)
    np.save(folder / "audio" / "a.npy", np.zeros((3, 2)))
    return folder


def _same(data, tmp_path):
    return data / "audio" / "a.npy"


def _the_folder(data, tmp_path):
    return data


def _new_in_it(data, tmp_path):
    return data / "audio" / "b.npy"


def _link_to_it(data, tmp_path):
    (tmp_path / "link").symlink_to(data / "audio" / "a.npy")
    return tmp_path / "link"


def _link_to_the_folder(data, tmp_path):
    (tmp_path / "link").symlink_to(data)
    return tmp_path / "link" / "results"


def _hard_link(data, tmp_path):
    os.link(data / "audio" / "a.npy", tmp_path / "hard")
    return tmp_path / "hard"


def _by_way_of_a_neighbour(data, tmp_path):
    (tmp_path / "other").mkdir()
    return tmp_path / "other" / ".." / "data" / "audio" / "a.npy"


@pytest.mark.parametrize(
    "output",
    [_same, _the_folder, _new_in_it, _link_to_it, _link_to_the_folder, _hard_link, _by_way_of_a_neighbour],
)
def test_what_is_read_is_never_overwritten(data, tmp_path, output):
    with pytest.raises(ValueError, match=r"would overwrite .* which this command reads"):
        check_not_read(output(data, tmp_path), None, "synthetic", data)


def test_files_are_known_by_links_too_and_others_may_be_written(data, tmp_path):
    file = tmp_path / "r.yaml"
    file.write_text("r: Ridge")
    (tmp_path / "s.yaml").symlink_to(file)
    with pytest.raises(ValueError, match="would overwrite"):
        check_not_read(tmp_path / "s.yaml", data, file)
    check_not_read(tmp_path / "results", data, file)
    check_not_read(tmp_path / "data2", data, file)


def test_only_a_model_is_replaced_by_a_model(tmp_path):
    path = tmp_path / "a.model"
    check_replaced_model(path)
    path.write_text("notes")
    with pytest.raises(ValueError, match="is no model: choose another name, or --force"):
        check_replaced_model(path)
    check_replaced_model(path, force=True)
    persistence.save(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), path)
    check_replaced_model(path)


WRITE = {
    ".parquet": lambda table, path: table.to_parquet(path),
    ".feather": lambda table, path: table.to_feather(path),
    ".csv": lambda table, path: table.to_csv(path, index=False),
}


@pytest.mark.parametrize("suffix", WRITE)
def test_only_predictions_of_such_a_model_are_replaced_by_them(tmp_path, suffix):
    path = tmp_path / f"p{suffix}"
    check_replaced_table(path, HEADER)
    WRITE[suffix](pd.DataFrame({"subject": ["a"], "mood": [0.5]}), path)
    check_replaced_table(path, HEADER)
    for other in ({"subject": ["a"]}, {"mood": [0.5], "audio": [1.0]}):
        WRITE[suffix](pd.DataFrame(other), path)
        with pytest.raises(ValueError, match=r"is no table of predictions of this model.*--force"):
            check_replaced_table(path, HEADER)
        check_replaced_table(path, HEADER, force=True)
    path.write_bytes(b"\x00\xff no table")
    with pytest.raises(ValueError, match="--force"):
        check_replaced_table(path, HEADER)


def test_recordings_are_no_predictions(tmp_path):
    recordings = av.as_sequences({"audio": [np.zeros((3, 2))], "mood": [np.zeros((3, 1))]})
    recordings.to_parquet(tmp_path / "clips.parquet")
    with pytest.raises(ValueError, match="--force"):
        check_replaced_table(tmp_path / "clips.parquet", HEADER)
