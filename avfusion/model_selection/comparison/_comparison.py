"""The result of `compare`: tables, out-of-fold predictions, a plot, and files of all of these."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from avfusion._atomic import write_or_keep
from avfusion.inspection._comparison_plot import plot_comparison
from avfusion.inspection._differences_plot import plot_differences
from avfusion.model_selection.comparison._differences import mean_name, paired_differences
from avfusion.model_selection.comparison._latex import latex_table
from avfusion.model_selection.comparison._one_target import comparison_of, tables_of
from avfusion.model_selection.comparison._prediction_table import prediction_table
from avfusion.model_selection.comparison._rendering import as_html, as_markdown, as_text
from avfusion.model_selection.comparison._saving import write
from avfusion.model_selection.comparison._situation import Situation
from avfusion.sequences._targets import as_targets


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """The result of `compare`, which makes it; the parameters are its attributes.

    Parameters
    ----------
    table : DataFrame
        One row per estimator. For every score s: ``s`` over all out-of-fold predictions together, ``s_low``
        and ``s_high`` (bootstrap interval of it, over groups or else rows), ``s_fold_mean``, ``s_fold_std``,
        and ``s_group_mean`` if there are groups; then ``n_failed``, the number of fits that failed, if any
        did; and ``fit_s`` and ``predict_s``, mean seconds of one fit and of its predictions (the mean over
        folds). Several targets are averaged: `by_target` and `of_target` have each. With several seeds all of
        these are means over seeds (of intervals: of their ends), ``s_seed_std`` is the standard deviation of
        s over seeds, and ``n_seeds`` their number.
    folds : DataFrame
        One row per estimator, seed (if there are several) and fold: scores, seconds, numbers of rows, what
        was held out.
    groups : DataFrame
        One row per estimator, seed and group with a label; empty without groups.
    targets : DataFrame
        One row per estimator, seed and target: scores with intervals, fold and group means as in `table`.
        Scores that are no metric of this package have no intervals here, and NaN if they take no single
        target; `paired_differences` has intervals of them.
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
    target_folds, target_groups : DataFrame, optional
        Scores as in `folds` and `groups`, with a row for each target.
    target_names : list of str, optional
        Names of the targets.
    group_columns : DataFrame, optional
        A column for each kind of groups, such as person and video; `group_of_row` are their combinations.
    novelty : DataFrame, optional
        What is new in the test rows: for each column of X that tells rows apart, "column", its "kind"
        ("group", "person", "stimulus", "session", "recording" or "other"), and "share_new", the share of test
        rows with a value that the training rows of their fold do not have. A line of the kind "time", where
        streams say when they begin, has the share of test rows behind all training rows of their recording.
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
    target_folds: pd.DataFrame | None = None
    target_groups: pd.DataFrame | None = None
    target_names: list | None = None
    group_columns: pd.DataFrame | None = None
    novelty: pd.DataFrame | None = None
    situation: Situation | None = None

    def __post_init__(self):
        if self.seed_predictions is None:
            object.__setattr__(self, "seed_predictions", {n: [own] for n, own in self.predictions.items()})
        if self.target_names is None:
            object.__setattr__(self, "target_names", as_targets(self.y).form.target_names)

    def of_target(self, target) -> "Comparison":
        """Return the comparison on one target: the same predictions, with tables of that target alone.

        Parameters
        ----------
        target : str
            Its name, one of `target_names`.

        Returns
        -------
        Comparison
            With all that a comparison has: intervals, plots, Markdown, differences, ranks, files.

        Raises
        ------
        ValueError
            If there is no such target.

        Examples
        --------
        >>> import avfusion as av
        >>> from sklearn.linear_model import Ridge
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> y = pd.DataFrame({"arousal": X[:, 0], "valence": X[:, 1] ** 2})
        >>> models = {"ridge": Ridge(), "strong penalty": Ridge(1e3)}
        >>> result = av.compare(models, X, y, scoring="mae", verbose=False)
        >>> result.of_target("arousal").table["mae"].idxmin()
        'ridge'
        """
        return comparison_of(self, target)

    def by_target(self):
        """Return one table of all targets and their mean.

        Returns
        -------
        DataFrame
            One row per target (``target``) and estimator, and of "mean", the mean over targets; columns as in
            `table`. Where a target has that name, the mean is called "mean of targets".

        Examples
        --------
        >>> import avfusion as av
        >>> from sklearn.linear_model import Ridge
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> y = pd.DataFrame({"arousal": X[:, 0], "valence": X[:, 1] ** 2})
        >>> models = {"ridge": Ridge(), "strong penalty": Ridge(1e3)}
        >>> result = av.compare(models, X, y, scoring="mae", verbose=False)
        >>> result.by_target()["mae"].unstack("target").columns.tolist()
        ['arousal', 'valence', 'mean']
        """
        names = self.target_names
        tables = {name: tables_of(self, name).table for name in names} if len(names) > 1 else {}
        last = mean_name(names) if len(names) > 1 else names[0]
        return pd.concat(tables | {last: self.table}, names=["target", "estimator"])

    def plot(self, ax=None, score=None, target=None):
        """Draw one score: pooled value and interval of each estimator, groups (else folds) as faint points.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, Figure or array-like of Axes, optional
            Where to draw; by default a new figure. An array has an axes for each panel.
        score : str, optional
            Name of the score; by default the first.
        target : str or list of str, optional
            Names of targets, each in a panel of its own. By default the mean over targets, and of 2 to 4
            targets each of them beside it, unless `ax` is a single axes.

        Returns
        -------
        matplotlib.axes.Axes or ndarray of Axes
            Where it was drawn; an array if there are several panels.

        Raises
        ------
        ValueError
            If there is no such score or target.

        Examples
        --------
        >>> import avfusion as av
        >>> from sklearn.linear_model import Ridge
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> y = pd.DataFrame({"arousal": X[:, 0], "valence": X[:, 1] ** 2})
        >>> models = {"ridge": Ridge(), "strong penalty": Ridge(1e3)}
        >>> result = av.compare(models, X, y, scoring="mae", verbose=False)
        >>> from matplotlib.figure import Figure
        >>> result.plot(ax=Figure().subplots(), target="arousal").get_xlabel()
        'mae out of fold'
        >>> len(result.plot(ax=Figure()))
        3
        """
        return plot_comparison(self, score=score, ax=ax, target=target)

    def plot_differences(self, reference, *, score=None, target=None, ax=None, level=0.95, random_state=0):
        """Draw what `paired_differences` finds: each estimator's difference to one, with its interval.

        Parameters
        ----------
        reference : str
            Name of the estimator that the others are compared with.
        score : str, optional
            Name of the score; by default the first.
        target : str, optional
            By default a panel for each target, and one for their mean.
        ax : matplotlib.axes.Axes, Figure or array-like of Axes, optional
            Where to draw; by default a new figure. A single axes is divided.
        level : float, default=0.95
            Probability that an interval covers.
        random_state : int, default=0
            Seed of the bootstrap.

        Returns
        -------
        matplotlib.axes.Axes or ndarray of Axes
            Where it was drawn; an array if there are several panels. A diamond is filled where interval and
            test agree that there is a difference.

        Raises
        ------
        ValueError
            As `paired_differences`, or if there is no other estimator.

        Examples
        --------
        >>> import avfusion as av
        >>> from sklearn.linear_model import Ridge
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> y = pd.DataFrame({"arousal": X[:, 0], "valence": X[:, 1] ** 2})
        >>> models = {"ridge": Ridge(), "strong penalty": Ridge(1e3)}
        >>> result = av.compare(models, X, y, scoring="mae", verbose=False)
        >>> from matplotlib.figure import Figure
        >>> axes = result.plot_differences("ridge", ax=Figure())
        >>> [ax.get_title(loc="left") for ax in axes]
        ['arousal', 'valence', 'mean']
        """
        if list(self.predictions) == [reference]:
            raise ValueError(f"{reference!r} is the only estimator: there is no difference to draw.")
        options = {"score": score, "level": level, "random_state": random_state}
        table = paired_differences(self, reference, target=target, by_target=target is None, **options)
        if target is not None:
            table = pd.concat({target: table}, names=["target", "estimator"])
        name = self.scores[0] if score is None else score
        return plot_differences(table, f"{name}: difference to {reference}", level, ax)

    def to_markdown(self, by_target=False):
        """Write the table as Markdown: scores with intervals, standard deviation of the first score, times.

        Parameters
        ----------
        by_target : bool, default=False
            Whether a table of each target follows that of their mean, under its name.

        Returns
        -------
        str
            One row per estimator, columns aligned; below them a line on what is new in the test rows. Times
            are of one fit and its predictions, in one unit. Beneath it, what the situation alone predicts.

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
        return as_markdown(self, by_target)

    def to_latex(self, by_target=False):
        r"""Write the scores with their intervals as a LaTeX table, for the package booktabs.

        A score is bold if it is the best of its column and interval and test of `paired_differences` agree
        that it is better than that of every other estimator; so no score may be. Scores that are no metric of
        this package are never bold.

        Parameters
        ----------
        by_target : bool, default=False
            Whether rows of each target come before those of their mean, under its name.

        Returns
        -------
        str
            A tabular environment, with names escaped. The scores' names are as they were given.

        Examples
        --------
        >>> import avfusion as av
        >>> from sklearn.linear_model import Ridge
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> y = pd.DataFrame({"arousal": X[:, 0], "valence": X[:, 1] ** 2})
        >>> models = {"ridge": Ridge(), "strong penalty": Ridge(1e3)}
        >>> result = av.compare(models, X, y, scoring="mae", verbose=False)
        >>> print(result.to_latex().splitlines()[-4])
        ridge & ...
        """
        return latex_table(self, by_target)

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
        return prediction_table(self)

    def save(self, folder):
        """Write everything to a folder, which appears, or is replaced, in one step.

        ``table.md`` and ``table.tex`` (of up to 20 targets each), ``table.csv``, ``folds.csv``,
        ``groups.csv`` (with groups), ``targets.csv``, ``seeds.csv`` (with several seeds),
        ``situation.csv`` and ``situation_shares.csv`` (with a situation),
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
        return write_or_keep(partial(write, self), folder)

    def __repr__(self):
        return as_text(self)

    def _repr_html_(self):
        return as_html(self)
