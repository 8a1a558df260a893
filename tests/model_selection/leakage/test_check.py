import os
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, LeaveOneGroupOut
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

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
    with (
        pytest.warns(
            LeakageWarning, match="With the labels of other groups the model still has a CCC of 0.9"
        ),
        pytest.warns(LeakageWarning, match="10 of 10 groups"),
    ):
        report = check_leakage(
            KNeighborsRegressor(2), X, y, groups=speaker, cv=KFold(5, shuffle=True, random_state=0)
        )
    assert kinds(report) == ["groups", "labels"]
    fair = check_leakage(KNeighborsRegressor(2), X, y, groups=speaker, cv=GroupKFold(5))
    assert fair.findings == []


def test_the_report_says_what_was_not_looked_at(data):
    X, y = data
    report = check_leakage(None, X, y)
    assert repr(report) == (
        "No leak found: copies, overlaps in time, preprocessing.\n"
        "Not looked at: groups (none were given, each row counts as one); shuffled labels (no model)."
    )
    assert check_leakage(RIDGE, X, y, "subject", n_permutations=0).not_looked_at == [
        "shuffled labels (n_permutations is 0)"
    ]
    short = av.as_sequences({"audio": [np.random.default_rng(k).normal(size=(9, 2)) for k in range(5)]})
    report = check_leakage(Ridge(), short, np.arange(5.0), groups=[0, 0, 0, 0, 1])
    assert report.looked_at == ["groups", "copies"]
    assert report.not_looked_at == [
        "overlaps in 'audio' of 5 rows of 50 steps or less",
        "preprocessing of column 'audio' (fewer than 50 frames)",
        "shuffled labels (fewer than 3 groups have labels)",
    ]
    table = np.random.default_rng(0).normal(size=(60, 3))
    assert check_leakage(None, table, table[:, 0]).not_looked_at == [
        "groups (none were given, each row counts as one)",
        "copies that are not exact (in a table)",
        "overlaps in time (a table has no time)",
        "shuffled labels (no model)",
    ]
    flags = check_leakage(None, (table > 0) * 1, table[:, 0])
    assert flags.looked_at == ["preprocessing"]
    assert any(reason.startswith("copies (the rows have so few values") for reason in flags.not_looked_at)
    words = check_leakage(None, pd.DataFrame({"word": list("abcdef")}), np.arange(6.0), cv=2)
    assert repr(words).startswith("Not looked at: groups")
    assert "copies and preprocessing (no table of numbers)" in words.not_looked_at


def test_pairs_that_were_not_compared_are_counted(data, monkeypatch):
    monkeypatch.setattr("avfusion.model_selection.leakage._candidates.BLOCK_BYTES", 1e4)
    monkeypatch.setattr("avfusion.model_selection.leakage._overlaps.MAX_WORK", 1000)
    X, y = data
    X = pd.concat([X, X.iloc[:1]], ignore_index=True)
    X["audio"] = av.as_sequences({"audio": [cell.frames for cell in X["audio"]]})["audio"]
    video = [cell.frames for cell in X["video"]]
    video[12] = video[12][:-1]  # no copy
    X["video"] = av.as_sequences({"video": video})["video"]
    y = pd.concat([y, y.iloc[:1]], ignore_index=True)
    with pytest.warns(LeakageWarning, match="1 pair.*seem to overlap.* in row 0 .* in row 12"):
        report = check_leakage(None, X, y, cv=LeaveOneGroupOut(), groups=np.arange(13))
    assert any(
        re.fullmatch(r"overlaps in 'audio', in steps, in \d+ of 78 pairs of rows .*", reason)
        for reason in report.not_looked_at
    )


@pytest.mark.parametrize("form", ["array", "frame", "lists"])
def test_tables(form):
    rng = np.random.default_rng(0)
    table = rng.normal(3, 2, size=(60, 4))
    table[44] = table[7]
    groups = np.arange(60) // 3
    make = {
        "array": lambda table: table,
        "lists": lambda table: table.tolist(),
        "frame": lambda table: pd.DataFrame(table, columns=list("abcd")).assign(
            who=groups[: len(table)], word="x"
        ),
    }[form]
    by = "who" if form == "frame" else groups
    with pytest.warns(LeakageWarning, match="1 pair.*hold the same numbers.*such as row 7.* and row 44"):
        assert kinds(check_leakage(None, make(table), table[:, 0], by)) == ["copies"]
    scaled = StandardScaler().fit_transform(np.delete(table, 44, axis=0))
    with pytest.warns(LeakageWarning, match="The features of X are standardised over all rows"):
        assert kinds(check_leakage(None, make(scaled), scaled[:, 0])) == ["preprocessing"]


def test_a_noisy_copy_far_away_and_longer_than_4000_steps():
    rng = np.random.default_rng(0)
    rows = list(np.cumsum(rng.normal(size=(8, 7500, 2)), axis=1))
    rows[7] = rows[0] + 0.3 * rng.normal(size=rows[0].shape)
    X, y = av.as_sequences({"audio": rows}, rate_hz=25), list(rng.normal(size=(8, 7500)))
    with pytest.warns(
        LeakageWarning, match="1 pair.*overlap in time.*: 300.0 s of 'audio' in row 0 .* in row 7"
    ):
        assert kinds(check_leakage(None, X, y)) == ["overlaps"]


def test_row_80_of_100_holds_half_of_row_3():
    rng = np.random.default_rng(0)
    rows = list(np.cumsum(rng.normal(size=(100, 200, 3)), axis=1))
    rows[80] = np.concatenate([rows[3][100:], rows[80][:100]]) + 0.2 * rng.normal(size=(200, 3))
    X, y = av.as_sequences({"audio": rows}), list(rng.normal(size=(100, 200)))
    with pytest.warns(LeakageWarning, match="1 pair.*: 100 steps .* in row 3 .*from 100 steps on.* row 80 "):
        assert kinds(check_leakage(None, X, y)) == ["overlaps"]


def test_one_film_for_all_is_told_from_people_who_are_recorded_twice():
    rng = np.random.default_rng(0)
    audio, faces = rng.normal(size=(400, 3)), rng.normal(size=(8, 400, 3))
    X = av.as_sequences({"audio": [audio] * 8, "video": list(faces)})
    y = list(audio[:, 0] + 0.3 * rng.normal(size=(8, 400)))  # they feel nearly alike
    model = av.FrameRegressor(Ridge())
    with pytest.warns(LeakageWarning) as warned:
        report = check_leakage(model, X, y, groups=np.arange(8), cv=4)
    assert [str(w.message)[:10] for w in warned] == ["24 pair(s)"]
    assert "No overlap is found in 'video': if several people watched the same film" in str(warned[0].message)
    assert any(
        "people watch one film: they alone explain a CCC of 0.9" in why for why in report.not_looked_at
    )
    assert report.shuffled_scores.mean() > 0.9


@pytest.mark.parametrize("by", ["recording", "subject"])
def test_each_speaker_standardised_alone_is_fine(data, by):
    X, y = data
    part = np.arange(12) if by == "recording" else X["subject"].to_numpy()
    cells = [cell.frames.astype(float) for cell in X["audio"]]
    for value in np.unique(part):
        rows = np.flatnonzero(part == value)
        frames = np.concatenate([cells[row] for row in rows])
        for row in rows:
            cells[row] = (cells[row] - frames.mean(axis=0)) / frames.std(axis=0)
    alone = av.as_sequences({"audio": cells}, rate_hz=1).assign(subject=X["subject"])
    assert check_leakage(None, alone, y, groups="subject").findings == []
    assert check_leakage(None, alone, y).findings == []  # a column of X names the speaker


@pytest.mark.parametrize("transformer", [StandardScaler(), MinMaxScaler((-1, 1)), RobustScaler()])
def test_a_scaler_of_data_with_holes(data, transformer):
    X, y = data
    rng = np.random.default_rng(0)
    cells = [np.where(rng.random(cell.shape) < 0.02, np.nan, cell.frames) for cell in X["audio"]]
    done = transformer.fit(np.concatenate(cells)).transform
    scaled = av.as_sequences({"audio": [done(cell) for cell in cells]}, rate_hz=1)
    with pytest.warns(LeakageWarning, match="The features of column 'audio' are s.* over all rows"):
        assert kinds(check_leakage(None, scaled, y)) == ["preprocessing"]
    raw = av.as_sequences({"audio": cells}, rate_hz=1)
    assert check_leakage(None, raw, y).findings == []


def test_searches_get_the_groups_of_their_training_rows(data):
    X, y = data
    seen = []

    class Folds(GroupKFold):
        def split(self, X, y=None, groups=None):
            seen.append(groups)
            return super().split(X, y, groups)

    grid = {"regressor__alpha": [1.0, 10.0]}
    searches = (
        GridSearchCV(RIDGE, grid, cv=Folds(3)),
        av.model_selection.FusionSearchCV(
            RIDGE, {"regressor__alpha": [1.0, 10.0]}, n_trials=1, cv=Folds(3), verbose=False
        ),
    )
    for search in searches:
        seen.clear()
        report = check_leakage(search, X, y, groups="subject", cv=3, n_permutations=2)
        assert np.isfinite(report.shuffled_scores).all()
        assert {len(groups) for groups in seen} == {8}
        assert all(len(np.unique(groups)) == 4 for groups in seen)


def test_a_subject_without_labels(data):
    X, y = data
    y = y.where(X["subject"] != 2)
    report = check_leakage(RIDGE, X, y, groups="subject")
    assert report.findings == []
    assert report.looked_at[-1] == "shuffled labels"
    assert np.isfinite(report.shuffled_scores).all()


@pytest.mark.parametrize("wrong", [-1, 1, 2.5])
def test_a_number_of_permutations_that_tells_nothing(data, wrong):
    with pytest.raises(ValueError, match=f"n_permutations must be 0, .* integer of at least 2, not {wrong}"):
        check_leakage(RIDGE, *data, n_permutations=wrong)


def test_rows_as_a_list_of_arrays():
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(60 + k, 2)) for k in range(5)]
    report = check_leakage(RIDGE, rows, [row[:, 0] for row in rows], cv=5, n_permutations=2)
    assert report.findings == []
    assert "overlaps in time" in report.looked_at


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.dok_array, sparse.dok_matrix])
def test_a_sparse_table_is_scored_and_the_rest_is_said_to_be_left_out(form):
    table = np.random.default_rng(0).normal(size=(60, 3))
    report = check_leakage(Ridge(), form(table), table[:, 0], groups=np.arange(60) // 3, n_permutations=2)
    assert report.looked_at == ["groups", "shuffled labels"]
    assert "copies and preprocessing (no table of numbers)" in report.not_looked_at


CELLS = {
    "lists": lambda X: X.assign(**{name: [cell.frames.tolist() for cell in X[name]] for name in STREAMS}),
    "arrays": lambda X: X.assign(**{name: [cell.frames for cell in X[name]] for name in STREAMS}),
    "polars": pl.from_pandas,
}
STREAMS = ("audio", "video")


@pytest.mark.parametrize("form", CELLS)
def test_recordings_twice_are_found_in_cells_of_every_kind(data, form):
    X, y = data
    X = pd.concat([X, X[:1]], ignore_index=True)
    y = pd.concat([y, y[:1]], ignore_index=True)
    with pytest.warns(LeakageWarning, match="hold the same recording"):
        report = check_leakage(av.FrameRegressor(Ridge()), CELLS[form](X), y, cv=KFold(3), n_permutations=0)
    assert "copies" in report.looked_at
