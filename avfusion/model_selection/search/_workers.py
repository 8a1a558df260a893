"""Processes that run trials: they sign them and send heartbeats; trials of dead processes are given up."""

import time
import warnings
from contextlib import contextmanager, suppress
from threading import Event, Thread

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from avfusion.model_selection.search._journal import HEARTBEAT
from avfusion.model_selection.search._processes import is_gone, is_known_to_live, this_process

__all__ = ["begin_trial", "fail_stale_trials"]

WORKER = "worker"
TASK = "task"
ERROR = "error"
RETRIED = "retry_history"
_UNSIGNED_S = 2.0  # a worker signs a trial some milliseconds after it was created
_TRIES = 3  # of a configuration whose process ends each time
_UNDER_WAY = set()  # what this process runs: names of studies with numbers of trials


def begin_trial(study, task=None):
    """Ask a study for a new trial, signed by this process before anything is suggested.

    A sampler with a seed is seeded anew where another process made the trial before, since all processes
    would suggest the same.

    Parameters
    ----------
    study : optuna.Study
    task : str, optional
        Of which the trial is the outcome, where a task can begin again: see `trial_of_task`.

    Returns
    -------
    optuna.Trial
    """
    sampler, storage, me = study.sampler, study._storage, this_process()
    prepare, signed, begun = sampler.before_trial, [], []

    def sign(seen, trial):
        begun.append((study.study_name, trial.number))
        _UNDER_WAY.update(begun)  # first: another thread may look for what is left
        storage.set_trial_user_attr(trial._trial_id, WORKER, me)
        if task is not None:
            storage.set_trial_user_attr(trial._trial_id, TASK, task)
        signed.append(trial._trial_id)
        if _keeps_heartbeats(storage):
            storage.record_heartbeat(trial._trial_id)
        if trial.number and _worker_of(study, trial.number - 1) != me:
            sampler.reseed_rng()
        prepare(seen, trial)

    sampler.before_trial = sign
    try:
        with warnings.catch_warnings():  # that nobody sends heartbeats; we do
            warnings.filterwarnings("ignore", message="Heartbeat of storage", category=UserWarning)
            return study.ask()
    except BaseException:  # of the sampler
        _UNDER_WAY.difference_update(begun)
        for trial_id in signed:
            storage.set_trial_state_values(trial_id, TrialState.FAIL)
        raise
    finally:
        del sampler.before_trial


def _worker_of(study, number):
    trials = study.get_trials(deepcopy=False)
    return trials[number].user_attrs.get(WORKER) if number < len(trials) else None


def _keeps_heartbeats(storage: BaseStorage):
    """Return whether a storage keeps heartbeats."""
    return getattr(storage, "get_heartbeat_interval", lambda: None)() is not None


@contextmanager
def sending_heartbeats(trial):
    """Hold a trial under way while this context is open, with heartbeats if its storage keeps them.

    Optuna's own thread does so in ``optimize`` only, and ends at the first error of the database.

    Parameters
    ----------
    trial : optuna.Trial
    """
    storage, stop = trial.study._storage, Event()
    key = (trial.study.study_name, trial.number)

    def beat():
        while not stop.wait(storage.get_heartbeat_interval()):
            with suppress(Exception):  # the server may be away for a while
                storage.record_heartbeat(trial._trial_id)
        storage.remove_session()

    thread = Thread(target=beat, daemon=True, name="heartbeat")
    if _keeps_heartbeats(storage):
        thread.start()
    try:
        yield
    finally:
        _UNDER_WAY.discard(key)
        stop.set()
        if thread.ident is not None:
            thread.join()


def fail_stale_trials(study, unsigned=True):
    """Mark trials as failed whose process has ended or whose heartbeat is stale, and queue them again.

    Parameters
    ----------
    study : optuna.Study
    unsigned : bool, default=True
        Whether to give up also running trials that no process has signed, after waiting for a signature.
    """
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    stale = [trial for trial in running if WORKER in trial.user_attrs and _is_left(study, trial)]
    late = [trial for trial in running if WORKER not in trial.user_attrs]
    if late and unsigned:
        time.sleep(_UNSIGNED_S)
        again = (study._storage.get_trial(trial._trial_id) for trial in late)
        stale += [trial for trial in again if is_gone(trial.user_attrs.get(WORKER))]
    if _keeps_heartbeats(study._storage):
        known = {trial._trial_id for trial in stale}
        found = set(study._storage._get_stale_trial_ids(study._study_id)) - known
        silent = [study._storage.get_trial(trial_id) for trial_id in found]
        # a heartbeat looks old, too, where the database's clock was set forward
        stale += [trial for trial in silent if not is_known_to_live(trial.user_attrs.get(WORKER))]
    for trial in stale:
        give_up(study, trial)


def _is_left(study, trial):
    """Return whether nobody runs a trial: its process ended, or is this one, where a search broke off."""
    worker = trial.user_attrs[WORKER]
    broken_off = worker == this_process() and (study.study_name, trial.number) not in _UNDER_WAY
    return broken_off or is_gone(worker)


def give_up(study, trial):
    """Mark a trial as failed; what it was to try is queued, but for one whose process ended every time.

    Parameters
    ----------
    study : optuna.Study
    trial : optuna.trial.FrozenTrial
    """
    history = [*trial.system_attrs.get(RETRIED, []), trial.number]
    last = len(history) >= _TRIES
    try:
        if last:
            reason = f"its process ended each of {_TRIES} times, as where memory is short"
            study._storage.set_trial_user_attr(trial._trial_id, ERROR, f"ChildProcessError: {reason}")
        if not study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL):
            return
    except RuntimeError:  # another process did so in the meantime
        return
    callback = _stale_trial_callback(study._storage)
    if callback is not None:  # of a user's own storage
        callback(study, study._storage.get_trial(trial._trial_id))
    elif not last and (trial.params or {"fixed_params", "grid_id"} & set(trial.system_attrs)):
        # what belongs to the process is not taken over
        marks = {key: value for key, value in trial.system_attrs.items() if key != HEARTBEAT}
        marks |= {"failed_trial": history[0], RETRIED: history}
        study.add_trial(
            optuna.create_trial(
                state=TrialState.WAITING, params=trial.params, distributions=trial.distributions,
                system_attrs=marks,
            )
        )  # fmt: skip


def _stale_trial_callback(storage):
    if not _keeps_heartbeats(storage):
        return None
    newer = getattr(storage, "get_heartbeat_stale_trial_callback", None)  # since Optuna 4.9
    return (newer or storage.get_failed_trial_callback)()
