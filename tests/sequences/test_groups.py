import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone

import avfusion as av
from avfusion.sequences import SequenceArray
from avfusion.sequences._groups import read_group_columns, read_groups, rows_of_groups
from avfusion.sequences._targets import as_targets


@pytest.fixture
def X():
    audio = SequenceArray.from_sequences([[1.0, 2.0], [3.0]])
    return pd.DataFrame({"subject": ["a", "b"], "audio": audio}, index=["x", "y"])


def test_groups_from_a_column_or_an_array(X):
    for groups in (
        "subject",
        ["a", "b"],
        np.array(["a", "b"]),
        X["subject"],
        X["subject"].astype("category"),
    ):
        assert read_groups(groups, X).tolist() == ["a", "b"]
    assert read_groups(None, X) is None
    assert read_groups([1, 2], np.zeros((2, 3))).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("speaker", r"cohort='speaker' is no column of X. Its columns are 'subject', 'audio'"),
        ("audio", "cohort='audio' is a modality; groups are a column of metadata"),
        (["a"], "cohort has 1 values for 2 rows"),
        (["a", None], r"cohort is missing for row 1 \(index 'y'\)"),
        ([1.0, np.nan], r"cohort is missing for row 1 \(index 'y'\)"),
    ],
)
def test_bad_groups_are_refused(X, groups, message):
    with pytest.raises(ValueError, match=message):
        read_groups(groups, X, "cohort")


def test_a_column_name_needs_a_table():
    with pytest.raises(ValueError, match="groups='subject' names a column, but X is not a DataFrame"):
        read_groups("subject", np.zeros((3, 2)))


def test_weights_in_the_place_of_groups():
    X, y = av.datasets.make_audiovisual_regression(4, audio_rate_hz=1, video_rate_hz=1, random_state=0)
    weights = np.array([0.5, 1.0, 1.5, 2.0])
    message = "groups holds numbers such as 0.5, which name no group. Give weights as sample_weight="
    with pytest.raises(ValueError, match=message):
        av.RescaledRegressor(n_splits=2).fit(X, y, weights)
    with pytest.raises(ValueError, match=message):
        av.EarlyFusionRegressor(max_epochs=1).fit(X, y, weights)
    assert read_groups(np.array([1.0, 1.0, 2.0, 2.0]), X).tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize("form", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_table_of_one_column_is_taken_for_it(X, form):
    assert read_groups(form({"who": ["a", "b", "a"][: len(X)]}), X).tolist() == ["a", "b", "a"][: len(X)]
    two = read_group_columns(form({"who": ["a"] * len(X), "when": [1] * len(X)}), X)
    assert two.to_dict("list") == {"who": ["a"] * len(X), "when": [1] * len(X)}


SEEN = pd.DataFrame({"subject": ["a", "a", "b", "b"], "video": [1, 2, 1, 1]})


@pytest.mark.parametrize(
    "groups",
    [
        ("subject", "video"),
        ["subject", "video"],
        SEEN,
        SEEN.to_numpy(),
        [("a", 1), ("a", 2), ("b", 1), ("b", 1)],
        [["a", "1"], ["a", "2"], ["b", "1"], ["b", "1"]],
        {"who": ["a", "a", "b", "b"], "what": np.array([1, 2, 1, 1])},
        pl.DataFrame({"subject": ["a", "a", "b", "b"], "video": [1, 2, 1, 1]}),
    ],
)
def test_of_several_columns_each_combination_is_a_group(groups):
    assert read_groups(groups, SEEN).tolist() == ["a / 1", "a / 2", "b / 1", "b / 1"]
    assert read_group_columns(groups, SEEN).shape == (4, 2)


def test_combinations_that_look_alike_stay_apart():
    table = pd.DataFrame({"one": ["a / b", "a"], "two": ["c", "b / c"]})
    assert len(set(read_groups(table, table))) == 2


def test_one_name_in_a_list_is_one_column():
    assert read_groups(["subject"], SEEN).tolist() == SEEN["subject"].tolist()
    assert read_groups(("video", "video"), SEEN).tolist() == SEEN["video"].tolist()


def test_texts_that_are_no_columns_are_values():
    assert read_groups(["a", "a", "b", "c"], SEEN).tolist() == ["a", "a", "b", "c"]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (("subject", "film"), "groups='film' is no column of X"),
        (["subject", "film"], "groups='film' is no column of X"),
        (("speaker", "film"), "groups='speaker' is no column of X"),
        (SEEN.head(3), "groups, 'subject', has 3 values for 4 rows"),
        (SEEN.assign(video=[1.0, np.nan, 1, 1]), r"groups, 'video', is missing for row 1"),
        (SEEN.assign(video=[0.5, 1, 1, 1]), "groups, 'video', holds numbers such as 0.5"),
        (SEEN[[]], "Give it one column or more"),
    ],
)
def test_bad_columns_are_named(groups, message):
    with pytest.raises(ValueError, match=message):
        read_groups(groups, SEEN)


def test_column_names_need_a_table():
    with pytest.raises(ValueError, match="groups='subject' names a column, but X is not a DataFrame"):
        read_groups(("subject", "video"), np.zeros((3, 2)))


@pytest.mark.parametrize(
    "model",
    [
        av.RescaledRegressor(groups=("subject", "video"), n_splits=2),
        av.EarlyFusionRegressor(
            max_epochs=1,
            hidden_size=4,
            early_stopping=True,
            validation_groups=["subject", "video"],
            random_state=0,
        ),
        av.LateFusionRegressor(
            [("a", av.FrameRegressor(), ["audio"]), ("v", av.FrameRegressor(), ["video"])],
            weights="simplex",
            groups=("subject", "half"),
            cv=2,
        ),
    ],
)
def test_estimators_take_several_columns(model):
    X, y = av.datasets.make_audiovisual_regression(8, audio_rate_hz=1, video_rate_hz=1, random_state=0)
    X = X.assign(half=np.arange(8) % 2)
    names = ("subject", "half")
    if "validation_groups" in model.get_params():
        model.set_params(validation_groups=list(names))
    else:
        model.set_params(groups=names)
    predicted = model.fit(X, y).predict(X)
    joined = X["subject"].astype(str) + " " + X["half"].astype(str)
    other = clone(model).set_params(
        **{k: None for k in ("groups", "validation_groups") if k in model.get_params()}
    )
    np.testing.assert_array_equal(
        as_targets(predicted).values, as_targets(other.fit(X, y, groups=joined.to_numpy()).predict(X)).values
    )


def test_rows_of_groups_are_those_of_a_search_in_all_rows():
    rng = np.random.default_rng(0)
    for n in range(2, 60):
        groups, giving, getting = rng.integers(0, 6, n).astype(str), rng.random(n) < 0.7, rng.random(n) < 0.7
        giving[0] = True
        giver_of = {group: rng.choice(groups[giving]) for group in np.unique(groups)}
        expected, taken = np.full(n, -1), dict.fromkeys(groups, 0)
        for row in np.flatnonzero(getting):
            own = [k for k in range(n) if giving[k] and groups[k] == giver_of[groups[row]]]
            expected[row] = own[taken[groups[row]] % len(own)]
            taken[groups[row]] += 1
        np.testing.assert_array_equal(rows_of_groups(groups, giver_of, giving, getting), expected)
