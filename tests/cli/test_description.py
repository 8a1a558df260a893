"""Texts about recordings and models."""

import numpy as np
import pandas as pd

import avfusion as av
from avfusion.cli._description import describe_model, describe_recordings
from avfusion.cli._recordings import Recordings


def words(text):
    return [line.split() for line in text.splitlines()]


def test_streams_targets_and_metadata_have_their_numbers():
    frames = np.ones((90, 2))
    frames[:9] = np.nan
    frames[9:18, 0] = np.nan
    X = av.as_sequences({"audio": [frames, None]}, rate_hz=30).assign(site=["a", None])
    text = words(describe_recordings(Recordings("mine", X, pd.Series([0.5, np.nan], name="mood"))))
    assert ["mine:", "2", "recordings"] in text
    line = "audio 2 30 Hz float32 90 90 90 0:00:03 50 % 10 % 10 % 15 %"  # absent, NaN, partly, values
    assert line.split(" ") in text
    assert ["mood", "clip", "0.5", "0.5", "0.5", "0", "50", "%"] in text
    assert any(line[0] == "site" and line[-4:] == ["1", "50", "%", "a"] for line in text if line)


def test_infinite_values_and_markers_are_notes():
    steps = np.arange(60.0).reshape(30, 2) % 7
    frames = steps.copy()
    frames[[4, 7], 1] = -np.inf
    X = av.as_sequences({"audio": [steps, frames]}).set_axis(["a", "b"])
    y = av.as_sequences({"mood": [np.linspace(-1, 1, 30), np.full(30, -5.0)]}, dtype="float64").set_axis(
        X.index
    )
    text = describe_recordings(Recordings("mine", X, y), notes=["Set aside: 'frame'."])
    notes = text.partition("Notes\n")[2].splitlines()
    assert notes[0] == "- Set aside: 'frame'."
    assert notes[1].startswith(
        "- The column 'audio' holds infinite values, 2 in all, first in row 1 (index 'b'), step 4."
    )
    assert "mood is -5 in 30 of 60" in notes[2]
    assert "Notes" not in describe_recordings(Recordings("mine", X[:1], y[:1]))


def test_recordings_without_labels_say_so():
    X = av.as_sequences({"audio": [np.ones((3, 1))]})
    text = describe_recordings(Recordings("mine", X, None))
    assert text.startswith("mine: 1 recording\n")
    assert "No targets" in text


def test_models_name_streams_with_their_rates():
    header = {
        "estimator": "Model()",
        "modalities": {"audio": {"width": 6, "rate_hz": 10.0}, "video": {"width": 8, "rate_hz": None}},
        "targets": {"names": None, "per_frame": None},
        "versions": {"python": "3.11.0"},
    }
    text = describe_model("film.model", header)
    assert "Reads: audio (6 features at 10 Hz), video (8 features)\n" in text
    assert "Predicts: not known\n" in text


def test_rates_starts_gaps_constants_and_markers_are_told():
    rng = np.random.default_rng(0)
    face = rng.normal(size=(100, 3))
    face[:, 2] = 4
    face[30:60] = np.nan
    face[60:75, 0] = -999
    column = av.SequenceArray.from_sequences([face, face[:80]]).with_clock(
        np.array([25.0, 30.0]), start_s=[0, 2.5]
    )
    X = pd.DataFrame({"face": column.with_features(["AU12", "AU4", "none"])}, index=["a", "b"])
    text = describe_recordings(Recordings("mine", X, None))
    assert "25-30 Hz" in text
    assert text.split("Modalities\n")[1].splitlines()[0].split()[-2:] == ["starts", "(s)"]
    assert text.split("Modalities\n")[1].splitlines()[1].endswith("0 2.5")
    assert "The longest gap of 'face' has 30 steps (1.2 s), in row 0 (index 'a')." in text
    assert "1 of 3 features of 'face' are constant in all recordings: 'none'." in text
    assert "1 of 3 features of 'face' look like a marker" in text
    assert "AU12 is -999 in 30 of 180 steps" in text


def test_it_fits_on_a_screen():
    X, y = av.datasets.make_audiovisual_regression(6, random_state=0)
    text = describe_recordings(Recordings("synthetic", X, y.to_frame(), "subject"))
    assert len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 110
    assert text.endswith("Next\n  avfusion compare synthetic --output results")


def test_no_text_of_a_header_poses_as_another_line():
    header = {
        "estimator": "Ridge()\nPredicts: all\x1b[31m",
        "modalities": {"audio\nReads: all": {"width": 3, "rate_hz": None}},
        "versions": {"python\nVersions: none": "3\n4"},
        "targets": {"names": ["mood\nPredicts: all"], "per_frame": None},
    }
    lines = describe_model("a\nb.model", header).splitlines()
    fields = [line.partition(":")[0] for line in lines if not line.startswith(" ")]
    assert fields == ["a\\nb.model", "Estimator", "Reads", "Predicts", "Versions"]
