import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesRegressor, StackingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

import avfusion as av
from avfusion.sequences._recordings import read_recordings
from avfusion.sequences._targets import as_targets

QUICK = {"hidden_size": 8, "max_epochs": 2, "random_state": 0}


def values_of(y):
    return as_targets(y).values


def cells_of(y):
    targets = as_targets(y)
    return [targets.values[targets.row_of_value == row] for row in range(targets.n_rows)]


def members():
    return [
        ("audio", av.FrameRegressor(Ridge()), "audio"),
        ("video", av.FrameRegressor(LinearRegression()), ["video"]),
    ]


class Constant(RegressorMixin, BaseEstimator):
    """Answers every frame of its stream with one value, and tells which rows and columns it was given."""

    def __init__(self, value=0.0):
        self.value = value

    def fit(self, X, y):
        self.rows_, self.columns_, self.y_ = list(X.index), list(X.columns), y
        return self

    def predict(self, X):
        column = X[next(name for name in ("audio", "video") if name in X)].array
        if as_targets(self.y_).lengths is None:
            return np.full(len(X), self.value)
        cells = [np.full(n, self.value) for n in column.lengths]
        return np.fromiter(cells, dtype=object, count=len(X))


def test_is_the_mean_by_hand(ragged):
    X, y = ragged
    model = av.LateFusionRegressor(members()).fit(X, y)
    has = {name: X[name].notna() for name in ("audio", "video")}
    alone = {
        name: clone(estimator).fit(X[has[name]].drop(columns=other), y[has[name]])
        for (name, estimator, _), other in zip(members(), ("video", "audio"))
    }
    for row, found in enumerate(cells_of(model.predict(X))):
        answers = [
            values_of(alone[name].predict(X.iloc[[row]].drop(columns=other)))
            for name, other in (("audio", "video"), ("video", "audio"))
            if has[name].iloc[row]
        ]
        assert len(answers) == (1 if row in (1, 4) else 2)
        np.testing.assert_allclose(found, np.mean(answers, axis=0), rtol=1e-6)


@pytest.mark.parametrize("target", ["frame", "clip"])
def test_weighted_mean_and_absent_streams(ragged, target):
    X, y = ragged
    y = y if target == "frame" else np.arange(6.0)
    estimators = [("a", Constant(1.0), "audio"), ("v", Constant(4.0), "video"), ("b", Constant(10.0), None)]
    model = av.LateFusionRegressor(estimators, weights=[3, 2, 1]).fit(X, y)
    means = [(3 * 1 + 2 * 4 + 10) / 6, (2 * 4 + 10) / 3, *[(3 * 1 + 2 * 4 + 10) / 6] * 2, (3 * 1 + 10) / 4]
    if target == "clip":
        np.testing.assert_allclose(model.predict(X), [*means, means[0]])
    else:
        # `b` counts audio's frames, which row b lacks
        present = X[X.index != "b"]
        for cell, mean in zip(
            cells_of(model.predict(present)), [means[0], *means[2:], means[0]], strict=True
        ):
            np.testing.assert_allclose(cell, mean)


def test_members_see_their_streams_metadata_and_rows(ragged):
    X, y = ragged
    estimators = [("a", Constant(), "audio"), ("v", Constant(), "video"), ("both", Constant(), None)]
    model = av.LateFusionRegressor(estimators).fit(X, y)
    audio, video, both = (member for _, member, _ in model.estimators_)
    assert audio.rows_ == list("acdef")
    assert video.rows_ == list("abcdf")
    assert both.rows_ == list("abcdef")
    assert audio.columns_ == ["audio", "subject"]
    assert video.columns_ == ["video", "subject"]
    assert both.columns_ == ["audio", "video", "subject"]
    for label, cell in audio.y_.items():
        assert cell == y[label]


@pytest.mark.parametrize("form", ["series", "table", "list", "clips", "clip table"])
def test_members_get_labels_in_the_form_of_y(ragged, form):
    X, y = ragged
    labels = {
        "series": y,
        "table": pd.DataFrame({"a": y, "b": y}),
        "list": [np.asarray(cell)[:, 0] for cell in y],
        "clips": np.arange(6.0),
        "clip table": pd.DataFrame({"a": np.arange(6.0), "b": [1.0] + [np.nan] * 5}, index=X.index),
    }[form]
    model = av.LateFusionRegressor([("a", Constant(), "audio"), ("v", Constant(), "video")]).fit(X, labels)
    given = model.estimators_[0][1].y_
    expected = (
        labels.iloc[[0, 2, 3, 4, 5]] if hasattr(labels, "iloc") else [labels[k] for k in (0, 2, 3, 4, 5)]
    )
    if hasattr(labels, "iloc"):
        assert given.equals(expected)
    else:
        assert isinstance(given, np.ndarray)
        np.testing.assert_array_equal(values_of(given), values_of(expected))


def test_one_weight_may_be_zero(ragged):
    X, y = ragged
    model = av.LateFusionRegressor(members(), weights=[1, 0]).fit(X, y)
    audio, video = (estimator for _, estimator, _ in model.estimators_)
    found = cells_of(model.predict(X))
    for row, cell in enumerate(found):
        # row b has no audio: the estimator of weight zero is better than no answer
        alone = video.predict(X.iloc[[1]].drop(columns="audio")) if row == 1 else None
        alone = audio.predict(X.iloc[[row]].drop(columns="video")) if alone is None else alone
        np.testing.assert_allclose(cell, values_of(alone), atol=1e-6)  # as far as batches go


def test_a_row_of_frames_without_streams_is_refused_by_fit_and_predict_alike(ragged):
    X, y = ragged
    only_audio = [("a", Constant(), "audio")]
    model = av.LateFusionRegressor(only_audio)
    message = r"No stream is present in row 1 \(index 'b'\).*frames is unknown. Drop the row"
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "estimators_")
    model.fit(X.drop(index="b"), y.drop(index="b"))
    with pytest.raises(ValueError, match=message):
        model.predict(X)


@pytest.mark.parametrize("weights", [[1], [1, -1], [0, 0], [1, np.nan], [[1, 2]]])
def test_weights_that_do_not_fit(ragged, weights):
    model = av.LateFusionRegressor(members(), weights=weights)
    with pytest.raises(ValueError, match=r"must hold 2 numbers, one for each estimator, none negative"):
        model.fit(*ragged)
    assert not hasattr(model, "estimators_")


@pytest.mark.parametrize(
    ("estimators", "message"),
    [
        ([("a", Ridge())], r"must be a list of \(name, estimator, modalities\), not of \('a', Ridge\(\)\)"),
        ([("a", Constant(), "audio"), ("a", Constant(), "video")], "Names provided are not unique"),
        ([("weights", Constant(), "audio")], "conflict with constructor arguments"),
        ([("a__b", Constant(), "audio")], "must not contain __"),
        ([], "estimators is empty. Give at least one"),
    ],
)
def test_estimators_that_are_none(ragged, estimators, message):
    model = av.LateFusionRegressor(estimators)
    with pytest.raises(ValueError, match=message):
        model.fit(*ragged)
    assert not hasattr(model, "estimators_")


def test_nested_parameters():
    model = av.LateFusionRegressor(members())
    assert model.get_params()["audio__regressor__alpha"] == 1.0
    assert model.get_params(deep=False).keys() == {
        "estimators",
        "weights",
        "final_estimator",
        "cv",
        "groups",
        "n_jobs",
        "random_state",
    }
    model.set_params(audio__regressor__alpha=7.0)
    assert model.estimators[0][1].regressor.alpha == 7.0
    assert [modalities for _, _, modalities in model.estimators] == ["audio", ["video"]]
    new = Constant(3.0)
    model.set_params(video=new)
    assert model.estimators[1] == ("video", new, ["video"])
    model.set_params(estimators=[("x", Constant(), None)], x__value=5.0, weights=[2.0])
    assert model.estimators[0][1].value == 5.0
    assert model.weights == [2.0]
    with pytest.raises(ValueError, match="Invalid parameter 'audio'"):
        model.set_params(audio__value=1)
    copy = clone(model)
    assert copy.estimators[0][1] is not model.estimators[0][1]
    assert copy.estimators[0][1].value == 5.0


def test_grid_search_over_a_members_parameter(ragged):
    X, y = ragged
    grid = {"audio__regressor__alpha": [1e-3, 1e6], "weights": [[1, 0], [1, 1]]}
    X = X[X["audio"].notna()]
    search = GridSearchCV(av.LateFusionRegressor(members()), grid, cv=2, error_score="raise").fit(
        X, y[X.index]
    )
    assert search.best_params_["audio__regressor__alpha"] == 1e-3
    assert search.best_estimator_.estimators_[0][1].regressors_[0].alpha == 1e-3
    assert len(set(search.cv_results_["mean_test_score"])) >= 3


def test_pipelines_with_different_alignment():
    X, y = av.datasets.make_audiovisual_regression(6, duration_s=(8, 20), random_state=0)
    estimators = [
        ("means", make_pipeline(av.Align(1.0), av.FrameRegressor(Ridge())), "audio"),
        (
            "spreads",
            make_pipeline(
                av.Align(1.0, aggregate=("mean", "std")), av.OnFrames(), av.FrameRegressor(Ridge())
            ),
            "video",
        ),
        ("network", make_pipeline(av.Align(1.0), av.EarlyFusionRegressor(**QUICK)), None),
    ]
    model = av.LateFusionRegressor(estimators, n_jobs=2).fit(X, y)
    views = [X.drop(columns="video"), X.drop(columns="audio"), X]
    expected = np.mean(
        [values_of(clone(e).fit(view, y).predict(view)) for (_, e, _), view in zip(estimators, views)], axis=0
    )
    np.testing.assert_allclose(values_of(model.predict(X)), expected, atol=1e-6)


class Shorter(Constant):
    def predict(self, X):
        return np.fromiter((cell[:-1] for cell in super().predict(X)), dtype=object, count=len(X))


def test_members_that_do_not_agree_on_the_number_of_frames(ragged):
    X, y = ragged
    model = av.LateFusionRegressor([("a", Constant(), "audio"), ("v", Shorter(), "video")]).fit(X, y)
    message = (
        r"Estimators 'a' and 'v' predict 9 and 8 frames for row 0 \(index 'a'\). Let both align their streams"
    )
    with pytest.raises(ValueError, match=message):
        model.predict(X)


def test_default_is_a_network_for_each_stream(ragged):
    X, _ = ragged
    model = av.LateFusionRegressor(random_state=0)
    members = model._members(read_recordings(X, caller="LateFusionRegressor"))
    assert [(name, type(e), e.modality, names) for name, e, names in members] == [
        ("audio", av.UnimodalRegressor, "audio", ["audio"]),
        ("video", av.UnimodalRegressor, "video", ["video"]),
    ]
    seeds = [e.random_state for _, e, _ in members]
    assert seeds == [
        e.random_state for _, e, _ in model._members(read_recordings(X, caller="LateFusionRegressor"))
    ]
    assert len(set(seeds)) == 2


def test_without_a_seed_the_global_generator_is_left_alone(ragged):
    X, _ = ragged
    before = np.random.get_state()[2]  # noqa: NPY002, it is the global generator that matters here
    av.LateFusionRegressor()._members(read_recordings(X, caller="LateFusionRegressor"))
    assert np.random.get_state()[2] == before  # noqa: NPY002


def wide(n_rows=30, n_targets=None, seed=0):
    """Two one-step streams of numbers, as a 2-D table and as sequences, and ratings."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(n_rows, 5))
    weights = rng.normal(size=5 if n_targets is None else (5, n_targets))
    y = table @ weights + rng.normal(size=n_rows if n_targets is None else (n_rows, n_targets))
    return table, y


@pytest.mark.parametrize("cv", [4, KFold(3, shuffle=True, random_state=1)])
def test_stacking_is_scikit_learns_on_a_table(cv):
    table, y = wide()
    members = [("ridge", Ridge(10)), ("tree", DecisionTreeRegressor(max_depth=3, random_state=0))]
    theirs = StackingRegressor(members, Ridge(0.5), cv=cv).fit(table, y)
    ours = av.LateFusionRegressor(
        [(name, av.FrameRegressor(member), None) for name, member in members],
        final_estimator=Ridge(0.5),
        cv=cv,
    ).fit(table, y)
    np.testing.assert_allclose(ours.predict(table), theirs.predict(table), rtol=1e-9)
    np.testing.assert_allclose(ours.final_estimators_[0].coef_, theirs.final_estimator_.coef_, rtol=1e-9)
    assert ours.weights_ is None
    before = ours.predict(table)
    np.testing.assert_array_equal(ours.set_params(final_estimator=None).predict(table), before)
    ours.fit(table, y)
    assert ours.final_estimators_ is None
    np.testing.assert_array_equal(ours.weights_, [0.5, 0.5])


def test_targets_are_stacked_one_by_one_where_they_are_labelled():
    table, y = wide(n_targets=2)
    members = [
        ("ridge", av.FrameRegressor(Ridge(10)), None),
        ("mean", av.FrameRegressor(DummyRegressor()), None),
    ]
    y[3:9, 1] = np.nan
    both = av.LateFusionRegressor(members, final_estimator=LinearRegression(positive=True), cv=3).fit(
        table, y
    )
    for k in (0, 1):
        alone = av.LateFusionRegressor(members, final_estimator=LinearRegression(positive=True), cv=3)
        alone.fit(table, y[:, k])
        np.testing.assert_allclose(both.predict(table)[:, k], alone.predict(table), rtol=1e-9)


def fixed(value, stream):
    return (f"{stream} {value}", Constant(value), stream)


@pytest.mark.parametrize("target", ["frame", "clip"])
def test_learnt_weights_are_those_of_the_held_out_answers(ragged, target):
    """By hand: fit on the other subjects, answer the subject left out, least squares on a fine grid."""
    X, y = ragged
    y = y if target == "frame" else pd.Series([3.0, -1.0, 2.0, 0.5, 1.0, 4.0], index=X.index)
    if target == "frame":
        estimators = members()
    else:
        estimators = [
            (name, make_pipeline(av.Functionals(("mean",)), Ridge()), name) for name in ("audio", "video")
        ]
    model = av.LateFusionRegressor(estimators, weights="simplex", groups="subject").fit(X, y)

    held_out = {}
    for subject in "pqr":
        train, test = X[X["subject"] != subject], X[X["subject"] == subject]
        for (name, estimator, _), other in zip(estimators, ("video", "audio")):
            rows = train[name].notna()
            fitted = clone(estimator).fit(train[rows].drop(columns=other), y[train.index[rows]])
            for row in test.index[test[name].notna()]:
                answer = fitted.predict(X.loc[[row]].drop(columns=other))
                held_out[name, row] = values_of(answer).ravel()
    both = [row for row in X.index if ("audio", row) in held_out and ("video", row) in held_out]
    labels = np.concatenate([values_of(y[[row]]).ravel() for row in both])
    audio, video = (np.concatenate([held_out[name, row] for row in both]) for name in ("audio", "video"))
    shares = np.linspace(0, 1, 10_001)
    errors = [np.mean((s * audio + (1 - s) * video - labels) ** 2) for s in shares]
    np.testing.assert_allclose(model.weights_[0], shares[np.argmin(errors)], atol=2e-4)

    passed = av.LateFusionRegressor(estimators, weights="simplex").fit(X, y, groups=X["subject"].to_numpy())
    np.testing.assert_array_equal(passed.weights_, model.weights_)
    given = av.LateFusionRegressor(estimators, weights=model.weights_).fit(X, y)
    np.testing.assert_array_equal(values_of(given.predict(X)), values_of(model.predict(X)))


@pytest.mark.parametrize("target", ["frame", "clip"])
@pytest.mark.parametrize("how", [{"weights": "simplex"}, {"final_estimator": Ridge()}])
def test_networks_trees_and_linear_models_mix(ragged, target, how):
    X, y = ragged
    trees = ExtraTreesRegressor(5, random_state=0)
    if target == "frame":
        y = pd.DataFrame({"arousal": y, "valence": y})
        others = [
            ("trees", av.FrameRegressor(trees), "audio"),
            ("linear", make_pipeline(av.AddContext((1, 3)), av.FrameRegressor(Ridge())), "video"),
        ]
    else:
        y = pd.DataFrame({"a": np.arange(6.0), "b": np.arange(6.0) ** 2}, index=X.index)
        others = [
            ("trees", make_pipeline(av.Functionals(), trees), "audio"),
            ("linear", make_pipeline(av.Functionals(), Ridge()), "video"),
        ]
    estimators = [("network", av.EarlyFusionRegressor(**QUICK), None), *others]
    model = av.LateFusionRegressor(estimators, cv=3, **how).fit(X, y)
    predicted = model.predict(X)
    assert list(predicted) == list(y)
    assert predicted.index.equals(X.index)
    assert np.isfinite(values_of(predicted)).all()
    for row in X.index:  # the same alone, also where a stream is absent
        np.testing.assert_allclose(
            values_of(model.predict(X.loc[[row]])), values_of(predicted.loc[[row]]), atol=1e-5
        )


def test_when_stacked_the_mean_of_the_others_stands_in_for_an_absent_answer(ragged):
    X, _ = ragged
    y = np.arange(6.0)
    estimators = [fixed(1.0, "audio"), fixed(5.0, "video"), ("both", Constant(9.0), None)]
    model = av.LateFusionRegressor(estimators, final_estimator=Sum()).fit(X, y)
    expected = [15.0, 7 + 5 + 9, 15.0, 15.0, 1 + 5 + 9, 15.0]  # row 1 has no audio, row 4 no video
    np.testing.assert_allclose(model.predict(X), expected)


class Sum(RegressorMixin, BaseEstimator):
    """Adds up what it is given."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X.sum(axis=1)


def test_a_constant_among_the_members_shrinks_towards_the_mean():
    rng = np.random.default_rng(0)
    y = rng.normal(size=400)
    table = np.column_stack([3 * (y + 2 * rng.normal(size=400)), rng.normal(size=400)])
    members = [("first", First(), None), ("mean", av.FrameRegressor(DummyRegressor()), None)]
    model = av.LateFusionRegressor(members, weights="simplex").fit(table, y)
    slope = np.cov(table[:, 0], y)[0, 1] / table[:, 0].var()
    assert model.weights_[0] == pytest.approx(slope, abs=0.02)


class First(RegressorMixin, BaseEstimator):
    """Answers the first feature of the first step."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.array([cell.frames[0, 0] for cell in X.iloc[:, 0]])


def test_learning_from_an_official_validation_split(ragged):
    X, y = ragged
    fold = PredefinedSplit([-1, -1, 0, 0, -1, -1])
    model = av.LateFusionRegressor(members(), weights="simplex", cv=fold).fit(X, y)
    again = av.LateFusionRegressor(members(), weights="simplex", cv=[([0, 1, 4, 5], [2, 3])]).fit(X, y)
    np.testing.assert_array_equal(model.weights_, again.weights_)
    on_all_rows = av.LateFusionRegressor(members()).fit(X, y)
    for (_, found, _), (_, expected, _) in zip(model.estimators_, on_all_rows.estimators_):
        np.testing.assert_array_equal(found.regressors_[0].coef_, expected.regressors_[0].coef_)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"weights": "best"}, r"weights='best' must be 'simplex', numbers, or None"),
        ({"weights": [1, 1], "final_estimator": Ridge()}, r"final_estimator, to stack, are both given"),
        ({"weights": "simplex", "groups": "person"}, r"groups='person' is no column of X"),
        ({"weights": "simplex", "cv": [([0], [1]), ([2], [1])]}, r"tests a row twice"),
        (
            {"weights": "simplex", "cv": [([1], [0, 2, 3, 4, 5])]},
            r"'audio' has nothing to fit on in inner fold 1 of 1: 'audio' absent.*Choose other folds",
        ),
        ({"weights": "simplex", "cv": 1}, "Two folds at least are needed.*got 1"),
        (
            {"final_estimator": "ridge"},
            r"final_estimator is 'ridge', which is no regressor. Give a regressor",
        ),
        ({"final_estimator": LogisticRegression()}, r"final_estimator is Logistic.* which is a classifier"),
        ({"final_estimator": Ridge}, r"final_estimator is the class Ridge. Give an instance: Ridge\(...\)"),
    ],
)
def test_what_cannot_be_learnt_is_told_before_training(ragged, parameters, message):
    refuses_untrained(av.LateFusionRegressor(untrained(), **parameters), *ragged, message)


class Untouched(Constant):
    def fit(self, X, y):
        raise AssertionError("training began")


def untrained():
    return [(name, Untouched(), name) for name in ("audio", "video")]


def refuses_untrained(model, X, y, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "estimators_")


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (None, r"Estimator 'late' is None, which is no regressor. Give .* or 'drop' to leave it out"),
        ("trees", r"Estimator 'late' is 'trees', which is no regressor"),
        (Ridge, r"Estimator 'late' is the class Ridge. Give an instance"),
        (LogisticRegression(), r"Estimator 'late' is LogisticRegression\(\), which is a classifier"),
        (StandardScaler(), r"Estimator 'late' is StandardScaler\(\), which is no regressor"),
    ],
)
def test_members_that_are_no_regressors_are_named_before_training(ragged, member, message):
    refuses_untrained(av.LateFusionRegressor([*untrained(), ("late", member, "video")]), *ragged, message)


@pytest.mark.parametrize("estimators", [Ridge(), "audio", {"a": Ridge()}, [(1, Ridge(), "audio")]])
def test_estimators_in_another_form(ragged, estimators):
    model = av.LateFusionRegressor(estimators)
    refuses_untrained(model, *ragged, r"must be a list of \(name, estimator, modalities\)")


def test_a_dropped_member_is_left_out_with_its_weight(ragged):
    X, y = ragged
    y = np.arange(6.0)
    estimators = [("a", Constant(1.0), "audio"), ("gone", "drop", "text"), ("v", Constant(4.0), "video")]
    model = av.LateFusionRegressor(estimators, weights=[3, 9, 1]).fit(X, y)
    assert [name for name, _, _ in model.estimators_] == ["a", "v"]
    np.testing.assert_array_equal(model.weights_, [0.75, 0.25])
    assert model.predict(X)[0] == 0.75 * 1 + 0.25 * 4
    dropped = clone(model).set_params(a="drop", weights=None).fit(X, y)
    assert [name for name, _, _ in dropped.estimators_] == ["v"]
    with sklearn.config_context(enable_metadata_routing=True):
        assert [name for name, _, _ in clone(model).fit(X, y).estimators_] == ["a", "v"]
    refuses_untrained(av.LateFusionRegressor([("a", "drop", None)]), X, y, "All estimators are dropped")
    refuses_untrained(
        av.LateFusionRegressor(estimators, weights=[0, 1, 0]), X, y, "3 numbers, one for each estimator"
    )


@pytest.mark.parametrize("how", [{}, {"weights": "simplex"}, {"final_estimator": Ridge()}])
def test_a_clip_without_streams_teaches_nothing_and_gets_the_mean_label(ragged, how):
    X, _ = ragged
    y = pd.DataFrame({"a": np.arange(6.0), "b": np.arange(6.0) ** 2}, index=X.index)
    X = X.assign(video=X["video"].mask(X.index == "b"))  # its audio is absent already
    estimators = [(name, make_pipeline(av.Functionals(), Ridge()), name) for name in ("audio", "video")]
    there = X.index != "b"
    model = av.LateFusionRegressor(estimators, cv=[([0, 1, 2], [3, 4, 5])], **how).fit(X, y)
    without = av.LateFusionRegressor(estimators, cv=[([0, 1], [2, 3, 4])], **how).fit(X[there], y[there])
    predicted = model.predict(X)
    pd.testing.assert_frame_equal(predicted[there], without.predict(X[there]))
    np.testing.assert_allclose(predicted.loc["b"], y.mean())
    np.testing.assert_allclose(model.predict(X.loc[["b"]]), y.mean().to_frame().T)
    held_out = av.LateFusionRegressor(estimators, cv=3, **how).fit(X, y)
    assert np.isfinite(held_out.predict(X)).all(axis=None)


def test_a_clip_without_streams_costs_no_fold():
    streams = {"a": [None] + [np.ones((5, 3)) * i for i in range(11)]}
    X = av.as_sequences({**streams, "b": [None] + [np.ones((5, 4)) * i for i in range(11)]})
    model = av.LateFusionRegressor([(name, av.FrameRegressor(), name) for name in "ab"])
    scores = cross_val_score(model, X, np.arange(12.0), cv=KFold(3), error_score="raise")
    assert np.isfinite(scores).all()


def test_a_target_without_labels_in_a_fold_is_named_before_training():
    rng = np.random.default_rng(0)
    X = av.as_sequences({"a": [rng.normal(size=(6, 3)) for _ in range(10)]})
    y = [rng.normal(size=(6, 2)) for _ in range(10)]
    for labels in y[1:]:
        labels[:, 1] = np.nan
    model = av.LateFusionRegressor([("r", Untouched(), "a")], weights="simplex")
    refuses_untrained(
        model, X, y, "In inner fold 1 of 5, target 1 is NaN in all training rows that have 'a'. Choose other"
    )
    model.set_params(cv=[(np.arange(5), np.arange(5, 10))])
    refuses_untrained(model, X, y, "target 1 is NaN in every row that the inner folds hold out")
    model.set_params(weights=None)
    refuses_untrained(model, X[1:], y[1:], "Nothing is labelled: target 1 in y is NaN everywhere")


def test_a_member_whose_rows_have_no_labels_is_named_before_training(ragged):
    X, _ = ragged
    y = np.array([np.nan, 1.0, np.nan, np.nan, np.nan, np.nan])  # row b has no audio
    model = av.LateFusionRegressor(untrained()[::-1])
    refuses_untrained(
        model, X, y, "'audio' has nothing to learn target from: it is NaN in every row that has"
    )


def test_labels_at_another_rate_than_the_answers(ragged):
    X, y = ragged
    model = av.LateFusionRegressor([("v", Shorter(), "audio")], weights="simplex")
    rows = X["audio"].notna()
    with pytest.raises(
        ValueError, match=r"predict 8 frames for row 0 \(index 'a'\), which has 9 labels. Let them align"
    ):
        model.fit(X[rows], y[rows])


def test_recordings_without_labels_are_left_out_of_what_is_learnt(ragged):
    X, y = ragged
    labels = [np.asarray(cell)[:, 0] for cell in y]
    labels[2], labels[3] = np.full(12, np.nan), None
    y = pd.Series(av.SequenceArray.from_sequences(labels, rate_hz=1), index=X.index)
    model = av.LateFusionRegressor(members(), weights="simplex", groups="subject").fit(X, y)
    assert np.isfinite(values_of(model.predict(X))).all()


@parametrize_with_checks(
    [
        av.LateFusionRegressor([("ridge", av.FrameRegressor(Ridge()), None)], **how)
        for how in ({"weights": "simplex"}, {"final_estimator": LinearRegression()})
    ]
)
def test_scikit_learns_checks_where_something_is_learnt(estimator, check):
    check(estimator)


class Broken(Ridge):
    def fit(self, X, y):
        raise RuntimeError("broken")


def test_a_fit_that_fails_leaves_nothing_new(ragged):
    X, y = ragged
    two = [(name, av.FrameRegressor(DummyRegressor()), name) for name in ("audio", "video")]
    model = av.LateFusionRegressor(two, final_estimator=Broken(), cv=2)
    with pytest.raises(RuntimeError, match="broken"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    before = values_of(model.set_params(final_estimator=Ridge()).fit(X, y).predict(X))
    with pytest.raises(RuntimeError, match="broken"):
        model.set_params(final_estimator=Broken()).fit(X, y.map(lambda labels: labels.frames + 9))
    np.testing.assert_array_equal(values_of(model.predict(X)), before)


def test_masked_weights_are_no_weights():
    X, y = av.datasets.make_audiovisual_regression(6, audio_rate_hz=1, video_rate_hz=1, random_state=0)
    members = [(name, av.FrameRegressor(), [name]) for name in ("audio", "video")]
    weights = np.ma.array([1.0, 5.0], mask=[False, True])
    with pytest.raises(ValueError, match="must hold 2 numbers, one for each estimator"):
        av.LateFusionRegressor(members, weights=weights).fit(X, y)
