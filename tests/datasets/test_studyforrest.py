import hashlib
import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avfusion.datasets import _studyforrest as studyforrest
from avfusion.datasets import _studyforrest_annotations as annotations
from avfusion.datasets import fetch_studyforrest

REAL = os.environ.get("AVFUSION_DATA")
needs_real_data = pytest.mark.skipif(not REAL, reason="AVFUSION_DATA is unset")

# A film of 80 s with the same traps: starts between seconds, overlaps of 3.04 s, audio 3 frames short, no
# label for the last second. Sound and sight are the number of the film frame, labels that of the second.
STARTS_S = (0.0, 10.0, 20.08, 30.16, 40.2, 50.28, 60.36, 70.44, 80.0)
WHOLE_SECONDS = [(0, 10), (10, 20), (21, 30), (31, 40), (41, 50), (51, 60), (61, 70), (71, 79)]
WITH_OVERLAPS = [(0, 12), (10, 23), (21, 33), (31, 43), (41, 53), (51, 63), (61, 73), (71, 79)]


@pytest.fixture
def small_film(tmp_path, monkeypatch):
    """Folder with the files of a small film, which the module is told to expect."""
    folder = tmp_path / "published"
    tables = {studyforrest.LABEL_FILE: small_labels().to_csv(index=False)}
    for k, (start, stop) in enumerate(pairwise(STARTS_S), start=1):
        frames = np.arange(round(start * 25), round(stop * 25) + 76)
        onsets = [f"{0.04 * i:.2f}" for i in range(len(frames))]
        video = pd.DataFrame(
            {"onset": onsets, "duration": "0.04", "brmean": frames, "brlr": k, "brud": -frames}
        )
        video = video.assign(phash="8" + 35 * "0", norm_diff=0.5)
        audio = pd.DataFrame({"onset": onsets, "duration": "0.04", "rms": frames, "lrdiff": -frames})[:-3]
        tables[studyforrest.AUDIO_FILE.format(k)] = audio.to_csv(sep="\t", index=False)
        tables[studyforrest.VIDEO_FILE.format(k)] = video.to_csv(sep="\t", index=False)
    for name, text in tables.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    checksums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in tables.items()}
    monkeypatch.setattr(studyforrest, "CHECKSUMS", checksums)
    monkeypatch.setattr(studyforrest, "FILM_TIMES_S", STARTS_S)
    return folder


@pytest.fixture
def small_home(small_film, tmp_path):
    """Data home that holds the small film."""
    small_film.rename(tmp_path / studyforrest.FOLDER)
    return tmp_path


@pytest.fixture
def annotated_home(small_home, monkeypatch):
    """Data home of the small film with annotations on film time."""
    tables = {
        annotations.SPEECH_FILE: 'start,end,person,text\n19,22,A,"one two three"\n',
        annotations.MUSIC_FILE: "onset\tduration\tfg\n0\t80\t1\n",
        annotations.SHOTS_FILE: "start\n0\n20.5\n21\n79\n",
    }
    for name, text in tables.items():
        path = small_home / studyforrest.FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    checksums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in tables.items()}
    monkeypatch.setattr(annotations, "CHECKSUMS", checksums)
    return small_home


def small_labels():
    seconds = np.arange(79)
    return pd.DataFrame({"arousal": seconds / 100, "valence": -seconds / 100, "fear": seconds % 2})


def cells(column):
    return [np.asarray(cell) for cell in column]


@pytest.mark.parametrize(("trim_overlap", "whole_seconds"), [(True, WHOLE_SECONDS), (False, WITH_OVERLAPS)])
def test_rows_hold_exactly_the_frames_of_their_labelled_seconds(small_home, trim_overlap, whole_seconds):
    X, y = fetch_studyforrest(small_home, trim_overlap=trim_overlap)
    assert X["start_s"].tolist() == [start for start, _ in whole_seconds]
    assert X["segment"].tolist() == list(range(1, 9))
    for row, (start, stop) in enumerate(whole_seconds):
        frames, seconds = np.arange(25 * start, 25 * stop), np.arange(start, stop)
        np.testing.assert_array_equal(X["audio"][row].frames, np.stack([frames, -frames], axis=1))
        np.testing.assert_array_equal(X["video"][row].frames[:, [0, 2]], np.stack([frames, -frames], axis=1))
        np.testing.assert_array_equal(X["video"][row].frames[:, [1, 3]], [[row + 1, 0.5]] * len(frames))
        np.testing.assert_array_equal(y["arousal"][row].frames[:, 0], seconds / 100)
        np.testing.assert_array_equal(y["valence"][row].frames[:, 0], -seconds / 100)


def test_columns_have_the_dtypes_and_rates_that_the_docstring_promises(small_home):
    X, y = fetch_studyforrest(small_home)
    assert {name: str(dtype) for name, dtype in X.dtypes.items()} == {
        "audio": "sequence[float32, 2, 25Hz]",
        "video": "sequence[float32, 4, 25Hz]",
        "segment": "int64",
        "start_s": "int64",
    }
    assert {name: str(dtype) for name, dtype in y.dtypes.items()} == {
        "arousal": "sequence[float64, 1, 1Hz]",
        "valence": "sequence[float64, 1, 1Hz]",
    }
    pd.testing.assert_index_equal(X.index, y.index)


def test_target_columns_are_given_in_the_order_asked_for(small_home):
    _, y = fetch_studyforrest(small_home, target_columns=["fear", "arousal"])
    assert list(y) == ["fear", "arousal"]
    np.testing.assert_array_equal(y["fear"][2].frames[:, 0], np.arange(21, 30) % 2)


def test_annotations_are_shifted_and_cut_with_the_frames(annotated_home):
    """Second 20 straddles two segments and is in no row, nor is what happens in it."""
    X, y = fetch_studyforrest(annotated_home, annotations=True)
    assert [cell.times_s.tolist() for cell in X["speech"][1:3]] == [[[9, 10]], [[0, 1]]]
    assert X["speech"][2].frames.tolist() == [[1]]
    assert [cell.times_s[:, 0].tolist() for cell in X["cuts"]] == [[0], [], [0], [], [], [], [], []]
    assert [cell.times_s.tolist() for cell in X["music"]] == [[[0, len(label)]] for label in y["arousal"]]
    assert str(X["cuts"].dtype) == "sequence[float32, 1, times]"


def test_without_annotations_nothing_of_them_is_read(annotated_home):
    (annotated_home / studyforrest.FOLDER / annotations.SPEECH_FILE).unlink()
    X, _ = fetch_studyforrest(annotated_home, download_if_missing=False)
    assert list(X) == ["audio", "video", "segment", "start_s"]
    with pytest.raises(OSError, match=r"english_dialog\.csv is missing"):
        fetch_studyforrest(annotated_home, annotations=True, download_if_missing=False)


@pytest.mark.parametrize(
    ("target_columns", "message"),
    [
        ("arousal", r"one string; pass a list, as in \['arousal'\]"),
        (["arousal", "joy"], r"\['arousal', 'joy'\] must name some of .*'fear'"),
        ([], r"\[\] must name some of .*'arousal'"),
    ],
)
def test_bad_target_columns(small_home, target_columns, message):
    with pytest.raises(ValueError, match=message):
        fetch_studyforrest(small_home, target_columns=target_columns)


def test_files_come_from_the_base_url_into_the_folder_of_the_data_set(
    small_film, serve, tmp_path, monkeypatch
):
    address, asked = serve(small_film)
    monkeypatch.setattr(studyforrest, "BASE_URL", address)
    X, _ = fetch_studyforrest(tmp_path / "home")
    assert sorted(asked) == sorted(studyforrest.CHECKSUMS)
    again, _ = fetch_studyforrest(tmp_path / "home", download_if_missing=False)
    assert len(asked) == 17
    pd.testing.assert_frame_equal(X, again)
    assert {p.name for p in (tmp_path / "home").iterdir()} == {"studyforrest-data-annotations"}


def test_without_files_and_download_the_error_names_the_first_file_and_the_folder(tmp_path):
    with pytest.raises(
        OSError, match=r"ioats_1s_av_allchar\.csv is missing in .*studyforrest-data-annotations"
    ):
        fetch_studyforrest(tmp_path, download_if_missing=False)


@pytest.fixture(scope="module")
def real():
    return fetch_studyforrest(REAL, download_if_missing=False)


@pytest.fixture(scope="module")
def real_untrimmed():
    return fetch_studyforrest(REAL, download_if_missing=False, trim_overlap=False)


def slowly_read_segment(segment):
    """Film seconds that a segment shows completely: 25 frames of audio and video each. One line at a time."""
    starts_ms = [0, 886000, 1752080, 2612160, 3572200, 4480280, 5342360, 6410440, 7086000]
    seconds = {}
    for kind, channels in (("audio", ["rms", "lrdiff"]), ("visual", ["brmean", "brlr", "brud", "norm_diff"])):
        path = f"segments/avmovie/conf_{kind}_run-{segment}_events.tsv"
        table = pd.read_csv(
            Path(REAL) / "studyforrest-data-annotations" / path, sep="\t", dtype={"phash": str}
        )
        for _, line in table.iterrows():
            film_ms = round(1000 * line["onset"]) + starts_ms[segment - 1]
            if film_ms < starts_ms[segment]:
                frames = seconds.setdefault(film_ms // 1000, {"audio": [], "visual": []})
                frames[kind].append([line[channel] for channel in channels])
    return {s: f for s, f in seconds.items() if len(f["audio"]) == len(f["visual"]) == 25}


@needs_real_data
@pytest.mark.slow
def test_real_rows_equal_a_slow_reading_line_by_line(real):
    X, y = real
    path = "studyforrest-data-annotations/old/emotions/audio-visual/timeseries/ioats_1s_av_allchar.csv"
    labels = pd.read_csv(Path(REAL) / path)
    n_labels = []
    for row in range(8):
        seconds = slowly_read_segment(row + 1)
        labelled = sorted(set(seconds) & set(labels.index))
        n_labels.append(len(labelled))
        assert labelled == list(range(X["start_s"][row], X["start_s"][row] + len(labelled)))
        np.testing.assert_array_equal(y["arousal"][row].frames[:, 0], labels["arousal"][labelled])
        np.testing.assert_array_equal(y["valence"][row].frames[:, 0], labels["valence"][labelled])
        for column, kind in (("audio", "audio"), ("video", "visual")):
            frames = np.concatenate([seconds[second][kind] for second in labelled]).astype(np.float32)
            np.testing.assert_array_equal(X[column][row].frames, frames)
    assert n_labels == [886, 866, 859, 959, 907, 861, 1067, 674]


@needs_real_data
def test_no_real_film_second_is_in_two_rows_unless_the_overlaps_are_kept(real, real_untrimmed):
    def seconds(X, y):
        return np.concatenate(
            [start + np.arange(len(label)) for start, label in zip(X["start_s"], y["arousal"])]
        )

    assert len(seconds(*real)) == len(set(seconds(*real))) == 7079
    shared = pd.Series(seconds(*real_untrimmed)).value_counts()
    assert shared.max() == 2
    assert (shared == 2).sum() == pytest.approx(7 * 20, abs=7)


@needs_real_data
def test_real_overlaps_show_the_same_pictures_frame_by_frame(real_untrimmed):
    """Segment starts are right to the frame: until one fades out and after the next fades in, both agree."""
    X, _ = real_untrimmed
    for row in range(7):
        shift = 25 * int(X["start_s"][row + 1] - X["start_s"][row])
        brightness, next_brightness = (X["video"][k].frames[:, 0] for k in (row, row + 1))
        shared = brightness[shift + 75 : shift + 275]
        differences = {
            lag: np.abs(shared - next_brightness[75 + lag : 275 + lag]).mean() for lag in (-1, 0, 1)
        }
        assert differences[0] < 0.5
        assert differences[0] < min(differences[-1], differences[1]) / 2


@needs_real_data
def test_real_streams_and_labels_are_in_step(real):
    """Ridge with a few moving means predicts arousal best when the labels are not shifted."""
    X, y = real
    features, groups = [], np.repeat(X["segment"], [len(label) for label in y["arousal"]])
    for audio, video in zip(X["audio"], X["video"]):
        frames = np.hstack([audio.frames, video.frames]).reshape(-1, 25, 6)
        per_second = pd.DataFrame(np.hstack([frames.mean(axis=1), frames.std(axis=1)]))
        widths = [per_second.rolling(w, center=True, min_periods=1).mean() for w in (1, 5, 21, 61)]
        features.append(np.hstack(widths))
    features = np.concatenate(features)

    def correlation(shift_s):
        target = np.concatenate([np.roll(label.frames[:, 0], shift_s) for label in y["arousal"]])
        model = make_pipeline(StandardScaler(), Ridge(1000))
        predicted = cross_val_predict(model, features, target, groups=groups, cv=LeaveOneGroupOut())
        return np.corrcoef(predicted, target)[0, 1]

    in_step = correlation(0)
    assert in_step > 0.54
    for shift_s, loss in ((-10, 0.02), (10, 0.0), (-60, 0.2), (60, 0.2)):
        assert correlation(shift_s) < in_step - loss, shift_s


@needs_real_data
def test_real_files_download_from_a_server_and_load_in_seconds(serve, tmp_path, monkeypatch, real):
    address, asked = serve(Path(REAL) / "studyforrest-data-annotations")
    monkeypatch.setattr(studyforrest, "BASE_URL", address)
    began = time.perf_counter()
    X, y = fetch_studyforrest(tmp_path)
    assert time.perf_counter() - began < 10
    assert sorted(asked) == sorted(studyforrest.CHECKSUMS)
    pd.testing.assert_frame_equal(X, real[0])
    pd.testing.assert_frame_equal(y, real[1])
