import numpy as np
import pandas as pd
import pytest

from avfusion.model_selection.comparison._column_kinds import columns_that_tell_apart, kind_of
from avfusion.sequences import as_sequences


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("subject", "person"),
        ("Subject ID", "person"),
        ("participant_id", "person"),
        ("SpeakerName", "person"),
        ("speakers", "person"),
        ("PID", "person"),
        ("dyad", "person"),
        ("video_id", "stimulus"),
        ("story", "stimulus"),
        ("stimulusNo", "stimulus"),
        ("session", "session"),
        ("recording_day", "session"),
        ("file_name", "recording"),
        ("recording", "recording"),
        ("speaker_gender", "other"),
        ("subject_age", "other"),
        ("video_quality", "other"),
        ("split", "other"),
        ("label", "other"),
        ("group", "other"),
        ("condition", "other"),
        (3, "other"),
        ("", "other"),
    ],
)
def test_what_a_name_says(name, kind):
    assert kind_of(name) == kind


def test_of_a_table_of_features_only_names_count_that_say_nothing_else():
    assert kind_of("session", whole=True) == "session"
    assert kind_of("mean_run", whole=True) == "other"


def recordings(**columns):
    return as_sequences({"audio": [np.zeros(2)] * 6}).assign(**columns)


def test_measurements_constants_and_sequences_tell_nothing_apart():
    X = recordings(
        subject=[1, 1, 2, 2, 3, 3],
        clip=list("abcdef"),
        age=[20, 20, 31, 31, 40, 40],
        site=list("xxyyxx"),
        arousal=[0.1, 0.1, 0.5, 0.7, 0.1, 0.1],
        usable=[True, False] * 3,
        corpus="one",
        film="one",
        path=list("ghijkl"),
        note=list("mnopqr"),
    )
    assert list(columns_that_tell_apart(X)) == ["subject", "clip", "site", "film", "path"]


def test_values_that_are_missing_or_cannot_be_compared():
    X = recordings(subject=["a", None, "a", "b", None, "b"], video=[[1], [2], [1], [2], [1], [2]])
    found = columns_that_tell_apart(X)
    assert found["subject"].tolist() == [0, -1, 0, 1, -1, 1]
    assert list(found) == ["subject"]


def test_whole_numbers_as_floats_are_names_too():
    X = pd.DataFrame({"subject": [1.0, 1.0, 2.0], "session": [0.5, 1.0, 1.0], "kind": list("aab")})
    assert list(columns_that_tell_apart(X)) == ["subject"]
    assert columns_that_tell_apart(np.zeros((3, 2))) == {}


def test_infinite_values_name_nothing(recwarn):
    X = as_sequences({"audio": [[1.0]] * 3}).assign(session=[1.0, np.inf, 1.0])
    assert columns_that_tell_apart(X) == {}
    assert not recwarn.list
