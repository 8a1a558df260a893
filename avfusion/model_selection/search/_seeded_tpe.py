"""The default sampler: each trial has a place in the search, and the place has a seed.

A trial whose process was killed leaves its place to the next one, so that a resumed search tries what an
uninterrupted one would have tried; trials at the same time have places, and so suggestions, of their own.
"""

import numpy as np
from optuna.samplers import BaseSampler, TPESampler

from avfusion.model_selection.search._storage import was_cut_off

__all__ = ["PlaceSampler", "place_of"]


def place_of(number, trials):
    """Tell the place of a trial: the first one that nobody has, or whose trial was cut off before.

    Every process comes to the same places, whenever it looks: only what was there when a trial began counts.

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
    >>> [place_of(study.ask().number, study.trials) for _ in range(2)]
    [1, 2]
    """
    free, taken, cut_off = set(), 0, []  # places below `taken` are taken or free
    places = {}
    for trial in trials[: number + 1]:
        start = trial.datetime_start
        for other in [t for t in cut_off if start is not None and t.datetime_complete <= start]:
            cut_off.remove(other)
            free.add(places[other.number])
        if free:
            places[trial.number] = min(free)
            free.remove(places[trial.number])
        else:
            places[trial.number], taken = taken, taken + 1
        if was_cut_off(trial):
            cut_off.append(trial)
    return places[number]


class PlaceSampler(BaseSampler):
    """TPE with a seed for each place of a search.

    Parameters
    ----------
    seed : int
        Of the search.
    constant_liar : bool
        Whether to keep away from what other processes are trying.

    Examples
    --------
    >>> import optuna
    >>> study = optuna.create_study(sampler=PlaceSampler(0, constant_liar=False))
    >>> 0 <= study.ask().suggest_float("x", 0, 1) <= 1
    True
    """

    def __init__(self, seed, constant_liar):
        self.seed, self.constant_liar = seed, constant_liar
        self._tpe = None

    def before_trial(self, study, trial):
        """Take the seed of the trial's place."""
        place = place_of(trial.number, study.get_trials(deepcopy=False))
        seed = int(np.random.SeedSequence([self.seed, place]).generate_state(1)[0])
        self._tpe = TPESampler(seed=seed, constant_liar=self.constant_liar)
        self._tpe.before_trial(study, trial)

    def infer_relative_search_space(self, study, trial):
        """As of TPE."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(self, study, trial, search_space):
        """As of TPE."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(self, study, trial, param_name, param_distribution):
        """As of TPE."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study, trial, state, values):
        """As of TPE."""
        self._tpe.after_trial(study, trial, state, values)
