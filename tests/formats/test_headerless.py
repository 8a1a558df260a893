"""A clock in the first column of a table without names."""

import numpy as np
import pandas as pd
import pytest

from avfusion.formats._headerless import with_names

RNG = np.random.default_rng(0)
GAP = np.r_[0:20, 25:60]


def table(first, n_others=1):
    return pd.DataFrame({0: first} | {k + 1: RNG.normal(size=len(first)) for k in range(n_others)})


@pytest.mark.parametrize(
    ("first", "role"),
    [
        (GAP / 25, "time"),
        (np.round(GAP / 30, 2), "time"),
        (np.round(GAP / 30, 6), "time"),
        (np.round(GAP * 1000 / 30), "time"),
        (GAP / 29.97, "time"),
        (1544027337 + GAP / 4, "time"),
        (np.arange(200) / 50 + RNG.uniform(-0.004, 0.004, 200).clip(0), "time"),
        (GAP, "frame"),
        (GAP + 1, "frame"),
        (GAP * 40, "time"),
        (15 + GAP / 2, "time"),
        (np.arange(60) / 25, "time"),
        (np.arange(5) * 500, "time"),
    ],
)
def test_a_clock_is_named(first, role):
    found = with_names(table(first, 2))
    assert list(found.columns) == [role, 0, 1]
    np.testing.assert_array_equal(found[role], first)


@pytest.mark.parametrize(
    "first",
    [
        RNG.normal(size=60),
        np.sort(RNG.normal(size=60) ** 2),
        np.cumsum(RNG.exponential(size=60)),
        np.arange(4),
        np.linspace(0, 1, 10),
        np.linspace(-1, 1, 60),
        np.repeat(np.arange(30), 2),
        np.arange(60) * 12.5,
        np.arange(60)[::-1],
        np.where(GAP == 30, np.nan, GAP),
    ],
)
def test_what_only_increases_is_a_feature(first):
    assert list(with_names(table(first)).columns) == [0, 1]


def test_names_of_recordings_stand_before_a_clock():
    rows = pd.concat([table(GAP / 25), table(np.arange(60) / 25)], ignore_index=True)
    rows.insert(0, "name", ["'Train_01'"] * len(GAP) + ["'Train_02'"] * 60)
    assert list(with_names(rows.set_axis(range(3), axis=1)).columns) == ["name", "time", 0]


def test_words_that_are_all_different_may_be_anything():
    assert list(with_names(pd.DataFrame({0: ["a", "b"], 1: [0.5, 0.6]})).columns) == [0, 1]


@pytest.mark.parametrize(
    "first",
    [
        ["12:00:01.0", "12:00:01.5", "12:00:02.5"],
        ["2020-01-01 12:00:00", "2020-01-01 12:00:01", "2020-01-01 12:00:03"],
        ["2020-01-01T12:00:00.000Z", "2020-01-01T12:00:00.040Z", "2020-01-01T12:00:00.120Z"],
    ],
)
def test_times_of_day_are_a_clock(first):
    assert list(with_names(table(first)).columns) == ["time", 0]


@pytest.mark.parametrize(
    "first", [["a", "b"], ["12:00:00", "11:00:00"], ["1:2:3:4", "1:2:3:5"], ["12:00", None]]
)
def test_other_words_are_none(first):
    assert list(with_names(table(first)).columns) == [0, 1]


def test_ramps_beside_each_other_are_features():
    ramps = pd.DataFrame(np.arange(120.0).reshape(60, 2))
    assert with_names(ramps) is ramps


def test_a_table_with_one_column_or_with_an_index_is_left_alone():
    assert list(with_names(pd.DataFrame({0: np.arange(60)})).columns) == [0]
    assert list(with_names(table(GAP).rename(columns={0: "Unnamed: 0"})).columns) == ["Unnamed: 0", 1]


def test_begin_and_end_are_those_of_words():
    begins = np.array([0.2, 0.5, 0.9, 1.6, 2.0, 2.1])
    words = pd.DataFrame(
        {0: begins, 1: np.append(begins[1:] - [0, 0.1, 0, 0.2, 0], 2.4), 2: RNG.normal(size=6)}
    )
    assert list(with_names(words).columns) == ["start", "end", 0]
    overlapping = words.copy()
    overlapping[1] += 1.0
    assert list(with_names(overlapping).columns) == [0, 1, 2]
    assert list(with_names(words[[0, 2, 1]].set_axis(range(3), axis=1)).columns) == [0, 1, 2]
    ramps = pd.DataFrame(np.arange(180.0).reshape(60, 3))
    assert with_names(ramps) is ramps


@pytest.mark.parametrize(
    "word", ["5%", "$5", "(5)", "1_000", "1 000", "1/2", "1d3", "1D+3", "1.5f", "0x1F", "\uff11\uff12"]
)
def test_numbers_that_nobody_can_read_are_not_names_of_recordings(word):
    assert list(with_names(table([word] * 6)).columns) == [0, 1]


@pytest.mark.parametrize("word", ["s1", "clip_01", "unknown", "1a", "P03-2"])
def test_words_that_are_repeated_are_names_of_recordings(word):
    assert list(with_names(table([word] * 6)).columns) == ["name", 0]
