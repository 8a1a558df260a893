import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion.sequences._targets import as_targets


def values_of(y):
    return as_targets(y).values


@pytest.fixture
def data():
    X, y = av.datasets.make_audiovisual_regression(
        9, recordings_per_subject=3, duration_s=(20, 40), audio_rate_hz=1, video_rate_hz=1, random_state=0
    )
    return X, pd.DataFrame({"a": y, "b": y.array.with_frames(np.tanh(y.array.pack().frames))})


def by_hand(X, y, folds):
    """Scale and offset from held-out predictions, one fold at a time."""
    held_out = {}
    for test in folds:
        train = [row for row in range(len(X)) if row not in test]
        predictions = av.FrameRegressor(Ridge()).fit(X.iloc[train], y.iloc[train]).predict(X.iloc[test])
        targets = as_targets(predictions)
        for k, row in enumerate(test):
            held_out[row] = targets.values[targets.row_of_value == k]
    predictions = np.concatenate([held_out[row] for row in range(len(X))])
    labels = values_of(y)
    known = ~np.isnan(labels)
    pairs = [(labels[known[:, k], k], predictions[known[:, k], k]) for k in range(labels.shape[1])]
    scale = np.array([true.std() / predicted.std() for true, predicted in pairs])
    return scale, [true.mean() - s * predicted.mean() for s, (true, predicted) in zip(scale, pairs)]


def test_scale_and_offset_by_hand(data):
    X, y = data
    model = av.RescaledRegressor(av.FrameRegressor(Ridge()), n_splits=3).fit(X, y)
    scale, offset = by_hand(X, y, [[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    np.testing.assert_allclose(model.scale_, scale, rtol=1e-5)
    np.testing.assert_allclose(model.offset_, offset, rtol=1e-4, atol=1e-6)
    plain = values_of(av.FrameRegressor(Ridge()).fit(X, y).predict(X))
    np.testing.assert_allclose(values_of(model.predict(X)), plain * scale + offset, rtol=1e-4, atol=1e-5)


def test_unlabelled_frames_do_not_count(data):
    X, y = data
    labels = values_of(y).copy()
    labels[::4] = np.nan
    ends = np.cumsum([len(cell) for cell in y["a"]])
    y = pd.Series(av.SequenceArray.from_sequences(np.split(labels, ends[:-1])))
    model = av.RescaledRegressor(av.FrameRegressor(Ridge()), n_splits=3).fit(X, y)
    np.testing.assert_allclose(model.scale_, by_hand(X, y, [[0, 1, 2], [3, 4, 5], [6, 7, 8]])[0], rtol=1e-5)


def test_groups_are_on_one_side_of_inner_splits(data):
    X, y = data
    seen = []

    class Spy(av.FrameRegressor):
        def fit(self, X, y):
            seen.append(set(X["subject"]))
            return super().fit(X, y)

    order = [0, 3, 6, 1, 4, 7, 2, 5, 8]
    model = av.RescaledRegressor(Spy(Ridge()), groups="subject").fit(X.iloc[order], y.iloc[order])
    assert sorted(map(sorted, seen)) == [[0, 1], [0, 1, 2], [0, 2], [1, 2]]
    scale, _ = by_hand(X, y, [[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    np.testing.assert_allclose(model.scale_, scale, rtol=1e-5)


def test_spread_and_mean_of_held_out_rows_are_those_of_the_labels():
    X, y = av.datasets.make_audiovisual_regression(60, audio_rate_hz=1, video_rate_hz=1, random_state=1)
    model = av.RescaledRegressor().fit(X[:40], y[:40])
    predicted, true = values_of(model.predict(X[40:])), values_of(y[40:])
    assert predicted.std() == pytest.approx(true.std(), rel=0.1)
    assert predicted.mean() == pytest.approx(true.mean(), abs=0.1)
    assert model.score(X[40:], y[40:]) > av.FrameRegressor().fit(X[:40], y[:40]).score(X[40:], y[40:])


def test_bad_groups(data):
    X, y = data
    with pytest.raises(ValueError, match=r"groups='speaker' is no column of X. Its columns are"):
        av.RescaledRegressor(groups="speaker").fit(X, y)
    with pytest.raises(ValueError, match=r"At least two rows .* n_samples = 3 in 1 group"):
        av.RescaledRegressor(groups="subject").fit(X[:3], y[:3])
    with pytest.raises(ValueError, match=r"n_samples = 1 in 1 group"):
        av.RescaledRegressor().fit(X[:1], y[:1])


def test_constant_predictions_keep_their_spread():
    rng = np.random.default_rng(0)
    y = rng.normal(size=20)
    model = av.RescaledRegressor(av.FrameRegressor(Ridge(alpha=1e300)), n_splits=2)
    model.fit(np.ones((20, 1)) + 1e-9 * rng.normal(size=(20, 1)), y)
    assert np.isfinite(model.predict(np.ones((2, 1)))).all()


def test_groups_with_metadata_routing(data):
    X, y = data
    expected = av.RescaledRegressor(groups="subject").fit(X, y)
    with sklearn.config_context(enable_metadata_routing=True):
        model = av.RescaledRegressor(groups="subject").fit(X, y)
    np.testing.assert_array_equal(model.scale_, expected.scale_)


def test_a_fold_without_labels_of_a_target_is_named_before_training():
    X = av.as_sequences({"audio": [np.ones((4, 2)) * row for row in range(8)]})
    y = [np.full((4, 2), float(row)) for row in range(8)]
    for labels in y[1:]:
        labels[:, 1] = np.nan  # labelled in row 0 alone

    class Never(av.FrameRegressor):
        def fit(self, X, y):
            raise AssertionError

    with pytest.raises(
        ValueError, match=r"In inner fold 1 of 4, target 1 is NaN .* other folds with n_splits"
    ):
        av.RescaledRegressor(Never(), n_splits=4).fit(X, y)
