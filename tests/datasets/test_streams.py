"""Files of one modality: what is set aside as bookkeeping, which steps are not valid, and one clock."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from avfusion.datasets._layout import Source
from avfusion.datasets._streams import InMemory, Stream
from avfusion.formats._registry import read_parts

RNG = np.random.default_rng(0)


def openface(n_steps, failed):
    """A table as OpenFace writes it: names with spaces in front, zeros where no face was found."""
    ok = np.ones(n_steps)
    ok[failed] = 0
    return pd.DataFrame(
        {
            "frame": np.arange(1, n_steps + 1),
            " face_id": 0,
            " timestamp": np.round(np.arange(n_steps) / 30, 3),
            " confidence": 0.98 * ok - 0.2 * (np.arange(n_steps) == 0),
            " success": ok.astype(int),
            " AU04_r": (2 + RNG.random(n_steps)) * ok,
            " AU12_r": (1 + RNG.random(n_steps)) * ok,
        }
    )


@pytest.fixture
def faces(tmp_path):
    paths = []
    for name, n_steps in {"a": 30, "b": 20}.items():
        paths.append(tmp_path / f"{name}.csv")
        openface(n_steps, [3, 4]).to_csv(paths[-1], index=False)
    return paths


def read_streams(paths, **options):
    stream = Stream(InMemory(np.float64), **options)
    for path in filter(None, paths):
        for part in read_parts(path):
            stream.add(path.stem, part, Source(path, path.stem))
    stream.array = stream.column([path.stem if path else "without" for path in paths])
    stream.cells = [None if cell is pd.NA else cell.frames for cell in stream.array]
    return stream


def refused(paths, *words, **options):
    with pytest.raises(ValueError, match=".*".join(map(re.escape, words))):
        read_streams(paths, **options)


def test_bookkeeping_is_set_aside_and_failed_steps_are_nan(faces):
    streams = read_streams([*faces, None])
    assert streams.names == ["AU04_r", "AU12_r"]
    assert streams.aside == ["frame", "face_id", "timestamp", "confidence", "success"]
    assert [None if frames is None else frames.shape for frames in streams.cells] == [(30, 2), (20, 2), None]
    for frames in streams.cells[:2]:
        assert np.flatnonzero(np.isnan(frames).any(axis=1)).tolist() == [3, 4]
        assert np.nanmin(frames) >= 1
    assert (streams.n_failed, streams.n_steps) == ({"success": 4}, 50)


def test_valid_names_a_column_a_threshold_or_nothing(faces):
    by_confidence = read_streams(faces, valid={"confidence": 0.8})
    assert np.flatnonzero(np.isnan(by_confidence.cells[1]).all(axis=1)).tolist() == [0, 3, 4]
    assert not np.isnan(read_streams(faces, valid=False).cells[0]).any()
    by_feature = read_streams(faces, valid={"AU12_r": 1.5})
    assert by_feature.names == ["AU04_r"]
    known = pd.read_csv(faces[0])[" AU12_r"] >= 1.5
    np.testing.assert_array_equal(~np.isnan(by_feature.cells[0][:, 0]), known)


@pytest.mark.parametrize("valid", [True, 0.5, {"confidence": "high"}, ["success"], {1: 0.5}])
def test_valid_is_a_name_or_thresholds(faces, valid):
    refused(faces, f"valid={valid}", "must be the name of a column", valid=valid)


def test_a_column_that_is_kept_is_a_feature(faces):
    assert read_streams(faces, keep=["confidence"]).names == ["confidence", "AU04_r", "AU12_r"]


def test_missing_frames_are_steps_of_nan(tmp_path):
    table = openface(30, [3])
    for name, kept in {"a": [*range(10), *range(15, 30)], "b": range(30)}.items():
        table.iloc[list(kept)].to_csv(tmp_path / f"{name}.csv", index=False)
    with_gap, whole = (read_streams([tmp_path / f"{name}.csv"]) for name in "ab")
    assert (with_gap.n_missing, with_gap.n_failed, whole.n_missing) == (5, {"success": 1}, 0)
    np.testing.assert_array_equal(np.isnan(with_gap.cells[0][:, 0]).nonzero()[0], [3, 10, 11, 12, 13, 14])
    np.testing.assert_array_equal(with_gap.cells[0][15:], whole.cells[0][15:])


def test_one_of_several_faces_is_kept(tmp_path):
    table = openface(10, [])
    pd.concat([table, table.assign(**{" face_id": 1})]).sort_values("frame").to_csv(
        tmp_path / "a.csv", index=False
    )
    with pytest.warns(UserWarning, match="2 faces"):
        assert read_streams([tmp_path / "a.csv"]).cells[0].shape == (10, 2)


def test_frames_that_are_repeated_are_refused(tmp_path):
    table = openface(10, []).drop(columns=[" face_id", " success"])
    pd.concat([table, table]).sort_values("frame").to_csv(tmp_path / "a.csv", index=False)
    refused([tmp_path / "a.csv"], "a.csv cannot be read: Its 'frame' has 1 after 1 in step 1")


def test_columns_that_count_through_all_recordings_are_set_aside(tmp_path):
    paths = [tmp_path / "a.npy", tmp_path / "b.npy"]
    for path, n_steps in zip(paths, (30, 12)):
        ramp, clock = np.linspace(-1, 1, n_steps), np.arange(n_steps) / 25
        np.save(path, np.c_[RNG.normal(size=n_steps), clock, np.arange(n_steps) * 40, ramp])
    streams = read_streams(paths)
    assert streams.aside == ["column 1", "column 2"]
    np.testing.assert_array_equal(streams.cells[1][:, 1], np.linspace(-1, 1, 12))
    assert read_streams(paths, keep=["1"]).aside == ["column 2"]


def test_what_only_counts_is_taken_as_it_is(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(20.0).reshape(10, 2))
    assert read_streams([tmp_path / "a.npy"]).cells[0].shape == (10, 2)


def test_a_table_of_bookkeeping_alone_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("frame,timestamp\n1,0.0\n2,0.04\n")
    refused([tmp_path / "a.csv"], "a.csv holds nothing but bookkeeping: its columns are 'frame', 'timestamp'")


def test_an_index_in_some_files_only(tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    frame = pd.DataFrame(RNG.normal(size=(8, 2)), columns=["smile", "gaze"])
    frame.to_csv(paths[0])
    frame.to_csv(paths[1], index=False)
    streams = read_streams(paths)
    np.testing.assert_array_equal(streams.cells[0], streams.cells[1])
    assert streams.aside == ["Unnamed: 0"]


def test_columns_are_matched_by_name(tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    paths[0].write_text("smile,gaze\n1,2\n")
    paths[1].write_text("gaze,smile\n2,1\n")
    np.testing.assert_array_equal(read_streams(paths).cells, [[[1, 2]], [[1, 2]]])
    paths[1].write_text("gaze,frown\n2,1\n")
    refused(paths, "b.csv has the column 'frown', but", "a.csv has not")


def test_a_long_line_is_not_quoted(tmp_path):
    (tmp_path / "a.csv").write_text(",".join(f"feature[{k}]" for k in range(5000)) + "\n1:2\n")
    with pytest.raises(ValueError, match=r"a\.csv cannot be read") as caught:
        read_streams([tmp_path / "a.csv"])
    assert len(str(caught.value)) < 500


@pytest.fixture
def clocks(tmp_path):
    """Write tables with clocks of the rates given, for clips a, b, ..."""

    def write(*rates, start=0.0):
        paths = []
        for name, rate in zip("abcd", rates):
            paths.append(tmp_path / f"{name}.csv")
            time = start + np.arange(40) / rate
            pd.DataFrame({"timestamp": time, "smile": RNG.normal(size=40)}).to_csv(paths[-1], index=False)
        return paths

    return write


def test_a_clock_gives_the_rate_and_the_start(clocks):
    paths = clocks(25, 25)
    column = read_streams(paths).array
    assert column.dtype.rate_hz == 25
    assert read_streams(clocks(25, 50)).array.rates_hz.tolist() == [25, 50]
    late = read_streams(clocks(25, 25, start=15.5)).array
    assert late.starts_s.tolist() == [15.5, 15.5]


def test_words_at_irregular_times_keep_them(tmp_path):
    starts = np.array([0.1, 0.9, 1.0, 4.5])
    ends = starts + np.array([0.7, 0.05, 2, 0.3])
    table = pd.DataFrame({"start": starts, "end": ends, "polarity": [1, 2, 3, 4]})
    table.to_csv(tmp_path / "a.csv", index=False)
    column = read_streams([tmp_path / "a.csv"]).array
    np.testing.assert_allclose(column[0].times_s, table[["start", "end"]])


def test_frames_of_one_file_are_shared(tmp_path):
    np.save(tmp_path / "sound.npy", np.arange(6.0).reshape(3, 2))
    stream = Stream(InMemory(np.float32))
    (part,) = read_parts(tmp_path / "sound.npy")
    stream.add("left", part, Source(tmp_path / "sound.npy", "left"))
    stream.share("right", "left")
    column = stream.column(["left", "right", "none"])
    assert column.frames.shape == (3, 2)
    assert column.isna().tolist() == [False, False, True]
    np.testing.assert_array_equal(column[0].frames, column[1].frames)


def test_a_damaged_file_is_forgotten_with_all_its_recordings(faces):
    stream = Stream(InMemory(np.float32))
    for path in faces:
        for part in read_parts(path):
            stream.add(path.stem, part, Source(path, path.stem))
    assert stream.forget(faces[0]) == ["a"]
    assert list(stream.rows) == ["b"]


def stream_of_files(tmp_path, *tables):
    stream = Stream(InMemory(np.float32))
    for k, table in enumerate(tables):
        path = tmp_path / (f"{k}.npy" if isinstance(table, np.ndarray) else f"{k}.csv")
        np.save(path, table) if isinstance(table, np.ndarray) else table.to_csv(path, index=False)
        (part,) = read_parts(path)
        stream.add(str(k), part, Source(path, str(k)))
    return stream


def test_files_without_names_go_by_the_order_of_others_only_where_it_is_one(tmp_path):
    table = pd.DataFrame(RNG.normal(size=(6, 2)), columns=["x", "y"])
    with pytest.warns(UserWarning, match=r"1.npy has no names of columns; .*taken for 'x', 'y'"):
        column = stream_of_files(tmp_path, table, table.to_numpy(), table).column("012")
    np.testing.assert_array_equal(column[1].frames, table.to_numpy(np.float32))
    with pytest.raises(ValueError, match=r"not all in one order \(2.csv has another than 0.csv\)"):
        stream_of_files(tmp_path, table, table.to_numpy(), table[["y", "x"]]).column("012")


def test_a_begin_without_a_rate_is_not_dropped(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((5, 1)))
    (part,) = read_parts(tmp_path / "a.npy")
    stream = Stream(InMemory(np.float32))
    stream.add("a", replace(part, start_s=0.5), Source(tmp_path / "a.npy", "a"))
    with pytest.raises(
        ValueError, match=r"a.npy begins at 0.5 s, but the steps of its modality have no rate"
    ):
        stream.column("a")


def test_a_file_without_a_clock_does_not_cost_others_their_rates(tmp_path):
    tables = [pd.DataFrame({"time": np.arange(30) / rate, "x": RNG.normal(size=30)}) for rate in (25, 50)]
    bare = pd.DataFrame({"x": RNG.normal(size=30)})
    assert stream_of_files(tmp_path, *tables).column("01").dtype.name == "sequence[float32, 1, rates]"
    assert stream_of_files(tmp_path, tables[0], bare).column("01").dtype.rate_hz == 25
    with pytest.raises(ValueError, match=r"2.csv has no clock, but other files of its modality"):
        stream_of_files(tmp_path, *tables, bare).column("012")


def test_a_file_of_several_modalities_belongs_beside_their_folders(tmp_path):
    np.savez(tmp_path / "a.npz", audio=np.zeros((4, 2)), video=np.zeros((4, 2)))
    audio, video = read_parts(tmp_path / "a.npz")
    stream = Stream(InMemory(np.float32))
    stream.add("a", audio, Source(tmp_path / "a.npz", "a"))
    with pytest.raises(ValueError, match=r"a\.npz holds 'a' twice, or several modalities of it: put such"):
        stream.add("a", video, Source(tmp_path / "a.npz", "a"))
