import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, cross_val_predict

import avfusion as av


@pytest.fixture
def data():
    X, y = av.datasets.make_audiovisual_regression(
        n_recordings=12, recordings_per_subject=3, audio_rate_hz=1, video_rate_hz=1, random_state=0
    )
    return X, y


def frames(y):
    return np.concatenate([np.asarray(cell)[:, 0] for cell in y])


def test_equals_scale_and_offset_computed_by_hand(data):
    X, y = data
    ridge = av.FrameRegressor(Ridge(1000.0))
    model = av.RescaledRegressor(ridge, groups="subject", n_splits=4).fit(X, y)
    held_out = cross_val_predict(ridge, X, y, groups=X["subject"], cv=GroupKFold(4))
    predicted, labels = frames(held_out), frames(y)
    scale = labels.std() / predicted.std()
    assert model.scale_ == pytest.approx(scale)
    assert model.offset_ == pytest.approx(labels.mean() - scale * predicted.mean())
    plain = frames(clone(ridge).fit(X, y).predict(X))
    np.testing.assert_allclose(frames(model.predict(X)), scale * plain + model.offset_, rtol=1e-6)


def test_more_splits_than_groups_leave_one_out(data):
    X, y = data
    ridge = av.FrameRegressor(Ridge(10.0))
    model = av.RescaledRegressor(ridge, groups="subject", n_splits=50).fit(X, y)
    held_out = cross_val_predict(ridge, X, y, groups=X["subject"], cv=LeaveOneGroupOut())
    assert model.scale_ == pytest.approx(frames(y).std() / frames(held_out).std())


def test_spread_of_held_out_predictions_matches_and_correlation_stays(data):
    X, y = data
    ridge = av.FrameRegressor(Ridge(3000.0))
    plain = cross_val_predict(ridge, X, y, groups=X["subject"], cv=GroupKFold(4))
    rescaled = cross_val_predict(
        av.RescaledRegressor(ridge, groups="subject"), X, y, groups=X["subject"], cv=GroupKFold(4)
    )
    assert frames(plain).std() < 0.6 * frames(y).std()
    assert frames(rescaled).std() == pytest.approx(frames(y).std(), rel=0.2)
    assert av.metrics.ccc_score(y, rescaled) > av.metrics.ccc_score(y, plain) + 0.02


def test_unlabelled_rows_and_frames_do_not_count(data):
    X, y = data
    labelled = np.arange(len(X)) != 5
    with_gap = [np.asarray(cell)[:, 0].copy() for cell in y]
    with_gap[5][:] = np.nan
    ridge = av.FrameRegressor(Ridge(1000.0))
    whole = av.RescaledRegressor(ridge, n_splits=12).fit(
        X[labelled], [with_gap[i] for i in np.flatnonzero(labelled)]
    )
    gap = av.RescaledRegressor(ridge, n_splits=12).fit(X, with_gap)
    assert gap.scale_ == pytest.approx(whole.scale_)
    missing = pd.Series(y.array.take([0, 1, 2, 3, 4, -1, 6, 7, 8, 9, 10, 11], allow_fill=True), index=y.index)
    assert av.RescaledRegressor(ridge, n_splits=12).fit(X, missing).scale_ == pytest.approx(whole.scale_)


class Constant(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.zeros(len(X))


def test_constant_predictions_only_move_to_the_mean():
    X, y = np.zeros((6, 1)), np.arange(6.0)
    model = av.RescaledRegressor(av.FrameRegressor(Constant()), n_splits=3).fit(X, y)
    np.testing.assert_allclose(model.predict(X), 2.5)


def test_several_targets_have_a_line_each():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = X[:, :2] * [1.0, 50.0] + rng.normal(size=(60, 2))
    model = av.RescaledRegressor(av.FrameRegressor(Ridge(30.0))).fit(X, y)
    assert model.scale_.shape == (2,)
    assert model.predict(X).std(axis=0) == pytest.approx(y.std(axis=0), rel=0.15)


def test_messages(data):
    X, y = data
    with pytest.raises(ValueError, match="groups='session' is no column of X; its columns are"):
        av.RescaledRegressor(groups="session").fit(X, y)
    one = X["subject"] == 0
    with pytest.raises(ValueError, match=r"At least two rows .* 3 in 1 group"):
        av.RescaledRegressor(groups="subject").fit(X[one], y[one])
