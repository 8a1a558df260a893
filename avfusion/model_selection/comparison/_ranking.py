"""Rank estimators over several data sets: mean ranks, Friedman's test, Nemenyi's critical difference."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from scipy import stats

from avfusion.inspection._ranking_plot import plot_ranking
from avfusion.metrics._scores import resolve_scoring
from avfusion.model_selection.comparison._one_target import tables_of
from avfusion.model_selection.comparison._rescoring import score_of
from avfusion.sequences._messages import printable_lines

__all__ = ["Ranking", "rank_estimators"]

_MOST_SUMS = 300_000  # added up for an exact p-value, in a fraction of a second


def rank_estimators(scores, *, score=None, target=None, higher_is_better=None, level=0.95) -> "Ranking":
    """Rank estimators over several data sets.

    Parameters
    ----------
    scores : DataFrame or dict of str to Comparison
        Data sets as rows and estimators as columns, or the comparisons of the same estimators on several data
        sets by name.
    score : str, optional
        With comparisons, the name of the score; by default the first. With a DataFrame, what its values are,
        if that is a name that `compare` knows.
    target : str, optional
        With comparisons, the name of a target that all of them have; by default the mean over targets.
    higher_is_better : bool, optional
        Whether the highest score has rank 1; by default the direction of the score: lower is better for
        "mae" and "rmse", higher for the others and for scikit-learn's scorers.
    level : float, default=0.95
        Of the critical difference.

    Returns
    -------
    Ranking
        Mean ranks, Friedman's test, the critical difference and ``plot()``.

    Raises
    ------
    ValueError
        If there are fewer than two data sets or estimators, an estimator has no score on a data set, there
        is no such score or target, its direction is not known, or `level` is not between 0 and 1.

    References
    ----------
    J. Demsar. Statistical comparisons of classifiers over multiple data sets. JMLR 7, 2006.

    Examples
    --------
    >>> import pandas as pd
    >>> from avfusion.model_selection import rank_estimators
    >>> scores = pd.DataFrame({"a": [0.5, 0.6, 0.7], "b": [0.4, 0.5, 0.1]}, index=["x", "y", "z"])
    >>> rank_estimators(scores, score="ccc").table["rank"].to_dict()
    {'a': 1.0, 'b': 2.0}
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}.")
    if isinstance(scores, Mapping):
        scores, score, functions = _read_comparisons(scores, score, target)
    else:
        if target is not None:
            raise ValueError("target is for comparisons: give a DataFrame that has the scores of one target.")
        known = higher_is_better is None and score is not None
        functions = [resolve_scoring(score)[score]] if known else []
    n_sets, n_estimators = scores.shape
    if n_sets < 2 or n_estimators < 2:
        raise ValueError(
            f"At least 2 data sets and 2 estimators are needed; got {n_sets} and {n_estimators}."
        )
    if scores.isna().to_numpy().any():
        row, column = np.argwhere(scores.isna().to_numpy())[0]
        raise ValueError(
            f"{scores.columns[column]!r} has no score on {scores.index[row]!r}. Leave one of the two out."
        )
    if higher_is_better is None:
        higher_is_better = _direction_of(functions, score)
    ranks = scores.rank(axis=1, ascending=not higher_is_better)
    q = stats.studentized_range.ppf(level, n_estimators, np.inf) / np.sqrt(2)
    return Ranking(
        table=pd.DataFrame({"rank": ranks.mean(), "score": scores.mean()}).sort_values("rank"),
        ranks=ranks,
        p_friedman=_friedman(ranks),
        critical_difference=float(q * np.sqrt(n_estimators * (n_estimators + 1) / (6 * n_sets))),
        level=level,
    )


def _read_comparisons(comparisons, score, target):
    """Return the table of a score, its name, and its function in each of the comparisons."""
    if score is None:
        score = next((comparison.scores[0] for comparison in comparisons.values()), None)
    functions = [score_of(comparison, score) for comparison in comparisons.values()]
    columns = {name: tables_of(of, target).table[score] for name, of in comparisons.items()}
    return pd.DataFrame(columns).T, score, functions


def _direction_of(functions, score):
    directions = {function.higher_is_better for function in functions}
    if directions not in ({True}, {False}):
        what = "the score" if score is None else repr(score)
        raise ValueError(f"The direction of {what} is not known. Give higher_is_better=True or False.")
    return directions.pop()


def _friedman(ranks):
    """p-value of Friedman's test: exact for few data sets, else in the form of Iman and Davenport."""
    n, k = ranks.shape
    deviations = ranks.to_numpy() - (k + 1) / 2
    ties = (deviations**2).sum() / (n * (k - 1))  # k (k + 1) / 12 without ties
    if ties == 0:
        return 1.0
    exact = _exact_friedman(np.rint(2 * deviations).astype(int))
    if exact is not None:
        return exact
    chi2 = n * (deviations.mean(axis=0) ** 2).sum() / ties
    rest = max(n * (k - 1) - chi2, 1e-12)  # none if all data sets agree
    p = stats.f.sf((n - 1) * chi2 / rest, k - 1, (k - 1) * (n - 1))
    by_chance = math.exp((1 - n) * math.lgamma(k + 1))  # that all data sets agree: no p can be smaller
    return float(max(p, by_chance))


def _exact_friedman(deviations):
    """Return the share of all orders of the ranks whose sums differ as much; None if there are too many.

    Data sets are added one by one to the first. Sums are kept sorted, since under the null hypothesis all
    estimators are equivalent.
    """
    n_orders = math.factorial(deviations.shape[1])
    first, *others = deviations.tolist()
    n_sums, counts = 0, {tuple(sorted(first)): 1}
    for row in others:
        n_sums += n_orders * len(counts)
        if n_sums > _MOST_SUMS:
            return None
        added = Counter()
        for order in set(permutations(row)):
            for sums, count in counts.items():
                added[tuple(sorted(map(int.__add__, sums, order)))] += count
        counts = added
    found = (deviations.sum(axis=0) ** 2).sum()
    as_far = sum(count for sums, count in counts.items() if sum(s * s for s in sums) >= found)
    return as_far / sum(counts.values())


@dataclass(frozen=True, eq=False, repr=False)
class Ranking:
    """Average ranks of estimators over data sets; `rank_estimators` makes it.

    Parameters
    ----------
    table : DataFrame
        One row per estimator, best first: mean "rank" (1 is best) and mean "score".
    ranks : DataFrame
        Rank of each estimator (column) on each data set (row); ties share the mean of their ranks.
    p_friedman : float
        Probability of ranks at least as unequal if all estimators were equivalent (Friedman's test). Exact if
        the orders of ranks can be counted, as for up to 3 estimators on 40 data sets, 4 on 14 or 5 on 6; for
        two estimators that is the sign test. Otherwise in the form of Iman and Davenport, for many data sets.
    critical_difference : float
        Mean ranks closer than this do not differ at the level (Nemenyi's test).
    level : float
        Of the critical difference.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"a": [0.5, 0.6], "b": [0.4, 0.5], "c": [0.3, 0.1]}, index=["x", "y"])
    >>> rank_estimators(scores, higher_is_better=True)
    Ranking of 3 estimators on 2 data sets: Friedman p = 0.167, critical difference 2.34 (95 %)
       rank  score
    a   1.0   0.55
    b   2.0   0.45
    c   3.0   0.20
    """

    table: pd.DataFrame
    ranks: pd.DataFrame
    p_friedman: float
    critical_difference: float
    level: float

    def __repr__(self):
        return printable_lines(f"{self._summary()}\n{self.table.round(3).to_string()}")

    def _repr_html_(self):
        return printable_lines(f"<p>{self._summary()}</p>\n{self.table.round(3).to_html()}")

    def _summary(self):
        return (
            f"Ranking of {len(self.table)} estimators on {len(self.ranks)} data sets: Friedman "
            f"p = {self.p_friedman:.3g}, critical difference {self.critical_difference:.2f} "
            f"({100 * self.level:g} %)"
        )

    def cliques(self):
        """Find the largest sets of estimators whose mean ranks lie within the critical difference.

        Returns
        -------
        list of list of str
            Each with two or more names, best first.

        Examples
        --------
        >>> import pandas as pd
        >>> scores = pd.DataFrame({"a": [0.5, 0.6], "b": [0.4, 0.5], "c": [0.3, 0.1]}, index=["x", "y"])
        >>> rank_estimators(scores, higher_is_better=True).cliques()
        [['a', 'b', 'c']]
        """
        names, ranks = list(self.table.index), self.table["rank"].to_numpy()
        reach = [np.searchsorted(ranks, rank + self.critical_difference, side="right") for rank in ranks]
        return [
            names[first:last]
            for first, last in enumerate(reach)
            if last - first > 1 and (first == 0 or reach[first - 1] < last)
        ]

    def plot(self, ax=None):
        """Draw the critical-difference diagram: mean ranks on an axis, bars over those that do not differ.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            Where it was drawn.

        Examples
        --------
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> scores = pd.DataFrame({"a": [0.5, 0.6], "b": [0.4, 0.5], "c": [0.3, 0.1]}, index=["x", "y"])
        >>> ax = rank_estimators(scores, higher_is_better=True).plot(Figure().subplots())
        >>> ax.get_xlabel()
        'mean rank over 2 data sets (1 is best); critical difference 2.34'
        """
        label = (
            f"mean rank over {len(self.ranks)} data sets (1 is best); critical difference "
            f"{self.critical_difference:.2f}"
        )
        return plot_ranking(self.table["rank"], self.cliques(), label, ax)
