"""The search: its results against scikit-learn's own, and pruning against what is known."""

import pickle
import warnings

import numpy as np
import optuna
import pandas as pd
import pytest
import sklearn
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.pruners import NopPruner, ThresholdPruner
from optuna.samplers import GridSampler, RandomSampler
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import Lasso, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.metrics import scorers
from avfusion.model_selection import optuna_objective
from tests.model_selection.search.searches import ALPHAS, NETWORK, SPACE, table_search


def test_a_full_grid_gives_what_grid_search_gives(data, ridge):
    X, y = data
    grid = GridSearchCV(ridge, SPACE, cv=GroupKFold(4), scoring=scorers["ccc"]).fit(X, y, groups=X["subject"])
    ours = av.FusionSearchCV(
        ridge, SPACE, cv=GroupKFold(4), n_trials=4, sampler=GridSampler(SPACE, seed=0), pruner=NopPruner()
    ).fit(X, y, groups="subject")
    order = [ALPHAS.index(p["frameregressor__regressor__alpha"]) for p in ours.cv_results_["params"]]
    assert sorted(order) == [0, 1, 2, 3]
    for key in (
        "mean_test_score",
        "std_test_score",
        "rank_test_score",
        "split0_test_score",
        "split3_test_score",
    ):
        np.testing.assert_allclose(ours.cv_results_[key], grid.cv_results_[key][order])
    assert ours.best_params_ == grid.best_params_
    assert ours.best_score_ == pytest.approx(grid.best_score_)
    assert ours.n_splits_ == 4
    assert (ours.cv_results_["state"] == "complete").all()
    pd.testing.assert_series_equal(ours.predict(X), grid.predict(X))
    assert ours.score(X, y) == pytest.approx(grid.score(X, y))
    np.testing.assert_array_equal(ours.feature_names_in_, X.columns)


def test_where_nothing_is_pruned_only_folds_are_scored(data):
    X, y = data
    search = av.FusionSearchCV(NETWORK, {"lr": [3e-3]}, cv=KFold(2), n_trials=1, refit=False)
    watched = search.fit(X, y).study_.trials[0]
    folds = search.set_params(pruner=NopPruner()).fit(X, y).study_.trials[0]
    assert list(watched.intermediate_values) == [10, 20, 30, 40, 50, 60, 70, 80]
    assert list(folds.intermediate_values) == [40, 80]
    assert folds.user_attrs["score"] == watched.user_attrs["score"]


@pytest.mark.works_with("Optuna", "pruning in the middle of a fold")
def test_a_bad_trial_stops_in_the_middle_of_a_fold(data):
    X, y = data
    search = av.FusionSearchCV(
        NETWORK, {"lr": [1e-9, 1e-2]}, cv=KFold(2), n_trials=2, sampler=GridSampler({"lr": [1e-9, 1e-2]}),
        pruner=ThresholdPruner(lower=-0.5, n_warmup_steps=41), scoring="neg_mae",
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"None of 2 trials has a score. Allow more trials"):
        search.fit(X, y)
    results = search.cv_results_
    assert (results["state"] == "pruned").all()
    assert all(max(trial.intermediate_values) == 50 for trial in search.study_.trials)
    assert np.isfinite(results["split0_test_score"]).all()  # the fold that was done is kept
    assert np.isnan(results["split1_test_score"]).all()
    assert np.isnan(results["mean_test_score"]).all()


def test_watching_changes_nothing_and_keeps_nothing(data):
    X, y = data
    search = av.FusionSearchCV(NETWORK, {"lr": [3e-3]}, cv=KFold(2), n_trials=1).fit(X, y)
    alone = clone(NETWORK).set_params(lr=3e-3).fit(X, y)
    pd.testing.assert_series_equal(search.predict(X), alone.predict(X))
    assert search.best_estimator_.callbacks is None
    assert NETWORK.callbacks is None
    again = pickle.loads(pickle.dumps(search))
    pd.testing.assert_series_equal(again.predict(X), search.predict(X))
    assert again.study_.best_value == search.best_score_


def test_early_stopping_does_not_see_the_test_rows(data):
    X, y = data
    model = clone(NETWORK).set_params(
        early_stopping=True, patience=1, max_epochs=6, validation_groups="subject"
    )
    search = av.FusionSearchCV(model, {"lr": [1e-2]}, cv=KFold(2), n_trials=1, refit=False).fit(X, y)
    expected = cross_val_score(clone(model).set_params(lr=1e-2), X, y, cv=KFold(2))
    np.testing.assert_allclose(search.study_.trials[0].user_attrs["score"], expected)
    with pytest.raises(NotFittedError):
        search.predict(X)


class Fails(av.FrameRegressor):
    """Fails where its regressor is strong."""

    def fit(self, X, y):
        if self.regressor.alpha > 10:
            raise ArithmeticError("too strong")
        return super().fit(X, y)


def test_a_trial_that_fails_is_told_and_counted(data):
    X, y = data
    model, space = Fails(Ridge()), {"regressor__alpha": [1.0, 100.0]}
    settings = {"cv": 2, "n_trials": 2, "sampler": GridSampler(space, seed=0)}
    with pytest.warns(FitFailedWarning, match="A trial failed: ArithmeticError: too strong"):
        search = av.FusionSearchCV(model, space, **settings).fit(X, y)
    assert sorted(search.cv_results_["state"]) == ["complete", "failed"]
    assert search.best_params_ == {"regressor__alpha": 1.0}
    with pytest.raises(ArithmeticError, match="too strong"):
        av.FusionSearchCV(model, space, error_score="raise", **settings).fit(X, y)
    with (
        pytest.warns(FitFailedWarning),
        pytest.raises(ValueError, match=r"None of 2 trials has a score. The first error: ArithmeticError"),
    ):
        av.FusionSearchCV(model, {"regressor__alpha": [100.0]}, cv=2, n_trials=2).fit(X, y)


def test_space_as_a_function_of_the_trial(data, ridge):
    X, y = data

    def space(trial):
        exponent = trial.suggest_int("exponent", -2, 4)
        return {"frameregressor__regressor__alpha": 10.0**exponent}

    search = av.FusionSearchCV(ridge, space, cv=2, n_trials=4, random_state=0).fit(X, y)
    assert set(search.best_params_) == {"frameregressor__regressor__alpha"}
    assert (
        search.best_estimator_[-1].regressor.alpha == search.best_params_["frameregressor__regressor__alpha"]
    )
    assert search.cv_results_["param_frameregressor__regressor__alpha"].shape == (4,)


def test_default_estimator_and_space(data):
    X, y = data
    search = av.FusionSearchCV(cv=2, n_trials=1, timeout=None, refit=False, random_state=0)
    search.estimator = av.RecursiveJointAttentionRegressor(max_epochs=1, random_state=0)
    space = {"max_epochs": CategoricalDistribution([1, 2])}
    search.set_params(space=space).fit(X, y)
    assert set(search.best_params_) == {"max_epochs"}


def test_nested_in_a_comparison_it_splits_by_the_groups_of_the_training_rows(data, ridge):
    X, y = data
    seen = []

    class Watched(av.FusionSearchCV):
        def fit(self, X, y, groups=None):
            seen.append((set(groups), set(X["subject"])))
            return super().fit(X, y, groups)

    search = Watched(ridge, SPACE, cv=2, n_trials=2, random_state=0)
    pipeline = make_pipeline(av.Align(rate_hz=1.0), Watched(ridge, SPACE, cv=2, n_trials=1, random_state=0))
    av.compare({"search": search, "in a pipeline": pipeline}, X, y, groups="subject", verbose=False)
    assert len(seen) == 2 * 4
    assert all(groups == subjects and len(groups) == 3 for groups, subjects in seen)


def test_progress_tells_best_and_pruned(data, ridge, capsys):
    X, y = data
    search = av.FusionSearchCV(ridge, SPACE, cv=2, n_trials=3, verbose=1, refit=False, random_state=0)
    best = search.fit(X, y).best_score_
    shown = capsys.readouterr().err
    assert "3/3" in shown
    assert f"best={best:.3f}" in shown
    assert "pruned=0" in shown


def test_optuna_keeps_its_voice(data, ridge):
    X, y = data
    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    try:
        av.FusionSearchCV(ridge, SPACE, cv=2, n_trials=1, refit=False).fit(X, y)
        assert optuna.logging.get_verbosity() == optuna.logging.DEBUG
    finally:
        optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_errors(data, ridge):
    X, y = data
    with pytest.raises(
        ValueError, match=r"space has 'alpha', but Pipeline has no such parameter. Did you mean '.*__alpha'"
    ):
        av.FusionSearchCV(ridge, {"alpha": [1]}).fit(X, y)
    with pytest.raises(TypeError, match=r"space\['memory'\] is 3, not an optuna distribution or a list"):
        av.FusionSearchCV(ridge, {"memory": 3}).fit(X, y)
    with pytest.raises(ValueError, match="No space is known for BaseEstimator"):
        optuna_objective(BaseEstimator(), X, y)
    with pytest.raises(ValueError, match="no column of X"):
        av.FusionSearchCV(ridge, SPACE).fit(X, y, groups="nobody")
    with pytest.raises(ValueError, match="The 'n_trials' parameter of FusionSearchCV must be"):
        av.FusionSearchCV(ridge, SPACE, n_trials=0).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        av.FusionSearchCV(ridge, SPACE).fit(X, y.iloc[:3])


def test_it_is_quiet(data, ridge, capfd):
    X, y = data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        av.FusionSearchCV(ridge, SPACE, cv=2, n_trials=2).fit(X, y)
    out = capfd.readouterr()
    assert out.out == out.err == ""


@pytest.mark.parametrize("routing", [False, True])
def test_groups_reach_the_network_of_a_pipeline_and_its_epochs_are_watched(routing, data):
    X, y = data
    seen = []

    class Asking(av.EarlyFusionRegressor):
        def fit(self, X, y=None, groups=None, **parameters):
            seen.append(groups)
            return super().fit(X, y, groups=groups, **parameters)

    with sklearn.config_context(enable_metadata_routing=routing):
        network = Asking(max_epochs=3, hidden_size=4, random_state=0)
        if routing:
            network.set_fit_request(groups=True)
        model = make_pipeline(av.OnFrames(), network)
        search = av.FusionSearchCV(model, {"asking__lr": [1e-3]}, cv=2, n_trials=1, random_state=0)
        if routing:  # the groups of an outer cross-validation come this way
            outer = {"cv": GroupKFold(2), "params": {"groups": X["subject"]}, "error_score": "raise"}
            searches = cross_validate(search, X, y, return_estimator=True, **outer)["estimator"]
        else:
            searches = [search.fit(X, y, groups="subject")]
    for fitted in searches:
        steps = fitted.study_.trials[0].intermediate_values
        assert len(steps) == 2 * 3  # three epochs in each of two folds
    assert all((groups is not None) == routing for groups in seen)


def test_a_score_that_is_no_number_fails_its_trial_only(table):
    X, y = table

    def correlation(estimator, X, y):
        predicted = estimator.predict(X)
        return np.corrcoef(predicted, y)[0, 1] if np.ptp(predicted) > 1e-9 else np.nan

    space = {"alpha": FloatDistribution(1e-2, 10, log=True)}
    with pytest.warns(FitFailedWarning, match="ValueError: the score is nan in fold 1, nan in fold 2"):
        search = table_search(
            estimator=Lasso(), space=space, n_trials=16, random_state=1, scoring=correlation
        ).fit(X, y)
    alphas = [p["alpha"] for p in search.cv_results_["params"]]
    assert len(set(alphas)) == 16
    failed = search.cv_results_["state"] == "failed"
    assert 0 < failed.sum() < 16
    assert min(np.array(alphas)[failed]) > search.best_params_["alpha"]


@pytest.mark.parametrize("how", [{}, {"storage": "sqlite"}, {"n_jobs": 2}])
def test_choices_may_be_anything(data, tmp_path, how):
    X, y = data
    how = {"storage": f"sqlite:///{tmp_path}/s.db"} if "storage" in how else how
    model = make_pipeline(av.AddContext(widths_s=(1, 5)), av.FrameRegressor(Ridge()))
    space = {
        "addcontext__widths_s": [(1, 5), (3,)],
        "frameregressor__regressor": [Ridge(1.0), Ridge(1000.0), Lasso(0.1)],
    }
    search = av.FusionSearchCV(model, space, cv=2, n_trials=6, random_state=0, **how).fit(X, y)
    for chosen, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"]):
        assert chosen["addcontext__widths_s"] in space["addcontext__widths_s"]
        if np.isfinite(score):  # not pruned
            alone = cross_val_score(clone(model).set_params(**chosen), X, y, cv=KFold(2)).mean()
            assert score == pytest.approx(alone, rel=1e-9)
    assert len({str(chosen) for chosen in search.cv_results_["params"]}) > 2
    assert search.best_estimator_[-1].regressor.get_params() == (
        search.best_params_["frameregressor__regressor"].get_params()
    )


def test_a_former_fit_leaves_nothing_behind(table):
    search = table_search(refit=True).fit(*table)
    search.set_params(refit=False).fit(*table)
    assert not hasattr(search, "best_estimator_")
    with pytest.raises(NotFittedError):
        search.predict(table[0])


def test_splits_may_come_from_a_generator(table, tmp_path):
    X, y = table
    expected = table_search(cv=KFold(3)).fit(X, y).cv_results_["mean_test_score"]
    search = table_search(cv=KFold(3).split(X)).fit(X, y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected)
    again = av.model_selection.rerun(search.save(tmp_path), X, y, verbose=False)
    np.testing.assert_array_equal(again.cv_results_["mean_test_score"], expected)


def test_folds_without_labels_are_left_out(data, ridge):
    X, y = data
    subject = X["subject"] == X["subject"].iloc[0]
    with pytest.warns(UserWarning, match="Of 4 folds these have no label of every target in their test rows"):
        search = av.FusionSearchCV(ridge, SPACE, n_trials=2, random_state=0).fit(
            X, y.mask(subject), groups="subject"
        )
    assert search.n_splits_ == 3
    with pytest.raises(ValueError, match="No fold has a label"):
        av.FusionSearchCV(ridge, SPACE, n_trials=2).fit(X, y.mask(X["subject"] != -1), groups="subject")


def test_labels_in_a_tuple_are_labels_per_frame(data, ridge, tmp_path):
    X = data[0].iloc[:4]
    y = tuple(np.asarray(cell) for cell in data[1].iloc[:4])
    search = av.FusionSearchCV(ridge, SPACE, cv=2, n_trials=2, random_state=0).fit(X, y)
    again = av.model_selection.rerun(search.save(tmp_path), X, y, verbose=False)
    assert again.best_score_ == search.best_score_


def test_the_record_tells_what_would_differ(table):
    record = table_search(timeout=600, sampler=RandomSampler()).fit(*table).record_
    assert record["not_repeatable"] == [
        "sampler: RandomSampler has no seed",
        "timeout=600 s: the number of trials that finish in time varies",
    ]
    assert " at 0x" not in str(record)
    assert table_search().fit(*table).record_["not_repeatable"] == []


def test_errors_tell_what_to_do(table):
    with pytest.raises(ValueError, match="use 'neg_mae'"):
        table_search(scoring="mae").fit(*table)
    with pytest.raises(ValueError, match=r"No space is known for FrameRegressor: .* Set them, or give space"):
        table_search(estimator=av.FrameRegressor(), space=None).fit(*table)


def test_weights_count_in_fits_scores_and_the_refit(data, ridge, tmp_path):
    X, y = data
    weights = np.arange(len(X)) % 3
    folds = list(KFold(2).split(X))
    search = av.FusionSearchCV(
        ridge, SPACE, cv=folds, n_trials=4, sampler=GridSampler(SPACE, seed=0), storage=tmp_path / "study.log"
    )
    search.fit(X, y, sample_weight=weights)
    (key,) = SPACE
    step = ridge.steps[-1][0]
    for k, params in enumerate(search.cv_results_["params"]):
        for fold, (train, test) in enumerate(folds):
            model = clone(ridge).set_params(**{key: params[key]})
            model.fit(X.iloc[train], y.iloc[train], **{f"{step}__sample_weight": weights[train]})
            expected = av.metrics.ccc_score(
                y.iloc[test], model.predict(X.iloc[test]), sample_weight=weights[test]
            )
            assert search.cv_results_[f"split{fold}_test_score"][k] == pytest.approx(expected)
    best = clone(ridge).set_params(**search.best_params_).fit(X, y, **{f"{step}__sample_weight": weights})
    pd.testing.assert_series_equal(search.predict(X), best.predict(X))
    expected = av.metrics.ccc_score(y, best.predict(X), sample_weight=weights)
    assert search.score(X, y, sample_weight=weights) == pytest.approx(expected)
    named = clone(search).set_params(study_name=search.study_.study_name)
    for other in (None, weights + 1):
        with pytest.raises(ValueError, match="search with different weights"):
            clone(named).fit(X, y, **({} if other is None else {"sample_weight": other}))


def test_epochs_of_a_network_are_scored_by_weight(data):
    X, y = data
    weights = (np.arange(len(X)) % 2).astype(float)
    holes = [np.where(w, np.asarray(cell), np.nan) for w, cell in zip(weights, y)]
    search = av.FusionSearchCV(NETWORK, {"lr": [1e-3, 1e-2]}, cv=2, n_trials=2, random_state=0)
    found = clone(search).fit(X, list(map(np.asarray, y)), sample_weight=weights)
    expected = clone(search).fit(X, holes)
    for one, other in zip(found.study_.trials, expected.study_.trials):
        assert one.intermediate_values == pytest.approx(other.intermediate_values)
    assert len(found.study_.trials[0].intermediate_values) > 2


def test_a_scorer_without_weights_is_refused_with_them(data, ridge):
    X, y = data

    def mine(estimator, X, y):
        return 0.0

    search = av.FusionSearchCV(ridge, SPACE, cv=2, n_trials=2, scoring=mine)
    with pytest.raises(ValueError, match=r"sample_weight is given, but scoring=.*mine.* takes none"):
        search.fit(X, y, sample_weight=np.ones(len(X)))
    with pytest.raises(TypeError, match=r"FusionSearchCV\.fit got an unexpected argument: 'weights'"):
        search.fit(X, y, weights=np.ones(len(X)))
