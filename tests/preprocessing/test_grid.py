"""A grid that begins elsewhere than its columns, and rows of different rates."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from avfusion.preprocessing import Align, _grid
from avfusion.preprocessing._grid import Grid
from avfusion.sequences import Sequence, SequenceArray, _buffers


def one(column, grid, **more):
    return grid.read(column, **more)[0].frames.ravel()


@pytest.mark.parametrize("shift", [0.0, 0.25, 0.5, 3.0])
def test_frames_fall_into_steps_by_when_they_are(shift):
    values = np.arange(40.0)
    column = SequenceArray.from_packed(values[:, None], [40], 8, start_s=shift)
    found = one(column, Grid(1.0, np.zeros(1), np.array([9])))
    centres = shift + (values + 0.5) / 8
    expected = [values[(centres >= k) & (centres < k + 1)] for k in range(9)]
    assert_allclose(found, [part.mean() if len(part) else np.nan for part in expected])


@pytest.mark.parametrize("shift", [-1.0, 0.0, 0.5, 2.0])
def test_a_slow_stream_is_read_where_it_is_and_nowhere_else(shift):
    values = np.array([0.0, 4.0, 2.0])
    column = SequenceArray.from_packed(values[:, None], [3], 1, start_s=shift)
    found = one(column, Grid(4.0, np.zeros(1), np.array([16])))
    centres, steps = shift + np.arange(3) + 0.5, (np.arange(16) + 0.5) / 4
    expected = np.interp(steps, centres, values)
    expected[(steps < shift) | (steps > shift + 3)] = np.nan
    assert_allclose(found, expected)


def test_each_row_at_its_own_rate():
    rows = [np.arange(50.0), np.arange(100.0), None, np.arange(4.0)]
    column = SequenceArray.from_sequences(
        [None if row is None else Sequence(row, rate) for row, rate in zip(rows, (25, 50, None, 2))]
    )
    X = pd.DataFrame({"audio": column})
    aligned = Align(rate_hz=5).fit_transform(X)["audio"]
    assert str(aligned.dtype) == "sequence[float64, 1, 5Hz]"
    for k, rate in ((0, 25), (1, 50), (3, 2)):
        alone = pd.DataFrame({"audio": SequenceArray.from_sequences([Sequence(rows[k], rate)])})
        assert aligned.iloc[k] == Align(rate_hz=5).fit_transform(alone)["audio"].iloc[0]
    assert aligned.iloc[2] is pd.NA


def test_regular_frames_and_the_same_as_intervals_agree():
    rng = np.random.default_rng(0)
    regular = SequenceArray.from_packed(rng.normal(size=(60, 2)), [40, 20], 4, start_s=[1.0, 0.0])
    grid = Grid(1.0, np.array([0.0, 0.0]), np.array([11, 5]))
    statistics = ("mean", "std", "q25", "count")
    found = (
        grid.read(regular, statistics),
        grid.read(regular.astype("sequence[float64, 2, times]"), statistics),
    )
    for one_row, other_row in zip(*found):
        assert_allclose(one_row.frames, other_row.frames, atol=1e-12)


@pytest.mark.parametrize("starts_s", [[0.0, 0.0, 0.0], [0.4, 0.0, -0.2]])
@pytest.mark.parametrize("steps", [[5, 3, 0], [6, 3, 2], [7, 4, 2]])
def test_steps_that_are_single_frames_are_those_frames(starts_s, steps, monkeypatch):
    frames = np.arange(24.0).reshape(12, 2)
    frames[3] = np.nan
    column = SequenceArray(frames, [5, 0, 0], [7, 4, -1], rate_hz=5, start_s=[0.0, -0.2, 0.0])
    grid = Grid(5.0, np.array(starts_s), np.array(steps))
    found = grid.read(column)
    inside = max(starts_s) == 0 and steps[0] < 7 and steps[1] < 4
    inside |= max(starts_s) == 0.4 and steps == [5, 3, 0]
    assert np.shares_memory(found.frames, column.frames) == inside
    monkeypatch.setattr(_grid, "_in_step", lambda *rows: None)
    pd.testing.assert_extension_array_equal(found, grid.read(column))


@pytest.mark.parametrize("ratio", [1.0001, 2.0, 0.5])
def test_other_rates_are_computed(ratio):
    column = SequenceArray.from_packed(np.arange(4000.0)[:, None], [4000], 5 * ratio)
    found = Grid(5.0, np.zeros(1), np.array([1000])).read(column)
    assert not np.shares_memory(found.frames, column.frames)


@pytest.mark.parametrize("statistic", ["mean", "max", "share", "hold"])
def test_blocks_of_rows_with_times_do_not_change_the_answer(statistic, monkeypatch):
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 20, size=(30, 2)), axis=1)
    column = SequenceArray(rng.normal(size=(30, 2)), [0, 5, 5, 0, 20], [5, 0, 15, -1, 10], times_s=times)
    grid = Grid(1.0, np.array([0.0, 1.0, 2.5, 0.0, 1.0]), np.array([20, 3, 17, 4, 19]))
    whole = grid.read(column, (statistic,), max_gap_s=3.0)
    monkeypatch.setattr(_buffers, "BLOCK", 7)
    found = grid.read(column, (statistic,), max_gap_s=3.0)
    assert_allclose(found.pack().frames, whole.pack().frames, rtol=1e-12)
    assert found.lengths.tolist() == whole.lengths.tolist()
