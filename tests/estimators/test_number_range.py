from fractions import Fraction

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, Ridge

import avfusion as av
from avfusion.estimators._number_range import exponents, rounding, wide_enough
from avfusion.estimators._weights import moments


def streams(scale=1.0, offset=0.0, n_rows=6, n_steps=12):
    rng = np.random.default_rng(0)
    X = av.as_sequences(
        {"a": rng.normal(size=(n_rows, n_steps, 3)), "b": rng.normal(size=(n_rows, n_steps, 2))}
    )
    noise = rng.normal(size=(n_rows, n_steps))
    y = [offset + scale * (row.frames[:, 0] + 0.1 * own) for row, own in zip(X["a"], noise)]
    return X, y


def ridge_by_hand(X, y, alpha=1.0):
    """Ridge regression with an intercept by its normal equations, in float64."""
    A, t = X - X.mean(axis=0), y - y.mean()
    w = np.linalg.solve(A.T @ A + alpha * np.eye(A.shape[1]), A.T @ t)
    return y.mean() + A @ w


@pytest.mark.parametrize(
    ("scale", "offset"), [(1, 0), (1, 1e12), (1, -1e9), (1e160, 0), (1e300, 1e302), (1e-310, 0), (1e-40, 0)]
)
def test_labels_of_every_size_are_fitted_as_in_float64(scale, offset):
    X, y = streams(scale, offset)
    table = np.hstack([X[name].array.frames for name in "ab"]).astype(np.float64)
    labels = np.concatenate(y)
    unit = max(scale, 1e-300)
    expected = ridge_by_hand(table, (labels - offset) / unit)
    got = np.concatenate(list(av.FrameRegressor(Ridge()).fit(X, y).predict(X)))
    np.testing.assert_allclose((got - offset) / unit, expected, atol=2e-4 * max(scale / unit, 1e-12))


def test_ordinary_labels_are_fitted_in_the_type_of_the_features():
    table = np.zeros((2, 3), dtype=np.float32)
    assert wide_enough(table, np.array([[0.1], [0.9]])) is table
    assert wide_enough(table, np.array([[1.0], [9.0]])) is table
    assert wide_enough(table + np.float32(1e16), np.array([[1.0], [9.0]])).dtype == np.float64


@pytest.mark.parametrize("size", [1e-60, 1e-44, 1e44, 1e60])
def test_weights_beyond_float32_weigh_as_in_float64(size):
    X, y = streams()
    weights = size * np.arange(1.0, 7.0)
    table = np.concatenate([np.column_stack([a.frames, b.frames]) for a, b in zip(X["a"], X["b"])])
    expected = (
        LinearRegression()
        .fit(table.astype(float), np.concatenate(y), np.repeat(weights / size, 12))
        .predict(table)
    )
    got = av.FrameRegressor(LinearRegression()).fit(X, y, sample_weight=weights).predict(X)
    np.testing.assert_allclose(np.concatenate(list(got)), expected, atol=1e-6)


@pytest.mark.parametrize("regressor", [Ridge(), HistGradientBoostingRegressor(max_iter=3)])
def test_large_features_are_fitted_as_in_float64(regressor):
    X, y = streams()
    large = av.as_sequences({name: [row.frames * np.float32(1e25) for row in X[name]] for name in X})
    got, expected = (
        np.concatenate(list(av.FrameRegressor(regressor).fit(data, y).predict(data))) for data in (large, X)
    )
    assert np.isfinite(got).all()
    np.testing.assert_allclose(got, expected, atol=0.05)


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e-310, 1e155, 1e300])
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_are_exact_at_every_size(scale, weighted):
    values = np.array([3.0, 5.0, np.nan, 7.0, 4.0])
    weights = np.array([1.0, 2.0, np.nan, 1.0, 4.0]) if weighted else None
    labels = (values * scale)[:, None]
    known = [Fraction(value) for value in labels.ravel()[~np.isnan(values)].tolist()]
    shares = [Fraction(w) for w in (weights[~np.isnan(values)].tolist() if weighted else [1] * 4)]
    mean = sum(s * v for s, v in zip(shares, known)) / sum(shares)
    variance = sum(s * (v - mean) ** 2 for s, v in zip(shares, known)) / sum(shares)
    got = moments(labels, None if weights is None else weights[:, None])
    assert got[0][0] == pytest.approx(float(mean), rel=1e-12)
    assert Fraction(float(got[1][0])) ** 2 / variance == pytest.approx(1, rel=1e-9)


def test_targets_of_ordinary_size_are_not_scaled():
    labels = np.array([[1e-50, 1e90, 0.0, np.nan], [1.0, 1.0, 0.0, np.nan]])
    assert not exponents(labels).any()


def test_rounding_is_that_of_the_type():
    labels = np.linspace(1e12, 1e12 + 1e6, 97)[:, None]
    off = np.abs(labels.astype(np.float32).astype(np.float64) - labels).max() / labels.std()
    assert off <= rounding(labels, np.float32)[0] <= 4 * off
    assert rounding(np.full((3, 1), np.nan), np.float32)[0] == 0


@pytest.mark.parametrize(("scale", "offset"), [(1, 1e12), (1e160, 0), (1e-200, 0)])
@pytest.mark.parametrize("partly", [False, True])
def test_networks_learn_labels_of_every_size_or_say_why_not(scale, offset, partly):
    X, y = streams(scale, offset)
    model = av.EarlyFusionRegressor(
        max_epochs=3, hidden_size=4, window=None, early_stopping=False, random_state=0
    )
    fit = model.partial_fit if partly else model.fit
    got = np.concatenate(list(fit(X, y).predict(X)))
    assert np.isfinite(got).all()
    assert np.abs((got - offset) / scale).max() < 10
    model = av.EarlyFusionRegressor(max_epochs=3, hidden_size=4, standardize_target=False, random_state=0)
    with pytest.raises(ValueError, match=r"Labels of 'target', such as .* in row \d of the training"):
        (model.partial_fit if partly else model.fit)(X, y)
    assert not hasattr(model, "net_")


class Lost(RegressorMixin, BaseEstimator):
    """Predicts NaN where the first feature is positive."""

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.where(X[:, 0] > 0, np.nan, 0.0)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model,
        lambda model: av.RescaledRegressor(model, n_splits=2),
        lambda model: av.LateFusionRegressor([("one", model, ["a"]), ("two", model, ["b"])]),
    ],
    ids=["frames", "rescaled", "late fusion"],
)
@pytest.mark.parametrize("per", ["frame", "clip"])
def test_no_model_predicts_nan_in_silence(wrap, per):
    X, y = streams()
    y = y if per == "frame" else [row.mean() for row in y]
    with pytest.raises(ValueError, match=r"prediction for row \d.* is nan|y_pred is NaN"):
        wrap(av.FrameRegressor(Lost())).fit(X, y).predict(X)
