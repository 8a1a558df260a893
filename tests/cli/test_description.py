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
    X = av.as_sequences({"audio": [frames, None]}, rate_hz=30).assign(site=["a", None])
    text = words(describe_recordings(Recordings("mine", X, pd.Series([0.5, np.nan], name="mood"))))
    assert ["mine:", "2", "recordings"] in text
    assert ["audio", "2", "30", "Hz", "float32", "90", "90", "90", "0:00:03", "50", "%", "10", "%"] in text
    assert ["mood", "clip", "0.5", "0.5", "0.5", "0", "50", "%"] in text
    assert any(line[0] == "site" and line[-4:] == ["1", "50", "%", "a"] for line in text if line)


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
