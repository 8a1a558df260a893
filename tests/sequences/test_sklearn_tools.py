"""scikit-learn's own tools on ragged columns, with the smallest estimators that can read them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    cross_val_predict,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import resample, shuffle

from avfusion.sequences import as_sequences, sequence_columns


class MeanRegressor(RegressorMixin, BaseEstimator):
    """A scaled mean over the steps of all modalities present; clips or frames, whichever y has."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def fit(self, X, y):
        self.n_rows_, self.per_frame_ = len(X), getattr(np.asarray(y)[0], "ndim", 0) > 0
        return self

    def predict(self, X):
        columns = [X[name].array for name in sequence_columns(X)]
        if self.per_frame_:
            cells = [self.scale * cell.frames.mean(axis=1) for cell in columns[0]]
            return np.fromiter(cells, dtype=object, count=len(X))
        means = [[np.nan if cell is pd.NA else cell.frames.mean() for cell in column] for column in columns]
        return self.scale * np.nanmean(means, axis=0)


class Double(TransformerMixin, BaseEstimator):
    """Doubles the frames of every column that it is given."""

    def fit(self, X, y=None):
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        return self

    def transform(self, X):
        return X.apply(lambda column: column.array.with_frames(2 * column.array.pack().frames))

    def get_feature_names_out(self, input_features=None):
        return self.feature_names_in_


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    audio = [rng.normal(k, 1, size=(rng.integers(5, 40), 3)) for k in range(24)]
    video = [None if k % 5 == 0 else rng.normal(k, 1, size=(rng.integers(5, 40), 2)) for k in range(24)]
    metadata = {"subject": [f"s{k % 4}" for k in range(24)], "age": np.arange(24)}
    index = [f"clip{k}" for k in range(24)]
    return as_sequences({"audio": audio, "video": video}, rate_hz=25).assign(**metadata).set_axis(index)


@pytest.fixture
def y(X):
    return MeanRegressor().fit(X, np.zeros(len(X))).predict(X)


@pytest.mark.works_with("scikit-learn", "`cross_val_predict`")
def test_predictions_out_of_fold_are_those_of_the_rows(X, y):
    cv = GroupKFold(4)
    predicted = cross_val_predict(MeanRegressor(), X, y, groups=X["subject"], cv=cv)
    np.testing.assert_allclose(predicted, y)
    scores = cross_validate(MeanRegressor(0.5), X, y, groups=X["subject"], cv=cv, n_jobs=2)["test_score"]
    halves = [
        1 - (y[test] ** 2 / 4).sum() / ((y[test] - y[test].mean()) ** 2).sum()
        for _, test in cv.split(X, y, X["subject"])
    ]
    np.testing.assert_allclose(scores, halves)


def test_predictions_per_frame_keep_their_lengths(X):
    y = np.fromiter((cell.frames.mean(axis=1) for cell in X["audio"]), dtype=object, count=len(X))
    predicted = cross_val_predict(MeanRegressor(), X, y, cv=3, n_jobs=2)
    for cell, expected in zip(predicted, y, strict=True):
        np.testing.assert_array_equal(cell, expected)


def test_a_search_finds_the_scale(X, y):
    pipeline = make_pipeline(Double(), MeanRegressor())
    grid = {"meanregressor__scale": [0.25, 0.5, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X[["audio", "video"]], y)
    assert search.best_params_ == {"meanregressor__scale": 0.5}
    assert search.best_score_ == pytest.approx(1)
    assert search.best_estimator_[-1].n_rows_ == len(X)


@pytest.mark.works_with(
    "scikit-learn", "`learning_curve`, and `permutation_test_score` with a label per clip"
)
def test_learning_curve_and_permutation_test(X, y):
    sizes, _, scores = learning_curve(MeanRegressor(), X, y, cv=3, train_sizes=[0.5, 1.0], n_jobs=2)
    assert sizes.tolist() == [8, 16]
    np.testing.assert_allclose(scores, 1)
    score, permuted, p = permutation_test_score(
        MeanRegressor(), X, y, cv=3, n_permutations=19, random_state=0
    )
    assert score == pytest.approx(1)
    assert permuted.max() < 0.5
    assert p == 1 / 20


def test_column_transformer_gives_frames_and_passes_the_rest_through(X):
    steps = [("double", Double(), ["audio"]), ("code", OneHotEncoder(sparse_output=False), ["subject"])]
    transformer = ColumnTransformer(steps, remainder="passthrough", verbose_feature_names_out=False)
    out = clone(transformer).set_output(transform="pandas").fit_transform(X)
    assert list(out) == ["audio", "subject_s0", "subject_s1", "subject_s2", "subject_s3", "video", "age"]
    assert out.index.equals(X.index)
    assert out["video"].array.frames is X["video"].array.frames
    np.testing.assert_array_equal(out["audio"].array.frames, 2 * X["audio"].array.frames)
    assert out["audio"].dtype == X["audio"].dtype


@pytest.mark.works_with("scikit-learn", "`train_test_split`, `resample` and `shuffle` copy no frames")
def test_splitting_resampling_and_shuffling_copy_no_frames(X, y):
    pieces = [
        *train_test_split(X, stratify=X["subject"], random_state=0),
        resample(X, random_state=0),
        shuffle(X),
    ]
    for piece in pieces:
        for name in ("audio", "video"):
            assert np.shares_memory(piece[name].array.frames, X[name].array.frames)
            for label, cell in piece[name].items():
                assert (cell is pd.NA) if X.loc[label, name] is pd.NA else cell == X.loc[label, name]


def test_estimators_for_tables_say_why_they_cannot(X):
    with pytest.raises(TypeError, match=r"A sequence \(\d+ x 3, .* s\) is not a number, .* OnFrames"):
        StandardScaler().fit(X[["audio"]])
