import hashlib
import os

import numpy as np
import pytest

from avfusion.store import _array_file
from avfusion.store._array_file import HEADER, ArrayFile, file_digest


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("lengths", [[], [0], [3, 0, 70_000]])
def test_numpy_reads_what_was_appended(dtype, lengths, tmp_path):
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(n, 3)) for n in lengths]
    file = ArrayFile(tmp_path / "frames.npy", dtype, 3)
    for part in parts:
        file.append(part)
    about = file.finish()
    expected = np.concatenate([np.empty((0, 3)), *parts]).astype(dtype)
    np.testing.assert_array_equal(np.load(tmp_path / "frames.npy"), expected, strict=True)
    content = (tmp_path / "frames.npy").read_bytes()
    digest = hashlib.sha256(content[HEADER:] + content[:HEADER]).hexdigest()
    assert about == {"file": "frames.npy", "size": len(content), "sha256": digest}
    assert file_digest(tmp_path / "frames.npy", HEADER) == digest
    assert file_digest(tmp_path / "frames.npy") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("chunk", [1, 50, 1 << 20])
def test_columns_are_left_out_a_part_at_a_time(chunk, tmp_path, monkeypatch):
    monkeypatch.setattr(_array_file, "CHUNK", chunk)
    values = np.arange(60.0).reshape(-1, 4)
    file = ArrayFile(tmp_path / "frames.npy", "float64", 4)
    file.append(values)
    file = file.without([2, 0])
    file.append([[-1, -2]])
    about = file.finish()
    np.testing.assert_array_equal(np.load(file.path), np.vstack([values[:, [1, 3]], [[-1, -2]]]))
    assert [path.name for path in tmp_path.iterdir()] == ["frames.npy"]
    assert file_digest(file.path, HEADER) == about["sha256"]


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    (tmp_path / "frames.npy").write_text("mine")
    with pytest.raises(FileExistsError):
        ArrayFile(tmp_path / "frames.npy", "float32", 1)
    assert (tmp_path / "frames.npy").read_text() == "mine"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="There is no device that is always full.")
def test_a_full_disk_is_named_with_the_file(tmp_path):
    file = ArrayFile(tmp_path / "frames.npy", "float32", 2)
    file.close()
    file._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - closed below
    with pytest.raises(OSError, match=r"No space left on device: '.*frames.npy'"):
        file.append([[1, 2]])
    file.close()
