"""Run the trials of a search: open or resume its study, and hand the missing trials to worker processes."""

import os
import time
import warnings
from copy import deepcopy
from functools import partial
from uuid import uuid4

import joblib
import optuna
from optuna.exceptions import StorageInternalError
from optuna.pruners import PercentilePruner
from optuna.trial import TrialState
from sklearn.exceptions import FitFailedWarning
from sklearn.utils.parallel import Parallel, delayed

from avfusion._parallel import WORKER_ENDED, ended_with_parent
from avfusion._progress import progress_bar
from avfusion.model_selection._cluster import SentOnce, on_cluster
from avfusion.model_selection.search._callbacks import call_callbacks
from avfusion.model_selection.search._cluster_storage import check_reached
from avfusion.model_selection.search._database import lost_database
from avfusion.model_selection.search._identity import check_identity, check_queue
from avfusion.model_selection.search._objective import STEPS_PER_FOLD
from avfusion.model_selection.search._seeded_tpe import SeededTPESampler
from avfusion.model_selection.search._storage import (
    finished_trials,
    in_memory,
    open_storage,
    quiet_optuna,
)
from avfusion.model_selection.search._trials import TrialOutcome, progress_of, run_trial
from avfusion.model_selection.search._workers import ERROR, RETRIED, fail_stale_trials
from avfusion.sequences._messages import quoted

_LOST_IN_A_ROW = 3
# no trial waits in a queue: it would begin after the time is over, or a callback stopped the study
_PARALLEL = partial(Parallel, return_as="generator_unordered", pre_dispatch="n_jobs", batch_size=1)


def run_study(search, objective, space, identity, name, seed):
    """Run the trials that the study of a search still lacks.

    Parameters
    ----------
    search : FusionSearchCV
        Its parameters say where trials are kept, how many there are and how they are chosen and pruned.
    objective : callable
        ``objective(trial) -> float``, from `optuna_objective`.
    space : dict of str to optuna distribution, or callable
        From `read_space`.
    identity : dict of str to str
        From `identity_of`; a study about something else is refused.
    name : str
        Of the study.
    seed : int
        Of the default sampler.

    Returns
    -------
    optuna.Study
        A copy in memory, as the search left it.

    Raises
    ------
    ConnectionError
        If the storage is away for longer than a search waits.
    """
    with on_cluster() as client:
        return _run_study(search, objective, space, identity, name, seed, client)


def _run_study(search, objective, space, identity, name, seed, client):
    shared = joblib.effective_n_jobs(search.n_jobs) > 1
    if client is not None and not shared:  # a cluster takes no notice of n_jobs=1
        client = None
        parallel = partial(_PARALLEL, n_jobs=1, backend="sequential")
    else:
        parallel = partial(_PARALLEL, n_jobs=search.n_jobs)
    # copied, since a sampler changes when it is used, and parameters must not
    sampler = deepcopy(search.sampler) or SeededTPESampler(seed, constant_liar=shared)
    pruner = search.pruner or PercentilePruner(40.0, n_startup_trials=4, n_warmup_steps=STEPS_PER_FOLD // 3)
    with quiet_optuna(), open_storage(search.storage, shared, client) as storage:
        try:
            study = optuna.create_study(
                study_name=name, storage=storage, direction="maximize", load_if_exists=True,
                pruner=pruner, sampler=sampler,
            )  # fmt: skip
            check_identity(study, identity)
            check_queue(study, space)
            if client is not None:
                check_reached(search.storage, client)
            fail_stale_trials(study)
            done = len(finished_trials(study))
            if done:
                sampler.reseed_rng()  # a seeded sampler of the user's would repeat its first suggestions
            task = partial(
                delayed(_run_sent), SentOnce(objective), os.getpid(), storage, name,
                sampler=sampler, pruner=pruner, n_trials=search.n_trials, shared=shared, raise_errors=search.error_score == "raise",
            )  # fmt: skip
            _run_missing(search, study, done, task, parallel)
            return in_memory(study)
        except StorageInternalError as error:
            raise lost_database(error, name) from error


def _run_sent(objective, parent, storage, name, **options):
    """Run a trial with an objective, and all the data in it, that travelled once for all trials."""
    ended_with_parent(parent)
    try:
        return run_trial(storage, name, *objective.parts, **options)
    except StorageInternalError as error:  # whose cause would not travel
        raise lost_database(error, name) from None


def _run_missing(search, study, done, task, parallel):
    """Run a task for each missing trial, until the time is over or nothing is left to suggest."""
    begin, ended, lost = time.monotonic(), False, 0
    with progress_bar(
        total=search.n_trials, initial=min(done, search.n_trials), disable=not search.verbose,
        unit="trial", desc="search",
    ) as bar:  # fmt: skip

        def over():
            return ended or (search.timeout is not None and time.monotonic() - begin >= search.timeout)

        def tasks(missing):
            for _ in range(missing):
                if over():
                    return
                yield task(task=uuid4().hex)

        while (missing := search.n_trials - (known := len(finished_trials(study)))) > 0 and not over():
            exhausted, ran = False, 0
            for outcome in _outcomes(study, parallel, tasks(1 if _suspected(study) else missing)):
                exhausted = exhausted or not outcome.more
                lost = lost + 1 if outcome.lost else 0
                stopped = _report(search, study, outcome, lost)
                ended = ended or exhausted or stopped
                if outcome.number is not None:
                    ran += 1
                    bar.set_postfix(progress_of(study), refresh=False)
                    bar.update()
            if ran and len(finished_trials(study)) <= known:  # else it would go on for ever
                raise _kept_elsewhere(study)
            if exhausted and not stopped:  # what killed processes were trying is still to be tried
                fail_stale_trials(study, unsigned=False)
                ended = not study.get_trials(deepcopy=False, states=(TrialState.WAITING,))


def _outcomes(study, parallel, tasks):
    """Yield the outcome of each task; where a worker is ended, of the trials that were tried too often."""
    before = {trial.number for trial in finished_trials(study)}
    try:
        yield from parallel()(tasks)
    except WORKER_ENDED:
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        fail_stale_trials(study)
        if not running and not _suspected(study) and before == {t.number for t in finished_trials(study)}:
            raise  # before a trial began, and so without end
        warnings.warn(
            "The system ended a worker process, as where memory is short. What it tried is tried again.",
            stacklevel=5,
        )
        for trial in finished_trials(study):
            error = trial.user_attrs.get(ERROR, "")
            if trial.number not in before and error.startswith(ChildProcessError.__name__):
                yield TrialOutcome(trial.number, error)


def _suspected(study):
    """Return whether a trial waits whose process was ended: it is to be tried with no other beside it."""
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    return any(RETRIED in trial.system_attrs for trial in waiting)


def _report(search, study, outcome, lost):
    """Warn of what went wrong, call the callbacks, and return whether one of them ends the search."""
    if lost >= _LOST_IN_A_ROW:
        raise outcome.lost
    if outcome.lost:
        warnings.warn(f"{outcome.lost} The trial is tried again.", stacklevel=5)
    if outcome.error and search.error_score == "raise":  # else the task raises it
        raise ChildProcessError(outcome.error.removeprefix(f"{ChildProcessError.__name__}: "))
    if outcome.error:
        warnings.warn(f"A trial failed: {outcome.error}", FitFailedWarning, stacklevel=5)
    if outcome.number is None:
        return False
    trials = study.get_trials(deepcopy=False)
    if outcome.number >= len(trials):
        raise _kept_elsewhere(study)
    _warn_if_left_out(trials[outcome.number])
    return call_callbacks(search.callbacks, study, outcome.number, search.error_score == "raise")


def _kept_elsewhere(study):
    return ConnectionError(
        f"Trials of study {study.study_name!r} were run by processes that see another storage. Give a file "
        "on a disk that all share, by its absolute path, or a database."
    )


def _warn_if_left_out(trial):
    """Warn of an enqueued trial with parameters that the space did not suggest, and so never used."""
    asked = set(trial.system_attrs.get("fixed_params", {})) - set(trial.params)
    if asked and trial.state != TrialState.FAIL:
        warnings.warn(
            f"Trial {trial.number} was enqueued with {quoted(sorted(asked))}, which space did not suggest: "
            f"left out. It suggested {quoted(trial.params)}.",
            stacklevel=6,
        )
