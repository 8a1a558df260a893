"""Recordings in a folder: what they become, and the errors for those that cannot be read."""

import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from avfusion.datasets import load_folder
from avfusion.sequences import LabelMarkerWarning

RNG = np.random.default_rng(0)
AUDIO = {"a": RNG.normal(size=(50, 3)), "b": RNG.normal(size=(75, 3)), "c": RNG.normal(size=(25, 3))}
VIDEO = {"a": RNG.normal(size=(4, 2)), "c": RNG.normal(size=(2, 2))}


def write(folder, modality, name, values, header=None):
    (folder / modality).mkdir(exist_ok=True)
    if header is None:
        np.save(folder / modality / f"{name}.npy", values)
    else:
        pd.DataFrame(values, columns=header or None).to_csv(
            folder / modality / f"{name}.csv", index=False, header=bool(header)
        )


@pytest.fixture
def folder(tmp_path):
    for name, values in AUDIO.items():
        write(tmp_path, "audio", name, values)
    for name, values in VIDEO.items():
        write(tmp_path, "video", name, values, header=["smile", "gaze"])
    for name, values in AUDIO.items():
        write(
            tmp_path,
            "labels",
            name,
            np.full((len(values) // 25, 2), len(values)),
            header=["arousal", "valence"],
        )
    return tmp_path


def refused(folder, *words, **options):
    with pytest.raises(ValueError, match=".*".join(map(re.escape, words))):
        load_folder(folder, **options)


def test_frames_are_those_of_the_files(folder):
    X, y = load_folder(folder, rate_hz={"audio": 25, "video": 2, "labels": 1})
    assert list(X.index) == ["a", "b", "c"]
    assert list(map(str, X.dtypes)) == ["sequence[float32, 3, 25Hz]", "sequence[float32, 2, 2Hz]"]
    for name, values in AUDIO.items():
        np.testing.assert_array_equal(X.loc[name, "audio"].frames, values.astype(np.float32))
    for name, values in VIDEO.items():  # through text
        np.testing.assert_allclose(X.loc[name, "video"].frames, values, rtol=1e-6)
    assert X["video"].isna().tolist() == [False, True, False]
    assert list(y.columns) == ["arousal", "valence"]
    assert str(y["valence"].dtype) == "sequence[float64, 1, 1Hz]"
    np.testing.assert_array_equal(y.loc["b", "valence"].frames, np.full((3, 1), 75.0))


def test_empty_cells_are_nan_and_lines_without_names_are_steps(folder):
    (folder / "video" / "a.csv").write_text("1,2\n,4\n5,nan\n")
    (folder / "video" / "c.csv").write_text("7,8\n")
    X, _ = load_folder(folder)
    np.testing.assert_array_equal(X.loc["a", "video"].frames, [[1, 2], [np.nan, 4], [5, np.nan]])
    assert X.loc["c", "video"].shape == (1, 2)


def test_labels_without_names(folder):
    for name in AUDIO:
        (folder / "labels" / f"{name}.csv").unlink()
        np.save(folder / "labels" / f"{name}.npy", np.zeros(3))
    assert list(load_folder(folder)[1].columns) == ["label"]
    for name in AUDIO:
        np.save(folder / "labels" / f"{name}.npy", np.zeros((3, 2)))
    assert list(load_folder(folder)[1].columns) == ["label 0", "label 1"]


def test_labels_per_clip_and_metadata_follow_the_names(folder):
    for file in (folder / "labels").iterdir():
        file.unlink()
    (folder / "labels").rmdir()
    (folder / "labels.csv").write_text("recording,mood\nc,3\na,1\nb,\n")
    (folder / "metadata.csv").write_text("recording,subject\nb,s2\na,s1\nc,s1\n")
    X, y = load_folder(folder)
    assert X["subject"].tolist() == ["s1", "s2", "s1"]
    np.testing.assert_array_equal(y["mood"], [1, np.nan, 3])


def test_names_that_look_like_numbers_stay_names(tmp_path):
    for name in ("007", "08"):
        write(tmp_path, "audio", name, np.zeros((2, 1)))
    (tmp_path / "labels.csv").write_text("recording,mood\n007,1\n08,2\n")
    X, y = load_folder(tmp_path)
    assert X.index.tolist() == y.index.tolist() == ["007", "08"]


def test_without_labels_there_is_no_y(folder):
    for file in (folder / "labels").iterdir():
        file.unlink()
    (folder / "labels").rmdir()
    assert load_folder(folder)[1] is None


def test_given_rates_override_those_of_the_file(folder):
    (folder / "rates.toml").write_text("audio = 100\nlabels = 4\n")
    X, y = load_folder(folder, rate_hz={"audio": 50})
    assert X.dtypes["audio"].rate_hz == 50
    assert X.dtypes["video"].rate_hz is None
    assert y.dtypes["arousal"].rate_hz == 4


def test_hidden_files_are_passed_over_and_others_listed(folder):
    (folder / "audio" / ".a.npy").write_text("")
    (folder / "audio" / "README.md").write_text("")
    (folder / ".cache").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_folder(folder)
    for name in ("video/b.mp4", "audio/d.wav", "audio/e.docx", "labels/b.odt", "metadata.xlsx"):
        (folder / name).write_text("")
    with pytest.warns(
        UserWarning,
        match=r"Not read: 'audio/d.wav', 'audio/e.docx', 'labels/b.odt' "
        r"and 1 more \(no format .*'metadata.xlsx' \(",
    ):
        assert load_folder(folder)[0].shape == (3, 2)


def test_labels_of_other_recordings_are_left_out_with_a_warning(folder):
    write(folder, "labels", "z", np.zeros((1, 2)), header=["arousal", "valence"])
    with pytest.warns(UserWarning, match=r"labels has recordings without features.*'z'"):
        assert len(load_folder(folder)[1]) == 3


def test_missing_labels_are_named(folder):
    (folder / "labels" / "b.csv").unlink()
    refused(folder, "'b' has no labels: ", "b.csv (or .npy) is missing. Put it there")


def test_missing_lines_are_named(folder):
    (folder / "metadata.csv").write_text("recording,subject\na,1\n")
    refused(folder, "metadata.csv has no row for 'b', 'c': add one")


def test_repeated_lines_are_named(folder):
    (folder / "metadata.csv").write_text("recording,subject\na,1\nb,1\nc,1\na,2\n")
    refused(folder, "metadata.csv has two rows for the recording 'a'")


def test_tables_need_the_column_recording(folder):
    (folder / "metadata.csv").write_text("name,subject\na,1\n")
    refused(folder, "metadata.csv needs the column 'recording'", "'name', 'subject'")


def test_labels_per_clip_are_numbers(folder, tmp_path):
    for file in (folder / "labels").iterdir():
        file.unlink()
    (folder / "labels").rmdir()
    (folder / "labels.csv").write_text("recording,mood\na,sad\nb,glad\nc,mad\n")
    refused(folder, "labels.csv, column 'mood': labels are numbers. Move the column to metadata.csv")


def test_two_kinds_of_labels_are_refused(folder):
    (folder / "labels.csv").write_text("recording,mood\na,1\nb,2\nc,3\n")
    refused(folder, "labels per step in", "per clip in", "remove one")


def test_unequal_widths_name_both_files(folder):
    write(folder, "audio", "c", np.zeros((5, 4)))
    refused(folder, "c.npy has 4 columns per step, but", "a.npy has 3")


def test_columns_are_matched_by_name(folder):
    write(folder, "video", "c", VIDEO["c"][:, ::-1], header=["gaze", "smile"])
    X, _ = load_folder(folder)
    np.testing.assert_allclose(X.loc["c", "video"].frames, VIDEO["c"], rtol=1e-6)
    write(folder, "video", "c", VIDEO["c"], header=["gaze", "frown"])
    refused(folder, "c.csv has the column 'frown', but", "a.csv has not")


def openface(folder):
    for name, values in VIDEO.items():
        table = pd.DataFrame(values, columns=[" AU04_r", " AU12_r"])
        table.insert(0, " success", np.arange(len(values)) != 1)
        table.insert(0, "frame", np.arange(len(values)))
        table.to_csv(folder / "video" / f"{name}.csv", index=False)
    return folder


def test_bookkeeping_is_told_once_with_the_steps_that_failed(folder):
    with pytest.warns(
        UserWarning, match=r"^Set aside as bookkeeping: 'frame', 'success' \(in 'video'\)"
    ) as caught:
        X, _ = load_folder(openface(folder))
    (message,) = (str(warning.message) for warning in caught)
    assert message.endswith(" 33% of the steps of 'video' are NaN, by 'success' not valid.")
    assert caught[0].filename == __file__
    assert np.isnan(X.loc["a", "video"].frames).any(axis=1).tolist() == [False, True, False, False]
    assert X["video"].dtype.width == 2


def test_missing_frames_are_told(folder):
    (openface(folder) / "video" / "a.csv").write_text("frame,AU04_r,AU12_r\n1,2,3\n2,2,3\n5,2,3\n")
    with pytest.warns(UserWarning, match="2 frames that are missing in 'video' are steps of NaN"):
        assert load_folder(folder)[0].loc["a", "video"].shape == (5, 2)


@pytest.mark.filterwarnings("ignore:Set aside")
def test_names_that_no_file_has_are_refused(folder):
    assert load_folder(openface(folder), keep=["frame"])[0]["video"].dtype.width == 3
    refused(
        folder, "keep names 'timestamp', but no file of features", "'frame', 'success'", keep=["timestamp"]
    )
    refused(folder, "valid names 'confidence', but no file of features", valid="confidence")


def test_markers_for_no_label_are_told_and_taken_out(tmp_path):
    labels = RNG.uniform(-1, 1, 50)
    labels[::5] = -5
    for modality, values in {"audio": RNG.normal(size=(50, 2)), "labels": labels}.items():
        write(tmp_path, modality, "a", values)
    with pytest.warns(LabelMarkerWarning, match="label is -5 in 10 of 50") as caught:
        load_folder(tmp_path)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, y = load_folder(tmp_path, missing_label=-5)
    np.testing.assert_array_equal(y.loc["a", "label"].frames[:, 0], np.where(labels == -5, np.nan, labels))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "It is empty"),
        (b"not numpy", "no array"),
        (np.array([1, 2, 3], dtype=object), "Python objects"),
        (np.zeros((2, 3, 4)), "(2, 3, 4)"),
        (np.array(["x"]), "real numbers"),
    ],
)
def test_unreadable_arrays_are_named(folder, content, reason):
    path = folder / "audio" / "b.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    refused(folder, "b.npy cannot be read: ", reason, "numpy.save")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "It is empty"),
        ("smile,gaze\n1,happy\n", "Column 'gaze' holds text"),
        ("1,2\n3,4,5\n", "Expected 2"),
    ],
)
def test_unreadable_lines_are_named(folder, content, reason):
    (folder / "video" / "a.csv").write_text(content)
    refused(folder, "a.csv cannot be read: ", reason)


def test_a_recording_has_one_file_per_modality(folder):
    write(folder, "audio", "a", AUDIO["a"], header=["x", "y", "z"])
    refused(folder, "a.csv and", "a.npy are the same recording")


def test_an_empty_folder_says_what_belongs_there(tmp_path):
    refused(tmp_path, "holds no recordings. It needs a sub-folder for each modality")
    (tmp_path / "audio").mkdir()
    refused(tmp_path, "audio holds no file that is read: put one")


def test_rates_of_unknown_modalities_are_refused(folder):
    refused(folder, "rate_hz names 'sound', but there are only audio, labels, video", rate_hz={"sound": 25})
    (folder / "rates.toml").write_text("sound = 25\n")
    refused(folder, "rates.toml names 'sound'")
    (folder / "rates.toml").write_text("audio: 25\n")
    refused(folder, "rates.toml cannot be read", "audio = 25")


def test_metadata_does_not_have_the_name_of_a_modality(folder):
    (folder / "metadata.csv").write_text("recording,audio\na,1\nb,1\nc,1\n")
    refused(folder, "metadata.csv: the column 'audio' has the name of a modality")


def test_a_damaged_file_costs_its_recording_if_that_is_asked_for(folder):
    (folder / "video" / "c.csv").write_bytes(b"\x93NUMPY truncated")
    refused(folder, "c.csv cannot be read: ")
    with pytest.warns(
        UserWarning, match=r"Damaged files were skipped, with their recordings: .*c\.csv cannot"
    ):
        X, y = load_folder(folder, skip_damaged=True)
    assert list(X.index) == list(y.index) == ["a", "b"]
    (folder / "labels" / "a.csv").write_text("")
    with pytest.warns(UserWarning, match=r"a\.csv cannot be read.* 1 more: 'c\.csv'"):
        assert list(load_folder(folder, skip_damaged=True)[0].index) == ["b"]


def test_if_all_files_are_damaged_the_first_is_named(tmp_path):
    write(tmp_path, "audio", "a", np.zeros(3))
    (tmp_path / "audio" / "a.npy").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"a\.npy cannot be read"):
        load_folder(tmp_path, skip_damaged=True)


def test_labels_do_not_matter_where_they_are_not_wanted(folder):
    (folder / "labels" / "a.csv").write_text("")
    X, y = load_folder(folder, labels=False)
    assert (len(X), y) == (3, None)
    assert "labels" not in X


def test_names_that_nearly_match_are_pointed_at(folder):
    (folder / "video" / "a.csv").rename(folder / "video" / "A.csv")
    said = pytest.warns(UserWarning, match=r"'a' in 'audio' and 'A' in 'video' may be the same recording")
    with said, pytest.raises(ValueError, match="'A' has no labels"):
        load_folder(folder)
    for name in "bc":
        (folder / "audio" / f"{name}.npy").unlink()
    (folder / "video" / "c.csv").unlink()
    refused(folder, "No recording has all of 'audio', 'video', 'labels': 'a' in 'audio' and 'A' in 'video'")


def test_a_file_beside_the_folders_may_hold_a_modality(folder, monkeypatch):
    from avfusion.formats import _npz
    from avfusion.formats._format import Part

    def read(path):
        yield Part(np.ones((4, 2)), recording="a", rate_hz=2.0, about={"site": "x"}, targets={"mood": 1.0})
        yield Part(np.zeros((3, 2)), recording="b", rate_hz=2.0, about={"site": "y"}, targets={"mood": 2.0})

    monkeypatch.setattr("avfusion.formats._registry.formats", lambda: (replace(_npz.FORMAT, read=read),))
    (folder / "only").mkdir()
    path = folder / "only" / "text.npz"
    path.write_bytes(b"x")
    X, y = load_folder(folder / "only")
    assert list(X.columns) == ["site", "text"]
    assert X["text"].dtype.rate_hz == 2
    assert y["mood"].tolist() == [1, 2]
    X, y = load_folder(path)
    assert X["site"].tolist() == ["x", "y"]


def test_where_no_recording_is_left_the_damage_is_the_error(tmp_path):
    write(tmp_path, "audio", "a", AUDIO["a"])
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.csv").write_text("mood\nhigh\n")
    for remove in (None, tmp_path / "audio" / "a.npy"):
        if remove is not None:
            for file in (tmp_path / "audio").iterdir():
                file.unlink()
            (tmp_path / "audio" / "a.csv").write_text("x\nlow\n")
        with pytest.raises(ValueError, match=r"a.csv cannot be read: .* holds text"):
            load_folder(tmp_path, skip_damaged=True)


def test_a_modality_of_damaged_files_alone_leaves_the_others(tmp_path):
    for name in "ab":
        write(tmp_path, "audio", name, AUDIO[name])
    (tmp_path / "video").mkdir()
    (tmp_path / "video" / "a.csv").write_text("x\nlow\n")
    with pytest.warns(UserWarning, match="Damaged files were skipped"):
        X, _ = load_folder(tmp_path, skip_damaged=True)
    assert list(X.index) == ["b"]
    assert list(X.columns) == ["audio"]


def test_what_is_read_can_be_written_to_parquet(tmp_path):
    for name in AUDIO:
        write(tmp_path, "audio", name, AUDIO[name])
    (tmp_path / "metadata.csv").write_text("recording,subject\na,s1\nb,s2\nc,s2\n")
    (tmp_path / "labels.csv").write_text("recording,mood\na,1\nb,2\nc,3\n")
    tables = load_folder(tmp_path)
    (tmp_path / "recordings.csv").write_text("recording,session\na,1\nb,2\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tables += load_folder(tmp_path)
    for table in tables:
        table.to_parquet(tmp_path / "table.pq")
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "table.pq"), table)


def test_features_with_the_name_of_a_target_are_pointed_at(tmp_path):
    write(tmp_path, "audio", "a", RNG.normal(size=(6, 2)), ["f0", "Valence"])
    write(tmp_path, "labels", "a", RNG.normal(size=(6, 1)), ["valence"])
    with pytest.warns(UserWarning, match="features of 'audio' have the names of targets: 'Valence'"):
        load_folder(tmp_path)


def test_the_home_folder_may_be_written_short(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path, "audio", "a", RNG.normal(size=(6, 2)))
    assert load_folder("~")[0].index.tolist() == ["a"]


def test_rows_that_an_index_lacks_are_told(tmp_path):
    (tmp_path / "audio").mkdir()
    table = pd.DataFrame({"f0": RNG.normal(size=12)})
    table.drop([4, 5]).to_csv(tmp_path / "audio" / "a.csv")
    with pytest.warns(UserWarning, match=r"a.csv lacks rows by its 'Unnamed: 0'.*call the column frame"):
        assert len(load_folder(tmp_path)[0].loc["a", "audio"]) == 10
    table.drop([4, 5]).to_csv(tmp_path / "audio" / "a.csv", index_label="frame")
    assert len(load_folder(tmp_path)[0].loc["a", "audio"]) == 12
    table.to_csv(tmp_path / "audio" / "a.csv")
    with pytest.warns(UserWarning, match="Set aside") as told:
        load_folder(tmp_path)
    assert "lacks" not in str(told[0].message)


@pytest.mark.parametrize(("stride", "told"), [(5, True), (1, False)])
def test_a_rate_beside_every_fifth_frame_is_told(tmp_path, stride, told):
    (tmp_path / "face").mkdir()
    table = pd.DataFrame({"frame": stride * np.arange(12), "AU01": RNG.normal(size=12)})
    table.to_csv(tmp_path / "face" / "a.csv", index=False)
    with pytest.warns(UserWarning, match="Set aside") as warned:
        load_folder(tmp_path, {"face": 30})
    assert ("numbered in steps of 5: 30 Hz" in str(warned[0].message)) == told
    assert ("say 6." in str(warned[0].message)) == told
