"""Studies that belong to a search, and those of others."""

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from avfusion.model_selection.search._identity import check_identity, check_queue
from tests.model_selection.search.searches import table_search

WAITING = TrialState.WAITING
MIXED = {
    "alpha": FloatDistribution(0, 2),
    "solver": CategoricalDistribution(["svd", "lsqr"]),
    "max_iter": IntDistribution(0, 10, step=5),
    "tol": FloatDistribution(0, 1, step=0.25),
}


def test_a_study_is_recorded_once_and_what_differs_is_named():
    study = optuna.create_study(direction="maximize", study_name="s")
    check_identity(study, {"data": "a", "folds": "b"})
    check_identity(study, {"data": "a", "folds": "b"})
    with pytest.raises(ValueError, match="of a search with different folds, so"):
        check_identity(study, {"data": "a", "folds": "c"})
    with pytest.raises(ValueError, match="of a search with different data, folds, so"):
        check_identity(study, {"data": "b", "folds": "c"})


def test_a_study_of_several_objectives_is_refused():
    study = optuna.create_study(directions=["maximize", "minimize"], study_name="s")
    with pytest.raises(ValueError, match="Study 's' has 2 objectives, but a search has one score"):
        check_identity(study, {"data": "a"})


@pytest.mark.parametrize(
    ("enqueued", "message"),
    [
        (
            {"alpah": 1.0},
            "an enqueued trial with 'alpah', which the space does not have. .* 'alpha', 'solver'",
        ),
        ({"alpha": 9.0}, "an enqueued trial with alpha=9.0, which is not in the space: FloatDistribution"),
        ({"alpha": "1"}, "an enqueued trial with alpha='1', which is not in the space"),
        ({"solver": "own"}, "an enqueued trial with solver='own', which is not in the space"),
        ({"solver": ["svd"]}, r"an enqueued trial with solver=\['svd'\], which is not in the space"),
        ({"alpha": float("nan")}, "an enqueued trial with alpha=nan, which is not in the space"),
        ({"max_iter": 7.5}, "an enqueued trial with max_iter=7.5, which is not in the space"),
        ({"max_iter": 7}, "an enqueued trial with max_iter=7, which is not in the space: .*step=5"),
        ({"tol": 0.3}, "an enqueued trial with tol=0.3, which is not in the space: .*step=0.25"),
    ],
)
def test_enqueued_trials_that_the_space_does_not_know_are_refused(enqueued, message):
    study = optuna.create_study(direction="maximize", study_name="s")
    study.enqueue_trial({"alpha": 2, "max_iter": 5.0, "tol": 0.75})
    check_queue(study, MIXED)
    study.enqueue_trial(enqueued)
    with pytest.raises(ValueError, match=message):
        check_queue(study, MIXED)
    check_queue(study, lambda trial: {})


def test_waiting_trials_that_were_added_with_parameters_are_checked_too():
    study = optuna.create_study(direction="maximize", study_name="s")
    distributions = {"alpah": FloatDistribution(0, 2)}
    study.add_trial(create_trial(state=WAITING, params={"alpah": 1.0}, distributions=distributions))
    with pytest.raises(ValueError, match="an enqueued trial with 'alpah', which the space does not have"):
        check_queue(study, MIXED)


def test_enqueued_trials_of_a_study_made_before_are_tried_first(table):
    storage = optuna.storages.InMemoryStorage()
    study = optuna.create_study(direction="maximize", study_name="mine", storage=storage)
    for alpha in (3.0, 4.0):
        study.enqueue_trial({"alpha": alpha})
    search = table_search(storage=storage, study_name="mine").fit(*table)
    assert [chosen["alpha"] for chosen in search.cv_results_["params"][:2]] == [3.0, 4.0]
    assert len(search.study_.trials) == len(study.trials) == 4


def test_a_choice_is_enqueued_by_its_label(table):
    storage = optuna.storages.InMemoryStorage()
    study = optuna.create_study(direction="maximize", study_name="mine", storage=storage)
    study.enqueue_trial({"positive": True, "alpha": 2.0})
    space = {"positive": [False, True], "alpha": FloatDistribution(0, 9)}
    search = table_search(space=space, storage=storage, study_name="mine", n_trials=1).fit(*table)
    assert search.best_params_ == {"positive": True, "alpha": 2.0}
