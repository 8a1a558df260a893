"""What in an estimator gives other numbers whenever it is fitted again."""

import pickle
from contextlib import suppress
from io import BytesIO


def not_repeatable(estimator):
    """Find parameters of searches because of which they try other things when they are run again.

    Parameters
    ----------
    estimator : estimator
        A search of this package or another, or whatever contains one, not fitted.

    Returns
    -------
    list of str
        One reason for each such parameter: a ``timeout``, or an optuna ``sampler`` without a seed. That
        estimators draw other weights without a `random_state` is not looked for.

    Examples
    --------
    >>> from optuna.samplers import RandomSampler
    >>> from avfusion.model_selection import FusionSearchCV
    >>> not_repeatable(FusionSearchCV(sampler=RandomSampler()))
    ['sampler: RandomSampler has no seed']
    >>> not_repeatable(FusionSearchCV(sampler=RandomSampler(seed=0)))
    []
    """
    reasons = []
    for name, value in estimator.get_params().items():
        kind = name.rpartition("__")[2]
        if kind == "timeout" and value is not None:
            reasons.append(f"{name}: how many trials {value:g} s are enough for differs from run to run")
        elif kind == "sampler" and _lacks_seed(value):
            reasons.append(f"{name}: {type(value).__name__} has no seed")
    return reasons


def _lacks_seed(sampler):
    """Tell whether a sampler, or one that it is made of, will draw its seed when it is first used."""
    found = []

    class Finder(pickle.Pickler):
        def persistent_id(self, part):  # called with everything that the sampler holds
            if type(part).__name__ == "LazyRandomState" and part._rng is None:
                found.append(part)

    with suppress(pickle.PicklingError, AttributeError, TypeError):  # a lambda: no recipe is written with it
        Finder(BytesIO()).dump(sampler)
    return bool(found)
