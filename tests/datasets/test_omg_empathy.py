import csv
import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from avfusion.datasets import _omg_empathy as omg
from avfusion.datasets import fetch_omg_empathy
from avfusion.preprocessing import Align

REAL = os.environ.get("AVFUSION_DATA")
needs_real_data = pytest.mark.skipif(not REAL, reason="AVFUSION_DATA is unset")

HEADER = "index,valence,seconds,words,polarity,image_valence,emo_watson,opensmile_valence,opensmile_arousal"
RECORDINGS = [(2, 1), (2, 8), (10, 1)]


def line(k, subject=0):
    """Line k of a recording: all numbers can be told apart."""
    values = [f"{v:.4f}" for v in (k / 1000, k / 100, subject / 100 + k / 1000, -k / 100, k / 10, -k / 10)]
    valence, polarity, face, watson, voice, arousal = values
    return f"{k},{valence},{round(k / 25, 2)},null,{polarity},{face},{watson},{voice},{arousal}"


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Folder with three small recordings, which the module is told to expect."""
    folder = tmp_path / "published"
    texts = {recording: [line(k, recording[0]) for k in range(50)] for recording in RECORDINGS}
    del texts[2, 8][10:12]  # two lines are not there
    texts[10, 1][7] = "7,0.007,0.28,,,0.107,,0.7,-0.7"  # nothing is said
    texts[10, 1][8] = "8,0.008,0.32,null,,0.108,-0.08,,"  # a step that is observed in part
    return write(folder, texts, monkeypatch)


def write(folder, texts, monkeypatch):
    checksums = {}
    for (subject, story), lines in texts.items():
        name = f"features_train/Subject_{subject}_Story_{story}.csv"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join([HEADER, *lines, ""]))
        checksums[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    monkeypatch.setattr(omg, "CHECKSUMS", checksums)
    return folder


@pytest.fixture
def home(published, tmp_path):
    published.rename(tmp_path / omg.FOLDER)
    return tmp_path


@pytest.mark.filterwarnings("ignore:2 steps have no row")
def test_streams_hold_the_numbers_of_their_columns_and_rows_are_in_order(home):
    X, y = fetch_omg_empathy(home)
    assert list(zip(X["subject"], X["story"])) == RECORDINGS
    k = np.arange(50)
    np.testing.assert_allclose(X["text"].iloc[0].frames, np.stack([k / 100, -k / 100], axis=1), rtol=1e-6)
    np.testing.assert_allclose(X["face"].iloc[0].frames[:, 0], 0.02 + k / 1000, rtol=1e-6)
    np.testing.assert_allclose(X["voice"].iloc[0].frames, np.stack([k / 10, -k / 10], axis=1), rtol=1e-6)
    np.testing.assert_array_equal(y["valence"].iloc[0].frames[:, 0], k / 1000)


@pytest.mark.filterwarnings("ignore:2 steps have no row")
def test_columns_have_the_dtypes_that_the_docstring_promises_and_no_bookkeeping(home):
    X, y = fetch_omg_empathy(home)
    assert {name: str(dtype) for name, dtype in X.dtypes.items()} == {
        "subject": "int64",
        "story": "int64",
        "text": "sequence[float32, 2, 25Hz]",
        "face": "sequence[float32, 1, 25Hz]",
        "voice": "sequence[float32, 2, 25Hz]",
    }
    assert {name: str(dtype) for name, dtype in y.dtypes.items()} == {"valence": "sequence[float64, 1, 25Hz]"}
    assert X["text"].array.features == ("polarity", "emo_watson")
    pd.testing.assert_index_equal(X.index, y.index)


def test_missing_lines_are_steps_of_nan_that_keep_all_others_in_their_places(home):
    with pytest.warns(UserWarning, match="2 steps have no row in the table and are NaN"):
        X, y = fetch_omg_empathy(home)
    expected = np.where(np.isin(np.arange(50), [10, 11]), np.nan, np.arange(50) / 1000)
    np.testing.assert_array_equal(y["valence"].iloc[1].frames[:, 0], expected)
    np.testing.assert_allclose(X["face"].iloc[1].frames[:, 0], 0.02 + expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:2 steps have no row")
def test_empty_cells_are_nan_and_a_step_observed_in_part_stays_so(home):
    X, y = fetch_omg_empathy(home)
    text, voice = X["text"].iloc[2].frames, X["voice"].iloc[2].frames
    assert np.isnan(text[7]).all()
    assert np.isnan(text[8]).tolist() == [True, False]
    assert np.isnan(voice[8]).all()
    assert (np.isnan(text).sum(), np.isnan(voice).sum()) == (3, 2)
    assert not np.isnan(y["valence"].iloc[2].frames).any()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([line(k) for k in (0, 1, 2, 2, 3)], "has 0.08 twice .* rows 2 and 3"),
        ([line(k) for k in (0, 1, 3, 2, 4)], "goes back from 0.12 to 0.08"),
        ([line(k).replace(f",{k / 25},", f",{k / 24:.4f},") for k in range(100)], "rate_hz is 25, but"),
    ],
)
def test_a_clock_that_repeats_goes_back_or_drifts_is_refused(tmp_path, monkeypatch, lines, message):
    write(tmp_path / omg.FOLDER, {(1, 1): lines}, monkeypatch)
    with pytest.raises(ValueError, match=message):
        fetch_omg_empathy(tmp_path)


@pytest.mark.filterwarnings("ignore:2 steps have no row")
def test_files_come_from_the_base_url_into_the_folder_of_the_data_set(
    published, serve, tmp_path, monkeypatch
):
    address, asked = serve(published)
    monkeypatch.setattr(omg, "BASE_URL", address)
    X, _ = fetch_omg_empathy(tmp_path / "home")
    assert sorted(asked) == sorted(omg.CHECKSUMS)
    again, _ = fetch_omg_empathy(tmp_path / "home", download_if_missing=False)
    assert len(asked) == 3
    pd.testing.assert_frame_equal(X, again)
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["omg_empathy"]


def test_without_files_and_download_the_error_names_the_first_file_and_the_folder(tmp_path):
    with pytest.raises(OSError, match=r"Subject_1_Story_1\.csv is missing in .*omg_empathy"):
        fetch_omg_empathy(tmp_path, download_if_missing=False)


@pytest.fixture(scope="module")
def real():
    began = time.perf_counter()
    X, y = fetch_omg_empathy(REAL, download_if_missing=False)
    assert time.perf_counter() - began < 10
    return X, y


def cell(text):
    return float(text) if text else np.nan


@needs_real_data
def test_real_rows_equal_a_reading_line_by_line(real):
    X, y = real
    assert len(X) == 50
    for row in (0, 28, 49):
        name = f"Subject_{X['subject'].iloc[row]}_Story_{X['story'].iloc[row]}.csv"
        with (Path(REAL) / "omg_empathy" / "features_train" / name).open() as file:
            lines = list(csv.DictReader(file))
        expected = {
            "text": [[cell(one["polarity"]), cell(one["emo_watson"])] for one in lines],
            "face": [[cell(one["image_valence"])] for one in lines],
            "voice": [[cell(one["opensmile_valence"]), cell(one["opensmile_arousal"])] for one in lines],
        }
        for stream, frames in expected.items():
            np.testing.assert_array_equal(X[stream].iloc[row].frames, np.array(frames, dtype=np.float32))
        np.testing.assert_array_equal(
            y["valence"].iloc[row].frames[:, 0], [cell(one["valence"]) for one in lines]
        )


@needs_real_data
def test_real_people_and_stories_cross_and_the_figures_of_the_docstring_hold(real):
    X, y = real
    assert (pd.crosstab(X["subject"], X["story"]) == 1).all().all()
    assert X["subject"].unique().tolist() == list(range(1, 11))
    lengths = y["valence"].array.lengths
    assert lengths.sum() == 405_450
    assert all((X[stream].array.lengths == lengths).all() for stream in omg.STREAMS)
    assert np.allclose(X["voice"].array.starts_s, 0)
    unobserved = {name: np.isnan(X[name].array.pack().frames) for name in omg.STREAMS}
    assert unobserved["text"].all(axis=1).mean() == pytest.approx(0.011, abs=0.0005)
    assert unobserved["voice"].all(axis=1).mean() == pytest.approx(0.008, abs=0.0005)
    assert unobserved["face"].sum() == 50
    assert (unobserved["text"].sum(axis=1) == 1).mean() == pytest.approx(0.001, abs=0.0005)
    ratings = [label.frames[:, 0] for label in y["valence"]]
    assert {len(np.unique(rating)) for rating in ratings} >= {8, 28}
    assert np.mean(np.concatenate(ratings) == 0) == pytest.approx(0.27, abs=0.005)


@needs_real_data
def test_real_valence_of_the_face_agrees_a_little_with_the_rating(real):
    """Streams and labels are of the same people and times: shifting by half a recording takes that away."""
    X, y = real
    faces = Align(rate_hz=1.0).fit_transform(X[["face"]])["face"]
    ratings = Align(rate_hz=1.0).fit_transform(y)["valence"]

    def agreement(shift):
        pairs = [
            (np.roll(r.frames[:, 0], int(len(r) * shift)), f.frames[:, 0]) for r, f in zip(ratings, faces)
        ]
        return np.mean([np.corrcoef(one[~np.isnan(two)], two[~np.isnan(two)])[0, 1] for one, two in pairs])

    assert agreement(0) > max(agreement(shift) for shift in (0.25, 0.5, 0.75)) + 0.05
