"""Tables of openSMILE's command line and of its Python package, whose index is written as words."""

import io

import numpy as np
import pandas as pd
import pytest

from avfusion.formats._registry import read_parts

X = np.random.default_rng(0).normal(size=(60, 2))
NAMES = ["Loudness_sma3", "F0semitoneFrom27.5Hz_sma3nz"]


def frames_of(rows, files, step_ms=10, suffix=".wav"):
    index = pd.MultiIndex.from_tuples(
        [
            (f"/data/{file}{suffix}", pd.Timedelta(k * step_ms, "ms"), pd.Timedelta(k * step_ms + 20, "ms"))
            for file, k in rows
        ],
        names=["file", "start", "end"],
    )
    return pd.DataFrame(X[: len(rows)], index=index, columns=NAMES)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_each_file_has_its_rate(tmp_path, suffix):
    path = tmp_path / f"egemaps{suffix}"
    table = frames_of([(file, k) for file in "ab" for k in range(30)], "ab")
    table.to_csv(path) if suffix == ".csv" else table.to_parquet(path)
    parts = list(read_parts(path))
    assert [(part.recording, part.rate_hz, part.start_s) for part in parts] == [("a", 100, 0), ("b", 100, 0)]
    assert list(parts[1].values.columns) == ["time", *NAMES]
    np.testing.assert_allclose(parts[1].values["time"], np.arange(30) / 100, atol=1e-9)
    np.testing.assert_array_equal(parts[1].values[NAMES], X[30:])


def test_the_words_are_those_of_pandas(tmp_path):
    text = "file,start,end,F0\na.wav,0 days 00:00:00,0 days 00:00:00.020000,1\n"
    text += "a.wav,0 days 00:00:00.010000,0 days 00:00:00.030000,2\na.wav,0 days 00:00:00.020000,,3\n"
    assert pd.read_csv(io.StringIO(text))["start"][1] == str(pd.Timedelta(10, "ms"))
    (tmp_path / "a.csv").write_text(text)
    (part,) = read_parts(tmp_path / "a.csv")
    assert (part.recording, part.rate_hz, part.values["F0"].tolist()) == ("a", 100.0, [1, 2, 3])


def test_a_gap_keeps_its_place(tmp_path):
    frames_of([("a", k) for k in [*range(10), *range(15, 30)]], "a").to_csv(tmp_path / "a.csv")
    (part,) = read_parts(tmp_path / "a.csv")
    assert part.rate_hz == 100
    np.testing.assert_allclose(part.values["time"][10], 0.15)


def test_functionals_are_one_step_of_each_file(tmp_path):
    frames_of([("a", 0), ("b", 0), ("c", 0)], "abc").to_csv(tmp_path / "functionals.csv")
    parts = list(read_parts(tmp_path / "functionals.csv"))
    assert [(part.recording, part.rate_hz, part.n_steps) for part in parts] == [
        ("a", None, 1),
        ("b", None, 1),
        ("c", None, 1),
    ]
    np.testing.assert_array_equal(parts[2].values[NAMES], X[2:3])


def test_segments_that_are_not_regular_have_no_rate(tmp_path):
    frames_of([("a", k) for k in (0, 3, 4, 9, 15, 22)], "a").to_csv(tmp_path / "a.csv")
    (part,) = read_parts(tmp_path / "a.csv")
    assert part.rate_hz is None
    np.testing.assert_allclose(part.values["start"], [0, 0.03, 0.04, 0.09, 0.15, 0.22])
    np.testing.assert_allclose(part.values["end"], part.values["start"] + 0.02)


def test_a_signal_without_a_file(tmp_path):
    frames_of([("a", k) for k in range(9)], "a").droplevel("file").to_csv(tmp_path / "clip01.csv")
    (part,) = read_parts(tmp_path / "clip01.csv")
    assert (part.recording, part.rate_hz) == (None, 100.0)


def test_the_command_line(tmp_path):
    text = "name;frameTime;" + ";".join(NAMES) + "\n"
    text += "".join(f"'unknown';{k / 100:.6f};{a:e};{b:e}\n" for k, (a, b) in enumerate(X))
    (tmp_path / "clip01.csv").write_text(text)
    (part,) = read_parts(tmp_path / "clip01.csv")
    assert part.recording is None
    assert list(part.values.columns) == ["name", "frameTime", *NAMES]
    np.testing.assert_allclose(part.values[NAMES], X, rtol=1e-6)


def test_functionals_of_the_command_line(tmp_path):
    text = "name;frameTime;" + ";".join(NAMES) + "\n"
    text += "".join(f"'wav/{k}.wav';0.000000;{a!r};{b!r}\n" for k, (a, b) in enumerate(X[:3].tolist()))
    (tmp_path / "functionals.csv").write_text(text)
    parts = list(read_parts(tmp_path / "functionals.csv"))
    assert [part.recording for part in parts] == ["0", "1", "2"]
    np.testing.assert_array_equal(parts[1].values[NAMES], X[1:2])
