import math
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer, max_error

from avfusion.metrics import mean_absolute_error
from avfusion.model_selection import compare, rank_estimators

# AUC of four variants of a tree learner on 14 data sets, much like the example of Demsar (2006), whose
# critical difference is 1.25 (1.12 at the 10 % level)
SCORES = pd.DataFrame(
    [
        [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.975, 0.975], [0.957, 0.978, 0.946, 0.970],
    ],
    columns=["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"],
)  # fmt: skip


def ranked(scores, **options):
    return rank_estimators(scores, higher_is_better=True, **options)


def test_ranks_and_nemenyi():
    ranking = ranked(SCORES)
    by_hand = np.mean([stats.rankdata(-line) for line in SCORES.to_numpy()], axis=0)
    np.testing.assert_allclose(ranking.table["rank"][SCORES.columns], by_hand)
    assert round(ranking.critical_difference, 2) == 1.25
    assert ranked(SCORES, level=0.9).critical_difference == pytest.approx(1.12, abs=0.005)


def unequal(orders):
    return (np.sum(orders, axis=0) - np.mean(np.sum(orders, axis=0))) @ np.sum(orders, axis=0)


@pytest.mark.parametrize(
    "scores",
    [
        [[1, 2, 3], [1, 3, 2], [1, 2, 3]],  # p = .194 in the tables for three and three
        [[1, 2, 3], [1, 2, 3], [1, 2, 3]],  # p = .028
        [[1, 2, 3], [1, 1, 2], [2, 2, 2], [1, 3, 2]],
        [[4, 3, 2, 1], [4, 2, 3, 1], [3, 4, 2, 1]],
        [[1, 2, 3, 4, 5], [2, 1, 3, 5, 4]],
    ],
)
def test_friedman_counts_all_orders_of_the_ranks(scores):
    ranks = [stats.rankdata(line) for line in scores]
    every = [unequal(orders) for orders in product(*(list(permutations(row)) for row in ranks))]
    expected = np.mean(np.array(every) >= unequal(ranks) - 1e-9)
    assert ranked(pd.DataFrame(scores, dtype=float)).p_friedman == pytest.approx(expected)


@pytest.mark.parametrize(("wins", "losses", "ties"), [(3, 0, 0), (5, 1, 0), (9, 4, 2), (4, 4, 0)])
def test_friedman_of_two_estimators_is_the_sign_test(wins, losses, ties):
    a = np.repeat([2.0, 0.0, 1.0], [wins, losses, ties])
    p = ranked(pd.DataFrame({"a": a, "b": 1.0})).p_friedman
    assert p == pytest.approx(stats.binomtest(wins, wins + losses).pvalue)


def test_friedman_of_the_example_is_what_shuffled_ranks_give():
    rng = np.random.default_rng(0)
    ranks = np.array([stats.rankdata(line) for line in SCORES.to_numpy()])
    drawn = [unequal(rng.permuted(ranks, axis=1)) for _ in range(20_000)]
    p = np.mean(np.array(drawn) >= unequal(ranks) - 1e-9)
    assert ranked(SCORES).p_friedman == pytest.approx(p, abs=4 * np.sqrt(p / 20_000))


def test_friedman_of_many_is_in_the_form_of_iman_and_davenport():
    rng = np.random.default_rng(0)
    scores = pd.DataFrame(rng.normal(size=(25, 5)) + 0.2 * np.arange(5)).round(1)
    chi2 = stats.friedmanchisquare(*scores.to_numpy().T).statistic
    expected = stats.f.sf(24 * chi2 / (25 * 4 - chi2), 4, 96)
    assert ranked(scores).p_friedman == pytest.approx(expected)
    alike = pd.DataFrame(np.tile(np.arange(9.0), (2, 1)))
    assert ranked(alike).p_friedman == pytest.approx(1 / math.factorial(9))


def test_cliques_are_maximal_and_ordered():
    ranking = ranked(SCORES)
    assert ranking.cliques() == [["C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"]]
    rng = np.random.default_rng(0)
    levels = np.repeat([[0.0, 0.1, 3.0, 3.1]], 40, axis=0) + rng.normal(scale=0.3, size=(40, 4))
    apart = ranked(pd.DataFrame(levels, columns=list("abcd")))
    assert [set(clique) for clique in apart.cliques()] == [{"c", "d"}, {"a", "b"}]


def test_errors_rank_the_other_way_and_equal_scores_tell_nothing():
    up, down = ranked(SCORES), rank_estimators(-SCORES, higher_is_better=False)
    pd.testing.assert_series_equal(up.table["rank"], down.table["rank"])
    same = ranked(pd.DataFrame(np.ones((3, 2))))
    assert same.p_friedman == 1.0


def test_from_comparisons():
    X = np.random.default_rng(0).normal(size=(40, 2))
    models = {"weak": Ridge(1e4), "strong": Ridge(1e-3)}
    results = {
        name: compare(models, X, X[:, column], verbose=False, scoring=("mae", "ccc"))
        for column, name in enumerate(("one", "two"))
    }
    ranking = rank_estimators(results, score="ccc")
    assert ranking.table["rank"].to_dict() == {"strong": 1.0, "weak": 2.0}
    assert ranking.table.loc["weak", "score"] == np.mean(
        [r.table.loc["weak", "ccc"] for r in results.values()]
    )
    assert results["one"].scores[0] == "mae"
    assert rank_estimators(results).table.index[0] == "strong"
    assert rank_estimators(results, higher_is_better=True).table.index[0] == "weak"


@pytest.mark.parametrize(
    "scoring",
    ["mae", "rmse", "neg_mae", "ccc", "r2", "neg_median_absolute_error", {"CCC": "ccc"},
     {"ccc": mean_absolute_error}, {"worst": make_scorer(max_error, greater_is_better=False)}],
)  # fmt: skip
def test_the_score_tells_which_end_is_best(scoring):
    X = np.random.default_rng(0).normal(size=(40, 2))
    models = {"weak": Ridge(1e4), "strong": Ridge(1e-3)}
    results = {
        name: compare(models, X, X[:, column], verbose=False, scoring=scoring)
        for column, name in enumerate(("one", "two"))
    }
    assert rank_estimators(results).table.index[0] == "strong"


def test_names_tell_of_a_table_which_end_is_best():
    assert rank_estimators(SCORES, score="mae").table.index[0] == "C4.5"
    assert rank_estimators(SCORES, score="ccc").table.index[0] == "C4.5+m+cf"
    with pytest.raises(ValueError, match="The direction of the score is not known"):
        rank_estimators(SCORES)
    with pytest.raises(ValueError, match="scoring='auc' is not known"):
        rank_estimators(SCORES, score="auc")
    assert rank_estimators(SCORES, score="auc", higher_is_better=True).table.index[0] == "C4.5+m+cf"


def test_a_direction_that_nobody_knows_is_asked_for():
    def last_error(estimator, X, y):
        return float(abs(estimator.predict(X)[-1] - y[-1]))

    X = np.random.default_rng(0).normal(size=(40, 2))
    models = {"weak": Ridge(1e4), "strong": Ridge(1e-3)}
    one, two, three = (
        compare(models, X, X[:, 0], verbose=False, scoring={"own": function})
        for function in (last_error, "mae", "ccc")
    )
    for pair in ({"x": one, "y": one}, {"x": two, "y": three}):
        with pytest.raises(ValueError, match="The direction of 'own' is not known"):
            rank_estimators(pair)
    assert rank_estimators({"x": one, "y": one}, higher_is_better=False).table.index[0] == "strong"
    with pytest.raises(ValueError, match="There is no score 'ccc'; the scores are own"):
        rank_estimators({"x": one, "y": two}, score="ccc")


def test_diagram_shows_ranks_names_and_cliques():
    ax = ranked(SCORES).plot(Figure().subplots())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"]
    ranks, bar = ax.lines
    np.testing.assert_allclose(ranks.get_xdata(), ranked(SCORES).table["rank"])
    assert bar.get_ydata()[0] < 0 < 3 < bar.get_ydata()[1]


def test_errors():
    with pytest.raises(ValueError, match="At least 2 data sets and 2 estimators are needed; got 1 and 4"):
        ranked(SCORES.iloc[:1])
    with pytest.raises(ValueError, match="At least 2 data sets and 2 estimators are needed; got 0 and 0"):
        rank_estimators({})
    for level in (95, 0, 1, -0.5):
        with pytest.raises(ValueError, match=f"level must lie between 0 and 1, not {level}"):
            ranked(SCORES, level=level)
    with pytest.raises(ValueError, match="'b' has no score on 'y'"):
        ranked(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.nan]}, index=["x", "y"]))


def test_ranks_on_one_target():
    data = [np.random.default_rng(seed).normal(size=(40, 2)) for seed in range(3)]
    models = {"a": Ridge(1e3), "b": Ridge()}
    results = {
        f"set {k}": compare(models, X, X + np.array([0.0, 5.0]), scoring="mae", cv=2, verbose=False)
        for k, X in enumerate(data)
    }
    ranking = rank_estimators(results, target="target 1")
    expected = pd.DataFrame({name: of.of_target("target 1").table["mae"] for name, of in results.items()})
    np.testing.assert_allclose(ranking.table.loc["b", "score"], expected.loc["b"].mean())
    with pytest.raises(ValueError, match="There is no target 'joy'"):
        rank_estimators(results, target="joy")
    with pytest.raises(ValueError, match="target is for comparisons"):
        rank_estimators(expected.T, target="joy", score="mae")
