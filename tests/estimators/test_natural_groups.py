"""Groups of people or stimuli that nobody named."""

import warnings

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.estimators._natural_groups import natural_groups
from avfusion.sequences._recordings import read_recordings


def found(columns, labels):
    X = av.as_sequences({"audio": [[1.0, 2.0]] * len(labels)})
    groups = natural_groups(
        read_recordings(X.assign(**columns), np.asarray(labels, dtype=float), caller="fit")
    )
    return None if groups is None else groups.tolist()


def crossed():
    """Ten people in four stories each, as in OMG-Empathy."""
    people, stories = (part.ravel() for part in np.meshgrid(np.arange(10), np.arange(4), indexing="ij"))
    return people, stories


@pytest.mark.parametrize("follows", ["subject", "story"])
def test_of_people_and_stimuli_those_that_labels_follow(follows):
    people, stories = crossed()
    levels = {"subject": people, "story": stories}
    labels = levels[follows] ** 1.5 + 0.1 * np.random.default_rng(0).normal(size=40)
    assert found(levels, labels) == levels[follows].tolist()


@pytest.mark.parametrize("name", ["subject", "speaker", "video", "stimulus"])
def test_one_column_is_enough(name):
    levels = list("aaabbbccc")
    assert found({name: levels}, np.arange(9)) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"subject": range(9)},  # each once
        {"subject": list("aaaaabbbb")},  # of two, none can be held out
        {"subject": ["a", None, "a", "b", "b", "b", "c", "c", "c"]},
        {"split": list("aaabbbccc")},
        {"arousal_mean": [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0]},
    ],
)
def test_other_columns_are_none(columns):
    assert found(columns, np.arange(9)) is None


def test_rows_without_labels_have_no_say():
    subjects = [*"aaabbbccc", None, "d", "e"]
    assert found({"subject": subjects}, [*np.arange(9), *[np.nan] * 3])[:9] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    few = [*"aaabbb", *"cdef"]
    assert found({"subject": few}, [*np.arange(6), *[np.nan] * 4]) is None


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e160])
def test_any_size_of_labels(scale):
    people, stories = crossed()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        groups = found({"subject": people, "story": stories}, scale * (stories + 0.01 * people))
    assert groups == stories.tolist()


def test_labels_of_steps_and_targets_that_lack_labels():
    people, stories = crossed()
    X = av.as_sequences({"audio": [[1.0, 2.0]] * 40}).assign(subject=people, story=stories)
    y = pd.DataFrame({"a": stories * 1.0, "b": np.where(people < 8, people, np.nan)})
    assert natural_groups(read_recordings(X, y, caller="fit")) is not None
    steps = [np.array([value, np.nan]) for value in people * 1.0]
    assert natural_groups(read_recordings(X, steps, caller="fit")).tolist() == people.tolist()
