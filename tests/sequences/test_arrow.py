import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings

from avfusion.sequences import SequenceArray, SequenceDtype
from avfusion.sequences._arrow import SequenceType
from tests.sequences.sequence_models import assert_holds, columns

FRAMES = np.arange(24.0, dtype="float32").reshape(12, 2)


@given(columns())
def test_round_trips_hold_the_same(column):
    array, model = column
    assert_holds(pa.array(array).to_pandas().array, model, array.dtype)
    assert_holds(pa.array(array)[1:].to_pandas().array, model[1:], array.dtype)
    chunks = pa.chunked_array([pa.array(array[:2]), pa.array(array), pa.array(array)[1:3]])
    assert_holds(chunks.to_pandas().array, [*model[:2], *model, *model[1:3]], array.dtype)


@given(columns())
def test_other_programs_read_lists(column):
    array, model = column
    lists = pa.array(array).storage.to_pylist()
    assert [None if rows is None else len(rows) for rows in lists] == [
        None if c is None else len(c) for c in model
    ]
    for rows, cell in zip(lists, model):
        if rows is not None:
            np.testing.assert_array_equal(np.reshape(rows, cell.shape), cell)


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


def test_types_are_equal_and_hash_alike_where_their_dtypes_are():
    kind = SequenceType(SequenceDtype("float32", 2, 25))
    assert {kind: "found"}[SequenceType(SequenceDtype("float32", 2, 25.0))] == "found"
    for other in (
        SequenceDtype("float32", 2, 5),
        SequenceDtype("float32", 2),
        SequenceDtype("float64", 2, 25),
    ):
        assert kind != SequenceType(other)
    assert kind != kind.storage_type


def test_tables_of_another_rate_are_not_joined_unnoticed():
    slow, fast = (pa.table({"audio": pa.array(SequenceArray(FRAMES, [0], [12], rate))}) for rate in (5, 25))
    with pytest.raises(pa.ArrowInvalid, match="Schema"):
        pa.concat_tables([slow, fast])


def test_another_process_reads_a_file_after_the_import(tmp_path):
    X = pd.DataFrame({"audio": SequenceArray(FRAMES, [4, 0, 0], [8, 4, -1], 25)})
    X.to_parquet(tmp_path / "x.parquet")
    code = f"import avfusion.sequences, pandas; print(pandas.read_parquet({str(tmp_path / 'x.parquet')!r}))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == repr(X) + "\n"


def test_no_frames_are_copied():
    packed = SequenceArray(FRAMES, [0, 4], [4, 8])
    column = pa.array(packed)
    assert np.shares_memory(column.storage.values.flatten().to_numpy(), FRAMES)
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
