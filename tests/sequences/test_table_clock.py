"""Clocks of long tables: what ticks becomes steps of a rate, dropped rows NaN, the rest keeps its times."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfusion.sequences import as_sequences
from avfusion.sequences._table_clock import from_frames, from_times


def table_of(times, name="t", recording="a"):
    return pd.DataFrame({"clip": recording, name: times, "v": np.arange(len(times), dtype=float)})


def read(table, **options):
    return as_sequences(table, {"x": ["v"]}, dtype="float64", recording="clip", **options)["x"]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([1.0, 2.0, 10.0, 25.0, 29.97, 30000 / 1001, 50.0, 62.5, 100.0, 0.5]),
    st.integers(30, 400),
    st.floats(0, 100),
    st.floats(0, 0.3),
    st.integers(0, 2**31),
)
def test_what_ticks_is_found_whatever_was_dropped(rate, n, start, dropped, seed):
    rng = np.random.default_rng(seed)
    kept = np.flatnonzero(rng.random(n) >= dropped)
    kept = np.union1d(kept, [0, 1, 2, n - 1])
    times = np.round(start + kept / rate, 4)
    cell = read(table_of(times).assign(v=kept.astype(float)), time="t").iloc[0]
    assert len(cell) == n
    assert abs(cell.rate_hz / rate - 1) * n < 0.15
    assert abs(cell.start_s - times[0]) < 2e-4
    np.testing.assert_array_equal(np.flatnonzero(~np.isnan(cell.frames[:, 0])), kept)
    np.testing.assert_array_equal(cell.frames[kept, 0], kept)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([10.0, 25.0, 100.0]), st.integers(10, 200), st.floats(0, 0.45), st.integers(0, 2**31))
def test_jitter_within_half_a_step_is_taken(rate, n, jitter, seed):
    rng = np.random.default_rng(seed)
    times = (np.arange(n) + rng.uniform(-jitter, jitter, n) * 0.99) / rate + 5
    times.sort()
    cell = read(table_of(times), time="t", rate_hz=rate).iloc[0]
    assert (len(cell), cell.rate_hz) == (n, rate)
    np.testing.assert_array_equal(cell.frames[:, 0], np.arange(n))


@pytest.mark.parametrize("rate", [25, 29.97, 30, 100])
def test_rounded_clocks_give_the_round_rate(rate):
    times = np.round(np.arange(3000) / rate, 3)  # as OpenFace writes them
    assert read(table_of(times), time="t").array.rate_hz == rate


@pytest.mark.parametrize("rates", [(25, 50), (60, 25, 60), (1, 25), (24, 60, 10)])
def test_recordings_of_different_rates_have_no_steps_between_their_rows(rates):
    """Fifty rows a second do not make every other step of a recording at 25 Hz a missing one."""
    tables = [table_of(np.arange(100) / rate, recording=str(k)) for k, rate in enumerate(rates)]
    column = read(pd.concat(tables, ignore_index=True), time="t").array
    assert column.rates_hz.tolist() == list(rates)
    assert column.lengths.tolist() == [100] * len(rates)


def test_a_short_recording_has_its_own_rate_where_that_of_all_does_not_fit():
    tables = [table_of(np.arange(100) / 25, recording="a"), table_of(np.arange(5) / 3, recording="b")]
    column = read(pd.concat(tables, ignore_index=True), time="t").array
    assert (column.rates_hz[0], round(column.rates_hz[1], 1), column.lengths[1]) == (25, 3, 5)


def test_a_recording_that_lacks_most_frames_ticks_as_the_others_do():
    kept = np.sort(np.random.default_rng(0).choice(60, 25, replace=False))
    tables = [table_of(np.arange(60) / 25, recording="a"), table_of(kept / 25, recording="b")]
    with pytest.warns(UserWarning, match="steps have no row"):
        column = read(pd.concat(tables, ignore_index=True), time="t")
    assert column.dtype.rate_hz == 25
    np.testing.assert_array_equal(np.flatnonzero(~np.isnan(column.iloc[1].frames[:, 0])), kept - kept[0])


@pytest.mark.parametrize("options", [{"time": "time"}, {}])
def test_alternating_recordings_that_start_at_other_times_tick(options):
    """Rows that follow each other in the table are of different recordings, a thousand seconds apart."""
    one, two = (table_of(start + np.arange(40) / 25, "time", name) for start, name in ((0, "a"), (1000, "b")))
    table = pd.concat([one, two]).sort_index(kind="stable").reset_index(drop=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Times are taken from 'time'")
        column = read(table, **options).array
    assert (column.rate_hz, column.starts_s.tolist()) == (25, [0, 1000])
    np.testing.assert_array_equal(column[1].frames, column[0].frames)


def test_what_does_not_tick_keeps_its_times():
    times = np.array([0.3, 0.9, 4.2, 4.25, 11.0, 31.7])
    cell = read(table_of(times), time="t").iloc[0]
    assert cell.rate_hz is None
    np.testing.assert_array_equal(cell.times_s, np.stack([times, times], axis=1))


def test_begin_and_end_of_words_are_kept():
    table = table_of([0.0, 1.0, 2.0, 3.0]).assign(end=[0.4, 1.2, 2.9, 3.3])
    cell = read(table, time=["t", "end"]).iloc[0]
    np.testing.assert_array_equal(cell.times_s, table[["t", "end"]])  # pauses: not steps of a second


def test_overlapping_windows_tick_by_their_starts():
    start = np.arange(100) / 100
    table = table_of(pd.to_timedelta(start, unit="s")).assign(end=pd.to_timedelta(start + 0.02, unit="s"))
    cell = read(table, time=["t", "end"]).iloc[0]
    assert (cell.rate_hz, cell.start_s, len(cell)) == (100, 0.0, 100)


def test_each_recording_has_its_own_rate_and_start():
    table = pd.concat(
        [table_of(10 + np.arange(50) / 25, recording="a"), table_of(np.arange(60) / 30, recording="b")]
    )
    column = read(table, time="t")
    assert [(cell.rate_hz, cell.start_s) for cell in column] == [(25, 10.0), (30, 0.0)]
    assert str(column.dtype) == "sequence[float64, 1, rates]"


def test_a_slower_recording_has_no_gaps():
    table = pd.concat(
        [table_of(np.arange(40) / 4, recording="a"), table_of(np.arange(20) / 2, recording="b")]
    )
    column = read(table, time="t")
    assert [(cell.rate_hz, len(cell)) for cell in column] == [(4, 40), (2, 20)]


def test_dropped_frames_are_steps_of_nan_the_first_ones_too():
    numbers = np.array([3, 4, 7, 8, 9, 10])
    column = read(table_of(numbers, "frame"), frame="frame", rate_hz=25)
    cell = column.iloc[0]
    assert (len(cell), cell.start_s) == (10, 0.0)
    np.testing.assert_array_equal(np.flatnonzero(~np.isnan(cell.frames[:, 0])), numbers - 1)
    zero = pd.concat([table_of(numbers, "frame"), table_of([0, 1], "frame", "b")])
    assert [len(cell) for cell in read(zero, frame="frame")] == [11, 2]  # counted from 0, as some row shows


def test_a_part_of_something_longer_starts_later():
    cell = read(table_of(np.arange(1001, 1011), "frame"), frame="frame", rate_hz=10).iloc[0]
    assert (len(cell), cell.start_s) == (10, 100.0)


@pytest.mark.parametrize(
    ("times", "options", "error", "message"),
    [
        ([0, 1, 1, 2], {"time": "t"}, ValueError, "Column 't' has 1 twice in recording 'a': rows 1 and 2"),
        ([0, 1, 1, 2], {"frame": "t"}, ValueError, 'recording=."clip", "face_id"'),
        (
            [0, 2, 1, 3],
            {"time": "t"},
            ValueError,
            "goes back from 2 to 1 in recording 'a': rows 1 and 2 .* Sort",
        ),
        ([0, np.nan, 1], {"time": "t"}, ValueError, "Row 1 of the table has no time in the column 't'"),
        (list("abc"), {"time": "t"}, TypeError, "Column 't' holds no times, but 'a'"),
        ([0, 500, 1000], {"time": "t"}, ValueError, "steps of 500: are these seconds or milliseconds"),
        ([0, 1.5, 2], {"frame": "t"}, ValueError, "Numbers of frames must be whole, not 1.5"),
        (
            np.arange(200) / 24,
            {"time": "t", "rate_hz": 25},
            ValueError,
            "is 25, but the times in 't' go on by",
        ),
        ([0, 1], {"time": "q"}, ValueError, "There is no column 'q', which time= names"),
        ([0, 1], {"time": "t", "frame": "t"}, ValueError, "are both given. Give one of them"),
        ([0, 1], {"time": ["t", "t", "v"]}, ValueError, "time= takes a column, or a pair of them"),
    ],
)
def test_bad_clocks_are_named(times, options, error, message):
    with pytest.raises(error, match=message):
        read(table_of(times), **options)


def test_sizes_of_what_is_placed():
    assert from_frames(np.array([0.0, 3.0]), np.array([2]), None).n_missing == 2
    assert from_times(np.array([0.0, 0.5, 1.0]), np.array([3]), "t").n_missing == 0


@pytest.mark.parametrize(
    ("values", "name", "rate"),
    [
        ([str(40 * i) for i in range(60)], "time_ms", 25),  # text
        ([f"00:00:{0.04 * i:06.3f}" for i in range(60)], "time", 25),
        ([f"2020-01-01 10:00:{0.04 * i:06.3f}" for i in range(60)], "time", 25),
        (1.6e12 + 40 * np.arange(60), "timestamp", 25),  # since 1970
        (np.arange(60) / 60, "minutes", 1),
        (40_000 * np.arange(60), "timestamp_us", 25),
    ],
)
def test_units_and_forms_of_times(values, name, rate):
    kept = np.r_[0:20, 40:60]
    table = pd.DataFrame({"clip": "a", name: values, "v": np.arange(60.0)}).iloc[kept]
    for options in ({"time": name}, {}):  # also where nobody names it
        cell = read(table, **options).iloc[0]
        assert (len(cell), cell.rate_hz) == (60, rate)
        np.testing.assert_array_equal(np.flatnonzero(~np.isnan(cell.frames[:, 0])), kept)


def test_intervals_of_different_lengths_keep_their_ends():
    table = table_of([0.0, 1.0, 2.0, 3.0]).assign(end=[1.0, 5.0, 2.95, 4.2])
    np.testing.assert_array_equal(read(table, time=["t", "end"]).iloc[0].times_s, table[["t", "end"]])
    with pytest.raises(ValueError, match=r"begins at 1 s and ends at 0.5 s"):
        read(table.assign(end=[1.0, 0.5, 2.95, 4.2]), time=["t", "end"])


def test_a_clock_of_whole_seconds_has_no_frame_one():
    cell = read(table_of(np.r_[15:40, 45:60], "time")).iloc[0]
    assert len(cell) == 45
    assert np.flatnonzero(np.isnan(cell.frames[:, 0])).tolist() == list(range(25, 30))


def test_a_clock_that_contradicts_the_rate_is_refused_without_being_named():
    with pytest.raises(ValueError, match=r"rate_hz is 64, but the times in 'timestamp' go on by 0.25"):
        read(table_of(np.arange(60) / 4, "timestamp"), rate_hz=64)


@pytest.mark.parametrize("dropped", [0.0, 0.1])
@pytest.mark.parametrize("n", [40, 700])
@pytest.mark.parametrize("jitter", [0.002, 0.004])
def test_a_clock_that_jitters_ticks_at_its_rate(n, dropped, jitter):
    rng = np.random.default_rng(n)
    kept = np.flatnonzero(rng.random(n) >= dropped)
    kept = np.union1d(kept, [0, n - 1])
    times = 1 + kept / 25 + np.clip(rng.normal(scale=jitter, size=len(kept)), -0.015, 0.015)
    steps = from_times(times, np.array([len(kept)]), "t")
    positions = np.arange(n) if steps.positions is None else steps.positions
    np.testing.assert_array_equal(positions, kept)
    assert steps.rates_hz == pytest.approx(25, rel=0.02 if n == 40 else 1e-3)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("n", [12, 60])
def test_events_at_random_do_not_tick(n, seed):
    times = np.round(np.cumsum(np.random.default_rng(seed).exponential(size=n) + 0.05), 3)
    assert from_times(times, np.array([n]), "t").times_s is not None


@pytest.mark.parametrize("times", [[0.0, 0.1, 0.35, 0.5], [1.0, 1.05, 1.09, 1.11, 1.17, 1.34, 1.4, 1.45]])
def test_uneven_times_do_not_tick_with_gaps(times):
    steps = from_times(np.array(times), np.array([len(times)]), "t")
    assert steps.rates_hz is None
    np.testing.assert_array_equal(steps.times_s[:, 0], times)
