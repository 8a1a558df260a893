"""A store that is written row by row."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.sequences import SequenceArray
from tests.store.data import assert_same, recordings


def test_row_by_row_gives_what_the_whole_gives(tmp_path):
    X, y = recordings()
    X = X[["subject", "age", "audio", "video", "text", "words"]].copy()
    for name in ("video", "words", "text"):
        X[name] = X[name].array.astype(
            X[name].dtype.name.replace("float16", "float32").replace("float64", "float32")
        )
    X["text"] = SequenceArray.from_sequences([None] * 4)
    with av.StoreWriter(tmp_path / "store") as store:
        for row in range(len(X)):
            for name in ("audio", "video", "text", "words"):
                add(store, name, X[name].iloc[row])
            add(store, "arousal", y["arousal"].iloc[row], label=True)
        store.set_table(X[["subject", "age"]])
    again, labels = av.read_store(tmp_path / "store", verify=True)
    X["audio"] = X["audio"].array.with_clock(25, start_s=[0.5, np.nan, np.nan, 0]).with_features("ab")
    y["arousal"] = y["arousal"].array.with_clock(25, start_s=[15.5, 15.5, np.nan, 15.5])
    assert_same(again, X)
    assert_same(labels, y)


def add(store, name, cell, **more):
    if cell is pd.NA:
        store.append(name, None, **more)
    elif cell.rate_hz is None:
        store.append(name, cell.frames, times_s=cell.times_s, **more)
    else:
        clock = {"rate_hz": cell.rate_hz, "start_s": cell.start_s}
        store.append(name, cell.frames, names=cell.features, **clock, **more)


def test_two_faces_share_the_sound_of_their_clip(tmp_path):
    with av.StoreWriter(tmp_path / "store") as store:
        for clip in range(2):
            row = store.append("audio", np.full((10, 2), clip), rate_hz=5, start_s=clip)
            assert store.repeat("audio", row) == row + 1
            for face in range(2):
                store.append("face", np.full((4, 1), 10 * clip + face))
        store.set_table(index=["a left", "a right", "b left", "b right"])
    X, y = av.read_store(tmp_path / "store")
    assert y is None
    assert len(X["audio"].array.frames) == 20
    assert [cell.frames[0, 0] for cell in X["audio"]] == [0, 0, 1, 1]
    assert X["audio"].array.starts_s.tolist() == [0, 0, 1, 1]
    assert [cell.frames[0, 0] for cell in X["face"]] == [0, 1, 10, 11]
    assert X.index.tolist() == ["a left", "a right", "b left", "b right"]


def test_features_that_turn_out_to_be_none_are_left_out_at_the_end(tmp_path):
    rows = [np.arange(12.0).reshape(4, 3), np.arange(6.0).reshape(2, 3)]
    with av.StoreWriter(tmp_path / "store") as store:
        for row in rows:
            store.append("audio", row, names=["frame", "rms", "pitch"])
        store.drop_columns("audio", [0])
        with pytest.raises(ValueError, match="no other features"):
            store.drop_columns("audio", [0, 1])
        with pytest.raises(ValueError, match="has the features 0 to 1, not 2"):
            store.drop_columns("audio", [2])
    X, _ = av.read_store(tmp_path / "store", verify=True)
    assert X["audio"].array.features == ("rms", "pitch")
    for cell, row in zip(X["audio"], rows, strict=True):
        np.testing.assert_array_equal(cell.frames, row[:, 1:])


def test_clip_labels_and_types_of_streams(tmp_path):
    with av.StoreWriter(tmp_path / "store") as store:
        store.append("audio", np.arange(3))
        store.append("audio", None)
        store.set_table(clip_labels=pd.DataFrame({"rating": [3, 4]}, index=["a", "b"]))
    X, y = av.read_store(tmp_path / "store")
    assert X["audio"].dtype.name == "sequence[float32, 1]"
    pd.testing.assert_frame_equal(y, pd.DataFrame({"rating": [3, 4]}, index=["a", "b"]))
    assert X.index.tolist() == ["a", "b"]


def test_features_are_matched_by_name(tmp_path):
    with av.StoreWriter(tmp_path / "store") as store:
        store.append("audio", [[1, 2]], names=["rms", "pitch"])
        store.append("audio", [[20, 10]], names=["pitch", "rms"])
        with pytest.raises(
            ValueError, match=r"In column 'audio', row 2: the features have other names.*'f0'"
        ):
            store.append("audio", [[1, 2]], names=["f0", "rms"])
    X, _ = av.read_store(tmp_path / "store")
    assert X["audio"].array.frames.tolist() == [[1, 2], [10, 20]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"frames": [[1, 2, 3]]}, "3 features per step, but the rows before have 2"),
        ({"frames": [["a", "b"]]}, "must hold real numbers"),
        ({"frames": np.zeros((2, 2, 2))}, "must have the axes"),
        ({"frames": [[1, 2]], "rate_hz": None}, "the row has no clock, and the rows before have a rate"),
        ({"frames": [[1, 2]], "rate_hz": -1}, "rate_hz must be positive"),
        ({"frames": [[1, 2]], "rate_hz": None, "times_s": [1]}, "a time for each step, and the rows before"),
        ({"frames": [[1, 2]], "times_s": [1]}, "Give no rate_hz"),
        ({"frames": [[1, 2]], "names": ["a"]}, "1 names of features for 2"),
        ({"frames": [[1, 2]], "start_s": np.inf}, "infinite"),
    ],
)
def test_a_row_that_does_not_go_with_the_others_is_refused(row, message, tmp_path):
    with av.StoreWriter(tmp_path / "store") as store:
        store.append("audio", [[1, 2]], rate_hz=25)
        with pytest.raises((TypeError, ValueError), match=f"In column 'audio', row 1: .*{message}"):
            store.append("audio", row.pop("frames"), **{"rate_hz": 25} | row)
    assert len(av.read_store(tmp_path / "store")[0]) == 1  # what came before is whole


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (lambda store: None, "no rows"),
        (
            lambda s: (s.append("a", [1]), s.append("b", [1]), s.append("b", [1])),
            "'a' has 1 rows, but 'b' has 2",
        ),
        (lambda s: (s.append("a", [1]), s.set_table(pd.DataFrame({"k": [1, 2]}))), "'metadata' has 2"),
        (lambda s: (s.append("a", [1]), s.set_table(pd.DataFrame({"a": [1]}))), "same name: 'a'"),
        (lambda s: (s.append("a", [1]), s.set_table(index=["x", "y"])), "'the index' has 2"),
    ],
)
def test_a_store_that_does_not_add_up_is_not_written(fill, message, tmp_path):
    with pytest.raises(ValueError, match=message), av.StoreWriter(tmp_path / "store") as store:
        fill(store)
    assert not list(tmp_path.iterdir())


class Stopped(Exception):
    pass


def test_an_error_in_between_leaves_nothing_or_what_was_there(tmp_path):
    def stopped(store):
        with store:
            store.append("audio", [1.0])
            raise Stopped

    for expected in ([], ["store"]):
        with pytest.raises(Stopped):
            stopped(av.StoreWriter(tmp_path / "store", overwrite=True))
        assert os.listdir(tmp_path) == expected
        av.write_store(tmp_path / "store", {"audio": [[2.0]]}, overwrite=True)
    assert av.read_store(tmp_path / "store")[0]["audio"].array.frames.tolist() == [[2.0]]


@pytest.mark.parametrize("kind", ["file", "folder", "store"])
def test_what_is_there_is_not_replaced_unasked(kind, tmp_path):
    path = tmp_path / "store"
    if kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
        (path / "thesis.tex").write_text("mine")
    else:
        av.write_store(path, {"audio": [[1.0]]})
    with pytest.raises(FileExistsError, match=r"exists already. Choose another name, or overwrite it"):
        av.StoreWriter(path)
    if kind != "store":
        with pytest.raises(FileExistsError, match="It is no store, and is not replaced"):
            av.StoreWriter(path, overwrite=True)
        assert (path if kind == "file" else path / "thesis.tex").read_text() == "mine"
    assert os.listdir(tmp_path) == ["store"]


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path):
    code = textwrap.dedent(
        """
        import resource, sys
        import numpy as np, avfusion as av

        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            av.write_store(sys.argv[1], {"audio": [np.zeros((100_000, 2), "float32")]})
        except OSError as error:
            print(error)
        """
    )
    path = str(tmp_path / "store")
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert "File too large" in run.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_what_is_written(tmp_path):
    code = textwrap.dedent(
        """
        import re, sys
        import numpy as np, avfusion as av

        def peak_kb():  # getrusage counts what the parent had at the start, too
            return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

        rows = np.zeros((5000, 500))  # 20 MB
        with av.StoreWriter(sys.argv[1]) as store:
            store.append("audio", rows)
            before = peak_kb()
            for _ in range(int(sys.argv[2])):
                store.append("audio", rows)
            store.drop_columns("audio", [0])
        print(peak_kb() - before)
        """
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "store"), "20"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) < 60_000  # kB, of 210 MB written; those of the Parquet writer are among them
    X, _ = av.read_store(tmp_path / "store")
    assert X["audio"].dtype.width == 499


def test_rows_in_another_order(tmp_path):
    with av.StoreWriter(tmp_path / "store") as store:
        for k in range(3):
            store.append("audio", np.full((2, 1), k))
        store.order_rows("audio", [2, None, 0, 2], rate_hz=[25, 1, 50, 25], start_s=[0.5, 0, 0, 1.5])
    X, _ = av.read_store(tmp_path / "store", verify=True)
    array = X["audio"].array
    assert [None if cell is pd.NA else cell.frames[0, 0] for cell in array] == [2, None, 0, 2]
    assert array.rates_hz[[0, 2, 3]].tolist() == [25, 50, 25]
    assert array.starts_s[[0, 2, 3]].tolist() == [0.5, 0, 1.5]


def test_an_order_names_rows_that_are_there(tmp_path):
    with av.StoreWriter(tmp_path / "store") as store:
        store.append("audio", np.zeros((2, 1)))
        with pytest.raises(ValueError, match="has 1 rows, and none of number 1"):
            store.order_rows("audio", [0, 1])
