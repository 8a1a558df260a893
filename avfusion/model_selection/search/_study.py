"""Run the trials of a search: open or resume its study, and hand the missing trials to worker processes."""

import time
import warnings
from copy import deepcopy
from functools import partial
from uuid import uuid4

import joblib
import optuna
from optuna.pruners import PercentilePruner
from sklearn.exceptions import FitFailedWarning
from sklearn.utils.parallel import Parallel, delayed

from avfusion._progress import progress_bar
from avfusion.model_selection._cluster import SentOnce, on_cluster
from avfusion.model_selection.search._cluster_storage import check_reached
from avfusion.model_selection.search._identity import check_identity
from avfusion.model_selection.search._objective import STEPS_PER_FOLD
from avfusion.model_selection.search._seeded_tpe import SeededTPESampler
from avfusion.model_selection.search._storage import (
    fail_stale_trials,
    finished_trials,
    in_memory,
    open_storage,
    quiet_optuna,
)
from avfusion.model_selection.search._trials import progress_of, run_trial


def run_study(search, objective, identity, name, seed):
    """Run the trials that the study of a search still lacks.

    Parameters
    ----------
    search : FusionSearchCV
        Its parameters say where trials are kept, how many there are and how they are chosen and pruned.
    objective : callable
        ``objective(trial) -> float``, from `optuna_objective`.
    identity : dict of str to str
        From `identity_of`; a study about something else is refused.
    name : str
        Of the study.
    seed : int
        Of the default sampler.

    Returns
    -------
    optuna.Study
        In memory if the search has no storage.
    """
    with on_cluster() as client:
        return _run_study(search, objective, identity, name, seed, client)


def _run_study(search, objective, identity, name, seed, client):
    shared = joblib.effective_n_jobs(search.n_jobs) > 1
    client = client if shared else None
    # copied, since a sampler changes when it is used, and parameters must not
    sampler = deepcopy(search.sampler) or SeededTPESampler(seed, constant_liar=shared)
    pruner = search.pruner or PercentilePruner(40.0, n_startup_trials=4, n_warmup_steps=STEPS_PER_FOLD // 3)
    with quiet_optuna(), open_storage(search.storage, shared, client) as storage:
        study = optuna.create_study(
            study_name=name, storage=storage, direction="maximize", load_if_exists=True, pruner=pruner
        )
        check_identity(study, identity)
        if client is not None:
            check_reached(search.storage, client)
        fail_stale_trials(study)
        done = len(finished_trials(study))
        if done:
            sampler.reseed_rng()  # a seeded sampler of the user's would repeat its first suggestions
        task = partial(
            delayed(_run_sent), SentOnce(objective), storage, name, sampler=sampler, pruner=pruner,
            n_trials=search.n_trials, shared=shared, raise_errors=search.error_score == "raise",
        )  # fmt: skip
        _run_missing(search, study, done, task)
        return study if search.storage is not None else in_memory(study)


def _run_sent(objective, storage, name, **options):
    """Run a trial with an objective, and all the data in it, that travelled once for all trials."""
    return run_trial(storage, name, *objective.parts, **options)


def _run_missing(search, study, done, task):
    """Run a task for each missing trial, until the time is over or the sampler has nothing to suggest."""
    begin, exhausted = time.monotonic(), False
    with progress_bar(
        total=search.n_trials, initial=min(done, search.n_trials), disable=not search.verbose,
        unit="trial", desc="search",
    ) as bar:  # fmt: skip

        def tasks():
            for _ in range(search.n_trials - done):
                if exhausted or (search.timeout is not None and time.monotonic() - begin >= search.timeout):
                    return
                yield task(task=uuid4().hex)

        for outcome in Parallel(n_jobs=search.n_jobs, return_as="generator_unordered")(tasks()):
            exhausted = exhausted or not outcome.more
            if outcome.error:
                warnings.warn(f"A trial failed: {outcome.error}", FitFailedWarning, stacklevel=5)
            bar.set_postfix(progress_of(study), refresh=False)
            bar.update()
