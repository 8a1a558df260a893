"""HDF5 files: recordings as data sets or groups, and nothing from outside of them."""

import h5py
import numpy as np
import pytest

from avfusion.formats._hdf5 import read
from avfusion.formats._registry import DamagedFileError, read_parts
from tests.formats.samples import csd

FRAMES = np.random.default_rng(0).normal(size=(7, 3))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "clips.h5"


def refused(path, reason):
    with pytest.raises(DamagedFileError, match=reason):
        list(read_parts(path))


def test_a_data_set_for_each_recording(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("clip01", data=FRAMES, chunks=True, compression="gzip")
        file["clip02"] = FRAMES[:2].astype("f4")
        file.attrs["fps"] = 25
        file.attrs["comment"] = "not looked at"
    first, second = read(path)
    np.testing.assert_array_equal(first.values, FRAMES)
    assert (first.recording, second.recording, second.rate_hz, second.about) == ("clip01", "clip02", 25.0, {})


def test_a_group_for_each_recording(path):
    with h5py.File(path, "w") as file:
        for name in ("a", "b"):
            file[f"{name}/audio"], file[f"{name}/video"] = FRAMES, FRAMES[:, :2]
            file[f"{name}/audio"].attrs["sampling_rate"] = 50.0
            file[f"{name}/video"].attrs["fps"] = 30.0
            file[name].attrs["label"] = 0.5
    parts = list(read(path))
    assert [(p.recording, p.stream, p.rate_hz) for p in parts[:2]] == [
        ("a", "audio", 50.0),
        ("a", "video", 30.0),
    ]
    assert parts[-1].recording == "b"


def test_features_with_names_and_times(path):
    with h5py.File(path, "w") as file:
        file["features"], file["timestamps"] = FRAMES, np.arange(7) / 10
        file["feature_names"] = ["a", "b", "c"]  # of variable length
        file["features"].attrs["start"] = 2.0
    (part,) = read(path)
    assert (list(part.values), part.start_s) == (["timestamp", "a", "b", "c"], 2.0)


def test_the_only_data_set_is_the_recording_of_the_file(path):
    with h5py.File(path, "w") as file:
        file["d1"] = FRAMES
    (part,) = read(path)
    assert part.recording is None


def test_computational_sequences(tmp_path):
    (tmp_path / "a.csd").write_bytes(csd()[".csd"])
    first, second = read(tmp_path / "a.csd")
    assert (first.recording, second.recording) == ("v[0]", "v[1]")
    np.testing.assert_allclose(first.values["end_time"], np.arange(7) * 0.2 + 0.1)


def test_records_are_a_table(path):
    with h5py.File(path, "w") as file:
        file["x"] = np.array([(0.5, 1), (1.0, 0)], dtype=[("F0", "f8"), ("voiced", "i1")])
    (part,) = read(path)
    assert (part.named, list(part.values)) == (True, ["F0", "voiced"])


def test_other_files_are_never_read(path, tmp_path):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = FRAMES
    (tmp_path / "raw").write_bytes(FRAMES.tobytes())
    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink(str(secret), "/x")
    refused(path, "'x' is a link, which is not followed: copy what it links to")
    with h5py.File(path, "w") as file:
        file["y"] = FRAMES
        file["x"] = h5py.SoftLink("/y")
    refused(path, "'x' is a link")
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((7, 3), "f8")
        layout[:] = h5py.VirtualSource(str(secret), "x", (7, 3))
        file.create_virtual_dataset("x", layout)
    refused(path, "'/x' lies in other files, which are not read")
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (7, 3), "f8", external=[(str(tmp_path / "raw"), 0, 168)])
    refused(path, "'/x' lies in other files, which are not read")


@pytest.mark.parametrize("shape", [(2**40, 8), (2**26,)])
def test_what_is_far_larger_than_the_file_takes_no_memory(path, shape):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", shape, "f8", chunks=(8,) * len(shape), compression="gzip")
    refused(path, "would take .* bytes in memory, but has")


def test_what_was_never_written(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (7, 3), "f8", chunks=(7, 3))
    refused(path, "'/x' was never written")


def test_groups_in_themselves(path):
    with h5py.File(path, "w") as file:
        file["a/x"] = FRAMES
        file["a/a"] = file["a"]
    refused(path, "in two places")


def test_tables_of_pandas(path):
    with h5py.File(path, "w") as file:
        file.create_group("table").attrs["pandas_type"] = "frame"
    refused(path, "table of pandas .HDFStore.: write the table with to_parquet")


def test_names_that_nobody_can_see(path):
    with h5py.File(path, "w") as file:
        file["a\x1b[2J"], file["b"] = FRAMES, FRAMES
    refused(path, r"The name 'a\\x1b\[2J' of a recording holds characters")


def test_rows_of_unlike_lengths(path):
    with h5py.File(path, "w") as file:
        rows = file.create_dataset("x", 2, h5py.vlen_dtype("f8"))
        rows[0], rows[1] = [1.0], [2.0, 3.0]
    refused(path, "'/x' holds rows of unlike lengths")


def test_words_that_are_one_place_in_the_file(path):
    with h5py.File(path, "w") as file:
        file["features"] = FRAMES
        file.create_dataset("names", data=["x" * 500_000, *"abcdefgh"], dtype=h5py.string_dtype())
        file.create_dataset("ids", data=np.array([b"abc"] * 600), dtype=h5py.string_dtype())
    content = path.read_bytes()
    with h5py.File(path) as file:
        where, number = file["names"].id.get_offset(), len(file["ids"])
        at = file["ids"].id.get_offset()
    first = content[where : where + 16]  # length, heap and index of the long word
    path.write_bytes(content[:at] + first * number + content[at + 16 * number :])
    refused(path, r"would take \d+,\d+,\d+ bytes in memory")
