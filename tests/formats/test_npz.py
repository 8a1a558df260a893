"""Archives of arrays, read one by one."""

import io
import zipfile

import numpy as np
import pytest

from avfusion.formats._npz import read
from avfusion.formats._registry import DamagedFileError, read_parts
from tests.formats.samples import zip_bomb

FRAMES = np.random.default_rng(0).normal(size=(5, 3))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "clip.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_one_array_is_a_stream(path, save):
    save(path, x=FRAMES)
    (part,) = read(path)
    np.testing.assert_array_equal(part.values, FRAMES)
    assert part.recording is None


def test_names_rate_and_times(path):
    np.savez(path, features=FRAMES, columns=["a", "b", "c"], fps=25, timestamps=np.arange(5) / 25)
    (part,) = read(path)
    assert (part.rate_hz, list(part.values)) == (25.0, ["timestamp", "a", "b", "c"])
    np.testing.assert_array_equal(part.values[["a", "b", "c"]], FRAMES)


def test_a_recording_for_each_array(path):
    np.savez(path, clip01=FRAMES, clip02=FRAMES[:2])
    assert [(part.recording, part.n_steps) for part in read(path)] == [("clip01", 5), ("clip02", 2)]


def test_what_was_never_asked_for_is_not_read(path):
    np.savez(path, a=FRAMES, b=np.zeros((10_000, 3)))
    content = bytearray(path.read_bytes())
    content[content.rindex(bytes(100))] ^= 1
    path.write_bytes(content)
    parts = read(path)
    assert next(parts).recording == "a"
    with pytest.raises(zipfile.BadZipFile, match="CRC"):
        next(parts)


def test_objects_are_not_unpickled(path):
    np.savez(path, x=np.array([{}], dtype=object))
    with pytest.raises(DamagedFileError, match=r"'x.npy' holds Python objects"):
        list(read_parts(path))


def test_a_bomb_takes_no_memory(path):
    path.write_bytes(zip_bomb(300 * 2**20))
    assert path.stat().st_size < 2**19
    with pytest.raises(DamagedFileError, match=r"would take 314,57\d,\d+ bytes in memory, but has"):
        list(read_parts(path))


@pytest.mark.parametrize("shape", [(10**13,), (4,), (2**40, 2**40)])
def test_a_header_that_says_another_size(path, shape):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", head.getvalue() + bytes(24))
    with pytest.raises(DamagedFileError, match="another number of bytes"):
        list(read_parts(path))


def test_archives_of_other_things(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"x")
    with pytest.raises(DamagedFileError, match="no archive of arrays"):
        list(read_parts(path))


def test_names_that_lead_elsewhere_are_refused_and_nothing_is_unpacked(path, tmp_path):
    np.savez(path, **{"../../evil": FRAMES, "b": FRAMES[:1]})
    with pytest.raises(DamagedFileError, match=r"'\.\./\.\./evil' of a recording leads out"):
        list(read_parts(path))
    assert list(tmp_path.iterdir()) == [path]


def test_an_array_of_values_without_size_is_refused(path):
    header = io.BytesIO()
    about = {"descr": "|V0", "fortran_order": False, "shape": (10**12, 1)}
    np.lib.format.write_array_header_1_0(header, about)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", header.getvalue())
    with pytest.raises(ValueError, match="holds no numbers"):
        list(read(path))
