"""The corrected resampled t-test, and Holm's adjustment."""

import numpy as np
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, RepeatedStratifiedKFold
from sklearn.svm import SVC

from avfusion.model_selection import corrected_resampled_t_test
from avfusion.model_selection.comparison._corrected_test import holm


def test_the_example_in_scikit_learns_documentation():
    # "Statistical comparison of models using grid search": t = 0.750, one-sided p = 0.227
    X, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    cv = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    search = GridSearchCV(SVC(random_state=0), {"kernel": ["linear", "rbf"]}, scoring="roc_auc", cv=cv).fit(
        X, y
    )
    linear, rbf = (
        np.array([search.cv_results_[f"split{k}_test_score"][row] for k in range(100)]) for row in (0, 1)
    )
    t, p = corrected_resampled_t_test(rbf - linear, n_train=90, n_test=10)
    assert round(t, 3) == 0.750
    assert round(p / 2, 3) == 0.227


def test_holm_as_r_computes_it():
    np.testing.assert_allclose(holm([0.01, 0.02, 0.03, 0.04, 0.05]), [0.05, 0.08, 0.09, 0.09, 0.09])
    np.testing.assert_allclose(holm([0.7, np.nan, 0.6]), [1.0, np.nan, 1.0])
    assert holm([]).shape == (0,)


def test_degenerate_folds():
    assert np.isnan(corrected_resampled_t_test([0.1], 8, 2)).all()
    assert corrected_resampled_t_test([0.1, 0.1], 8, 2) == (np.inf, 0.0)
    assert corrected_resampled_t_test([-0.1, -0.1], 8, 2) == (-np.inf, 0.0)


def test_ties_are_called_different_at_the_nominal_rate_where_the_plain_test_is_not():
    rng = np.random.default_rng(0)
    plain, corrected = [], []
    for trial in range(150):
        X, y = rng.normal(size=(50, 4)), rng.normal(size=50)
        scores = {}
        for name, columns in (("a", [0, 1]), ("b", [2, 3])):
            scores[name] = [
                np.abs(
                    Ridge(1e-3).fit(X[train][:, columns], y[train]).predict(X[test][:, columns]) - y[test]
                ).mean()
                for repeat in range(3)
                for train, test in KFold(10, shuffle=True, random_state=1000 * trial + repeat).split(X)
            ]
        d = np.subtract(scores["a"], scores["b"])
        plain.append(stats.ttest_1samp(d, 0).pvalue < 0.05)
        corrected.append(corrected_resampled_t_test(d, 45, 5)[1] < 0.05)
    assert np.mean(plain) > 0.12
    assert np.mean(corrected) <= 0.07


def test_a_masked_difference_is_unknown():
    differences = np.ma.array([0.02, 0.05, 9.0], mask=[0, 0, 1])
    assert np.isnan(corrected_resampled_t_test(differences, 80, 20)).all()
