import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfusion.sequences import _buffers
from avfusion.sequences._buffers import check_rows, concatenate, gather, in_blocks, trim, used_spans
from tests.sequences.sequence_models import columns


@given(columns())
def test_trimming_keeps_rows_and_drops_the_rest(column):
    array, model = column
    used = sorted({k for s, n in zip(array.starts, array.lengths) for k in range(s, s + n)})
    frames, starts = trim(array.frames, array.starts, array.lengths)
    np.testing.assert_array_equal(frames, array.frames[used])
    for start, length, cell in zip(starts, array.lengths, model):
        if cell is not None:
            np.testing.assert_array_equal(frames[start : start + length], cell)


@given(columns())
def test_trimming_waits_until_it_is_worth_it(column):
    array, _ = column
    used = len({k for s, n in zip(array.starts, array.lengths) for k in range(s, s + n)})
    frames, starts = trim(array.frames, array.starts, array.lengths, below=0.5)
    assert (frames is array.frames and starts is array.starts) is (used >= 0.5 * len(array.frames))


def test_gathering_neighbours_is_a_view():
    frames = np.arange(10.0)[:, None]
    rows = np.array([2, 5, 0]), np.array([3, 4, 0])
    assert np.shares_memory(gather(frames, *rows), frames)
    np.testing.assert_array_equal(gather(frames, *rows), frames[2:9])


def test_rows_without_frames_do_not_force_a_copy():
    frames, empty = np.arange(10.0)[:, None], np.empty((0, 1))
    joined, starts, lengths = concatenate(
        [(empty, np.array([0, 0]), np.array([-1, 0])), (frames, np.array([4]), np.array([2]))]
    )
    assert joined is frames
    assert (starts.tolist(), lengths.tolist()) == ([0, 0, 4], [-1, 0, 2])


@given(columns(), st.integers(1, 30))
def test_blocks_of_rows_are_all_rows_in_order(column, block):
    array, model = column
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_buffers, "BLOCK", block)
        blocks = list(in_blocks(array.frames, array.starts, array.lengths))
    assert [row for rows, _ in blocks for row in range(len(model))[rows]] == list(range(len(model)))
    for rows, frames in blocks:
        cells = [cell for cell in model[rows] if cell is not None]
        np.testing.assert_array_equal(frames, np.concatenate([array.frames[:0], *cells]))
        assert frames.size <= block + max([0, *(cell.size for cell in cells)])  # its first row began before


@given(columns())
def test_spans_are_the_frames_that_rows_have(column):
    array, _ = column
    used = {k for s, n in zip(array.starts, array.lengths) for k in range(s, s + n)}
    starts, lengths, moved = used_spans(array.starts, array.lengths)
    assert [k for s, n in zip(starts, lengths) for k in range(s, s + n)] == sorted(used)
    position = {frame: place for place, frame in enumerate(sorted(used))}
    for start, length, place in zip(array.starts, array.lengths, moved):
        assert length <= 0 or place == position[start]


INTEGERS = st.one_of(
    st.integers(-3, 12), st.integers(-(2**63), 2**63 - 1), st.integers(2**63 - 20, 2**64 - 1)
)


@given(st.integers(0, 9), st.lists(st.tuples(INTEGERS, INTEGERS), min_size=1, max_size=4), st.booleans())
def test_rows_are_taken_exactly_where_python_finds_them_within_the_buffer(n_frames, rows, unsigned):
    limits = (0, 2**64 - 1) if unsigned else (-(2**63), 2**63 - 1)
    rows = [[min(max(number, limits[0]), limits[1]) for number in row] for row in rows]
    starts, lengths = np.array(rows, dtype=np.uint64 if unsigned else np.int64).T
    fits = all(n == -1 or (s >= 0 and n >= 0 and s + n <= n_frames) for s, n in rows)  # of any size
    if fits:
        given_starts, given_lengths = check_rows(n_frames, starts, lengths)
        assert given_lengths.tolist() == [n for _, n in rows]
        assert given_starts.tolist() == [0 if n == -1 else s for s, n in rows]
    else:
        with pytest.raises(ValueError, match=r"does not fit into|more than any array has"):
            check_rows(n_frames, starts, lengths)
