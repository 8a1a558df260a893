"""One curve over time for all recordings."""

import numpy as np
import pytest

import avfusion as av


def test_a_drift_that_all_share_is_found():
    rng = np.random.default_rng(0)
    drift = np.linspace(0, 2, 80) ** 2
    X = {"pulse": [np.zeros((80, 1))] * 10}
    model = av.TimeCourseRegressor().fit(X, [drift + rng.normal(size=80) for _ in range(10)])
    assert np.abs(model.predict(X)[0] - drift).max() < 0.5
    assert all((cell == model.predict(X)[0]).all() for cell in model.predict(X))


def test_relative_positions_stretch_with_the_recording():
    lengths = (20, 40, 60)
    X = {"pulse": [np.zeros((n, 1)) for n in lengths]}
    y = [np.sin(np.pi * (np.arange(n) + 0.5) / n) for n in lengths]
    model = av.TimeCourseRegressor(relative=True).fit(X, y)
    for found, expected in zip(model.predict(X), y):
        np.testing.assert_allclose(found, expected, atol=0.01)


def test_beyond_what_was_seen_the_curve_stays():
    model = av.TimeCourseRegressor().fit({"pulse": [np.zeros((10, 1))]}, [np.arange(10.0)])
    found = model.predict({"pulse": [np.zeros((30, 1))]})[0]
    np.testing.assert_allclose(found[10:], 9.0, atol=1e-6)


@pytest.mark.parametrize("n_knots", [1, 2.5, True, None])
def test_knots_are_counted(n_knots):
    with pytest.raises(ValueError, match="n_knots must be a whole number of at least 2"):
        av.TimeCourseRegressor(n_knots=n_knots).fit({"pulse": [np.zeros((3, 1))]}, [np.zeros(3)])
