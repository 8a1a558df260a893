import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfusion.sequences import SequenceDtype


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
