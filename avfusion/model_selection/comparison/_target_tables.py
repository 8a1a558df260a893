"""Scores of each target by itself, in long tables, and what scorers take of one target."""

import warnings

import numpy as np
import pandas as pd

from avfusion._sklearn_compat import _safe_indexing

#: What a table has of each score, in this order, as the ends of columns' names.
PARTS = ("", "_low", "_high", "_fold_mean", "_fold_std", "_group_mean")


def long_table(parts, target_names):
    """Put scores of all targets into one table, with a row for each target.

    Parameters
    ----------
    parts : list of (dict, dict of str to ndarray of shape (K,))
        Labels of the rows, and their columns.
    target_names : list of str

    Returns
    -------
    DataFrame
        Labels, ``target``, and the columns.

    Examples
    --------
    >>> long_table([({"estimator": "a"}, {"mae": np.array([1.0, 2.0])})], ["arousal", "valence"])
      estimator   target  mae
    0         a  arousal  1.0
    1         a  valence  2.0
    """
    labels = pd.DataFrame([label for label, _ in parts])
    table = labels.loc[np.repeat(labels.index, len(target_names))].reset_index(drop=True)
    table["target"] = np.tile(np.array(target_names, dtype=object), len(parts))
    columns = {key: np.concatenate([own[key] for _, own in parts]) for key in parts[0][1]}
    return table.assign(**columns)


def mean_over_seeds(by_seed, scores):
    """Summarise: one row per estimator, with means and standard deviations of scores over seeds.

    Parameters
    ----------
    by_seed : DataFrame
        One row per estimator (and seed), as of `Evaluation.by_seed`.
    scores : iterable of str
        Their names.

    Returns
    -------
    DataFrame
        As `Comparison.table`.

    Examples
    --------
    >>> by_seed = pd.DataFrame({"estimator": "a", "seed": [0, 1], "mae": [1.0, 2.0], "fit_s": 0.1})
    >>> mean_over_seeds(by_seed, ["mae"])[["mae", "mae_seed_std", "n_seeds"]].round(2).values.tolist()
    [[1.5, 0.71, 2.0]]
    """
    runs = by_seed.groupby("estimator", sort=False)
    table = runs.mean(numeric_only=True, skipna=False)
    if "n_failed" in table:
        table["n_failed"] = runs["n_failed"].sum()
    if "seed" in table:
        table = table.drop(columns="seed")
        for score in scores:
            after = max(table.columns.get_loc(c) for c in (score, f"{score}_high") if c in table)
            table.insert(after + 1, f"{score}_seed_std", runs[score].std(ddof=1))
        table.insert(len(table.columns), "n_seeds", runs.size())
    return table


def one_target(given, k, n_targets):
    """Cut labels, predictions and weights of one target, in the form that a user gave.

    Parameters
    ----------
    given : tuple
        Of DataFrames, arrays or lists; weights per row, or None, are for all targets.
    k, n_targets : int
        The target's position, and how many there are.

    Returns
    -------
    tuple or None
        None if the form has no column for each target.

    Examples
    --------
    >>> one_target(([[1.0, 2.0]], np.array([[3.0, 4.0]]), None), 1, 2)
    ([[2.0]], array([[4.]]), None)
    """
    parts = []
    for position, part in enumerate(given):
        shape = getattr(part, "shape", None) or np.shape(part if _is_table(part) else ())
        if len(shape) == 2 and shape[1] == n_targets:
            cut = [[row[k]] for row in part] if isinstance(part, (list, tuple)) else None
            parts.append(_safe_indexing(part, [k], axis=1) if cut is None else cut)
        elif position == 2 and (part is None or len(shape) < 2):
            parts.append(part)
        else:
            return None
    return tuple(parts)


def _is_table(part):
    return isinstance(part, (list, tuple)) and len({np.shape(row) for row in part}) == 1


def score_or_nan(score, parts):
    """Call a scorer for one target; NaN where it takes no single target, as one of several columns may.

    Parameters
    ----------
    score : Score
    parts : tuple or None
        From `one_target`.

    Examples
    --------
    >>> from avfusion.metrics._scores import resolve_scoring
    >>> score_or_nan(resolve_scoring("r2")["r2"], ([1.0, 2.0], [1.0, 2.0], None)), score_or_nan(None, None)
    (1.0, nan)
    """
    if parts is None:
        return np.nan
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # was shown for all targets together
            return float(score(*parts))
    except Exception:  # of a function of the user's own, which took all targets
        return np.nan
