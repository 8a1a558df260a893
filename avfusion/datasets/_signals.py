"""Slow random signals whose autocorrelation is known, on an even grid of time points."""

import math

import numpy as np


def gaussian_signal(rng, shape, decay):
    """Return stationary Gaussian signals of variance 1 whose autocorrelation is ``decay ** lag``."""
    from scipy.signal import lfilter  # here, since it alone is a third of what importing the package takes

    shocks = rng.standard_normal(shape)
    shocks[:, 1:] *= math.sqrt(1 - decay**2)
    return lfilter([1.0], [1.0, -decay], shocks)


def telegraph_signal(rng, shape, decay):
    """Return signals that flip between -1 and 1 at random, with autocorrelation ``decay ** lag``."""
    flips = rng.random(shape) < (1 - decay) / 2
    flips[:, 0] = rng.random(shape[0]) < 0.5
    return np.cumprod(np.where(flips, -1.0, 1.0), axis=1)


def variance_of_mean(n, decay):
    """Return the variance of the mean of n neighbouring points, with autocorrelation ``decay ** lag``."""
    lags = np.arange(1, n)
    return (1 + 2 * np.sum((1 - lags / n) * decay**lags)) / n
