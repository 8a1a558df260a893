"""Run the trials of a search: open or resume its study, and hand the missing trials to worker processes."""

import time
import warnings
from copy import deepcopy

import joblib
import optuna
from optuna.exceptions import StorageInternalError
from optuna.pruners import PercentilePruner
from optuna.trial import TrialState
from sklearn.exceptions import FitFailedWarning
from sklearn.utils.parallel import Parallel, delayed

from avfusion._progress import progress_bar
from avfusion.model_selection.search._callbacks import tell_callbacks
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
from avfusion.model_selection.search._trials import progress_of, run_trial
from avfusion.model_selection.search._workers import fail_stale_trials

_LOST_IN_A_ROW = 3


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
    shared = joblib.effective_n_jobs(search.n_jobs) > 1
    # copied, since a sampler changes when it is used, and parameters must not
    sampler = deepcopy(search.sampler) or SeededTPESampler(seed, constant_liar=shared)
    pruner = search.pruner or PercentilePruner(40.0, n_startup_trials=4, n_warmup_steps=STEPS_PER_FOLD // 3)
    with quiet_optuna(), open_storage(search.storage, shared) as storage:
        try:
            study = optuna.create_study(
                study_name=name, storage=storage, direction="maximize", load_if_exists=True,
                pruner=pruner, sampler=sampler,
            )  # fmt: skip
            check_identity(study, identity)
            check_queue(study, space)
            fail_stale_trials(study)
            done = len(finished_trials(study))
            if done:
                sampler.reseed_rng()  # a seeded sampler of the user's would repeat its first suggestions
            raise_errors = search.error_score == "raise"
            arguments = (storage, name, objective, sampler, pruner, search.n_trials, shared, raise_errors)
            _run_missing(search, study, done, delayed(run_trial)(*arguments))
            return in_memory(study)
        except StorageInternalError as error:
            raise lost_database(error, name) from error


def _run_missing(search, study, done, task):
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
                yield task

        while (missing := search.n_trials - len(finished_trials(study))) > 0 and not over():
            exhausted = False
            for outcome in Parallel(n_jobs=search.n_jobs, return_as="generator_unordered")(tasks(missing)):
                exhausted = exhausted or not outcome.more
                lost = lost + 1 if outcome.lost else 0
                stopped = _report(search, study, outcome, lost)
                ended = ended or exhausted or stopped
                if outcome.number is not None:
                    bar.set_postfix(progress_of(study), refresh=False)
                    bar.update()
            if exhausted and not stopped:  # what killed processes were trying is still to be tried
                fail_stale_trials(study, unsigned=False)
                ended = not study.get_trials(deepcopy=False, states=(TrialState.WAITING,))


def _report(search, study, outcome, lost):
    """Warn of what went wrong, tell the callbacks, and return whether one of them ends the search."""
    if lost >= _LOST_IN_A_ROW:
        raise outcome.lost
    if outcome.lost:
        warnings.warn(f"{outcome.lost} The trial is tried again.", stacklevel=5)
    if outcome.error:
        warnings.warn(f"A trial failed: {outcome.error}", FitFailedWarning, stacklevel=5)
    if outcome.number is None:
        return False
    return tell_callbacks(search.callbacks, study, outcome.number, search.error_score == "raise")
