"""LaTeX tables: escaped, and bold only where a difference is shown."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from avfusion.model_selection import compare
from avfusion.model_selection.comparison._latex import escaped
from tests.model_selection.comparison.targets import several

X = np.random.default_rng(0).normal(size=(120, 2))
Y = X[:, 0] + 0.1 * np.random.default_rng(1).normal(size=120)


def rows(text):
    return [line for line in text.splitlines() if line.endswith(r"\\")]


def test_the_best_is_bold_where_it_is_shown_to_be_better():
    models = {"good_one": Ridge(), "bad & worse": Ridge(1e3)}
    text = compare(models, X, Y, scoring=("ccc", "rmse"), cv=10, verbose=False).to_latex()
    head, good, bad = rows(text)
    assert head == r"estimator & ccc [95\,\%] & rmse [95\,\%] \\"
    assert good.startswith(r"good\_one & \textbf{")
    assert good.count(r"\textbf") == 2
    assert bad.startswith(r"bad \& worse & 0.")
    assert "textbf" not in bad


def test_nothing_is_bold_where_models_are_alike_or_no_test_is_possible():
    alike = {"a": Ridge(1.0), "b": Ridge(1.0001)}
    assert "textbf" not in compare(alike, X, Y, cv=5, verbose=False).to_latex()
    one_fold = [(np.arange(60), np.arange(60, 120))]
    models = {"good": Ridge(), "bad": Ridge(1e4)}
    assert "textbf" not in compare(models, X, Y, cv=one_fold, verbose=False).to_latex()
    assert "textbf" not in compare({"alone": Ridge()}, X, Y, verbose=False).to_latex()
    assert "textbf" not in compare(models, X, Y, scoring="r2", verbose=False).to_latex()


def test_targets_have_rows_of_their_own_and_their_mean_the_last_ones():
    result = several()
    lines = rows(result.to_latex(by_target=True))
    titles = [line for line in lines if "multicolumn" in line]
    assert titles == [
        rf"\multicolumn{{3}}{{l}}{{\textit{{{name}}}}} \\"
        for name in ("arousal", "valence", "mean", "mean of targets")
    ]
    assert len(lines) == 1 + 4 + 4 * 3
    value = result.of_target("valence").table.loc["b", "ccc"]
    assert f"{value:.3f}" in lines[1 + 4 + 1 + 1]
    assert len(rows(result.to_latex())) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b%", r"a\_b\%"),
        ("\\alpha^2", r"\textbackslash{}alpha\textasciicircum{}2"),
        ("two\nlines", "two lines"),
        ("[0]", "{}[0]"),
        ("a---b `x`", r"a-{}-{}-b \textasciigrave{}x\textasciigrave{}"),
        ("{~}", r"\{\textasciitilde{}\}"),
    ],
)
def test_names_are_escaped(text, expected):
    assert escaped(text) == expected
