"""A slow, obvious model of a column of sequences: a list of arrays and None."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from avfusion.sequences import SequenceArray


@st.composite
def columns(draw, min_rows=0):
    """Draw a SequenceArray with rows anywhere in its buffer, and the list of arrays that it stands for."""
    subtype = draw(st.sampled_from(["float16", "float32", "float64"]))
    width, n_frames = draw(st.integers(1, 3)), draw(st.integers(0, 12))
    elements = st.sampled_from([0.0, -0.0, 1.0, 2.5, np.nan, np.inf])
    frames = draw(st_numpy.arrays(subtype, (n_frames, width), elements=elements))
    spans = st.tuples(st.integers(0, n_frames), st.integers(0, n_frames)).map(sorted)
    rows = draw(st.lists(st.none() | spans, min_size=min_rows, max_size=6))
    starts = [0 if row is None else row[0] for row in rows]
    lengths = [-1 if row is None else row[1] - row[0] for row in rows]
    rate_hz = draw(st.sampled_from([None, 25.0, 0.1]))
    model = [None if row is None else frames[slice(*row)].copy() for row in rows]
    return SequenceArray(frames, starts, lengths, rate_hz), model


def assert_holds(array, model, dtype):
    """Check every cell of an array, bit by bit but for the sign of zero, against a list of arrays."""
    assert array.dtype == dtype
    assert array.isna().tolist() == [cell is None for cell in model]
    assert array.lengths.tolist() == [-1 if cell is None else len(cell) for cell in model]
    for cell, expected in zip(array, model, strict=True):
        if expected is not None:
            np.testing.assert_array_equal(cell.frames, expected, strict=True)
            assert cell.rate_hz == dtype.rate_hz
