"""Streams and labels that begin, end and tick at different times."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion.sequences import Sequence, SequenceArray


def smooth(n, rng):
    return np.convolve(rng.normal(size=n + 40), np.ones(8) / 8, "same")[20 : 20 + n] * 3


@pytest.fixture
def late():
    """Ten recordings of 60 s at 2 Hz whose labels begin at 15.5 s, and are the first feature."""
    rng = np.random.default_rng(0)
    truth = [smooth(120, rng) for _ in range(10)]
    X = av.as_sequences({"audio": [np.c_[z, rng.normal(size=120)] for z in truth]}, rate_hz=2)
    return X, [z[31:] for z in truth]


def test_late_labels_are_paired_by_time(late):
    X, y = late
    with pytest.warns(UserWarning, match="155 s of streams before the labels in 10 row"):
        paired_X, paired_y = av.pair(X, y, start_s=15.5)
    model = av.FrameRegressor(Ridge(1e-6)).fit(paired_X, paired_y)
    assert av.metrics.ccc_score(paired_y, model.predict(paired_X)) > 0.999
    assert [len(cell) for cell in paired_y] == [89] * 10
    assert paired_y.array.starts_s.tolist() == paired_X["audio"].array.starts_s.tolist() == [15.5] * 10


def test_declared_labels_need_no_call(late):
    X, y = late
    y = av.as_sequences({"arousal": y}, rate_hz=2, start_s=15.5, dtype=float)
    model = av.FrameRegressor(Ridge(1e-6)).fit(X, y)
    predicted = model.predict(X)
    assert [len(cell) for cell in predicted["arousal"]] == [120] * 10  # of all steps
    assert av.metrics.ccc_score(y, predicted) > 0.999
    result = av.compare({"ridge": av.FrameRegressor(Ridge())}, X, y, cv=5, verbose=False)
    assert result.table["ccc"].iloc[0] > 0.99


def test_networks_pair_by_time_too(late):
    X, y = late
    y = av.as_sequences({"arousal": y}, rate_hz=2, start_s=15.5, dtype=float)
    model = av.EarlyFusionRegressor(hidden_size=8, max_epochs=2, random_state=0)
    by_time = model.fit(X, y).predict(X)
    nan = [np.r_[np.full(31, np.nan), cell.frames[:, 0]] for cell in y["arousal"]]
    by_hand = model.fit(X, av.as_sequences({"arousal": nan}, rate_hz=2, dtype=float)).predict(X)
    np.testing.assert_array_equal(by_time["arousal"].array.frames, by_hand["arousal"].array.frames)


def test_one_label_too_many_is_left_out_and_told():
    rng = np.random.default_rng(0)
    X = av.as_sequences({"video": [rng.normal(size=(7500, 2))] * 2}, rate_hz=25)
    y = av.as_sequences({"arousal": [rng.normal(size=7501)] * 2}, rate_hz=25, dtype=float)
    with pytest.warns(UserWarning, match="2 of 15002 labels lie outside the streams .* in 2 row"):
        model = av.FrameRegressor(Ridge()).fit(X, y)
    with pytest.warns(UserWarning, match="labels lie outside"):
        assert np.isfinite(av.metrics.ccc_score(y, model.predict(X)))


def test_steps_beside_labels_at_half_their_rate():
    """wav2vec has 2n - 1 steps for n labels."""
    rng = np.random.default_rng(0)
    lengths = range(40, 46)
    X = av.as_sequences(
        {
            "audio": [rng.normal(size=(2 * n - 1, 3)) for n in lengths],
            "video": [rng.normal(size=(n, 2)) for n in lengths],
        },
        rate_hz={"audio": 50, "video": 25},
    )
    y = [rng.normal(size=n) for n in lengths]
    paired_X, paired_y = av.pair(X, y, rate_hz=25)
    for name in ("audio", "video"):
        assert [len(cell) for cell in paired_X[name]] == list(lengths)
    np.testing.assert_allclose(paired_y.iloc[0].frames[:, 0], y[0])
    frames = X["audio"].iloc[0].frames
    np.testing.assert_allclose(paired_X["audio"].iloc[0].frames[3], frames[6:8].mean(axis=0), rtol=1e-6)


def test_slow_labels_beside_fast_streams():
    rng = np.random.default_rng(0)
    X = av.as_sequences({"audio": [np.arange(1000.0)]}, rate_hz=25)
    y = av.as_sequences({"arousal": [rng.normal(size=60)]}, rate_hz=2, start_s=5.0, dtype=float)
    paired_X, paired_y = av.pair(X, y)
    assert len(paired_X["audio"].iloc[0]) == 60
    first = np.arange(1000.0)[((np.arange(1000) + 0.5) / 25 >= 5) & ((np.arange(1000) + 0.5) / 25 < 5.5)]
    assert paired_X["audio"].iloc[0].frames[0, 0] == pytest.approx(first.mean())
    assert paired_y["arousal"].iloc[0].start_s == 5.0
    with pytest.raises(ValueError, match=r"labels have 2 Hz, the streams 25 Hz.*Align\(rate_hz=2\)"):
        av.FrameRegressor(Ridge()).fit(X, y)


def test_padding_keeps_all_of_the_streams():
    X = av.as_sequences({"audio": [np.arange(10.0)]}, rate_hz=1)
    paired_X, paired_y = av.pair(X, [np.array([5.0, 6.0])], rate_hz=1, start_s=5, pad=True)
    np.testing.assert_array_equal(paired_X["audio"].iloc[0].frames[:, 0], np.arange(10))
    expected = np.full(10, np.nan)
    expected[5:7] = 5, 6
    np.testing.assert_array_equal(paired_y.iloc[0].frames[:, 0], expected)


def test_without_any_rate_steps_are_paired_by_number():
    X = av.as_sequences({"audio": [np.arange(10.0), np.arange(8.0)]})
    with pytest.warns(UserWarning, match="2 steps of labels after the streams in 1 row"):
        paired_X, paired_y = av.pair(X, [np.arange(9.0), np.arange(10.0)])
    assert [len(cell) for cell in paired_X["audio"]] == [len(cell) for cell in paired_y] == [9, 8]
    assert paired_X["audio"].dtype.rate_hz is None


def test_missing_labels_and_streams_stay():
    X = av.as_sequences(
        {"audio": [np.arange(10.0), None, np.arange(4.0)], "video": [np.arange(10.0)] * 3}, rate_hz=1
    )
    paired_X, paired_y = av.pair(X, [np.arange(10.0), np.arange(10.0), None], rate_hz=1)
    assert paired_X["audio"].isna().tolist() == [False, True, False]
    assert paired_y.isna().tolist() == [False, False, True]
    model = av.FrameRegressor(Ridge(), modalities=["video"]).fit(paired_X.iloc[:2], paired_y.iloc[:2])
    assert [len(cell) for cell in model.predict(paired_X)] == [10, 10, 4]


def test_tolerance_lists_all_rows_that_pass_it():
    X = av.as_sequences({"audio": [np.arange(100.0)] * 5}, rate_hz=10)
    y = [np.zeros(100), np.zeros(101), np.zeros(130), np.zeros(90), np.zeros(150)]
    with pytest.raises(
        ValueError, match=r"tolerance_s=0.5 would be left out: 3 s in row 2 .*, 1 s in row 3 .*, 5 s in row 4"
    ):
        av.pair(X, y, rate_hz=10, tolerance_s=0.5)


def test_labels_at_times_of_their_own_go_to_the_step_they_are_in():
    X = av.as_sequences({"audio": [np.arange(10.0)]}, rate_hz=1)
    y = pd.Series(SequenceArray.from_sequences([Sequence([1.0, 2.0, 6.0], times_s=[0.2, 0.9, 7.5])]))
    _, paired_y = av.pair(X, y)
    expected = np.full(10, np.nan)
    expected[0], expected[7] = 1.5, 6
    np.testing.assert_array_equal(paired_y.iloc[0].frames[:, 0], expected)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(0, 20), st.integers(1, 30), st.integers(0, 20))
def test_labels_stay_with_the_frames_of_their_time(n, start, n_labels, label_start):
    X = av.as_sequences(
        {"audio": [start + np.arange(float(n))]}, rate_hz=1, start_s=float(start), dtype=float
    )
    y = av.as_sequences(
        {"t": [label_start + np.arange(float(n_labels))]}, rate_hz=1, start_s=label_start, dtype=float
    )
    common = set(range(start, start + n)) & set(range(label_start, label_start + n_labels))
    if not common:
        with pytest.raises(ValueError, match="share no moment"):
            av.pair(X, y)
        return
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paired_X, paired_y = av.pair(X, y)
    np.testing.assert_array_equal(paired_X["audio"].iloc[0].frames[:, 0], sorted(common))
    np.testing.assert_array_equal(paired_y["t"].iloc[0].frames[:, 0], sorted(common))


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        ({"a": [np.zeros(9)]}, [1.0], {}, "y has one label for each row, so there is nothing to pair"),
        ({"a": [np.zeros(9)]}, [np.zeros(9)] * 2, {}, "X has 1 rows, but y has 2"),
        (
            {"a": [np.zeros(9)]},
            [np.zeros(9)],
            {"start_s": 1.0},
            "start_s is in seconds, but no rate is known",
        ),
    ],
)
def test_what_cannot_be_paired(X, y, options, message):
    with pytest.raises(ValueError, match=message):
        av.pair(av.as_sequences(X), y, **options)


def test_rates_that_nobody_declared_are_not_guessed():
    X = av.as_sequences({"audio": [np.zeros(1000)]}, rate_hz=25)
    with pytest.raises(
        ValueError, match=r"y has 40 labels in row 0 .* for 1000 steps at 25 Hz. Say how many labels"
    ):
        av.pair(X, [np.zeros(40)])
    X["video"] = av.as_sequences({"video": [np.zeros(400)]}, rate_hz=10)["video"]
    with pytest.raises(ValueError, match="Nothing says how many labels a second has"):
        av.pair(X, [np.zeros(400)])


def test_columns_of_lists_are_streams_beside_columns_of_sequences():
    X = av.as_sequences({"audio": [np.arange(8.0), np.arange(6.0)]})
    X["video"] = [np.arange(8.0).tolist(), np.arange(6.0).tolist()]
    paired, _ = av.pair(X, [np.arange(5.0), np.arange(6.0)])
    assert [len(cell) for cell in paired["audio"]] == [len(cell) for cell in paired["video"]] == [5, 6]
