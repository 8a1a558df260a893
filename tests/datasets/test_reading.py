"""All files of a folder are read once each."""

import pickle
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from avfusion.datasets import _reading, import_folder, load_folder
from avfusion.datasets._layout import Layout, Source, layout_of
from avfusion.datasets._reading import Reading

HOW = ({"keep": ()}, {"keep": (), "valid": False})


@pytest.fixture
def folder(tmp_path):
    for name in ("audio", "labels"):
        (tmp_path / name).mkdir()
        for k in range(3):
            np.save(tmp_path / name / f"{k}.npy", np.full((4, 1), k))
    return tmp_path


def test_a_file_of_several_recordings_is_read_once(folder, monkeypatch):
    read = Counter()
    monkeypatch.setattr(
        _reading, "read_ahead", lambda paths: (read.update([p]) or _reading_of(p) for p in paths)
    )
    path = folder / "audio" / "0.npy"
    layout = Layout({"audio": [Source(path, name) for name in "abc"]})
    reading = Reading(folder, layout, {}, skip_damaged=False)
    reading.all_files(*HOW)
    assert read == {path: 1}
    assert {row.number for row in reading.streams["audio"].rows.values()} == {0}


def _reading_of(path):
    from avfusion.formats._registry import read_parts

    return read_parts(path)


def test_one_file_with_two_starts_is_two(folder):
    path = folder / "audio" / "0.npy"
    layout = Layout({"audio": [Source(path, "a", rate_hz=2.0), Source(path, "b", rate_hz=2.0, start_s=5.0)]})
    reading = Reading(folder, layout, {}, skip_damaged=False)
    reading.all_files(*HOW)
    assert reading.streams["audio"].column(["a", "b"]).starts_s.tolist() == [0, 5]


def test_frames_go_where_they_are_told(folder):
    kept = {}

    class Kept(list):
        def append(self, frames, *more):
            super().append(frames)
            return len(self) - 1

    reading = Reading(
        folder,
        layout_of(folder),
        {},
        skip_damaged=False,
        frames=lambda name, dtype: kept.setdefault(name, Kept()),
    )
    reading.all_files(*HOW)
    assert {name: len(blocks) for name, blocks in kept.items()} == {"audio": 3, "labels": 3}
    assert list(reading.names()) == ["0", "1", "2"]


def test_labels_lie_beside_features_in_a_file_of_a_modality(tmp_path):
    (tmp_path / "audio").mkdir()
    np.savez(tmp_path / "audio" / "a.npz", features=np.ones((4, 2)), labels=np.zeros(4))
    reading = Reading(tmp_path, layout_of(tmp_path), {}, skip_damaged=False)
    reading.all_files(*HOW)
    assert list(reading.streams) == ["audio"]
    assert list(reading.labels[None].rows) == ["a"]


def test_a_file_of_the_streams_of_one_recording_is_called_after_it(tmp_path):
    for name in ("a", "b"):
        np.savez(tmp_path / f"{name}.npz", audio=np.ones((4, 2)), video=np.ones((4, 3)))
    reading = Reading(tmp_path, layout_of(tmp_path), {}, skip_damaged=False)
    reading.all_files(*HOW)
    assert {name: list(stream.rows) for name, stream in reading.streams.items()} == {
        "audio": ["a", "b"],
        "video": ["a", "b"],
    }


def test_labels_without_steps_are_those_of_whole_recordings(tmp_path):
    np.savez(tmp_path / "audio.npz", a=np.ones((4, 2)), b=np.ones((3, 2)))
    (tmp_path / "labels.pkl").write_bytes(pickle.dumps({"a": 0.5, "b": 1.0, "unknown": 2.0}))
    reading = Reading(tmp_path, layout_of(tmp_path), {}, skip_damaged=False)
    reading.all_files(*HOW)
    assert reading.collect("targets") == {"a": {"label": 0.5}, "b": {"label": 1.0}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"audio = {400 * '9'}", "must be positive and finite, not 999"),
        ("audio = [25]", "must be a number"),
        ("audio = true", "must be a number"),
        ("audio = 2001-01-01", "must be a number"),
        ("audio = 1e-320", "must be positive and finite"),
        (f"a = {5000 * '['}", "recursion"),
        (f"{30_000 * 'a.'}a = 1", "It has more than 10000 full stops"),
    ],
)
def test_a_rate_is_a_number_or_named_with_its_file(folder, text, reason):
    (folder / "rates.toml").write_text(text)
    with pytest.raises(ValueError, match=rf"rates.toml cannot be read: .*{reason}"):
        Reading(folder, layout_of(folder), {}, skip_damaged=False)


def test_rates_may_begin_with_a_mark_of_byte_order(folder):
    (folder / "rates.toml").write_text("a = 7", encoding="utf-8-sig")
    with pytest.raises(ValueError, match=r"rates\.toml names 'a'"):
        Reading(folder, layout_of(folder), {}, skip_damaged=False).all_files(*HOW)


def test_rates_that_are_given_are_a_dict_of_numbers(folder):
    for rates in (25, [25], "audio"):
        with pytest.raises(TypeError, match=r"rate_hz must be a dict such as \{'audio': 25\}, not"):
            Reading(folder, layout_of(folder), rates, skip_damaged=False)
    with pytest.raises(TypeError, match=r"must be a number .* not \[25\]"):
        Reading(folder, layout_of(folder), {"audio": [25]}, skip_damaged=False)


def test_a_folder_for_each_recording_is_not_read_the_other_way_round(tmp_path):
    for name in ("clip1", "clip2"):
        (tmp_path / name).mkdir()
        for modality in ("audio", "video"):
            np.save(tmp_path / name / f"{modality}.npy", np.zeros((3, 1)))
    read = Reading(tmp_path, layout_of(tmp_path), {}, skip_damaged=False)
    read.all_files(*HOW)
    with pytest.raises(ValueError, match=r"put clip1/audio into audio/clip1"):
        read.names()


def test_a_rate_that_contradicts_the_table_of_recordings_is_refused(folder):
    layout = Layout(streams={"audio": [Source(folder / "audio" / "0.npy", "0", rate_hz=25)]})
    with pytest.raises(ValueError, match=r"rate_hz is 10 for 'audio', but recordings\.csv has 25 for '0'"):
        Reading(folder, layout, {"audio": 10}, skip_damaged=False).all_files(*HOW)
    Reading(folder, layout, {"audio": 25}, skip_damaged=False).all_files(*HOW)


def test_clocks_since_1970_count_from_the_first_stream(tmp_path):
    for name, start in {"eda": 1544027337.0, "face": 1544027339.5}.items():
        (tmp_path / name).mkdir()
        times = start + np.arange(20) / 4
        table = pd.DataFrame({"timestamp": times, "value": np.sin(times)})
        table.to_csv(tmp_path / name / "a.csv", index=False)
    with pytest.warns(UserWarning, match="Set aside"):
        X, _ = load_folder(tmp_path)
    assert X["eda"].dtype.rate_hz == 4
    assert (X["eda"].iloc[0].start_s or 0.0, X["face"].iloc[0].start_s) == (0.0, 2.5)


def test_a_note_among_tables_is_passed_over(folder):
    (folder / "audio" / "notes.txt").write_text("Recorded on Monday.\n")
    with pytest.warns(UserWarning, match=r"Not read: 'audio/notes\.txt' \(it is no table\)"):
        assert len(load_folder(folder)[0]) == 3


def test_times_since_1970_at_no_rate_count_from_the_first_stream(tmp_path):
    beats = np.array([0.7, 1.6, 5.2, 5.9, 6.1, 9.4, 11.0])
    tables = {
        "eda": pd.DataFrame({"timestamp": 1544027337 + np.arange(20) / 4, "value": np.sin(np.arange(20))}),
        "beats": pd.DataFrame({"timestamp": 1544027337.5 + beats, "value": np.cos(beats)}),
    }
    for name, table in tables.items():
        (tmp_path / name).mkdir()
        table.to_csv(tmp_path / name / "a.csv", index=False)
    with pytest.warns(UserWarning, match="Set aside"):
        X, _ = load_folder(tmp_path)
    np.testing.assert_allclose(X["beats"].iloc[0].times_s[:, 0], 0.5 + beats, atol=2e-6)
    with pytest.raises(ValueError, match="times since 1970 at no rate, which are not imported"):
        import_folder(tmp_path, tmp_path.parent / "store")


def test_parts_that_begin_with_different_frames_need_a_rate(tmp_path):
    for name, start in {"face": 401, "labels": 351}.items():
        (tmp_path / name).mkdir()
        table = pd.DataFrame({"frame": start + np.arange(60), "value": np.sin(np.arange(60))})
        table.to_csv(tmp_path / name / "a.csv", index=False)
    with pytest.raises(
        ValueError, match=r"face/a\.csv begins with frame 401, and .*with frame 351: say rate_hz"
    ):
        load_folder(tmp_path)
    with pytest.warns(UserWarning, match="Set aside"):
        X, y = load_folder(tmp_path, {"face": 25, "labels": 25})
    assert (X["face"].iloc[0].start_s, y["value"].iloc[0].start_s) == (16.0, 14.0)
