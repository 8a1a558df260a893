import re

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVR

import avfusion as av
from avfusion.sequences._targets import as_targets

RIDGE = Ridge(alpha=2.0)
TREES = ExtraTreesRegressor(5, random_state=0)


def values_of(y):
    return as_targets(y).values


@pytest.fixture
def complete(ragged):
    """Without the rows that lack a stream."""
    X, y = ragged
    kept = X[["audio", "video"]].notna().all(axis=1)
    return X[kept], y[kept]


def table_of(X, names=("audio", "video")):
    """Frames of all rows, streams side by side, by hand; NaN for absent streams."""
    rows = []
    for _, row in X.iterrows():
        length = max(len(row[name]) for name in names if row[name] is not pd.NA)
        widths = [X[name].array.width for name in names]
        rows.append(
            np.hstack(
                [
                    np.full((length, width), np.nan) if row[name] is pd.NA else np.asarray(row[name])
                    for name, width in zip(names, widths)
                ]
            )
        )
    return np.vstack(rows).astype("float32")


def two_targets(y):
    return pd.DataFrame({"a": y, "b": y.array.with_frames(np.exp(y.array.pack().frames))}, index=y.index)


def test_is_scikit_learn_on_concatenated_frames(complete):
    X, y = complete
    model = av.FrameRegressor(RIDGE).fit(X, y)
    expected = Ridge(alpha=2.0).fit(table_of(X), values_of(y)[:, 0])
    np.testing.assert_allclose(model.regressors_[0].coef_, expected.coef_)
    np.testing.assert_allclose(values_of(model.predict(X))[:, 0], expected.predict(table_of(X)))


def test_default_is_ridge(complete):
    X, y = complete
    expected = Ridge().fit(table_of(X), values_of(y)[:, 0]).predict(table_of(X))
    np.testing.assert_allclose(values_of(av.FrameRegressor().fit(X, y).predict(X))[:, 0], expected)


def test_chosen_modalities_in_their_order(complete):
    X, y = complete
    model = av.FrameRegressor(RIDGE, modalities=["video", "audio"]).fit(X, y)
    expected = Ridge(alpha=2.0).fit(table_of(X, ["video", "audio"]), values_of(y)[:, 0])
    np.testing.assert_allclose(model.regressors_[0].coef_, expected.coef_)
    assert list(av.FrameRegressor(RIDGE, modalities="video").fit(X, y).modalities_) == ["video"]


@pytest.mark.parametrize(
    ("regressor", "n_fitted"),
    [(RIDGE, 1), (TREES, 1), (HistGradientBoostingRegressor(max_iter=5), 2), (LinearSVR(random_state=0), 2)],
)
def test_several_targets_at_once_or_one_by_one(complete, regressor, n_fitted):
    X, y = complete
    y = two_targets(y)
    model = av.FrameRegressor(regressor).fit(X, y)
    assert len(model.regressors_) == n_fitted
    table, labels = table_of(X), values_of(y)
    if n_fitted == 1:
        expected = regressor.fit(table, labels).predict(table)
    else:
        expected = np.column_stack([regressor.fit(table, labels[:, k]).predict(table) for k in range(2)])
    np.testing.assert_allclose(values_of(model.predict(X)), expected, rtol=1e-6)


def test_targets_that_lack_different_labels_are_fitted_one_by_one(complete):
    X, y = complete
    labels = values_of(two_targets(y)).copy()
    labels[::3, 0] = labels[1::4, 1] = np.nan
    cells = np.split(labels, np.cumsum([len(cell) for cell in y])[:-1])
    model = av.FrameRegressor(RIDGE).fit(X, cells)
    assert len(model.regressors_) == 2
    table = table_of(X)
    for k, regressor in enumerate(model.regressors_):
        known = ~np.isnan(labels[:, k])
        expected = Ridge(alpha=2.0).fit(table[known], labels[known, k])
        np.testing.assert_allclose(regressor.coef_, expected.coef_)


def test_frames_that_lack_all_labels_are_left_out_of_one_fit(complete):
    X, y = complete
    labels = values_of(two_targets(y)).copy()
    labels[::3] = np.nan
    model = av.FrameRegressor(RIDGE).fit(X, np.split(labels, np.cumsum([len(cell) for cell in y])[:-1]))
    assert len(model.regressors_) == 1
    known = ~np.isnan(labels[:, 0])
    expected = Ridge(alpha=2.0).fit(table_of(X)[known], labels[known])
    np.testing.assert_allclose(model.regressors_[0].coef_, expected.coef_)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_clips_have_the_mean_over_their_frames(complete, n_targets):
    X, _ = complete
    lengths = X["audio"].array.lengths
    rng = np.random.default_rng(0)
    y = rng.normal(size=(len(X), n_targets))
    model = av.FrameRegressor(RIDGE).fit(X, y)
    table = table_of(X)
    frames = Ridge(alpha=2.0).fit(table, np.repeat(y, lengths, axis=0)).predict(table).reshape(-1, n_targets)
    expected = [part.mean(axis=0) for part in np.split(frames, np.cumsum(lengths)[:-1])]
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-5)  # float32 frames


def test_absent_streams_are_nan(ragged):
    X, y = ragged
    trees = HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=2)
    model = av.FrameRegressor(trees).fit(X, y)
    table = table_of(X)
    assert np.isnan(table).any()
    expected = trees.fit(table, values_of(y)[:, 0]).predict(table)
    np.testing.assert_allclose(values_of(model.predict(X))[:, 0], expected)


def test_nan_that_the_regressor_does_not_take(ragged, complete):
    X, y = ragged
    n_missing, n_frames = np.isnan(table_of(X)).any(axis=1).sum(), len(table_of(X))
    message = re.escape(
        f"Some frames are NaN ({n_missing} of {n_frames}; not observed, or a stream is absent), which the "
        "regressor Ridge does not take. Use one that does, such as HistGradientBoostingRegressor, or put an "
        "imputer before it: "
        "FrameRegressor(make_pipeline(SimpleImputer(), ...))."
    )
    model = av.FrameRegressor(RIDGE)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "regressors_")
    model.fit(*complete)
    with pytest.raises(ValueError, match=message):
        model.predict(X)
    imputed = av.FrameRegressor(make_pipeline(SimpleImputer(), StandardScaler(), RIDGE)).fit(X, y)
    assert np.isfinite(values_of(imputed.predict(X))).all()


def test_other_errors_of_the_regressor_come_through(complete):
    with pytest.raises(ValueError, match="alpha"):
        av.FrameRegressor(Ridge(alpha=-1.0)).fit(*complete)


def test_the_regressor_given_stays_unfitted(complete):
    regressor = Ridge()
    av.FrameRegressor(regressor).fit(*complete)
    assert not hasattr(regressor, "coef_")


def test_search_over_the_regressors_parameters(complete):
    X, y = complete
    model = av.FrameRegressor(make_pipeline(StandardScaler(), Ridge()))
    search = GridSearchCV(model, {"regressor__ridge__alpha": [0.01, 1e6]}, cv=2).fit(X, y)
    assert search.best_params_ == {"regressor__ridge__alpha": 0.01}
    assert search.best_score_ > 0.9  # the label is a linear map of the frames


def test_plain_table_is_the_regressor_itself():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 4)), rng.normal(size=30)
    np.testing.assert_allclose(
        av.FrameRegressor(RIDGE).fit(X, y).predict(X), Ridge(alpha=2.0).fit(X, y).predict(X)
    )


def test_nan_is_not_blamed_where_the_regressor_takes_it(ragged):
    class Fussy(HistGradientBoostingRegressor):
        def fit(self, X, y):
            raise ValueError("what it objects to")

    X, y = ragged
    assert X["video"].isna().any()
    with pytest.raises(ValueError, match=r"^what it objects to$"):
        av.FrameRegressor(Fussy()).fit(X, y)


@pytest.mark.parametrize("regressor", [3, [1], {"Rigde": {}}, [{"Rigde": {}}]])
def test_a_regressor_is_an_estimator(regressor):
    X = av.as_sequences({"a": [np.ones((3, 1)), np.ones((2, 1))]})
    with pytest.raises(TypeError, match="regressor must be one of scikit-learn, with fit and predict, not"):
        av.FrameRegressor(regressor).fit(X, [0.0, 1.0])


class Masking(Ridge):
    def predict(self, X):
        return np.ma.masked_greater(super().predict(X), 0)


def test_a_prediction_that_a_regressor_masks_is_refused_as_nan_is():
    X, y = np.array([[-1.0], [1.0], [2.0]]), np.array([-1.0, 1.0, 2.0])
    with pytest.raises(ValueError, match=r"(?i)nan"):
        av.FrameRegressor(Masking()).fit(X, y).predict(X)
