"""Padded arrays become columns of exactly the steps that exist."""

import numpy as np
import pytest

from avfusion.sequences._padded import frames_and_extent, is_padded_pair, read_padded

ARRAY = np.arange(24.0).reshape(2, 4, 3)


def test_lengths_cut_the_padding_and_share_the_memory():
    column = read_padded(ARRAY, [4, 1], None)
    np.testing.assert_array_equal(column[0].frames, ARRAY[0])
    np.testing.assert_array_equal(column[1].frames, ARRAY[1, :1])
    assert np.shares_memory(column.frames, ARRAY)


def test_a_mask_may_have_gaps_anywhere():
    mask = np.array([[True, False, True, False], [False, False, False, False]])
    column = read_padded(ARRAY, mask, np.float32)
    np.testing.assert_array_equal(column[0].frames, ARRAY[0, [0, 2]].astype(np.float32))
    assert column.lengths.tolist() == [2, 0]
    assert column.frames.dtype == np.float32


def test_without_extent_every_step_exists_and_two_axes_are_one_step_per_row():
    assert read_padded(ARRAY, None, None).lengths.tolist() == [4, 4]
    flat = read_padded(ARRAY[:, 0], None, np.float32)
    assert flat.lengths.tolist() == [1, 1]
    assert flat.frames.dtype == np.float64  # keeps its own


@pytest.mark.parametrize(
    ("extent", "message"),
    [
        ([4, 5], r"Row 1 has length 5, but it must be within 0 to 4"),
        ([-1, 2], r"Row 0 has length -1"),
        ([1], r"lengths of shape \(2,\) or a boolean mask of shape \(2, 4\)"),
        ([0.5, 1.0], r"not float64 of shape \(2,\)"),
    ],
)
def test_an_extent_that_does_not_fit_is_named(extent, message):
    with pytest.raises(ValueError, match=message):
        read_padded(ARRAY, extent, None)


def test_pairs_and_mappings_are_taken_apart():
    assert is_padded_pair((ARRAY, [4, 1]))
    assert not is_padded_pair([ARRAY, [4, 1]])
    frames, extent = frames_and_extent({"mask": [True], "frames": ARRAY})
    assert frames is ARRAY
    assert extent == [True]
    with pytest.raises(ValueError, match="The keys must be"):
        frames_and_extent({"frames": ARRAY, "length": [1]})
