"""Which columns are bookkeeping: the columns of tools, and what only looks like them."""

import numpy as np
import pandas as pd
import pytest

from avfusion.sequences._bookkeeping import (
    STEADY,
    bookkeeping_columns,
    columns_of,
    counts_steadily,
    interval_pair,
    role_of,
    success_column,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("tool", "names", "features"),
    [
        ("OpenFace", "frame, face_id, timestamp, confidence, success, AU04_r, gaze_0_x, pose_Tx, p_scale", 4),
        ("openSMILE", "name;frameTime;F0final_sma;pcm_RMSenergy_sma[0]", 2),
        ("opensmile package", "file,start,end,Loudness_sma3,F0semitoneFrom27.5Hz_sma3nz", 2),
        ("MuSe", "timestamp,segment_id,F0,loud", 2),
        ("py-feat", "frame,FaceScore,input,approx_time,AU01", 1),
        ("Tobii", "Recording timestamp [ms],Participant name,Gaze point X", 1),
        ("pandas", "Unnamed: 0,Unnamed: 0.1,level_0,index,valence", 1),
        ("readr", "...1,rating", 1),
        ("ELAN", "Begin Time (s),onset,offset,duration,speech_rate", 1),
    ],
)
def test_columns_of_tools_are_known_by_name(tool, names, features):
    names = names.split(";" if ";" in names else ",")
    table = pd.DataFrame(RNG.normal(size=(8, len(names))), columns=names)
    assert list(bookkeeping_columns(table)) == names[: len(names) - features], tool


@pytest.mark.parametrize(
    "name",
    ["FRAME", " frame ", "Frame_ID", "frameNo", "frame number", "frame-index", "video_frame", "Frame #"],
)
def test_spelling_does_not_matter(name):
    assert role_of(name) == "frame"


@pytest.mark.parametrize(
    "name",
    [
        "valence",
        "time_to_peak",
        "segment_energy",
        "framewise_loudness",
        "x",
        "start",
        "duration",
    ],
)
def test_names_that_only_begin_alike_are_features(name):
    assert bookkeeping_columns(pd.DataFrame({name: RNG.normal(size=30), "end_tone": 1.0})) == {}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("lsl_timestamp", "clock"),
        ("TimeStamp_ms", "clock"),
        ("t", "clock"),
        ("shot_id", "identity"),
        ("UtteranceID", "identity"),
        ("emotion_id", None),
        ("reaction_time", None),
        ("frame_difference", None),
        ("smile_confidence", None),
    ],
)
def test_parts_of_names(name, role):
    assert role_of(name) == role


def test_columns_are_found_by_role():
    names = ["frame", " timestamp", " success", "AU01_r"]
    assert columns_of(names, "clock") == [" timestamp"]
    assert success_column(names) == " success"
    assert success_column(["confidence"]) is None


@pytest.mark.parametrize(
    "values",
    [
        np.arange(5),
        np.arange(40) * 500,
        1.6e18 + np.arange(30) * 4e7,
        np.arange(0, 40) + 7.0,
        np.arange(30) / 25,
        np.round(np.arange(300) / 29.97, 2),
        np.round(np.arange(300) / 29.97, 3) + 12.0,
        np.rint(np.arange(300) * 1000 / 30),
        pd.array(range(9), dtype="Int64"),
    ],
)
def test_counters_and_clocks_count(values):
    assert counts_steadily(values)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [0, 1, 2, 3],
        [5, 4, 3, 2, 1, 0],
        np.zeros(30),
        np.arange(30) % 10,
        np.linspace(-1, 1, 15),
        np.linspace(-1, 1, 40) + 0.02 * RNG.normal(size=40),
        np.cumsum(RNG.integers(1, 3, size=40)),
        np.append(np.arange(40.0), 41.0),
        np.append(np.arange(40.0), np.nan),
        np.arange(40) > 3,
        np.arange(40.0) ** 1.02,
    ],
)
def test_other_numbers_do_not(values):
    assert not counts_steadily(values)


def test_columns_count_within_recordings_by_the_same_step():
    recording = np.repeat(["b", "a", "c"], [30, 25, 1])
    table = pd.DataFrame(
        {
            0: np.r_[0:30, 0:25, 0],
            1: np.r_[0:30, 30:55, 99] / 25,
            2: np.r_[np.linspace(-1, 1, 30), np.linspace(-1, 1, 25), 0],
            3: RNG.normal(size=56),
        }
    )
    assert bookkeeping_columns(table, recording) == {0: STEADY, 1: STEADY}
    assert bookkeeping_columns(table) == {}


def test_clocks_of_short_recordings_and_of_several_rates():
    short = np.repeat(np.arange(4), 8)
    assert bookkeeping_columns(pd.DataFrame({0: np.tile(np.arange(8) / 25, 4)}), short)
    assert not bookkeeping_columns(pd.DataFrame({0: np.tile(np.arange(8) / 25, 4)[:16]}), short[:16])
    video = np.repeat([0, 1], [40, 30])
    clock = np.r_[np.round(np.arange(40) / 29.97, 3), np.arange(30) / 25]
    ramp = np.r_[np.linspace(-1, 1, 40), np.linspace(-1, 1, 30)]
    assert bookkeeping_columns(pd.DataFrame({0: clock, 1: ramp}), video) == {0: STEADY}


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["word", "start", "end"], ("start", "end")),
        (["end_ms", "start_ms"], ("start_ms", "end_ms")),
        (["Start Time", "End Time"], ("Start Time", "End Time")),
        (["begintime", "endtime"], ("begintime", "endtime")),
        (["onset", "duration"], ("onset", "duration")),
        (["start", "duration_to_peak"], None),
        (["onset_count", "offset_count"], None),
        (["time", "end_time"], None),
    ],
)
def test_begin_and_end_belong_together(names, pair):
    assert interval_pair(names) == pair
