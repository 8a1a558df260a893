import math
import time

import numpy as np
import pandas as pd
import pytest

from avfusion.datasets import audiovisual_truth, make_audiovisual_regression

PARTS = ["audio", "video", "joint", "subject", "noise"]
# Many nearly independent steps, so that what is measured is close to what was asked for.
MANY = {"n_recordings": 400, "timescale_s": 2.0, "subject_offset": 0.0, "random_state": 0}


def flat(column):
    """All steps of all rows of a column of sequences."""
    return np.concatenate([np.asarray(cell) for cell in column])


def aligned(X, modality, y):
    """Means of the frames of each label step: (n_steps, width)."""
    return np.concatenate(
        [
            stream.frames.astype(float).reshape(len(label), -1, stream.shape[1]).mean(axis=1)
            for stream, label in zip(X[modality], y)
        ]
    )


def explained(features, target):
    """R2 of least squares with an intercept, (n, K) features to (n,) or (n, 1) target."""
    features, target = np.column_stack([features, np.ones(len(features))]), np.asarray(target).reshape(-1)
    residual = target - features @ np.linalg.lstsq(features, target, rcond=None)[0]
    return 1 - residual.var() / target.var()


def decoded(features, signal):
    """Predict one signal from the features by least squares."""
    features = np.column_stack([features, np.ones(len(features))])
    return features @ np.linalg.lstsq(features, signal.reshape(-1), rcond=None)[0]


def visible(signal_to_noise, width, frames_per_step):
    """Share of a signal's variance that the mean of a step's frames tells, as the docstring promises."""
    return 1 / (1 + 2 / (signal_to_noise * width * frames_per_step))


@pytest.mark.parametrize(
    ("audio_share", "video_share", "joint_share"), [(0.2, 0.2, 0.6), (0.5, 0.1, 0.2), (0.3, 0.4, 0.0)]
)
def test_each_modality_alone_and_both_together_explain_their_shares(audio_share, video_share, joint_share):
    shares = {"audio_share": audio_share, "video_share": video_share, "joint_share": joint_share}
    X, y = make_audiovisual_regression(**MANY, **shares)
    truth = audiovisual_truth(**MANY, **shares)
    label, audio, video = flat(y), aligned(X, "audio", y), aligned(X, "video", y)
    both = np.column_stack([audio, video])
    product = decoded(audio, flat(truth["audio_gate"])) * decoded(video, flat(truth["video_gate"]))
    seen_audio, seen_video = visible(1, 6, 10), visible(1, 8, 5)
    assert label.mean() == pytest.approx(0, abs=0.05)
    assert label.var() == pytest.approx(1, abs=0.05)
    assert explained(audio, label) == pytest.approx(audio_share * seen_audio, abs=0.025)
    assert explained(video, label) == pytest.approx(video_share * seen_video, abs=0.025)
    linear = audio_share * seen_audio + video_share * seen_video
    assert explained(both, label) == pytest.approx(linear, abs=0.03)
    with_product = explained(np.column_stack([both, product]), label)
    assert with_product == pytest.approx(linear + joint_share * seen_audio * seen_video, abs=0.04)


def test_one_stream_tells_nothing_about_the_joint_part_not_even_with_products_of_its_features():
    parameters = {**MANY, "n_recordings": 150}
    X, y = make_audiovisual_regression(**parameters)
    joint = flat(audiovisual_truth(**parameters)["joint"])
    half = len(joint) // 2
    for modality in ("audio", "video"):
        features = aligned(X, modality, y)
        i, j = np.triu_indices(features.shape[1])
        features = np.column_stack([features, features[:, i] * features[:, j], np.ones(len(features))])
        weights = np.linalg.lstsq(features[:half], joint[:half], rcond=None)[0]
        residual = joint[half:] - (features[half:] @ weights)[:, None]
        assert 1 - residual.var() / joint.var() < 0.005


@pytest.mark.parametrize("target", ["frame", "clip"])
def test_the_truth_has_the_promised_shares_and_sums_to_the_label(target):
    parameters = {
        **MANY,
        "n_recordings": 1500,
        "recordings_per_subject": 1,
        "audio_share": 0.1,
        "video_share": 0.3,
        "joint_share": 0.2,
        "subject_share": 0.25,
        "target": target,
    }
    _, y = make_audiovisual_regression(**parameters)
    truth = audiovisual_truth(**parameters)
    values = {name: flat(truth[name])[:, 0] if target == "frame" else truth[name] for name in PARTS}
    label = flat(y)[:, 0] if target == "frame" else y
    np.testing.assert_allclose(sum(values.values()), label, atol=1e-12)
    shares = dict(zip(PARTS, (0.1, 0.3, 0.2, 0.25, 0.15)))
    for name, share in shares.items():
        assert np.var(values[name]) == pytest.approx(share, rel=0.12), name
    correlations = np.corrcoef(list(values.values())) - np.eye(5)
    assert np.abs(correlations).max() < 0.09
    assert np.var(label) == pytest.approx(1, rel=0.08)


def test_gates_are_means_of_minus_1_and_1_whose_product_is_the_joint_part():
    parameters = {"n_recordings": 50, "random_state": 1, "audio_rate_hz": 1, "video_rate_hz": 1}
    truth = audiovisual_truth(**parameters)
    audio, video = flat(truth["audio_gate"]), flat(truth["video_gate"])
    assert set(np.unique(audio)) == set(np.unique(video)) == {-1.0, 1.0}
    np.testing.assert_allclose(flat(truth["joint"]), math.sqrt(0.5) * audio * video)


@pytest.mark.parametrize("part", ["audio_share", "video_share", "joint_share", None])
def test_every_part_of_the_label_is_slow(part):
    shares = dict.fromkeys(["audio_share", "video_share", "joint_share"], 0.0) | ({part: 1.0} if part else {})
    _, y = make_audiovisual_regression(300, timescale_s=10, duration_s=(300, 300), random_state=0, **shares)
    label = np.stack([np.asarray(cell)[:, 0] for cell in y])
    within_step = np.arange(10) / 10  # instants that a label is the mean of, in s
    for lag in (1, 5, 20):
        measured = np.mean(label[:, lag:] * label[:, :-lag]) / np.mean(label**2)
        distances_s = np.abs(lag + within_step[:, None] - within_step)
        variance = np.exp(-np.abs(within_step[:, None] - within_step) / 10).mean()
        assert measured == pytest.approx(np.exp(-distances_s / 10).mean() / variance, abs=0.03)


@pytest.mark.parametrize("delay_s", [0.0, 3.0, 7.0])
def test_labels_lag_the_streams_by_the_delay(delay_s):
    X, y = make_audiovisual_regression(**MANY, audio_share=0.5, joint_share=0.3, delay_s=delay_s)
    lags = range(12)
    by_lag = []
    for lag in lags:
        now = [aligned(X.iloc[[i]], "audio", y.iloc[[i]])[: len(y[i]) - lag] for i in range(len(X))]
        later = [np.asarray(cell)[lag:] for cell in y]
        by_lag.append(explained(np.concatenate(now), np.concatenate(later)))
    assert np.argmax(by_lag) == delay_s
    assert max(by_lag) == pytest.approx(0.5, abs=0.05)


def test_the_truth_is_delayed_as_the_label_is():
    parameters = {**MANY, "n_recordings": 20, "delay_s": 2.5}
    _, y = make_audiovisual_regression(**parameters)
    truth = audiovisual_truth(**parameters)
    np.testing.assert_allclose(sum(flat(truth[part]) for part in PARTS), flat(y), atol=1e-12)


def test_lengths_are_ragged_within_the_range_and_streams_hold_whole_label_steps():
    X, y = make_audiovisual_regression(
        200, duration_s=(10.3, 30), label_rate_hz=2, audio_rate_hz=8, video_rate_hz=6, random_state=0
    )
    n_labels = np.array([len(label) for label in y])
    assert n_labels.min() == 21
    assert n_labels.max() == 60
    assert [len(stream) for stream in X["audio"]] == (4 * n_labels).tolist()
    assert [len(stream) for stream in X["video"]] == (3 * n_labels).tolist()
    assert str(X["audio"].dtype) == "sequence[float32, 6, 8Hz]"
    assert str(X["video"].dtype) == "sequence[float32, 8, 6Hz]"
    assert str(y.dtype) == "sequence[float64, 1, 2Hz]"


def test_equal_rates_give_aligned_streams():
    X, y = make_audiovisual_regression(5, audio_rate_hz=1, video_rate_hz=1, audio_width=2, random_state=0)
    for audio, video, label in zip(X["audio"], X["video"], y):
        assert audio.shape == (len(label), 2)
        assert video.shape == (len(label), 8)


def test_recordings_are_nested_in_subjects_whose_offsets_are_in_label_and_streams():
    parameters = {
        "n_recordings": 23,
        "recordings_per_subject": 4,
        "joint_share": 0.3,
        "subject_share": 0.3,
        "subject_offset": 5.0,
        "random_state": 0,
    }
    X, _ = make_audiovisual_regression(**parameters)
    assert X["subject"].tolist() == [row // 4 for row in range(23)]
    offset = audiovisual_truth(**parameters)["subject"]
    by_subject = [np.unique(flat(offset[X["subject"] == subject])) for subject in range(6)]
    assert [len(values) for values in by_subject] == [1] * 6
    assert len(np.unique(by_subject)) == 6
    means = pd.DataFrame([np.asarray(stream).mean(axis=0) for stream in X["audio"]])
    within = means.groupby(X["subject"]).std().mean().mean()
    between = means.groupby(X["subject"]).mean().std().mean()
    assert within < 1.5
    assert between == pytest.approx(5, rel=0.35)


@pytest.mark.parametrize("modality", ["audio", "video"])
def test_signal_to_noise_is_per_feature_and_frame(modality):
    def frames(signal_to_noise):
        X, _ = make_audiovisual_regression(**MANY, signal_to_noise=signal_to_noise)
        return flat(X[modality]).astype(float)

    clean = frames(1e12)
    noise = frames(0.25) - clean
    assert clean.var(axis=0).mean() == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(noise.var(axis=0), 4, rtol=0.05)
    assert np.linalg.matrix_rank(clean, tol=1e-2) == 2


def test_absent_streams_are_missing_values_of_different_rows():
    X, y = make_audiovisual_regression(41, audio_absent_share=0.3, video_absent_share=0.7, random_state=0)
    assert X["audio"].isna().sum() == 12
    assert X["video"].isna().sum() == 28
    assert not (X["audio"].isna() & X["video"].isna()).any()
    assert not y.isna().any()
    present = [len(stream) for stream in X["audio"].dropna()]
    assert len(X["audio"].array.frames) == sum(present)


def test_absence_shares_and_target_change_nothing_else():
    X, y = make_audiovisual_regression(random_state=3)
    absent, same_y = make_audiovisual_regression(audio_absent_share=0.5, random_state=3)
    pd.testing.assert_series_equal(y, same_y)
    kept = absent["audio"].notna()
    pd.testing.assert_frame_equal(absent[kept], X[kept])
    for changes in ({"joint_share": 0.0}, {"target": "clip"}, {"subject_share": 0.1}):
        same_X, other_y = make_audiovisual_regression(random_state=3, **changes)
        pd.testing.assert_frame_equal(same_X, X)
        assert not y.equals(other_y)


def test_a_clip_label_is_the_scaled_mean_of_the_frame_labels():
    parameters = {"n_recordings": 300, "delay_s": 1.0, "random_state": 0}
    _, y = make_audiovisual_regression(**parameters)
    _, clip = make_audiovisual_regression(**parameters, target="clip")
    assert clip.dtype == np.float64
    assert clip.name == y.name == "label"
    means = np.array([np.asarray(label).mean() for label in y])
    np.testing.assert_allclose(clip / means, (clip / means)[0])
    assert clip.var() == pytest.approx(1, abs=0.2)


def test_an_infinite_timescale_makes_recordings_constant():
    _, y = make_audiovisual_regression(400, timescale_s=math.inf, random_state=0)
    assert max(np.ptp(np.asarray(label)) for label in y) < 1e-9
    assert np.var([np.asarray(label)[0] for label in y]) == pytest.approx(1, abs=0.2)


def test_the_seed_decides_everything():
    (X, y), (again, y_again), (other, y_other) = (
        make_audiovisual_regression(6, random_state=seed) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(X, again)
    pd.testing.assert_series_equal(y, y_again)
    assert not X.equals(other)
    assert not y.equals(y_other)
    drawn, _ = make_audiovisual_regression(6, random_state=np.random.RandomState(1))
    pd.testing.assert_frame_equal(X, drawn)


def test_defaults_are_made_in_well_under_a_second():
    began = time.perf_counter()
    make_audiovisual_regression(random_state=0)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_recordings": 0}, "n_recordings=0 must be an integer of at least 1"),
        ({"n_recordings": 2.5}, "n_recordings=2.5 must be an integer"),
        ({"recordings_per_subject": 0}, "recordings_per_subject=0 must be an integer of at least 1"),
        ({"audio_width": 1}, "audio_width=1 must be an integer of at least 2"),
        ({"duration_s": (10, 5)}, r"duration_s=\(10, 5\) must be \(shortest, longest\)"),
        ({"duration_s": (-5, 5)}, "duration_s"),
        ({"duration_s": (0.2, 0.6)}, "duration_s=.* with a whole label step between them"),
        ({"duration_s": 60}, r"duration_s=60 must be \(shortest, longest\)"),
        ({"label_rate_hz": 0}, "label_rate_hz=0 must be positive"),
        ({"video_rate_hz": 2.5}, "video_rate_hz=2.5 must be a whole multiple of label_rate_hz=1"),
        ({"audio_rate_hz": 0.5}, "audio_rate_hz=0.5 must be a whole multiple of label_rate_hz=1"),
        ({"timescale_s": 0}, "timescale_s=0 must be positive"),
        ({"signal_to_noise": -1}, "signal_to_noise=-1 must be positive"),
        ({"subject_offset": -1}, "subject_offset=-1 must be 0 or more"),
        ({"delay_s": 0.25}, "delay_s=0.25 must be a multiple of 0.1 s"),
        ({"delay_s": -1}, "delay_s=-1 must be a multiple"),
        ({"delay_s": 1e308}, "delay_s=1e\\+308 must be a multiple"),
        ({"joint_share": -0.1}, r"joint_share=-0.1 must be in 0\.\.1"),
        ({"joint_share": math.nan}, "joint_share=nan must be in"),
        ({"joint_share": 0.7}, r"audio_share \+ video_share \+ .* is 1.1, but may be at most 1"),
        ({"video_absent_share": 1.5}, "video_absent_share=1.5 must be in"),
        ({"audio_absent_share": 0.6, "video_absent_share": 0.6}, "is 1.2, but may be at most 1"),
        ({"audio_rate_hz": math.inf}, "audio_rate_hz=inf must be a finite number"),
        ({"delay_s": math.nan}, "delay_s=nan must be a finite number"),
        ({"timescale_s": "x" * 1000}, r"timescale_s='x+\.\.\. must be a number"),
        ({"duration_s": ("a", "b")}, r"duration_s=\('a', 'b'\) must be"),
        ({"target": "video"}, "target='video' must be 'frame' or 'clip'"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_audiovisual_regression(**parameters)


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0)])
def test_the_truth_needs_the_int_that_the_data_was_made_with(random_state):
    with pytest.raises(ValueError, match="random_state must be the int"):
        audiovisual_truth(random_state=random_state)


def test_the_truth_knows_only_the_parameters_of_the_generator():
    with pytest.raises(TypeError, match="n_clips"):
        audiovisual_truth(n_clips=3, random_state=0)
