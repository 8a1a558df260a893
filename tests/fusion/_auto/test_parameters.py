"""Parameters of the estimator, and what is said of wrong ones."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from avfusion.fusion._auto._parameters import (
    check_budget,
    checked_scoring,
    estimator_of,
    is_default,
    read_candidates,
    with_estimator,
)
from avfusion.sequences import as_targets
from avfusion.sequences._recordings import read_recordings


def read(given):
    data = read_recordings({"audio": [[1.0]], "video": [[2.0]]}, [0.5], caller="AutoFusionRegressor")
    return read_candidates(given, data, np.random.RandomState(0))


def test_streams_are_all_or_those_that_are_named():
    found = read({"all": Ridge(), "one": (Ridge(), "audio"), "list": [Ridge(), ["video"]]})
    assert [one.streams for one in found] == [["audio", "video"], ["audio"], ["video"]]
    assert all(one.given for one in found)


def test_default_ones_come_in_their_place():
    names = [one.name for one in read({"first": Ridge(), "default": "default", "last": Ridge()})]
    assert (names[0], names[1], names[-1]) == ("first", "ridge", "last")
    assert names[1:-1] == [one.name for one in read(None)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([Ridge()], "must be a dict of names and estimators"),
        ({}, "candidates is empty"),
        ({"a": LogisticRegression()}, "Candidate 'a' is LogisticRegression.., which is a classifier"),
        ({"a": Ridge}, "Candidate 'a' is the class Ridge"),
        ({"a": "ridge"}, "Candidate 'a' is 'ridge', which is no regressor"),
        ({"a": (Ridge(), "audio", 1)}, "an estimator or a pair"),
        ({"a__b": Ridge()}, "a text without '__'"),
        ({1: Ridge()}, "The name 1 in candidates must be a text"),
        ({"constant": Ridge()}, "The name 'constant' is taken"),
        ({"ridge": Ridge(), "default": "default"}, "The name 'ridge' is taken"),
        ({"a": (Ridge(), "speech")}, "speech"),
    ],
)
def test_wrong_candidates_are_named(given, message):
    with pytest.raises((ValueError, TypeError), match=message):
        read(given)


def test_scoring_is_a_known_one():
    frames, clips = (as_targets(y).form for y in ([np.zeros(2)], [1.0]))
    assert [checked_scoring("auto", form) for form in (frames, clips)] == ["ccc", "mae"]
    assert checked_scoring("rmse", frames) == "rmse"
    for wrong in ("r2", None, ["ccc"]):
        with pytest.raises(ValueError, match="must be 'auto' or one of"):
            checked_scoring(wrong, clips)


def test_a_budget_is_seconds_or_none():
    for right in (None, 0, 2.5, np.float32(3)):
        check_budget(right)
    for wrong in (-1, "60", True, float("nan")):
        with pytest.raises(ValueError, match="number of seconds"):
            check_budget(wrong)


def test_estimators_are_replaced_with_their_streams_kept():
    assert with_estimator(["a", "audio"], "b") == ["b", "audio"]
    assert with_estimator("a", "b") == "b"
    assert estimator_of(["a", "audio"]) == "a"
    assert not is_default(Ridge())
