"""Which files are read, and which are passed over with the reason."""

import os

import numpy as np
import pytest

from avfusion.datasets._layout import describe_passed_over, layout_of, reason_against


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "audio").mkdir()
    np.save(tmp_path / "audio" / "a.b.npy", np.zeros(3))
    (tmp_path / "audio" / "c.tsv").write_text("x\ty\n1\t2\n")
    return tmp_path


def test_each_recording_has_the_name_of_its_file(folder):
    layout = layout_of(folder)
    assert [source.recording for source in layout.streams["audio"]] == ["a.b", "c"]
    assert layout.passed_over == {}


def test_what_is_passed_over_has_a_reason(folder):
    for name in ("film.mp4", "README.txt", ".hidden.npy"):
        (folder / "audio" / name).write_text("x")
    (folder / "audio" / "old").mkdir()
    (folder / "audio" / "gone.npy").symlink_to(folder / "nowhere.npy")
    os.mkfifo(folder / "audio" / "pipe.npy")
    (folder / "partition.csv").write_text("id,proposal\n1,train\n")
    (folder / "labels.xlsx").write_text("x")
    layout = layout_of(folder)
    assert {path.name: reason for path, reason in layout.passed_over.items()} == {
        "film.mp4": "no format of this kind is known",
        "old": "it is a folder within a modality's folder",
        "gone.npy": "it is a link to nothing",
        "pipe.npy": "it is no regular file",
        "partition.csv": "it is in no modality's folder",
        "labels.xlsx": "it must be named labels.csv",
    }
    assert "'audio/film.mp4' (no format of this kind is known)" in describe_passed_over(
        layout.passed_over, folder
    )
    assert len(layout.streams["audio"]) == 2


def test_a_folder_without_files_that_are_read_names_those_that_are_there(folder):
    (folder / "video").mkdir()
    (folder / "video" / "a.mp4").write_text("x")
    with pytest.raises(ValueError, match=r"video holds no file that is read, but 'a\.mp4': put one"):
        layout_of(folder)


def test_a_recording_has_one_file(folder):
    (folder / "audio" / "c.csv").write_text("x,y\n1,2\n")
    with pytest.raises(ValueError, match=r"c\.csv and .*c\.tsv are the same recording: remove one"):
        layout_of(folder)


def test_devices_are_not_read():
    assert reason_against(__import__("pathlib").Path("/dev/zero")) == "it is no regular file"


def test_no_fifo_is_opened_wherever_it_stands(folder):
    names = ["labels.csv", "metadata.csv", "recordings.csv", "rates.toml", "text.h5", "words.npz"]
    for name in names:
        os.mkfifo(folder / name)
    os.mkfifo(folder / "audio" / "d.csv")
    (folder / "faces.pkl").symlink_to("/dev/zero")
    layout = layout_of(folder)
    assert not layout.containers
    passed_over = {path.name: reason for path, reason in layout.passed_over.items()}
    assert passed_over == dict.fromkeys([*names, "d.csv", "faces.pkl"], "it is no regular file")


@pytest.mark.parametrize("name", ["x\n\x1b[31my", " ", "a\u202egpj", "\udcff", 201 * "x"])
def test_names_that_nobody_can_see_are_passed_over(folder, name):
    np.save(folder / "audio" / f"{name}.npy", np.zeros(3))
    (folder / name).mkdir()
    layout = layout_of(folder)
    assert list(layout.streams) == ["audio"]
    assert [source.recording for source in layout.streams["audio"]] == ["a.b", "c"]
    words = describe_passed_over(layout.passed_over, folder)
    assert words.isprintable()
    assert words.count("blank, long, or holds characters nobody can see") == 2


def test_long_names_leave_messages_short(folder):
    for letter in "abcd":
        (folder / "audio" / f"{200 * letter}.doc").touch()
    assert len(describe_passed_over(layout_of(folder).passed_over, folder)) < 320


def test_a_store_is_no_folder_of_recordings(folder):
    from avfusion.store import write_store

    write_store(folder / "store", {"audio": [np.zeros((3, 2))]})
    with pytest.raises(ValueError, match=r"store is a store already: open it with avfusion.read_store"):
        layout_of(folder / "store")


@pytest.mark.parametrize(
    "name", ["Labels", "label", "LABELS", "annotations", "gold_standard", "GroundTruth", "arousal"]
)
def test_labels_under_another_name_are_not_read_as_features(folder, name):
    (folder / name).mkdir()
    np.save(folder / name / "c.npy", np.zeros(3))
    with pytest.raises(
        ValueError, match=f"{name} would be read as features, and there are no labels: name it labels"
    ):
        layout_of(folder)
    (folder / "labels.csv").write_text("recording,mood\na.b,1\nc,2\n")
    assert set(layout_of(folder).streams) == {"audio", name}


def test_tables_in_capitals_are_refused(folder):
    (folder / "Metadata.csv").write_text("recording,subject\nc,1\n")
    with pytest.raises(ValueError, match=r"Metadata.csv is not read under this name: rename it metadata.csv"):
        layout_of(folder)
