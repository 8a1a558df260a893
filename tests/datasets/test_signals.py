import numpy as np
import pytest

from avfusion.datasets._signals import gaussian_signal, telegraph_signal, variance_of_mean


def autocorrelation(signals, lag):
    """Of signals known to have mean 0 and variance 1."""
    return np.mean(signals[:, lag:] * signals[:, : signals.shape[1] - lag])


@pytest.mark.parametrize("draw", [gaussian_signal, telegraph_signal])
def test_mean_variance_and_autocorrelation_are_as_promised_from_the_first_point_on(draw):
    signals = draw(np.random.default_rng(0), (20_000, 30), 0.8)
    np.testing.assert_allclose(signals.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose((signals**2).mean(axis=0), 1, atol=0.04)
    for lag in (1, 3, 10):
        assert autocorrelation(signals, lag) == pytest.approx(0.8**lag, abs=0.01)


def test_a_telegraph_signal_takes_two_values():
    assert set(np.unique(telegraph_signal(np.random.default_rng(0), (5, 100), 0.5))) == {-1.0, 1.0}


@pytest.mark.parametrize("draw", [gaussian_signal, telegraph_signal])
def test_a_signal_of_decay_1_stays_as_it_starts(draw):
    signals = draw(np.random.default_rng(0), (50, 20), 1.0)
    assert np.ptp(signals, axis=1).max() == 0
    assert np.ptp(signals[:, 0]) > 0


@pytest.mark.parametrize("n", [1, 2, 7, 40])
@pytest.mark.parametrize("decay", [0.0, 0.3, 0.97, 1.0])
def test_variance_of_a_mean_is_the_mean_of_the_covariance_matrix(n, decay):
    points = np.arange(n)
    covariance = np.float64(decay) ** np.abs(points[:, None] - points)
    assert variance_of_mean(n, decay) == pytest.approx(covariance.mean())
