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
from avfusion.model_selection.leakage import exchange_labels, overlap

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
    assert "No leak found" in repr(report)


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
    assert "copies" in kinds(report)


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_the_end_of_one_is_the_beginning_of_another(noise):
    rng = np.random.default_rng(0)
    film = np.cumsum(rng.normal(size=(900, 3)), axis=0)
    parts = [film[:330], film[270:600], film[600:]]
    parts = [part + noise * rng.normal(size=part.shape) for part in parts]
    X, y = av.as_sequences({"audio": parts}, rate_hz=10.0), [part[:, 0] for part in parts]
    with pytest.warns(LeakageWarning, match=r"1 pair.*the last 6.0 s of 'audio' in row 0 .* first of row 1"):
        report = check_leakage(None, X, y, cv=3)
    assert kinds(report) == ["overlaps"]
    together = check_leakage(None, X, y, groups=[0, 0, 1], cv=LeaveOneGroupOut())
    assert together.findings == []


def test_overlap_agrees_with_the_obvious_search():
    rng = np.random.default_rng(1)
    film = rng.normal(size=(400, 2))
    one, other = film[:250] + 0.5 * rng.normal(size=(250, 2)), film[180:]
    steps, correlation = overlap(one, other)
    slow = [np.mean([np.corrcoef(one[-n:, k], other[:n, k])[0, 1] for k in range(2)]) for n in range(50, 220)]
    best = int(np.argmax(np.arctanh(slow) * np.sqrt(np.arange(50, 220))))
    assert steps == 70 == best + 50
    assert correlation == pytest.approx(slow[best])
    assert overlap(rng.normal(size=(300, 2)), rng.normal(size=(300, 2))) == (0, 0.0)
    assert overlap(None, other) == (0, 0.0)


@pytest.mark.skipif("AVFUSION_DATA" not in os.environ, reason="AVFUSION_DATA names no folder of data sets")
def test_the_segments_of_the_film_overlap_until_they_are_cut():
    X, y = av.datasets.fetch_studyforrest(os.environ["AVFUSION_DATA"], trim_overlap=False)
    with pytest.warns(LeakageWarning, match="7 pair.*seem to overlap in time.*the last (19|20).* s"):
        report = check_leakage(None, X, y, groups="segment")
    assert kinds(report) == ["overlaps"]
    X, y = av.datasets.fetch_studyforrest(os.environ["AVFUSION_DATA"])
    assert check_leakage(None, X, y, groups="segment").findings == []


@pytest.mark.parametrize(
    ("transformer", "said"),
    [(StandardScaler(), "standardised"), (MinMaxScaler(), "scaled to 0..1"), (PCA(3), "uncorrelated")],
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


def test_nobody_keeps_their_labels_and_forms_stay(data):
    X, y = data
    groups = X["subject"].to_numpy()
    strange = exchange_labels(y, groups, np.random.default_rng(0))
    assert strange.dtype == y.dtype
    assert [len(cell) for cell in strange] == [len(cell) for cell in y]
    for row in range(len(y)):
        cell = np.asarray(strange.iloc[row].frames)
        owners = [
            other
            for other in range(len(y))
            if np.array_equal(cell, np.resize(np.asarray(y.iloc[other].frames), cell.shape))
        ]
        assert len(owners) == 1
        assert groups[owners[0]] != groups[row]
