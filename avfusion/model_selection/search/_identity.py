"""Identify a search by hashes, and check that a study in a storage belongs to it."""

from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.trial import TrialState

from avfusion._kept_fits._hashing import content_hash, fingerprint
from avfusion.model_selection.search._search_spaces import labelled
from avfusion.sequences._messages import brief, quoted

__all__ = ["check_identity", "check_queue", "identity_of"]

_KEY = "search"


def identity_of(estimator, scoring, space, folds, X, y, groups, sample_weight=None):
    """Hash everything that decides what the score of a trial means.

    Parameters
    ----------
    estimator : estimator
    scoring : str, callable or None
    space : dict of str to optuna distribution, or callable
    folds : list of (train, test)
    X, y : DataFrame, Series, list or array
    groups : ndarray or None
    sample_weight : ndarray, Series or list, optional

    Returns
    -------
    dict of str to str
        Hashes of "data", "folds", "estimator", "scoring" and "space", and of "weights" where there are any.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> X, y, folds = np.zeros((4, 1)), np.zeros(4), [(np.arange(2), np.arange(2, 4))]
    >>> sorted(identity_of(Ridge(), None, {"alpha": [1, 2]}, folds, X, y, None))
    ['data', 'estimator', 'folds', 'scoring', 'space']
    """
    return {
        "data": fingerprint(X, y),
        "folds": content_hash([folds, groups]),
        "estimator": content_hash(estimator),
        "scoring": content_hash(scoring),
        "space": content_hash(space),
    } | ({} if sample_weight is None else {"weights": fingerprint(sample_weight)})


def check_identity(study, identity):
    """Record in a new study what it is about; refuse one that is about something else.

    Parameters
    ----------
    study : optuna.Study
    identity : dict of str to str
        From `identity_of`.

    Raises
    ------
    ValueError
        If the study minimises or has several objectives, or contains trials of another search or of none.
    """
    name = study.study_name
    if len(study.directions) > 1:
        raise ValueError(
            f"Study {name!r} has {len(study.directions)} objectives, but a search has one score. Use another "
            "study_name, or optuna_objective for a study of your own."
        )
    if study.direction.name != "MAXIMIZE":
        raise ValueError(f"Study {name!r} minimises, but higher scores are better. Use another study_name.")
    known = study.user_attrs.get(_KEY)
    if known is None and any(trial.state.is_finished() for trial in study.get_trials(deepcopy=False)):
        raise ValueError(
            f"Study {name!r} contains trials that FusionSearchCV did not create, so their scores cannot be "
            "compared. Use another study_name or storage."
        )
    if known is None:
        study.set_user_attr(_KEY, identity)
        return
    other = [part for part in {**known, **identity} if known.get(part) != identity.get(part)]
    if other:
        raise ValueError(
            f"Study {name!r} contains trials of a search with different {', '.join(other)}, so their scores "
            "cannot be compared. Use another study_name, or None, which creates one for each search."
        )


def check_queue(study, space):
    """Refuse enqueued trials that ask for parameters or choices which the space does not have.

    Parameters
    ----------
    study : optuna.Study
    space : dict of str to optuna distribution, or callable
        From `read_space`. Of a function nothing is known before it is called.

    Raises
    ------
    ValueError
        If such a trial waits: Optuna would leave out the parameter.

    Examples
    --------
    >>> import optuna
    >>> study = optuna.create_study(study_name="mine")
    >>> study.enqueue_trial({"alpah": 1.0})
    >>> check_queue(study, {"alpha": optuna.distributions.FloatDistribution(0, 2)})
    Traceback (most recent call last):
    ...
    ValueError: Study 'mine' has an enqueued trial with 'alpah', which the space does not have...
    """
    if callable(space):
        return
    for trial in study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        asked = trial.params | trial.system_attrs.get("fixed_params", {})
        for name, value in asked.items():
            if name not in space:
                raise ValueError(
                    f"Study {study.study_name!r} has an enqueued trial with {name!r}, which the space does "
                    f"not have. The space has {quoted(space)}. Use another study_name, or enqueue these."
                )
            if not _has(space[name], value):
                raise ValueError(
                    f"Study {study.study_name!r} has an enqueued trial with {name}={brief(value)}, which is "
                    f"not in the space: {brief(space[name], 100)}. Use another study_name, or extend space."
                )


def _has(distribution, value):
    if isinstance(distribution, CategoricalDistribution):
        return value in list(labelled(distribution.choices))
    try:
        if isinstance(distribution, IntDistribution) and value != int(value):
            return False
        steps = (value - distribution.low) / (distribution.step or 1)
        on_grid = distribution.step is None or abs(steps - round(steps)) < 1e-8
        return on_grid and bool(distribution.low <= value <= distribution.high)
    except (TypeError, ValueError):  # text or NaN, for instance
        return False
