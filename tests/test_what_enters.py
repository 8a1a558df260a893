"""Recordings as tools and people hand them over, from the files to the score.

Each test is one kind of fault that gave a wrong score without a word, with the right value. Inputs are drawn
here, in the layout of the tool.
"""

import contextlib
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from typer.testing import CliRunner

import avfusion as av
from avfusion.cli import app

TREES = "trees:\n  - FrameRegressor: {regressor: {HistGradientBoostingRegressor: {max_iter: 30}}}\n"


def command(folder, *arguments):
    """Run a command in this process; return its code, what it printed, and what it said and warned of."""
    with contextlib.chdir(folder), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        run = CliRunner().invoke(app, [*map(str, arguments)], prog_name="avfusion")
    return run.exit_code, run.stdout, "\n".join([run.stderr, *(str(w.message) for w in warned)])


def score(folder, data, *options):
    """CCC of trees by cross-validation, from the command line."""
    (folder / "trees.yaml").write_text(TREES)
    out = folder / "out"
    arguments = (
        "compare",
        data,
        "-e",
        "trees.yaml",
        "--folds",
        4,
        "--scoring",
        "ccc",
        "-q",
        "-o",
        out,
        *options,
    )
    code, _, said = command(folder, *arguments)
    assert code == 0, said
    return float(pd.read_csv(out / "table.csv")["ccc"].iloc[0]), said


def quietly(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def test_the_bookkeeping_of_a_face_tracker_is_no_feature(tmp_path):
    rng = np.random.default_rng(1)
    for name in ("video", "labels"):
        (tmp_path / "d" / name).mkdir(parents=True)
    for i in range(8):
        n = 250
        noise, fail = rng.normal(size=n), rng.random(n) < 0.4
        table = pd.DataFrame({"frame": np.arange(1, n + 1), " face_id": 0, " timestamp": np.arange(n) / 25})
        table[" confidence"], table[" success"] = np.where(fail, 0, 0.98), np.where(fail, 0, 1)
        table[" AU12_r"] = np.where(fail, 0, 1 + 0.2 * rng.normal(size=n))
        table.to_csv(tmp_path / "d" / "video" / f"c{i}.csv", index=False)
        label = pd.DataFrame({"arousal": np.linspace(-1, 1, n) + 0.3 * noise})
        label.to_csv(tmp_path / "d" / "labels" / f"c{i}.csv", index=False)
    ccc, said = score(tmp_path, "d", "--rate", "video=25", "--rate", "labels=25")
    assert abs(ccc) < 0.1
    assert "bookkeeping" in said
    assert "'timestamp'" in said


def test_a_marker_for_no_label_is_named_and_taken_out(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("video", "labels"):
        (tmp_path / "d" / name).mkdir(parents=True)
    for i in range(8):
        none = rng.random(120) < 0.15
        x, y = rng.normal(size=(120, 3)) + 2, rng.uniform(-1, 1, (120, 2))
        x[none], y[none] = 0, -5
        np.save(tmp_path / "d" / "video" / f"v{i}.npy", x)
        np.savetxt(
            tmp_path / "d" / "labels" / f"v{i}.csv", y, delimiter=",", header="valence,arousal", comments=""
        )
    ccc, said = score(tmp_path, "d")
    assert ccc > 0.8
    assert "valence is -5" in said
    assert "--missing-label" in said
    ccc, said = score(tmp_path, "d", "--missing-label", -5)
    assert abs(ccc) < 0.15


def test_dropped_frames_are_gaps_not_shifts():
    table = pd.DataFrame({"clip": "a", "frame": np.arange(1, 201)})
    table["AU12_r"] = np.sin(table["frame"] / 10)
    table = table[~table["frame"].isin(range(41, 61))]
    label = [np.sin(np.arange(1, 201) / 10)]
    X = quietly(av.as_sequences, table, {"face": ["AU12_r"]}, recording="clip", rate_hz=25)
    model = av.FrameRegressor(HistGradientBoostingRegressor()).fit(X, label)
    assert av.metrics.ccc_score(label, list(model.predict(X))) > 0.98
    packed = av.as_sequences(table[["clip", "AU12_r"]], {"face": ["AU12_r"]}, recording="clip", rate_hz=25)
    with pytest.raises(ValueError, match=r"200 for 180 in row 0 .*Do both begin together.*avfusion.pair"):
        av.FrameRegressor(Ridge()).fit(packed, label)


def test_labels_that_begin_later_on_the_command_line(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("audio", "labels"):
        (tmp_path / "d" / name).mkdir(parents=True)
    for i in range(8):
        z = np.convolve(rng.normal(size=160), np.ones(8) / 8, "same")[20:140] * 3
        np.save(tmp_path / "d" / "audio" / f"c{i}.npy", np.c_[z, rng.normal(size=120)])
        np.save(tmp_path / "d" / "labels" / f"c{i}.npy", z[31:])
    rates = ("--rate", "audio=2", "--rate", "labels=2")
    code, _, said = command(tmp_path, "fit", "d", "-e", "ridge", "-o", "x.model", *rates)
    assert code == 2
    assert "89 for 120" in said
    assert "Do both begin together?" in said
    for options in (("--label-start", 15.5), ("--label-start", 15.5, "--pair", "trim")):
        ccc, _ = score(tmp_path, "d", *rates, *options)
        assert ccc > 0.9


def test_steps_of_two_rates_that_end_at_different_times(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("audio", "video", "labels"):
        (tmp_path / "d" / name).mkdir(parents=True)
    for i in range(6):
        n = 40 + i
        np.save(tmp_path / "d" / "audio" / f"c{i}.npy", rng.normal(size=(2 * n - 1, 3)))
        np.save(tmp_path / "d" / "video" / f"c{i}.npy", rng.normal(size=(n, 2)))
        np.save(tmp_path / "d" / "labels" / f"c{i}.npy", rng.normal(size=n))
    rates = ("--rate", "audio=50", "--rate", "video=25", "--rate", "labels=25")
    code, _, said = command(tmp_path, "fit", "d", "-e", "ridge", "-o", "x.model", *rates)
    assert code == 0, said
    assert "6 of 255 labels lie outside the streams" in said
    code, _, said = command(tmp_path, "fit", "d", "-e", "ridge", "-o", "y.model", *rates, "--pair", 0.05)
    assert code == 0, said
    code, _, said = command(tmp_path, "fit", "d", "-e", "ridge", "-o", "z.model", *rates, "--pair", "some")
    assert (code, "--pair some must be trim, pad or a number of seconds" in said) == (2, True)


def test_frames_of_the_index_of_opensmile_are_recordings():
    index = pd.MultiIndex.from_tuples(
        [
            (f"{c}.wav", pd.Timedelta(k * 10, "ms"), pd.Timedelta(k * 10 + 20, "ms"))
            for c in "ab"
            for k in range(500)
        ],
        names=["file", "start", "end"],
    )
    table = pd.DataFrame(
        np.random.default_rng(0).normal(size=(1000, 2)), index=index, columns=["F0", "mfcc1"]
    )
    X = quietly(av.as_sequences, table, {"audio": ["F0", "mfcc1"]})
    assert X["file"].tolist() == ["a.wav", "b.wav"]
    assert [(len(cell), cell.rate_hz) for cell in X["audio"]] == [(500, 100), (500, 100)]


def test_streams_of_words_and_cuts_stand_beside_frames():
    """Speech drives the label: alone its share of each second tells it."""
    rng = np.random.default_rng(0)
    rows, labels = [], []
    for _ in range(8):
        begins = np.sort(rng.uniform(0, 58, 15))
        words = np.c_[begins, np.minimum(begins + rng.uniform(0.2, 2, 15), 60)]
        share = [
            np.clip(np.minimum(words[:, 1], t + 1) - np.maximum(words[:, 0], t), 0, 1).sum()
            for t in range(60)
        ]
        rows.append(
            {
                "audio": av.Sequence(rng.normal(size=(1500, 2)), 25),
                "words": av.Sequence(np.ones(15), times_s=words),
            }
        )
        labels.append(np.minimum(share, 1) + 0.05 * rng.normal(size=60))
    X = av.as_sequences(rows)
    model = make_pipeline(
        av.Align(rate_hz=1, aggregate={"words": ("share", "count")}), av.FrameRegressor(Ridge(0.1))
    )
    without = make_pipeline(av.Align(rate_hz=1), av.FrameRegressor(Ridge(0.1)))
    fitted = model.fit(X[:6], labels[:6])
    assert av.metrics.ccc_score(labels[6:], list(fitted.predict(X[6:]))) > 0.85
    blind = without.fit(X[["audio"]][:6], labels[:6])
    assert av.metrics.ccc_score(labels[6:], list(blind.predict(X[["audio"]][6:]))) < 0.3


def test_utterances_are_rows_and_times_stay_right():
    X = av.as_sequences({"audio": [np.arange(100.0), np.arange(80.0)]}, rate_hz=10).assign(
        speaker=["anna", "ben"]
    )
    y = av.as_sequences({"arousal": [np.arange(10.0), np.arange(8.0)]}, rate_hz=1, dtype=float)
    turns = pd.DataFrame({"recording": [0, 0, 1], "start": [0.0, 4.0, 2.0], "end": [4.0, 9.0, 6.0]})
    rows, labels = av.cut(X, turns, y)
    paired_X, paired_y = av.pair(rows, labels)
    assert [len(cell) for cell in paired_y["arousal"]] == [4, 5, 4]
    assert paired_X["speaker"].tolist() == ["anna", "anna", "ben"]
    for cell, label in zip(paired_X["audio"], paired_y["arousal"]):
        np.testing.assert_allclose(cell.frames[:, 0], 10 * label.frames[:, 0] + 4.5)


def test_predictions_go_out_with_their_times():
    X = av.as_sequences(
        {"audio": {"a": np.arange(20.0), "b": np.arange(12.0)}}, rate_hz=2, start_s={"audio": [0.0, 5.0]}
    )
    y = pd.Series(X["audio"].array.with_features(None), index=X.index, name="arousal")
    predicted = av.FrameRegressor(Ridge(1e-6)).fit(X, y).predict(X)
    table = av.to_long(predicted)
    assert table.groupby("recording")["time"].min().to_dict() == {"a": 0.0, "b": 5.0}
    back = av.as_sequences(table, {"arousal": ["arousal"]}, recording="recording", time="time")
    assert [(cell.rate_hz, cell.start_s, len(cell)) for cell in back["arousal"]] == [
        (2.0, 0.0, 20),
        (2.0, 5.0, 12),
    ]


def test_clocks_of_files_pair_features_and_labels(tmp_path):
    """Milliseconds: labels begin at 15.5 s, and some steps of the features are not in their file."""
    rng = np.random.default_rng(0)
    for name in ("audio", "labels"):
        (tmp_path / name).mkdir()
    for i in range(6):
        z = np.convolve(rng.normal(size=160), np.ones(8) / 8, "same")[20:140] * 3
        audio = pd.DataFrame(
            {"timestamp": np.arange(120) * 500, "segment_id": 1, "F0": z, "noise": rng.normal(size=120)}
        )
        audio.drop(index=range(60, 66)).to_csv(tmp_path / "audio" / f"{i}.csv", index=False)
        label = pd.DataFrame({"timestamp": np.arange(31, 120) * 500, "value": z[31:], "segment_id": 1})
        label.to_csv(tmp_path / "labels" / f"{i}.csv", index=False)
    X, y = quietly(av.datasets.load_folder, tmp_path, {"audio": 2, "labels": 2})
    assert [len(cell) for cell in X["audio"]] == [120] * 6
    assert y["value"].array.starts_s.tolist() == [15.5] * 6
    model = av.FrameRegressor(HistGradientBoostingRegressor()).fit(X, y)
    assert av.metrics.ccc_score(y, model.predict(X)) > 0.9
