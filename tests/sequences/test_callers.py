"""Where scikit-learn's tools cannot read sequences, the message has a remedy that works."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import AdaBoostRegressor, BaggingRegressor, StackingRegressor
from sklearn.feature_selection import RFE, RFECV, SelectKBest, SequentialFeatureSelector, f_regression
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_validate, permutation_test_score
from sklearn.multioutput import RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av

ONE = av.FrameRegressor()
pytestmark = pytest.mark.filterwarnings("ignore")
LENGTHS = (5, 9, 7, 8, 6, 12)


def recordings():
    rng = np.random.default_rng(0)
    return av.as_sequences(
        {
            "audio": [rng.normal(size=(n, 3)) for n in LENGTHS],
            "video": [rng.normal(size=(n, 2)) for n in LENGTHS],
        }
    )


@pytest.fixture
def X():
    return recordings()


@pytest.fixture
def frames(X):
    return pd.Series(X["audio"].array.with_frames(X["audio"].array.frames[:, :1]), name="arousal")


@pytest.fixture
def clips(X):
    return np.array([cell.frames.mean() for cell in X["audio"]])


def message_of(run):
    with pytest.raises((TypeError, ValueError)) as caught:
        run()
    cause = str(caught.value).strip().splitlines()[-1]  # scikit-learn may put whole tracebacks before it
    assert len(cause) <= 340
    return cause


def test_permutations_of_clips_and_their_remedy(X, clips):
    model = ONE.fit(X, clips)
    told = message_of(lambda: permutation_importance(model, X, clips, n_repeats=1, random_state=0))
    assert "permutation_importance gives rows the stream of another row" in told
    assert "Align in the pipeline mends it" in told
    timed = av.as_sequences(X, rate_hz=1.0)
    model = make_pipeline(av.Align(rate_hz=1.0), ONE).fit(timed, clips)
    assert permutation_importance(model, timed, clips, n_repeats=1).importances_mean.shape == (2,)


def test_permutations_of_labels_per_frame(X, frames):
    model = ONE.fit(X, frames)
    told = message_of(lambda: permutation_importance(model, X, frames, n_repeats=1, random_state=0))
    assert "inspection.modality_importance" in told
    told = message_of(lambda: permutation_test_score(ONE, X, frames, cv=2, n_permutations=2, random_state=0))
    assert (
        "permutation_test_score gives rows the labels of another row. model_selection.permutation_test"
        in told
    )
    # the same mistake without a tool has the usual remedy
    assert "Align" in message_of(lambda: ONE.fit(X, frames.iloc[::-1].reset_index(drop=True)))


@pytest.mark.parametrize(
    ("tool", "remedy"),
    [
        (BaggingRegressor(Ridge(), 2), "FrameRegressor(BaggingRegressor())"),
        (AdaBoostRegressor(n_estimators=2), "FrameRegressor(AdaBoostRegressor())"),
        (SequentialFeatureSelector(Ridge(), n_features_to_select=1, cv=2), "estimators that read sequences"),
        (RFECV(ONE, cv=2), "RFECV takes numbers only"),
        (RFE(Ridge()), "estimators that read sequences"),
        (SelectKBest(f_regression, k=1), "Choose streams with modalities"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_tools_with_estimators_that_read_numbers(X, clips, tool, remedy):
    told = message_of(lambda: tool.fit(X, clips))
    assert remedy in told
    assert "ColumnTransformer" not in told
    assert "array(" not in told  # no data is quoted


@pytest.mark.parametrize(
    "tool",
    [
        BaggingRegressor(ONE, 5, max_features=1, random_state=0),
        SequentialFeatureSelector(ONE, n_features_to_select=1, cv=2),
        RFE(ONE, n_features_to_select=1, importance_getter=lambda model: np.arange(model.n_features_in_)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_columns_of_metadata_alone_are_no_table(X, clips, tool):
    told = message_of(lambda: tool.fit(X.assign(age=range(6)), clips))
    assert "chose columns of metadata alone" in told
    assert "sequence_columns(X)" in told
    tool.fit(X[av.sequences.sequence_columns(X)], clips)  # the remedy


@pytest.mark.parametrize(
    "tool",
    [
        RegressorChain(ONE),
        StackingRegressor([("one", ONE)], final_estimator=av.FrameRegressor(), passthrough=True, cv=2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_predictions_beside_the_streams_would_be_metadata(X, clips, tool):
    y = clips if isinstance(tool, StackingRegressor) else np.column_stack([clips, -clips])
    told = message_of(lambda: tool.fit(X, y))
    assert "sequences and numbers in its cells" in told
    assert ("Give several targets as they are" in told) or ("Use LateFusionRegressor(" in told)


def test_the_remedies_run(X, frames, clips):
    for inner in (BaggingRegressor(n_estimators=2), AdaBoostRegressor(n_estimators=2)):
        assert av.FrameRegressor(inner).fit(X, frames).predict(X).shape == (6,)
        assert make_pipeline(av.Functionals(), inner).fit(X, clips).predict(X).shape == (6,)
    streams = GridSearchCV(ONE, {"modalities": [["audio"], ["video"], None]}, cv=2).fit(X, clips)
    assert streams.best_params_["modalities"] != ["video"]
    inside = TransformedTargetRegressor(Ridge(), func=np.tanh, inverse_func=np.arctanh, check_inverse=False)
    assert av.FrameRegressor(inside).fit(X, np.tanh(clips)).predict(X).shape == (6,)
    selected = make_pipeline(SelectKBest(f_regression, k=1), Ridge())
    assert av.FrameRegressor(selected).fit(X, frames).predict(X).shape == (6,)


def test_tools_that_make_numbers_of_y(X, frames, clips):
    wrapped = TransformedTargetRegressor(ONE, func=np.tanh, inverse_func=np.arctanh)
    assert "FrameRegressor(TransformedTargetRegressor(...))" in message_of(lambda: wrapped.fit(X, frames))
    two = pd.DataFrame({"arousal": frames, "valence": frames})
    assert "Give several targets as they are" in message_of(lambda: RegressorChain(ONE).fit(X, two))
    table = av.Functionals().fit_transform(X)
    for y in (frames, two):
        told = message_of(lambda y=y: Ridge().fit(table, y))
        assert "y has a label per step. Put the regressor on frames with FrameRegressor(regressor)" in told
    means = frames.map(lambda row: row.frames.mean())
    assert Ridge().fit(table, means).predict(table).shape == (6,)


def test_scores_of_sequences(X, frames):
    told = "Use avfusion.metrics, and scoring=avfusion.metrics.scorers"
    assert told in message_of(lambda: r2_score(frames, frames))
    assert told in message_of(lambda: cross_validate(ONE, X, frames, cv=2, scoring="r2", error_score="raise"))
    assert "test_ccc" in cross_validate(ONE, X, frames, cv=2, scoring=av.metrics.scorers)


def test_transformers_and_regressors_of_tables(X, clips):
    for run in (lambda: StandardScaler().fit(X), lambda: Ridge().fit(X, clips)):
        assert "OnFrames and a regressor with FrameRegressor" in message_of(run)


def test_frames_of_selected_rows_only(X):
    selected = X["audio"].iloc[:2]
    told = message_of(lambda: selected.astype(float))
    assert "Use column.array.pack().frames for the frames of its rows" in told
    assert len(selected.array.pack().frames) == sum(LENGTHS[:2]) < len(selected.array.frames)


def test_data_on_their_side(X, frames, clips):
    for turned in (X.T, X.to_numpy().T, np.zeros((2, 6))):
        told = message_of(lambda turned=turned: ONE.fit(turned, clips))
        assert "If the columns of X are the rows, give X.T." in told
    two = pd.DataFrame({"arousal": frames, "valence": frames})
    for turned in (two.T, two.to_numpy().T):
        told = message_of(lambda turned=turned: ONE.fit(X, turned))
        assert "If the columns of y are the rows, give y.T." in told
    both = message_of(lambda: ONE.fit(np.zeros((6, 2)), np.zeros((2, 6))))
    assert "give X.T or y.T." in both
