"""What `avfusion describe` prints, number by number."""

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.cli._description import describe_model, describe_recordings
from avfusion.cli._recordings import Recordings


def recordings(y):
    audio = [np.zeros((2, 3)), np.array([[np.nan, 1.0, 1.0]] * 6), None, np.zeros((4, 3))]
    X = av.as_sequences({"audio": audio}, rate_hz=2.0).assign(subject=["a", "a", "b", None])
    return Recordings("mine", X, y)


def row_of(text, title, name):
    (line,) = [
        line for line in text.split(title)[1].split("\n\n")[0].splitlines() if line.split()[:1] == [name]
    ]
    return " ".join(line.split())


def test_modalities_are_counted():
    text = describe_recordings(recordings(None))
    assert text.startswith("mine: 4 recordings")
    # lengths 2, 6, 4; 12 steps at 2 Hz are 6 s; one of four rows is absent; 6 of 12 steps hold a NaN
    assert row_of(text, "Modalities", "audio") == "audio 3 2 Hz float32 2 4 6 0:00:06 25 % 50 %"
    assert "No targets" in text
    assert row_of(text, "Metadata", "subject").endswith("2 25 % a, b")


def test_targets_per_clip_are_summarised():
    text = describe_recordings(recordings(pd.Series([1.0, 3.0, np.nan, 2.0], name="arousal")))
    assert row_of(text, "Targets", "arousal") == "arousal clip 1 2 3 0.816 25 %"


def test_targets_per_frame_have_lengths():
    y = pd.Series(av.SequenceArray.from_sequences([np.ones((n, 1)) for n in (1, 3, 3, 5)]), name="arousal")
    text = describe_recordings(recordings(y))
    assert row_of(text, "Targets", "arousal") == "arousal frame unknown 1 3 5 1 1 1 0 0 %"


@pytest.mark.parametrize(("per_frame", "kind"), [(True, ", per frame"), (False, ", per clip"), (None, "")])
def test_a_model_is_described_by_its_header(per_frame, kind):
    header = {
        "estimator": "Ridge()",
        "modalities": {"audio": {"width": 3, "rate_hz": 2.5}, "video": {"width": 4, "rate_hz": None}},
        "targets": {"names": ["arousal", "valence"], "per_frame": per_frame},
        "versions": {"python": "3.11"},
    }
    lines = describe_model("film.model", header).splitlines()
    assert lines[2] == "Reads: audio (3 features at 2.5 Hz), video (4 features)"
    assert lines[3] == f"Predicts: arousal, valence{kind}"
