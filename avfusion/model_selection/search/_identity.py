"""Identify a search by hashes, and check that a study in a storage belongs to it."""

from avfusion.model_selection.records._hashing import content_hash, fingerprint

__all__ = ["check_identity", "identity_of"]

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
        If the study minimises, or contains trials of another search or of none.
    """
    name = study.study_name
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
