"""Scores of a comparison again, from its predictions: for differences, ranks and other resamples."""

import numpy as np

from avfusion.metrics._scores import resolve_scoring
from avfusion.model_selection.comparison._evaluation import Evaluation


def score_of(comparison, name):
    """Return what a name stands for in a comparison, which may be a metric of the user's.

    Parameters
    ----------
    comparison : Comparison
        Without a recipe its names are taken for those of `resolve_scoring`.
    name : str

    Returns
    -------
    Score

    Raises
    ------
    ValueError
        If the comparison has no such score.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X, y = [[1.0], [2.0]] * 5, [1.0, 2.0] * 5
    >>> result = compare({"ridge": Ridge()}, X, y, scoring={"error": "mae"}, verbose=False)
    >>> score_of(result, "error").higher_is_better
    False
    """
    if name not in comparison.scores:
        raise ValueError(f"There is no score {name!r}; the scores are {', '.join(comparison.scores)}.")
    return resolve_scoring(name if comparison.recipe is None else comparison.recipe["scoring"])[name]


def evaluation_of(comparison, scores):
    """Return what scores the predictions of a comparison, without reading them for each score again.

    Parameters
    ----------
    comparison : Comparison
    scores : dict of str to Score

    Returns
    -------
    Evaluation
        It knows of no failed fits: leave out estimators that have some.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> result = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
    >>> again = evaluation_of(result, resolve_scoring("mae")).of_rows("ridge", np.arange(50))
    >>> bool(again["mae"] == result.table.loc["ridge", "mae"])
    True
    """
    of, tested = comparison, np.flatnonzero(comparison.fold_of_row >= 0)
    more = {"weights": of.sample_weight, "group_columns": of.group_columns}
    return Evaluation(of.y, of.seed_predictions, scores, of.group_of_row, tested, **more)
