import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given, settings

from avfusion.sequences import SequenceArray, SequenceDtype
from avfusion.sequences.arrow import SequenceType
from tests.sequences.sequence_models import assert_holds, columns

FRAMES = np.arange(24.0, dtype="float32").reshape(12, 2)


@given(columns())
def test_round_trips_hold_the_same(column):
    array, model = column
    assert_holds(pa.array(array).to_pandas().array, model, array.dtype)
    assert_holds(pa.array(array)[1:].to_pandas().array, model[1:], array.dtype)
    chunks = pa.chunked_array([pa.array(array[:2]), pa.array(array), pa.array(array)[1:3]])
    assert_holds(chunks.to_pandas().array, [*model[:2], *model, *model[1:3]], array.dtype)


@pytest.mark.works_with("Arrow", "programs without this package read lists of numbers")
@given(columns())
def test_other_programs_read_lists(column):
    array, model = column
    rows = pa.array(array).storage.to_pylist()
    assert [None if row is None else len(row["frames"]) for row in rows] == [
        None if c is None else len(c) for c in model
    ]
    for row, cell in zip(rows, model):
        if row is not None:
            np.testing.assert_array_equal(np.reshape(row["frames"], cell.shape), cell)
            assert row["rate_hz"] == array.rate_hz


@pytest.mark.works_with(
    "Arrow", "Parquet and Feather keep every column: widths, rates, absent streams, names of features"
)
@pytest.mark.parametrize("fmt", ["parquet", "feather"])
@settings(max_examples=20)
@given(columns())
def test_files_keep_everything(fmt, tmp_path_factory, column):
    array, model = column
    path = tmp_path_factory.mktemp("files") / "table"
    X = pd.DataFrame({"audio": array, "subject": [f"s{i}" for i in range(len(model))]})
    getattr(X, f"to_{fmt}")(path)
    again = getattr(pd, f"read_{fmt}")(path)
    assert_holds(again["audio"].array, model, array.dtype)
    pd.testing.assert_frame_equal(again, X)


def test_parquet_keeps_the_index_and_selects_columns(tmp_path):
    X = pd.DataFrame({"audio": SequenceArray(FRAMES, [4, 0], [8, 4], 25), "n": [1, 2]}, index=["x", "y"])
    X.to_parquet(tmp_path / "x.parquet", row_group_size=1)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "x.parquet"), X)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "x.parquet", columns=["audio"]), X[["audio"]])


def test_types_are_equal_and_hash_alike_where_columns_can_be_joined():
    kind = SequenceType(SequenceDtype("float32", 2, 25), ("a", "b"))
    assert {kind: "found"}[SequenceType(SequenceDtype("float32", 2, 50), ("a", "b"))] == "found"
    for other in (
        SequenceType(SequenceDtype("float32", 2, 25)),
        SequenceType(SequenceDtype("float32", 2, 25), ("b", "a")),
        SequenceType(SequenceDtype("float32", 3, 25), None),
        SequenceType(SequenceDtype("float64", 2, 25), ("a", "b")),
    ):
        assert kind != other
    assert kind != kind.storage_type


def test_rows_of_joined_tables_keep_their_rates(tmp_path):
    tables = [pd.DataFrame({"audio": SequenceArray(FRAMES, [0], [12], rate)}) for rate in (5, 25)]
    for name, table in zip("ab", tables):
        table.to_parquet(tmp_path / f"{name}.parquet")
    for both in (pd.read_parquet(tmp_path), pa.concat_tables(map(pa.table, tables)).to_pandas()):
        assert str(both["audio"].dtype) == "sequence[float32, 2, rates]"
        assert [cell.rate_hz for cell in both["audio"]] == [5, 25]
        assert [cell.duration_s for cell in both["audio"]] == [12 / 5, 12 / 25]
    one = pd.read_parquet(tmp_path, filters=None).iloc[:1]
    assert one["audio"].iloc[0] == tables[0]["audio"].iloc[0]


def test_rows_with_a_rate_are_not_joined_with_rows_without():
    tables = [pa.table({"audio": pa.array(SequenceArray(FRAMES, [0], [12], rate))}) for rate in (5, None)]
    with pytest.raises(ValueError, match="Some rows have a rate or times, and others have none"):
        pa.concat_tables(tables).to_pandas()


def test_features_of_another_order_are_not_joined_unnoticed(tmp_path):
    array = SequenceArray(FRAMES, [0], [12], 5, features=["rms", "pitch"])
    tables = [pd.DataFrame({"audio": a}) for a in (array, array.in_order(("pitch", "rms")))]
    with pytest.raises(pa.ArrowInvalid, match="Schema"):
        pa.concat_tables(map(pa.table, tables))
    tables[1].to_parquet(tmp_path / "b.parquet")
    again = pd.read_parquet(tmp_path / "b.parquet")["audio"].array
    assert again.features == ("pitch", "rms")
    np.testing.assert_array_equal(again.in_order(("rms", "pitch")).frames, FRAMES)


@pytest.mark.works_with("Arrow", "Parquet and Feather keep the time of each row")
@pytest.mark.parametrize("fmt", ["parquet", "feather"])
@pytest.mark.parametrize(
    "clock",
    [
        {"rate_hz": 5, "start_s": [1.5, 0.0, np.nan]},
        {"rate_hz": [5, 25, np.nan], "start_s": [1.5, np.nan, np.nan]},
        {"times_s": np.arange(12.0) ** 2},
        {"times_s": np.stack([np.arange(12.0), np.arange(12.0) + 0.5], axis=1)},
    ],
    ids=["starts", "rates", "instants", "intervals"],
)
def test_files_keep_time(fmt, tmp_path, clock):
    X = pd.DataFrame({"audio": SequenceArray(FRAMES, [4, 0, 0], [8, 4, -1], **clock)})
    getattr(X, f"to_{fmt}")(tmp_path / "x")
    again = getattr(pd, f"read_{fmt}")(tmp_path / "x")
    pd.testing.assert_frame_equal(again, X)
    for cell, same in zip(X["audio"][:2], again["audio"][:2]):
        assert cell == same
        np.testing.assert_array_equal(cell.times_s, same.times_s)


def test_another_process_reads_a_file_after_the_import(tmp_path):
    X = pd.DataFrame({"audio": SequenceArray(FRAMES, [4, 0, 0], [8, 4, -1], 25)})
    X.to_parquet(tmp_path / "x.parquet")
    code = f"import avfusion.sequences, pandas; print(pandas.read_parquet({str(tmp_path / 'x.parquet')!r}))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == repr(X) + "\n"


def test_no_frames_are_copied():
    packed = SequenceArray(FRAMES, [0, 4], [4, 8])
    column = pa.array(packed)
    assert np.shares_memory(column.storage.field("frames").values.flatten().to_numpy(), FRAMES)
    assert np.shares_memory(column.to_pandas().array.frames, FRAMES)
    assert np.shares_memory(pa.array(packed[1:]).to_pandas().array.frames, FRAMES)


def test_plain_lists_become_sequences():
    steps = pa.list_(pa.float64(), 2)
    for kind in (pa.list_(steps), pa.large_list(steps)):
        lists = pa.array([[[1.0, 2.0], [None, 4.0]], None, []], kind)
        array = SequenceDtype("float32", 2, 25).__from_arrow__(lists)
        expected = [np.array([[1, 2], [np.nan, 4]], "float32"), None, np.empty((0, 2), "float32")]
        assert_holds(array, expected, SequenceDtype("float32", 2, 25))


def test_arrow_may_ask_for_plain_lists():
    kind = pa.large_list(pa.list_(pa.float32(), 2))
    lists = pa.array(pd.Series(SequenceArray(FRAMES, [0, 0], [1, -1])), type=kind)
    assert lists.to_pylist() == [[[0.0, 1.0]], None]


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (
            pa.array([1.0]),
            TypeError,
            "An Arrow array of double cannot be read",
        ),
        (pa.array([[[1]]]), TypeError, "Arrow array of list<item: list<item: int64>>"),
        (
            pa.array([[[1.0], None]], pa.list_(pa.list_(pa.float32(), 1))),
            ValueError,
            "A step of a sequence is null",
        ),
        (
            pa.array([[[1.0, 2]]], pa.list_(pa.list_(pa.float32(), 2))),
            ValueError,
            "width 2 cannot become .* width 1",
        ),
    ],
)
def test_other_arrow_arrays_are_refused(array, error, message):
    with pytest.raises(error, match=message):
        SequenceDtype("float32", 1).__from_arrow__(array)


def stored(known=None, **fields):
    """Return the storage of two rows as another program might write it, and what it says of itself."""
    rows = [FRAMES[:3].tolist(), FRAMES[3:5].tolist()]
    fields = {
        "frames": pa.array(rows, pa.list_(pa.list_(pa.float32(), 2))),
        "rate_hz": pa.array([25.0, 25.0], pa.float32()),
        "start_s": pa.nulls(2, pa.float64()),
        "times_s": pa.nulls(2, pa.list_(pa.list_(pa.float64(), 2))),
    } | fields
    fields = {name: value for name, value in fields.items() if value is not None}
    known = json.dumps({"rate_hz": 25.0, "features": None} if known is None else known)
    about = {"ARROW:extension:name": "avfusion.sequence", "ARROW:extension:metadata": known}
    storage = pa.StructArray.from_arrays(list(fields.values()), list(fields))
    return pa.table([storage], schema=pa.schema([pa.field("audio", storage.type, metadata=about)]))


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
@pytest.mark.parametrize("number", [pa.float32(), pa.float64()])
@pytest.mark.parametrize("outer", [pa.list_, pa.large_list])
def test_columns_of_ours_are_read_however_lists_are_stored(tmp_path, suffix, number, outer):
    frames = pa.array([FRAMES[:3].tolist(), FRAMES[3:5].tolist()], outer(pa.list_(number, 2)))
    path = tmp_path / f"a.{suffix}"
    (pa.parquet.write_table if suffix == "parquet" else pa.feather.write_feather)(stored(frames=frames), path)
    column = (pd.read_parquet if suffix == "parquet" else pd.read_feather)(path)["audio"]
    assert column.dtype == SequenceDtype(number.to_pandas_dtype(), 2, 25)
    np.testing.assert_array_equal(np.concatenate([cell.frames for cell in column]), FRAMES[:5])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"frames": None}, "has no frames"),
        ({"rate_hz": None}, "has no rate_hz"),
        ({"frames": pa.array([1.0, 2.0])}, "frames are double"),
        ({"frames": pa.array([[[1, 2]]] * 2, pa.list_(pa.list_(pa.int64(), 2)))}, "frames are list<"),
        ({"times_s": pa.nulls(2, pa.list_(pa.list_(pa.float64(), 3)))}, "times_s are list<"),
        ({"rate_hz": pa.array(["25", "25"])}, "rate_hz is string"),
        ({"start_s": pa.array([0, 1], pa.timestamp("s"))}, r"start_s is timestamp\[s\]"),
        ({"known": {}}, "not its rate and features"),
        ({"known": [25]}, "not its rate and features"),
        ({"known": {"rate_hz": "x", "features": None}}, "not its rate and features"),
        ({"known": {"rate_hz": 25, "features": "ab"}}, "its features have no names"),
        ({"known": {"rate_hz": 25, "features": [1, 2]}}, "its features have no names"),
        ({"known": {"rate_hz": 25, "features": ["a"]}}, "of 2 features, but has 1 names"),
        ({"known": {"rate_hz": 25, "features": ["a", "a"]}}, "of 2 features, but has 1 names"),
    ],
)
def test_what_only_says_that_it_is_ours_is_refused_with_the_reason(tmp_path, fields, reason):
    pa.parquet.write_table(stored(**fields), tmp_path / "a.parquet")
    with pytest.raises(
        ValueError, match=rf"A column says that it is avfusion\.sequence, .*{reason}.*to_parquet\."
    ):
        pd.read_parquet(tmp_path / "a.parquet")
