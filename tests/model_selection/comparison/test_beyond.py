"""Labels and predictions without what a baseline explains of them."""

import numpy as np
import pytest

from avfusion.metrics import ccc_score
from avfusion.metrics._scores import resolve_scoring
from avfusion.model_selection.comparison._beyond import beyond, without_base
from avfusion.sequences._targets import as_targets


def test_partial_ccc_is_that_of_residuals_of_least_squares():
    rng = np.random.default_rng(0)
    y, p, b = rng.normal(size=(3, 200)) + rng.normal(size=200)
    left = without_base(*(as_targets(values) for values in (y, p, b)))
    expected = [v - np.polyval(np.polyfit(b, v, 1), b) for v in (y, p)]
    for own, values in zip(left, expected):
        np.testing.assert_allclose(own.values[:, 0], values, atol=1e-12)


@pytest.mark.parametrize("of", [lambda b: b, lambda b: 5 - 3 * b, lambda b: 0 * b + 1])
def test_nothing_is_left_of_the_baseline_itself_or_of_a_constant(of):
    y, b = np.random.default_rng(0).normal(size=(2, 100))
    left = without_base(as_targets(y), as_targets(of(b)), as_targets(b))
    assert ccc_score(*left) == 0


def test_large_offsets_leave_what_there_is():
    y, p, b = np.random.default_rng(0).normal(size=(3, 100))
    plain = without_base(*map(as_targets, (y, p, b)))
    moved = without_base(*(as_targets(values + 1e9) for values in (y, p, b)))
    for one, other in zip(plain, moved):
        np.testing.assert_allclose(one.values, other.values, atol=1e-5)


def test_a_target_without_a_baseline_has_no_figures():
    y, b = np.random.default_rng(0).normal(size=(2, 20))
    b[3] = np.nan
    found = beyond([tuple(map(as_targets, (y, y, b)))], "mae", resolve_scoring("mae")["mae"], 0.95, {})
    assert np.isnan(list(found.values())).all()


def test_intervals_are_of_groups_that_are_drawn_together():
    """A model with half the error of the baseline in each of five groups: the difference is sure."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=50)
    error = np.abs(rng.normal(size=50)) + 1
    pair = tuple(map(as_targets, (y, y + error / 2, y + error)))
    options = {"groups": np.repeat(np.arange(5), 10), "random_state": 0}
    found = beyond([pair], "mae", resolve_scoring("mae")["mae"], 0.95, options)
    assert found["difference"] == pytest.approx(-error.mean() / 2)
    assert found["difference_low"] < found["difference"] < found["difference_high"] < 0
