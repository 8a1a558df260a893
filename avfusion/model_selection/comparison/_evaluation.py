"""From predictions per fold to out-of-fold predictions in the form of y, and to tables of scores."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from avfusion._sklearn_compat import _safe_indexing
from avfusion.sequences._targets import as_targets


def out_of_fold(y, tests, parts):
    """Put the predictions of all folds in the order and the form of the labels.

    Parameters
    ----------
    y : DataFrame, Series, list or array
        The labels of all rows.
    tests : list of array of int
        Rows that each fold tests.
    parts : list
        Predictions for these rows, in any form; None where there are none.

    Returns
    -------
    DataFrame, Series or ndarray
        NaN in rows that no fold tests or has no predictions for.

    Raises
    ------
    ValueError
        If the predictions cannot take the form of y.

    Examples
    --------
    >>> out_of_fold([1.0, 2.0, 3.0, 4.0], [np.array([2, 0]), np.array([1])], [[30, 10], [20]])
    array([10., 20., 30., nan])
    """
    targets = as_targets(y)
    index = y.index if isinstance(y, (pd.DataFrame, pd.Series)) else None
    given = [(test, as_targets(part, "y_pred")) for test, part in zip(tests, parts) if part is not None]
    if targets.lengths is None:
        values = np.full(targets.values.shape, np.nan)
        for test, part in given:
            values[test] = part.values
        return targets.form.wrap(values, index=index)
    lengths = targets.lengths.copy()
    for test, part in given:
        lengths[test] = part.lengths
    cells = [np.full((max(length, 0), targets.form.n_targets), np.nan) for length in lengths]
    for test, part in given:
        stops = np.cumsum(np.maximum(part.lengths, 0))
        for row, cell in zip(test, np.split(part.values, stops[:-1])):
            cells[row] = cell
    return targets.form.wrap(np.concatenate(cells), lengths, index)


@dataclass(frozen=True)
class Evaluation:
    """Scores of out-of-fold predictions, by fold, group and target, and all together.

    Parameters
    ----------
    y : DataFrame, Series, list or array
        The labels.
    predictions : dict of str to predictions
        Out-of-fold predictions of each estimator.
    scores : dict of str to Score
        What to compute.
    groups : ndarray of shape (n_rows,) or None
        Group of each row.
    tested : ndarray of int
        Rows that the folds test.
    failed : dict of str to ndarray of int, optional
        Rows of these for which an estimator has no prediction, because it failed.

    Examples
    --------
    >>> from avfusion.model_selection.comparison._scores import resolve_scoring
    >>> predictions = {"mean": [2.0, 2.0, 2.0, 2.0]}
    >>> groups = np.array(["a", "a", "b", "b"])
    >>> e = Evaluation([1.0, 2.0, 3.0, 2.0], predictions, resolve_scoring("mae"), groups, np.arange(4))
    >>> e.by_group()
      estimator group  n_rows  mae
    0      mean     a       2  0.5
    1      mean     b       2  0.5
    """

    y: object
    predictions: dict
    scores: dict[str, Callable]
    groups: np.ndarray | None
    tested: np.ndarray
    failed: dict = field(default_factory=dict)

    def __post_init__(self):
        targets = as_targets(self.y)
        object.__setattr__(self, "_labelled", targets.labelled)
        object.__setattr__(self, "_names", targets.form.target_names)

    def of_rows(self, name, rows):
        """Score the predictions of one estimator for some rows; NaN if a target has no label or prediction.

        Examples
        --------
        >>> from avfusion.model_selection.comparison._scores import resolve_scoring
        >>> e = Evaluation([1.0, 2.0], {"zero": [0.0, 0.0]}, resolve_scoring("mae"), None, np.arange(2))
        >>> e.of_rows("zero", [1])
        {'mae': 2.0}
        """
        if not self._labelled[rows].any(axis=0).all() or self._has_failed(name, rows):
            return dict.fromkeys(self.scores, np.nan)
        pair = _safe_indexing(self.y, rows), _safe_indexing(self.predictions[name], rows)
        return {score: function(*pair) for score, function in self.scores.items()}

    def _has_failed(self, name, rows):
        return bool(np.isin(rows, self.failed.get(name, ())).any())

    def by_group(self):
        """Score each group by itself: one line per estimator and labelled group.

        Examples
        --------
        >>> from avfusion.model_selection.comparison._scores import resolve_scoring
        >>> predictions = {"zero": [0.0, 0.0]}
        >>> e = Evaluation([1.0, 2.0], predictions, resolve_scoring("mae"), np.arange(2), np.arange(2))
        >>> e.by_group()["mae"].tolist()
        [1.0, 2.0]
        """
        columns = ["estimator", "group", "n_rows", *self.scores]
        if self.groups is None:
            return pd.DataFrame(columns=columns)
        rows_of = {}
        for row in self.tested[self._labelled[self.tested].any(axis=1)]:
            rows_of.setdefault(self.groups[row], []).append(row)
        lines = [
            {"estimator": name, "group": group, "n_rows": len(rows), **self.of_rows(name, np.array(rows))}
            for name in self.predictions
            for group, rows in rows_of.items()
        ]
        return pd.DataFrame(lines, columns=columns)

    def by_target(self):
        """Score each target by itself over all tested rows: one line per estimator and target.

        Examples
        --------
        >>> from avfusion.model_selection.comparison._scores import resolve_scoring
        >>> predictions = {"zero": [[0.0, 0.0]]}
        >>> e = Evaluation([[1.0, 2.0]], predictions, resolve_scoring("mae"), None, np.arange(1))
        >>> e.by_target()
          estimator    target  mae
        0      zero  target 0  1.0
        1      zero  target 1  2.0
        """
        lines = []
        for name, predicted in self.predictions.items():
            pair = _safe_indexing(self.y, self.tested), _safe_indexing(predicted, self.tested)
            if self._has_failed(name, self.tested):
                pair = pair[0], pair[0]
            columns = {score: function.by_target(*pair) for score, function in self.scores.items()}
            frame = pd.DataFrame({s: values for s, values in columns.items() if values is not None})
            if self._has_failed(name, self.tested):
                frame[:] = np.nan
            if len(frame):
                lines.append(frame.assign(estimator=name, target=self._names))
        if not lines:
            return pd.DataFrame(columns=["estimator", "target"])
        table = pd.concat(lines, ignore_index=True)
        return table[["estimator", "target", *(s for s in self.scores if s in table)]]

    def table(self, folds, group_scores, **bootstrap):
        """Summarise: one line per estimator, columns as in `Comparison.table`.

        Parameters
        ----------
        folds, group_scores : DataFrame
            Scores of each estimator and fold, and of each estimator and group.
        **bootstrap
            Options of `bootstrap_interval`.

        Returns
        -------
        DataFrame

        Examples
        --------
        >>> from avfusion.model_selection.comparison._scores import resolve_scoring
        >>> predictions = {"zero": [0.0, 0.0]}
        >>> e = Evaluation([1.0, 2.0], predictions, resolve_scoring("mae"), None, np.arange(2))
        >>> folds = pd.DataFrame({"estimator": ["zero"] * 2, "mae": [1, 2], "fit_s": 0.1, "predict_s": 0.1})
        >>> e.table(folds, e.by_group(), random_state=0)["mae"].tolist()
        [1.5]
        """
        groups = None if self.groups is None else self.groups[self.tested]
        lines = {}
        for name, predicted in self.predictions.items():
            pair = _safe_indexing(self.y, self.tested), _safe_indexing(predicted, self.tested)
            own_folds = folds[folds["estimator"] == name]
            own_groups = group_scores[group_scores["estimator"] == name]
            line = {}
            for score, value in self.of_rows(name, self.tested).items():
                low, high = np.nan, np.nan
                if not self._has_failed(name, self.tested):
                    low, high = self.scores[score].interval(*pair, groups=groups, **bootstrap)
                line |= {score: value, f"{score}_low": low, f"{score}_high": high}
                line[f"{score}_fold_mean"] = own_folds[score].mean()
                line[f"{score}_fold_std"] = own_folds[score].std(ddof=0)
                if len(own_groups):
                    line[f"{score}_group_mean"] = own_groups[score].mean()
            if any(len(rows) for rows in self.failed.values()):
                line["n_failed"] = int(own_folds["fit_s"].isna().sum())
            lines[name] = line | {seconds: own_folds[seconds].mean() for seconds in ("fit_s", "predict_s")}
        return pd.DataFrame.from_dict(lines, orient="index").rename_axis("estimator")
