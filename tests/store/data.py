"""Data for tests of stores."""

import numpy as np
import pandas as pd

from avfusion.sequences import SequenceArray


def recordings():
    """X with every kind of clock, missing, empty and overlapping rows, and y with a label per frame."""
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(12, 2)).astype("float32")
    frames[3, 1], frames[7] = np.nan, -0.0
    rows = {"starts": [4, 0, 0, 5], "lengths": [8, 4, -1, 0]}
    X = pd.DataFrame(
        {
            "audio": SequenceArray(
                frames, **rows, rate_hz=25, start_s=[0.5, np.nan, 3, 0], features=["a", "b"]
            ),
            "subject": ["s1", "s2", None, "s2"],
            "video": SequenceArray(frames.astype("float16"), **rows, rate_hz=[25, 30, np.nan, 10]),
            "age": pd.array([31, None, 28, 40], dtype="Int64"),
            "words": SequenceArray(frames.astype("float64"), **rows, times_s=np.arange(12.0)),
            "text": SequenceArray.from_sequences([None] * 4, width=7),
            "windows": SequenceArray(frames, [0, 2, 3, 0], [6, 6, 6, 6]),
        },
        index=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1), ("b", 2)], names=["film", None]),
    )
    y = pd.DataFrame(
        {"arousal": SequenceArray(rng.normal(size=(12, 1)), **rows, rate_hz=25, start_s=15.5)}, index=X.index
    )
    return X, y


def assert_same(found, expected):
    """Compare tables to the last bit: what their columns know of time and names, too."""
    if isinstance(expected, pd.Series):
        found, expected = found.to_frame(), expected.to_frame()
    pd.testing.assert_frame_equal(found, expected, check_exact=True, check_freq=True)
    assert found.index.identical(expected.index)
    assert found.columns.identical(expected.columns)
    for name in expected.columns:
        one, other = found[name].array, expected[name].array
        if isinstance(other, SequenceArray):
            assert one.dtype == other.dtype
            assert one.features == other.features
            assert one.lengths.tolist() == other.lengths.tolist()
            np.testing.assert_array_equal(one.rates_hz, other.rates_hz)
            np.testing.assert_array_equal(one.starts_s, other.starts_s)
            one, other = one.pack(), other.pack()
            assert one.frames.tobytes() == other.frames.tobytes()
            if other.dtype.clock == "times":
                np.testing.assert_array_equal(one.step_times(), other.step_times())
