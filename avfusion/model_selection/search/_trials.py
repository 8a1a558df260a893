"""Run one trial of a search, in any process, and collect the results of all trials."""

from copy import deepcopy
from typing import NamedTuple

import numpy as np
import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import FixedTrial, TrialState
from scipy.stats import rankdata

from avfusion.model_selection.search._cross_validation import FoldOutcome
from avfusion.model_selection.search._database import lost_database
from avfusion.model_selection.search._search_spaces import suggest
from avfusion.model_selection.search._storage import (
    finish_trial,
    finished_trials,
    quiet_optuna,
    trial_of_task,
)
from avfusion.model_selection.search._workers import (
    ERROR,
    begin_trial,
    fail_stale_trials,
    give_up,
    sending_heartbeats,
)


class TrialOutcome(NamedTuple):
    """Outcome of a trial, as the process that runs the search needs it.

    Parameters
    ----------
    number : int or None
        Of the trial that is finished; None if none was missing, or it was lost.
    error : str or None
        Why it failed.
    more : bool
        Whether the sampler has more to suggest.
    lost : Exception or None
        Why it does not count.

    Examples
    --------
    >>> TrialOutcome().more
    True
    """

    number: int | None = None
    error: str | None = None
    more: bool = True
    lost: Exception | None = None


def run_trial(storage, name, objective, sampler, pruner, n_trials, shared, raise_errors, task=None):
    """Run one more trial of a study, if one is still missing, and return a `TrialOutcome`.

    A task that has a name is done once, however often a cluster begins it.
    """
    if shared:
        sampler = deepcopy(sampler)  # threads of one process would share it
    with quiet_optuna():
        study = optuna.load_study(study_name=name, storage=storage, pruner=pruner, sampler=sampler)
        done = trial_of_task(study, task)
        if done is not None:
            return TrialOutcome(done.number, done.user_attrs.get(ERROR))
        if len(finished_trials(study)) >= n_trials:
            return TrialOutcome()
        fail_stale_trials(study, unsigned=False)
        if shared and _nothing_left(study, sampler):
            return TrialOutcome(more=False)
        if shared:
            sampler.reseed_rng()  # every process has a copy of the same one
        trial = begin_trial(study, task)
        try:
            with sending_heartbeats(trial):
                value, state, error = outcome_of(objective, trial)
                more = finish_trial(study, trial, value, state, error)
        except UpdateFinishedTrialError:
            return TrialOutcome(
                lost=TimeoutError(f"Trial {trial.number} was given up: its heartbeat was stale")
            )
        except StorageInternalError as lost:
            give_up(study, storage.get_trial(trial._trial_id))
            return TrialOutcome(lost=lost_database(lost, name))
        except BaseException:  # interrupted: not counted, so that a resumed search still runs n_trials
            study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
            raise
        if error is not None and raise_errors:
            raise error
        return TrialOutcome(trial.number, None if error is None else f"{type(error).__name__}: {error}", more)


def _nothing_left(study, sampler):
    """Return whether other processes have tried all that a grid has."""
    exhausted = getattr(sampler, "is_exhausted", None)
    if exhausted is None or study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        return False
    return exhausted(study)


def outcome_of(objective, trial):
    """Return the value of a trial, its state, and the error if there is one; its storage's are raised."""
    try:
        value = objective(trial)
    except optuna.TrialPruned:
        return None, TrialState.PRUNED, None
    except (UpdateFinishedTrialError, StorageInternalError):
        raise
    except Exception as raised:
        return None, TrialState.FAIL, raised
    if np.isfinite(value):
        return value, TrialState.COMPLETE, None
    return None, TrialState.FAIL, not_a_number(trial)


def not_a_number(trial):
    """Return the error of a trial whose score is not finite, which optuna would neither keep nor count."""
    scores = trial.user_attrs.get("score", ())
    bad = [f"{score} in fold {fold}" for fold, score in enumerate(scores, start=1) if not np.isfinite(score)]
    return ValueError(f"the score is {', '.join(bad) or 'not finite'}")


def parameters_of(trial, space):
    """Return the parameters that a finished trial tried."""
    return suggest(FixedTrial(trial.params), space)


def results_of(trials, space, n_splits, error_score):
    """Return ``cv_results_``: a dict of arrays with one entry per trial."""
    failed = np.nan if error_score == "raise" else float(error_score)
    parameters = [parameters_of(trial, space) for trial in trials]
    columns = {}
    for name in dict.fromkeys(name for chosen in parameters for name in chosen):
        values = np.ma.masked_all(len(trials), dtype=object)
        for row, chosen in enumerate(parameters):
            if name in chosen:
                values[row] = chosen[name]
        columns[f"param_{name}"] = values
    columns["params"] = parameters
    columns["state"] = np.array([trial.state.name.lower().replace("fail", "failed") for trial in trials])
    padded = {
        key: np.array(
            [(*trial.user_attrs.get(key, ()), *[np.nan] * n_splits)[:n_splits] for trial in trials]
        ).reshape(len(trials), n_splits)
        for key in FoldOutcome._fields
    }
    padded["score"][columns["state"] == "failed"] = failed
    for fold in range(n_splits):
        columns[f"split{fold}_test_score"] = padded["score"][:, fold]
    for key, title in (("score", "test_score"), ("fit_s", "fit_time"), ("score_s", "score_time")):
        columns[f"mean_{title}"], columns[f"std_{title}"] = padded[key].mean(axis=1), padded[key].std(axis=1)
    scores = np.nan_to_num(columns["mean_test_score"], nan=-np.inf)
    columns["rank_test_score"] = rankdata(-scores, method="min").astype(np.int32)
    return columns


def progress_of(study):
    """Return what the progress bar shows: the best score so far and the number of pruned trials."""
    trials = finished_trials(study)
    values = [trial.value for trial in trials if trial.state == TrialState.COMPLETE]
    pruned = sum(trial.state == TrialState.PRUNED for trial in trials)
    return {"best": f"{max(values):.3f}" if values else "-", "pruned": pruned}


def best_of(trials, scores):
    """Return the position of the best trial among those that are complete.

    Parameters
    ----------
    trials : list of optuna.trial.FrozenTrial
    scores : ndarray of shape (n_trials,)
        Mean score of each; NaN where there is none.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If none has a score: with the first error, where there was one.

    Examples
    --------
    >>> from optuna.trial import create_trial
    >>> best_of([create_trial(value=0.1), create_trial(value=0.3)], np.array([0.1, 0.3]))
    1
    """
    complete = np.array([trial.state == TrialState.COMPLETE for trial in trials], dtype=bool)
    if not np.isfinite(scores[complete]).any():
        errors = [trial.user_attrs["error"] for trial in trials if "error" in trial.user_attrs]
        raise ValueError(
            f"None of {len(trials)} trials has a score. "
            + (f"The first error: {errors[0]}" if errors else "Allow more trials or more time.")
        )
    return int(np.nanargmax(np.where(complete, scores, np.nan)))
