import warnings

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from avfusion.preprocessing import _base
from avfusion.preprocessing._statistics import check_statistics, run_statistics

NUMPY = {
    "mean": np.nanmean,
    "std": np.nanstd,
    "min": np.nanmin,
    "max": np.nanmax,
    "median": np.nanmedian,
    "first": lambda x: x[~np.isnan(x)][0],
    "last": lambda x: x[~np.isnan(x)][-1],
    "q10": lambda x: np.nanpercentile(x, 10),
    "q97.5": lambda x: np.nanpercentile(x, 97.5),
}


def runs(seed, lengths, width=2, missing=0.3):
    rng = np.random.default_rng(seed)
    frames = rng.normal(5, 3, (sum(lengths), width))
    frames[rng.random(frames.shape) < missing] = np.nan
    lengths = np.array(lengths)
    return frames, np.cumsum(lengths) - lengths, lengths


@given(st.integers(0, 10**6), st.lists(st.integers(0, 9), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_every_statistic_is_numpys_of_the_observed_values(seed, lengths):
    frames, begins, lengths = runs(seed, lengths)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run_statistics(frames, begins, lengths, list(NUMPY)).reshape(len(lengths), len(NUMPY), 2)
    for run, (begin, length) in enumerate(zip(begins, lengths)):
        for i, statistic in enumerate(NUMPY.values()):
            for feature in range(2):
                values = frames[begin : begin + length, feature]
                nothing = np.isnan(values).all()
                expected = np.nan if nothing else statistic(values)
                assert_allclose(result[run, i, feature], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("missing", [0, 0.4])
def test_slope_is_that_of_a_fitted_line(missing):
    frames, begins, lengths = runs(1, [12, 30, 7], width=1, missing=missing)
    result = run_statistics(frames, begins, lengths, ["slope"])
    for begin, length, slope in zip(begins, lengths, result):
        values = frames[begin : begin + length, 0]
        seen = np.flatnonzero(~np.isnan(values))
        assert_allclose(slope, scipy.stats.linregress(seen, values[seen]).slope, rtol=1e-10)


def test_one_value_has_no_spread_and_no_slope():
    frames = np.array([[np.nan], [0.1], [np.nan]])
    result = run_statistics(frames, np.array([0]), np.array([3]), ["mean", "std", "slope", "q25"])
    assert result.tolist() == [[0.1, 0.0, 0.0, 0.1]]


def test_constant_values_have_exactly_no_spread():
    # 0.1 summed 25 times and divided is not 0.1; scaling such noise to unit variance would blow it up.
    frames = np.full((25, 1), 0.1)
    assert run_statistics(frames, np.array([0]), np.array([25]), ["std", "slope"]).tolist() == [[0, 0]]


def test_small_spread_on_a_large_offset():
    values = 1e6 + np.random.default_rng(0).normal(0, 1e-3, (1000, 1))
    result = run_statistics(values, np.array([0]), np.array([1000]), ["std"])
    assert_allclose(result[0, 0], np.std(values - 1e6), rtol=1e-9)


def test_blocks_do_not_change_the_answer(monkeypatch):
    frames, begins, lengths = runs(2, [5, 3, 5, 8, 5, 3], width=3)
    whole = run_statistics(frames, begins, lengths, list(NUMPY))
    monkeypatch.setattr(_base, "BLOCK", 16)
    np.testing.assert_array_equal(run_statistics(frames, begins, lengths, list(NUMPY)), whole)


def test_float32_is_computed_in_float64():
    frames = (1000 + np.random.default_rng(0).normal(0, 1, (200_000, 1))).astype(np.float32)
    result = run_statistics(frames, np.array([0]), np.array([200_000]), ["mean", "std"])
    assert result.dtype == np.float32
    assert_allclose(result[0], [frames.mean(dtype=float), frames.std(dtype=float)], rtol=1e-7)


@pytest.mark.parametrize("names", [("average",), ("q101",), ("q",), (1,)])
def test_unknown_statistic_is_refused_with_the_choice(names):
    with pytest.raises(ValueError, match=r"There is no statistic .* Choose from mean, std"):
        check_statistics(names)


@pytest.mark.parametrize("names", ["mean", ()])
def test_statistics_come_in_a_tuple(names):
    with pytest.raises(ValueError, match="one or more names"):
        check_statistics(names)


def test_choice_can_be_narrower():
    with pytest.raises(ValueError, match=r"There is no statistic 'q25'. Choose from mean, std"):
        check_statistics(("q25",), ("mean", "std"))
