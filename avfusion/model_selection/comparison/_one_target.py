"""A comparison on one of its targets: the same predictions, tables of that target alone."""

from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from avfusion.model_selection.comparison._target_tables import mean_over_seeds
from avfusion.sequences._messages import did_you_mean, quoted
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import weights_of, with_weights


class Tables(NamedTuple):
    """Tables of one target, or of the mean over targets, with the columns of those of a `Comparison`."""

    table: pd.DataFrame
    seeds: pd.DataFrame
    folds: pd.DataFrame
    groups: pd.DataFrame


def position_of(comparison, target):
    """Return the position of a target.

    Parameters
    ----------
    comparison : Comparison
    target : str
        Its name.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If there is no such target.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X, y = [[1.0], [2.0]] * 5, pd.DataFrame({"arousal": [1.0, 2.0] * 5, "valence": [2.0, 1.0] * 5})
    >>> position_of(compare({"ridge": Ridge()}, X, y, scoring="mae", verbose=False), "valence")
    1
    """
    names = comparison.target_names
    if str(target) not in names:  # columns may have numbers for names
        near = did_you_mean(str(target), names)
        raise ValueError(f"There is no target {target!r}{near}. The targets are {quoted(names)}.")
    return names.index(str(target))


def tables_of(comparison, target=None):
    """Return the tables of one target, with seconds and failures of the fits; by default of the mean.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X, y = [[1.0], [2.0]] * 5, pd.DataFrame({"arousal": [1.0, 2.0] * 5, "valence": [2.0, 1.0] * 5})
    >>> result = compare({"ridge": Ridge()}, X, y, scoring="mae", verbose=False)
    >>> tables_of(result, "valence").table.columns.equals(result.table.columns)
    True
    """
    of = comparison
    if target is None:
        return Tables(of.table, of.seeds, of.folds, of.groups)
    target = of.target_names[position_of(of, target)]
    targets, folds, groups = (
        table[table["target"] == target].drop(columns="target").reset_index(drop=True)
        for table in (of.targets, of.target_folds, of.target_groups)
    )
    others = [name for name in of.seeds if name not in targets]  # seconds and failures, in the same order
    seeds = targets.assign(**{name: of.seeds[name].to_numpy() for name in others})[list(of.seeds)]
    scores = {score: folds[score].to_numpy() for score in of.scores}
    table = mean_over_seeds(seeds, of.scores)
    return Tables(table, seeds, of.folds.assign(**scores), groups[list(of.groups)])


def comparison_of(comparison, target):
    """Return the comparison on one target.

    Parameters
    ----------
    comparison : Comparison
    target : str
        Its name.

    Returns
    -------
    Comparison
        The same one if there is a single target.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X, y = [[1.0], [2.0]] * 5, pd.DataFrame({"arousal": [1.0, 2.0] * 5, "valence": [2.0, 1.0] * 5})
    >>> result = compare({"ridge": Ridge()}, X, y, scoring="mae", verbose=False)
    >>> comparison_of(result, "valence").y.name
    'valence'
    """
    of, k = comparison, position_of(comparison, target)
    if len(of.target_names) == 1:
        return of
    target = of.target_names[k]
    predictions = {name: [_cut(one, k) for one in own] for name, own in of.seed_predictions.items()}
    tables = {
        name: table[table["target"] == target].reset_index(drop=True)
        for name, table in (
            ("targets", of.targets),
            ("target_folds", of.target_folds),
            ("target_groups", of.target_groups),
        )
    }
    return replace(
        of,
        **tables_of(of, target)._asdict(),
        **tables,
        y=_cut(of.y, k),
        predictions={name: own[0] for name, own in predictions.items()},
        seed_predictions=predictions,
        sample_weight=_cut_weights(of, k),
        settings=of.settings | {"target": target},
        recipe=None if of.recipe is None else of.recipe | {"target": target},
        target_names=[target],
        situation=None,  # its table has each target
    )


def _cut(y, k):
    """Return the labels or predictions of one target; those of a DataFrame as a Series."""
    if isinstance(y, pd.DataFrame) and y.shape[1] == as_targets(y).form.n_targets:
        return y.iloc[:, k]
    own = as_targets(y).of_target(k)
    return own.form.wrap(own.values, own.lengths, own.index, own.clock)


def _cut_weights(of, k):
    if of.sample_weight is None or as_targets(of.sample_weight).form.n_targets == 1:
        return of.sample_weight
    return weights_of(with_weights(as_targets(of.y), of.sample_weight).of_target(k))
