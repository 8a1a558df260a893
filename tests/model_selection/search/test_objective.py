"""The objective against scikit-learn's cross-validation."""

import numpy as np
import optuna
import pytest
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import avfusion as av
from avfusion.metrics import scorers
from avfusion.model_selection import optuna_objective
from tests.model_selection.search.searches import NETWORK


@pytest.mark.parametrize("n_members", [1, 2])
def test_what_is_watched_is_what_cross_val_score_gives(data, n_members):
    X, y = data
    model = clone(NETWORK).set_params(n_members=n_members)
    pipeline = make_pipeline(av.OnFrames(StandardScaler()), model)
    name = "earlyfusionregressor__dropout"
    objective = optuna_objective(pipeline, X, y, space={name: [0.3]}, cv=GroupKFold(4), groups="subject")
    study = optuna.create_study(direction="maximize")
    study.optimize(objective, n_trials=1)
    expected = cross_val_score(
        pipeline.set_params(**{name: 0.3}), X, y, groups=X["subject"], cv=GroupKFold(4)
    )
    trial = study.trials[0]
    np.testing.assert_allclose(trial.user_attrs["score"], expected)
    assert trial.value == pytest.approx(expected.mean())
    # 4 folds of 4 epochs (of each member) on an axis of 40 steps per fold, the mean so far at each fold's end
    steps_of_fold = np.arange(1, 4 * n_members + 1) * 40 // (4 * n_members)
    assert list(trial.intermediate_values) == [
        40 * fold + step for fold in range(4) for step in steps_of_fold
    ]
    for fold in range(4):
        assert trial.intermediate_values[40 * (fold + 1)] == pytest.approx(expected[: fold + 1].mean())


def test_an_epoch_reports_the_score_of_a_network_that_ends_there(data):
    X, y = data
    whole = clone(NETWORK).set_params(schedule=None, window=None, max_epochs=4)
    space = {"schedule": [None]}
    study = optuna.create_study(direction="maximize")
    study.optimize(optuna_objective(whole, X, y, space=space, cv=KFold(2), scoring="neg_mae"), n_trials=1)
    shorter = clone(whole).set_params(max_epochs=2)
    expected = cross_val_score(shorter, X, y, cv=KFold(2), scoring=scorers["neg_mae"])
    assert study.trials[0].intermediate_values[20] == pytest.approx(expected[0])
