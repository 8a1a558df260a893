"""Means by level from sums by row, against pandas and dense least squares."""

import numpy as np
import pandas as pd
import pytest

from avfusion.estimators._level_means import additive_means, level_means, row_sums


def labels(weighted):
    rng = np.random.default_rng(3)
    row = np.repeat(np.arange(12), rng.integers(1, 5, size=12))
    values = rng.normal(1e6, 1.0, size=(len(row), 2))
    values[rng.random(values.shape) < 0.2] = np.nan
    weights = rng.integers(0, 3, size=values.shape).astype(float) if weighted else None
    codes = [rng.integers(0, 4, size=12), rng.integers(0, 3, size=12)]
    codes[0][5] = -1
    return values, weights, row, codes


def weighted_mean(values, weights):
    return np.average(values, weights=weights) if len(values) and weights.sum() > 0 else np.nan


@pytest.mark.parametrize("weighted", [False, True])
def test_means_are_those_of_the_labels(weighted):
    values, weights, row, (codes, _) = labels(weighted)
    found = level_means(row_sums(values, weights, row, 12), codes, 5)
    for k in range(2):
        table = pd.DataFrame(
            {"y": values[:, k], "w": 1.0 if weights is None else weights[:, k], "c": codes[row]}
        )
        table = table.dropna()
        overall = weighted_mean(table["y"], table["w"])
        for level in range(5):
            own = table[table["c"] == level]
            expected = weighted_mean(own["y"], own["w"]) if len(own) else overall
            np.testing.assert_allclose(found[level, k], expected, rtol=0, atol=1e-7)


def test_shrinkage_counts_recordings():
    """Three recordings of 0 and one of 4: the mean of all is 1."""
    values = np.repeat([0.0, 0.0, 0.0, 4.0], 10)[:, None]
    sums = row_sums(values, None, np.repeat(np.arange(4), 10), 4)
    found = level_means(sums, np.array([0, 0, 0, 1]), 2, shrinkage=1.0)
    np.testing.assert_allclose(found.ravel(), [(3 * 0 + 1) / 4, (4 + 1) / 2])


def test_weights_are_repeated_rows():
    values = np.array([[1.0], [5.0], [9.0]])
    weighted = row_sums(values, np.array([[2.0], [1.0], [3.0]]), np.arange(3), 3)
    times = [2, 1, 3]
    repeated = row_sums(np.repeat(values, times, axis=0), None, np.arange(6), 6)
    codes = np.array([0, 0, 1])
    for shrinkage in (0.0, 2.0):
        one = level_means(weighted, codes, 2, shrinkage)
        np.testing.assert_allclose(one, level_means(repeated, np.repeat(codes, times), 2, shrinkage))


@pytest.mark.parametrize("shrinkage", [[0.0, 0.0], [0.0, 1.0], [2.0, 0.5]])
def test_what_adds_up_is_fitted_by_least_squares(shrinkage):
    values, weights, row, codes = labels(weighted=True)
    sums = row_sums(values, weights, row, 12)
    found = additive_means(sums, codes, [4, 3], shrinkage)
    for k in range(2):
        weight = sums.weight[:, k]
        mean = sums.total[:, k].sum() / weight.sum()
        target = np.divide(sums.total[:, k], weight, out=np.zeros(12), where=weight > 0) - mean
        dense = np.hstack([(codes[0][:, None] == np.arange(4)), (codes[1][:, None] == np.arange(3))]).astype(
            float
        )
        penalty = np.repeat(shrinkage, [4, 3]) * sums.size[k]
        system = np.vstack([np.sqrt(weight)[:, None] * dense, np.diag(np.sqrt(penalty))])
        expected = np.linalg.lstsq(system, np.append(np.sqrt(weight) * target, np.zeros(7)), rcond=None)[0]
        own = np.concatenate(found)[:, k]
        np.testing.assert_allclose(dense @ own, dense @ expected, rtol=0, atol=1e-7)
