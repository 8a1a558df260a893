"""A comparison is shown with lines above its table and blocks below it."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

from avfusion.model_selection import compare
from avfusion.model_selection.comparison import _rendering


@pytest.fixture(scope="module")
def result():
    X = np.random.default_rng(0).normal(size=(30, 2))
    return compare({"ridge": Ridge()}, X, X[:, 0], scoring="mae", verbose=False)


def test_lines_and_blocks_stand_above_and_below_the_table(result, monkeypatch):
    table = pd.DataFrame({"share": ["0.25"]}, index=pd.Index(["person"], name="source"))
    header = (*_rendering.HEADER, lambda comparison: "", lambda comparison: "a < b")
    blocks = (lambda comparison: None, lambda comparison: _rendering.Block("what & where", table))
    monkeypatch.setattr(_rendering, "HEADER", header)
    monkeypatch.setattr(_rendering, "BLOCKS", blocks)
    lines = repr(result).splitlines()
    assert lines[1] == "a < b"
    assert lines[-5:-3] == ["", "what & where"]
    assert lines[-1].split() == ["person", "0.25"]
    html = result._repr_html_()
    assert "<p>a &lt; b</p>" in html
    assert html.index("ridge") < html.index("<p>what &amp; where</p>") < html.index("person")


def many(n_targets, names=("ridge", "weak"), scoring=None):
    X = np.random.default_rng(0).normal(size=(40, n_targets))
    y = pd.DataFrame(X, columns=[f"rating {k}" for k in range(n_targets)])
    models = {name: Ridge(10.0**k) for k, name in enumerate(names)}
    return compare(models, X, y, scoring=scoring, cv=2, verbose=False)


def test_a_few_targets_stand_below_their_mean_and_the_header_says_how_to_see_each():
    result = many(3)
    text = repr(result)
    assert "means over 3 targets" in text
    assert "Means over targets; each alone: .by_target(), .of_target('rating 0'), .plot(" in text
    block = text[text.index("ccc of each target [95 %]") :]
    assert [f"rating {k}" in block for k in range(3)] == [True] * 3
    line = result.of_target("rating 1").table.loc["weak"]
    assert f"{line['ccc']:.3f} [{line['ccc_low']:.3f}, {line['ccc_high']:.3f}]" in block
    one = repr(result.of_target("rating 1"))
    assert "target 'rating 1' alone" in one
    assert "each target" not in one


def test_many_targets_are_shown_where_all_are_asked_for():
    result = many(6, scoring="mae")
    assert "of each target" not in repr(result)
    text = _rendering.as_text(result, all_targets=True)
    assert "by_target()" not in text
    for k in range(6):
        line = result.of_target(f"rating {k}").table.loc["ridge"]
        assert f"{line['mae']:.3f} [{line['mae_low']:.3f}" in text


def test_tables_fit_into_a_terminal_with_every_column_once():
    long = ("a name of forty characters, which is long", "ridge")
    result = many(2, long)
    tables = [line for line in repr(result).splitlines()[2:]]
    assert max(map(len, tables)) <= 100
    for column in ("ccc [95 %]", "ccc per fold", "rmse [95 %]", "mae [95 %]", "fit_s", "predict_s"):
        assert repr(result).count(column) == 1
    narrow = compare({"a" * 120: Ridge()}, np.eye(10), np.arange(10.0), cv=2, verbose=False)
    assert "mae [95 %]" in repr(narrow)


def test_sentences_fit_into_a_terminal_and_names_that_are_too_long_are_cut():
    X = pd.DataFrame({"f": np.arange(48.0) % 7, "subject": np.arange(48) // 6, "video": np.arange(48) % 6})
    y = {f"{'the same long beginning of a rating, ' * 3}{end}": X["f"] for end in "ab"}
    models = {"a name of more than fifty characters, which is much": Ridge(), "b": Ridge(1e6)}
    result = compare(models, X, pd.DataFrame(y), groups=("subject", "video"), verbose=False)
    result = dataclasses.replace(result, target_names=tuple(y))
    lines = repr(result).splitlines()
    block = next(place for place, line in enumerate(lines) if line.startswith("ccc of each"))
    assert max(map(len, lines[:block])) <= 100
    assert "48 groups (8 subject x 6 video)" in " ".join(lines[:3])
    assert any(line.startswith("a name of more than fifty characters, which is ...") for line in lines)
    assert all(name in repr(result) for name in y)  # alike where they are cut, hence not cut
    html = result._repr_html_()
    assert "a name of more than fifty characters, which is much" in html
    assert "on the same folds.<br>" in html


@pytest.mark.parametrize(
    ("fit_s", "predict_s", "cells"),
    [
        (1.234, 0.0123, {"fit_s": "1.23", "predict_s": "0.012"}),
        (170.0, 1.0, {"fit_s": "170.00", "predict_s": "1.00"}),
        (240.0, 1.5, {"fit_min": "4.00", "predict_min": "0.025"}),
        (5 * 3600.0, 360.0, {"fit_h": "5.00", "predict_h": "0.10"}),
        (np.nan, np.nan, {"fit_s": "-", "predict_s": "-"}),
    ],
)
def test_times_are_in_one_unit(result, fit_s, predict_s, cells):
    table = result.table.assign(fit_s=fit_s, predict_s=predict_s)
    shown = _rendering.main_table(dataclasses.replace(result, table=table))
    assert shown.iloc[0, -2:].to_dict() == cells


def test_groups_without_labels_were_not_tested():
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = np.where(np.arange(40) < 30, X[:, 0], np.nan)
    result = compare({"mean": Mean()}, X, y, groups=np.arange(40) // 10, cv=4, verbose=False)
    assert "3 of 4 groups tested" in repr(result)


class Mean(DummyRegressor):
    def fit(self, X, y):
        return super().fit(X, np.nan_to_num(y))
