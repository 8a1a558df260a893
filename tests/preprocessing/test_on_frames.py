import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.model_selection import ParameterGrid
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    PolynomialFeatures,
    StandardScaler,
)

from avfusion.preprocessing import OnFrames
from avfusion.sequences import Sequence, as_sequences


def cells(X, column):
    """List the frames of each row, None where the stream is missing."""
    return [cell.frames if isinstance(cell, Sequence) else None for cell in X[column]]


def all_frames(X, column):
    return np.concatenate([row for row in cells(X, column) if row is not None])


def test_default_standardises_the_frames_of_each_column(recordings):
    scaled = OnFrames().fit_transform(recordings)
    for name in ("audio", "video"):
        frames = all_frames(recordings, name).astype(float)
        expected = (frames - np.nanmean(frames, axis=0)) / np.nanstd(frames, axis=0)
        assert_allclose(all_frames(scaled, name), expected, rtol=1e-4, atol=1e-5)
        assert scaled[name].dtype == recordings[name].dtype
        assert_array_equal(scaled[name].array.lengths, recordings[name].array.lengths)
    assert scaled["subject"].equals(recordings["subject"])


def test_width_may_change_and_rows_keep_their_length(recordings):
    widened = OnFrames({"video": PolynomialFeatures(2)}).fit_transform(recordings)
    assert widened["video"].dtype.width == 6
    for row, found in zip(cells(recordings, "video"), cells(widened, "video")):
        if row is not None:
            assert_allclose(found[:, 4], row[:, 0] * row[:, 1], rtol=1e-6)
    assert widened["audio"].equals(recordings["audio"])


def test_dict_gives_each_column_its_transformer(recordings):
    X = recordings[["audio", "video"]]
    transformer = OnFrames({"video": MinMaxScaler(), "audio": StandardScaler(with_mean=False)}).fit(X)
    assert isinstance(transformer.transformers_["video"], MinMaxScaler)
    frames = all_frames(transformer.transform(X), "video")
    assert_allclose([np.nanmin(frames), np.nanmax(frames)], [0, 1], atol=1e-6)


class CountFrames(TransformerMixin, BaseEstimator):
    """Remembers what it was fitted on, and fills everything with 7."""

    def fit(self, X, y=None):
        self.seen_, self.y_ = X.copy(), y
        return self

    def transform(self, X):
        assert not np.isnan(X).all(axis=1).any()
        return np.full((len(X), 1), 7.0)


def test_unobserved_frames_are_not_seen_and_stay_unobserved(recordings):
    transformer = OnFrames(CountFrames()).fit(recordings, y="labels")
    seen = transformer.transformers_["video"].seen_
    frames = all_frames(recordings, "video")
    unobserved = np.isnan(frames).all(axis=1)
    assert unobserved.sum() == 15
    assert_array_equal(seen, frames[~unobserved])
    assert transformer.transformers_["video"].y_ is None
    found = all_frames(transformer.transform(recordings), "video")[:, 0]
    assert_array_equal(found, np.where(unobserved, np.nan, 7))


def test_partly_observed_frames_go_to_the_transformer(recordings):
    assert np.isnan(cells(recordings, "audio")[0][7]).sum() == 1
    filled = OnFrames({"audio": SimpleImputer()}).fit_transform(recordings)
    expected = np.nanmean(all_frames(recordings, "audio")[:, 1])
    assert_allclose(cells(filled, "audio")[0][7, 1], expected, rtol=1e-5)
    with pytest.raises(ValueError, match="PCA does not accept missing values"):
        OnFrames({"audio": PCA(2)}).fit(recordings)


def test_rows_without_any_observed_frame_keep_the_new_width(recordings):
    transformer = OnFrames({"video": PCA(1)}).fit(recordings)
    unobserved = as_sequences({"audio": [np.zeros((3, 3))] * 3, "video": [np.full((2, 2), np.nan), None, []]})
    result = transformer.transform(unobserved.assign(subject="a"))
    assert result["video"].dtype.width == 1
    assert result["video"].array.lengths.tolist() == [2, -1, 0]
    assert np.isnan(result["video"].array[0].frames).all()


def test_sparse_answers_become_dense(recordings):
    binned = OnFrames({"video": KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf")})
    result = all_frames(binned.fit_transform(recordings.drop(index=40)), "video")
    assert result.shape[1] == 8
    assert_array_equal(result.sum(axis=1), np.full(len(result), 2))


def test_transformer_given_is_not_fitted(recordings):
    scaler = StandardScaler()
    OnFrames(scaler).fit(recordings)
    assert not hasattr(scaler, "mean_")


def test_array_keeps_the_names_of_the_wrapped_transformer():
    X = np.random.default_rng(0).normal(size=(10, 2))
    pca = OnFrames(PCA(1)).fit(X)
    assert_allclose(pca.transform(X), PCA(1).fit_transform(X))
    assert pca.get_feature_names_out().tolist() == ["pca0"]
    assert OnFrames().fit(X).get_feature_names_out().tolist() == ["x0", "x1"]


def test_frames_of_an_array_without_any_value_stay_nan():
    X = np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, 6.0]])
    assert_array_equal(OnFrames().fit_transform(X), [[-1, -1], [np.nan, np.nan], [1, 1]])


def test_nested_parameters(recordings):
    single = OnFrames(StandardScaler()).set_params(transformer__with_mean=False)
    assert single.get_params()["transformer__with_mean"] is False
    assert single.fit(recordings).transformers_["audio"].with_mean is False

    each = OnFrames({"audio": StandardScaler(), "video": PCA()})
    grid = {"transformer__video__n_components": [1, 2], "transformer__audio": [MinMaxScaler()]}
    widths = []
    for params in ParameterGrid(grid):
        fitted = clone(each).set_params(**params).fit(recordings)
        widths.append(fitted.transform(recordings)["video"].dtype.width)
        assert isinstance(fitted.transformers_["audio"], MinMaxScaler)
    assert widths == [1, 2]
    assert isinstance(each.transformer["audio"], StandardScaler)  # the original is left alone
    assert each.transformer["video"].n_components is None
    swapped = each.set_params(transformer={"video": PCA()}, transformer__video__n_components=1)
    assert swapped.transformer["video"].n_components == 1


@pytest.mark.parametrize(
    "key", ["transformer__text", "transformer__video__colour", "transformer__vid__n_components"]
)
def test_unknown_parameter_is_refused(key):
    with pytest.raises(ValueError, match=f"no parameter '{key}'. Choose .*transformer__video__n_components"):
        OnFrames({"video": PCA()}).set_params(**{key: 1})


def test_unknown_column_is_refused(recordings):
    with pytest.raises(
        ValueError,
        match=r"X does not have: 'face'. The sequence columns of X are 'audio', 'video'",
    ):
        OnFrames({"face": PCA()}).fit(recordings)
    with pytest.raises(ValueError, match="A 2-D array has no sequence columns"):
        OnFrames({"face": PCA()}).fit(np.eye(3))


def test_nothing_observed_is_refused(recordings):
    with pytest.raises(ValueError, match="Column 'video' has no observed frame to fit on"):
        OnFrames().fit(recordings.iloc[1:2])


def test_a_fit_that_fails_leaves_nothing_new():
    rows = np.random.default_rng(0).normal(size=(2, 5, 3))
    X = as_sequences({"audio": rows, "video": rows[..., :2]})
    first, fitted = OnFrames(PCA(3)), OnFrames().fit(X)
    with pytest.raises(ValueError, match="n_components=3"):  # of the second column
        first.fit(X)
    with pytest.raises(NotFittedError):
        first.transform(X)
    before = fitted.transform(X)
    with pytest.raises(ValueError, match="n_components=3"):
        fitted.set_params(transformer=PCA(3)).fit(X)
    assert fitted.transform(X).equals(before)


def test_what_a_transformer_masks_is_missing():
    X = as_sequences({"audio": [[[0.5], [2.0]], [[3.0], [0.25]]]})
    masking = FunctionTransformer(lambda frames: np.ma.masked_greater(frames, 1))
    frames = OnFrames(masking).fit_transform(X)["audio"].array.frames
    np.testing.assert_array_equal(frames.ravel(), [0.5, np.nan, np.nan, 0.25])
