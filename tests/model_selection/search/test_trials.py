"""One trial: how each way in which it can end is told, and the table of all."""

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState, create_trial

from avfusion.model_selection.search._storage import quiet_optuna
from avfusion.model_selection.search._trials import progress_of, results_of, run_trial

SPACE = {"alpha": FloatDistribution(0.0, 1.0)}


@pytest.fixture
def storage():
    storage = InMemoryStorage()
    with quiet_optuna():
        optuna.create_study(storage=storage, study_name="ours", direction="maximize")
    return storage


def run(storage, objective, n_trials=10, raise_errors=False):
    sampler, pruner = optuna.samplers.RandomSampler(seed=0), optuna.pruners.NopPruner()
    return run_trial(storage, "ours", objective, sampler, pruner, n_trials, False, raise_errors)


def raising(error):
    def objective(trial):
        raise error

    return objective


def states(storage):
    return [trial.state for trial in optuna.load_study(study_name="ours", storage=storage).trials]


def test_the_ways_to_end(storage):
    assert run(storage, lambda trial: 0.5) == (None, True)
    assert run(storage, raising(optuna.TrialPruned())) == (None, True)
    assert run(storage, raising(ValueError("bad"))) == ("ValueError: bad", True)
    assert run(storage, lambda trial: np.nan) == ("ValueError: the score is not finite", True)
    expected = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.FAIL]
    assert states(storage) == expected


def test_the_folds_whose_scores_are_no_numbers_are_named(storage):
    def objective(trial):
        trial.set_user_attr("score", [0.5, float("inf")])
        return float("inf")

    assert run(storage, objective).error == "ValueError: the score is inf in fold 2"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_an_interruption_is_let_through_and_its_trial_does_not_count(storage, error):
    with pytest.raises(type(error)):
        run(storage, raising(error), n_trials=1)
    assert states(storage) == [TrialState.FAIL]
    assert run(storage, lambda trial: 0.5, n_trials=1) == (None, True)
    assert states(storage) == [TrialState.FAIL, TrialState.COMPLETE]


def test_errors_are_raised_where_asked_for(storage):
    with pytest.raises(ValueError, match="bad"):
        run(storage, raising(ValueError("bad")), raise_errors=True)


def test_no_more_than_the_number_of_trials_are_run(storage):
    for _ in range(3):
        run(storage, lambda trial: 0.5, n_trials=2)
    assert len(states(storage)) == 2


def finished(alpha, scores, state=TrialState.COMPLETE):
    return create_trial(
        params={"alpha": alpha},
        distributions=SPACE,
        value=float(np.mean(scores)) if state == TrialState.COMPLETE else None,
        state=state,
        user_attrs={"score": scores, "fit_s": [1.0] * len(scores), "score_s": [0.5] * len(scores)},
    )


def test_the_table_has_a_row_per_trial_as_that_of_grid_search():
    trials = [
        finished(0.1, [0.2, 0.4]),
        finished(0.2, [0.6, 0.8]),
        finished(0.3, [0.9], TrialState.PRUNED),
        finished(0.4, [], TrialState.FAIL),
    ]
    table = results_of(trials, SPACE, 2, np.nan)
    assert table["params"] == [{"alpha": alpha} for alpha in (0.1, 0.2, 0.3, 0.4)]
    assert table["param_alpha"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert table["state"].tolist() == ["complete", "complete", "pruned", "failed"]
    np.testing.assert_allclose(table["mean_test_score"], [0.3, 0.7, np.nan, np.nan])
    np.testing.assert_allclose(table["std_test_score"][:2], [0.1, 0.1])
    np.testing.assert_array_equal(table["split0_test_score"], [0.2, 0.6, 0.9, np.nan])
    assert table["rank_test_score"].tolist() == [2, 1, 3, 3]
    np.testing.assert_array_equal(table["mean_fit_time"][:2], [1.0, 1.0])
    assert results_of(trials, SPACE, 2, -1.0)["mean_test_score"][3] == -1.0


def test_the_progress_bar_has_the_best_score_and_the_pruned():
    with quiet_optuna():
        study = optuna.create_study(direction="maximize")
    assert progress_of(study) == {"best": "-", "pruned": 0}
    study.add_trials([finished(0.1, [0.25]), finished(0.2, [0.5]), finished(0.3, [0.9], TrialState.PRUNED)])
    assert progress_of(study) == {"best": "0.500", "pruned": 1}
