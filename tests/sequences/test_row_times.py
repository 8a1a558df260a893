"""Time and names of features follow the rows through whatever pandas does with them."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfusion.sequences import Sequence, SequenceArray

FRAMES = np.arange(24.0).reshape(12, 2)
CLOCKS = {
    "starts": {"rate_hz": 5, "start_s": [1.5, 0.0, np.nan]},
    "rates": {"rate_hz": [5, 25, np.nan], "start_s": [1.5, np.nan, np.nan]},
    "instants": {"times_s": np.arange(12.0) ** 2},
    "intervals": {"times_s": np.stack([np.arange(12.0), np.arange(12.0) + 0.5], axis=1)},
}


@st.composite
def clocked_cells(draw):
    """Sequences of one kind of clock, some missing."""
    kind = draw(st.sampled_from(["rate", "rates", "times"]))
    cells = []
    for _ in range(draw(st.integers(1, 5))):
        n = draw(st.integers(0, 4))
        frames = np.full((n, 2), float(len(cells)))
        times = np.cumsum(draw(st.lists(st.floats(0, 10), min_size=n, max_size=n)))
        clock = {
            "rate": {"rate_hz": 5.0, "start_s": draw(st.sampled_from([None, 0.0, 15.5]))},
            "rates": {
                "rate_hz": draw(st.sampled_from([5.0, 25.0])),
                "start_s": draw(st.sampled_from([None, 3.0])),
            },
            "times": {"times_s": times},
        }[kind]
        cells.append(draw(st.sampled_from([None, Sequence(frames, features=["a", "b"], **clock)])))
    return cells


def same(column, cells):
    found = [None if cell is pd.NA else cell for cell in column]
    assert found == cells
    for one, other in zip(found, cells):
        if one is not None:
            assert one.features == other.features
            np.testing.assert_array_equal(one.times_s, other.times_s)


@given(clocked_cells(), st.data())
def test_rows_keep_their_times(cells, data):
    column = SequenceArray.from_sequences(cells, width=2, dtype="float64")
    rows = data.draw(st.lists(st.integers(0, len(cells) - 1)))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(cells), max_size=len(cells))))
    same(column, cells)
    same(column[rows], [cells[row] for row in rows])
    same(column[mask], [cell for cell, kept in zip(cells, mask) if kept])
    same(column[::-1], cells[::-1])
    same(column.pack(), cells)
    same(pickle.loads(pickle.dumps(column[rows])), [cells[row] for row in rows])
    same(copy.deepcopy(column), cells)
    same(pd.concat([pd.Series(column[rows]), pd.Series(column)]), [*(cells[row] for row in rows), *cells])
    same(pd.Series(column).mask(mask), [None if gone else cell for cell, gone in zip(cells, mask)])
    again = SequenceArray.from_sequences(
        [
            c and Sequence(c.frames, c.rate_hz, c.start_s, None if c.rate_hz else c.times_s, c.features)
            for c in cells
        ],
        width=2,
        dtype="float64",
    )
    if again.dtype == column.dtype:  # another buffer
        same(pd.concat([pd.Series(column[rows]), pd.Series(again)]), [*(cells[row] for row in rows), *cells])


@given(clocked_cells())
def test_step_times_are_those_of_the_cells(cells):
    column = SequenceArray.from_sequences(cells, width=2)
    expected = [cell.times_s for cell in cells if cell is not None]
    found = column.step_times()
    if expected:
        np.testing.assert_array_equal(found, np.concatenate(expected))


def test_memory_maps_keep_times(tmp_path):
    X = pd.DataFrame(
        {name: SequenceArray(FRAMES, [4, 0, 0], [8, 4, -1], **clock) for name, clock in CLOCKS.items()}
    )
    joblib.dump(X, tmp_path / "X.joblib")
    again = joblib.load(tmp_path / "X.joblib", mmap_mode="r")
    assert isinstance(again["starts"].array.frames, np.memmap)
    pd.testing.assert_frame_equal(again, X)
    for name in CLOCKS:
        same(again[name], [None if cell is pd.NA else cell for cell in X[name]])


def test_columns_of_several_clocks_are_joined_as_what_both_can_say():
    columns = {
        name: pd.Series(SequenceArray(FRAMES, [4, 0, 0], [8, 4, -1], **clock))
        for name, clock in CLOCKS.items()
    }
    columns["rate"] = pd.Series(SequenceArray(FRAMES, [0], [12], 25))
    rates = pd.concat([columns["starts"], columns["rate"], columns["rates"]])
    assert str(rates.dtype) == "sequence[float64, 2, rates]"
    assert [cell.rate_hz for cell in rates.dropna()] == [5, 5, 25, 5, 25]
    assert [cell.start_s for cell in rates.dropna()] == [1.5, 0.0, None, 1.5, None]
    times = pd.concat([columns["starts"], columns["instants"]])
    assert str(times.dtype) == "sequence[float64, 2, times]"
    np.testing.assert_array_equal(times.iloc[0].times_s, columns["starts"].iloc[0].times_s)
    unknown = pd.Series(SequenceArray(FRAMES, [0], [12]))
    assert pd.concat([unknown, columns["rate"]]).dtype == object  # nothing is known of some rows


@pytest.mark.parametrize(
    ("clock", "dtype", "message"),
    [
        ("rates", "sequence[float64, 2, 5Hz]", "Sequences at 25 Hz cannot be relabelled as 5 Hz"),
        ("instants", "sequence[float64, 2, 5Hz]", "with a time for each step cannot become .* Use Align"),
        ("instants", "sequence[float64, 2, rates]", "with a time for each step cannot become"),
    ],
)
def test_time_is_not_relabelled(clock, dtype, message):
    column = SequenceArray(FRAMES, [4, 0, 0], [8, 4, -1], **CLOCKS[clock])
    with pytest.raises(ValueError, match=message):
        column.astype(dtype)


@pytest.mark.parametrize("dtype", ["sequence[float32, 2, rates]", "sequence[float32, 2, times]"])
def test_time_is_not_made_up(dtype):
    with pytest.raises(ValueError, match="Nothing is known of"):
        SequenceArray(FRAMES, [0], [12]).astype(dtype)


def test_one_rate_may_be_said_of_each_row_and_of_each_step():
    column = SequenceArray(FRAMES, [6, 0, 0], [4, 4, -1], 5, start_s=[1.0, np.nan, np.nan])
    for clock in ("rates", "times"):
        other = column.astype(f"sequence[float64, 2, {clock}]")
        np.testing.assert_allclose(other.step_times(), column.step_times())
    back = column.astype("sequence[float64, 2, rates]").astype("sequence[float64, 2, 5Hz]")
    assert list(back) == list(column)
    assert column.astype("sequence[float32, 2]")[0].times_s is None


def test_features_are_joined_by_name():
    one = SequenceArray(FRAMES, [0], [12], features=["rms", "pitch"])
    other = SequenceArray(FRAMES[:, ::-1].copy(), [0], [12], features=["pitch", "rms"])
    both = pd.concat([pd.Series(one), pd.Series(other)])
    assert both.array.features == ("rms", "pitch")
    assert both.iloc[0] == both.iloc[1]
    third = SequenceArray(FRAMES, [0], [12], features=["rms", "energy"])
    with pytest.raises(ValueError, match="The features 'pitch' are not there"):
        pd.concat([pd.Series(one), pd.Series(third)])
    unnamed = SequenceArray(FRAMES, [0], [12])
    assert pd.concat([pd.Series(one), pd.Series(unnamed)]).array.features is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"rate_hz": [5, 25]}, r"rate_hz has the shape \(2,\), but there are 3 rows"),
        ({"rate_hz": [5, np.nan, 5]}, "rate_hz is missing for row 1"),
        ({"rate_hz": [5, -1, 5]}, "rate_hz must be positive, not -1 as in row 1"),
        ({"start_s": [0, np.inf, 0]}, "start_s holds an infinite value"),
        ({"start_s": "soon"}, "start_s must be numbers, one or one for each row, not 'soon'"),
        ({"times_s": [1.0, 2.0]}, r"times_s must have the shape \(12,\) or \(12, 2\)"),
        ({"times_s": np.full(12, np.nan)}, "times_s: step 0 has no time"),
        ({"times_s": np.tile([2.0, 1.0], (12, 1))}, "step 0 ends at 1 s, before it begins at 2 s"),
        ({"times_s": np.arange(12), "rate_hz": 5}, "Give no rate_hz and no start_s beside it"),
        ({"features": ["a"]}, "There are 1 names of features for 2 features"),
        ({"features": ["a", "a"]}, "Two features have the same name: 'a'"),
    ],
)
def test_bad_clocks_are_refused(more, message):
    with pytest.raises((TypeError, ValueError), match=message):
        SequenceArray(FRAMES, [4, 0, 8], [4, 4, 4], **more)
