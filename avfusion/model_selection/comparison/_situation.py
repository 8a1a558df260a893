"""Predictions from the situation alone, beside the models of a comparison, and what is beyond them."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from avfusion.estimators._levels import metadata_columns
from avfusion.metrics._regression import labelled_columns, paired_targets
from avfusion.metrics._scores import resolve_scoring
from avfusion.model_selection.comparison._beyond import COLUMNS, beyond, score_of_pair
from avfusion.model_selection.comparison._evaluation import Evaluation
from avfusion.model_selection.comparison._rendering import markdown_table, number
from avfusion.model_selection.comparison._same_streams import same_within
from avfusion.model_selection.comparison._situation_predictions import situation_predictions
from avfusion.model_selection.comparison._situation_statements import Judged, statement
from avfusion.model_selection.comparison._variance_shares import by_chance, products, shares_table
from avfusion.sequences import sequence_columns
from avfusion.sequences._messages import brief, printable_lines

_COUNTS = 4_000_000  # counts of resamples that are drawn for each model
_FEWEST = 300  # resamples


@dataclass(frozen=True, eq=False, repr=False)
class Situation:
    """Predictions from stimulus, person and time alone, on the folds of a comparison; `compare` makes it.

    Parameters
    ----------
    table : DataFrame
        One row per baseline and estimator, by ``kind`` "situation" or "model": every score of the comparison,
        ``score: target`` for each of several targets, ``known`` (share of the tested rows whose stimulus or
        person is known from training), and of models ``difference`` with ``_low`` and ``_high`` (first
        score, less that of the best baseline; paired bootstrap) and ``partial_ccc`` with its interval: the
        CCC of what is left of labels and predictions after a line in the best baseline's predictions is
        taken from both.
    shares : DataFrame
        One row per target for "labels" (shares of their variance), "by chance" (what factors without any
        effect would have) and each estimator (what it explains of each part; they add up to its R2).
    statements : tuple of str
        In words: whether models pass the baselines, and which streams name the stimulus.
    factors : dict of str to str
        Columns by role.
    score : str
        The one that statements and differences are of.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = pd.DataFrame({"pulse": np.arange(40.0) % 7, "video": np.arange(40) % 4})
    >>> y = X["video"] + 0.1 * X["pulse"]
    >>> models = {"ridge": Ridge()}
    >>> found = compare(models, X[["pulse", "video"]], y, scoring="rmse", verbose=False).situation
    >>> found.table["rmse"].round(2).to_dict()
    {'one constant': 1.15, 'one constant per video': 0.21, 'ridge': 0.03}
    """

    table: pd.DataFrame
    shares: pd.DataFrame
    statements: tuple
    factors: dict
    score: str

    def blocks(self):
        """Return what is shown: title and table of text cells of each block.

        Returns
        -------
        list of (str, DataFrame)
        """
        title = "What the situation alone predicts, on the same folds."
        return [
            ("\n".join([title, *self.statements]), self._shown()),
            (
                "Of the variance of the labels, what lies between stimuli, people and times, and what each "
                "model explains of it (its R2 is the sum).",
                self._shown_shares(),
            ),
        ]

    def to_markdown(self):
        """Write statements and tables as Markdown.

        Returns
        -------
        str
        """
        return "\n".join(f"{title}\n\n{markdown_table(table)}" for title, table in self.blocks())

    def __repr__(self):
        parts = [part for title, table in self.blocks() for part in (title, table.to_string(), "")]
        return printable_lines("\n".join(parts[:-1]))

    def _shown(self):
        shown = {}
        hidden = {"kind", "known"}
        for column in self.table:
            if column in hidden or column.startswith(("difference", "partial_ccc")):
                continue
            if ": " in column and not column.startswith(f"{self.score}: "):
                continue
            shown[column] = [number(value, "-") for value in self.table[column]]
        ends = zip(*(self.table[f"partial_ccc{end}"] for end in ("", "_low", "_high")))
        shown["CCC beyond the best of these"] = [
            number(value, "-") if np.isnan(low) else f"{value:.3f} [{low:.3f}, {high:.3f}]"
            for value, low, high in ends
        ]
        return pd.DataFrame(shown, index=self.table.index)

    def _shown_shares(self):
        targets = self.shares["target"].unique()
        chosen = self.shares[self.shares["target"] == ("mean" if len(targets) > 1 else targets[0])]
        parts = [part for part in chosen if part not in ("of", "target")]
        cells = {part: [_percent(share) for share in chosen[part]] for part in parts}
        return pd.DataFrame(cells, index=pd.Index(chosen["of"], name="share of the variance"))


def _percent(share):
    return "-" if np.isnan(share) else f"{100 * share:.1f} %".replace("-0.0 %", "0.0 %")


def judge(samples, evaluation, factors, table, by_target, bootstrap):
    """Compare estimators with what the situation alone predicts.

    Parameters
    ----------
    samples : Samples
    evaluation : Evaluation
        Of the estimators.
    factors : list of Factor
        Without any there is nothing to compare with.
    table, by_target : DataFrame
        Scores of the estimators, as in `Comparison`.
    bootstrap : dict
        "n_resamples", "level" and "random_state".

    Returns
    -------
    Situation or None

    Warns
    -----
    UserWarning
        If it cannot be computed.
    """
    if not factors:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whatever labels and predictions are, it has been said already
            return _judge(samples, evaluation, factors, table, by_target, bootstrap)
    except Exception as error:  # never the loss of finished fits
        warnings.warn(
            f"What the situation alone predicts is left out: {brief(str(error), 150)[1:-1]}. With "
            "situation=None it is not asked for.",
            stacklevel=3,
        )
        return None


def _judge(samples, evaluation, factors, table, by_target, bootstrap):
    scores = evaluation.scores
    baselines = situation_predictions(samples.targets, samples.folds, factors)
    baselines = [replace(one, name=_free(one.name, evaluation.predictions)) for one in baselines]
    situations = _scored(samples, scores, baselines)
    models = _models(scores, table, by_target, samples.targets.form.target_names)
    name, score = _judging(scores)
    if name not in situations:
        situations[name] = _scored(samples, {name: score}, baselines)[name]
        models[name] = np.nan
    if situations[name].isna().all():  # labels of a target in no training rows
        return None
    best = situations[name].idxmax() if score.higher_is_better else situations[name].idxmin()
    base = next(baseline for baseline in baselines if baseline.name == best)
    pairs = {
        model: [_with_base(evaluation.pair(model, seed), base, samples.tested) for seed in range(len(own))]
        for model, own in evaluation.predictions.items()
        if table.get("n_failed", pd.Series(0, table.index))[model] == 0
    }
    options = _options(samples, bootstrap)
    for model, own in pairs.items():
        if name not in scores:
            models.loc[model, name] = np.mean([score_of_pair(score, *pair[:2]) for pair in own])
        for column, value in beyond(own, name, score, bootstrap["level"], options).items():
            models.loc[model, column] = value
    columns = list(COLUMNS)
    whole = pd.concat([situations, models.reindex(columns=models.columns.union(columns, sort=False))])
    ranks = {one.name: one.rank for one in baselines}
    judged = Judged(name, score.higher_is_better, score.is_error, ranks, whole)
    lines = [
        *_notes(samples, factors),
        *statement(judged, samples.groups is not None),
        *_same(samples, factors),
    ]
    order = ["kind", *scores, *(c for c in whole if ": " in c), "known", *columns]
    order = [*dict.fromkeys(column for column in [*order[:1], name, *order[1:]] if column in whole)]
    return Situation(
        table=whole[order].rename_axis("predictor"),
        shares=_shares(samples, pairs, factors),
        statements=tuple(lines),
        factors={factor.role: factor.name for factor in factors if factor.role != "other"},
        score=name,
    )


def _free(name, taken):
    """Return a name that no estimator has."""
    while name in taken:
        name = f"{name} (situation)"
    return name


def _judging(scores):
    """Return name and score by which baselines and models are ranked: the first whose direction is known."""
    known = ((n, s) for n, s in scores.items() if s.metric is not None)
    return next(known, ("rmse", resolve_scoring("rmse")["rmse"]))


def _scored(samples, scores, baselines):
    """Score what the situation predicts, altogether and, of several targets, each."""
    true = samples.targets.take(samples.tested).counted
    names = true.form.target_names
    rows = {}
    for one in baselines:
        columns = labelled_columns(true, one.predictions.take(samples.tested))
        lacking = np.array([np.isnan(column.pred).any() for column in columns])  # no label of it to train on
        known = {
            n: np.where(lacking, np.nan, score.by_target(columns))
            for n, score in scores.items()
            if score.metric is not None
        }
        row = {n: values.mean() for n, values in known.items()}
        if len(names) > 1:
            row |= {f"{n}: {name}": v for n, values in known.items() for name, v in zip(names, values)}
        rows[one.name] = row | {"known": one.known}
    scored = pd.DataFrame(rows).T
    others = {name: score for name, score in scores.items() if score.metric is None}
    if others:
        own = {one.name: [_as_given(one.predictions)] for one in baselines}
        user = Evaluation(samples.y, own, others, samples.groups, samples.tested, weights=samples.weights)
        scored = scored.join(pd.DataFrame({name: user.of_rows(name, samples.tested) for name in own}).T)
    scored.insert(0, "kind", "situation")
    return scored


def _as_given(predictions):
    """Return predictions in the form of the labels."""
    of = predictions
    return of.form.wrap(of.values, of.lengths, of.index, of.clock)


def _models(scores, table, by_target, names):
    models = table[[score for score in scores if score in table]].astype(float)
    models.insert(0, "kind", "model")
    return models.join(_per_target(by_target, scores, names))


def _per_target(by_target, scores, names):
    """Return a column for each score and target, where there are several."""
    if len(names) < 2 or not len(by_target):
        return pd.DataFrame(index=by_target["estimator"].unique() if len(by_target) else [])
    means = by_target.groupby(["estimator", "target"], sort=False).mean(numeric_only=True)
    return pd.DataFrame(
        {
            f"{score}: {name}": means[score].xs(name, level="target")
            for score in scores
            if score in means
            for name in names
        }
    )


def _with_base(pair, base, tested):
    """Return labels, predictions and the baseline's predictions of the tested rows on the same steps."""
    true, pred = pair
    beside, _ = paired_targets(base.predictions.take(tested), pred)
    return true, pred, replace(true, values=np.where(np.isnan(true.values), np.nan, beside.values))


def _options(samples, bootstrap):
    columns = samples.group_columns
    groups = None if columns is None else columns.iloc[samples.tested]
    n_groups = len(samples.tested) if groups is None else len(groups.drop_duplicates())
    most = min(bootstrap["n_resamples"], max(_FEWEST, _COUNTS // max(n_groups, 1)))
    return {"groups": groups, "n_resamples": most, "random_state": bootstrap["random_state"]}


def _shares(samples, pairs, factors):
    """Return shares of the variance of the labels, by chance, and of what models explain."""
    tested = [replace(factor, codes=factor.codes[samples.tested]) for factor in factors]
    labels = samples.targets.take(samples.tested).counted
    names = labels.form.target_names
    rows = _with_mean("labels", names, [one.shares() for one in products(labels, labels, tested)])
    rows += _with_mean("by chance", names, by_chance(labels, tested))
    for model, own in pairs.items():
        seeds = [[one.explained() for one in products(true, pred, tested)] for true, pred, _ in own]
        means = [_mean([seed[k] for seed in seeds]) for k in range(len(names))]
        rows += _with_mean(model, names, means)
    return shares_table(rows)


def _with_mean(of, names, own):
    rows = [(of, name, parts) for name, parts in zip(names, own)]
    return rows if len(names) == 1 else [*rows, (of, "mean", _mean(own))]


def _mean(parts):
    return {part: float(np.mean([own[part] for own in parts])) for part in parts[0]}


def _notes(samples, factors):
    """Return sentences on how many test rows have a stimulus or person that is new."""
    lines = []
    for factor in factors:
        known = factor.known(samples.folds)
        if known < 1 and factor.role != "other":
            share = "Every test row" if known == 0 else f"{100 * (1 - known):.0f} % of the test rows"
            lines.append(f"{share} {'has' if known == 0 else 'have'} a {factor.name!r} that is new.")
    return lines


def _same(samples, factors):
    """Return sentences on streams that name what test rows share with training rows."""
    taken = {factor.name for factor in factors}
    # what is known of a person, such as the age, goes with the person
    of_people = set(map(str, metadata_columns(samples.X))) if sequence_columns(samples.X) else set()
    left_out = {"stimulus": taken, "person": taken | of_people}
    return [
        found.sentence(factor.name)
        for factor in factors
        if factor.role in left_out and factor.known(samples.folds) > 0
        for found in same_within(samples.X, factor, leave_out=left_out[factor.role])
    ]
