import csv
import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.datasets import _studyforrest_annotations as annotated
from avfusion.datasets import fetch_studyforrest

REAL = os.environ.get("AVFUSION_DATA")
needs_real_data = pytest.mark.skipif(not REAL, reason="AVFUSION_DATA is unset")

SPEECH = [
    '"start","end","person","text"',
    '1.0,3.0,"ANNA","one two three four"',
    '9.0,12.0,"BEN","one, two three"',  # goes on in the next row
    '13.0,12.9,"BEN","NA"',  # ends before it begins
    '14.0,14.001,"BEN","(sings) la la"',  # an end that nobody set
    '15.0,16.0,"ANNA",""',
    '19.5,30.0,"ANNA","one"',
]
MUSIC = ["onset\tduration\tfg\tartist", "0.5\t20\t1\tOST", "25\t2\t0\tX"]
SHOTS = ["start", "0.0", "10.0", "10.0", "19.96", "20.0"]


@pytest.fixture
def columns(tmp_path):
    """Three rows: film seconds [0, 10), [10, 20) and [20, 22)."""
    files = {}
    given = {annotated.SPEECH_FILE: SPEECH, annotated.MUSIC_FILE: MUSIC, annotated.SHOTS_FILE: SHOTS}
    for name, lines in given.items():
        files[name] = tmp_path / Path(name).name
        files[name].write_text("\n".join([*lines, ""]))
    return annotated.read_annotations(files, [0, 10, 20], [10, 20, 22])


def test_intervals_are_cut_at_the_borders_of_rows_and_begin_with_them(columns):
    speech = columns["speech"]
    np.testing.assert_allclose(speech[0].times_s, [[1, 3], [9, 10]])
    np.testing.assert_allclose(speech[1].times_s, [[0, 2], [3, 3], [4, 4.001], [5, 6], [9.5, 10]])
    np.testing.assert_allclose(speech[2].times_s, [[0, 2]])
    np.testing.assert_allclose(columns["music"][1].times_s, [[0, 10]])
    assert {str(column.dtype) for column in columns.values()} == {"sequence[float32, 1, times]"}


def test_words_per_second_are_of_the_whole_line_and_nan_where_its_end_is_unknown(columns):
    speech = columns["speech"]
    np.testing.assert_allclose(speech[0].frames[:, 0], [2, 1])
    np.testing.assert_allclose(speech[1].frames[:, 0], [1, np.nan, np.nan, np.nan, 1 / 10.5])
    assert speech.features == ("words_per_s",)


def test_an_instant_on_a_border_belongs_to_the_row_that_begins_there_and_counts_once(columns):
    cuts = [cell.times_s[:, 0].tolist() for cell in columns["cuts"]]
    assert cuts[0] == [0]
    assert cuts[1] == pytest.approx([0, 9.96])
    assert cuts[2] == [0]


def test_a_row_in_which_nothing_happens_is_silent_and_not_missing():
    column = annotated.cut_into_rows(np.array([[1.0, 2.0]]), np.ones(1), "a", [0, 5], [5, 9])
    assert column.lengths.tolist() == [1, 0]
    X = pd.DataFrame(
        {"speech": column, "audio": av.SequenceArray.from_sequences([[0.0] * 5, [0.0] * 4], rate_hz=1)}
    )
    shares = av.Align(1.0, aggregate={"speech": ("share",)}).fit_transform(X)["speech"]
    assert shares[0].frames.ravel().tolist() == [0, 1, 0, 0, 0]
    assert shares[1].frames.ravel().tolist() == [0, 0, 0, 0]


def real_lines(name, delimiter=","):
    with (Path(REAL) / "studyforrest-data-annotations" / name).open() as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.fixture(scope="module")
def real():
    return fetch_studyforrest(REAL, annotations=True, download_if_missing=False)


@needs_real_data
def test_real_files_are_the_published_ones_and_nothing_else_changes(real):
    for name, checksum in annotated.CHECKSUMS.items():
        content = (Path(REAL) / "studyforrest-data-annotations" / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == checksum
    X, y = real
    plain, labels = fetch_studyforrest(REAL, download_if_missing=False)
    pd.testing.assert_frame_equal(X[list(plain)], plain)
    pd.testing.assert_frame_equal(y, labels)
    assert list(X)[len(plain.columns) :] == ["speech", "music", "cuts"]


@needs_real_data
def test_real_shares_equal_a_count_of_film_milliseconds(real):
    """Speech, music and cuts of every second, painted on a film of milliseconds."""
    X, _ = real
    painted = {name: np.zeros(7_100_000, dtype=bool) for name in ("speech", "music")}
    for line in real_lines("old/speech/english_dialog.csv"):
        if float(line["end"]) - float(line["start"]) >= 0.2 and line["text"].split():
            begin, end = (round(1000 * float(line[name])) for name in ("start", "end"))
            painted["speech"][begin:end] = True
    for line in real_lines("researchcut/music.tsv", "\t"):
        begin = round(1000 * float(line["onset"]))
        painted["music"][begin : begin + round(1000 * float(line["duration"]))] = True
    cuts = {round(1000 * float(line["start"])) for line in real_lines("old/structure/shots.csv")}
    statistics = {"speech": ("share",), "music": ("share",), "cuts": ("count",)}
    aligned = av.Align(1.0, aggregate=statistics).fit_transform(X)
    for row, start in enumerate(X["start_s"]):
        seconds = len(aligned["cuts"][row])
        for name, film in painted.items():
            expected = film[1000 * start : 1000 * (start + seconds)].reshape(-1, 1000).mean(axis=1)
            np.testing.assert_allclose(aligned[name][row].frames[:, 0], expected, atol=2e-3)
        expected = np.bincount(
            [ms // 1000 - start for ms in cuts if start <= ms // 1000 < start + seconds], minlength=seconds
        )
        np.testing.assert_array_equal(aligned["cuts"][row].frames[:, 0], expected)
    assert len(cuts) == sum(cell.frames.sum() for cell in aligned["cuts"])


@needs_real_data
def test_real_cuts_are_where_the_picture_changes(real):
    """Row by row the picture changes most just before the frame with which a shot begins."""
    X, _ = real
    for video, cuts in zip(X["video"], X["cuts"]):
        frame = np.rint(cuts.times_s[:, 0] * 25).astype(int)
        frame = frame[(frame > 10) & (frame < len(video) - 10)]
        change = {lag: video.frames[frame + lag, 3].mean() for lag in range(-5, 6)}
        assert max(change, key=change.get) == -1
        assert change[-1] > 3 * max(value for lag, value in change.items() if lag not in (-2, -1))
