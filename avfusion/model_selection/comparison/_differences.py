"""Comparison of a model with another: differences on the same folds and groups, with intervals and tests.

Two uncertainties are kept apart. Another sample of recordings or speakers would give other scores: that is
the paired bootstrap over groups, of the models as they were trained. Another draw of the training rows would
give other models: that is the corrected resampled t-test over folds, whose plain form is far too sure of
itself, since folds share most of their training rows.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from avfusion._kept_fits._hashing import fingerprint
from avfusion.model_selection.comparison._comparison import evaluation_of, score_of
from avfusion.sequences._messages import quoted
from avfusion.sequences._plain_arrays import plain_parts

__all__ = ["corrected_resampled_t_test", "holm", "paired_differences"]


def paired_differences(
    comparison, reference, *, score=None, level=0.95, n_resamples=2000, random_state=0
) -> pd.DataFrame:
    """Compare every estimator of a comparison with one of them.

    Parameters
    ----------
    comparison : Comparison or list of Comparison
        What `avfusion.compare` returned; several of the same estimators, rows, labels and groups are repeats
        of the cross-validation with other folds, such as ``cv=GroupKFold(5, shuffle=True,
        random_state=repeat)``.
    reference : str
        Name of the estimator that the others are compared with.
    score : str, optional
        Name of the score in the comparison; by default the first. Metrics of `avfusion.metrics` take
        milliseconds, any other is called once per resample.
    level : float, default=0.95
        Probability that an interval covers.
    n_resamples : int, default=2000
        Number of bootstrap resamples.
    random_state : int, default=0
        Seed of the bootstrap.

    Returns
    -------
    DataFrame
        One row per other estimator: "difference" of the pooled scores (mean of the repeats); "low" and
        "high", its interval by bootstrap over groups (rows where there are none), the same resamples for both
        and for all repeats; "fold_difference" (mean over the folds of all repeats); "t" and "p" of the
        corrected resampled t-test over folds, NaN if there is one fold only; and "p_holm", p adjusted for the
        number of estimators. All is NaN for an estimator that failed in a fold, which p_holm does not count.
        With several seeds, scores are means over seeds, and "seed_std" is the standard deviation of the
        difference over pairs of equal seeds. The interval and p concern two questions, other people and other
        training sets: an interval without 0 may stand beside a p above .05.

    Raises
    ------
    ValueError
        If there is no such estimator or score, the reference failed in a fold, the comparisons are not of the
        same estimators, rows, labels, groups and score, `level` is not between 0 and 1, or `n_resamples` is
        below 1.

    See Also
    --------
    corrected_resampled_t_test : The test.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from avfusion.model_selection import compare, paired_differences
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> models = {"weak": Ridge(1e3), "strong": Ridge(1.0)}
    >>> result = compare(models, X, X[:, 0] + rng.normal(size=200), scoring="ccc", verbose=False)
    >>> table = paired_differences(result, "weak")
    >>> bool(table.loc["strong", "low"] > 0)
    True
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}.")
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be 1 or more, not {n_resamples}.")
    repeats = list(comparison) if isinstance(comparison, (list, tuple)) else [comparison]
    _check_repeats(repeats)
    name = repeats[0].scores[0] if score is None else score
    if reference not in repeats[0].predictions:
        known = quoted(repeats[0].predictions)
        raise ValueError(f"There is no estimator {reference!r}. The estimators are {known}.")
    score = _score_of(repeats, name)
    failed = [n for n in repeats[0].predictions if any(np.isnan(r.table.loc[n, name]) for r in repeats)]
    if reference in failed:
        raise ValueError(f"{reference!r} has no {name}: it failed in a fold. Take another reference.")
    evaluations = [evaluation_of(repeat, {name: score}) for repeat in repeats]
    options = {"n_resamples": n_resamples, "random_state": random_state}
    of_reference = _resampled(evaluations, reference, **options)
    columns = ["difference", "low", "high", "fold_difference", "t", "p"]
    several = max(len(own) for repeat in repeats for own in repeat.seed_predictions.values()) > 1
    lines = {}
    for estimator in repeats[0].predictions:
        if estimator == reference:
            continue
        if estimator in failed:
            lines[estimator] = dict.fromkeys(columns, np.nan)
            continue
        of_estimator = _resampled(evaluations, estimator, **options)
        by_fold, n_train, n_test = _fold_differences(repeats, estimator, reference, name)
        pooled = [r.table.loc[estimator, name] - r.table.loc[reference, name] for r in repeats]
        interval = (of_estimator - of_reference).interval(level)
        test = corrected_resampled_t_test(by_fold, n_train, n_test)
        mean = np.mean(by_fold) if len(by_fold) else np.nan  # no fold has labels of every target
        lines[estimator] = dict(zip(columns, (np.mean(pooled), *interval, mean, *test)))
        if several:
            lines[estimator]["seed_std"] = _seed_std(repeats, estimator, reference, name)
    columns = columns[:3] + ["seed_std"] * several + columns[3:]
    table = pd.DataFrame.from_dict(lines, orient="index", columns=columns).rename_axis("estimator")
    return table.assign(p_holm=holm(table["p"].to_numpy()))


def _check_repeats(repeats):
    """Refuse comparisons that are not of the same estimators on the same rows."""
    if not repeats:
        raise ValueError("comparison is an empty list. Give a Comparison, or a list with one or more.")
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


def _resampled(evaluations, estimator, **options):
    """Scores of resamples of groups, averaged over seeds and repeats, whose resamples are the same."""
    resamples = [
        evaluation.resampled(estimator, seed, **options)
        for evaluation in evaluations
        for seed in range(len(evaluation.predictions[estimator]))
    ]
    scores = [next(iter(own.values())) for own in resamples]
    return replace(scores[0], scores=np.mean([own.scores for own in scores], axis=0))


def _seed_std(repeats, estimator, reference, name):
    """Return the standard deviation of the difference over pairs of equal seeds; NaN if there are none."""
    both = estimator, reference
    runs = [[_by_seed(repeat, which)[name].to_numpy() for which in both] for repeat in repeats]
    if len({len(scores) for pair in runs for scores in pair}) > 1 or len(runs[0][0]) == 1:
        return np.nan
    return float(np.mean([scores - other for scores, other in runs], axis=0).std(ddof=1))


def _by_seed(comparison, estimator):
    return comparison.seeds[comparison.seeds["estimator"] == estimator]


def _fold_differences(repeats, estimator, reference, name):
    """Differences of all folds of all repeats, and how many rows a fold trains on and tests on average."""
    differences, sizes = [], []
    for repeat in repeats:
        # means over seeds: these are no other draws of the training rows
        folds = repeat.folds.groupby(["estimator", "fold"], sort=False)
        scores = folds[name].agg(lambda seeds: seeds.mean(skipna=False))
        differences.append((scores.loc[estimator] - scores.loc[reference]).dropna())
        sizes.append(folds[["n_train", "n_test"]].first().loc[reference].mean())
    n_train, n_test = np.mean(sizes, axis=0)
    return np.concatenate(differences), n_train, n_test


def corrected_resampled_t_test(differences, n_train, n_test):
    r"""Test whether two models differ, from their differences in overlapping folds.

    .. math::

        t = \bar d \Big/ \sqrt{\left(\frac{1}{J} + \frac{n_{test}}{n_{train}}\right) s^2}

    with J folds (of all repeats together), their mean difference and sample variance :math:`s^2`, and J - 1
    degrees of freedom. The second term makes up for what folds have in common.

    Parameters
    ----------
    differences : array-like of shape (J,)
        Score of one model minus score of the other, for each fold.
    n_train, n_test : float
        Rows trained on and tested, or whatever is drawn, such as speakers; only their ratio matters.

    Returns
    -------
    t : float
        NaN with fewer than two folds.
    p : float
        Two-sided. 1 where the models are equal in every fold.

    References
    ----------
    C. Nadeau, Y. Bengio. Inference for the generalization error. Machine Learning 52, 2003.

    Examples
    --------
    >>> from avfusion.model_selection import corrected_resampled_t_test
    >>> t, p = corrected_resampled_t_test([0.02, 0.05, 0.03, 0.06, 0.01], n_train=80, n_test=20)
    >>> round(t, 2), round(p, 3)
    (2.44, 0.071)
    """
    differences = np.asarray(plain_parts(differences), dtype=float)
    n_folds = len(differences)
    if n_folds < 2:
        return np.nan, np.nan
    mean, variance = differences.mean(), differences.var(ddof=1)
    if variance == 0:
        return (0.0, 1.0) if mean == 0 else (float(np.copysign(np.inf, mean)), 0.0)
    t = mean / np.sqrt((1 / n_folds + n_test / n_train) * variance)
    return float(t), float(2 * stats.t.sf(abs(t), n_folds - 1))


def holm(p_values):
    """Adjust p-values for their number, so that the chance of any false alarm stays at the level (Holm 1979).

    Parameters
    ----------
    p_values : array-like of shape (n,)
        NaN counts for nothing and stays.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> from avfusion.model_selection.comparison._differences import holm
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p_values = np.asarray(p_values, dtype=float)
    adjusted = p_values.copy()
    order = np.flatnonzero(~np.isnan(p_values))
    order = order[np.argsort(p_values[order], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted
