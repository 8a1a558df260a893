import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfusion.sequences import Sequence, SequenceDtype


@given(
    st.sampled_from(["float16", "float32", "float64"]),
    st.integers(1, 10**6),
    st.none() | st.floats(1e-12, 1e25, allow_nan=False),
)
def test_the_name_makes_the_dtype(subtype, width, rate_hz):
    dtype = SequenceDtype(subtype, width, rate_hz)
    again = pd.api.types.pandas_dtype(str(dtype))
    assert again == dtype == str(dtype)
    assert hash(again) == hash(dtype) == hash(pickle.loads(pickle.dumps(dtype)))
    assert (again.subtype, again.width, again.rate_hz) == (np.dtype(subtype), width, rate_hz)


@pytest.mark.parametrize(
    ("rate_hz", "name"),
    [
        (None, "sequence[float32, 512]"),
        (25, "sequence[float32, 512, 25Hz]"),
        (0.5, "sequence[float32, 512, 0.5Hz]"),
    ],
)
def test_names(rate_hz, name):
    assert str(SequenceDtype("float32", 512, rate_hz)) == name


def test_dtypes_differ_in_every_part():
    dtype = SequenceDtype("float32", 3, 25)
    assert len({dtype, SequenceDtype("f8", 3, 25), SequenceDtype("f4", 2, 25), SequenceDtype("f4", 3)}) == 4
    assert dtype == SequenceDtype(">f4", np.int64(3), 25.0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("int64",), TypeError, r"subtype must be one of float16, float32, float64, not 'int64'"),
        (("fast",), TypeError, "not 'fast'"),
        (("float32", 0), ValueError, "width must be at least 1, not 0"),
        (("float32", 2.0), TypeError, "width must be a whole number of features per step, not 2.0"),
        (("float32", True), TypeError, "width must be a whole number"),
        (("float32", 1, 0), ValueError, "rate_hz must be positive and finite, not 0"),
        (("float32", 1, np.inf), ValueError, "rate_hz must be positive"),
        (("float32", 1, "x"), TypeError, "rate_hz must be a number"),
    ],
)
def test_bad_dtypes(arguments, error, message):
    with pytest.raises(error, match=message):
        SequenceDtype(*arguments)


@pytest.mark.parametrize(
    ("string", "message"),
    [
        ("sequence", "Its form is 'sequence.float32, 512.'"),
        ("sequence[float32]", "Its form is"),
        ("sequence[float32, 0]", "width must be at least 1"),
        ("sequence[int8, 1]", "not 'int8'"),
        ("sequence[float32, 1, fastHz]", "could not convert"),
        ("category", "Cannot construct a 'SequenceDtype' from 'category'"),
    ],
)
def test_bad_strings(string, message):
    with pytest.raises(TypeError, match=message):
        SequenceDtype.construct_from_string(string)


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
