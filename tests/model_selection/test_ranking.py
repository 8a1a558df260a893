import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats
from sklearn.linear_model import Ridge

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


def test_ranks_friedman_and_nemenyi():
    ranking = rank_estimators(SCORES)
    by_hand = np.mean([stats.rankdata(-line) for line in SCORES.to_numpy()], axis=0)
    np.testing.assert_allclose(ranking.table["rank"][SCORES.columns], by_hand)
    assert round(ranking.critical_difference, 2) == 1.25
    chi2 = stats.friedmanchisquare(*SCORES.to_numpy().T).statistic
    assert ranking.p_friedman == pytest.approx(stats.f.sf(13 * chi2 / (14 * 3 - chi2), 3, 39))
    assert rank_estimators(SCORES, level=0.9).critical_difference == pytest.approx(1.12, abs=0.005)


def test_cliques_are_maximal_and_ordered():
    ranking = rank_estimators(SCORES)
    assert ranking.cliques() == [["C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"]]
    rng = np.random.default_rng(0)
    levels = np.repeat([[0.0, 0.1, 3.0, 3.1]], 40, axis=0) + rng.normal(scale=0.3, size=(40, 4))
    apart = rank_estimators(pd.DataFrame(levels, columns=list("abcd")))
    assert [set(clique) for clique in apart.cliques()] == [{"c", "d"}, {"a", "b"}]


def test_errors_rank_the_other_way_and_equal_scores_tell_nothing():
    up, down = rank_estimators(SCORES), rank_estimators(-SCORES, higher_is_better=False)
    pd.testing.assert_series_equal(up.table["rank"], down.table["rank"])
    same = rank_estimators(pd.DataFrame(np.ones((3, 2))))
    assert same.p_friedman == 1.0
    always = rank_estimators(pd.DataFrame({"a": [1.0, 2.0], "b": [0.0, 1.0]}))
    assert always.p_friedman == 0.0


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
    assert rank_estimators(results, higher_is_better=False).table.index[0] == "strong"


def test_diagram_shows_ranks_names_and_cliques():
    ax = rank_estimators(SCORES).plot(Figure().subplots())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"]
    ranks, bar = ax.lines
    np.testing.assert_allclose(ranks.get_xdata(), rank_estimators(SCORES).table["rank"])
    assert bar.get_ydata()[0] < 0 < 3 < bar.get_ydata()[1]


def test_errors():
    with pytest.raises(ValueError, match="At least 2 data sets and 2 estimators are needed; got 1 and 4"):
        rank_estimators(SCORES.iloc[:1])
    with pytest.raises(ValueError, match="'b' has no score on 'y'"):
        rank_estimators(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.nan]}, index=["x", "y"]))
