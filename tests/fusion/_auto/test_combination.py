"""The rule that combines candidates: close to the best weights with many groups, careful with few."""

import numpy as np
import pytest
from scipy.optimize import minimize

from avfusion.fusion._auto._combination import (
    Combination,
    HeldOut,
    candidate_lines,
    combine,
    gain_of_last,
    last_line,
    mean_of_targets,
    simplex,
)


def held_out(noises, n=300, n_targets=1, seed=0, n_groups=None):
    """Candidates that see the labels through noise, after a constant."""
    rng = np.random.default_rng(seed)
    labels = rng.normal(size=(n, n_targets))
    seen = [(labels + noise * rng.normal(size=labels.shape)) / (1 + noise**2) for noise in noises]
    groups = np.arange(n) % (n_groups or n)
    return HeldOut(np.stack([np.zeros_like(labels), *seen]), labels, None, groups, groups % 5)


def error(labels, predictions):
    return float(np.mean((labels - predictions) ** 2))


def test_simplex_weights_are_those_of_a_general_optimiser():
    rng = np.random.default_rng(0)
    for _ in range(5):
        errors = rng.normal(size=(4, 40)) * rng.uniform(0.5, 2, (4, 1)) + rng.normal(size=40)
        products = errors @ errors.T
        bounds, total = [(0, 1)] * 4, {"type": "eq", "fun": lambda w: w.sum() - 1}
        expected = minimize(
            lambda w, p=products: w @ p @ w / 40,
            np.full(4, 0.25),
            bounds=bounds,
            constraints=total,
            options={"ftol": 1e-14},
        ).x
        np.testing.assert_allclose(simplex(products), expected, atol=2e-4)


def test_candidates_without_error_have_equal_weights():
    np.testing.assert_array_equal(simplex(np.zeros((2, 2))), [0.5, 0.5])


@pytest.mark.parametrize("seed", range(3))
def test_equally_good_candidates_are_better_together(seed):
    known = held_out([1.0, 1.0, 1.0], seed=seed)
    combination, nested, _ = combine(known, "rmse")
    fresh = held_out([1.0, 1.0, 1.0], n=3000, seed=seed + 100)
    together = error(fresh.labels, combination(fresh.predicted))
    alone = min(error(fresh.labels, own) for own in fresh.predicted)
    assert together < 0.6 * alone  # .25 against .5 by theory
    assert error(known.labels, nested) == pytest.approx(together, rel=0.25)


@pytest.mark.parametrize("n", [10, 25, 60])
def test_one_good_among_many_poor_costs_little_regret(n):
    regrets = []
    for seed in range(8):
        noises = [0.3, *[5.0] * 8]
        combination, _, _ = combine(held_out(noises, n=n, seed=seed), "rmse")
        fresh = held_out(noises, n=2000, seed=seed + 100)
        best = min(error(fresh.labels, own) for own in fresh.predicted)
        regrets.append(error(fresh.labels, combination(fresh.predicted)) - best)
    assert np.mean(regrets) < 2 / n  # labels have variance 1


def test_pure_noise_is_not_far_from_the_constant():
    for seed in range(5):
        known = held_out([0.0], seed=seed)
        noise = np.random.default_rng(seed + 1000).normal(size=(4, *known.labels.shape))
        known = HeldOut(
            np.concatenate([known.predicted[:1], noise]), known.labels, None, known.groups, known.folds
        )
        combination, _, _ = combine(known, "rmse")
        fresh = np.random.default_rng(seed + 50).normal(size=(5, 1000, 1))
        fresh[0] = 0
        assert error(np.zeros((1000, 1)), combination(fresh)) < 0.1


def test_ccc_wants_the_spread_of_the_labels_and_errors_want_less():
    known = held_out([1.5, 1.5])
    wide, near = (combine(known, scoring)[1].std() for scoring in ("ccc", "rmse"))
    assert wide == pytest.approx(known.labels.std(), rel=1e-6)
    assert near < 0.8 * wide


def test_mae_goes_to_the_median_of_skewed_labels():
    rng = np.random.default_rng(0)
    labels = rng.exponential(size=(2000, 1))
    constant = np.full_like(labels, labels.mean())
    known = HeldOut(np.stack([constant, constant]), labels, None, np.arange(2000), np.arange(2000) % 5)
    scale, offset = last_line(known, constant, "mae")
    assert float(constant[0, 0] * scale[0] + offset[0]) == pytest.approx(np.median(labels), abs=0.02)


def test_weights_of_labels_count_as_repeated_labels():
    known = held_out([0.5, 1.0, 2.0], n=120, n_groups=20)
    counts = np.random.default_rng(3).integers(0, 3, size=(120, 1))
    weighted = HeldOut(
        known.predicted,
        np.where(counts > 0, known.labels, np.nan),
        np.where(counts > 0, counts, np.nan).astype(float),
        known.groups,
        known.folds,
    )
    rows = np.repeat(np.arange(120), counts[:, 0])
    assert gain_of_last(weighted) == pytest.approx(gain_of_last(known.take(rows)), abs=1e-6)
    both = [combine(own, "ccc")[0].weights for own in (weighted, known.take(rows))]
    np.testing.assert_allclose(*both, atol=1e-6)


def test_gain_is_the_share_of_the_squared_error_that_goes_away():
    rng = np.random.default_rng(0)
    labels, noise = rng.normal(size=(2, 20000, 1))
    predicted = np.stack(
        [0 * labels, (labels + noise) / 2, (labels - noise) / 2, rng.normal(size=labels.shape)]
    )
    known = HeldOut(predicted[:3], labels, None, np.arange(20000), np.arange(20000) % 5)
    assert gain_of_last(known) == pytest.approx(1 - 0.25 / 0.5, abs=0.01)  # their mean is half of the labels
    assert gain_of_last(known, 2) == pytest.approx(1 - 0.25, abs=0.01)
    useless = HeldOut(predicted[[0, 1, 3]], labels, None, known.groups, known.folds)
    assert gain_of_last(useless) < 0.01


def test_absent_predictions_have_no_share():
    known = held_out([0.5, 1.0])
    predicted = known.predicted.copy()
    predicted[1, ::2] = np.nan
    known = HeldOut(predicted, known.labels, None, known.groups, known.folds)
    combination, nested, _ = combine(known, "rmse")
    assert np.isfinite(nested).all()
    alone = combination(np.array([[[0.0]], [[np.nan]], [[1.0]]]))
    both = combination(np.array([[[0.0]], [[1.0]], [[1.0]]]))
    assert 0 < float(alone[0, 0]) < float(both[0, 0]) + 0.5


def test_targets_may_have_weights_of_their_own():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(3000, 2))
    first, second = (
        labels + [0.1, 4.0] * rng.normal(size=(3000, 2)),
        labels + [4.0, 0.1] * rng.normal(size=(3000, 2)),
    )
    known = HeldOut(np.stack([0 * labels, first, second]), labels, None, np.arange(3000), np.arange(3000) % 5)
    weights = combine(known, "rmse")[0].weights
    assert weights[1, 0] > 0.8
    assert weights[2, 1] > 0.8


def test_one_fold_and_two_groups_are_enough():
    known = held_out([0.5], n=4, n_groups=2)
    one_fold = HeldOut(known.predicted, known.labels, None, known.groups, np.zeros(4, dtype=int))
    for own in (known, one_fold):
        combination, nested, rules = combine(own, "ccc")
        assert np.isfinite(nested).all()
        assert np.isfinite(combination.weights).all()
        assert rules["used"].any()


def test_a_target_that_one_fold_alone_labels():
    known = held_out([0.5, 1.0], n=40, n_targets=2)
    known.labels[known.folds != 0, 1] = np.nan
    combination, nested, _ = combine(known, "mae")
    assert np.isfinite(combination.weights).all()
    assert np.isfinite(nested).all()


def test_the_mean_of_lines():
    lines = Combination(
        np.array([[2.0], [1.0]]), np.array([[0.0], [1.0]]), np.array([[0.25], [0.75]]), *np.ones((2, 1))
    )
    expected = 0.25 * (2 * 3.0) + 0.75 * (4.0 + 1.0) + 1.0
    assert float(lines(np.array([[[3.0]], [[4.0]]]))[0, 0]) == pytest.approx(expected)
    assert mean_of_targets(np.array([[[1.0]], [[3.0]]]), np.array([[0.0], [1.0]])).item() == 3.0


def test_lines_of_candidates_undo_overfitting():
    known = held_out([1.0])
    spread = HeldOut(known.predicted * 4, known.labels, None, known.groups, known.folds)
    scales, _ = candidate_lines(spread)
    assert scales[1, 0] == pytest.approx(0.25, abs=0.05)
