"""Sources that DATA can name."""

import json
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

import avfusion as av
from avfusion.cli._recordings import read_recordings
from avfusion.cli._words import parse_valid


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = av.as_sequences({"audio": [rng.normal(size=(n, 2)) for n in (4, 6)]}, rate_hz=2.0)
    labels = av.SequenceArray.from_sequences([[0.25, 0.5], [1, 2, 3]], dtype="float64", rate_hz=1)
    return X.assign(subject=["s1", "s2"], arousal=labels, mood=[0.1, 0.2])


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_files_are_read_and_split_into_features_and_targets(table, suffix, tmp_path):
    path = tmp_path / f"clips{suffix}"
    (table.to_parquet if suffix == ".parquet" else table.to_feather)(path)
    recordings = read_recordings(str(path), targets=["arousal"])
    pd.testing.assert_frame_equal(recordings.X, table.drop(columns="arousal"))
    pd.testing.assert_series_equal(recordings.y, table["arousal"])
    assert recordings.target_names == ["arousal"]
    assert read_recordings(str(path)).y is None
    assert read_recordings(str(path), targets=["mood"]).y.tolist() == [0.1, 0.2]


def test_files_of_plain_lists_are_read_with_rates(tmp_path):
    path = tmp_path / "clips.parquet"
    pd.DataFrame({"audio": [[0.1, 0.2, 0.3, 0.4], [0.5, 0.6]], "arousal": [[0.1, 0.2], [0.3]]}).to_parquet(
        path
    )
    recordings = read_recordings(str(path), targets=["arousal"], rates={"audio": 2, "labels": 1})
    assert str(recordings.X.dtypes["audio"]) == "sequence[float32, 1, 2Hz]"
    assert str(recordings.y.dtype) == "sequence[float64, 1, 1Hz]"
    assert recordings.y[0].frames.ravel().tolist() == [0.1, 0.2]


def test_synthetic_recordings_have_the_options_and_the_seed():
    recordings = read_recordings("synthetic", options={"n_recordings": 3}, seed=4)
    X, y = av.datasets.make_audiovisual_regression(3, random_state=4)
    pd.testing.assert_frame_equal(recordings.X, X)
    pd.testing.assert_series_equal(recordings.y, y)
    assert read_recordings("synthetic", options={"n_recordings": 3, "random_state": 4}, seed=5).y.equals(y)


def test_a_folder_is_read(tmp_path):
    for name, values in {"audio": np.zeros((4, 2)), "labels": np.zeros((2, 2))}.items():
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "clip.npy", values)
    recordings = read_recordings(str(tmp_path), targets=["label 1"], rates={"audio": 2})
    assert recordings.target_names == ["label 1"]
    assert recordings.X.dtypes["audio"].rate_hz == 2


def test_a_folder_is_read_as_asked(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("video", "labels"):
        (tmp_path / name).mkdir()
    pd.DataFrame(
        {"frame": range(12), "confidence": np.linspace(0, 1.1, 12), "AU": rng.normal(size=12)}
    ).to_csv(tmp_path / "video" / "clip.csv", index=False)
    pd.DataFrame({"A1": [0.25, -5.0], "A2": [0.75, -5.0]}).to_csv(
        tmp_path / "labels" / "clip.csv", index=False
    )
    layout = {"valid": parse_valid(["confidence>=0.5"]), "keep": ["frame"], "raters": "mean"}
    with pytest.warns(UserWarning, match="42% of the steps of 'video' are NaN, by 'confidence' not valid"):
        recordings = read_recordings(str(tmp_path), missing_label=[-5.0], layout=layout)
    assert np.isnan(recordings.X["video"].iloc[0].frames).all(axis=1).sum() == 5
    assert recordings.X["video"].dtype.width == 2
    np.testing.assert_array_equal(recordings.y.iloc[0].frames[:, 0], [0.5, np.nan])
    with pytest.raises(ValueError, match="--raters is for folders, and synthetic is none"):
        read_recordings("synthetic", layout={"raters": "mean"})


def test_sequences_of_bookkeeping_in_a_file_are_set_aside(table, tmp_path):
    path = str(tmp_path / "clips.parquet")
    table.assign(timestamp=table["audio"], success=table["audio"], video=table["audio"]).to_parquet(path)
    with pytest.warns(UserWarning, match="Set aside as bookkeeping: 'timestamp', 'success'"):
        X = read_recordings(path, targets=["arousal"]).X
    assert list(X.columns) == ["audio", "subject", "mood", "video"]
    with pytest.warns(UserWarning, match="Set aside as bookkeeping: 'success'"):
        X = read_recordings(path, targets=["arousal"], layout={"keep": ["timestamp"]}).X
    assert "timestamp" in X.columns


def test_missing_labels_of_a_file_are_nan(table, tmp_path):
    table.assign(mood=[-5, 1]).to_parquet(tmp_path / "clips.parquet")
    y = read_recordings(str(tmp_path / "clips.parquet"), targets=["mood"], missing_label=[-5.0]).y
    np.testing.assert_array_equal(y, [np.nan, 1])


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("gone.parquet", {}, "There is no file gone.parquet. Known are synthetic, studyforrest"),
        ("gone", {}, "There is no folder gone. Known are"),
        (
            "synthetic",
            {"options": {"n_recs": 3}},
            "--option n_recs: synthetic data has no such parameter. Nearest: n_recordings",
        ),
        ("synthetic", {"options": {"n_recordings": 0}}, "n_recordings=0 must be an integer of at least 1"),
        (
            "synthetic",
            {"targets": ["lable"]},
            "--target lable: synthetic has no such target. Nearest: label.",
        ),
        ("synthetic", {"rates": {"audio": 2}}, "--rate is for folders and files"),
        (
            "elsewhere",
            {"options": {"n_recordings": 3}},
            "--option n_recordings=...: options are for synthetic",
        ),
    ],
)
def test_what_is_not_there_is_named(source, options, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=re.escape(words)):
        read_recordings(source, **options)


def test_files_that_cannot_be_read_are_named(table, tmp_path):
    path = tmp_path / "clips.parquet"
    path.write_text("hello")
    with pytest.raises(ValueError, match=r"clips.parquet cannot be read: .*to_parquet"):
        read_recordings(str(path))
    table[["subject", "mood"]].to_parquet(path)
    with pytest.raises(ValueError, match=r"no sequence column, but 'subject \(str\)', 'mood \(float64\)'"):
        read_recordings(str(path))
    table.to_parquet(path)
    with pytest.raises(ValueError, match=r"--target aroused: .* has no such column. Nearest: arousal"):
        read_recordings(str(path), targets=["aroused"])
    (tmp_path / "clips.txt").write_text("hello")
    with pytest.raises(ValueError, match=r"clips.txt cannot be read: It holds no values"):
        read_recordings(str(tmp_path / "clips.txt"))


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@pytest.mark.parametrize("content", [b"", b"PAR1", b"FEA1" + bytes(100) + b"FEA1", b"ARROW1\0\0" + bytes(50)])
def test_files_of_other_bytes_are_refused_by_name_whatever_the_library_raises(content, suffix, tmp_path):
    path = tmp_path / f"clips{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"clips\{suffix} cannot be read: .*DataFrame\.to_"):
        read_recordings(str(path))


@pytest.mark.parametrize(
    "column", [pa.nulls(40_000_000), pa.array([[0.0]]).take(pa.array(np.zeros(40_000_000, "i8")))]
)
def test_a_small_file_does_not_fill_the_memory(column, tmp_path):
    pa.parquet.write_table(pa.table({"a": column}), path := tmp_path / "a.parquet", compression="zstd")
    assert path.stat().st_size < 1e6
    with pytest.raises(ValueError, match=r"a\.parquet cannot be read: It unpacks to more than 268 MB"):
        read_recordings(str(path))


def test_what_pandas_does_not_find_is_no_bare_key(table, tmp_path):
    stored = pa.Table.from_pandas(table)
    about = json.loads(stored.schema.metadata[b"pandas"]) | {"index_columns": ["nowhere"]}
    pa.parquet.write_table(
        stored.replace_schema_metadata({"pandas": json.dumps(about)}), tmp_path / "a.parquet"
    )
    with pytest.raises(ValueError, match=r"a\.parquet cannot be read: KeyError 'nowhere'\. Write it again"):
        read_recordings(str(tmp_path / "a.parquet"))


def test_a_column_of_bytes_or_mappings_is_named(table, tmp_path):
    pd.DataFrame({"audio": [{"rms": 0.5}, {"rms": 1.0}]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"'audio' holds dict, such as \{'rms': 0\.5\}: make it numbers"):
        read_recordings(str(tmp_path / "a.parquet"))
    pd.DataFrame({"audio": [b"a", b"b"], "mood": [1.0, 2.0]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="Column 'audio' holds bytes, such as b'a'"):
        read_recordings(str(tmp_path / "a.parquet"), targets=["mood"])
