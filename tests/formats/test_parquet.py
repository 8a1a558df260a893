"""Parquet, Feather and Arrow files of plain columns and of lists."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import avfusion as av
from avfusion.formats._parquet import read
from avfusion.formats._registry import read_parts

X = np.random.default_rng(0).normal(size=(5, 2))
TABLE = pd.DataFrame(X, columns=["F0", "loudness"])


def written(tmp_path, table, suffix=".parquet"):
    path = tmp_path / f"clip01{suffix}"
    if suffix == ".parquet":
        table.to_parquet(path)
    elif suffix == ".feather":
        table.to_feather(path)
    else:
        table = pa.Table.from_pandas(table)
        with pa.ipc.new_stream(path, table.schema) as stream:
            stream.write_table(table)
    return path


def parts_of(tmp_path, table, suffix=".parquet"):
    return list(read_parts(written(tmp_path, table, suffix)))


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".arrow"])
def test_plain_columns_come_back(tmp_path, suffix):
    (part,) = parts_of(tmp_path, TABLE, suffix)
    assert (part.named, part.recording) == (True, None)
    pd.testing.assert_frame_equal(part.values, TABLE)


def test_columns_that_are_numbered_have_no_names(tmp_path):
    (part,) = parts_of(tmp_path, pd.DataFrame(X).rename(columns=str))
    assert (part.named, list(part.values.columns)) == (False, [0, 1])


@pytest.mark.parametrize(
    ("index", "names"),
    [
        (pd.RangeIndex(5), []),
        (pd.Index([3, 4, 6, 7, 8]), []),
        (pd.Index([0, 0.5, 1, 2, 2.5], name="time"), ["time"]),
        (pd.to_timedelta([0, 40, 80, 160, 200], unit="ms"), ["time"]),
        (pd.Index([1, 2, 3, 5, 6], name="frame"), ["frame"]),
    ],
)
def test_an_index_with_a_name_or_of_times_is_kept(tmp_path, index, names):
    (part,) = parts_of(tmp_path, TABLE.set_index(index))
    assert list(part.values.columns) == [*names, "F0", "loudness"]


@pytest.mark.parametrize("name", ["recording", "clip", "file"])
def test_a_part_for_each_recording(tmp_path, name):
    index = pd.MultiIndex.from_arrays([["a.wav", "a.wav", "b.wav", "b.wav", "b.wav"], [0, 1, 0, 1, 2]])
    parts = parts_of(tmp_path, TABLE.set_index(index.set_names([name, "frame"])))
    assert [part.recording for part in parts] == ["a", "b"]
    np.testing.assert_array_equal(parts[1].values[["F0", "loudness"]], X[2:])


def test_lists_of_steps_are_recordings(tmp_path):
    table = pd.DataFrame(
        {
            "clip": ["a", "b"],
            "audio": [[0.5, 0.6, 0.7], [0.8]],
            "video": [X[:3].tolist(), None],
            "subject": ["s1", "s2"],
        }
    )
    parts = parts_of(tmp_path, table)
    assert [(part.recording, part.stream) for part in parts] == [
        ("a", "audio"),
        ("a", "video"),
        ("b", "audio"),
    ]
    np.testing.assert_array_equal(parts[0].values, [0.5, 0.6, 0.7])
    np.testing.assert_array_equal(parts[1].values, X[:3])
    assert parts[2].about == {"subject": "s2"}


def test_a_cell_without_steps_is_a_missing_stream(tmp_path):
    table = pd.DataFrame({"clip": ["a", "b"], "audio": [[0.5], []], "video": [[[1.0]], [[2.0]]]})
    assert [(part.recording, part.stream) for part in parts_of(tmp_path, table)] == [
        ("a", "audio"),
        ("a", "video"),
        ("b", "video"),
    ]


def test_one_column_of_lists_belongs_to_the_folder(tmp_path):
    table = pd.DataFrame({"recording": ["a", "b"], "frames": [X.tolist(), X[:2].tolist()]})
    parts = parts_of(tmp_path, table)
    assert [(part.recording, part.stream) for part in parts] == [("a", None), ("b", None)]
    np.testing.assert_array_equal(parts[1].values, X[:2])


@pytest.mark.parametrize("beside", [{"time": [0.0, 0.5]}, {"frame": [1, 2]}, {"recording": ["a", "a"]}])
def test_vectors_of_steps_are_columns(tmp_path, beside):
    (part,) = parts_of(tmp_path, pd.DataFrame(beside | {"embedding": [[1.0, 2.0], [3.0, 4.0]]}))
    assert part.values[["embedding_0", "embedding_1"]].to_numpy().tolist() == [[1, 2], [3, 4]]


def test_vectors_of_fixed_size_are_columns(tmp_path):
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), 2)
    pa.parquet.write_table(pa.table({"embedding": vectors}), tmp_path / "a.parquet")
    (part,) = read_parts(tmp_path / "a.parquet")
    np.testing.assert_array_equal(part.values, X)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (
            pd.DataFrame({"audio": [[1.0, 2.0], [3.0, 4.0]]}),
            "whether the rows of 'audio' are steps or record",
        ),
        (pd.DataFrame({"audio": [[1.0, 2.0], [3.0]]}), "of which recordings its 2 rows are: add the column"),
        (
            pd.DataFrame({"clip": ["a"], "audio": [[[1.0, 2.0], [3.0]]]}),
            "row 0 of its column 'audio' have not",
        ),
        (pd.DataFrame({"a": [{"b": 1}]}), "column 'a' holds no numbers, but struct"),
        (pd.DataFrame({"a": [["x"]]}), "column 'a' holds no numbers, but list"),
        (TABLE[:0], "no rows"),
        (
            av.as_sequences({"audio": [X, X]}),
            "column 'audio' holds sequences: read it with pandas.read_parquet",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, table, reason):
    with pytest.raises(ValueError, match=reason):
        read(written(tmp_path, table))


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".arrow"])
def test_a_cut_or_changed_file_is_refused_or_read(tmp_path, suffix):
    data = written(tmp_path, TABLE, suffix).read_bytes()
    path = tmp_path / f"b{suffix}"
    for n in range(1, len(data) - 8, 97):
        path.write_bytes(data[:n])
        with pytest.raises(ValueError, match="cannot be read"):
            list(read_parts(path))
    rng = np.random.default_rng(0)
    for place in rng.integers(len(data), size=60):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            list(read_parts(path))
        except ValueError as error:
            assert "cannot be read" in str(error)  # noqa: PT017


def test_a_file_that_unpacks_to_far_more_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("avfusion.formats._parquet._INFLATED", 1000)
    for suffix in (".parquet", ".feather"):
        path = written(tmp_path, pd.DataFrame({"a": np.zeros(10**6)}), suffix)
        with pytest.raises(ValueError, match="unpacks to more than"):
            read(path)


def test_it_is_known_by_content(tmp_path):
    buffer = io.BytesIO()
    TABLE.to_parquet(buffer)
    (tmp_path / "a.csv").write_bytes(buffer.getvalue())
    (part,) = read_parts(tmp_path / "a.csv")
    np.testing.assert_array_equal(part.values, X)


def test_the_first_version_of_feather_is_refused(tmp_path):
    (tmp_path / "a.feather").write_bytes(b"FEA1" + bytes(100) + b"FEA1")  # ended the process within Arrow
    with pytest.raises(ValueError, match=r"first version of Feather.*DataFrame\.to_feather"):
        read(tmp_path / "a.feather")
