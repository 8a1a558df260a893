"""Opening a store: what is checked, and what is refused."""

import json
import os
import shutil
import time

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.store import _manifest, _read
from avfusion.store._manifest import NAME, render
from tests.store.data import assert_same, recordings

FILES = ["manifest.json", "table.parquet", "frames_000.npy", "times_002.npy"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("read") / "store"
    av.write_store(path, *recordings())
    return path


@pytest.fixture
def store(written, tmp_path):
    shutil.copytree(written, tmp_path / "store")
    return tmp_path / "store"


def change(path, position, by=1):
    content = bytearray(path.read_bytes())
    content[position] = (content[position] + by) % 256
    path.write_bytes(content)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("verify", [None, True])
def test_a_changed_byte_is_found_wherever_it_is(file, verify, store):
    size = (store / file).stat().st_size
    for position in {0, 1, 90, size // 2, size - 1} | set(range(0, size, max(1, size // 25))):
        change(store / file, position)
        with pytest.raises(ValueError, match=r"cannot be opened: .* Write the store again.") as error:
            av.read_store(store, verify)
        assert len(str(error.value).splitlines()) == 1
        change(store / file, position, -1)
    assert_same(av.read_store(store, verify)[0], recordings()[0])


def test_large_files_are_hashed_when_asked_for(store, monkeypatch):
    monkeypatch.setattr(_manifest, "SMALL", 1000)
    change(store / "frames_000.npy", -1)
    X, _ = av.read_store(store, verify=False)
    assert not X["audio"].array.equals(recordings()[0]["audio"].array)
    monkeypatch.setattr(_manifest, "SMALL", 100)
    av.read_store(store)
    with pytest.raises(ValueError, match=r"frames_000.npy was changed"):
        av.read_store(store, verify=True)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("verify", [None, False])
def test_cut_off_longer_or_missing_files_are_found_without_reading_them(file, verify, store):
    content = (store / file).read_bytes()
    for other in (content[:-1], content[: len(content) // 2], b"", content + b"\0"):
        (store / file).write_bytes(other)
        with pytest.raises(ValueError, match=r"Write the store again\."):
            av.read_store(store, verify)
    (store / file).unlink()
    with pytest.raises((ValueError, FileNotFoundError), match=r"again|is no store"):
        av.read_store(store, verify)
    (store / file).mkdir()
    with pytest.raises((ValueError, FileNotFoundError), match=r"again|is no store"):
        av.read_store(store, verify)


@pytest.mark.parametrize("file", FILES[1:])
def test_links_are_not_followed(file, store, tmp_path):
    os.rename(store / file, tmp_path / "elsewhere")
    (store / file).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=f"{file} is a link or no file"):
        av.read_store(store)


def forged(store, edit):
    """Write the manifest again with something else in it, and the right hash."""
    about = json.loads((store / NAME).read_text())
    del about["sha256"]
    edit(about)
    (store / NAME).write_text(render(about))


def set_at(*keys, to):
    def edit(about):
        for key in keys[:-1]:
            about = about[key]
        about[keys[-1]] = to

    return edit


FORGED = {
    "outside": set_at("streams", 0, "frames", "file", to="../frames_000.npy"),
    "absolute": set_at("streams", 0, "frames", "file", to="/etc/passwd"),
    "manifest": set_at("table", "file", to="manifest.json"),
    "other size": set_at("streams", 0, "frames", "size", to=5),
    "frames": set_at("streams", 0, "n_frames", to=10**15),
    "negative": set_at("streams", 0, "n_frames", to=-1),
    "text": set_at("streams", 0, "n_frames", to="12"),
    "width": set_at("streams", 0, "width", to=4),
    "dtype": set_at("streams", 0, "dtype", to="float64"),
    "objects": set_at("streams", 0, "dtype", to="O"),
    "no dtype": set_at("streams", 0, "dtype", to="rm -rf"),
    "column": set_at("streams", 0, "starts", "column", to="age"),
    "no column": set_at("streams", 0, "starts", "column", to="nothing"),
    "stream": set_at("X", "columns", 0, to={"stream": 99}),
    "names": set_at("X", "names", "labels", to=["a"]),
    "version": set_at("version", to=99),
    "no version": set_at("version", to=None),
    "format": set_at("format", to="zip"),
    "nothing": lambda about: about.clear(),
    "streams": set_at("streams", to={}),
    "X": set_at("X", to=[]),
    "features": set_at("streams", 0, "features", to=["a"]),
    "rate": set_at("streams", 0, "rate_hz", to=-3),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_manifest_is_refused(name, store):
    forged(store, FORGED[name])
    with pytest.raises(ValueError, match="cannot be opened") as error:
        av.read_store(store)
    assert len(str(error.value)) < 320 + len(str(store))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "[" * 100_000, '{"sha256": 3}', "\0", "{" + '"a":' * 9]
)
def test_what_is_no_manifest_is_refused(text, store):
    (store / NAME).write_text(text)
    with pytest.raises(ValueError, match=r"manifest.json was changed, or is cut off"):
        av.read_store(store)


def test_what_is_no_store_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(FileNotFoundError, match=r"is no store: it has no manifest.json"):
            av.read_store(path)


def test_opening_reads_no_frames(tmp_path):
    frames = np.zeros((50_000, 500), "float32")
    av.write_store(tmp_path / "store", {"audio": [frames]})
    av.read_store(tmp_path / "store")
    begin = time.perf_counter()
    for _ in range(5):
        X, _ = av.read_store(tmp_path / "store")
    assert (time.perf_counter() - begin) / 5 < 0.1
    assert isinstance(X["audio"].array.frames, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        X["audio"].array.frames[0] = 1


def test_metadata_are_in_a_table_that_anybody_can_read(written):
    table = pd.read_parquet(written / "table.parquet")
    assert table["subject"].tolist()[:2] == ["s1", "s2"]
    assert table["audio: frames"].tolist() == [8, 4, -1, 0]
    frames = np.load(written / "frames_000.npy")
    start = table["audio: first frame"][1]
    expected = recordings()[0]["audio"].iloc[1].frames
    np.testing.assert_array_equal(frames[start : start + 4], expected)


@pytest.mark.parametrize("moment", ["check_hashes", "_read_table", "_labels"])
def test_a_store_that_is_replaced_while_it_is_opened_is_the_old_or_the_new_one(
    written, tmp_path, monkeypatch, moment
):
    def write(value):
        column = av.SequenceArray.from_sequences([np.full((5, 1), value)] * 2, rate_hz=1.0)
        y = pd.DataFrame({"y": column})
        av.write_store(tmp_path / "s", pd.DataFrame({"a": column, "k": value}), y, overwrite=True)

    def replaced_first(*arguments):
        if values:
            write(values.pop())
        return real(*arguments)

    write(0.0)
    values, real = [1.0], getattr(_read, moment)
    monkeypatch.setattr(_read, moment, replaced_first)
    X, y = av.read_store(tmp_path / "s")
    found = {X["k"][0], X["a"].array[0].frames[0, 0], y["y"].array[1].frames[4, 0]}
    assert found == {1.0}


def test_a_store_may_have_a_name_that_is_no_text(written, tmp_path):
    shutil.copytree(written, tmp_path / "caf\udce9")
    for found, expected in zip(av.read_store(tmp_path / "caf\udce9"), recordings(), strict=True):
        assert_same(found, expected)
