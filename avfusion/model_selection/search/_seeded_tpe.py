"""The default sampler: TPE with a seed for each slot of a search.

Each trial has a slot, and the slot has a seed. When a trial is cut off with its process, its slot goes to the
next trial, so that a resumed search tries what an uninterrupted one would have tried. Trials at the same time
have different slots, and so different suggestions.
"""

import numpy as np
from optuna.samplers import BaseSampler, TPESampler

from avfusion.model_selection.search._storage import was_cut_off

__all__ = ["SeededTPESampler", "slot_of"]


def slot_of(number, trials):
    """Return the slot of a trial: the first that no trial has, or that of a trial that was cut off before.

    Every process finds the same slots at any time, since only what had happened when a trial began counts.

    Parameters
    ----------
    number : int
        Of the trial.
    trials : list of optuna.trial.FrozenTrial
        All trials of the study, by number.

    Returns
    -------
    int

    Examples
    --------
    >>> import optuna
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> study = optuna.create_study()
    >>> study.tell(study.ask(), 1.0)
    FrozenTrial(...)
    >>> [slot_of(study.ask().number, study.trials) for _ in range(2)]
    [1, 2]
    """
    slots, cut_off = {}, [trial for trial in trials[:number] if was_cut_off(trial)]
    for trial in trials[: number + 1]:
        start = trial.datetime_start
        gone = {other.number for other in cut_off if start is not None and other.datetime_complete <= start}
        held = {slot for other, slot in slots.items() if other not in gone}
        slots[trial.number] = next(slot for slot in range(number + 1) if slot not in held)
    return slots[number]


class SeededTPESampler(BaseSampler):
    """TPE with a seed for each slot of a search.

    Parameters
    ----------
    seed : int
        Of the search.
    constant_liar : bool
        Whether to avoid what other processes are trying.

    Examples
    --------
    >>> import optuna
    >>> study = optuna.create_study(sampler=SeededTPESampler(0, constant_liar=False))
    >>> 0 <= study.ask().suggest_float("x", 0, 1) <= 1
    True
    """

    def __init__(self, seed, constant_liar):
        self.seed, self.constant_liar = seed, constant_liar
        self._tpe = None

    def before_trial(self, study, trial):
        """Take the seed of the trial's slot."""
        # of all trials: Hyperband shows a sampler only those of one bracket
        slot = slot_of(trial.number, study._storage.get_all_trials(study._study_id, deepcopy=False))
        seed = int(np.random.SeedSequence([self.seed, slot]).generate_state(1)[0])
        self._tpe = TPESampler(seed=seed, constant_liar=self.constant_liar)
        self._tpe.before_trial(study, trial)

    def infer_relative_search_space(self, study, trial):
        """Infer as TPE does."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(self, study, trial, search_space):
        """Suggest as TPE does."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(self, study, trial, param_name, param_distribution):
        """Suggest as TPE does."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study, trial, state, values):
        """Finish as TPE does."""
        self._tpe.after_trial(study, trial, state, values)
