"""How much of a file is in the memory of a process, as Linux counts it."""

import mmap
import re
import sys

import numpy as np
import pytest

from avfusion.sequences._paging import mapped_by, read_ahead, release

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
WIDTH = 1000


@pytest.fixture
def frames(tmp_path):
    np.save(tmp_path / "frames.npy", np.arange(5000 * WIDTH, dtype="float32").reshape(5000, WIDTH))
    return np.load(tmp_path / "frames.npy", mmap_mode="r")


def resident_mb(frames):
    """What is resident of the map of a file, from /proc/self/smaps."""
    with open("/proc/self/smaps") as file:
        text = file.read()
    found = re.search(rf"{re.escape(str(frames.filename))}\n(?:.*\n)*?Rss: +(\d+) kB", text)
    return int(found[1]) / 1e3


@linux
def test_rows_that_were_released_are_not_resident(frames):
    frames.sum()
    assert resident_mb(frames) > 19
    release(frames, 0, 2500)
    assert resident_mb(frames) < 10.1
    release(frames[2500:], np.array([0, 2000]), np.array([1000, 500]))
    assert resident_mb(frames) < 4.1
    release(frames, 0, len(frames))
    assert resident_mb(frames) < 0.1


def test_what_was_released_can_be_read_again(frames):
    before = np.array(frames)
    release(frames, [0, 17, 4999], [1, 900, 1])
    read_ahead(frames, [0, 17, 4999], [1, 900, 1])
    release(frames, np.zeros(0, int), np.zeros(0, int))
    release(frames, [3], [0])
    np.testing.assert_array_equal(frames, before)


@pytest.mark.parametrize("mode", ["r+", "c"])
def test_what_was_written_to_a_map_is_not_lost(mode, frames):
    writable = np.load(frames.filename, mmap_mode=mode)
    writable[:] = -1
    release(writable, 0, len(writable))
    assert (writable == -1).all()


def test_which_arrays_are_maps(frames):
    assert isinstance(mapped_by(frames), mmap.mmap)
    assert mapped_by(np.asarray(frames)[3:].view()) is frames._mmap
    for other in (np.zeros((3, 2)), frames[::2], frames[:, :5], np.take(frames, [0], axis=0), frames + 1):
        assert mapped_by(other) is None
        release(other, 0, len(other))
        read_ahead(other, 0, len(other))
