import os
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import avfusion as av
from avfusion.model_selection import LeakageWarning, check_leakage

RIDGE = av.FrameRegressor(Ridge())


@pytest.fixture(scope="module")
def data():
    return av.datasets.make_audiovisual_regression(
        12, recordings_per_subject=2, audio_rate_hz=1, video_rate_hz=1, duration_s=(60, 120), random_state=0
    )


def kinds(report):
    return [kind for kind, _ in report.findings]


def test_clean_data_give_no_warning(data):
    X, y = data
    with warnings.catch_warnings():
        warnings.simplefilter("error", LeakageWarning)
        report = check_leakage(RIDGE, X, y, groups="subject", cv=3)
    assert report.findings == []
    assert report.shuffled_scores.shape == (5,)
    assert repr(report) == (
        "No leak found: groups, copies, overlaps in time, preprocessing, shuffled labels."
    )


def test_groups_on_both_sides(data):
    X, y = data
    with pytest.warns(
        LeakageWarning, match=r"\d of 6 groups are trained on and tested in the same fold, such as"
    ):
        report = check_leakage(None, X, y, groups="subject", cv=KFold(5))
    assert kinds(report) == ["groups"]
    assert check_leakage(None, X, y, groups="subject", cv=GroupKFold(3)).findings == []


def test_the_same_recording_twice(data):
    X, y = data
    twice = pd.concat([X, X.iloc[[2]]], ignore_index=True)
    labels = pd.concat([y, y.iloc[[2]]], ignore_index=True)
    twice.loc[12, "subject"] = 99
    with pytest.warns(LeakageWarning, match=r"same recording.*row 2 \(index 2\) and row 12 \(index 12\)"):
        report = check_leakage(None, twice, labels, groups="subject", cv=LeaveOneGroupOut())
    assert kinds(report) == ["copies"]


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_end_of_one_is_the_beginning_of_another(noise):
    rng = np.random.default_rng(0)
    film = np.cumsum(rng.normal(size=(900, 3)), axis=0)
    parts = [film[:330], film[270:600], film[600:]]
    parts = [part + noise * rng.normal(size=part.shape) for part in parts]
    X, y = av.as_sequences({"audio": parts}, rate_hz=10.0), [part[:, 0] for part in parts]
    with pytest.warns(
        LeakageWarning,
        match=r"1 pair.*: 6.0 s of 'audio' in row 0 .*, from 27.0 s on,.* in row 1 .* from 0.0 s on",
    ):
        report = check_leakage(None, X, y, cv=3)
    assert kinds(report) == ["overlaps"]
    together = check_leakage(None, X, y, groups=[0, 0, 1], cv=LeaveOneGroupOut())
    assert together.findings == []


@pytest.mark.skipif("AVFUSION_DATA" not in os.environ, reason="AVFUSION_DATA names no folder of data sets")
def test_the_segments_of_the_film_overlap_until_they_are_cut():
    X, y = av.datasets.fetch_studyforrest(os.environ["AVFUSION_DATA"], trim_overlap=False)
    with pytest.warns(LeakageWarning, match="7 pair.*seem to overlap in time.*: (19|20).* s of"):
        report = check_leakage(None, X, y, groups="segment")
    assert kinds(report) == ["overlaps"]
    X, y = av.datasets.fetch_studyforrest(os.environ["AVFUSION_DATA"])
    assert check_leakage(None, X, y, groups="segment").findings == []


@pytest.mark.parametrize(
    ("transformer", "said"),
    [(StandardScaler(), "standardised"), (MinMaxScaler(), "scaled to one range"), (PCA(3), "uncorrelated")],
)
def test_a_transformer_that_was_fitted_on_all_rows(data, transformer, said):
    X, y = data
    done = av.OnFrames({"audio": transformer}).fit_transform(X)
    with pytest.warns(LeakageWarning, match=f"The features of column 'audio' are {said}"):
        report = check_leakage(None, done, y, groups="subject")
    assert kinds(report) == ["preprocessing"]
    train_only = av.OnFrames({"audio": transformer}).fit(X.iloc[:8]).transform(X)
    assert check_leakage(None, train_only, y, groups="subject").findings == []
    table = np.random.default_rng(0).normal(size=(100, 4))
    with pytest.warns(LeakageWarning, match=f"The features of X are {said}"):
        check_leakage(None, transformer.fit_transform(table), table[:, 0])


def test_labels_of_others_are_learnt_where_speakers_are_on_both_sides():
    rng = np.random.default_rng(0)
    speaker = np.repeat(np.arange(10), 6)
    X = rng.normal(size=(10, 4))[speaker] + 0.05 * rng.normal(size=(60, 4))  # features name the speaker
    y = rng.normal(size=10)[speaker] + 0.1 * rng.normal(size=60)
    with pytest.warns(
        LeakageWarning, match="With the labels of other groups the model still has a CCC of 0.9"
    ):
        report = check_leakage(
            KNeighborsRegressor(2), X, y, groups=speaker, cv=KFold(5, shuffle=True, random_state=0)
        )
    assert kinds(report) == ["groups", "labels"]
    fair = check_leakage(KNeighborsRegressor(2), X, y, groups=speaker, cv=GroupKFold(5))
    assert fair.findings == []
