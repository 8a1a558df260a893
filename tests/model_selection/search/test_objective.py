"""The objective: the mean over folds, reported on an axis on which trials can be compared."""

import optuna
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score

import avfusion as av
from avfusion.metrics import scorers
from avfusion.model_selection import optuna_objective
from avfusion.model_selection.search._objective import STEPS_PER_FOLD, resolve_scorer
from avfusion.model_selection.search._storage import quiet_optuna

SPACE = {"regressor__alpha": [1.0, 100.0]}


@pytest.fixture(scope="module")
def data():
    return av.datasets.make_audiovisual_regression(
        6, audio_rate_hz=1, video_rate_hz=1, duration_s=(10, 20), random_state=0
    )


def ask(pruner=None):
    with quiet_optuna():
        study = optuna.create_study(direction="maximize", pruner=pruner)
    study.enqueue_trial({"regressor__alpha": 100.0})
    return study, study.ask()


def test_it_is_the_mean_of_cross_val_score(data):
    objective = optuna_objective(av.FrameRegressor(Ridge()), *data, space=SPACE, cv=KFold(3), scoring="pcc")
    _, trial = ask()
    model = av.FrameRegressor(Ridge(alpha=100.0))
    expected = cross_val_score(model, *data, cv=KFold(3), scoring=scorers["pcc"])
    assert objective(trial) == pytest.approx(expected.mean())
    assert trial.user_attrs["score"] == pytest.approx(expected.tolist())
    assert len(trial.user_attrs["fit_s"]) == len(trial.user_attrs["score_s"]) == 3


def test_each_fold_ends_at_the_same_step_whatever_is_trained(data):
    study, trial = ask()
    optuna_objective(av.FrameRegressor(Ridge()), *data, space=SPACE, cv=KFold(3))(trial)
    steps = study.trials[0].intermediate_values
    assert list(steps) == [STEPS_PER_FOLD * fold for fold in (1, 2, 3)]


def test_a_pruned_trial_keeps_the_folds_that_it_finished(data):
    _, trial = ask(optuna.pruners.ThresholdPruner(lower=2.0))  # no score is as high
    with pytest.raises(optuna.TrialPruned):
        optuna_objective(av.FrameRegressor(Ridge()), *data, space=SPACE, cv=KFold(3))(trial)
    assert len(trial.user_attrs["score"]) == 1


def test_scores_have_one_direction():
    assert resolve_scorer(None, "ccc") is scorers["ccc"]
    with pytest.raises(ValueError, match="use 'neg_mae'"):
        resolve_scorer(None, "mae")
