"""Which estimators are tried, as they suit the data."""

import numpy as np
import pytest
from sklearn.base import clone

import avfusion as av
from avfusion.fusion._auto import _candidates
from avfusion.fusion._auto._candidates import Candidate, default_candidates, rank_gauss
from avfusion.sequences._recordings import read_recordings


def read(X, y):
    return read_recordings(X, y, caller="AutoFusionRegressor")


def recordings(n=6, target="frame", **options):
    return av.datasets.make_audiovisual_regression(n, target=target, random_state=0, **options)


def names(X, y):
    return [one.name for one in default_candidates(read(X, y), np.random.RandomState(0))]


@pytest.fixture
def networks_for_all(monkeypatch):
    """Networks, however few the labels."""
    monkeypatch.setattr(_candidates, "SECONDS_FOR_NETWORKS", 0.0)


@pytest.mark.parametrize("label_rate_hz", [1.0, 2.0])
def test_few_minutes_of_labels_get_no_networks(label_rate_hz):
    options = {"duration_s": (100, 100), "label_rate_hz": label_rate_hz, "video_rate_hz": 10.0}
    assert "joint attention" not in names(*recordings(29, **options))
    X, y = recordings(30, **options)
    assert "joint attention" in names(X, y)
    assert "joint attention" not in names(X, y.where(X.index > 0))


def test_per_frame_ridge_and_trees_come_before_networks(networks_for_all):
    expected = ["ridge", "ridge-audio", "ridge-video", "boosting", "boosting-audio", "boosting-video"]
    expected += ["network-audio", "network-video", "late fusion", "early fusion", "joint attention"]
    assert names(*recordings()) == expected


def test_few_clips_get_no_networks_and_many_do():
    few, many = (names(*recordings(n, "clip", duration_s=(3, 5))) for n in (12, 60))
    assert few == [
        f"{k}{s}" for k in ("ridge", "kernel", "trees of means", "trees") for s in ("", "-audio", "-video")
    ]
    assert many == [*few, "network-audio", "network-video", "late fusion", "early fusion", "joint attention"]


def test_tables_of_numbers_get_no_networks():
    rng = np.random.default_rng(0)
    assert names(rng.normal(size=(100, 3)), rng.normal(size=100)) == ["ridge", "kernel", "trees"]


def test_one_stream_has_no_fusion(networks_for_all):
    X, y = recordings()
    assert names(X[["audio"]], y) == ["ridge", "boosting", "network-audio"]


def test_a_stream_that_is_absent_everywhere_is_not_tried(networks_for_all):
    X, y = recordings()
    assert names(X.assign(video=X["video"].where([False] * len(X))), y) == [
        "ridge",
        "boosting",
        "network-audio",
    ]


def test_clips_without_rates_keep_their_lengths():
    rng = np.random.default_rng(0)
    lengths = [(5, 3)] * 60
    X = {name: [rng.normal(size=(n[k], 2)) for n in lengths] for k, name in enumerate(("audio", "video"))}
    found = names(X, rng.normal(size=60))
    assert "network-video" in found
    assert "joint attention" not in found  # which needs streams in step


def test_networks_see_long_clips_in_few_steps():
    X, y = recordings(60, "clip", duration_s=(100, 100), audio_rate_hz=2, video_rate_hz=2)
    network = default_candidates(read(X, y), np.random.RandomState(0))[-1]
    out = network.estimator[:-1].fit_transform(X)
    assert set(out["audio"].array.lengths) == {50}


@pytest.mark.parametrize("target", ["frame", "clip"])
def test_cheap_candidates_predict_rows_that_lack_a_stream(target):
    X, y = recordings(12, target, audio_absent_share=0.3, video_absent_share=0.3, duration_s=(10, 15))
    for one in default_candidates(read(X, y), np.random.RandomState(0)):
        if one.streams == ["audio", "video"] and "fusion" not in one.name and "attention" not in one.name:
            fitted = clone(one.estimator).fit(X[one.streams], y)
            values = av.sequences.as_targets(fitted.predict(X[one.streams])).values
            assert np.isfinite(values).all(), one.name


def test_ranks_need_frames():
    X, y = recordings(2, "clip", duration_s=(3, 3))
    assert rank_gauss(read(X, y), ["other"]) == ["other"]
    [step] = rank_gauss(read(*recordings(20, "clip")), [])
    assert step.transformer.output_distribution == "normal"


def test_seeds_are_those_of_the_random_numbers(networks_for_all):
    X, y = recordings()
    first, again, other = (default_candidates(read(X, y), np.random.RandomState(s)) for s in (0, 0, 1))
    seeds = [
        [one.estimator[-1].random_state for one in own if one.estimator and "ion" in one.name]
        for own in (first, again, other)
    ]
    assert seeds[0] == seeds[1] != seeds[2]
    assert Candidate("ridge", None, []) == Candidate("ridge", None, [])
