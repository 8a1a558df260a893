"""A table of recordings overrules the names of files, and shares them."""

import warnings

import numpy as np
import pytest

from avfusion.datasets import _manifest, load_folder


@pytest.fixture
def folder(tmp_path):
    """Two faces of each of two videos, with one sound."""
    rng = np.random.default_rng(0)
    for name in ("audio", "video", "labels"):
        (tmp_path / name).mkdir()
    for video in ("001", "002"):
        np.save(tmp_path / "audio" / f"{video}.npy", rng.normal(size=(40, 3)))
        for side in ("left", "right"):
            np.save(tmp_path / "video" / f"{video}_{side}.npy", rng.normal(size=(10, 2)))
            np.save(tmp_path / "labels" / f"{video}_{side}.npy", rng.normal(size=10))
    (tmp_path / "recordings.csv").write_text(
        "recording,audio,subject,partition,audio_start_s,rate_hz\n"
        "002_right,002,s3,devel,0.5,\n"
        "001_left,001.npy,s1,train,,\n"
        "001_right,audio/001.npy,s2,train,,\n"
        "002_left,,s1,devel,,\n"
    )
    return tmp_path


def refused(folder, text, match):
    (folder / "recordings.csv").write_text(text)
    with pytest.raises(ValueError, match=match):
        load_folder(folder)


def test_faces_share_one_sound(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        X, y = load_folder(folder, rate_hz={"audio": 20, "video": 5, "labels": 5})
    assert list(X.index) == list(y.index) == ["002_right", "001_left", "001_right", "002_left"]
    assert list(X.columns) == ["subject", "partition", "audio", "video"]
    assert X["audio"].isna().tolist() == [False, False, False, True]
    assert X["audio"].array.frames.shape == (80, 3)  # 001 once
    np.testing.assert_array_equal(X.loc["001_left", "audio"].frames, X.loc["001_right", "audio"].frames)
    known = np.load(folder / "audio" / "002.npy").astype(np.float32)
    np.testing.assert_array_equal(X.loc["002_right", "audio"].frames, known)
    assert X["audio"].array.starts_s[:3].tolist() == [0.5, 0, 0]
    assert X["partition"].tolist() == ["devel", "train", "train", "devel"]


def test_rates_of_recordings(folder):
    (folder / "recordings.csv").write_text(
        "recording,audio,audio_rate_hz,labels_rate_hz\n001_left,001,20,5\n002_left,002,10,5\n"
    )
    with pytest.warns(UserWarning, match=r"Not read: .*recordings\.csv does not list it"):
        X, y = load_folder(folder)
    assert X["audio"].array.rates_hz.tolist() == [20, 10]
    assert y["label"].dtype.rate_hz == 5


def test_files_elsewhere_in_the_folder(folder):
    (folder / "faces").mkdir()
    np.save(folder / "faces" / "x.npy", np.ones((4, 1)))
    (folder / "recordings.csv").write_text("recording,eyes\n001_left,faces/x.npy\n")
    with pytest.warns(UserWarning, match="Not read"):
        X, _ = load_folder(folder)
    assert X.loc["001_left", "eyes"].shape == (4, 1)


@pytest.mark.parametrize("path", ["../x.npy", "/etc/passwd", "audio/../../x.npy", "C:\\x.npy", "..\\x.npy"])
def test_paths_stay_within_the_folder(folder, path):
    np.save(folder.parent / "x.npy", np.zeros((3, 3)))
    refused(
        folder, f"recording,audio\n001_left,{path}\n", r"of the recording '001_left', leads out of the fold"
    )


def test_what_is_wrong_with_the_table_is_named(folder):
    refused(
        folder, "recording,audio\n001_left,nothing.npy\n", r"'nothing\.npy' of 'audio', .* does not exist"
    )
    refused(folder, "name,audio\n001_left,001\n", r"recordings\.csv needs the column 'recording'")
    refused(folder, "recording,audio\na,001\na,002\n", "two rows for the recording 'a'")
    refused(folder, "recording,audio\na,001\n,002\n", "no name for the recording in row 1")
    refused(folder, "recording,audio,rate_hz\na,001,fast\n", "recordings.csv: Column 'rate_hz' holds text")


@pytest.mark.parametrize("name", ["../x", "a\x1b[31m", "a\u202eb", 201 * "x"])
def test_names_of_recordings_are_those_of_files(folder, name):
    (folder / "recordings.csv").write_text(f"recording,audio\n{name},001.npy\n")
    with pytest.raises(ValueError, match=r"recordings.csv: The name|is no text") as caught:
        load_folder(folder, labels=False)
    assert len(str(caught.value)) < 320
    assert str(caught.value).isprintable()


def test_a_long_name_of_a_file_is_cut_in_the_message(folder):
    (folder / "recordings.csv").write_text(f"recording,audio\na,{100_000 * 'x'}\n")
    with pytest.raises(
        ValueError, match=r"xxx\.\.\., of the recording|the file 'xxx.*does not exist"
    ) as caught:
        load_folder(folder)
    assert len(str(caught.value)) < 320


def test_reading_a_table_grows_with_its_rows_alone(folder, monkeypatch):
    """Each file of the folder is looked at once, not once for each row."""
    listed = []
    real = _manifest.split_name
    monkeypatch.setattr(_manifest, "split_name", lambda name: listed.append(name) or real(name))
    (folder / "recordings.csv").write_text("recording,audio\n" + "".join(f"r{k},001\n" for k in range(500)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X, _ = load_folder(folder, labels=False)
    assert len(X) == 500
    assert len(listed) <= len(list((folder / "audio").iterdir())) + 500


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("recording,Audio", r"has a column 'Audio': rename it 'audio', whose files it names"),
        ("recording,audio_file", r"has a column 'audio_file': rename it 'audio'"),
        ("recording,sound_start_s", r"has a column 'sound_start_s', but there is no modality of this name"),
    ],
)
def test_columns_that_nearly_say_something_are_refused(folder, columns, message):
    (folder / "recordings.csv").write_text(f"{columns}\n001_left,1\n")
    with pytest.raises(ValueError, match=message):
        load_folder(folder)


def test_spaces_around_a_name_are_not_part_of_it(folder):
    (folder / "recordings.csv").write_text("recording,audio\n 001_left , 001 \n")
    X, _ = load_folder(folder)
    assert X.index.tolist() == ["001_left"]


def test_files_in_folders_of_sessions_are_read_where_a_table_names_them(tmp_path):
    (tmp_path / "audio" / "s1").mkdir(parents=True)
    np.save(tmp_path / "audio" / "s1" / "a.npy", np.arange(4.0))
    with pytest.raises(ValueError, match=r"name files in sub-folders in a table recordings\.csv"):
        load_folder(tmp_path)
    (tmp_path / "recordings.csv").write_text("recording,audio\nr,s1/a.npy\n")
    X, _ = load_folder(tmp_path)
    assert X.loc["r", "audio"].frames.ravel().tolist() == [0, 1, 2, 3]
