"""Weighted statistics against NumPy, scikit-learn and repeated labels."""

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyRegressor

from avfusion.metrics import (
    bootstrap_interval,
    ccc_score,
    mean_absolute_error,
    pcc_score,
    root_mean_squared_error,
    sagr_score,
    scorers,
)
from avfusion.metrics._statistics import Column, ccc, pcc
from avfusion.sequences import SequenceArray

ALL = [ccc_score, pcc_score, sagr_score, root_mean_squared_error, mean_absolute_error]
LENGTHS = (7, 4, 12)


def pair(n=23, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.normal(size=n)
    return true, 0.6 * true + rng.normal(0.2, 0.4, size=n), rng.uniform(0.1, 3, size=n)


def split(values):
    return np.split(values, np.cumsum(LENGTHS)[:-1])


def test_against_numpys_weighted_moments():
    true, pred, weight = pair()
    moments = np.cov(true, pred, aweights=weight, ddof=0)
    gap = np.average(true, weights=weight) - np.average(pred, weights=weight)
    expected = 2 * moments[0, 1] / (moments[0, 0] + moments[1, 1] + gap**2)
    assert ccc(Column(true, pred, weight)) == pytest.approx(expected, rel=1e-12)
    expected = moments[0, 1] / np.sqrt(moments[0, 0] * moments[1, 1])
    assert pcc(Column(true, pred, weight)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.works_with("scikit-learn", "`sample_weight` in metrics, against scikit-learn's")
def test_against_scikit_learn():
    true, pred, weight = pair()
    for ours, theirs in (
        (root_mean_squared_error, sklearn.metrics.root_mean_squared_error),
        (mean_absolute_error, sklearn.metrics.mean_absolute_error),
    ):
        expected = theirs(true, pred, sample_weight=weight)
        assert ours(true, pred, sample_weight=weight) == pytest.approx(expected, rel=1e-12)
    expected = sklearn.metrics.accuracy_score(true > 0, pred > 0, sample_weight=weight)
    assert sagr_score(true, pred, sample_weight=weight) == pytest.approx(expected)


@pytest.mark.parametrize("metric", ALL)
@settings(max_examples=15)
@given(times=st.lists(st.integers(0, 4), min_size=23, max_size=23).filter(lambda t: sum(map(bool, t)) > 2))
def test_integer_weights_are_repeated_labels_at_any_scale(metric, times):
    true, pred, _ = pair()
    expected = metric(np.repeat(true, times), np.repeat(pred, times))
    for factor in (1.0, 0.3, 1e200, 1e-200):
        weight = factor * np.array(times)
        assert metric(true, pred, sample_weight=weight) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        per_frame = metric(split(true), split(pred), sample_weight=split(weight))
        assert per_frame == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_equal_weights_and_none(metric):
    true, pred, _ = pair()
    assert metric(true, pred, sample_weight=np.full(23, 2.0)) == pytest.approx(metric(true, pred), rel=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_a_weight_of_zero_is_no_label(metric):
    true, pred, weight = pair()
    counts = np.arange(23) % 3 > 0
    holes = metric(np.where(counts, true, np.nan), pred, sample_weight=weight)
    broken = np.where(counts, pred, np.nan)  # a prediction that does not count may be missing
    assert metric(true, broken, sample_weight=weight * counts) == pytest.approx(holes, rel=1e-12)
    assert metric(true, pred, sample_weight=counts) == pytest.approx(metric(true[counts], pred[counts]))


def test_weights_of_rows_count_for_all_their_frames():
    true, pred, _ = pair()
    frames = np.repeat([1.0, 0.5, 3.0], LENGTHS)
    expected = ccc_score(true, pred, sample_weight=frames)
    for rows in ([1.0, 0.5, 3.0], np.array([[1.0], [0.5], [3.0]]), pd.Series([1.0, 0.5, 3.0])):
        assert ccc_score(split(true), split(pred), sample_weight=rows) == pytest.approx(expected)
    sequences = pd.Series(SequenceArray.from_sequences(split(frames)))
    assert ccc_score(split(true), split(pred), sample_weight=sequences) == pytest.approx(expected)


@pytest.mark.parametrize("metric", ALL)
def test_averages_over_rows(metric):
    true, pred, _ = pair()
    twice = [0, 0, 1, 2, 2, 2]
    rows = split(true), split(pred)
    expected = metric(*([side[k] for k in twice] for side in rows), average="row")
    assert metric(*rows, average="row", sample_weight=[2, 1, 3]) == pytest.approx(expected)


def test_each_target_has_its_weights():
    (true, pred, weight), (other, guess, more) = pair(), pair(seed=1)
    labels, predictions = np.column_stack([true, other]), np.column_stack([pred, guess])
    expected = [ccc_score(true, pred, sample_weight=weight), ccc_score(other, guess, sample_weight=more)]
    found = ccc_score(
        labels, predictions, sample_weight=np.column_stack([weight, more]), multioutput="raw_values"
    )
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("name", scorers)
def test_scorers_take_weights(name):
    true, _, _ = pair()
    model = DummyRegressor().fit(true[:, None], true)
    counts = np.arange(23) % 2
    found = scorers[name](model, true[:, None], true, sample_weight=counts)
    kept = counts > 0
    assert found == pytest.approx(scorers[name](model, true[kept, None], true[kept]))


def of_my_own(true, pred, sample_weight):
    return ccc_score(true, pred, sample_weight=sample_weight)


@pytest.mark.parametrize("metric", [*ALL, of_my_own])
def test_intervals_of_weighted_labels_are_those_of_repeated_ones(metric):
    true, pred, _ = pair(60)
    times = np.arange(60) % 4
    groups = np.repeat(np.arange(12), 5)
    found = bootstrap_interval(
        true, pred, metric, groups=groups, sample_weight=times, n_resamples=200, random_state=0
    )
    known = metric if metric in ALL else ccc_score
    rows = np.repeat(np.arange(60), times)
    expected = bootstrap_interval(
        true[rows], pred[rows], known, groups=groups[rows], n_resamples=200, random_state=0
    )
    if metric in ALL:
        np.testing.assert_allclose(found, expected, atol=1e-12)
    else:  # draws groups in another way
        np.testing.assert_allclose(found, expected, atol=0.15)
