"""Which columns name a stimulus, a person, or something else that repeats."""

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.model_selection.comparison._situation_columns import Factor, check_situation, factors_of


def table(**columns):
    frame = av.as_sequences({"pulse": [np.zeros(2)] * 6})
    return frame.assign(**columns)


def found(X, situation="auto", **more):
    return {factor.role: factor.name for factor in factors_of(situation, X, **more)}


def test_a_name_whose_values_never_repeat_makes_way_for_one_that_does():
    X = table(clip=list("abcdef"), film=list("xxyyzz"), speaker=[1, 2, 1, 2, 1, 2])
    assert found(X) == {"stimulus": "film", "person": "speaker"}


def test_what_the_user_names_counts_and_none_is_none():
    X = table(film=list("xxyyzz"), scene=list("ababab"), speaker=[1, 2, 1, 2, 1, 2])
    assert found(X, {"stimulus": "scene"})["stimulus"] == "scene"
    assert factors_of(None, X) == []
    unnamed = factors_of({"stimulus": None, "person": None}, X)
    assert [(factor.role, factor.name) for factor in unnamed] == [("other", "film"), ("other", "scene")]


def test_several_columns_are_one_stimulus_together():
    X = table(film=list("xxxxyy"), version=[1, 1, 2, 2, 1, 1])
    first = factors_of({"stimulus": ["film", "version"]}, X)[0]
    assert (first.name, first.n_levels) == ("film, version", 3)


def test_groups_are_people_where_no_column_is_called_so():
    X = table(pair=list("aabbcc"), film=[1, 2, 3, 1, 2, 3])
    groups = X["pair"].to_numpy()
    assert found(X, groups=groups, groups_name="pair") == {"stimulus": "film", "person": "pair"}
    assert found(X, groups=groups) == {"stimulus": "film", "person": "pair"}  # by what it says
    assert "person" not in found(X.drop(columns="pair"), groups=groups)
    assert "person" not in found(X, groups=X["film"].to_numpy(), groups_name="film")  # the stimulus already


def test_other_columns_count_once_and_only_where_they_repeat():
    X = table(
        age=[20.5, 21.0, 22.0, 20.5, 21.0, 22.0],
        gender=list("fmfmfm"),
        sex=list("FMFMFM"),
        row=list("abcdef"),
    )
    assert [factor.name for factor in factors_of("auto", X)] == ["gender"]


def test_weights_are_no_situation():
    X = table(trust=[1, 1, 2, 2, 1, 1])
    assert factors_of("auto", X, leave_out="trust") == []


def test_numbers_of_a_table_are_features():
    X = pd.DataFrame({"count": [1, 2, 1, 2], "note": list("xyxy")})
    assert [factor.name for factor in factors_of("auto", X)] == ["note"]


def test_a_stream_called_video_is_no_stimulus():
    X = av.as_sequences({"video": [np.zeros(2)] * 4})
    assert factors_of("auto", X) == []
    assert factors_of("auto", np.zeros((4, 2))) == []


def test_the_known_share_is_of_tested_rows():
    factor = Factor("person", "subject", np.array([0, 0, 1, -1]))
    assert factor.known([(np.array([0, 2]), np.array([1, 3]))]) == 0.5


@pytest.mark.parametrize(
    ("situation", "error", "message"),
    [
        ("video", TypeError, "situation must be 'auto', None or a dict"),
        ({"stimuli": "film"}, ValueError, r"key 'stimuli' \(did you mean 'stimulus'\?\)"),
        ({"person": "subject"}, ValueError, "person='subject' is no column of X"),
        ({"stimulus": "pulse"}, ValueError, "stimulus='pulse' is a modality"),
    ],
)
def test_what_cannot_be_read_is_refused(situation, error, message):
    with pytest.raises(error, match=message):
        check_situation(situation, table())


def test_a_column_that_is_named_for_one_role_is_not_found_for_the_other():
    table = pd.DataFrame({"video": [1, 2, 1, 2], "clip": [1, 1, 2, 2]})
    found = factors_of({"person": "video"}, table)
    assert [(factor.role, factor.name) for factor in found] == [("stimulus", "clip"), ("person", "video")]
    assert [factor.role for factor in factors_of({"person": "video"}, table[["video"]])] == ["person"]
