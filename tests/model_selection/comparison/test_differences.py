from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, max_error
from sklearn.model_selection import GroupKFold, KFold

import avfusion as av
from avfusion.metrics import ccc_score, pcc_score
from avfusion.metrics._scores import resolve_scoring
from avfusion.model_selection import compare, corrected_resampled_t_test, paired_differences
from avfusion.model_selection.comparison._corrected_test import holm
from avfusion.model_selection.comparison._differences import tables_of_pairs


def grouped_data(n_groups=12, steps=30, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    y = [rng.normal(size=steps) + rng.normal() for _ in range(n_groups)]
    X = av.as_sequences({"audio": [np.column_stack([v + noise * rng.normal(size=steps), v]) for v in y]})
    return X.assign(subject=np.arange(n_groups) // 2), y


@pytest.fixture(scope="module")
def comparison():
    X, y = grouped_data()
    models = {name: av.FrameRegressor(Ridge(alpha)) for name, alpha in [("a", 1.0), ("b", 30.0), ("c", 1e3)]}
    return compare(models, X, y, groups="subject", cv=3, verbose=False)


def test_bootstrap_of_a_difference_draws_the_same_groups_for_both(comparison):
    table = paired_differences(comparison, "c", n_resamples=500, random_state=5)
    y, groups = comparison.y, comparison.group_of_row
    names = np.unique(groups)
    rng = np.random.RandomState(5)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=500)
    for name in ("a", "b"):
        slow = []
        for count in counts:
            rows = np.concatenate([np.tile(np.flatnonzero(groups == g), n) for g, n in zip(names, count)])
            truth = [y[row] for row in rows.astype(int)]
            scores = [
                ccc_score(truth, [comparison.predictions[m][r] for r in rows.astype(int)])
                for m in (name, "c")
            ]
            slow.append(scores[0] - scores[1])
        tail = stats.norm.sf(np.sqrt(6 / 5) * stats.t.ppf(0.975, 5))  # 6 groups
        ends = np.quantile(slow, [tail, 1 - tail])
        np.testing.assert_allclose(table.loc[name, ["low", "high"]].astype(float), ends)
        expected = comparison.table.loc[name, "ccc"] - comparison.table.loc["c", "ccc"]
        assert table.loc[name, "difference"] == expected


def test_t_test_is_that_of_the_folds(comparison):
    table = paired_differences(comparison, "c", score="mae")
    folds = comparison.folds.set_index(["estimator", "fold"])
    d = folds.loc["a", "mae"] - folds.loc["c", "mae"]
    share = folds.loc["a", "n_test"].mean() / folds.loc["a", "n_train"].mean()
    # the plain t-test, with its variance of the mean blown up
    t = stats.ttest_1samp(d, 0).statistic / np.sqrt(1 + 3 * share)
    assert table.loc["a", "t"] == pytest.approx(t)
    assert table.loc["a", "p"] == pytest.approx(2 * stats.t.sf(abs(t), 2))
    assert table.loc["a", "fold_difference"] == pytest.approx(d.mean())
    np.testing.assert_allclose(table["p_holm"], holm(table["p"]))
    assert list(table.index) == ["a", "b"]


def test_repeats_count_all_their_folds_and_average_their_scores():
    X, y = grouped_data()
    models = {name: av.FrameRegressor(Ridge(alpha)) for name, alpha in [("a", 1.0), ("b", 1e3)]}
    repeats = [
        compare(models, X, y, groups="subject", cv=GroupKFold(3, shuffle=True, random_state=r), verbose=False)
        for r in range(4)
    ]
    line = paired_differences(repeats, "a", random_state=1).loc["b"]
    single = [paired_differences(r, "a", random_state=1).loc["b"] for r in repeats]
    assert line["difference"] == pytest.approx(np.mean([s["difference"] for s in single]))
    folds = pd.concat([r.folds for r in repeats], keys=range(4)).set_index("estimator", append=True)["ccc"]
    d = folds.xs("b", level="estimator").to_numpy() - folds.xs("a", level="estimator").to_numpy()
    assert len(d) == 12
    assert (line["t"], line["p"]) == pytest.approx(corrected_resampled_t_test(d, 2, 1))
    assert min(s["low"] for s in single) <= line["low"] <= max(s["low"] for s in single)


def test_equal_models_do_not_differ():
    X = np.random.default_rng(0).normal(size=(60, 3))
    result = compare({"a": Ridge(), "b": Ridge()}, X, X[:, 0], cv=KFold(3), scoring="mae", verbose=False)
    line = paired_differences(result, "a").loc["b"]
    assert line["difference"] == line["low"] == line["high"] == line["t"] == 0
    assert line["p"] == line["p_holm"] == 1


NUMBERS = np.random.default_rng(0).normal(size=(60, 3))
LABELS = NUMBERS[:, 0] + np.random.default_rng(1).normal(size=60)
GROUPS = np.repeat(np.arange(12), 5)


def of_numbers(models=None, y=LABELS, groups=GROUPS, seed=0, X=NUMBERS, scoring="mae"):
    models = {"a": Ridge(1e3), "b": Ridge(1.0)} if models is None else models
    cv = KFold(4, shuffle=True, random_state=seed) if groups is None else GroupKFold(4)
    return compare(models, X, y, groups=groups, cv=cv, scoring=scoring, verbose=False)


@pytest.mark.parametrize("name", ["mae", "worst"])
def test_a_scorer_of_ones_own_is_resampled_itself_whatever_its_name(name):
    result = of_numbers(scoring={name: make_scorer(max_error)})
    line = paired_differences(result, "a", n_resamples=300, random_state=3).loc["b"]
    rng, drawn = np.random.RandomState(3), []
    for _ in range(300):
        rows = np.concatenate([np.flatnonzero(group == GROUPS) for group in rng.randint(12, size=12)])
        errors = [max_error(LABELS[rows], result.predictions[model][rows]) for model in ("b", "a")]
        drawn.append(errors[0] - errors[1])
    tail = stats.norm.sf(np.sqrt(12 / 11) * stats.t.ppf(0.975, 11))
    np.testing.assert_allclose(line[["low", "high"]].astype(float), np.quantile(drawn, [tail, 1 - tail]))
    assert line["low"] <= line["difference"] <= line["high"]


def test_a_known_score_may_have_another_name():
    renamed = paired_differences(of_numbers(scoring={"CCC": "ccc", "r": pcc_score}), "a", score="r")
    pd.testing.assert_frame_equal(renamed, paired_differences(of_numbers(scoring="pcc"), "a"))


def test_one_name_for_two_functions_is_refused():
    ours, own = of_numbers(), of_numbers(scoring={"mae": make_scorer(max_error)})
    with pytest.raises(ValueError, match="score 'mae' of comparison 2 is another function than that of the"):
        paired_differences([ours, own], "a")
    with pytest.raises(ValueError, match="score 'mae' of comparison 1 is another function than that of this"):
        paired_differences(replace(own, recipe=None), "a")
    with pytest.raises(ValueError, match="There is no score 'mae'; the scores are ccc"):
        paired_differences([ours, of_numbers(scoring="ccc")], "a")
    whole = paired_differences(ours, "a")
    pd.testing.assert_frame_equal(paired_differences(replace(ours, recipe=None), "a"), whole)


class FailsSometimes(Ridge):
    def fit(self, X, y):
        if X[0, 0] == NUMBERS[0, 0]:  # in the folds that train on the first row
            raise ValueError("no")
        return super().fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_a_model_that_failed_has_a_line_without_numbers_and_holm_leaves_it_out():
    models = {"a": Ridge(1e3), "fails": FailsSometimes(), "b": Ridge(1.0), "c": Ridge(100.0)}
    with_failure = of_numbers(models)
    assert with_failure.table.loc["fails", "n_failed"] == 3
    whole = {name: model for name, model in models.items() if name != "fails"}
    table = paired_differences(with_failure, "a")
    assert list(table.index) == ["fails", "b", "c"]
    assert table.loc["fails"].isna().all()
    pd.testing.assert_frame_equal(table.drop("fails"), paired_differences(of_numbers(whole), "a"))
    repeats = [of_numbers(models | {"fails": Ridge()}), with_failure]
    assert paired_differences(repeats, "a").loc["fails"].isna().all()
    with pytest.raises(ValueError, match="'fails' has no mae: it failed in a fold"):
        paired_differences(with_failure, "fails")


@pytest.mark.parametrize(
    ("changes", "other"),
    [
        ({"y": LABELS[::-1]}, "samples or labels"),
        ({"X": NUMBERS[:, ::-1]}, "samples or labels"),
        ({"groups": GROUPS[::-1] // 2}, "groups"),
        ({"groups": None}, "groups"),
        ({"models": {"b": Ridge(1.0), "a": Ridge(1e3)}}, "estimators"),
        ({"models": {"a": Ridge()}, "y": LABELS + 1}, "estimators and other samples or labels"),
    ],
)
def test_what_is_no_repeat_is_refused(changes, other):
    with pytest.raises(ValueError, match=f"no repeats of one: number 3 has other {other} than the first"):
        paired_differences([of_numbers(), of_numbers(), of_numbers(**changes)], "a")


def test_repeats_test_the_same_rows():
    half = compare(
        {"a": Ridge(), "b": Ridge(9.0)}, NUMBERS, LABELS, groups=GROUPS, verbose=False, scoring="mae",
        cv=[(np.arange(30), np.arange(30, 60))],
    )  # fmt: skip
    assert np.isnan(paired_differences(half, "a").loc["b", "p"])
    with pytest.raises(ValueError, match="has other tested rows than the first"):
        paired_differences([half, of_numbers({"a": Ridge(), "b": Ridge(9.0)})], "a")


class Repeats(RegressorMixin, BaseEstimator):
    """Predicts its features, times a factor."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.factor * X


def test_folds_may_lack_labels_of_a_target():
    y = NUMBERS[:, :2].copy()
    y[:30, 0] = y[30:, 1] = np.nan
    folds = [(np.arange(30, 60), np.arange(30)), (np.arange(30), np.arange(30, 60))]
    models = {"a": Repeats(), "b": Repeats(2.0)}
    table = paired_differences(
        compare(models, NUMBERS[:, :2], y, cv=folds, scoring="mae", verbose=False), "a"
    )
    expected = (np.abs(NUMBERS[30:, 0]).mean() + np.abs(NUMBERS[:30, 1]).mean()) / 2
    assert table.loc["b", "difference"] == pytest.approx(expected)
    assert table.loc["b", "low"] < expected < table.loc["b", "high"]
    assert table.loc["b", ["fold_difference", "t", "p", "p_holm"]].isna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 95}, "level must lie between 0 and 1, not 95"),
        ({"level": 0}, "level must lie between 0 and 1, not 0"),
        ({"n_resamples": 0}, "n_resamples must be 1 or more, not 0"),
    ],
)
def test_options_out_of_range_are_refused_even_where_nothing_is_compared(options, message):
    with pytest.raises(ValueError, match=message):
        paired_differences(of_numbers({"a": Ridge()}), "a", **options)


def test_errors(comparison):
    with pytest.raises(ValueError, match="There is no score 'auc'; the scores are ccc, pcc, rmse, mae"):
        paired_differences(comparison, "a", score="auc")
    X = np.random.default_rng(0).normal(size=(12, 3))
    other = compare({name: Ridge() for name in "abc"}, X, X[:, 0], cv=2, verbose=False)
    with pytest.raises(ValueError, match="The comparisons are no repeats of one"):
        paired_differences([comparison, compare({"a": Ridge()}, X, X[:, 0], cv=2, verbose=False)], "a")
    assert len(paired_differences([other, other], "a")) == 2
    with pytest.raises(ValueError, match=r"There is no estimator 'd'. The estimators are 'a', 'b', 'c'"):
        paired_differences(comparison, "d")
    with pytest.raises(ValueError, match="comparison is an empty list"):
        paired_differences([], "a")


@pytest.mark.parametrize(
    ("low", "high", "p", "score", "expected"),
    [
        (0.1, 0.3, 0.01, "ccc", "better"),
        (-0.3, -0.1, 0.01, "ccc", "worse"),
        (-0.3, -0.1, 0.01, "mae", "better"),
        (0.1, 0.3, 0.01, "own", "higher"),
        (0.1, 0.3, 0.08, "ccc", "unclear: interval excludes 0, test does not (p_holm 0.08, 4 folds)"),
        (-0.1, 0.3, 0.01, "ccc", "unclear: test excludes 0 (p_holm 0.01), interval does not"),
        (-0.1, 0.3, 0.5, "ccc", "not shown"),
        (0.1, 0.3, np.nan, "ccc", "unclear: interval says better, no test with 1 fold"),
        (-0.1, 0.3, np.nan, "ccc", "not shown"),
        (np.nan, np.nan, 0.01, "ccc", "unclear: no interval"),
    ],
)
def test_interval_and_test_have_to_agree(low, high, p, score, expected):
    class Known:
        estimators, columns, n_folds = ["a", "b"], ["difference", "low", "high", "p"], 4
        scores = resolve_scoring({"ccc": "ccc", "mae": "mae", "own": lambda model, X, y: 0.0})

        def line(self, *names):
            return {
                "difference": np.nanmax([0.2, low]) if low > 0 else -0.2,
                "low": low,
                "high": high,
                "p": p,
            }

    table = tables_of_pairs(Known(), "a", score, [None])[None]
    assert table.loc["b", "conclusion"] == expected


def test_conclusions_of_real_comparisons():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    models = {"good": Ridge(), "bad": Ridge(1e4), "same": Ridge(1.001)}
    result = compare(models, X, X[:, 0] + rng.normal(size=300), cv=10, scoring="mae", verbose=False)
    assert paired_differences(result, "good")["conclusion"].to_dict() == {"bad": "worse", "same": "not shown"}
