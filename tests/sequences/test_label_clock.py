"""Labels go to the steps of their time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avfusion import FrameRegressor
from avfusion.metrics import ccc_score
from avfusion.sequences import Sequence, SequenceArray, as_sequences, as_targets
from avfusion.sequences._label_clock import RowClock, lengths_apart, place_labels


def labels(cells):
    return as_targets(pd.Series(SequenceArray.from_sequences(cells)))


def steps(rate, start):
    return RowClock(np.array([float(rate)]), np.array([float(start)]))


@given(st.integers(1, 20), st.integers(-5, 5), st.integers(1, 20))
def test_labels_are_moved_by_their_start(n, start, n_steps):
    values = np.arange(float(n))
    target = labels([Sequence(values, 2, start_s=start / 2 + 100)])
    expected = np.full(n_steps, np.nan)
    for k in range(n):
        if 0 <= k + start < n_steps:
            expected[k + start] = k
    if np.isnan(expected).all():
        with pytest.raises(ValueError, match="share no moment"):
            place_labels(target, np.array([n_steps]), steps(2, 100))
        return
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        placed = place_labels(target, np.array([n_steps]), steps(2, 100))
    np.testing.assert_array_equal(placed.values.ravel(), expected)


def test_nothing_is_moved_without_a_declaration():
    target = labels([Sequence(np.arange(5.0), 2)])
    assert place_labels(target, np.array([9]), steps(2, np.nan)) is target  # not by more than a step
    assert place_labels(target, np.array([5]), steps(2, 10.0)) is target
    assert place_labels(target, np.array([5]), None) is target
    other = labels([Sequence(np.arange(5.0), 4, start_s=3.0)])
    with pytest.raises(ValueError, match=r"y has 4 Hz in row 0.*, its steps 2 Hz"):
        place_labels(other, np.array([9]), steps(2, 0.0))


def test_a_start_that_only_labels_declare_is_asked_about_where_lengths_agree():
    target = labels([Sequence(np.arange(5.0), 2, start_s=3.0)])
    with pytest.raises(
        ValueError, match="begins at 3 s, and its streams are as long but do not say when they begin"
    ):
        place_labels(target, np.array([5]), steps(2, np.nan))


def test_scores_pair_by_time():
    truth = np.sin(np.arange(60) / 5)
    y = as_sequences({"arousal": [truth[20:]]}, rate_hz=2, start_s=10.0, dtype=float)
    predicted = as_sequences({"arousal": [truth]}, rate_hz=2, dtype=float)
    assert ccc_score(y, predicted) == pytest.approx(1.0)


def test_targets_of_several_clocks_are_refused():
    y = pd.DataFrame(
        {
            "a": SequenceArray.from_packed(np.zeros((4, 1)), [4], 2, start_s=0.0),
            "b": SequenceArray.from_packed(np.zeros((4, 1)), [4], 2, start_s=5.0),
        }
    )
    with pytest.raises(ValueError, match="The targets of row 0 have different clocks: starts_s is 0 and 5"):
        as_targets(y)


def test_all_rows_that_differ_are_listed_at_once():
    message = lengths_apart(np.array([5, 4, 3, 2, 9, 7]), np.array([5, 5, 5, 5, 5, -1]), "row {}".format)
    assert "4 for 5 in row 1; 3 for 5 in row 2; 2 for 5 in row 3 and 1 more of 6 rows" in message
    assert lengths_apart(np.array([5]), np.array([5]), "row {}".format) is None


def test_taking_rows_takes_their_times():
    target = labels([Sequence([1.0, 2.0], times_s=[0.0, 3.0]), None, Sequence([3.0], times_s=[5.0])])
    taken = target.take([2, 0])
    np.testing.assert_array_equal(taken.clock.times_s[:, 0], [5.0, 0.0, 3.0])


def test_times_of_both_sides_must_be_the_same():
    X = as_sequences({"words": [Sequence([1.0, 2.0, 3.0], times_s=[0.0, 1.0, 5.0])] * 3})
    y = as_sequences({"a": [Sequence([1.0, 2.0, 3.0], times_s=[100.0, 101.0, 105.0])] * 3}, dtype=float)
    with pytest.raises(ValueError, match="have times of their own, and not the same"):
        FrameRegressor().fit(X, y)
    same = as_sequences({"a": [Sequence([1.0, 2.0, 3.0], times_s=[0.0, 1.0, 5.0])] * 3}, dtype=float)
    FrameRegressor().fit(X, same)
    both = same.assign(b=y["a"])
    with pytest.raises(ValueError, match="targets have times of their own, and not the same"):
        as_targets(both)


def test_rates_of_rows_must_be_those_of_the_streams():
    X = as_sequences({"audio": [np.zeros(6)] * 2}, rate_hz=2)
    y = as_sequences({"a": [np.arange(6.0)] * 2}, rate_hz=[2, 1], dtype=float)
    with pytest.raises(ValueError, match="labels have 1 Hz, the streams 2 Hz"):
        FrameRegressor().fit(X, y)
    with pytest.raises(ValueError, match="y_true has 1 Hz in row 1"):
        ccc_score(y, as_sequences({"a": [np.arange(6.0)] * 2}, rate_hz=2, dtype=float))


def test_labels_that_are_tables_go_by_name():
    table = pd.DataFrame(
        {"timestamp": np.arange(6) / 2, "arousal": np.arange(6.0), "valence": -np.arange(6.0)}
    )
    y = [table, table[["valence", "timestamp", "arousal"]].drop(index=3)]
    targets = as_targets(y)
    assert targets.form.n_targets == 2
    np.testing.assert_array_equal(targets.values[:6], table[["arousal", "valence"]])
    np.testing.assert_array_equal(targets.values[6:, 0], [0, 1, 2, np.nan, 4, 5])


def test_what_is_masked_is_not_a_label():
    masked = np.ma.array([0.1, 0.2, 9e9, 0.4], mask=[0, 0, 1, 0])
    np.testing.assert_array_equal(as_targets([masked]).values.ravel(), [0.1, 0.2, np.nan, 0.4])
    array = np.ma.array(np.ones((2, 3, 1)), mask=np.zeros((2, 3, 1), bool))
    array[0, 1] = np.ma.masked
    assert np.isnan(as_sequences({"a": array})["a"].iloc[0].frames.ravel()).tolist() == [False, True, False]
