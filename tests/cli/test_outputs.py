"""Where results may go."""

import os
import re
from pathlib import Path

import pytest

from avfusion.cli._outputs import check_file, check_names, check_parent, check_predictions, check_results


@pytest.fixture
def data(tmp_path, monkeypatch):
    (tmp_path / "data" / "audio").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return "data"


def test_the_recordings_are_not_replaced(data, tmp_path):
    (tmp_path / "clips.parquet").touch()
    for where, source in (("clips.parquet", "./clips.parquet"), ("data", "data")):
        with pytest.raises(ValueError, match="would replace the recordings themselves"):
            check_parent(Path(where), source)


@pytest.mark.parametrize("where", ["data/results", "data/audio/results", "data/audio"])
def test_nothing_goes_into_the_folder_of_the_recordings(data, where):
    with pytest.raises(ValueError, match="in the folder of the recordings, data, and would be read"):
        check_parent(Path(where), data)


def test_a_link_into_it_is_seen_through(data, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "data" / "audio")
    with pytest.raises(ValueError, match="in the folder of the recordings"):
        check_parent(Path("link/results"), data)


def test_places_beside_it_are_fine(data):
    check_parent(Path("results"), data)
    check_parent(Path("data-results"), data)
    check_file(Path("m.model"), data)
    check_file(Path("audio.model"), "synthetic")


def test_where_one_stands_in_the_data(data, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path / "data")
    with pytest.raises(ValueError, match=re.escape("such as ../results.")):
        check_parent(Path("results"), ".")
    check_parent(Path("../results"), ".")


def test_predictions_are_a_file_or_a_new_folder(data, tmp_path):
    assert check_predictions("p.csv", data) == Path("p.csv")
    assert check_predictions("p", data) == check_predictions("p/", data) == Path("p")
    (tmp_path / "empty").mkdir()
    assert check_predictions("empty", data) == Path("empty")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.csv").touch()
    (tmp_path / "file").touch()
    for text, words in {
        "full": "is there already",
        "file": "is there already",
        "p.txt": "must end in .parquet or .feather or .csv",
        "v1.0/": "no full stop in its name",
        "gone/p": "there is no folder gone",
        "data/labels": "in the folder of the recordings",
        "data/p.csv": "in the folder of the recordings",
    }.items():
        with pytest.raises(ValueError, match=re.escape(words)):
            check_predictions(text, data)


@pytest.mark.parametrize(
    "names",
    [["a/b"], ["../a"], [".."], [""], ["a", "a"], ["a", "A"], ["x" * 300], ["a\0"], ["c:a"], ["a\\b"]],
)
def test_names_that_no_files_can_have(names):
    with pytest.raises(ValueError, match="cannot be the names of files"):
        check_names(names)


def test_names_that_files_have():
    check_names(["a.wav", "1-30-1280x720", "é", 7, ".hidden"])


def test_what_is_no_file_or_folder_is_refused_before_the_work(data, tmp_path):
    (tmp_path / "file.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"file\.txt is there already, and is no folder"):
        check_results(Path("file.txt"), data)
    with pytest.raises(OSError, match="the current folder"):
        check_results(Path(), "synthetic")
    with pytest.raises(OSError, match="a device, a pipe"):
        check_file(Path("/dev/null"), data)
    with pytest.raises(OSError, match="is a stream"):
        check_file(Path("/dev/stdout"), data)
    os.symlink("loop.csv", "loop.csv")
    with pytest.raises(OSError, match=r"loop\.csv"):
        check_file(Path("loop.csv"), data)
    os.unlink("loop.csv")
    check_results(Path("new"), data)
    check_predictions("new", data)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "file.txt"]


def test_what_a_killed_writer_left_goes_also_where_its_result_is_not_replaced(data, tmp_path):
    digits = 32 * "0"
    for name in ("p", f".p.{digits}.part", f".q.{digits}.part"):
        (tmp_path / name).mkdir()
    (tmp_path / "p" / "a.csv").touch()
    (tmp_path / f".p.{digits}.lock").touch()
    with pytest.raises(ValueError, match="is there already"):
        check_predictions("p", data)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".q.{digits}.part", "data", "p"]
