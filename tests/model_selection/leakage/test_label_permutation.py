import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion.model_selection.leakage._label_permutation import (
    is_above_chance,
    permute_labels,
    permuted_scores,
)


@pytest.fixture(scope="module")
def data():
    return av.datasets.make_audiovisual_regression(
        12, recordings_per_subject=2, audio_rate_hz=1, video_rate_hz=1, duration_s=(60, 120), random_state=0
    )


def test_nobody_keeps_their_labels_and_forms_stay(data):
    X, y = data
    groups = X["subject"].to_numpy()
    permuted = permute_labels(y, groups, np.random.default_rng(0))
    assert permuted.dtype == y.dtype
    assert [len(cell) for cell in permuted] == [len(cell) for cell in y]
    for row in range(len(y)):
        cell = np.asarray(permuted.iloc[row].frames)
        owners = [
            other
            for other in range(len(y))
            if np.array_equal(cell, np.resize(np.asarray(y.iloc[other].frames), cell.shape))
        ]
        assert len(owners) == 1
        assert groups[owners[0]] != groups[row]


def test_rows_without_labels_keep_that_and_give_none():
    y = [np.ones(2), None, np.full(3, np.nan), np.full(2, 2.0), np.full(4, 3.0)]
    groups = np.array(["a", "b", "b", "a", "c"])
    for seed in range(5):
        permuted = permute_labels(y, groups, np.random.default_rng(seed))
        assert permuted[1] is None
        assert np.isnan(permuted[2]).all()
        assert [cell.tolist() for cell in permuted[[0, 3]]] == [[3.0, 3.0], [3.0, 3.0]]
        assert permuted[4].tolist() == [1.0] * 4  # the first row of a


def test_folds_and_targets_without_labels_are_left_out():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": np.arange(12) // 3})
    X = av.as_sequences({"audio": list(rng.normal(size=(12, 40, 2)))}).assign(a=X["a"])
    y = pd.DataFrame({name: [rng.normal(size=40) for _ in range(12)] for name in ("arousal", "valence")})
    y.loc[:2, "arousal"] = pd.Series([np.full(40, np.nan)] * 3)
    y.loc[3:5, ["arousal", "valence"]] = None
    folds = [(np.flatnonzero(X["a"] != k), np.flatnonzero(X["a"] == k)) for k in range(4)]
    scores, similarity = permuted_scores(
        av.FrameRegressor(Ridge()), X, y, X["a"].to_numpy(), folds, 3, random_state=0
    )
    assert np.isfinite(scores).all()
    assert np.isfinite(similarity).all()
    assert np.abs(scores).max() < 0.3


def test_similarity_is_that_of_labels():
    film, own = np.random.default_rng(0).normal(size=(2, 10, 200))
    y = list(film[0] + 0.5 * own)  # correlation 1 / (1 + .25)
    X = list(own[:, :, None])
    folds = [
        (np.flatnonzero(np.arange(10) % 5 != k), np.flatnonzero(np.arange(10) % 5 == k)) for k in range(5)
    ]
    scores, similarity = permuted_scores(av.FrameRegressor(Ridge()), X, y, None, folds, 4)
    assert similarity == pytest.approx(0.8, abs=0.05)
    assert scores.max() < 0.2


def test_a_leak_is_more_than_similarity_and_chance_explain():
    assert is_above_chance(np.array([0.9, 0.91, 0.9]), np.array([0.8, 0.81, 0.8])) == (False, 0.9)
    assert is_above_chance(np.array([0.99, 0.991, 0.99]), np.array([0.8, 0.81, 0.8])) == (True, 0.9)
    assert is_above_chance(np.array([0.04, 0.041, 0.04]), np.zeros(3)) == (False, 0.0)
    assert is_above_chance(np.array([0.9, -0.5, 0.3]), np.zeros(3)) == (False, 0.0)
    assert is_above_chance(np.array([0.5, 0.51, 0.5]), np.array([0.8, -0.8, 0.1])) == (True, 0.0)
