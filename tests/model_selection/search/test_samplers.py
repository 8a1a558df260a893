"""Every sampler and pruner that Optuna ships, found by looking, works in a search."""

import importlib.util
import inspect

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score

import avfusion as av
from tests.model_selection.search.searches import NETWORK, table_search


def kinds(module, base):
    found = {getattr(module, name) for name in module.__all__}
    kinds = {k for k in found if inspect.isclass(k) and issubclass(k, base) and not inspect.isabstract(k)}
    return sorted(kinds - {base}, key=lambda kind: kind.__name__)


SPACE = {
    "regressor__solver": CategoricalDistribution(["lsqr", "cholesky"]),
    "regressor__alpha": FloatDistribution(0.1, 1e3, log=True),
    "regressor__max_iter": IntDistribution(10, 30, step=10),
}
GRID = {
    "regressor__solver": ["lsqr", "cholesky"],
    "regressor__alpha": [1.0, 100.0],
    "regressor__max_iter": [10, 20],
}
MADE = {
    "GridSampler": lambda kind: kind(GRID, seed=0),
    "PartialFixedSampler": lambda kind: kind(
        {"regressor__alpha": 3.0}, optuna.samplers.RandomSampler(seed=0)
    ),
    "BruteForceSampler": lambda kind: kind(seed=0),
    "GPSampler": lambda kind: kind(seed=0, n_startup_trials=3),
    "ThresholdPruner": lambda kind: kind(lower=-1e9),
    "PatientPruner": lambda kind: kind(optuna.pruners.MedianPruner(), patience=1),
    "PercentilePruner": lambda kind: kind(50.0),
}
NEEDS = {"CmaEsSampler": "cmaes"}


def make(kind):
    package = NEEDS.get(kind.__name__)
    if package and importlib.util.find_spec(package) is None:
        pytest.skip(f"{kind.__name__} needs the package {package}, which is not installed")
    if kind.__name__ in MADE:
        return MADE[kind.__name__](kind)
    return kind(seed=0) if "seed" in inspect.signature(kind).parameters else kind()


MODEL = av.FrameRegressor(Ridge())


def check(search, X, y, model, n_trials):
    """Compare what a search found with scikit-learn's cross-validation of the same parameters."""
    states = search.cv_results_["state"]
    assert len(states) == n_trials
    assert "failed" not in states
    best = search.best_index_
    alone = cross_val_score(clone(model).set_params(**search.best_params_), X, y, cv=KFold(2)).mean()
    assert search.cv_results_["mean_test_score"][best] == pytest.approx(alone, rel=1e-6)


@pytest.mark.works_with("Optuna", "every sampler that Optuna ships")
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("kind", kinds(optuna.samplers, BaseSampler), ids=lambda kind: kind.__name__)
def test_every_sampler_searches_all_kinds_of_parameters(data, kind):
    X, y = data
    space = SPACE
    if kind.__name__ == "BruteForceSampler":  # lists only
        space = GRID
    search = av.FusionSearchCV(MODEL, space, cv=2, n_trials=6, sampler=make(kind)).fit(X, y)
    check(search, X, y, MODEL, 6)
    tried = {str(chosen) for chosen in search.cv_results_["params"]}
    assert len(tried) >= 4


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_tpe_of_several_parameters_together_and_groups_of_them(data):
    X, y = data
    sampler = optuna.samplers.TPESampler(seed=0, multivariate=True, group=True, n_startup_trials=3)
    check(av.FusionSearchCV(MODEL, SPACE, cv=2, n_trials=6, sampler=sampler).fit(X, y), X, y, MODEL, 6)


@pytest.mark.works_with("Optuna", "every pruner that Optuna ships")
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("kind", kinds(optuna.pruners, BasePruner), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("sampler", [None, optuna.samplers.TPESampler(seed=0, n_startup_trials=2)])
def test_every_pruner_prunes_in_the_middle_or_not_at_all(data, kind, sampler):
    X, y = data
    space = {"lr": FloatDistribution(1e-6, 1e-2, log=True)}
    search = av.FusionSearchCV(
        NETWORK, space, cv=2, n_trials=6, pruner=make(kind), sampler=sampler, random_state=0, refit=False
    ).fit(X, y)
    assert set(search.cv_results_["state"]) <= {"complete", "pruned"}
    check(search, X, y, NETWORK, 6)


def test_a_grid_is_completed_though_a_trial_was_enqueued(table, tmp_path):
    grid = {"alpha": [0.1, 1.0, 10.0]}
    storage = f"sqlite:///{tmp_path}/s.db"
    study = optuna.create_study(study_name="mine", storage=storage, direction="maximize")
    study.enqueue_trial({"alpha": 1.0})
    search = table_search(
        space=grid,
        sampler=optuna.samplers.GridSampler(grid, seed=0),
        n_trials=9,
        storage=storage,
        study_name="mine",
    ).fit(*table)
    alphas = [chosen["alpha"] for chosen in search.cv_results_["params"]]
    assert alphas[0] == 1.0
    assert set(alphas) == {0.1, 1.0, 10.0}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
