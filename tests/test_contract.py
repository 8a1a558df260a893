"""The contract of every public estimator: one suite, which new estimators join by being public."""

import pickle
import random
from functools import cache, partial

import numpy as np
import pandas as pd
import pytest
import torch
from optuna.distributions import CategoricalDistribution
from optuna_integration.sklearn import OptunaSearchCV
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import avfusion as av
from avfusion.estimators._situation_regressor import SituationRegressor
from avfusion.sequences._targets import as_targets

LISTED = list(av.all_estimators()["estimator"])
DOORS = [
    av.EncodedFusionRegressor,
    av.FusionRegressor,
]  # need a core or network: tests/estimators/test_module_parameters.py
PUBLIC = [c for c in (getattr(av, name) for name in av.__all__) if isinstance(c, type)]
ESTIMATORS = [
    *LISTED,
    *(c for c in PUBLIC if issubclass(c, BaseEstimator) and c not in LISTED and c not in DOORS),
]
REGRESSORS = [c for c in ESTIMATORS if is_regressor(c())]
QUICK = {"max_epochs": 2, "hidden_size": 8, "batch_size": 3, "window": 6, "random_state": 0}


def quick(regressor):
    """An instance that trains in a moment, takes absent streams, and has windows shorter than rows."""
    if regressor is av.FrameRegressor:
        return av.FrameRegressor(ExtraTreesRegressor(5, max_depth=4, random_state=0))
    if regressor is av.LateFusionRegressor:
        network, trees = av.UnimodalRegressor(**QUICK), quick(av.FrameRegressor)
        return av.LateFusionRegressor([("audio", network, "audio"), ("trees", trees, None)])
    if regressor is av.AutoFusionRegressor:
        network, trees = av.UnimodalRegressor(**QUICK), quick(av.FrameRegressor)
        return av.AutoFusionRegressor({"trees": trees, "audio": (network, "audio")}, cv=2)
    if regressor is av.FusionSearchCV:
        network, space = quick(av.EarlyFusionRegressor), {"lr": [1e-3, 1e-2]}
        return av.FusionSearchCV(network, space, cv=2, n_trials=2, random_state=0)
    if regressor is av.RescaledRegressor:
        return av.RescaledRegressor(quick(av.FrameRegressor), n_splits=2)
    if issubclass(regressor, SituationRegressor):
        return regressor(by="subject") if "by" in regressor().get_params() else regressor()
    model = regressor(**QUICK)
    return model.set_params(modality="audio") if "modality" in model.get_params() else model


def searched(model):
    """Name and values of a parameter that changes what the model learns."""
    names = (
        "hidden_size",
        "estimator__hidden_size",
        "audio__hidden_size",
        "regressor__max_depth",
        "regressor__regressor__max_depth",
        "shrinkage",
        "n_knots",
    )
    return next(name for name in names if name in model.get_params()), [2, 4]


def with_seed(model, seed):
    names = [name for name in model.get_params() if name.split("__")[-1] == "random_state"]
    return clone(model).set_params(**dict.fromkeys(names, seed))


@cache
def recordings(target="frame", n_targets=1, rates=(1.0, 1.0), duration_s=(7.0, 19.0), absent=0.13):
    """Eight ragged recordings of four subjects; one lacks audio and one lacks video."""
    X, y = av.datasets.make_audiovisual_regression(
        8,
        recordings_per_subject=2,
        duration_s=duration_s,
        audio_rate_hz=rates[0],
        video_rate_hz=rates[1],
        audio_absent_share=absent,
        video_absent_share=absent,
        target=target,
        random_state=0,
    )
    X.index = y.index = [f"clip {k}" for k in range(len(X))]
    if n_targets == 1:
        return X, y
    other = y.array.with_frames(1 - y.array.pack().frames ** 2) if target == "frame" else 1 - y**2
    return X, pd.DataFrame({"arousal": y, "valence": other})


@cache
def fitted(regressor, target="frame", n_targets=1):
    """A model that several tests ask, and none changes."""
    return quick(regressor).fit(*recordings(target, n_targets))


def values_of(predictions):
    return as_targets(predictions).values


def cells_of(predictions):
    """One array of values for each row."""
    targets = as_targets(predictions)
    return [targets.values[targets.row_of_value == row] for row in range(targets.n_rows)]


regressors = pytest.mark.parametrize("regressor", REGRESSORS)
of_frames = pytest.mark.parametrize(
    "regressor", [c for c in REGRESSORS if not issubclass(c, SituationRegressor)]
)
targets = pytest.mark.parametrize(
    ("target", "n_targets"), [("frame", 1), ("frame", 2), ("clip", 1), ("clip", 2)]
)


def test_the_suite_sees_what_is_public():
    assert {av.Align, av.OnFrames, av.RecursiveJointAttentionRegressor} <= set(ESTIMATORS)
    assert len(REGRESSORS) >= 5


CHECKS_OF_LEARNING = ("check_regressors_train", "check_parameters_default_constructible")


def name_of(check):
    while isinstance(check, partial):
        check = check.func
    return check.__name__


def with_few_epochs(estimator):
    """The same estimator, trained for a moment: its other checks are not about how well it learns."""
    if isinstance(estimator, av.LateFusionRegressor):
        estimator = av.LateFusionRegressor([("all", av.UnimodalRegressor(random_state=0), None)])
    if isinstance(estimator, av.AutoFusionRegressor):
        estimator = av.AutoFusionRegressor({"ridge": av.FrameRegressor(Ridge())}, cv=2)
    epochs = [name for name in estimator.get_params() if name.split("__")[-1] == "max_epochs"]
    return clone(estimator).set_params(**dict.fromkeys(epochs, 2))


FAST = {"hidden_size": 8, "dropout": 0.1, "lr": 1e-2, "max_epochs": 10}


def for_check(estimator, check):
    """The estimator as it is where learning is checked first; small in the other checks."""
    if name_of(check) not in CHECKS_OF_LEARNING:
        return with_few_epochs(estimator)
    if check.keywords.get("readonly_memmap") and "max_epochs" in estimator.get_params():
        return clone(estimator).set_params(**FAST)
    return estimator


def checked(estimator):
    """An instance for scikit-learn's checks: a search over little, everything else as it is by default."""
    if estimator is av.FusionSearchCV:
        return av.FusionSearchCV(
            av.FrameRegressor(Ridge()), {"regressor__alpha": [0.1, 1.0]}, cv=2, n_trials=2
        )
    if estimator is av.ReleasedJointAttentionRegressor:  # as released it is large and learns slowly
        quick_to_learn = {"lr": 1e-2, "batch_size": 16, "max_epochs": 20, "input_norm": "standard"}
        return estimator(hidden_size=8, dropout=0.1, **quick_to_learn)
    return estimator()


@pytest.mark.works_with(
    "scikit-learn", "`check_estimator` of every public estimator and transformer, without an expected failure"
)
@parametrize_with_checks([checked(estimator) for estimator in ESTIMATORS])
def test_scikit_learns_checks(estimator, check):
    check(for_check(estimator, check))


@targets
@regressors
class TestFitted:
    def test_pickle_gives_equal_predictions(self, regressor, target, n_targets):
        X, _ = recordings(target, n_targets)
        model = fitted(regressor, target, n_targets)
        copy = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(values_of(copy.predict(X)), values_of(model.predict(X)))

    def test_clone_has_the_parameters_and_nothing_learnt(self, regressor, target, n_targets):
        X, _ = recordings(target, n_targets)
        model = fitted(regressor, target, n_targets)
        copy = clone(model)
        assert repr(copy.get_params()) == repr(model.get_params())
        with pytest.raises(NotFittedError):
            copy.predict(X)

    def test_a_row_alone_is_as_in_any_batch(self, regressor, target, n_targets):
        X, _ = recordings(target, n_targets)
        model = fitted(regressor, target, n_targets)
        together = cells_of(model.predict(X))
        backwards = cells_of(model.predict(X.iloc[::-1]))[::-1]
        for row in range(len(X)):
            alone = values_of(model.predict(X.iloc[[row]]))
            np.testing.assert_allclose(alone, together[row], rtol=0, atol=1e-6)
            np.testing.assert_allclose(backwards[row], together[row], rtol=0, atol=1e-6)

    def test_an_incomplete_row_changes_nothing_for_the_others(self, regressor, target, n_targets):
        X, _ = recordings(target, n_targets)
        complete = X[["audio", "video"]].notna().all(axis=1).to_numpy()
        assert (~complete).sum() == 2
        model = fitted(regressor, target, n_targets)
        alone = cells_of(model.predict(X[complete]))
        among = [cell for cell, kept in zip(cells_of(model.predict(X)), complete) if kept]
        for cell, expected in zip(among, alone, strict=True):
            np.testing.assert_allclose(cell, expected, rtol=0, atol=1e-6)


@targets
@of_frames
class TestLearntFromFrames:
    """Promises of estimators that look at frames, not at metadata or time alone."""

    def test_same_seed_same_result_and_other_seed_another(self, regressor, target, n_targets):
        X, y = recordings(target, n_targets)
        first, again, other = (
            values_of(with_seed(quick(regressor), seed).fit(X, y).predict(X)) for seed in (7, 7, 8)
        )
        np.testing.assert_array_equal(first, again)
        assert np.abs(first - other).max() > 1e-3

    def test_predictions_are_finite_and_not_constant(self, regressor, target, n_targets):
        X, _ = recordings(target, n_targets)
        values = values_of(fitted(regressor, target, n_targets).predict(X))
        assert np.isfinite(values).all()
        assert (values.std(axis=0) > 0).all()

    def test_metadata_and_the_order_of_columns_do_not_matter(self, regressor, target, n_targets):
        X, _ = recordings(target, n_targets)
        model = fitted(regressor, target, n_targets)
        other = X[["video", "audio"]].assign(subject="nobody", session=range(len(X)))
        np.testing.assert_array_equal(values_of(model.predict(other)), values_of(model.predict(X)))


@regressors
class TestForms:
    """What `predict` answers has the form that y had."""

    @pytest.mark.parametrize("missing", [None, np.nan, av.SequenceArray.from_sequences([None] * 6)])
    def test_a_stream_that_no_row_has_needs_no_width(self, regressor, missing):
        X, _ = recordings()
        model = fitted(regressor)
        X = X[X["audio"].notna() & X["video"].notna()]
        expected = model.predict(X.assign(video=X["video"].where([False] * 6)))
        np.testing.assert_array_equal(values_of(model.predict(X.assign(video=missing))), values_of(expected))

    def test_series_of_sequences(self, regressor):
        X, y = recordings()
        predictions = fitted(regressor).predict(X.iloc[2:5])
        assert isinstance(predictions, pd.Series)
        assert predictions.name == "label"
        assert predictions.dtype == y.dtype
        assert predictions.index.tolist() == ["clip 2", "clip 3", "clip 4"]
        assert [len(cell) for cell in predictions] == [len(cell) for cell in y.iloc[2:5]]

    def test_table_of_sequences(self, regressor):
        X, y = recordings(n_targets=2)
        predictions = fitted(regressor, n_targets=2).predict(X)
        assert isinstance(predictions, pd.DataFrame)
        pd.testing.assert_index_equal(predictions.index, X.index)
        assert predictions.columns.tolist() == ["arousal", "valence"]
        assert list(predictions.dtypes) == list(y.dtypes)

    @pytest.mark.parametrize("n_targets", [1, 2])
    def test_list_of_arrays(self, regressor, n_targets):
        X, y = recordings(n_targets=n_targets)
        labels = [cell[:, 0] if n_targets == 1 else cell for cell in cells_of(y)]
        predictions = quick(regressor).fit(X, labels).predict(X)
        assert isinstance(predictions, np.ndarray)
        assert predictions.dtype == object
        assert predictions.shape == (8,)
        assert [cell.shape for cell in predictions] == [label.shape for label in labels]

    @pytest.mark.parametrize("n_targets", [1, 2])
    def test_numeric_array_of_frames(self, regressor, n_targets):
        X, y = recordings(n_targets=n_targets, duration_s=(9.0, 9.0))
        predictions = quick(regressor).fit(X, np.stack(cells_of(y))).predict(X)
        assert predictions.shape == (8, 9, n_targets)
        assert predictions.dtype == float

    def test_numbers(self, regressor):
        X, y = recordings("clip", 2)
        for labels in (y, y["arousal"], y.to_numpy(), y["arousal"].to_numpy(), y["arousal"].tolist()):
            predictions = quick(regressor).fit(X, labels).predict(X)
            assert np.shape(predictions) == np.shape(labels)
            if isinstance(labels, (pd.Series, pd.DataFrame)):
                assert type(predictions) is type(labels)
                pd.testing.assert_index_equal(predictions.index, labels.index)
                assert getattr(predictions, "name", None) == getattr(labels, "name", None)
            else:
                assert isinstance(predictions, np.ndarray)


@regressors
class TestTools:
    """scikit-learn's tools, on ragged columns of two modalities."""

    @targets
    def test_cross_validate_with_our_scorers(self, regressor, target, n_targets):
        X, y = recordings(target, n_targets)
        folds = list(GroupKFold(2).split(X, groups=X["subject"]))
        kwargs = {"cv": folds, "scoring": av.metrics.scorers, "error_score": "raise"}
        scores = cross_validate(quick(regressor), X, y, **kwargs)
        assert {f"test_{name}" for name in av.metrics.scorers} <= set(scores)
        for fold, (train, test) in enumerate(folds):
            predictions = quick(regressor).fit(X.iloc[train], y.iloc[train]).predict(X.iloc[test])
            pairs = values_of(y.iloc[test]), values_of(predictions)
            expected = np.mean([ccc(*columns) for columns in zip(*(p.T for p in pairs))])
            assert scores["test_ccc"][fold] == pytest.approx(expected, abs=1e-6)
            error = np.abs(pairs[0] - pairs[1]).mean()
            assert scores["test_neg_mae"][fold] == pytest.approx(-error, abs=1e-6)

    @targets
    def test_cross_val_predict(self, regressor, target, n_targets):
        X, y = recordings(target, n_targets)
        folds = KFold(2)
        predictions = cells_of(cross_val_predict(quick(regressor), X, y, cv=folds))
        for train, test in folds.split(X):
            fold = quick(regressor).fit(X.iloc[train], y.iloc[train]).predict(X.iloc[test])
            for row, expected in zip(test, cells_of(fold), strict=True):
                np.testing.assert_array_equal(predictions[row], expected)

    def test_score_is_the_pooled_ccc(self, regressor):
        X, y = recordings(n_targets=2)
        model = fitted(regressor, n_targets=2)
        pairs = values_of(y), values_of(model.predict(X))
        expected = np.mean([ccc(*columns) for columns in zip(*(p.T for p in pairs))])
        assert model.score(X, y) == pytest.approx(expected)

    @pytest.mark.filterwarnings("ignore:OptunaSearchCV is experimental", "ignore:.*terminator.*deprecated")
    def test_optuna_search(self, regressor):
        X, y = recordings()
        name, values = searched(quick(regressor))
        search = OptunaSearchCV(
            quick(regressor), {name: CategoricalDistribution(values)}, cv=2, n_trials=2, error_score="raise"
        )
        search.fit(X, y)
        assert search.best_params_[name] in values
        assert np.isfinite([trial.value for trial in search.trials_]).all()
        assert as_targets(search.predict(X)).lengths.tolist() == as_targets(y).lengths.tolist()

    def test_memory_mapped_features_in_two_processes(self, regressor, tmp_path):
        X, y = recordings()
        mapped = X.copy()
        for name in ("audio", "video"):
            column = X[name].array.pack()
            np.save(tmp_path / f"{name}.npy", column.frames)
            frames = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
            mapped[name] = av.SequenceArray(frames, column.starts, column.lengths, rate_hz=column.rate_hz)
        kwargs = {"cv": 2, "n_jobs": 2, "error_score": "raise"}
        expected, found = (cross_validate(quick(regressor), x, y, **kwargs) for x in (X, mapped))
        np.testing.assert_allclose(found["test_score"], expected["test_score"], rtol=0, atol=1e-6)

    @pytest.mark.parametrize("seed", [0, None])
    def test_global_generators_are_left_alone(self, regressor, seed):
        X, y = recordings()
        model = with_seed(quick(regressor), seed)
        if seed is None:  # scikit-learn's trees do draw from numpy's generator then, which is their affair
            model.set_params(**{k: 0 for k in model.get_params() if k.endswith("regressor__random_state")})
        before = global_state()
        model.fit(X, y).predict(X)
        assert global_state() == before


@of_frames
class TestGridSearch:
    """Searches in two processes: each candidate is fitted with its own parameters."""

    def test_grid_search_in_two_processes(self, regressor):
        X, y = recordings()
        name, values = searched(quick(regressor))
        search = GridSearchCV(quick(regressor), {name: values}, cv=2, n_jobs=2, error_score="raise").fit(X, y)
        assert len(set(search.cv_results_["mean_test_score"])) == 2
        best = clone(quick(regressor)).set_params(**search.best_params_).fit(X, y)
        np.testing.assert_allclose(values_of(search.predict(X)), values_of(best.predict(X)), atol=1e-6)

    def test_grid_search_of_a_pipeline_in_two_processes(self, regressor):
        X, y = recordings(rates=(4.0, 2.0))
        model = make_pipeline(av.Align(1.0), av.AddContext((1, 3)), av.OnFrames(), quick(regressor))
        name, values = searched(quick(regressor))
        grid = {f"{model.steps[-1][0]}__{name}": values, "addcontext__widths_s": [(1,), (1, 5)]}
        search = GridSearchCV(model, grid, cv=2, n_jobs=2, error_score="raise").fit(X, y)
        assert len(set(search.cv_results_["mean_test_score"])) == 4
        assert [len(cell) for cell in search.predict(X)] == [len(cell) for cell in y]


def global_state():
    state = np.random.get_state()  # noqa: NPY002, it is the global generator that matters here
    return random.getstate(), pickle.dumps(state), torch.get_rng_state().tolist()


def ccc(true, predicted):
    """Lin's coefficient, as in his paper."""
    covariance = np.mean((true - true.mean()) * (predicted - predicted.mean()))
    return 2 * covariance / (true.var() + predicted.var() + (true.mean() - predicted.mean()) ** 2)
