"""All transformers keep the same promises."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from avfusion.preprocessing import AddContext, Align, Functionals, OnFrames
from avfusion.sequences import SequenceArray, as_sequences, sequence_columns

MIRRORS = {
    "frames": OnFrames(),
    "frames, reduced": OnFrames({"video": PCA(1)}),
    "align": Align(5.0, aggregate=("mean", "std")),
    "align, up": Align(to="audio"),
    "context": AddContext((0.5, 2), ("mean", "std", "max"), lags_s=(0.3, -1)),
    "context, causal": AddContext((1,), centred=False),
}
ALL = {**MIRRORS, "functionals": Functionals()}
each = pytest.mark.parametrize("transformer", ALL.values(), ids=ALL)
each_mirror = pytest.mark.parametrize("transformer", MIRRORS.values(), ids=MIRRORS)


@parametrize_with_checks([OnFrames(), Align(), AddContext(), Functionals()])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "transformer", [Align(aggregate=("min", "std")), Functionals(("mean",)), OnFrames(PCA(1))]
)
def test_scikit_learns_checks_with_other_parameters(transformer):
    check_estimator(transformer, on_skip=None)


@each
def test_clone_and_pickle(transformer, recordings):
    transformer = clone(transformer).fit(recordings)
    again = pickle.loads(pickle.dumps(transformer))
    assert_same(again.transform(recordings), transformer.transform(recordings))
    with pytest.raises(NotFittedError):
        clone(transformer).transform(recordings)


@each
def test_a_row_alone_is_as_in_any_batch(transformer, recordings):
    transformer = clone(transformer).fit(recordings)
    together = transformer.transform(recordings)
    shuffled = transformer.transform(recordings.iloc[[3, 0, 5, 1, 2, 4]])
    assert_same(rows(shuffled, [1, 3, 4, 0, 5, 2]), together)
    for row in range(6):
        assert_same(transformer.transform(recordings.iloc[[row]]), rows(together, [row]))


@each
def test_memory_mapped_frames_give_the_same(transformer, recordings, tmp_path):
    mapped = recordings.copy()
    for name in sequence_columns(recordings):
        column = recordings[name].array.pack()
        np.save(tmp_path / f"{name}.npy", column.frames)
        frames = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
        mapped[name] = SequenceArray(frames, column.starts, column.lengths, rate_hz=column.rate_hz)
    assert_same(clone(transformer).fit_transform(mapped), clone(transformer).fit_transform(recordings))


@each
def test_input_is_left_as_it_was(transformer, recordings):
    before = recordings.copy(deep=True)
    clone(transformer).fit_transform(recordings)
    pd.testing.assert_frame_equal(recordings, before)


@each
def test_mappings_are_taken_as_recordings(transformer):
    rows = {"audio": [np.ones((50, 3)), np.zeros((25, 3))], "video": [np.eye(2)] * 2}
    X = as_sequences(rows, rate_hz={"audio": 25, "video": 10})
    mapping = {name: X[name].array for name in rows}
    assert_same(clone(transformer).fit_transform(mapping), clone(transformer).fit_transform(X))


@each_mirror
def test_metadata_index_and_order_are_kept(transformer, recordings):
    result = clone(transformer).fit_transform(recordings)
    assert list(result.columns) == ["audio", "subject", "video", "age"]
    pd.testing.assert_frame_equal(result[["subject", "age"]], recordings[["subject", "age"]])
    assert_array_equal(result["video"].isna(), recordings["video"].isna())


@each_mirror
def test_metadata_may_differ_from_fit(transformer, recordings):
    transformer = clone(transformer).set_output(transform="pandas").fit(recordings)
    expected = transformer.transform(recordings)
    other = recordings[["video", "audio"]].assign(session=1)
    pd.testing.assert_frame_equal(
        transformer.transform(other)[["audio", "video"]], expected[["audio", "video"]]
    )
    assert list(transformer.transform(other)) == ["video", "audio", "session"]


@each
def test_pandas_output_of_arrays(transformer):
    X = pd.DataFrame({"p": [1.0, 2.0, 4.0], "q": [0.5, 0.0, 1.0]}, index=[7, 8, 9])
    transformer = OnFrames() if isinstance(transformer, OnFrames) else type(transformer)()
    plain = transformer.fit_transform(X)
    assert isinstance(plain, np.ndarray)
    with config_context(transform_output="pandas"):
        result = transformer.transform(X)
    assert list(result.index) == [7, 8, 9]
    assert list(result.columns) == list(transformer.get_feature_names_out())
    assert_array_equal(result, plain)


@each_mirror
def test_names_out_are_the_columns(transformer, recordings):
    transformer = clone(transformer).fit(recordings)
    assert transformer.get_feature_names_out().tolist() == ["audio", "subject", "video", "age"]


@pytest.mark.parametrize("transformer", [AddContext(), Align(5.0), OnFrames()])
def test_column_transformer_with_pandas_output(transformer, recordings):
    columns = ColumnTransformer(
        [("audio", transformer, ["audio"])], remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")
    result = columns.fit_transform(recordings)
    assert sorted(result) == ["age", "audio", "subject", "video"]
    assert result["audio"].equals(clone(transformer).fit_transform(recordings[["audio"]])["audio"])
    assert result["video"].equals(recordings["video"])
    assert columns.get_feature_names_out().tolist() == list(result.columns)


class WidthRegressor(RegressorMixin, BaseEstimator):
    """Predicts the width of the video column, which shows which parameters reached it."""

    def fit(self, X, y):
        self.width_ = X["video"].dtype.width
        assert list(X["subject"].dropna()) == list(X["subject"])
        return self

    def predict(self, X):
        return np.full(len(X), float(X["video"].dtype.width))


def test_search_over_a_pipeline_in_two_processes(recordings):
    model = make_pipeline(
        Align(5.0), AddContext((1,)), OnFrames({"video": PCA(), "audio": StandardScaler()}), WidthRegressor()
    )
    grid = {
        "align__aggregate": [("mean",), ("mean", "std")],
        "addcontext__widths_s": [(1,), (1, 3)],
        "onframes__transformer__video__n_components": [None, 1],
    }
    y = np.full(5, 12.0)
    X = recordings.drop(index=40)  # whose video has gaps, which PCA refuses
    search = GridSearchCV(model, grid, cv=2, n_jobs=2, scoring="neg_mean_absolute_error").fit(X, y)
    # 2 features x (mean, std) x (itself, 1 s, 3 s)
    assert search.best_params_ == {
        "align__aggregate": ("mean", "std"),
        "addcontext__widths_s": (1, 3),
        "onframes__transformer__video__n_components": None,
    }
    assert_allclose(search.best_score_, 0)


@each
class TestBadInput:
    def test_no_rows(self, transformer, recordings):
        with pytest.raises(ValueError, match=f"X has no rows; {type(transformer).__name__} needs"):
            clone(transformer).fit(recordings.iloc[:0])

    def test_infinite_value(self, transformer, recordings):
        column = recordings["video"].array.pack()
        frames = column.frames.copy()
        frames[column.starts[2] + 5, 1] = np.inf
        X = recordings.assign(video=column.with_frames(frames))
        message = r"Column 'video', row 2 \(index 30\): step 5 holds an infinite value"
        with pytest.raises(ValueError, match=message):
            clone(transformer).fit_transform(X)
        with pytest.raises(ValueError, match=message):
            clone(transformer).fit(recordings).transform(X)

    def test_metadata_without_sequences(self, transformer, recordings):
        with pytest.raises(ValueError, match=r"no sequence column.*not numbers: 'subject'\. .*as_sequences"):
            clone(transformer).fit(recordings[["subject", "age"]])

    def test_numbers_where_sequences_are_needed(self, transformer, recordings):
        transformer = clone(transformer).fit(recordings)
        for X in (recordings[["age"]], np.zeros((2, 5))):
            with pytest.raises(
                ValueError, match=r"sequence columns 'audio', 'video', but X has none\. .*as_sequences"
            ):
                transformer.transform(X)

    def test_sequences_where_numbers_are_needed(self, transformer, recordings):
        transformer = type(transformer)().fit(np.eye(3))
        with pytest.raises(
            ValueError, match="2-D table of numbers, but X has sequence columns 'audio', 'video'"
        ):
            transformer.transform(recordings)

    def test_unknown_modality(self, transformer, recordings):
        X = recordings.assign(text=recordings["audio"])
        with pytest.raises(ValueError, match=r"not fitted on: 'text'\. It knows 'audio', 'video'"):
            clone(transformer).fit(recordings).transform(X)

    def test_lacking_modality(self, transformer, recordings):
        with pytest.raises(
            ValueError, match=r"X lacks sequence columns that .* 'video'\. An absent stream is"
        ):
            clone(transformer).fit(recordings).transform(recordings.drop(columns="video"))

    def test_changed_width(self, transformer, recordings):
        X = recordings.assign(video=recordings["audio"])
        name = type(transformer).__name__
        with pytest.raises(
            ValueError, match=f"Column 'video' has 3 features per frame, but {name} was fitted on 2"
        ):
            clone(transformer).fit(recordings).transform(X)

    def test_repeated_column(self, transformer, recordings):
        X = pd.concat([recordings, recordings[["age"]]], axis=1)
        with pytest.raises(ValueError, match="names in common: 'age'"):
            clone(transformer).fit(X)


def rows(X, positions):
    return X.iloc[positions] if isinstance(X, pd.DataFrame) else X[positions]


def assert_same(found, expected):
    if not isinstance(expected, pd.DataFrame):
        assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
        return
    assert list(found.columns) == list(expected.columns)
    assert list(found.index) == list(expected.index)
    for name in expected:
        if name not in sequence_columns(expected):
            assert_array_equal(found[name], expected[name])
            continue
        assert found[name].dtype == expected[name].dtype
        assert_array_equal(found[name].array.lengths, expected[name].array.lengths)
        assert_allclose(
            found[name].array.pack().frames, expected[name].array.pack().frames, rtol=1e-6, atol=1e-6
        )
