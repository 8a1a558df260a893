import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfusion.sequences import Sequence


def test_a_cell_is_a_frozen_view():
    frames = np.arange(6.0).reshape(3, 2)
    cell = Sequence(frames, rate_hz=2)
    assert (cell.shape, cell.dtype, len(cell), cell.rate_hz, cell.duration_s) == (
        (3, 2),
        frames.dtype,
        3,
        2.0,
        1.5,
    )
    assert np.shares_memory(cell.frames, frames)
    assert np.shares_memory(np.asarray(cell), frames)
    np.testing.assert_array_equal(np.log1p(cell), np.log1p(frames))
    np.testing.assert_array_equal(np.asarray(cell, dtype="float32"), frames.astype("float32"), strict=True)
    assert frames.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        cell.frames[0] = 1
    for name in ("frames", "rate_hz", "other"):
        with pytest.raises(AttributeError):
            setattr(cell, name, 1)
    assert Sequence([1.0]).duration_s is None


VALUES = st.sampled_from([0.0, -0.0, 1.0, np.nan, -np.nan, np.inf])


@given(st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=3), st.sampled_from([None, 25]))
def test_equality_is_of_contents_and_hashes_agree(one, other, rate_hz):
    a, b = Sequence(one, rate_hz), Sequence(other, rate_hz)
    same = len(one) == len(other) and all(x == y or (x != x and y != y) for x, y in zip(one, other))
    assert (a == b) is same
    assert (a != b) is not same
    assert (hash(a) == hash(b)) is (a.digest() == b.digest()) is same


def test_equality_minds_dtype_shape_and_rate():
    zeros = np.zeros((2, 3))
    cells = [
        Sequence(zeros),
        Sequence(zeros, 1),
        Sequence(zeros.astype("float32")),
        Sequence(zeros.reshape(3, 2)),
    ]
    assert len(set(cells)) == 4
    assert all((a == b) is (a is b) for a in cells for b in cells)
    assert cells[0] != 0
    assert (cells[0] == zeros) is False


def test_hashes_hold_in_other_processes():
    # blake2b of dtype, shape and rate, then the bytes
    assert Sequence(np.array([[0.0, np.nan]]), 25).digest().hex() == "b32aae15d746e357e0e0c5a7551bba5a"


def test_cells_pickle_alone():
    cell = Sequence(np.zeros((100_000, 4))[:2], rate_hz=25)
    assert pickle.loads(pickle.dumps(cell)) == cell
    assert len(pickle.dumps(cell)) < 1000


def test_pandas_takes_a_cell_for_a_scalar():
    cells = [Sequence(np.zeros((2, 3))), Sequence(np.ones((2, 3)))]
    assert pd.isna(cells[0]) is False
    assert not pd.api.types.is_list_like(cells[0])
    assert pd.Series(cells).tolist() == cells
    assert (pd.Series(cells) == cells[0]).tolist() == [True, False]


def test_what_is_shown():
    assert repr(Sequence(np.zeros((300, 512)), 25)) == "Sequence(300 x 512, 12.0 s)"
    assert str(Sequence(np.zeros((301, 2)))) == "301 x 2"


def test_a_cell_knows_when_its_steps_are():
    late = Sequence([1.0, 2.0], rate_hz=2, start_s=15.5)
    np.testing.assert_array_equal(late.times_s, [[15.5, 16.0], [16.0, 16.5]])
    assert (late.start_s, late.duration_s, str(late)) == (15.5, 1.0, "2 x 1, 1.0 s from 15.5 s")
    words = Sequence([1.0, 2.0], times_s=[[1.0, 1.5], [4.0, 5.0]])
    assert (words.rate_hz, words.start_s, words.duration_s, str(words)) == (
        None,
        None,
        4.0,
        "2 x 1, 4.0 s from 1.0 s",
    )
    assert Sequence([1.0, 2.0]).times_s is None


def test_equal_cells_are_equal_in_time():
    cells = [
        Sequence([1.0, 2.0], 2),
        Sequence([1.0, 2.0], 2, start_s=0.0),
        Sequence([1.0, 2.0], 2, start_s=1.0),
        Sequence([1.0, 2.0], times_s=[0.0, 1.0]),
        Sequence([1.0, 2.0], times_s=[0.0, 1.5]),
        Sequence([1.0, 2.0]),
    ]
    assert len(set(cells)) == len({cell.digest() for cell in cells}) == len(cells)
    assert [pickle.loads(pickle.dumps(cell)) for cell in cells] == cells
