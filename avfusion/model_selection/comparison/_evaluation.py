"""From predictions per fold to out-of-fold predictions in the form of y, and to tables of scores."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from avfusion._sklearn_compat import _safe_indexing
from avfusion.metrics._regression import labelled_columns, paired_targets
from avfusion.metrics._scores import Score, resampled_by
from avfusion.sequences._buffers import packed_starts
from avfusion.sequences._label_clock import RowClock
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import with_weights


def out_of_fold(y, tests, parts):
    """Put the predictions of all folds in the order and the form of the labels.

    Parameters
    ----------
    y : Targets, DataFrame, Series, list or array
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
    given = [(test, as_targets(part, "y_pred")) for test, part in zip(tests, parts) if part is not None]
    lengths = targets.lengths
    if lengths is None:
        values = np.full(targets.values.shape, np.nan)
        for test, part in given:
            values[test] = part.values
        return targets.form.wrap(values, index=targets.index)
    lengths = lengths.copy()
    for test, part in given:
        lengths[test] = part.lengths
    values = np.full((np.maximum(lengths, 0).sum(), targets.form.n_targets), np.nan)
    starts = packed_starts(lengths)
    for test, part in given:
        shifts = starts[test] - packed_starts(part.lengths)
        values[np.arange(len(part.values)) + shifts[part.row_of_value]] = part.values
    return targets.form.wrap(values, lengths, targets.index, _clock(given, lengths))


def _clock(given, lengths):
    """Return when the steps of out-of-fold predictions are, as far as rates and starts tell."""
    rates, starts = np.full(len(lengths), np.nan), np.full(len(lengths), np.nan)
    for test, part in given:
        if part.clock is not None:
            rates[test], starts[test] = part.clock.rates_hz, part.clock.starts_s
    return RowClock(rates, starts)


@dataclass(frozen=True)
class Evaluation:
    """Scores of out-of-fold predictions, by fold, group and target, and all together.

    Parameters
    ----------
    y : DataFrame, Series, list or array
        The labels.
    predictions : dict of str to list of predictions
        Out-of-fold predictions of each estimator, one for each seed.
    scores : dict of str to Score
        What to compute. Metrics get packed labels, which are read once; other scorers get those of the user.
    groups : ndarray of shape (n_rows,) or None
        Group of each row.
    tested : ndarray of int
        Rows that the folds test.
    failed : dict of (str, int) to ndarray of int, optional
        Rows of these for which an estimator has no prediction with a seed, because it failed.
    weights : ndarray, Series or list, optional
        How much rows or labels count.

    Examples
    --------
    >>> from avfusion.metrics._scores import resolve_scoring
    >>> predictions = {"mean": [[2.0, 2.0, 2.0, 2.0]]}
    >>> groups = np.array(["a", "a", "b", "b"])
    >>> e = Evaluation([1.0, 2.0, 3.0, 2.0], predictions, resolve_scoring("mae"), groups, np.arange(4))
    >>> e.by_group()
      estimator group  n_rows  mae
    0      mean     a       2  0.5
    1      mean     b       2  0.5
    """

    y: object
    predictions: dict[str, list]
    scores: dict[str, Score]
    groups: np.ndarray | None
    tested: np.ndarray
    failed: dict = field(default_factory=dict)
    weights: object = None

    def __post_init__(self):
        targets = with_weights(as_targets(self.y), self.weights)
        packed = {name: [as_targets(p, "y_pred") for p in own] for name, own in self.predictions.items()}
        object.__setattr__(self, "_true", targets)
        object.__setattr__(self, "_predicted", packed)
        object.__setattr__(self, "_labelled", targets.labelled)

    @property
    def runs(self):
        """Name and seed of all predictions: list of (str, int)."""
        return [(name, seed) for name, own in self.predictions.items() for seed in range(len(own))]

    def label_of(self, name, seed):
        """Return what names a row of a table: the seed only where some estimator has several.

        Examples
        --------
        >>> Evaluation([1.0], {"a": [[1.0], [2.0]]}, {}, None, np.arange(1)).label_of("a", 1)
        {'estimator': 'a', 'seed': 1}
        """
        several = any(len(own) > 1 for own in self.predictions.values())
        return {"estimator": name} | ({"seed": seed} if several else {})

    def of_rows(self, name, rows, seed=0):
        """Score the predictions of one estimator for some rows; NaN if a target has no label or prediction.

        Examples
        --------
        >>> from avfusion.metrics._scores import resolve_scoring
        >>> e = Evaluation([1.0, 2.0], {"zero": [[0.0, 0.0]]}, resolve_scoring("mae"), None, np.arange(2))
        >>> e.of_rows("zero", [1])
        {'mae': 2.0}
        """
        if not self._labelled[rows].any(axis=0).all() or self._has_failed(name, seed, rows):
            return dict.fromkeys(self.scores, np.nan)
        columns, given = labelled_columns(*self._packed(name, seed, rows)), self._given(name, seed, rows)
        return {
            key: score(*given()) if score.metric is None else float(score.by_target(columns).mean())
            for key, score in self.scores.items()
        }

    def pair(self, name, seed=0):
        """Return labels and predictions of all tested rows as metrics take them; they are not read again.

        Examples
        --------
        >>> true, pred = Evaluation([1.0, 2.0], {"a": [[3.0, 4.0]]}, {}, None, np.array([1])).pair("a")
        >>> true.values.tolist(), pred.values.tolist()
        ([[2.0]], [[4.0]])
        """
        return self._packed(name, seed, self.tested)

    def _packed(self, name, seed, rows):
        """Return labels and predictions of some rows as metrics take them."""
        return paired_targets(self._true.take(rows), self._predicted[name][seed].take(rows))

    def _given(self, name, seed, rows):
        """Return a function that cuts labels, predictions and weights as the user gave them, for scorers."""
        given = self.y, self.predictions[name][seed], self.weights
        return lambda: tuple(None if part is None else _safe_indexing(part, rows) for part in given)

    def _has_failed(self, name, seed, rows):
        return bool(np.isin(rows, self.failed.get((name, seed), ())).any())

    def by_group(self):
        """Score each group by itself: one row per estimator (and seed) and labelled group.

        Examples
        --------
        >>> from avfusion.metrics._scores import resolve_scoring
        >>> predictions = {"zero": [[0.0, 0.0]]}
        >>> e = Evaluation([1.0, 2.0], predictions, resolve_scoring("mae"), np.arange(2), np.arange(2))
        >>> e.by_group()["mae"].tolist()
        [1.0, 2.0]
        """
        if self.groups is None:
            return pd.DataFrame(columns=["estimator", "group", "n_rows", *self.scores])
        rows_of = {}
        for row in self.tested[self._labelled[self.tested].any(axis=1)]:
            rows_of.setdefault(self.groups[row], []).append(row)
        return pd.DataFrame(
            self.label_of(*run) | {"group": group, "n_rows": len(rows)} | self.of_rows(run[0], rows, run[1])
            for run in self.runs
            for group, rows in rows_of.items()
        )

    def by_target(self):
        """Score each target by itself over all tested rows: one row per estimator (and seed) and target.

        Examples
        --------
        >>> from avfusion.metrics._scores import resolve_scoring
        >>> predictions = {"zero": [[[0.0, 0.0]]]}
        >>> e = Evaluation([[1.0, 2.0]], predictions, resolve_scoring("mae"), None, np.arange(1))
        >>> e.by_target()
          estimator    target  mae
        0      zero  target 0  1.0
        1      zero  target 1  2.0
        """
        known = {name: score for name, score in self.scores.items() if score.metric is not None}
        if not known:
            return pd.DataFrame(columns=["estimator", "target"])
        names = self._true.form.target_names
        tables = []
        for name, seed in self.runs:
            columns = dict.fromkeys(known, np.nan)
            if not self._has_failed(name, seed, self.tested):
                pairs = labelled_columns(*self._packed(name, seed, self.tested))
                columns = {key: score.by_target(pairs) for key, score in known.items()}
            tables.append(pd.DataFrame(self.label_of(name, seed) | {"target": names} | columns))
        return pd.concat(tables, ignore_index=True)

    def by_seed(self, folds, group_scores, **bootstrap):
        """Score all tested rows together: one row per estimator (and seed), with intervals.

        Parameters
        ----------
        folds, group_scores : DataFrame
            Scores of each estimator (and seed) and fold, and of each estimator (and seed) and group.
        **bootstrap
            Options of `bootstrap_interval`.

        Returns
        -------
        DataFrame
            Columns as in `Comparison.table`.

        Examples
        --------
        >>> from avfusion.metrics._scores import resolve_scoring
        >>> predictions = {"zero": [[0.0, 0.0]]}
        >>> e = Evaluation([1.0, 2.0], predictions, resolve_scoring("mae"), None, np.arange(2))
        >>> folds = pd.DataFrame({"estimator": ["zero"] * 2, "mae": [1, 2], "fit_s": 0.1, "predict_s": 0.1})
        >>> e.by_seed(folds, e.by_group(), random_state=0)["mae"].tolist()
        [1.5]
        """
        lines = []
        for name, seed in self.runs:
            label = self.label_of(name, seed)
            own_folds, own_groups = (_of_run(table, label) for table in (folds, group_scores))
            line = self._line(name, seed, own_folds, own_groups)
            lines.append(label | line | self._intervals(name, seed, **bootstrap))
        table = pd.DataFrame(lines)
        parts = ("", "_low", "_high", "_fold_mean", "_fold_std", "_group_mean")
        of_scores = [f"{score}{part}" for score in self.scores for part in parts]
        columns = ["estimator", "seed", *of_scores, "n_failed", "fit_s", "predict_s"]
        return table[[column for column in columns if column in table]]

    def table(self, by_seed):
        """Summarise: one row per estimator, with means and standard deviations of scores over seeds.

        Parameters
        ----------
        by_seed : DataFrame
            From `by_seed`.

        Returns
        -------
        DataFrame
            As `Comparison.table`.

        Examples
        --------
        >>> from avfusion.metrics._scores import resolve_scoring
        >>> e = Evaluation([1.0], {"a": [[1.0], [2.0]]}, resolve_scoring("mae"), None, np.arange(1))
        >>> by_seed = pd.DataFrame({"estimator": "a", "seed": [0, 1], "mae": [1.0, 2.0], "fit_s": 0.1})
        >>> e.table(by_seed)[["mae", "mae_seed_std", "n_seeds"]].round(2).values.tolist()
        [[1.5, 0.71, 2.0]]
        """
        runs = by_seed.groupby("estimator", sort=False)
        table = runs.mean(numeric_only=True, skipna=False)
        if "n_failed" in table:
            table["n_failed"] = runs["n_failed"].sum()
        if "seed" in table:
            table = table.drop(columns="seed")
            for score in self.scores:
                after = max(table.columns.get_loc(c) for c in (score, f"{score}_high") if c in table)
                table.insert(after + 1, f"{score}_seed_std", runs[score].std(ddof=1))
            table.insert(len(table.columns), "n_seeds", runs.size())
        return table

    def _line(self, name, seed, folds, groups):
        """Return what one run has in the table, without intervals."""
        line = self.of_rows(name, self.tested, seed)
        for score in self.scores:
            line[f"{score}_fold_mean"] = folds[score].mean()
            line[f"{score}_fold_std"] = folds[score].std(ddof=0)
            if len(groups):
                line[f"{score}_group_mean"] = groups[score].mean()
        if any(len(rows) for rows in self.failed.values()):
            line["n_failed"] = int(folds["fit_s"].isna().sum())
        return line | {seconds: folds[seconds].mean() for seconds in ("fit_s", "predict_s")}

    def _intervals(self, name, seed, **bootstrap):
        """Return the ends of the bootstrap intervals of one run; NaN if it failed."""
        if self._has_failed(name, seed, self.tested):
            return {f"{score}_{end}": np.nan for score in self.scores for end in ("low", "high")}
        level = bootstrap.pop("level", 0.95)
        return {
            f"{score}_{end}": value
            for score, own in self.resampled(name, seed, **bootstrap).items()
            for end, value in zip(("low", "high"), own.interval(level))
        }

    def resampled(self, name, seed=0, **options):
        """Score bootstrap resamples of all tested rows, over groups; the same ones for every estimator.

        Parameters
        ----------
        name : str
        seed : int, default=0
        **options
            Number of resamples and random_state, as in `avfusion.metrics.bootstrap_interval`.

        Returns
        -------
        dict of str to Resamples

        Examples
        --------
        >>> from avfusion.metrics._scores import resolve_scoring
        >>> e = Evaluation([1.0, 2.0], {"zero": [[0.0, 0.0]]}, resolve_scoring("mae"), None, np.arange(2))
        >>> e.resampled("zero", n_resamples=3, random_state=0)["mae"].scores.shape
        (3,)
        """
        groups = None if self.groups is None else self.groups[self.tested]
        pair, given = self._packed(name, seed, self.tested), self._given(name, seed, self.tested)
        return resampled_by(self.scores, pair, given, groups=groups, **options)


def _of_run(table, label):
    """Return the rows of one estimator (and seed)."""
    if not len(table):
        return table
    return table[np.logical_and.reduce([table[column] == value for column, value in label.items()])]
