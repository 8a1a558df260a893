"""Single trials, and the table of all."""

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.samplers import GridSampler, RandomSampler
from optuna.trial import TrialState, create_trial

from avfusion.model_selection.search._trials import progress_of, results_of, run_trial

SPACE = {"alpha": FloatDistribution(0, 1)}


@pytest.fixture
def storage():
    storage = optuna.storages.InMemoryStorage()
    optuna.create_study(study_name="s", storage=storage, direction="maximize")
    return storage


def run(storage, objective, n_trials=9, raise_errors=False):
    sampler = RandomSampler(seed=0)
    return run_trial(
        storage, "s", objective, sampler, optuna.pruners.NopPruner(), n_trials, False, raise_errors
    )


def test_no_more_trials_than_wanted_are_run(storage):
    for _ in range(3):
        assert run(storage, lambda trial: trial.suggest_float("alpha", 0, 1), n_trials=2).more
    assert len(optuna.load_study(study_name="s", storage=storage).trials) == 2


def test_errors_and_scores_that_are_no_numbers_are_reported(storage):
    def fail(trial):
        raise ArithmeticError("too strong")

    assert run(storage, fail).error == "ArithmeticError: too strong"
    assert run(storage, lambda trial: np.nan).error == "ValueError: the score is not finite"
    with pytest.raises(ArithmeticError, match="too strong"):
        run(storage, fail, raise_errors=True)


def test_a_trial_that_others_gave_up_does_not_count_and_ends_nothing(storage):
    def suspended(trial):
        storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)  # by another process, meanwhile
        trial.report(1.0, step=1)
        return 1.0

    outcome = run(storage, suspended, raise_errors=True)
    assert outcome.number is None
    assert "Trial 0 was given up: its heartbeat was stale" in str(outcome.lost)
    assert run(storage, lambda trial: 1.0, n_trials=1).number == 1


def test_a_database_that_fails_for_a_moment_costs_a_trial_which_is_tried_again(storage):
    def broken(trial):
        trial.suggest_float("alpha", 0, 1)
        raise optuna.exceptions.StorageInternalError("the server was stopped")

    outcome = run(storage, broken)
    assert isinstance(outcome.lost, ConnectionError)
    again = run(storage, lambda trial: trial.suggest_float("alpha", 0, 1))
    first, second = optuna.load_study(study_name="s", storage=storage).trials
    assert (first.state, second.state, again.number) == (TrialState.FAIL, TrialState.COMPLETE, 1)
    assert first.params == second.params


def test_an_interrupted_trial_does_not_count(storage):
    def interrupted(trial):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(storage, interrupted)
    assert [t.state.name for t in optuna.load_study(study_name="s", storage=storage).trials] == ["FAIL"]


def trial_of(alpha, scores, state=TrialState.COMPLETE):
    return create_trial(
        state=state,
        value=np.mean(scores) if state == TrialState.COMPLETE else None,
        params={"alpha": alpha},
        distributions=SPACE,
        user_attrs={"score": scores, "fit_s": [1.0] * len(scores), "score_s": [0.5] * len(scores)},
    )


def test_results_have_scores_of_folds_and_nan_where_a_trial_did_not_get():
    trials = [
        trial_of(0.1, [0.2, 0.4]),
        trial_of(0.2, [0.1], TrialState.PRUNED),
        trial_of(0.3, [], TrialState.FAIL),
        trial_of(0.4, [0.5, 0.7]),
    ]
    results = results_of(trials, SPACE, n_splits=2, error_score=-1.0)
    assert results["state"].tolist() == ["complete", "pruned", "failed", "complete"]
    np.testing.assert_array_equal(results["split0_test_score"], [0.2, 0.1, -1.0, 0.5])
    np.testing.assert_array_equal(results["split1_test_score"], [0.4, np.nan, -1.0, 0.7])
    np.testing.assert_allclose(results["mean_test_score"], [0.3, np.nan, -1.0, 0.6])
    np.testing.assert_allclose(results["std_test_score"], [0.1, np.nan, 0.0, 0.1])
    assert results["rank_test_score"].tolist() == [2, 4, 3, 1]
    assert results["param_alpha"].tolist() == [0.1, 0.2, 0.3, 0.4]


def test_progress_shows_the_best_score_and_the_number_of_pruned_trials():
    study = optuna.create_study(direction="maximize")
    assert progress_of(study) == {"best": "-", "pruned": 0}
    study.add_trials([trial_of(0.1, [0.25, 0.5]), trial_of(0.2, [0.1], TrialState.PRUNED)])
    assert progress_of(study) == {"best": "0.375", "pruned": 1}


def test_no_process_tries_again_what_others_have_tried_of_a_grid(storage):
    sampler, pruner = GridSampler({"alpha": [0.25, 0.5]}, seed=0), optuna.pruners.NopPruner()
    outcomes = [
        run_trial(
            storage, "s", lambda trial: trial.suggest_float("alpha", 0, 1), sampler, pruner, 9, True, True
        )
        for _ in range(4)
    ]
    assert [outcome.number for outcome in outcomes] == [0, 1, None, None]
    assert not outcomes[-1].more
    study = optuna.load_study(study_name="s", storage=storage)
    study.enqueue_trial({"alpha": 0.75})
    last = run_trial(
        storage, "s", lambda trial: trial.suggest_float("alpha", 0, 1), sampler, pruner, 9, True, True
    )
    assert last.number == 2
