"""Comparison of a model with another: differences on the same folds and groups, with intervals and tests.

Two uncertainties are kept apart. Another sample of recordings or speakers would give other scores: that is
the paired bootstrap over groups, of the models as they were trained. Another draw of the training rows would
give other models: that is the corrected resampled t-test over folds, whose plain form is far too sure of
itself, since folds share most of their training rows.
"""

import numpy as np
import pandas as pd

from avfusion.model_selection.comparison._corrected_test import holm
from avfusion.model_selection.comparison._one_target import position_of
from avfusion.model_selection.comparison._pairs import Pairs
from avfusion.sequences._messages import quoted

__all__ = ["paired_differences"]


def paired_differences(
    comparison,
    reference,
    *,
    score=None,
    target=None,
    by_target=False,
    level=0.95,
    n_resamples=2000,
    random_state=0,
) -> pd.DataFrame:
    """Compare every estimator of a comparison with one of them.

    Parameters
    ----------
    comparison : Comparison or list of Comparison
        What `avfusion.compare` returned; several of the same estimators, rows, labels and groups are repeats
        of the cross-validation with other folds, such as ``cv=GroupKFold(5, shuffle=True,
        random_state=repeat)``.
    reference : str
        Name of the estimator that the others are compared with.
    score : str, optional
        Name of the score in the comparison; by default the first. Metrics of `avfusion.metrics` take
        milliseconds, any other is called once per resample.
    target : str, optional
        Name of the target; by default the mean over targets.
    by_target : bool, default=False
        Whether to compare on each target, and the mean: all from the same resamples.
    level : float, default=0.95
        Probability that an interval covers.
    n_resamples : int, default=2000
        Number of bootstrap resamples.
    random_state : int, default=0
        Seed of the bootstrap.

    Returns
    -------
    DataFrame
        One row per other estimator, with `by_target` per target and estimator: "difference" of the pooled
        scores (mean of the repeats); "low" and "high", its interval by bootstrap over groups (rows where
        there are none), the same resamples for both and for all repeats; "fold_difference" (mean over the
        folds of all repeats); "t" and "p" of the corrected resampled t-test over folds, NaN if there is one
        fold only; "p_holm", p adjusted for the number of estimators, and with `by_target` of targets too
        (those of the mean among themselves); and "conclusion": "better" or "worse" (of a function of your
        own: "higher" or "lower") where interval and p_holm agree that there is a difference, "not shown"
        where neither says so, and "unclear: ..." where only one does. Call only the first a difference. All
        is NaN for an estimator that failed in a fold, which p_holm does not count. With several seeds, scores
        are means over seeds, and "seed_std" is the standard deviation of the difference over pairs of equal
        seeds.

    Raises
    ------
    ValueError
        If there is no such estimator, score or target, the reference failed in a fold, the comparisons are
        not of the same estimators, rows, labels, groups and score, `level` is not between 0 and 1,
        `n_resamples` is below 1, or `target` is given with `by_target`.

    See Also
    --------
    corrected_resampled_t_test : The test.
    Comparison.plot_differences : Draws them.

    Notes
    -----
    Interval and p answer two questions. The interval asks what other people would have given, with the models
    as they were trained; p asks what other training sets would have given. With few folds p is large whatever
    the data: 5 folds have 4 degrees of freedom. An interval without 0 beside a p above .05 says that *these*
    fitted models differ, not that the methods do: repeat the cross-validation with other folds and seeds, and
    give the list.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare, paired_differences
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> models = {"weak": Ridge(1e3), "strong": Ridge(1.0)}
    >>> result = compare(models, X, X[:, 0] + rng.normal(size=200), scoring="ccc", verbose=False)
    >>> paired_differences(result, "weak").loc["strong", "conclusion"]
    'better'
    """
    _check_options(level, n_resamples, target, by_target)
    repeats = list(comparison) if isinstance(comparison, (list, tuple)) else [comparison]
    scores = None if score is None else [score]
    if not repeats:
        raise ValueError("comparison is an empty list. Give a Comparison, or a list with one or more.")
    views = [target]
    if by_target:
        names = repeats[0].target_names
        views = [*names, None] if len(names) > 1 else names
    pairs = Pairs(repeats, scores, n_resamples=n_resamples, random_state=random_state)
    for name in views:
        if name is not None:
            position_of(repeats[0], name)
    if reference not in repeats[0].predictions:
        known = quoted(repeats[0].predictions)
        raise ValueError(f"There is no estimator {reference!r}. The estimators are {known}.")
    score = next(iter(pairs.scores))
    if reference in pairs.failed(score):
        raise ValueError(f"{reference!r} has no {score}: it failed in a fold. Take another reference.")
    tables = tables_of_pairs(pairs, reference, score, views, level)
    if not by_target:
        return tables[target]
    return _stacked(tables, mean_name(repeats[0].target_names))


def _check_options(level, n_resamples, target, by_target):
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}.")
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be 1 or more, not {n_resamples}.")
    if by_target and target is not None:
        raise ValueError("target names one target and by_target=True asks for all: give one of the two.")


def tables_of_pairs(pairs, reference, score, views, level=0.95):
    """Compare every other estimator with one of them, on each of some targets.

    Parameters
    ----------
    pairs : Pairs
    reference, score : str
    views : list
        Names of targets; None is the mean over all.
    level : float, default=0.95

    Returns
    -------
    dict of str or None to DataFrame

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> result = compare({"a": Ridge(), "b": Ridge(9.0)}, X, X[:, 0], scoring="mae", verbose=False)
    >>> list(tables_of_pairs(Pairs([result]), "a", "mae", [None])[None].index)
    ['b']
    """
    others = [name for name in pairs.estimators if name != reference]
    lines = {view: {} for view in views}
    for estimator in others:
        for view in views:
            lines[view][estimator] = pairs.line(estimator, reference, score, view, level)
    columns = pairs.columns
    tables = {
        view: pd.DataFrame.from_dict(own, orient="index", columns=columns).rename_axis("estimator")
        for view, own in lines.items()
    }
    of_targets = [view for view in views if view is not None]
    for family in (of_targets, [view for view in views if view is None]):
        if family:
            adjusted = holm(np.concatenate([tables[view]["p"].to_numpy(dtype=float) for view in family]))
            for view, own in zip(family, np.split(adjusted, len(family))):
                tables[view] = tables[view].assign(p_holm=own)
    return {view: _concluded(table, pairs, score, level) for view, table in tables.items()}


def _concluded(table, pairs, score, level):
    """Add what interval and test say together."""
    words = {True: ("better", "worse"), False: ("worse", "better"), None: ("higher", "lower")}
    more, less = words[pairs.scores[score].higher_is_better]
    lines = [_conclusion(line, more, less, 1 - level, pairs.n_folds) for _, line in table.iterrows()]
    return table.assign(conclusion=pd.Series(lines, index=table.index, dtype=object))


def _conclusion(line, more, less, alpha, n_folds):
    if np.isnan(line["difference"]):
        return np.nan
    if np.isnan(line["low"]):
        return "unclear: no interval"
    excludes, p = line["low"] > 0 or line["high"] < 0, line["p_holm"]
    word = more if line["difference"] > 0 else less
    if np.isnan(p):
        return f"unclear: interval says {word}, no test with 1 fold" if excludes else "not shown"
    if excludes and p < alpha:
        return word
    if excludes:
        return f"unclear: interval excludes 0, test does not (p_holm {p:.2g}, {n_folds} folds)"
    return f"unclear: test excludes 0 (p_holm {p:.2g}), interval does not" if p < alpha else "not shown"


def mean_name(targets):
    """Return what the mean over targets is called in a column of their names, which may have any.

    Examples
    --------
    >>> mean_name(["arousal", "valence"]), mean_name(["mean", "maximum"])
    ('mean', 'mean of targets')
    """
    name = "mean"
    while name in targets:
        name += " of targets"
    return name


def _stacked(tables, mean):
    """Put the tables of all targets below each other."""
    named = {mean if view is None else view: table for view, table in tables.items()}
    return pd.concat(named, names=["target", "estimator"])
