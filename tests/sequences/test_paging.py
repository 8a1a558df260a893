"""Memory that a process holds of a file, as Linux counts it."""

import mmap
import re
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfusion.sequences._paging import mapped_by, merged, read_ahead, release, take

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
WIDTH = 1000


@pytest.fixture
def frames(tmp_path):
    np.save(tmp_path / "frames.npy", np.arange(5000 * WIDTH, dtype="float32").reshape(5000, WIDTH))
    return np.load(tmp_path / "frames.npy", mmap_mode="r")


def resident_mb(frames):
    """Return the resident bytes of the map of a file, from /proc/self/smaps."""
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


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_what_is_taken_of_a_map_is_what_is_taken_of_an_array(dtype, tmp_path):
    known = np.random.default_rng(0).normal(size=(50, 3)).astype(dtype)
    np.save(tmp_path / "frames.npy", known)
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="r")
    index = np.array([[0, 1, 2, 3], [46, 47, 48, 49], [7, 5, 5, 30]])
    np.testing.assert_array_equal(take(mapped, index), known[index], strict=True)
    np.testing.assert_array_equal(take(known, index), known[index], strict=True)


@linux
def test_no_page_stays_of_what_is_taken(frames):
    for begin in (0, 1000, 4000):
        take(frames, begin + np.array([np.arange(700), np.arange(300, 1000)]))
        assert resident_mb(frames) < 0.1


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=9))
def test_joined_ranges_cover_the_same(ranges):
    lows = np.array([low for low, _ in ranges], dtype=int)
    highs = lows + np.array([length for _, length in ranges], dtype=int)
    found = list(zip(*merged(lows, highs)))
    assert {k for low, high in found for k in range(low, high)} == {
        k for low, length in ranges for k in range(low, low + length)
    }
    assert all(before[1] < after[0] for before, after in pairwise(found))
