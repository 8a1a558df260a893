"""The result of `compare`: tables, out-of-fold predictions, a plot, and files of all of these."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from avfusion._atomic import write_or_keep
from avfusion._checksums import write_table
from avfusion.inspection._comparison_plot import plot_comparison
from avfusion.metrics._regression import paired_targets
from avfusion.metrics._scores import resolve_scoring
from avfusion.model_selection.comparison._evaluation import Evaluation
from avfusion.model_selection.comparison._names import as_texts, prediction_columns
from avfusion.model_selection.comparison._rendering import as_html, as_markdown, as_text
from avfusion.model_selection.comparison._situation import Situation
from avfusion.model_selection.records._provenance import write_recipe
from avfusion.model_selection.records._result_folder import COMPARISON, result_folder
from avfusion.sequences._buffers import packed_starts
from avfusion.sequences._targets import as_targets
from avfusion.sequences._weights import with_weights


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """The result of `compare`, which makes it; the parameters are its attributes.

    Parameters
    ----------
    table : DataFrame
        One row per estimator. For every score s: ``s`` over all out-of-fold predictions together, ``s_low``
        and ``s_high`` (bootstrap interval of it, over groups or else rows), ``s_fold_mean``, ``s_fold_std``,
        and ``s_group_mean`` if there are groups; then ``n_failed``, the number of fits that failed, if any
        did; and ``fit_s`` and ``predict_s``, mean seconds per fold. Several targets are averaged. With
        several seeds all of these are means over seeds (of intervals: of their ends), ``s_seed_std`` is the
        standard deviation of s over seeds, and ``n_seeds`` their number.
    folds : DataFrame
        One row per estimator, seed (if there are several) and fold: scores, seconds, numbers of rows, what
        was held out.
    groups : DataFrame
        One row per estimator, seed and group with a label; empty without groups.
    targets : DataFrame
        One row per estimator, seed and target, over all out-of-fold predictions.
    predictions : dict of str to DataFrame, Series or ndarray
        Out-of-fold predictions in the form of y and the order of the rows. NaN in rows that no fold tested,
        and where the estimator failed. With several seeds those of the first: their mean would be the
        predictions of another model, an ensemble.
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
        What `rerun` needs: unfitted estimators, folds, groups, scoring and seeds.
    seeds : DataFrame, optional
        What `table` has means of: one row per estimator and seed.
    seed_predictions : dict of str to list, optional
        Out-of-fold predictions of every seed; by default `predictions` are of the only one.
    sample_weight : ndarray, Series or list, optional
        How much rows or labels count.
    situation : Situation, optional
        What stimulus, person and time alone predict; None where no column says which stimulus or person it
        is.

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
    seeds: pd.DataFrame | None = None
    seed_predictions: dict | None = None
    sample_weight: object = None
    situation: Situation | None = None

    def __post_init__(self):
        if self.seed_predictions is None:
            object.__setattr__(self, "seed_predictions", {n: [own] for n, own in self.predictions.items()})

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
        'mae out of fold'
        """
        return plot_comparison(self, score=score, ax=ax)

    def to_markdown(self):
        """Write the table as Markdown: scores with intervals, standard deviation of the first score, seconds.

        Returns
        -------
        str
            One row per estimator, columns aligned; beneath it, what the situation alone predicts.

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
        return as_markdown(self)

    def prediction_table(self):
        """Put labels and out-of-fold predictions into one long table.

        Returns
        -------
        DataFrame
            One row per labelled frame (per clip: row) and target of the rows that were tested: ``row``,
            ``index``, ``fold``, ``group``, ``frame`` (labels per frame), ``target``, ``label``, ``weight``
            (with weights) and one column ``prediction: name`` per estimator, or ``prediction: name, seed i``.

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
        labels = with_weights(as_targets(self.y), self.sample_weight).take(rows)
        true, _ = paired_targets(labels, labels)
        lines, k = np.nonzero(~np.isnan(true.values))
        row = rows[true.row_of_value[lines]]
        columns = {"row": row, "fold": self.fold_of_row[row]}
        if isinstance(self.y, (pd.DataFrame, pd.Series)):
            columns["index"] = as_texts(self.y.index[row])
        if self.group_of_row is not None:
            columns["group"] = as_texts(self.group_of_row[row])
        if true.lengths is not None:
            columns["frame"] = lines - packed_starts(true.lengths)[true.row_of_value[lines]]
        columns["target"] = np.array(as_texts(true.form.target_names), dtype=object)[k]
        columns["label"] = true.values[lines, k]
        if true.weights is not None:
            columns["weight"] = true.weights[lines, k]
        for name, own in self.seed_predictions.items():
            for title, predicted in zip(prediction_columns(name, len(own)), own):
                columns[title] = self._on_labels(labels, predicted, rows)[lines, k]
        return pd.DataFrame(columns)

    def _on_labels(self, labels, predicted, rows):
        """Return predictions of rows as values beside those of the labels; NaN where a fit failed."""
        predicted = as_targets(predicted).take(rows)
        if labels.lengths is not None and (labels.lengths < 0).any():
            kept = (labels.lengths >= 0)[predicted.row_of_value]
            return predicted.values[kept]
        return predicted.values

    def save(self, folder):
        """Write everything to a folder, which appears, or is replaced, in one step.

        ``table.md``, ``table.csv``, ``folds.csv``, ``groups.csv`` (with groups), ``targets.csv``,
        ``seeds.csv`` (with several seeds), ``situation.csv`` and ``situation_shares.csv`` (with a situation),
        ``predictions.parquet`` (`prediction_table`), ``plot.png``, ``settings.json``, ``sha256sums.txt`` and
        ``recipe.joblib``, which `rerun` takes; a warning stands for it if something in it cannot be pickled,
        such as a lambda.

        Parameters
        ----------
        folder : str or Path
            Made if it does not exist. The files of an older comparison in it are replaced, all of them; what
            else lies in it stays.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OSError
            If the folder cannot be made or written to, or holds files of such names that are no comparison.
            The result is then written to another place, which the message names.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from avfusion.model_selection import compare
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> result = compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     print(*sorted(path.name for path in result.save(folder).iterdir()))
        folds.csv plot.png predictions.parquet recipe.joblib settings.json sha256sums.txt table.csv ...
        """
        return write_or_keep(self._write, folder)

    def _write(self, folder):
        texts = {"table.md": self.to_markdown(), "settings.json": json.dumps(self.settings, indent=2) + "\n"}
        frames = {"folds.csv": self.folds, "targets.csv": self.targets, "table.csv": self.table.reset_index()}
        frames |= {"groups.csv": self.groups} if len(self.groups) else {}
        frames |= {"seeds.csv": self.seeds} if "n_seeds" in self.table else {}
        if self.situation is not None:
            frames["situation.csv"] = self.situation.table.reset_index()
            frames["situation_shares.csv"] = self.situation.shares
        with result_folder(folder, COMPARISON) as part:
            for name, text in texts.items():
                (part / name).write_text(text, encoding="utf-8", errors="backslashreplace")
            for name, frame in frames.items():
                frame.to_csv(part / name, index=False, errors="backslashreplace")
            write_table(self.prediction_table(), part / "predictions.parquet", ".parquet", index=False)
            self._figure().savefig(part / "plot.png", format="png", dpi=150)
            write_recipe(self.recipe, part)
        return Path(folder)

    def _figure(self):
        from matplotlib.figure import Figure  # not pyplot: no window, no global state

        figure = Figure(figsize=(6.4, 1.0 + 0.42 * len(self.table)), layout="constrained")
        self.plot(ax=figure.subplots())
        return figure

    def __repr__(self):
        return as_text(self)

    def _repr_html_(self):
        return as_html(self)


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
    return Evaluation(of.y, of.seed_predictions, scores, of.group_of_row, tested, weights=of.sample_weight)
