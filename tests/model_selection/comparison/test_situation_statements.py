"""Models that pass the baselines, and those that do not, get the right sentence."""

import numpy as np
import pandas as pd
import pytest

from avfusion.model_selection.comparison._situation_statements import Judged, statement

RANKS = {"one constant": 0, "one constant per video": 1, "one curve per video": 2}


def judged(score, values, *, higher=True, error=False, difference=(0.1, 0.05, 0.15), partial=(0.2, 0.1, 0.3)):
    table = pd.DataFrame({score: values})
    table["kind"] = ["situation" if name in RANKS else "model" for name in table.index]
    for what, ends in (("difference", difference), ("partial_ccc", partial)):
        for end, value in zip(("", "_low", "_high"), ends):
            table[f"{what}{end}"] = np.where(table["kind"] == "model", value, np.nan)
    return Judged(score, higher, error, {name: RANKS[name] for name in table.index if name in RANKS}, table)


def test_the_simplest_baseline_that_none_passes_is_named():
    values = {
        "one constant": 1.3,
        "one constant per video": 1.0,
        "one curve per video": 0.9,
        "a": 1.2,
        "b": 1.4,
    }
    found = statement(judged("rmse", values, higher=False, error=True), True)
    assert found == [
        "No model predicts better than one constant per video (rmse 1.000): the best, a, has 1.200."
    ]


def test_a_model_that_passes_is_said_to_and_those_that_do_not_are_named():
    values = {"one constant": 0.0, "one constant per video": 0.4, "a": 0.5, "b": 0.3}
    first, second = statement(judged("ccc", values), True)
    assert first.startswith(
        "a predicts better than one constant per video (ccc 0.500 against 0.400, difference"
    )
    assert first.endswith("[0.050, 0.150] over groups).")
    assert second == "No better than one constant per video: 'b'."


def test_a_small_difference_is_not_shown():
    values = {"one constant": 0.0, "a": 0.05}
    (found,) = statement(judged("ccc", values, difference=(0.05, -0.02, 0.12)), False)
    assert found.startswith("a is not shown to predict better than one constant")
    assert found.endswith("over rows).")


def test_a_model_that_only_spreads_its_predictions_knows_no_more():
    values = {"one constant": 0.0, "one constant per video": 0.4, "a": 0.5}
    found = statement(judged("ccc", values, partial=(0.01, -0.03, 0.05)), True)
    assert found[1].startswith(
        "It is not shown to know more than one constant per video: the CCC of what is left"
    )


@pytest.mark.parametrize(("score", "gain", "error"), [("ccc", 0.0004, False), ("rmse", -0.0009, True)])
def test_a_hair_is_no_gain(score, gain, error):
    values = {"one constant": 1.0, "a": 1.0 + gain}
    (found,) = statement(judged(score, values, higher=not error, error=error), True)
    assert found.startswith("No model predicts better than one constant")


def test_where_nothing_could_be_scored_nothing_is_said():
    assert statement(judged("ccc", {"one constant": 0.0, "a": np.nan}), True) == []
