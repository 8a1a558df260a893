"""Columns that name a stimulus or a person, and the levels in them."""

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.estimators._levels import (
    PEOPLE,
    STIMULI,
    codes_of,
    column_called,
    levels_of,
    metadata_columns,
    read_by,
    without,
)


@pytest.mark.parametrize("name", ["video", "Video", "VIDEO_ID", "video id", "videoName", "video.nr", " clip"])
def test_names_are_known_however_they_are_written(name):
    assert column_called(["age", name], STIMULI) == name


@pytest.mark.parametrize("name", ["videos_seen", "subjective", "itemised", "personality"])
def test_words_that_only_begin_so_are_none(name):
    assert column_called([name], STIMULI + PEOPLE) is None


def test_a_stream_of_that_name_is_no_column_of_metadata():
    X = av.as_sequences({"video": [[1.0, 2.0], [3.0]]}).assign(clip=["a", "b"])
    assert metadata_columns(X) == ["clip"]
    assert read_by("auto", X, STIMULI) == ["clip"]
    with pytest.raises(ValueError, match="'video' is a modality"):
        read_by("video", X)


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="by='film': 'film' is no column of X, which has 'a'"):
        read_by("film", pd.DataFrame({"a": [1]}))
    with pytest.raises(ValueError, match="X is not a DataFrame"):
        read_by("film", np.zeros((2, 2)))


def test_tuples_are_names_where_columns_are_called_so():
    table = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("meta", "video"), ("meta", "age")]))
    assert read_by(("meta", "video"), table) == [("meta", "video")]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_what_is_missing_is_no_level(missing):
    table = pd.DataFrame({"video": pd.Series(["a", missing, "b"], dtype=object)})
    codes, known = codes_of(levels_of(table, ["video"]))
    assert codes.tolist() == [0, -1, 1]
    assert known == {"a": 0, "b": 1}


def test_numbers_are_the_same_as_integers_and_floats():
    """A column of integers with a missing value among other rows is one of floats."""
    _, known = codes_of(levels_of(pd.DataFrame({"video": [1, 2]}), ["video"]))
    codes, _ = codes_of(levels_of(pd.DataFrame({"video": [2.0, np.nan, 3.0]}), ["video"]), known)
    assert codes.tolist() == [1, -1, -1]


def test_categories_and_values_that_cannot_be_hashed():
    table = pd.DataFrame({"c": pd.Categorical(["x", "y"]), "d": [{"a": 1}, {"a": 1}]})
    assert levels_of(table, ["c"]) == ["x", "y"]
    assert codes_of(levels_of(table, ["d"]))[0].tolist() == [0, 0]


def test_of_a_table_of_numbers_texts_and_levels_are_left_out():
    table = pd.DataFrame({"video": [1, 2], "note": ["x", "y"], "pulse": [0.5, 0.7]})
    assert without(table, ["video"]).columns.tolist() == ["pulse"]
    assert without(table, []) is table
    assert without(table[["video"]], ["video"]).shape == (2, 1)  # a row is something to predict for
