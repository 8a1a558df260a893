"""Pairs of estimators on the same folds and resamples, of one or several comparisons."""

import numpy as np

from avfusion._kept_fits._hashing import fingerprint
from avfusion.metrics._bootstrap import mean_resamples
from avfusion.model_selection.comparison._corrected_test import corrected_resampled_t_test
from avfusion.model_selection.comparison._one_target import comparison_of, position_of, tables_of
from avfusion.model_selection.comparison._rescoring import evaluation_of, score_of


class Pairs:
    """Scores of the same resamples for every estimator, made when they are asked for, and kept.

    Parameters
    ----------
    repeats : list of Comparison
        Several are repeats of the cross-validation.
    scores : list of str, optional
        Names of scores; by default the first one.
    n_resamples, random_state : as in `avfusion.metrics.bootstrap_interval`

    Raises
    ------
    ValueError
        If these are no repeats of one comparison, or have no such score.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> result = compare({"a": Ridge(), "b": Ridge(9.0)}, X, X[:, 0], scoring="mae", verbose=False)
    >>> bool(Pairs([result]).line("b", "a", "mae")["difference"] > 0)
    True
    """

    def __init__(self, repeats, scores=None, n_resamples=2000, random_state=0):
        _check_repeats(repeats)
        self._repeats, self._options = repeats, {"n_resamples": n_resamples, "random_state": random_state}
        names = [repeats[0].scores[0]] if scores is None else scores
        self.scores = {name: _score_of(repeats, name) for name in names}
        self.estimators = list(repeats[0].predictions)
        self._evaluations = [evaluation_of(repeat, self.scores) for repeat in repeats]
        self._several_targets = len(repeats[0].target_names) > 1
        self._several_seeds = (
            max(len(own) for repeat in repeats for own in repeat.seed_predictions.values()) > 1
        )
        self._kept, self._tables, self._folds = {}, {}, {}
        # rows that a fold trains on and tests, on average
        sizes = [repeat.folds.groupby("fold")[["n_train", "n_test"]].first().mean() for repeat in repeats]
        self._sizes = np.mean(sizes, axis=0)

    @property
    def columns(self):
        """Return the columns of a line, in their order."""
        columns = ["difference", "low", "high", "fold_difference", "t", "p"]
        return columns[:3] + ["seed_std"] * self._several_seeds + columns[3:]

    @property
    def n_folds(self):
        """Return the number of folds of all repeats."""
        return sum(repeat.settings["n_folds"] for repeat in self._repeats)

    def failed(self, score):
        """Return the estimators that have no score, since they failed in a fold.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from avfusion.model_selection import compare
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> Pairs([compare({"a": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)]).failed("mae")
        []
        """
        return [n for n in self.estimators if any(np.isnan(r.table.loc[n, score]) for r in self._repeats)]

    def line(self, estimator, reference, score, target=None, level=0.95):
        """Return the difference of two estimators, its interval and the test over folds.

        Parameters
        ----------
        estimator, reference, score : str
        target : str, optional
            By default the mean over targets.
        level : float, default=0.95

        Returns
        -------
        dict
            With the keys of `columns`; NaN where an estimator failed.

        Examples
        --------
        >>> from sklearn.linear_model import Ridge
        >>> from avfusion.model_selection import compare
        >>> X = np.random.default_rng(0).normal(size=(50, 2))
        >>> result = compare({"a": Ridge(), "b": Ridge(9.0)}, X, X[:, 0], scoring="mae", verbose=False)
        >>> list(Pairs([result]).line("b", "a", "mae"))
        ['difference', 'low', 'high', 'fold_difference', 't', 'p']
        """
        if {estimator, reference} & set(self.failed(score)):
            return dict.fromkeys(self.columns, np.nan)
        tables = self._tables_of(target)
        pooled = [of.table.loc[estimator, score] - of.table.loc[reference, score] for of in tables]
        drawn = self._drawn(estimator, score, target) - self._drawn(reference, score, target)
        low, high = drawn.interval(level)
        line = {"difference": np.mean(pooled), "low": low, "high": high}
        if self._several_seeds:
            line["seed_std"] = _seed_std(tables, estimator, reference, score)
        differences = self._fold_differences(estimator, reference, score, target)
        # no fold may have labels of every target
        line["fold_difference"] = np.mean(differences) if len(differences) else np.nan
        line["t"], line["p"] = corrected_resampled_t_test(differences, *self._sizes)
        return line

    def _tables_of(self, target):
        if target not in self._tables:
            self._tables[target] = [tables_of(repeat, target) for repeat in self._repeats]
        return self._tables[target]

    def _fold_differences(self, estimator, reference, score, target):
        """Return the differences of all folds of all repeats."""
        if target not in self._folds:
            # means over seeds: these are no other draws of the training rows
            runs = [of.folds.groupby(["estimator", "fold"], sort=False) for of in self._tables_of(target)]
            self._folds[target] = [own[list(self.scores)].mean(skipna=False) for own in runs]
        scores = [own[score] for own in self._folds[target]]
        return np.concatenate([(own.loc[estimator] - own.loc[reference]).dropna() for own in scores])

    def _drawn(self, estimator, score, target):
        """Return scores of the same resamples of groups, averaged over seeds and repeats."""
        if estimator not in self._kept:
            self._kept[estimator] = self._resampled(self._evaluations, estimator)
        drawn = self._kept[estimator][score]
        if target is None or not self._several_targets:
            return drawn
        if drawn.targets:
            return drawn.targets[position_of(self._repeats[0], target)]
        key = estimator, score, target  # a scorer, which is called for each resample
        if key not in self._kept:
            parts = [comparison_of(repeat, target) for repeat in self._repeats]
            evaluations = [evaluation_of(part, {score: self.scores[score]}) for part in parts]
            self._kept[key] = self._resampled(evaluations, estimator)[score]
        return self._kept[key]

    def _resampled(self, evaluations, estimator):
        several = [
            evaluation.resampled(estimator, seed, by_target=self._several_targets, **self._options)
            for evaluation in evaluations
            for seed in range(len(evaluation.predictions[estimator]))
        ]
        return {score: mean_resamples([own[score] for own in several]) for score in several[0]}


def _check_repeats(repeats):
    """Refuse comparisons that are not of the same estimators on the same rows."""
    first = repeats[0]
    for number, repeat in enumerate(repeats[1:], start=2):
        same = {
            "estimators": list(repeat.predictions) == list(first.predictions),
            "samples or labels": repeat.settings["data"] == first.settings["data"],
            "weights": repeat.settings.get("sample_weight") == first.settings.get("sample_weight"),
            "groups": fingerprint(repeat.group_of_row) == fingerprint(first.group_of_row),
            "tested rows": np.array_equal(repeat.fold_of_row >= 0, first.fold_of_row >= 0),
        }
        other = [what for what, is_same in same.items() if not is_same]
        if other:
            raise ValueError(
                f"The comparisons are no repeats of one: number {number} has other "
                f"{' and other '.join(other)} than the first."
            )


def _score_of(repeats, name):
    """Return the `Score` of a name, if it gives what stands in all tables: a name may stand for anything."""
    score, *_ = (score_of(repeat, name) for repeat in repeats)
    for number, repeat in enumerate(repeats, start=1):
        evaluation = evaluation_of(repeat, {name: score})
        for estimator, value in repeat.table[name].dropna().items():
            runs = range(len(evaluation.predictions[estimator]))
            own = [evaluation.of_rows(estimator, evaluation.tested, seed)[name] for seed in runs]
            if not np.isclose(np.mean(own), value):
                raise ValueError(
                    f"The score {name!r} of comparison {number} is another function than that of "
                    f"{'this package' if repeats[0].recipe is None else 'the first'}."
                )
    return score


def _seed_std(tables, estimator, reference, name):
    """Return the standard deviation of the difference over pairs of equal seeds; NaN if there are none."""
    both = estimator, reference
    runs = [[of.seeds.loc[of.seeds["estimator"] == one, name].to_numpy() for one in both] for of in tables]
    if len({len(scores) for pair in runs for scores in pair}) > 1 or len(runs[0][0]) == 1:
        return np.nan
    return float(np.mean([scores - other for scores, other in runs], axis=0).std(ddof=1))
