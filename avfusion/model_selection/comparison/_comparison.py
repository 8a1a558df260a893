"""What `compare` found: tables, out-of-fold predictions, a plot, and files of all of these."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from avfusion._sklearn_compat import _safe_indexing
from avfusion.inspection._comparison_plot import plot_comparison
from avfusion.metrics._regression import paired_targets
from avfusion.model_selection.records._provenance import write_recipe
from avfusion.persistence import in_one_step
from avfusion.sequences._targets import as_targets


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """The result of `compare`, which makes it; the parameters are its attributes.

    Parameters
    ----------
    table : DataFrame
        One line per estimator. For every score s: ``s`` over all out-of-fold predictions together, ``s_low``
        and ``s_high`` (bootstrap interval of it, over groups or else rows), ``s_fold_mean``, ``s_fold_std``,
        and ``s_group_mean`` if there are groups; then ``n_failed``, the number of folds that failed, if any
        did; and ``fit_s`` and ``predict_s``, mean seconds per fold.
    folds : DataFrame
        One line per estimator and fold: scores, seconds, numbers of rows, what was held out.
    groups : DataFrame
        One line per estimator and group with a label; empty without groups.
    targets : DataFrame
        One line per estimator and target, over all out-of-fold predictions.
    predictions : dict of str to DataFrame, Series or ndarray
        Out-of-fold predictions in the form of y and the order of the rows. NaN in rows that no fold tested,
        and where the estimator failed.
    y : DataFrame, Series, list or ndarray
        The labels.
    fold_of_row : ndarray of shape (n_rows,)
        Number of the fold that tested each row, from 0; -1 if none did.
    group_of_row : ndarray of shape (n_rows,) or None
        Group of each row.
    scores : tuple of str
        Names of the scores.
    settings : dict
        How it was done: parameters of each estimator, rows of each fold, bootstrap, versions, a hash of the
        data, and under "not_repeatable" what in an estimator will give `rerun` other numbers. All of it is
        JSON.
    recipe : dict, optional
        What `rerun` needs: unfitted estimators, folds, groups, scoring and seed.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> result = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
    >>> list(result.table.columns)
    ['mae', 'mae_low', 'mae_high', 'mae_fold_mean', 'mae_fold_std', 'fit_s', 'predict_s']
    >>> result.predictions["ridge"].shape
    (50,)
    """

    table: pd.DataFrame
    folds: pd.DataFrame
    groups: pd.DataFrame
    targets: pd.DataFrame
    predictions: dict
    y: object
    fold_of_row: np.ndarray
    group_of_row: np.ndarray | None
    scores: tuple
    settings: dict
    recipe: dict | None = None

    def plot(self, ax=None, score=None):
        """Draw one score: pooled value and interval of each estimator, groups (else folds) as faint points.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.
        score : str, optional
            Name of the score; by default the first.

        Returns
        -------
        matplotlib.axes.Axes
            Where it was drawn.

        Raises
        ------
        ValueError
            If there is no such score.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from avfusion.model_selection import compare
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> result = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
        >>> from matplotlib.figure import Figure
        >>> result.plot(ax=Figure().subplots()).get_xlabel()
        'mae, out of fold: all rows (diamond), 95 % interval (line), folds (points)'
        """
        return plot_comparison(self, score=score, ax=ax)

    def to_markdown(self):
        """Write the table as Markdown: scores with intervals, spread of the first score, seconds.

        Returns
        -------
        str
            One line per estimator, columns aligned.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from avfusion.model_selection import compare
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> result = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
        >>> print(result.to_markdown())
        | estimator | ... |
        | --------- | ... |
        | ridge     | ... |
        """
        shown = self._shown()
        lines = [
            [shown.index.name, *shown.columns],
            *([name, *cells] for name, cells in zip(shown.index, shown.to_numpy())),
        ]
        lines = [[" ".join(str(cell).split()).replace("|", r"\|") for cell in line] for line in lines]
        widths = [max(map(len, column)) for column in zip(*lines)]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        aligned = [
            [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:]))] for line in lines
        ]
        return "\n".join("| " + " | ".join(line) + " |" for line in [aligned[0], rule, *aligned[1:]]) + "\n"

    def prediction_table(self):
        """Put labels and out-of-fold predictions into one long table.

        Returns
        -------
        DataFrame
            One line per labelled frame (per clip: row) and target of the rows that were tested: ``row``,
            ``index``, ``fold``, ``group``, ``frame`` (labels per frame), ``target``, ``label`` and one column
            ``prediction: name`` per estimator.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from avfusion.model_selection import compare
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> result = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
        >>> list(result.prediction_table().columns)
        ['row', 'fold', 'target', 'label', 'prediction: ridge']
        """
        rows = np.flatnonzero(self.fold_of_row >= 0)
        labels = _safe_indexing(self.y, rows)
        true, _ = paired_targets(labels, labels)
        predicted_of = {}
        for name, predicted in self.predictions.items():
            predicted = _safe_indexing(predicted, rows)
            whole = not self.table.get("n_failed", pd.Series(0, self.table.index))[name]
            predicted_of[name] = paired_targets(labels, predicted)[1] if whole else as_targets(predicted)
        lines, k = np.nonzero(~np.isnan(true.values))
        row = rows[true.row_of_value[lines]]
        columns = {"row": row, "fold": self.fold_of_row[row]}
        if isinstance(self.y, (pd.DataFrame, pd.Series)):
            columns["index"] = self.y.index[row].astype(str)
        if self.group_of_row is not None:
            columns["group"] = pd.Series(self.group_of_row[row]).astype(str).to_numpy()
        if true.lengths is not None:
            first = np.cumsum(np.maximum(true.lengths, 0)) - np.maximum(true.lengths, 0)
            columns["frame"] = lines - first[true.row_of_value[lines]]
        columns["target"] = np.array(true.form.target_names, dtype=object)[k]
        columns["label"] = true.values[lines, k]
        for name, predicted in predicted_of.items():
            columns[f"prediction: {name}"] = predicted.values[lines, k]
        return pd.DataFrame(columns)

    def save(self, folder):
        """Write everything to a folder, each file in one step, so that none is ever half written.

        ``table.md``, ``table.csv``, ``folds.csv``, ``groups.csv`` (with groups), ``targets.csv``,
        ``predictions.parquet`` (`prediction_table`), ``plot.png``, ``settings.json`` and
        ``recipe.joblib``, which `rerun` takes; a warning stands for it if something in it cannot be pickled,
        such as a lambda.

        Parameters
        ----------
        folder : str or Path
            Made if it does not exist; files of these names are replaced, and an old ``groups.csv`` goes if
            there are no groups.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OSError
            If the folder cannot be made or written to.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from avfusion.model_selection import compare
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> result = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     print(*sorted(path.name for path in result.save(folder).iterdir()))
        folds.csv plot.png predictions.parquet recipe.joblib settings.json table.csv table.md targets.csv
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        texts = {"table.md": self.to_markdown(), "settings.json": json.dumps(self.settings, indent=2) + "\n"}
        frames = {"folds.csv": self.folds, "targets.csv": self.targets, "table.csv": self.table.reset_index()}
        if len(self.groups):
            frames["groups.csv"] = self.groups
        for name, text in texts.items():
            with in_one_step(folder / name) as path:
                path.write_text(text, encoding="utf-8")
        for name, frame in frames.items():
            with in_one_step(folder / name) as path:
                frame.to_csv(path, index=False)
        if "groups.csv" not in frames:
            (folder / "groups.csv").unlink(missing_ok=True)
        with in_one_step(folder / "predictions.parquet") as path:
            self.prediction_table().to_parquet(path, index=False)
        with in_one_step(folder / "plot.png") as path:
            self._figure().savefig(path, format="png", dpi=150)
        write_recipe(self.recipe, folder)
        return folder

    def _figure(self):
        from matplotlib.figure import Figure  # not pyplot: no window, no global state

        figure = Figure(figsize=(6.4, 1.0 + 0.42 * len(self.table)), layout="constrained")
        self.plot(ax=figure.subplots())
        return figure

    def _shown(self):
        """Table for reading: text cells, spread of the first score only, and no column twice."""
        level = f"{self.settings['level'] * 100:g} %"
        shown = {}
        for position, score in enumerate(self.scores):
            low, high = self.table[f"{score}_low"], self.table[f"{score}_high"]
            shown[f"{score} [{level}]"] = [
                _number(v) if np.isnan(a) else f"{v:.3f} [{a:.3f}, {b:.3f}]"
                for v, a, b in zip(self.table[score], low, high)
            ]
            if position:
                continue
            pairs = zip(self.table[f"{score}_fold_mean"], self.table[f"{score}_fold_std"])
            if self.settings["n_folds"] > 1:
                shown[f"{score} per fold"] = [
                    "failed" if np.isnan(mean) else f"{mean:.3f} ± {std:.3f}" for mean, std in pairs
                ]
            groups = self.table.get(f"{score}_group_mean")
            if groups is not None and not np.allclose(
                groups, self.table[f"{score}_fold_mean"], equal_nan=True
            ):
                shown[f"{score} per group"] = [_number(mean) for mean in groups]
        if "n_failed" in self.table:
            shown["folds that failed"] = list(self.table["n_failed"])
        for seconds in ("fit_s", "predict_s"):
            shown[seconds] = ["-" if np.isnan(v) else f"{v:.3g}" for v in self.table[seconds]]
        return pd.DataFrame(shown, index=self.table.index)

    def _summary(self):
        s = self.settings
        grouped = "" if self.group_of_row is None else f", {s['n_groups']} groups"
        unit = "groups" if grouped else "rows"
        return (
            f"Comparison of {len(self.table)} estimators: {len(self.fold_of_row)} rows{grouped}, "
            f"{s['n_folds']} fold{'s' * (s['n_folds'] > 1)}; intervals: bootstrap over {unit}"
        )

    def __repr__(self):
        with pd.option_context("display.max_colwidth", None, "display.width", None):
            return f"{self._summary()}\n{self._shown().to_string()}"

    def _repr_html_(self):
        return f"<p>{self._summary()}</p>\n{self._shown().to_html()}"


def _number(value):
    """Write a score that may be missing."""
    return "failed" if np.isnan(value) else f"{value:.3f}"
