"""Several data sets: average ranks, Friedman's test and Nemenyi's critical difference, with a diagram."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

__all__ = ["Ranking", "rank_estimators"]


def rank_estimators(scores, *, score=None, higher_is_better=True, level=0.95):
    """Rank estimators over several data sets.

    Parameters
    ----------
    scores : DataFrame or dict of str to Comparison
        Data sets as rows and estimators as columns, or the comparisons of the same estimators on several data
        sets by name.
    score : str, optional
        With comparisons, the name of the score; by default the first.
    higher_is_better : bool, default=True
        Whether the highest score has rank 1.
    level : float, default=0.95
        Of the critical difference.

    Returns
    -------
    Ranking
        Mean ranks, Friedman's test, the critical difference and ``plot()``.

    Raises
    ------
    ValueError
        If there are fewer than two data sets or estimators, or an estimator has no score on a data set.

    References
    ----------
    J. Demsar. Statistical comparisons of classifiers over multiple data sets. JMLR 7, 2006.

    Examples
    --------
    >>> import pandas as pd
    >>> from avfusion.model_selection import rank_estimators
    >>> scores = pd.DataFrame({"a": [0.5, 0.6, 0.7], "b": [0.4, 0.5, 0.1]}, index=["x", "y", "z"])
    >>> rank_estimators(scores).table["rank"].to_dict()
    {'a': 1.0, 'b': 2.0}
    """
    if isinstance(scores, Mapping):
        scores = pd.DataFrame(
            {name: c.table[c.scores[0] if score is None else score] for name, c in scores.items()}
        ).T
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
    ranks = scores.rank(axis=1, ascending=not higher_is_better)
    q = stats.studentized_range.ppf(level, n_estimators, np.inf) / np.sqrt(2)
    return Ranking(
        table=pd.DataFrame({"rank": ranks.mean(), "score": scores.mean()}).sort_values("rank"),
        ranks=ranks,
        p_friedman=_friedman(ranks),
        critical_difference=float(q * np.sqrt(n_estimators * (n_estimators + 1) / (6 * n_sets))),
        level=level,
    )


def _friedman(ranks):
    """p-value of Friedman's test in the form of Iman and Davenport, which is less conservative."""
    n, k = ranks.shape
    mean = ranks.mean().to_numpy()
    ties = ((ranks.to_numpy() - (k + 1) / 2) ** 2).sum() / (n * (k - 1))  # k (k + 1) / 12 without ties
    if ties == 0:
        return 1.0
    chi2 = n * ((mean - (k + 1) / 2) ** 2).sum() / ties
    if chi2 >= n * (k - 1):
        return 0.0
    return float(stats.f.sf((n - 1) * chi2 / (n * (k - 1) - chi2), k - 1, (k - 1) * (n - 1)))


@dataclass(frozen=True, eq=False, repr=False)
class Ranking:
    """Average ranks of estimators over data sets; `rank_estimators` makes it.

    Parameters
    ----------
    table : DataFrame
        One line per estimator, best first: mean "rank" (1 is best) and mean "score".
    ranks : DataFrame
        Rank of each estimator (column) on each data set (row); ties share the mean of their ranks.
    p_friedman : float
        Probability of ranks at least as unequal if all estimators were alike (Friedman's test in the form of
        Iman and Davenport).
    critical_difference : float
        Mean ranks closer than this do not differ at the level (Nemenyi's test).
    level : float
        Of the critical difference.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"a": [0.5, 0.6], "b": [0.4, 0.5], "c": [0.3, 0.1]}, index=["x", "y"])
    >>> rank_estimators(scores)
    Ranking of 3 estimators on 2 data sets: Friedman p = ..., critical difference 2.34 (95 %)
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
        return f"{self._summary()}\n{self.table.round(3).to_string()}"

    def _repr_html_(self):
        return f"<p>{self._summary()}</p>\n{self.table.round(3).to_html()}"

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
        >>> rank_estimators(scores).cliques()
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
        >>> ax = rank_estimators(scores).plot(Figure().subplots())
        >>> ax.get_xlabel()
        'mean rank over 2 data sets (1 is best); critical difference 2.34'
        """
        names, ranks = list(self.table.index), self.table["rank"].to_numpy()
        if ax is None:
            from matplotlib import pyplot

            _, ax = pyplot.subplots(figsize=(6.4, 1.2 + 0.35 * len(names)), layout="constrained")
        lines = np.arange(len(names))
        ax.hlines(lines, ranks.min(), ranks, color="0.8", linewidth=1, zorder=0)
        ax.plot(ranks, lines, "D", color="black")
        ax.set_yticks(lines, names)
        ax.invert_yaxis()
        for number, clique in enumerate(self.cliques()):
            ends = [names.index(clique[0]), names.index(clique[-1])]
            x = ranks.max() + (0.06 + 0.06 * number) * max(1.0, np.ptp(ranks))
            ax.plot(
                [x, x], [ends[0] - 0.25, ends[1] + 0.25], color="0.35", linewidth=4, solid_capstyle="butt"
            )
        sets = len(self.ranks)
        ax.set_xlabel(
            f"mean rank over {sets} data sets (1 is best); critical difference {self.critical_difference:.2f}"
        )
        ax.spines[["top", "right"]].set_visible(False)
        return ax
