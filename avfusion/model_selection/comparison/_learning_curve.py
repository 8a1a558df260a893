"""Learning curves: scores against the number of groups that are trained on."""

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from avfusion.inspection._learning_curve_plot import plot_learning_curve
from avfusion.model_selection.comparison._compare import compare
from avfusion.model_selection.comparison._folds import make_folds
from avfusion.model_selection.comparison._seeds import seed_of, seeded_splitter
from avfusion.sequences._groups import combined, read_group_columns
from avfusion.sequences._messages import printable_lines

__all__ = ["LearningCurve", "group_learning_curve"]


def group_learning_curve(
    estimators,
    X,
    y,
    *,
    groups,
    sample_weight=None,
    sizes=(0.25, 0.5, 0.75, 1.0),
    cv=None,
    scoring=None,
    n_repeats=1,
    n_jobs=None,
    random_state=0,
    verbose=True,
) -> "LearningCurve":
    """Cross-validate estimators that are trained on fewer and fewer groups, such as speakers.

    The same rows are tested at every size. A random subset of the training groups of each fold is kept;
    smaller subsets are contained in larger ones.

    Parameters
    ----------
    estimators : dict of str to estimator
        As in `compare`.
    X, y : as in `compare`
        The samples.
    groups : str or array-like of shape (n_rows,)
        Column of X or values; groups are counted, and folds do not split them.
    sample_weight : str, array-like, Series, DataFrame or list, optional
        As in `compare`.
    sizes : sequence of float or int
        Shares of the training groups (floats up to 1) or their numbers (ints).
    cv : int, scikit-learn splitter, iterable or None
        As in `compare`.
    scoring : str or None
        One score, as in `compare`; by default the CCC.
    n_repeats : int, default=1
        Number of random draws of groups.
    n_jobs : int, optional
        Processes, as in `compare`.
    random_state : int, default=0
        Seed of the draws, and of all that `compare` seeds.
    verbose : bool, default=True
        Whether to show progress.

    Returns
    -------
    LearningCurve
        A table, and ``plot()``.

    Raises
    ------
    ValueError
        If a size is no share and no number of groups that every fold has, there is none, `n_repeats` is below
        1, or as `compare`.

    Examples
    --------
    >>> import avfusion as av
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import group_learning_curve
    >>> X, y = av.datasets.make_audiovisual_regression(
    ...     12, recordings_per_subject=2, audio_rate_hz=1, video_rate_hz=1, random_state=0
    ... )
    >>> models = {"ridge": av.FrameRegressor(Ridge())}
    >>> curve = group_learning_curve(
    ...     models, X, y, groups="subject", cv=3, sizes=(1, 2, 4), verbose=False
    ... )
    >>> curve.table["n_groups"].tolist()
    [1, 2, 4]
    """
    if len(sizes) == 0:
        raise ValueError("sizes is empty: name at least one share or number of groups.")
    if n_repeats < 1:
        raise ValueError(f"n_repeats must be 1 or more, not {n_repeats}.")
    columns = read_group_columns(groups, X)
    if columns is None:
        raise ValueError("groups is needed: the column of X, or the values, to be counted.")
    cv = seeded_splitter(cv, seed_of(random_state))
    folds, group_of_row = make_folds(cv, X, y, columns), combined(columns)
    settings = {
        "groups": columns, "scoring": scoring or "ccc", "n_jobs": n_jobs, "random_state": random_state,
        "verbose": verbose, "sample_weight": sample_weight,
    }  # fmt: skip
    counts = [_counts(sizes, len(pd.unique(group_of_row[train]))) for train, _ in folds]
    rng = np.random.default_rng(random_state)
    lines = []
    for repeat in range(n_repeats):
        orders = [rng.permutation(pd.unique(group_of_row[train])) for train, _ in folds]
        for position in range(len(sizes)):
            kept = [order[: count[position]] for order, count in zip(orders, counts)]
            result = compare(estimators, X, y, cv=_smaller(folds, group_of_row, kept), **settings)
            n_groups = round(float(np.mean([len(groups) for groups in kept])), 1)
            lines += _lines(result, n_groups, repeat)
    table = pd.DataFrame(lines).astype({"n_groups": int}) if _whole(lines) else pd.DataFrame(lines)
    return LearningCurve(table, result.scores[0])


def _smaller(folds, group_of_row, kept):
    """Return folds that train on the rows of those groups only."""
    return [(train[np.isin(group_of_row[train], groups)], test) for (train, test), groups in zip(folds, kept)]


def _lines(result, n_groups, repeat):
    """Return the rows of the table for one size and repeat, one for each estimator."""
    score = result.scores[0]
    return [
        {
            "estimator": name, "n_groups": n_groups, "repeat": repeat, "score": line[score],
            "low": line[f"{score}_low"], "high": line[f"{score}_high"],
        }
        for name, line in result.table.iterrows()
    ]  # fmt: skip


def _counts(sizes, available):
    counts = []
    for size in sizes:
        share = isinstance(size, (float, np.floating))
        count = max(1, round(size * available)) if share else int(size)
        if not (0 < size <= 1 if share else 1 <= size <= available):
            raise ValueError(
                f"sizes has {size!r}, but must hold shares between 0 and 1, or numbers of groups from 1 to "
                f"{available}, which are those that a fold trains on."
            )
        counts.append(count)
    return counts


def _whole(lines):
    return all(line["n_groups"].is_integer() for line in lines)


@dataclass(frozen=True, eq=False, repr=False)
class LearningCurve:
    """Scores against the number of training groups; `group_learning_curve` makes it.

    Parameters
    ----------
    table : DataFrame
        One row per estimator, size and repeat: "estimator", "n_groups" (mean over folds), "repeat", "score"
        over all out-of-fold predictions, "low" and "high" (bootstrap over groups); these are NaN where the
        estimator failed in a fold.
    score : str
        Name of the score.

    Examples
    --------
    >>> import pandas as pd
    >>> columns = ["estimator", "n_groups", "repeat", "score", "low", "high"]
    >>> rows = [("ridge", 2, 0, 0.1, 0.0, 0.2), ("ridge", 4, 0, 0.3, 0.2, 0.4)]
    >>> LearningCurve(pd.DataFrame(rows, columns=columns), "ccc")
    Learning curve, ccc:
    n_groups     2    4
    estimator
    ridge      0.1  0.3
    """

    table: pd.DataFrame
    score: str

    def _wide(self):
        wide = self.table.pivot_table(index="estimator", columns="n_groups", values="score")
        # what has no score at all is left out there: an estimator that failed
        names, numbers = (pd.unique(self.table[column]) for column in ("estimator", "n_groups"))
        return wide.reindex(index=names, columns=sorted(numbers)).round(3)

    def __repr__(self):
        return printable_lines(f"Learning curve, {self.score}:\n{self._wide().to_string()}")

    def _repr_html_(self):
        return printable_lines(f"<p>Learning curve, {escape(self.score)}</p>\n{self._wide().to_html()}")

    def plot(self, ax=None):
        """Draw the score of each estimator against the number of groups, with its interval.

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
        >>> columns = ["estimator", "n_groups", "repeat", "score", "low", "high"]
        >>> rows = [("ridge", 2, 0, 0.1, 0.0, 0.2), ("ridge", 4, 0, 0.3, 0.2, 0.4)]
        >>> LearningCurve(pd.DataFrame(rows, columns=columns), "ccc").plot(Figure().subplots()).get_xlabel()
        'groups that are trained on'
        """
        return plot_learning_curve(self.table, self.score, ax)
