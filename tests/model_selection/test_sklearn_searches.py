"""scikit-learn's own searches over Pipelines of this package: columns, groups, metadata routing, threads."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import avfusion as av
from avfusion.sequences._targets import as_targets

REGRESSORS = [*av.all_estimators()["estimator"], av.FusionSearchCV]
OF_THE_SITUATION = (av.PersonMeanRegressor, av.StimulusMeanRegressor, av.TimeCourseRegressor)
OF_STREAMS = [regressor for regressor in REGRESSORS if regressor not in OF_THE_SITUATION]
QUICK = {"hidden_size": 4, "max_epochs": 2, "window": 10, "random_state": 0}
NETWORK = av.EarlyFusionRegressor(**QUICK)
CCC = av.metrics.scorers["ccc"]
STRICT = {"error_score": "raise"}


def recordings(n=8, absent=0.13, **settings):
    """Ragged recordings of n / 2 subjects; age and sex stand beside the streams."""
    X, y = av.datasets.make_audiovisual_regression(
        n, recordings_per_subject=2, duration_s=(8, 15), audio_rate_hz=1, video_rate_hz=1,
        audio_absent_share=absent, video_absent_share=absent, random_state=0, **settings,
    )  # fmt: skip
    return X.assign(age=np.arange(n) * 3.0 + 20, sex=["f", "m"] * (n // 2)), y


def preprocessing(**settings):
    """The step that a user puts in front: each stream by itself, the other columns as they are."""
    steps = [("audio", av.OnFrames(StandardScaler()), ["audio"]), ("video", av.OnFrames(PCA(3)), ["video"])]
    settings = {"remainder": "passthrough", "verbose_feature_names_out": False} | settings
    return ColumnTransformer(steps, **settings).set_output(transform="pandas")


def behind_columns(model):
    return Pipeline([("columns", preprocessing()), ("model", model)])


def by_hand(X, others, n_components=3):
    """The columns of `preprocessing`, and those of other rows, without it."""
    both = []
    scaler = av.OnFrames(StandardScaler()).fit(X[["audio"]])
    pca = av.OnFrames(PCA(n_components)).fit(X[["video"]])
    for rows in (X, others):
        both.append(pd.concat([scaler.transform(rows[["audio"]]), pca.transform(rows[["video"]])], axis=1))
    return both


def values_of(predictions):
    return as_targets(predictions).values


def ccc(true, predicted):
    covariance = np.mean((true - true.mean()) * (predicted - predicted.mean()))
    return 2 * covariance / (true.var() + predicted.var() + (true.mean() - predicted.mean()) ** 2)


def quick(regressor):
    """An instance that trains in a moment, and the name and two values of a parameter that matters."""
    if regressor is av.FrameRegressor:
        trees = ExtraTreesRegressor(5, max_depth=4, random_state=0)
        return regressor(trees), "regressor__max_depth", [2, 4]
    if regressor is av.RescaledRegressor:
        inner, name, values = quick(av.FrameRegressor)
        return regressor(inner, n_splits=2), f"regressor__{name}", values
    if regressor is av.LateFusionRegressor:
        return regressor([("own", NETWORK, "audio"), ("all", NETWORK, None)]), "own__hidden_size", [2, 4]
    if regressor is av.AutoFusionRegressor:
        return regressor({"own": (NETWORK, "audio"), "all": NETWORK}, cv=2), "own__hidden_size", [2, 4]
    if regressor in OF_THE_SITUATION:
        return regressor(), None, []
    if regressor is av.FusionSearchCV:
        search = regressor(NETWORK, {"lr": [1e-2]}, cv=2, n_trials=1, random_state=0)
        return search, "estimator__hidden_size", [2, 4]
    model = regressor(**QUICK)
    model = model.set_params(modality="audio") if "modality" in model.get_params() else model
    return model, "hidden_size", [2, 4]


@pytest.mark.works_with("scikit-learn", "`ColumnTransformer` with pandas output before every regressor")
@pytest.mark.parametrize("regressor", OF_STREAMS)
def test_every_estimator_behind_a_column_transformer(regressor):
    X, y = recordings()
    model, name, values = quick(regressor)
    space = {f"model__{name}": values}
    search = RandomizedSearchCV(behind_columns(model), space, n_iter=2, cv=2, random_state=0, **STRICT)
    search.fit(X, y)
    train, test = next(KFold(2).split(X))
    for parameters, score in zip(search.cv_results_["params"], search.cv_results_["split0_test_score"]):
        candidate = clone(model).set_params(**{name: parameters[f"model__{name}"]})
        before, after = by_hand(X.iloc[train], X.iloc[test])
        predicted = candidate.fit(before, y.iloc[train]).predict(after)
        expected = ccc(values_of(y.iloc[test])[:, 0], values_of(predicted)[:, 0])
        assert score == pytest.approx(expected, abs=1e-5)
    assert len(set(search.cv_results_["mean_test_score"])) == 2


@pytest.mark.works_with(
    "scikit-learn", "`GridSearchCV(n_jobs=2)` over nested parameters of a pipeline, on ragged rows"
)
@pytest.mark.slow
def test_a_grid_of_nested_parameters_in_two_processes():
    X, y = recordings()
    grid = {"columns__video__transformer__n_components": [2, 4], "model__lr": [1e-3, 1e-1]}
    settings = {"cv": GroupKFold(2), "scoring": av.metrics.scorers, "refit": "ccc", **STRICT}
    search = GridSearchCV(behind_columns(NETWORK), grid, n_jobs=2, **settings)
    search.fit(X, y, groups=X["subject"])
    train, test = next(GroupKFold(2).split(X, groups=X["subject"]))
    for row, parameters in enumerate(search.cv_results_["params"]):
        before, after = by_hand(
            X.iloc[train], X.iloc[test], parameters["columns__video__transformer__n_components"]
        )
        network = clone(NETWORK).set_params(lr=parameters["model__lr"]).fit(before, y.iloc[train])
        true, predicted = values_of(y.iloc[test])[:, 0], values_of(network.predict(after))[:, 0]
        error = np.abs(true - predicted).mean()
        assert search.cv_results_["split0_test_ccc"][row] == pytest.approx(ccc(true, predicted), abs=1e-5)
        assert search.cv_results_["split0_test_neg_mae"][row] == pytest.approx(-error, abs=1e-5)
    width = search.best_params_["columns__video__transformer__n_components"]
    assert search.best_estimator_["model"].modalities_ == {"audio": X["audio"].array.width, "video": width}


@pytest.mark.works_with("scikit-learn", "`HalvingGridSearchCV` whose resource is the number of epochs")
def test_halving_by_epochs_in_two_processes():
    X, y = recordings()
    search = HalvingGridSearchCV(
        behind_columns(NETWORK), {"model__lr": [1e-4, 1e-3, 1e-2, 1e-1]}, resource="model__max_epochs",
        min_resources=1, max_resources=4, factor=2, cv=2, n_jobs=2, random_state=0, **STRICT,
    ).fit(X, y)  # fmt: skip
    assert search.n_candidates_ == [4, 2, 1]
    assert search.n_resources_ == [1, 2, 4]
    assert len(search.best_estimator_["model"].net_.history) == 4
    last = clone(behind_columns(NETWORK)).set_params(**search.best_params_)
    scores = cross_validate(last, X, y, cv=2, **STRICT)["test_score"]
    assert search.cv_results_["mean_test_score"][-1] == pytest.approx(scores.mean(), abs=1e-6)


def test_halving_by_rows():
    X, y = recordings(16)
    search = HalvingGridSearchCV(
        behind_columns(NETWORK), {"model__lr": [1e-3, 1e-1]}, factor=2, min_resources=8, cv=2, scoring=CCC,
        random_state=0, **STRICT,
    ).fit(X, y)  # fmt: skip
    assert search.n_resources_ == [8, 16]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.works_with("Optuna", "`OptunaSearchCV` of optuna-integration")
@pytest.mark.filterwarnings("ignore:OptunaSearchCV is experimental", "ignore:.*terminator.*deprecated")
def test_optunas_own_search_is_a_grid_where_its_values_are_those():
    integration, optuna = pytest.importorskip("optuna_integration.sklearn"), pytest.importorskip("optuna")
    X, y = recordings()
    space = {"columns__video__transformer__n_components": [2, 4], "model__lr": [1e-3, 1e-1]}
    choices = {name: optuna.distributions.CategoricalDistribution(values) for name, values in space.items()}
    settings = {"cv": GroupKFold(2), "scoring": CCC, **STRICT}
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.GridSampler(space, seed=0))
    optunas = integration.OptunaSearchCV(
        behind_columns(NETWORK), choices, n_trials=4, study=study, **settings
    )
    optunas.fit(X, y, groups=X["subject"])
    grid = GridSearchCV(behind_columns(NETWORK), space, **settings).fit(X, y, groups=X["subject"])
    assert optunas.best_params_ == grid.best_params_
    found = sorted(trial.value for trial in optunas.trials_)
    np.testing.assert_allclose(found, sorted(grid.cv_results_["mean_test_score"]), atol=1e-6)
    np.testing.assert_allclose(values_of(optunas.predict(X)), values_of(grid.predict(X)), atol=1e-5)


def test_a_table_of_clips_and_of_their_people():
    X, y = recordings(absent=0.0, target="clip")
    X, y = pd.concat([X, X.sample(frac=1, random_state=0)]), pd.concat([y, y])
    columns = make_column_transformer(
        (av.Functionals(), ["audio", "video"]),
        (OneHotEncoder(sparse_output=False), ["sex"]),
        (StandardScaler(), ["age"]),
    ).set_output(transform="pandas")
    model = make_pipeline(columns, Ridge())
    grid = {
        "columntransformer__functionals__statistics": [("mean",), ("mean", "std")],
        "ridge__alpha": [1, 9],
    }
    search = GridSearchCV(model, grid, cv=2, n_jobs=2, scoring=CCC, **STRICT).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) == 4
    statistics = search.best_params_["columntransformer__functionals__statistics"]
    blocks = [
        np.stack([getattr(cell.frames, name)(axis=0) for cell in X[stream]])
        for stream in ("audio", "video")
        for name in statistics
    ]
    people = [(X["sex"] == "f"), (X["sex"] == "m"), (X["age"] - X["age"].mean()) / X["age"].std(ddof=0)]
    table = np.column_stack([*blocks, *people])
    expected = Ridge(alpha=search.best_params_["ridge__alpha"]).fit(table, y).predict(table)
    np.testing.assert_allclose(search.predict(X), expected, rtol=1e-4, atol=1e-4)


def test_prefixed_names_of_columns_are_the_names_of_the_streams():
    X, y = recordings()
    columns = preprocessing(verbose_feature_names_out=True)
    model = make_pipeline(columns, NETWORK).fit(X, y)
    assert list(model[-1].modalities_) == ["audio__audio", "video__video"]
    np.testing.assert_allclose(
        values_of(model.predict(X)), values_of(behind_columns(NETWORK).fit(X, y).predict(X)), atol=1e-6
    )
    network = clone(NETWORK).set_params(early_stopping=True, validation_groups="subject")
    with pytest.raises(
        ValueError, match=r"'subject' is no column of X. Its columns are .*'remainder__subject'"
    ):
        make_pipeline(columns, network).fit(X, y)


def test_a_column_transformer_without_pandas_output_names_streams_by_position():
    X, y = recordings(absent=0.0)
    network = clone(NETWORK).set_params(max_epochs=1)
    model = make_pipeline(preprocessing().set_output(transform="default"), network).fit(X, y)
    assert list(model[-1].modalities_) == ["x0", "x1"]
    named = make_pipeline(preprocessing(), network).fit(X, y)
    np.testing.assert_allclose(values_of(model.predict(X)), values_of(named.predict(X)), atol=1e-6)
    grid = {"earlyfusionregressor__modalities": [["audio"]]}
    with pytest.raises(ValueError, match=r'no modality \'audio\'.*call set_output\(transform="pandas"\)'):
        GridSearchCV(model, grid, cv=2, **STRICT).fit(X, y)


def test_members_of_a_late_fusion_in_processes_know_the_configuration():
    X, y = recordings()
    columns = make_column_transformer((av.OnFrames(), ["audio", "video"]), remainder="passthrough")
    late = av.LateFusionRegressor(
        [("one", make_pipeline(columns, NETWORK), None), ("other", NETWORK, "audio")], n_jobs=2
    )
    with sklearn.config_context(transform_output="pandas"):
        in_processes, alone = late.fit(X, y), clone(late).set_params(n_jobs=1).fit(X, y)
        found, expected = values_of(in_processes.predict(X)), values_of(alone.predict(X))
    np.testing.assert_allclose(found, expected, atol=1e-6)


heard = []


class Listener(av.EarlyFusionRegressor):
    """Notes which groups reach it."""

    def fit(self, X, y, groups=None):
        heard.append(None if groups is None else "".join(groups))
        return super().fit(X, y, groups)


@pytest.fixture
def routed():
    """Sixteen recordings of eight people, who are not those of the column, and routing that is on."""
    X, y = recordings(16)
    heard.clear()
    with sklearn.config_context(enable_metadata_routing=True):
        yield X, y, np.array(list("aabbccddeeffgghh"))


def listener(**request):
    settings = {"early_stopping": True, "validation_fraction": 0.4} | QUICK
    return Listener(**settings).set_fit_request(**({"groups": True} | request))


def searched(model):
    name = next(name for name in model.get_params() if name.split("__")[-1] == "lr")
    return GridSearchCV(model, {name: [1e-2]}, cv=GroupKFold(2), **STRICT)


def late(model):
    trees = quick(av.FrameRegressor)[0]  # which take absent streams
    return av.LateFusionRegressor([("own", model, None), ("trees", trees, "video")], weights="simplex", cv=2)


def rescaled(model):
    return av.RescaledRegressor(model, n_splits=2)


HALVES = ["aacceegg", "bbddffhh"]  # of GroupKFold(2)
QUARTERS = [["aaee", "ccgg"], ["bbff", "ddhh"]]  # of GroupKFold(2) on those
ALL = "aabbccddeeffgghh"


class TestRouting:
    """Groups given to a search arrive at `fit`, where it decides what is held out for early stopping."""

    @pytest.mark.parametrize("wrap", [lambda m: m, behind_columns])
    def test_a_search_hands_groups_to_its_splitter_and_to_the_network(self, routed, wrap):
        X, y, groups = routed
        searched(wrap(listener())).fit(X, y, groups=groups)
        assert heard == [*HALVES, ALL]

    def test_a_network_that_asks_for_no_groups_gets_none(self, routed):
        X, y, groups = routed
        searched(listener(groups=False)).fit(X, y, groups=groups)
        assert heard == [None] * 3

    def test_a_network_that_has_not_said_is_asked_to(self, routed):
        X, y, groups = routed
        with pytest.raises(UnsetMetadataPassedError, match=r"EarlyFusionRegressor\.set_fit_request"):
            searched(NETWORK).fit(X, y, groups=groups)

    def test_nested(self, routed):
        X, y, groups = routed
        model = searched(behind_columns(listener()))
        cross_validate(model, X, y, params={"groups": groups}, cv=GroupKFold(2), **STRICT)
        assert heard == [*QUARTERS[0], HALVES[0], *QUARTERS[1], HALVES[1]]

    @pytest.mark.parametrize("wrap", [late, rescaled])
    @pytest.mark.parametrize("inner", [lambda m: m, behind_columns])
    def test_what_fits_others_splits_by_groups_and_hands_them_on(self, routed, wrap, inner):
        X, y, groups = routed
        wrap(inner(listener())).fit(X, y, groups=groups)
        assert heard == [ALL, *HALVES]

    @pytest.mark.parametrize("wrap", [late, rescaled])
    def test_what_fits_others_looks_up_a_column(self, routed, wrap):
        X, y, groups = routed
        wrap(searched(listener())).fit(X.assign(person=groups), y, groups="person")
        assert heard == [*HALVES, ALL, *QUARTERS[0], HALVES[0], *QUARTERS[1], HALVES[1]]

    @pytest.mark.parametrize("wrap", [late, rescaled])
    def test_what_fits_others_in_a_search(self, routed, wrap):
        X, y, groups = routed
        model = behind_columns(wrap(listener()).set_fit_request(groups=True))
        search = searched(model).fit(X, y, groups=groups)
        assert heard == [HALVES[0], *QUARTERS[0], HALVES[1], *QUARTERS[1], ALL, *HALVES]
        assert search.score(X, y) == pytest.approx(search.best_estimator_.score(X, y))

    @pytest.mark.parametrize("wrap", [late, rescaled])
    def test_what_fits_others_needs_no_groups(self, routed, wrap):
        X, y, _ = routed
        wrap(listener()).fit(X, y)
        assert heard == [None] * 3

    @pytest.mark.parametrize("wrap", [late, rescaled])
    def test_each_in_it_must_say_whether_it_wants_groups(self, routed, wrap):
        X, y, groups = routed
        with pytest.raises(UnsetMetadataPassedError, match=r"EarlyFusionRegressor\.set_fit_request"):
            wrap(NETWORK).fit(X, y, groups=groups)
        with pytest.raises(UnsetMetadataPassedError, match=r"Regressor\.set_fit_request"):
            cross_validate(wrap(listener()), X, y, params={"groups": groups}, **STRICT)

    def test_a_comparison_hands_groups_to_those_who_ask(self, routed):
        X, y, groups = routed
        models = {"asks": behind_columns(listener()), "does not": listener(groups=None)}
        av.compare(models, X, y, groups=groups, cv=2, verbose=False, **STRICT)
        assert heard == [*HALVES, None, None]

    def test_our_search_hands_groups_to_those_who_ask(self, routed):
        X, y, groups = routed
        space = {"model__lr": [1e-2]}
        av.FusionSearchCV(behind_columns(listener()), space, cv=2, n_trials=1, **STRICT).fit(X, y, groups)
        assert heard == [*HALVES, ALL]

    def test_routed_groups_hold_out_the_rows_that_a_column_does_in_two_processes(self, routed):
        X, y, groups = routed
        X = X.assign(person=groups)
        settings = {"early_stopping": True, "validation_fraction": 0.4, "max_epochs": 4} | {**QUICK}
        grid = {"cv": GroupKFold(2), "n_jobs": 2, **STRICT}
        asks = behind_columns(av.EarlyFusionRegressor(**settings).set_fit_request(groups=True))
        found = GridSearchCV(asks, {"model__lr": [1e-2, 1e-1]}, **grid).fit(X, y, groups=groups)
        with sklearn.config_context(enable_metadata_routing=False):
            named = behind_columns(av.EarlyFusionRegressor(**settings, validation_groups="person"))
            expected = GridSearchCV(named, {"model__lr": [1e-2, 1e-1]}, **grid).fit(X, y, groups=groups)
            rows = GridSearchCV(
                behind_columns(av.EarlyFusionRegressor(**settings)), {"model__lr": [1e-2, 1e-1]}, **grid
            ).fit(X, y, groups=groups)
        scores = [search.cv_results_["mean_test_score"] for search in (found, expected, rows)]
        np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)
        assert np.abs(scores[2] - scores[1]).max() > 1e-4

    def test_validation_rows_pass_through_the_pipeline(self, routed):
        X, y, _ = routed
        steps = [("scale", av.OnFrames(StandardScaler())), ("network", clone(NETWORK))]
        steps[1][1].set_fit_request(X_val=True, y_val=True)
        model = Pipeline(steps, transform_input=["X_val"])
        model.fit(X[:12], y[:12], X_val=X[12:], y_val=y[12:])
        scale = av.OnFrames(StandardScaler()).fit(X[:12])
        expected = clone(NETWORK).fit(scale.transform(X[:12]), y[:12], None, scale.transform(X[12:]), y[12:])
        found = [network.net_.history[:, "valid_ccc"] for network in (model["network"], expected)]
        np.testing.assert_allclose(found[0], found[1], atol=1e-6)

    @pytest.mark.parametrize("regressor", REGRESSORS)
    def test_a_pipeline_can_be_scored(self, routed, regressor):
        X, y, _ = routed
        model = make_pipeline(quick(regressor)[0]).fit(X, y)
        assert model.score(X, y) == pytest.approx(model[-1].score(X, y))


class TestMetadataOfFrames:
    """A regressor on frames is given the metadata of their rows."""

    def table(self, X):
        lengths = X["audio"].array.lengths
        frames = [X[name].array.pack().frames for name in ("audio", "video")]
        return np.hstack(frames), np.repeat(np.arange(len(X)), lengths)

    def test_weights(self):
        X, y = recordings(absent=0.0)
        weights = np.arange(8.0)
        with sklearn.config_context(enable_metadata_routing=True):
            ridge = Ridge().set_fit_request(sample_weight=True)
            found = av.FrameRegressor(ridge).fit(X, y, sample_weight=weights)
        table, row = self.table(X)
        expected = Ridge().fit(table, values_of(y)[:, 0], sample_weight=weights[row])
        np.testing.assert_allclose(found.regressors_[0].coef_, expected.coef_, rtol=1e-5)

    def test_an_inner_search_splits_no_subject(self):
        X, y = recordings(absent=0.0)
        search = GridSearchCV(Ridge(), {"alpha": [1, 100]}, cv=GroupKFold(2))
        with sklearn.config_context(enable_metadata_routing=True):
            found = av.FrameRegressor(search).fit(X, y, groups="subject").regressors_[0]
        table, row = self.table(X)
        expected = clone(search).fit(table, values_of(y)[:, 0], groups=X["subject"].to_numpy()[row])
        np.testing.assert_allclose(
            found.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"], rtol=1e-5
        )

    def test_frames_without_a_label_are_left_out(self):
        X, y = recordings(absent=0.0)
        frames = values_of(y).copy()
        frames[::3] = np.nan
        holes = pd.Series(y.array.with_frames(frames), index=y.index)
        weights = np.arange(8.0)
        with sklearn.config_context(enable_metadata_routing=True):
            ridge = Ridge().set_fit_request(sample_weight=True)
            found = av.FrameRegressor(ridge).fit(X, holes, sample_weight=weights)
        table, row = self.table(X)
        kept = ~np.isnan(frames[:, 0])
        expected = Ridge().fit(table[kept], frames[kept, 0], sample_weight=weights[row][kept])
        np.testing.assert_allclose(found.regressors_[0].coef_, expected.coef_, rtol=1e-5)

    def test_members_of_a_late_fusion(self):
        X, y = recordings(target="clip")
        weights = np.arange(8.0) + 1
        with sklearn.config_context(enable_metadata_routing=True):
            ridge = make_pipeline(av.Functionals(), Ridge().set_fit_request(sample_weight=True))
            late = av.LateFusionRegressor([("audio", ridge, "audio"), ("video", ridge, "video")])
            late.fit(X, y, sample_weight=weights)
        for name, member, _ in late.estimators_:
            has = X[name].notna().to_numpy()
            table = av.Functionals().fit_transform(X.loc[has, [name]])
            expected = Ridge().fit(table, y[has], sample_weight=weights[has])
            np.testing.assert_allclose(member[-1].coef_, expected.coef_, rtol=1e-5)

    def test_without_routing_metadata_are_refused_rather_than_forgotten(self):
        X, y = recordings(absent=0.0)
        for model, metadata in (
            (av.FrameRegressor(), "groups"),
            (av.LateFusionRegressor(), "speaker"),
            (av.RescaledRegressor(), "speaker"),
        ):
            message = (
                rf"{type(model).__name__}.fit is only supported if enable_metadata_routing=True.*{metadata}"
            )
            with pytest.raises(ValueError, match=message):
                model.fit(X, y, **{metadata: np.arange(8.0)})

    def test_metadata_for_nobody_are_refused(self):
        X, y = recordings(absent=0.0)
        with (
            sklearn.config_context(enable_metadata_routing=True),
            pytest.raises(TypeError, match="not routed to"),
        ):
            av.FrameRegressor().fit(X, y, groups="subject")


def test_threads_that_share_torchs_generator_find_what_one_finds():
    X, y = recordings()
    model = clone(NETWORK).set_params(max_epochs=20)
    alone = cross_validate(model, X, y, cv=4, **STRICT)["test_score"]
    before = torch.get_rng_state()
    with joblib.parallel_config("threading", n_jobs=4):
        found = cross_validate(model, X, y, cv=4, **STRICT)["test_score"]
    np.testing.assert_allclose(found, alone, atol=1e-6)
    assert torch.equal(torch.get_rng_state(), before)


THREADS = """
import torch
import avfusion as av
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

class Threads(Callback):
    def on_batch_end(self, net, **kwargs):
        self.seen_ = {torch.get_num_threads()} | getattr(self, "seen_", set())

def threads(estimator, X, y):
    (seen,) = {torch.get_num_threads()} | estimator.callbacks[0].seen_  # in training and after it
    return seen

X, y = av.datasets.make_audiovisual_regression(8, audio_rate_hz=1, video_rate_hz=1, random_state=0)
model = av.EarlyFusionRegressor(hidden_size=4, max_epochs=1, callbacks=[Threads()])
search = GridSearchCV(model, {"lr": [1e-3, 1e-2]}, cv=2, n_jobs=2, scoring=threads, error_score="raise")
search.fit(X, y)
print(*{int(search.cv_results_[f"split{k}_test_score"][i]) for k in (0, 1) for i in (0, 1)})
"""


@pytest.mark.slow
def test_two_workers_share_the_cores():
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", THREADS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) == max(1, joblib.cpu_count() // 2)
