import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from avfusion.preprocessing import Align
from avfusion.sequences import Sequence, as_sequences


def cells(X, column):
    """List the frames of each row, None where the stream is missing."""
    return [cell.frames if isinstance(cell, Sequence) else None for cell in X[column]]


def one_column(rows, rate_hz, name="audio"):
    return as_sequences({name: rows}, dtype="float64", rate_hz=rate_hz)


def slow_down(frames, rate, target, n_steps, statistic):
    """Aggregate the frames whose centres lie in each step, in exact whole-number arithmetic."""
    result = np.full((n_steps, frames.shape[1]), np.nan)
    for k in range(n_steps):
        inside = [i for i in range(len(frames)) if k * 2 * rate <= (2 * i + 1) * target < (k + 1) * 2 * rate]
        for d in range(frames.shape[1]):
            seen = [frames[i, d] for i in inside if not np.isnan(frames[i, d])]
            if seen:
                result[k, d] = statistic(seen)
    return result


@given(
    st.integers(0, 10**6),
    st.lists(st.integers(0, 70), min_size=1, max_size=4),
    st.integers(1, 60),
    st.integers(1, 60),
)
@settings(max_examples=80, deadline=None)
def test_down_equals_the_slow_version(seed, lengths, rate, target):
    assume(rate >= target and sum(lengths) > 0)
    rng = np.random.default_rng(seed)
    rows = [rng.normal(size=(n, 2)) for n in lengths]
    for row in rows:
        row[rng.random(row.shape) < 0.2] = np.nan
    X = one_column(rows, rate)
    aligned = cells(Align(target, aggregate=("mean", "std", "max")).fit_transform(X), "audio")
    for row, result in zip(rows, aligned):
        n_steps = len(row) * target // rate
        expected = [slow_down(row, rate, target, n_steps, f) for f in (np.mean, np.std, max)]
        assert_allclose(result, np.concatenate(expected, axis=1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("rate", "target"), [(1, 25), (3, 10), (10, 12), (2.5, 7)])
def test_up_is_linear_interpolation_between_centres(rate, target):
    row = np.random.default_rng(0).normal(size=(13, 2))
    result = Align(target, aggregate=("mean", "std")).fit_transform(one_column([row], rate))["audio"].array[0]
    n_steps = int(13 * target / rate + 1e-9)
    assert result.shape == (n_steps, 4)
    centres, steps = (np.arange(13) + 0.5) / rate, (np.arange(n_steps) + 0.5) / target
    for d in range(2):
        assert_allclose(result.frames[:, d], np.interp(steps, centres, row[:, d]), rtol=1e-12)
    assert (result.frames[:, 2:] == 0).all()  # each step is one frame


@given(st.integers(0, 100), st.integers(1, 30), st.integers(1, 10))
@settings(max_examples=50, deadline=None)
def test_going_up_and_down_again_keeps_a_constant_and_the_duration(n_frames, rate, factor):
    X = one_column([np.full((n_frames, 1), 2.5)], rate)
    there = Align(float(rate * factor)).fit_transform(X)
    back = Align(float(rate)).fit_transform(there)["audio"].array[0].frames
    assert_array_equal(back, np.full((n_frames, 1), 2.5))


def test_up_keeps_gaps_where_the_nearest_frame_was_not_observed():
    X = one_column([[0.0, 1.0, np.nan, 3.0]], 1)
    result = Align(4.0).fit_transform(X)["audio"].array[0].frames[:, 0]
    expected = [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1, *[np.nan] * 4, 3, 3, 3, 3]
    assert_allclose(result, expected)


def test_all_streams_of_a_row_last_as_long_as_the_shortest(recordings):
    aligned = Align(2.0).fit_transform(recordings)
    # durations 4, 7.6, 2.2, 12, 5, 9.4 s; the second has no video
    assert [len(row) for row in cells(aligned, "audio")] == [8, 15, 4, 24, 10, 18]
    assert [row if row is None else len(row) for row in cells(aligned, "video")] == [8, None, 4, 24, 10, 18]
    assert aligned["audio"].dtype.rate_hz == aligned["video"].dtype.rate_hz == 2.0
    assert list(aligned.columns) == list(recordings.columns)
    assert list(aligned.index) == list(recordings.index)
    assert_array_equal(aligned["subject"], recordings["subject"])


def test_shorter_stream_decides_and_the_longer_is_cut():
    X = as_sequences({"a": [np.arange(100.0)], "b": [np.arange(7.0)]}, rate_hz={"a": 25, "b": 2})
    aligned = Align(1.0).fit_transform(X)
    assert_allclose(aligned["a"].array[0].frames[:, 0], [12, 37, 62])  # 3.5 s of b: three whole seconds
    assert_allclose(aligned["b"].array[0].frames[:, 0], [0.5, 2.5, 4.5])


def test_unobserved_values_are_left_out_and_empty_steps_are_nan(recordings):
    aligned = cells(Align(1.0, aggregate=("mean",)).fit_transform(recordings), "video")[3]
    raw = cells(recordings, "video")[3]
    assert_allclose(aligned[2], raw[20:30].mean(axis=0), rtol=1e-6)
    assert np.isnan(aligned[3]).all()  # frames 30 to 39 are unobserved
    assert_allclose(aligned[4], raw[45:50].mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize(
    ("n_frames", "rate", "target", "n_steps"),
    [
        (2997, 29.97, 1.0, 100),
        (2996, 29.97, 1.0, 99),
        (7, 0.7, 0.1, 1),
        (3, 0.3, 0.1, 1),
        (999, 23.976, 24, 1000),
        (49, 49, 1, 1),
    ],
)
def test_rounding_does_not_cost_a_step(n_frames, rate, target, n_steps):
    X = one_column([np.ones((n_frames, 1))], rate)
    result = Align(target).fit_transform(X)["audio"].array[0].frames
    assert_array_equal(result, np.ones((n_steps, 1)))


def test_29_97_frames_a_second_never_drift():
    # The times of frames' centres, averaged per second, are the middle of that second to within half a frame.
    rate, seconds = 29.97, 3600
    centres = (np.arange(int(rate * seconds)) + 0.5) / rate
    result = Align(1.0).fit_transform(one_column([centres], rate))["audio"].array[0].frames[:, 0]
    assert abs(result - (np.arange(len(result)) + 0.5)).max() < 0.5 / rate


def test_to_takes_the_rate_of_a_column_and_default_the_lowest(recordings):
    assert Align(to="audio").fit(recordings).rate_hz_ == 25
    assert Align(to="video").fit(recordings).rate_hz_ == 10
    assert Align().fit(recordings).rate_hz_ == 10


def test_rate_of_fit_holds_when_later_data_comes_at_another(recordings):
    align = Align(to="video").fit(recordings)
    other = as_sequences({"audio": [np.zeros((50, 3))], "video": [np.zeros((60, 2))]}, rate_hz=25)
    assert align.transform(other)["video"].array[0].shape == (20, 2)


def test_streams_without_rates_pass_when_in_step():
    X = as_sequences({"a": [[1.0, 2.0], [3.0], None], "b": [[4.0, 5.0], None, None]})
    aligned = Align(aggregate=("mean", "std")).fit_transform(X)
    assert_array_equal(aligned["a"].array[0].frames, [[1, 0], [2, 0]])
    assert aligned["b"].isna().tolist() == [False, True, True]
    assert aligned["a"].dtype.rate_hz is None


def test_streams_without_rates_and_of_different_lengths_are_refused():
    X = as_sequences({"a": [[1.0], [1.0, 2.0]], "b": [[4.0], [3.0]]}).set_index(np.array(["p", "q"]))
    with pytest.raises(ValueError, match=r"row 1 \(index 'q'\).*'a' 2, 'b' 1.*as_sequences\(X, rate_hz"):
        Align().fit(X)
    align = Align().fit(X.iloc[:1])
    with pytest.raises(ValueError, match=r"row 1 \(index 'q'\).*different lengths"):
        align.transform(X)


def test_a_stream_without_a_rate_is_refused():
    X = as_sequences({"a": [[1.0, 2.0]], "b": [[4.0, 5.0]]}, rate_hz={"a": 25})
    for align in (Align(), Align(1.0), Align(to="a")):
        with pytest.raises(ValueError, match=r"without a rate.*'b'.*as_sequences\(X, rate_hz=\{'b': 25\}\)"):
            align.fit(X)


def test_rates_must_not_appear_after_fit():
    align = Align().fit(as_sequences({"a": [[1.0, 2.0]]}))
    with pytest.raises(ValueError, match=r"columns without rates, but X has rates for 'a'. Fit it again"):
        align.transform(as_sequences({"a": [[1.0, 2.0]]}, rate_hz=2))


@pytest.mark.parametrize(
    ("align", "message"),
    [
        (Align(rate_hz=1.0, to="video"), "rate_hz=1.0 and to='video' are both given"),
        (Align(to="text"), "to='text' is no sequence column of X, which has 'audio', 'video'"),
        (Align(rate_hz=0), "positive number of steps per second"),
        (Align(rate_hz=float("nan")), "positive number of steps per second"),
        (Align(rate_hz="1 Hz"), "positive number of steps per second"),
        (Align(aggregate=("average",)), "There is no statistic 'average'"),
        (Align(aggregate="mean"), "one or more names"),
    ],
)
def test_parameters_are_checked(recordings, align, message):
    with pytest.raises(ValueError, match=message):
        align.fit(recordings)


def test_a_fit_that_fails_changes_nothing():
    X = as_sequences({"audio": [[1.0, 2.0]], "video": [[3.0, 4.0]]}, rate_hz=1)
    align = Align().fit(X)
    with pytest.raises(ValueError, match="have different lengths"):
        align.fit(as_sequences({"audio": [[1.0, 2.0]], "video": [[3.0]]}))
    assert align.transform(X).equals(X)


def clocked(**columns):
    return as_sequences(
        {name: [Sequence(np.asarray(v, float), **clock)] for name, (v, clock) in columns.items()},
        dtype="float64",
    )


def test_a_stream_that_starts_later_is_nan_before():
    X = clocked(
        audio=(np.arange(20.0), {"rate_hz": 2}), video=(np.arange(6.0), {"rate_hz": 1, "start_s": 3.0})
    )
    aligned = Align(rate_hz=1).fit_transform(X)
    assert_array_equal(aligned["audio"].array[0].frames.ravel(), np.arange(0.5, 18, 2))
    assert_array_equal(aligned["video"].array[0].frames.ravel(), [np.nan] * 3 + [0, 1, 2, 3, 4, 5])
    assert [cell.start_s for cell in aligned.iloc[0]] == [0.0, 0.0]


def test_rows_begin_where_their_first_stream_does():
    X = clocked(
        audio=(np.arange(8.0), {"rate_hz": 2, "start_s": 886.0}),
        video=(np.arange(3.0), {"rate_hz": 1, "start_s": 886.5}),
    )
    aligned = Align(rate_hz=1).fit_transform(X)
    assert [cell.start_s for cell in aligned.iloc[0]] == [886.0, 886.0]
    assert [len(cell) for cell in aligned.iloc[0]] == [3, 3]


def test_words_and_cuts_go_onto_the_base_of_the_audio():
    words = (np.ones(3), {"times_s": [[0.5, 1.25], [1.25, 1.5], [3.0, 3.5]]})
    X = clocked(
        audio=(np.arange(8.0), {"rate_hz": 2}), words=words, cuts=(np.ones(2), {"times_s": [0.9, 1.1]})
    )
    aligned = Align(rate_hz=1, aggregate={"words": ("share", "count"), "cuts": "count"}).fit_transform(X)
    assert_array_equal(aligned["words"].array[0].frames, [[0.5, 1], [0.5, 1], [0, 0], [0.5, 1]])
    assert_array_equal(aligned["cuts"].array[0].frames.ravel(), [1, 1, 0, 0])
    assert_array_equal(aligned["audio"].array[0].frames.ravel(), [0.5, 2.5, 4.5, 6.5])


def test_words_alone_begin_and_end_in_whole_steps():
    X = clocked(words=(np.ones(2), {"times_s": [[886.7, 887.2], [889.0, 889.1]]}))
    cell = Align(rate_hz=2, aggregate=("share",)).fit_transform(X)["words"].array[0]
    assert (cell.start_s, len(cell)) == (886.5, 6)
    assert_allclose(cell.frames.ravel(), [0.6, 0.4, 0, 0, 0, 0.2], atol=1e-6)


@pytest.mark.parametrize(
    ("align", "message"),
    [
        (
            Align(1, aggregate=("hold",)),
            "aggregate has 'hold' for 'audio': say how long a gap may be bridged",
        ),
        (Align(1, aggregate=("hold",), max_gap_s=-1), "max_gap_s must be a number of seconds"),
        (Align(1, aggregate={"text": "mean"}), "aggregate names 'text', but the sequence columns of X are"),
        (Align(to="words"), "'words' has no one rate that the result could take"),
    ],
)
def test_what_bridges_gaps_needs_a_bound(align, message):
    X = clocked(audio=(np.arange(8.0), {"rate_hz": 2}), words=(np.ones(1), {"times_s": [[0.5, 1.0]]}))
    with pytest.raises(ValueError, match=message):
        align.fit(X)


def test_streams_that_share_no_moment_are_refused():
    X = clocked(audio=(np.arange(8.0), {"rate_hz": 2}), video=(np.arange(3.0), {"rate_hz": 1, "start_s": 20}))
    with pytest.raises(
        ValueError, match=r"row 0 .* share no moment: one ends at 4 s, another begins at 20 s"
    ):
        Align(rate_hz=1).fit_transform(X)
