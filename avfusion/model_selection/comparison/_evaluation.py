"""Scores of out-of-fold predictions, of each target and their mean, in tables."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from avfusion._sklearn_compat import _safe_indexing
from avfusion.metrics._regression import labelled_columns, paired_targets
from avfusion.metrics._scores import Score, resampled_by
from avfusion.model_selection.comparison._target_tables import PARTS, long_table, one_target, score_or_nan
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import with_weights


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
    group_columns : DataFrame, optional
        A column for each kind of groups, which is resampled by itself.

    Examples
    --------
    >>> from avfusion.metrics._scores import resolve_scoring
    >>> predictions = {"mean": [[2.0, 2.0, 2.0, 2.0]]}
    >>> groups = np.array(["a", "a", "b", "b"])
    >>> e = Evaluation([1.0, 2.0, 3.0, 2.0], predictions, resolve_scoring("mae"), groups, np.arange(4))
    >>> e.by_group()[0]
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
    group_columns: pd.DataFrame | None = None

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
        return self.scored(name, rows, seed)[0]

    def scored(self, name, rows, seed=0, scorers_by_target=True):
        """Score the predictions of one estimator for some rows: the mean over targets, and each target.

        Parameters
        ----------
        name : str
        rows : array-like of int
        seed : int, default=0
        scorers_by_target : bool, default=True
            Whether scorers that are no metric, and slow, are called for each target.

        Returns
        -------
        mean : dict of str to float
            NaN where a target has no label in these rows.
        of_targets : dict of str to ndarray of shape (K,)
            NaN for targets without a label, and for scorers that cannot take one target.

        Examples
        --------
        >>> from avfusion.metrics._scores import resolve_scoring
        >>> scores = resolve_scoring("mae")
        >>> Evaluation([[1.0, 2.0]], {"zero": [[[0.0, 0.0]]]}, scores, None, np.arange(1)).scored("zero", [0])
        ({'mae': 1.5}, {'mae': array([1., 2.])})
        """
        labelled = self._labelled[rows].any(axis=0)
        mean = dict.fromkeys(self.scores, np.nan)
        of_targets = {key: np.full(len(labelled), np.nan) for key in self.scores}
        if self._has_failed(name, seed, rows) or not labelled.any():
            return mean, of_targets
        columns, given = self._columns(name, seed, rows, labelled), self._given(name, seed, rows)
        for key, score in self.scores.items():
            if score.metric is not None:
                of_targets[key][labelled] = score.by_target(columns)
                mean[key] = float(of_targets[key].mean())
                continue
            if labelled.all():
                mean[key] = score(*given())
            if len(labelled) == 1:
                of_targets[key][0] = mean[key]
            elif scorers_by_target:
                parts = [one_target(given(), k, len(labelled)) for k in range(len(labelled))]
                of_targets[key][labelled] = [score_or_nan(score, parts[k]) for k in np.flatnonzero(labelled)]
        return mean, of_targets

    def _columns(self, name, seed, rows, labelled):
        """Return labels and predictions of the targets that are labelled in some rows."""
        if labelled.all():
            return labelled_columns(*self._packed(name, seed, rows))
        true, predicted = self._true.take(rows), self._predicted[name][seed].take(rows)
        pairs = [(true.of_target(k), predicted.of_target(k)) for k in np.flatnonzero(labelled)]
        return [labelled_columns(*paired_targets(*pair))[0] for pair in pairs]

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

        Returns
        -------
        mean : DataFrame
            Means over targets.
        of_targets : DataFrame
            One row for each target.

        Examples
        --------
        >>> from avfusion.metrics._scores import resolve_scoring
        >>> predictions = {"zero": [[0.0, 0.0]]}
        >>> e = Evaluation([1.0, 2.0], predictions, resolve_scoring("mae"), np.arange(2), np.arange(2))
        >>> e.by_group()[0]["mae"].tolist()
        [1.0, 2.0]
        """
        columns = ["estimator", "group", "n_rows", *self.scores]
        if self.groups is None:
            empty = pd.DataFrame(columns=columns)
            return empty, empty.assign(target=[])
        rows_of = {}
        for row in self.tested[self._labelled[self.tested].any(axis=1)]:
            rows_of.setdefault(self.groups[row], []).append(row)
        n_labelled = {group: self._labelled[rows].sum(axis=0) for group, rows in rows_of.items()}
        means, parts = [], []
        for run in self.runs:
            for group, rows in rows_of.items():
                mean, of_targets = self.scored(run[0], rows, run[1], scorers_by_target=False)
                label = self.label_of(*run) | {"group": group}
                means.append(label | {"n_rows": len(rows)} | mean)
                parts.append((label, {"n_rows": n_labelled[group]} | of_targets))
        of_targets = long_table(parts, self.target_names)
        return pd.DataFrame(means), of_targets[of_targets["n_rows"] > 0].reset_index(drop=True)

    def by_seed(self, folds, groups, target_folds=None, target_groups=None, **bootstrap):
        """Score all tested rows together: one row per estimator (and seed), with intervals.

        Parameters
        ----------
        folds, groups : DataFrame
            Scores of each estimator (and seed) and fold, and of each estimator (and seed) and group.
        target_folds, target_groups : DataFrame, optional
            The same with a row for each target; by default not part of the table of targets.
        **bootstrap
            Options of `bootstrap_interval`.

        Returns
        -------
        seeds : DataFrame
            Means over targets; columns as in `Comparison.table`.
        targets : DataFrame
            One row per estimator (and seed) and target; columns as in `Comparison.targets`.

        Examples
        --------
        >>> from avfusion.metrics._scores import resolve_scoring
        >>> predictions = {"zero": [[0.0, 0.0]]}
        >>> e = Evaluation([1.0, 2.0], predictions, resolve_scoring("mae"), None, np.arange(2))
        >>> folds = pd.DataFrame({"estimator": ["zero"] * 2, "mae": [1, 2], "fit_s": 0.1, "predict_s": 0.1})
        >>> e.by_seed(folds, e.by_group()[0], random_state=0)[0]["mae"].tolist()
        [1.5]
        """
        lines, parts = [], []
        level = bootstrap.pop("level", 0.95)
        for name, seed in self.runs:
            label = self.label_of(name, seed)
            mean, of_targets = self.scored(name, self.tested, seed)
            failed = self._has_failed(name, seed, self.tested)
            drawn = {} if failed else self.resampled(name, seed, by_target=True, **bootstrap)
            ends = {key: own.interval(level) for key, own in drawn.items()}
            line = mean | self._fold_line(_of_run(folds, label), _of_run(groups, label))
            lines.append(label | line | _ends(self.scores, ends, (np.nan, np.nan)))
            ends = {
                key: np.transpose([part.interval(level) for part in own.targets])
                for key, own in drawn.items()
                if own.targets
            }
            of_targets |= _ends(self.scores, ends, np.full((2, len(self.target_names)), np.nan))
            of_targets |= self._of_parts(_of_run(target_folds, label), ("fold_mean", "fold_std"))
            of_targets |= self._of_parts(_of_run(target_groups, label), ("group_mean",))
            parts.append((label, of_targets))
        return self._in_order(pd.DataFrame(lines)), self._in_order(long_table(parts, self.target_names))

    @property
    def target_names(self):
        """Return the names of the targets."""
        return self._true.form.target_names

    def _of_parts(self, table, whats):
        """Return means and standard deviations over the folds or groups of one run for each target."""
        if table is None or not len(table):
            return {}
        targets = table.groupby("target", sort=False)
        found = {"mean": targets[list(self.scores)].mean(), "std": targets[list(self.scores)].std(ddof=0)}
        return {
            f"{score}_{what}": found[what.rpartition("_")[2]][score].reindex(self.target_names).to_numpy()
            for score in self.scores
            for what in whats
        }

    def _in_order(self, table):
        of_scores = [f"{score}{part}" for score in self.scores for part in PARTS]
        columns = ["estimator", "seed", "target", *of_scores, "n_failed", "fit_s", "predict_s"]
        return table[[column for column in columns if column in table]]

    def _fold_line(self, folds, groups):
        """Return what one run has in the table of its folds and groups, and seconds."""
        line = {}
        for score in self.scores:
            line[f"{score}_fold_mean"] = folds[score].mean()
            line[f"{score}_fold_std"] = folds[score].std(ddof=0)
            if len(groups):
                line[f"{score}_group_mean"] = groups[score].mean()
        if any(len(rows) for rows in self.failed.values()):
            line["n_failed"] = int(folds["fit_s"].isna().sum())
        return line | {seconds: folds[seconds].mean() for seconds in ("fit_s", "predict_s")}

    def resampled(self, name, seed=0, **options):
        """Score bootstrap resamples of all tested rows, over groups; the same ones for every estimator.

        Parameters
        ----------
        name : str
        seed : int, default=0
        **options
            Number of resamples and random_state, as in `avfusion.metrics.bootstrap_interval`, and by_target,
            as in `resampled_by`.

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
        if self.group_columns is not None:
            groups = self.group_columns.iloc[self.tested]
        pair, given = self._packed(name, seed, self.tested), self._given(name, seed, self.tested)
        return resampled_by(self.scores, pair, given, groups=groups, **options)


def _ends(scores, ends, missing):
    """Return the ends of intervals by the names of their columns."""
    return {
        f"{score}_{end}": value
        for score in scores
        for end, value in zip(("low", "high"), ends.get(score, missing))
    }


def _of_run(table, label):
    """Return the rows of one estimator (and seed)."""
    if table is None or not len(table):
        return table
    return table[np.logical_and.reduce([table[column] == value for column, value in label.items()])]
