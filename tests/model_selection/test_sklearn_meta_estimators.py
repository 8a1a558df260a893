"""scikit-learn's own tools around estimators of sequences: what they do, by hand, or what does it instead.

For labels per clip and per frame. Tools that make an array of X see streams by position.
"""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.base import clone
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    HistGradientBoostingRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, SelectFromModel, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import PartialDependenceDisplay
from sklearn.linear_model import Ridge
from sklearn.metrics import PredictionErrorDisplay
from sklearn.model_selection import (
    LearningCurveDisplay,
    ValidationCurveDisplay,
    cross_val_predict,
    cross_val_score,
    permutation_test_score,
    validation_curve,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import estimator_html_repr

import avfusion as av
from avfusion.sequences._targets import as_targets

matplotlib.use("Agg")
CCC = av.metrics.scorers["ccc"]
STREAMS = ["audio", "video"]
MODEL = av.FrameRegressor()
NEIGHBOURS = av.FrameRegressor(KNeighborsRegressor(3))  # takes no weights
TREES = av.FrameRegressor(HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=2))


@pytest.fixture(scope="module", params=["clip", "frame"])
def data(request):
    return av.datasets.make_audiovisual_regression(
        10, audio_rate_hz=1, video_rate_hz=1, duration_s=(8, 15), target=request.param, random_state=0
    )


@pytest.fixture(scope="module")
def clips():
    return av.datasets.make_audiovisual_regression(
        10, audio_rate_hz=1, video_rate_hz=1, duration_s=(8, 15), target="clip", random_state=0
    )


@pytest.fixture(scope="module")
def frames():
    return av.datasets.make_audiovisual_regression(
        10, audio_rate_hz=1, video_rate_hz=1, duration_s=(8, 15), random_state=0
    )


@pytest.fixture(scope="module")
def one_step():
    """The same numbers as a table and as streams of one step, and labels of the rows."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(30, 2))
    X = av.as_sequences({"audio": table[:, :1, None], "video": table[:, 1:, None]}, dtype=np.float64)
    return table, X, table @ [1.0, 0.2] + rng.normal(size=30)


def values(predictions):
    return as_targets(predictions).values.ravel()


def absent(X):
    """Row 0 has no audio."""
    return X.assign(audio=X["audio"].mask(np.arange(len(X)) == 0))


def by_position(model):
    return np.arange(model.n_features_in_)[::-1]


@pytest.mark.works_with("scikit-learn", "`BaggingRegressor` draws rows and streams, for labels per frame too")
@pytest.mark.parametrize(
    ("inner", "change"), [(MODEL, lambda X: X), (TREES, absent), (NEIGHBOURS, lambda X: X)]
)
def test_bagging_is_the_mean_of_fits_on_the_rows_and_streams_it_drew(data, inner, change):
    X, y = change(data[0][STREAMS]), data[1]
    alone = as_targets(y).lengths is None or change is not absent  # how long a row is, a stream must tell
    for max_features in (1.0, 1) if alone else (1.0,):
        bagging = BaggingRegressor(inner, 3, max_features=max_features, random_state=0).fit(X, y)
        expected = np.zeros_like(values(y))
        for rows, columns in zip(bagging.estimators_samples_, bagging.estimators_features_):
            streams = X.iloc[:, columns]
            fitted = clone(inner).fit(
                streams.iloc[rows].reset_index(drop=True), y.iloc[rows].reset_index(drop=True)
            )
            expected += values(fitted.predict(streams)) / 3
        np.testing.assert_allclose(values(bagging.predict(X)), expected, atol=1e-5)


@pytest.mark.works_with("scikit-learn", "`AdaBoostRegressor`, `RFE`, `SelectFromModel` over streams of clips")
@pytest.mark.parametrize(
    "tool",
    [
        lambda inner: AdaBoostRegressor(inner, n_estimators=4, random_state=0),
        lambda inner: BaggingRegressor(inner, 4, max_features=1, random_state=0),
        lambda inner: RFE(inner, n_features_to_select=1, importance_getter=by_position),
        lambda inner: make_pipeline(
            SelectFromModel(inner, max_features=1, threshold=-np.inf, importance_getter=by_position), inner
        ),
        lambda inner: make_pipeline(SequentialFeatureSelector(inner, n_features_to_select=1, cv=3), inner),
        lambda inner: VotingRegressor([("one", inner), ("other", inner)]),
        lambda inner: StackingRegressor([("one", inner)], cv=3),
        lambda inner: TransformedTargetRegressor(inner, func=np.arctan, inverse_func=np.tan),
    ],
)
def test_streams_of_one_step_give_what_a_table_gives(one_step, tool):
    table, X, y = one_step
    expected = tool(Ridge()).fit(table, y).predict(table)
    found = tool(av.FrameRegressor(Ridge())).fit(X, y).predict(X)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_boosting_and_selection_take_absent_streams(clips):
    X, y = absent(clips[0][STREAMS]), clips[1]
    ada = AdaBoostRegressor(TREES, n_estimators=1, random_state=0).fit(X, y)
    assert np.isfinite(ada.predict(X)).all()
    chosen = SequentialFeatureSelector(TREES, n_features_to_select=1, cv=2).fit(X, y)
    assert chosen.set_output(transform="pandas").transform(X).dtypes.iloc[0] in set(X.dtypes)


@pytest.mark.works_with(
    "scikit-learn", "`SequentialFeatureSelector` chooses streams, for labels per frame too"
)
def test_the_stream_that_is_chosen_has_the_best_score(data):
    X, y = data[0][STREAMS], data[1]
    chosen = SequentialFeatureSelector(MODEL, n_features_to_select=1, cv=2, scoring=CCC).fit(X, y)
    scores = [cross_val_score(MODEL, X[[name]], y, cv=2, scoring=CCC).mean() for name in STREAMS]
    assert chosen.get_feature_names_out().tolist() == [STREAMS[int(np.argmax(scores))]]
    out = chosen.set_output(transform="pandas").transform(X)
    assert out.dtypes.to_dict() == X[list(out)].dtypes.to_dict()


@pytest.mark.works_with(
    "scikit-learn", "`VotingRegressor`, one target per clip or per frame (its name is lost)"
)
def test_votes_are_means(data):
    X, y = data
    audio = make_pipeline(FunctionTransformer(lambda X: X[["audio"]]), MODEL)
    vote = VotingRegressor([("audio", audio), ("all", MODEL)], weights=[1, 3]).fit(X, y)
    one, all_ = (values(clone(model).fit(X, y).predict(X)) for model in (audio, MODEL))
    np.testing.assert_allclose(values(vote.predict(X)), (one + 3 * all_) / 4, atol=1e-5)
    assert np.isfinite(cross_val_score(vote, X, y, cv=2, scoring=CCC)).all()


def test_stacking_learns_from_predictions_out_of_fold(clips):
    X, y = clips
    stacked = StackingRegressor([("one", MODEL), ("trees", TREES)], cv=2).fit(X, y)
    outer = [cross_val_predict(model, X, y, cv=2) for model in (MODEL, TREES)]
    final = clone(stacked.final_estimator_).fit(np.column_stack(outer), y)
    inner = np.column_stack([clone(model).fit(X, y).predict(X) for model in (MODEL, TREES)])
    np.testing.assert_allclose(stacked.predict(X), final.predict(inner), atol=1e-5)


@pytest.mark.works_with("scikit-learn", "`MultiOutputRegressor`, per clip or per frame")
def test_several_targets_one_by_one(data):
    X, y = data
    two = pd.DataFrame({"arousal": y, "valence": y.iloc[::-1].array if y.dtype.kind == "f" else y})
    found = as_targets(MultiOutputRegressor(MODEL).fit(X, two).predict(X)).values
    for column, name in enumerate(two):
        expected = clone(MODEL).fit(X, two[name]).predict(X)
        np.testing.assert_allclose(found[:, column], values(expected), atol=1e-5)


@pytest.mark.works_with(
    "scikit-learn", "labels per frame in `AdaBoost-`, `Stacking-`, `TransformedTargetRegressor`", refused=True
)
@pytest.mark.parametrize(
    ("tool", "remedy", "works"),
    [
        (
            AdaBoostRegressor(MODEL, n_estimators=2),
            "FrameRegressor(AdaBoostRegressor())",
            av.FrameRegressor(AdaBoostRegressor(n_estimators=2)),
        ),
        (
            StackingRegressor([("one", MODEL)], cv=2),
            "LateFusionRegressor(..., final_estimator=Ridge())",
            av.LateFusionRegressor([("one", MODEL, None)], final_estimator=Ridge(), cv=2),
        ),
        (
            TransformedTargetRegressor(MODEL, func=np.arctan, inverse_func=np.tan),
            "FrameRegressor(TransformedTargetRegressor(...))",
            av.FrameRegressor(TransformedTargetRegressor(Ridge(), func=np.arctan, inverse_func=np.tan)),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_labels_per_frame_where_a_number_is_needed(frames, tool, remedy, works):
    X, y = frames
    with pytest.raises((TypeError, ValueError)) as caught:
        tool.fit(X, y)
    assert remedy in str(caught.value)
    assert len(str(caught.value)) <= 320
    assert CCC(works.fit(X, y), X, y) > 0.3


def test_a_transformed_target_per_frame_by_hand(frames):
    X, y = frames
    inside = TransformedTargetRegressor(Ridge(), func=np.arctan, inverse_func=np.tan)
    squashed = y.map(lambda row: np.arctan(row.frames))
    expected = np.tan(values(clone(MODEL).fit(X, squashed).predict(X)))
    np.testing.assert_allclose(values(av.FrameRegressor(inside).fit(X, y).predict(X)), expected, atol=1e-4)


@pytest.mark.works_with(
    "scikit-learn", "`PartialDependenceDisplay` of streams, displays of frames", refused=True
)
def test_displays_that_need_numbers(clips, frames):
    X, y = clips
    model = clone(MODEL).fit(X, y)
    with pytest.raises(ValueError, match=r"Partial dependence needs .*inspection.modality_importance"):
        PartialDependenceDisplay.from_estimator(model, X, ["audio"])
    with pytest.raises(TypeError, match=r"displays need .*inspection.PredictionDisplay"):
        PredictionErrorDisplay.from_estimator(clone(MODEL).fit(*frames), *frames)
    display = PredictionErrorDisplay.from_estimator(model, X, y, ax=Figure().subplots())
    np.testing.assert_allclose(display.y_pred, model.predict(X))


@pytest.mark.works_with(
    "scikit-learn", "`LearningCurveDisplay`, `ValidationCurveDisplay`, `validation_curve`"
)
def test_curves(data):
    X, y = data
    model, alphas = av.FrameRegressor(Ridge()), [1.0, 100.0]
    grid = {"param_name": "regressor__alpha", "param_range": alphas, "cv": 2, "scoring": CCC}
    _, scores = validation_curve(model, X, y, **grid)
    for alpha, own in zip(alphas, scores):
        expected = cross_val_score(av.FrameRegressor(Ridge(alpha=alpha)), X, y, cv=2, scoring=CCC)
        np.testing.assert_allclose(own, expected, atol=1e-6)
    display = ValidationCurveDisplay.from_estimator(model, X, y, ax=Figure().subplots(), **grid)
    assert display.ax_.get_ylabel() == "Ccc"
    sizes = {"train_sizes": [3, 5], "cv": 2, "scoring": CCC}
    display = LearningCurveDisplay.from_estimator(model, X, y, ax=Figure().subplots(), **sizes)
    np.testing.assert_allclose(
        display.test_scores[1], cross_val_score(model, X, y, cv=2, scoring=CCC), atol=1e-6
    )


@pytest.mark.works_with(
    "scikit-learn", "`FeatureUnion`, `FunctionTransformer`, `make_column_selector` on streams"
)
@pytest.mark.parametrize("output", ["default", "pandas"])
def test_streams_are_chosen_and_joined(data, output):
    X, y = data
    parts = [(name, FunctionTransformer(lambda X, name=name: X[[name]])) for name in STREAMS]
    union = FeatureUnion(parts).set_output(transform=output)
    expected = values(clone(MODEL).fit(X[STREAMS], y).predict(X[STREAMS]))
    found = make_pipeline(union, clone(MODEL)).fit(X, y).predict(X)
    np.testing.assert_allclose(values(found), expected, atol=1e-6)
    assert make_column_selector(dtype_include=av.SequenceDtype)(X) == STREAMS
    assert make_column_selector(dtype_include="number")(X) == ["subject"]
    columns = make_column_transformer((av.OnFrames(StandardScaler()), make_column_selector(pattern="au|vi")))
    scaled = columns.set_output(transform="pandas").fit_transform(X)
    means = [np.concatenate([cell.frames for cell in scaled[name]]).mean(axis=0) for name in scaled]
    np.testing.assert_allclose(np.concatenate(means), 0, atol=1e-5)


@pytest.mark.works_with("scikit-learn", "`FrozenEstimator` as a member of a fusion; HTML of estimators")
def test_frozen_estimators_and_html(data):
    X, y = data
    fitted = clone(MODEL).fit(X, y)
    late = av.LateFusionRegressor([("frozen", FrozenEstimator(fitted), None)]).fit(X[:5], y[:5])
    np.testing.assert_allclose(values(late.predict(X)), values(fitted.predict(X)))
    text = estimator_html_repr(make_pipeline(av.Align(rate_hz=1.0), late))
    assert all(name in text for name in ("Align", "LateFusionRegressor", "FrozenEstimator"))


def test_the_permutation_test_of_clips_is_that_of_scikit_learn(clips):
    X, y = clips
    theirs = permutation_test_score(MODEL, X, y, cv=2, n_permutations=4, random_state=0)
    ours = av.model_selection.permutation_test(MODEL, X, y, cv=2, n_permutations=4, random_state=0)
    np.testing.assert_allclose(ours.permutation_scores, theirs[1])
