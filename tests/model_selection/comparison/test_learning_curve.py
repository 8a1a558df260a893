import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict

import avfusion as av
from avfusion.metrics import ccc_score
from avfusion.model_selection import group_learning_curve
from avfusion.model_selection.comparison._learning_curve import LearningCurve

SEEN = []


class Remembers(RegressorMixin, BaseEstimator):
    """Remembers which groups it was trained on (the first feature)."""

    def fit(self, X, y):
        SEEN.append(frozenset(X[:, 0].astype(int)))
        return self

    def predict(self, X):
        return X[:, 0]


@pytest.fixture(scope="module")
def data():
    return av.datasets.make_audiovisual_regression(
        16, recordings_per_subject=2, audio_rate_hz=1, video_rate_hz=1, duration_s=(10, 20), random_state=0
    )


def test_all_groups_give_plain_cross_validation_and_fewer_give_less(data):
    X, y = data
    ridge = av.FrameRegressor(Ridge())
    curve = group_learning_curve(
        {"ridge": ridge}, X, y, groups="subject", cv=4, sizes=(1, 0.5, 1.0), verbose=False
    )
    assert curve.table["n_groups"].tolist() == [1, 3, 6]
    predicted = cross_val_predict(ridge, X, y, groups=X["subject"], cv=GroupKFold(4))
    assert curve.table["score"].iloc[-1] == pytest.approx(ccc_score(y, predicted))
    assert curve.table["score"].iloc[0] < curve.table["score"].iloc[-1]
    assert curve.score == "ccc"


def test_smaller_parts_are_contained_in_larger_ones_and_never_tested():
    groups = np.repeat(np.arange(9), 3)
    X = np.column_stack([groups, np.ones(27)]).astype(float)
    SEEN.clear()
    curve = group_learning_curve(
        {"r": Remembers()},
        X,
        X[:, 0],
        groups=groups,
        cv=3,
        sizes=(2, 4, 6),
        n_repeats=2,
        scoring="mae",
        verbose=False,
    )
    runs = np.array(SEEN).reshape(2, 3, 3)  # repeat, size, fold
    tests = [set(groups[test]) for _, test in GroupKFold(3).split(X, groups=groups)]
    for repeat in runs:
        for fold in range(3):
            small, middle, large = repeat[:, fold]
            assert small < middle < large == set(range(9)) - tests[fold]
            assert (len(small), len(middle)) == (2, 4)
    assert (runs[0] != runs[1]).any()
    assert list(curve.table["repeat"]) == [0, 0, 0, 1, 1, 1]


def test_plot_and_text(data):
    X, y = data
    models = {"weak": av.FrameRegressor(Ridge(1e4)), "strong": av.FrameRegressor(Ridge())}
    curve = group_learning_curve(models, X, y, groups="subject", cv=4, sizes=(2, 6), verbose=False)
    ax = curve.plot(Figure().subplots())
    assert [line.get_label() for line in ax.lines] == ["weak", "strong"]
    np.testing.assert_allclose(ax.lines[1].get_ydata(), curve.table.query("estimator == 'strong'")["score"])
    assert repr(curve).splitlines()[0] == "Learning curve, ccc:"
    assert "<table" in curve._repr_html_()


class NeedsGroups(RegressorMixin, BaseEstimator):
    """Fails with less than some number of groups, which are the first feature."""

    def __init__(self, least):
        self.least = least

    def fit(self, X, y):
        if len(np.unique(X[:, 0])) < self.least:
            raise ValueError("too few")
        return self

    def predict(self, X):
        return X[:, 0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_a_model_that_fails_is_shown_without_a_score():
    groups = np.repeat(np.arange(9), 3)
    X = groups[:, None].astype(float)
    models = {"never": NeedsGroups(99), "some": NeedsGroups(4), "always": NeedsGroups(1)}
    curve = group_learning_curve(
        models, X, X[:, 0] + 1, groups=groups, cv=3, sizes=(6, 2), n_repeats=2, scoring="mae", verbose=False
    )
    lines = repr(curve).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["n_groups", "2", "6"],
        ["estimator"],
        ["never", "NaN", "NaN"],
        ["some", "NaN", "1.0"],
        ["always", "1.0", "1.0"],
    ]
    assert "<td>NaN</td>" in curve._repr_html_()
    ax = curve.plot(Figure().subplots())
    assert [line.get_label() for line in ax.lines] == list(models)
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [np.nan, 1.0])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"sizes": ()}, "sizes is empty"), ({"n_repeats": 0}, "n_repeats must be 1 or more, not 0")],
)
def test_nothing_to_do_is_refused(data, options, message):
    X, y = data
    with pytest.raises(ValueError, match=message):
        group_learning_curve({"r": av.FrameRegressor(Ridge())}, X, y, groups="subject", cv=4, **options)


def test_errors(data):
    X, y = data
    models = {"ridge": av.FrameRegressor(Ridge())}
    for size in (0, 7, 1.5, -0.5):
        with pytest.raises(
            ValueError, match=r"sizes has .* must hold shares between 0 and 1, or numbers .* to 6"
        ):
            group_learning_curve(models, X, y, groups="subject", cv=4, sizes=(size,), verbose=False)
    with pytest.raises(ValueError, match="groups is needed"):
        group_learning_curve(models, X, y, groups=None, verbose=False)


def test_names_are_shown_and_not_obeyed_in_terminals_and_notebooks():
    columns = ["estimator", "n_groups", "seed", "score", "low", "high"]
    rows = [("<script>\x1b[2J", 2, 0, 0.1, 0.0, 0.2)]
    curve = LearningCurve(pd.DataFrame(rows, columns=columns), "<b>\u202e")
    assert "\\x1b[2J" in repr(curve)
    assert repr(curve).replace("\n", "").isprintable()
    html = curve._repr_html_()
    assert "&lt;script&gt;\\x1b[2J" in html
    assert "&lt;b&gt;\\u202e" in html
