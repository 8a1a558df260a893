import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from avfusion.estimators._combine import filled_with_mean, gather_predictions, simplex_weights, weighted_mean
from avfusion.sequences._targets import as_targets


def problem(seed, n_estimators=3, n_values=40, n_targets=2, absent=0.0):
    """Answers that are the labels with noise of unlike size; some are absent, never all of a line."""
    rng = np.random.default_rng(seed)
    labels = rng.normal(size=(n_values, n_targets)) * [1.0, 7.0][:n_targets]
    noise = rng.normal(size=(n_estimators, n_values, n_targets)) * rng.uniform(
        0.2, 3, size=(n_estimators, 1, 1)
    )
    predicted = labels + noise * labels.std(axis=0)
    gone = rng.random((n_estimators, n_values)) < absent
    gone[rng.integers(n_estimators, size=n_values), np.arange(n_values)] = False
    predicted[gone] = np.nan
    return predicted, labels


def error_of(weights, predicted, labels):
    """Mean squared error of the weighted mean, line by line; targets in units of their spread."""
    spread, errors = np.nanstd(labels, axis=0), []
    for line in range(predicted.shape[1]):
        there = [e for e in range(len(predicted)) if not np.isnan(predicted[e, line]).any()]
        shares = [weights[e] for e in there] if sum(weights[e] for e in there) > 0 else [1] * len(there)
        mean = sum(w * predicted[e, line] for w, e in zip(shares, there)) / sum(shares)
        errors.extend(((mean - labels[line]) / spread) ** 2)
    return np.nanmean(errors)


def error_as_averaged(weights, predicted, labels):
    """The same, of `weighted_mean`."""
    return np.nanmean(((weighted_mean(predicted, weights) - labels) / np.nanstd(labels, axis=0)) ** 2)


@pytest.mark.parametrize("seed", range(5))
def test_simplex_weights_are_those_of_nnls_with_a_sum_of_one(seed):
    predicted, labels = problem(seed)
    scaled = (predicted / labels.std(axis=0)).reshape(3, -1).T
    heavy = 1e4  # a line that asks for a sum of one
    table = np.vstack([scaled, np.full((1, 3), heavy)])
    expected, _ = nnls(table, np.append((labels / labels.std(axis=0)).ravel(), heavy))
    np.testing.assert_allclose(simplex_weights(predicted, labels), expected, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_with_absent_answers_no_weights_of_a_fine_grid_are_better(seed):
    predicted, labels = problem(seed, absent=0.4)
    labels[::7, 0] = np.nan
    weights = simplex_weights(predicted, labels)
    found = error_of(weights, predicted, labels)
    steps = np.linspace(0, 1, 31)
    grid = [(a, b, 1 - a - b) for a, b in itertools.product(steps, steps) if a + b <= 1]
    best = min(error_of(w, predicted, labels) for w in grid)
    assert found <= best + 1e-6
    assert found == pytest.approx(error_as_averaged(weights, predicted, labels), rel=1e-9)


def test_an_estimator_whose_best_weight_would_be_negative_gets_nothing():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(500, 1))
    noise = rng.normal(size=labels.shape)
    predicted = np.stack([labels + noise, labels + 3 * noise])  # without bounds: 1.5 and -0.5
    np.testing.assert_allclose(simplex_weights(predicted, labels), [1, 0], atol=1e-9)


def test_lines_that_one_estimator_answers_alone_have_no_say():
    predicted, labels = problem(0, n_estimators=2)
    alone = np.full((2, 10, 2), np.nan)
    alone[1] = 100.0
    more = np.concatenate([predicted, alone], axis=1)
    # with the same spread, so that the units of the errors stay
    weights = simplex_weights(more, np.concatenate([labels, labels[:10]]))
    np.testing.assert_allclose(weights, simplex_weights(predicted, labels), atol=0.02)
    np.testing.assert_array_equal(simplex_weights(alone, labels[:10]), [0.5, 0.5])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5), st.floats(0, 0.8))
def test_simplex_weights_are_weights_and_no_worse_than_equal_ones(seed, n_estimators, absent):
    predicted, labels = problem(seed, n_estimators, absent=absent)
    weights = simplex_weights(predicted, labels)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)
    equal = np.ones(n_estimators)
    assert error_of(weights, predicted, labels) <= error_of(equal, predicted, labels) + 1e-9


def test_weighted_mean_line_by_line():
    predicted, _ = problem(1, absent=0.5)
    weights = np.array([0.0, 3.0, 1.0])
    for line, mean in enumerate(weighted_mean(predicted, weights)):
        there = [e for e in range(3) if not np.isnan(predicted[e, line]).any()]
        shares = weights[there] if weights[there].sum() > 0 else np.ones(len(there))
        np.testing.assert_allclose(mean, np.average(predicted[there, line], axis=0, weights=shares))


def test_filled_with_the_mean_of_those_that_answered():
    predicted, _ = problem(2, absent=0.5)
    filled = filled_with_mean(predicted)
    for line in range(predicted.shape[1]):
        there = ~np.isnan(predicted[:, line, 0])
        np.testing.assert_array_equal(filled[there, line], predicted[there, line])
        for filling in filled[~there, line]:
            np.testing.assert_allclose(filling, predicted[there, line].mean(axis=0))


def test_an_estimator_that_answers_in_another_form_is_named():
    frames, clips = as_targets([np.zeros(2), np.ones(3)]), as_targets([1.0, 2.0])
    rows = np.arange(2)
    with pytest.raises(
        ValueError, match=r"'b' predicts 1 value\(s\) per row, but y has 1 value\(s\) per frame"
    ):
        gather_predictions([("a", rows, frames), ("b", rows, clips)], 2, frames.form, None)
    two = as_targets([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(
        ValueError, match=r"'b' predicts 2 value\(s\) per row, but y has 1 value\(s\) per row"
    ):
        gather_predictions([("b", rows, two)], 2, clips.form, None)
