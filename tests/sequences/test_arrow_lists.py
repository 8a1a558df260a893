"""Lists of Arrow as sequences, compared with the lists themselves, taken one by one."""

import decimal
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfusion.sequences import as_sequences
from avfusion.sequences._arrow_lists import holds_cells, nested_lists, read_lists, without_views

F32, LIST = pa.float32(), pa.list_
STEPS = [[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], None, [[7.0, None], None], [], [[9.0, 10.0]]]
NUMBERS = [[1.0, 2.0, 3.0], None, [4.0, None], [], [5.0]]
OF_STEPS = {
    "list": LIST(LIST(F32)),
    "large": pa.large_list(pa.large_list(pa.float64())),
    "mixed": pa.large_list(LIST(F32)),
    "fixed inside": LIST(LIST(F32, 2)),
    "views": pa.list_view(pa.list_view(F32)),
    "large views": pa.large_list_view(pa.large_list_view(F32)),
    "view inside": LIST(pa.list_view(F32)),
    "integers": LIST(LIST(pa.int16())),
    "half": LIST(LIST(pa.float16())),
}
OF_NUMBERS = {
    "list": LIST(F32),
    "large": pa.large_list(pa.float64()),
    "view": pa.list_view(F32),
    "unsigned": LIST(pa.uint8()),
}


def expected(cells, width):
    """Read lists one by one: None is missing, a null step or number NaN."""
    model = []
    for cell in cells:
        steps = None if cell is None else [[np.nan] * width if step is None else step for step in cell]
        model.append(None if steps is None else np.array(steps, float).reshape(-1, width))
    return model


def assert_cells(column, model):
    assert len(column) == len(model)
    for cell, values in zip(column, model):
        if values is None:
            assert cell is pd.NA
        else:
            np.testing.assert_array_equal(cell.frames, values)


def array_of(cells, kind):
    if pa.types.is_float16(kind.value_type.value_type if hasattr(kind.value_type, "value_type") else kind):
        half = np.float16
        cells = [c and [s and [None if v is None else half(v) for v in s] for s in c] for c in cells]
    return pa.array(cells, kind)


@pytest.mark.works_with(
    "Arrow", "lists, large lists, views and fixed lists of steps, with nulls at each level"
)
@pytest.mark.parametrize("kind", OF_STEPS.values(), ids=OF_STEPS)
def test_lists_of_steps(kind):
    lists = array_of(STEPS, kind)
    model = expected(STEPS, 2)
    assert_cells(read_lists(lists, "row {}".format), model)
    assert_cells(read_lists(lists[1:4], "row {}".format), model[1:4])
    chunks = pa.chunked_array([lists[2:], lists[:0], lists[1:2], lists[:3]])
    assert_cells(read_lists(chunks, "row {}".format), model[2:] + model[1:2] + model[:3])


@pytest.mark.parametrize("kind", OF_NUMBERS.values(), ids=OF_NUMBERS)
def test_lists_of_numbers_are_steps_of_one_feature(kind):
    lists = pa.array(NUMBERS, kind)
    model = expected([cell and [[np.nan if v is None else v] for v in cell] for cell in NUMBERS], 1)
    assert_cells(read_lists(lists, "row {}".format), model)
    assert_cells(read_lists(pa.chunked_array([lists[2:], lists[:2]]), "row {}".format), model[2:] + model[:2])


cells = st.lists(
    st.none() | st.lists(st.none() | st.lists(st.none() | st.integers(-9, 9), min_size=2, max_size=2)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60)
@given(cells, st.sampled_from(["list", "large", "fixed inside", "views"]), st.integers(0, 5))
def test_any_lists_are_what_they_say(cells, kind, first):
    lists = pa.array([[[0, 0]], *cells], OF_STEPS[kind])
    model = expected([[[0, 0]], *cells], 2)
    chunks = pa.chunked_array([lists[:1], lists[first:], lists[:first]])
    assert_cells(read_lists(chunks, "row {}".format), model[:1] + model[first:] + model[:first])


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([True, None, False], pa.bool_(), [1, np.nan, 0]),
        ([decimal.Decimal("1.25"), None], pa.decimal128(5, 2), [1.25, np.nan]),
        ([2**53, None], pa.int64(), [2.0**53, np.nan]),
        ([2**53], pa.uint64(), [2.0**53]),
    ],
    ids=["booleans", "decimals", "null among integers", "unsigned"],
)
def test_numbers_of_every_kind(values, kind, read):
    np.testing.assert_array_equal(
        read_lists(pa.array([values], LIST(kind)), str)[0].frames[:, 0], np.array(read, float)
    )


def test_tensors_are_steps_and_features():
    values = np.arange(24.0, dtype="float32").reshape(2, 4, 3)
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(values)
    assert_cells(read_lists(tensors, str), list(values))
    assert_cells(read_lists(tensors[1:], str), list(values[1:]))
    assert np.shares_memory(read_lists(tensors, str).frames, values)
    with pytest.raises(ValueError, match=r"The tensor in row 0 has the shape \[2, 2, 2\]"):
        read_lists(pa.FixedShapeTensorArray.from_numpy_ndarray(np.zeros((1, 2, 2, 2))), "row {}".format)


def test_lists_of_one_size_are_asked_about():
    vectors = pa.table({"face": pa.array([[1, 2], None, [3, 4]], LIST(F32, 2))})
    with pytest.raises(
        ValueError, match=r"2 steps of one feature or one step of 2\? .* {'face': 1}.* {'face': 2}"
    ):
        as_sequences(vectors)
    assert_cells(as_sequences(vectors, {"face": 2})["face"], [np.array([[1, 2]]), None, np.array([[3, 4]])])
    assert_cells(as_sequences(vectors, {"face": 1})["face"], [np.c_[[1, 2]], None, np.c_[[3, 4]]])
    channels = np.random.default_rng(0).normal(size=(4, 3, 100))
    table = pa.table({"face": pa.array(channels.tolist(), LIST(LIST(pa.float64(), 100), 3))})
    with pytest.raises(
        ValueError, match=r"3 steps of 100 features or 3 channels of 100 steps.*{'face': 100}"
    ):
        as_sequences(table)
    assert_cells(as_sequences(table, {"face": 100}, float)["face"], list(channels))
    assert_cells(as_sequences(table, {"face": 3}, float)["face"], list(channels.swapaxes(1, 2)))


@pytest.mark.parametrize(
    ("cells", "error", "message"),
    [
        (
            [[[1.0, 2.0]], [[1.0, 2.0], [3.0]]],
            ValueError,
            "Step 1 in row 1, .* has 1 features, but 2 came before",
        ),
        (
            [[[1.0]], None, [[1.0, 2.0]]],
            ValueError,
            "in row 2.* has 2 features per step, but that in row 0.* has 1",
        ),
        (pa.array([[[]]], LIST(LIST(F32))), ValueError, "Step 0 in row 0.* has no features"),
        ([[[[1.0]]]], TypeError, "more than two axes"),
    ],
)
def test_what_is_no_sequence_is_named(cells, error, message):
    with pytest.raises(error, match=message):
        as_sequences(pa.table({"audio": cells}))


def test_rows_of_several_chunks_are_counted_through():
    chunks = pa.chunked_array([pa.array([[[1.0, 2.0]]]), pa.array([None, [[1.0, 2.0, 3.0]]])])
    with pytest.raises(ValueError, match="The sequence in row 2, column 'audio' has 3 features"):
        as_sequences(pa.table({"audio": chunks}))


def test_memory_is_shared_where_it_is_one_piece():
    frames = np.arange(24.0, dtype="float32")
    steps = pa.ListArray.from_arrays(pa.array(range(0, 25, 2), pa.int32()), pa.array(frames))
    lists = pa.ListArray.from_arrays(pa.array([0, 5, 12], pa.int32()), steps)
    for part in (lists, lists[1:], pa.array([frames.tolist()], LIST(F32))):
        column = read_lists(part, str)
        numbers = part.values.values if part.type == lists.type else part.values
        assert np.shares_memory(column.frames, numbers.to_numpy())
    assert np.shares_memory(as_sequences(pa.table({"audio": lists}))["audio"].array.frames, frames)


def test_lists_of_cells_become_lists_of_arrow():
    arrays = np.empty(2, dtype=object)
    arrays[:] = [np.array([1.0, 2.0], "float32"), np.array([3.0, 4.0], "float32")]
    assert nested_lists([arrays, None]).to_pylist() == [[[1.0, 2.0], [3.0, 4.0]], None]
    for other in ([np.zeros(2)], [["a"]], [[[1.0], 2.0]], [None], [{"frames": [1.0]}]):
        assert nested_lists(other) is None


@pytest.mark.slow
def test_many_rows_take_time_in_proportion():
    def seconds(n):
        offsets = pa.array(np.arange(n + 1) * 20, pa.int32())
        inner = pa.array(np.arange(n * 20 + 1) * 2, pa.int32())
        numbers = pa.array(np.zeros(n * 40, "float32"))
        lists = pa.ListArray.from_arrays(offsets, pa.ListArray.from_arrays(inner, numbers))
        begin = time.perf_counter()
        read_lists(lists, str)
        return time.perf_counter() - begin

    few = min(seconds(10_000) for _ in range(3))
    assert min(seconds(100_000) for _ in range(3)) < 50 * few


def test_which_types_are_cells():
    assert holds_cells(pa.array([STEPS[0]]).type)
    assert holds_cells(pd.ArrowDtype(LIST(F32)))
    for other in (pa.float32(), LIST(pa.string()), pa.struct({"a": F32}), np.dtype(float), pd.Int64Dtype()):
        assert not holds_cells(other)


def test_views_become_lists():
    for kind in ("views", "large views", "view inside"):
        lists = pa.array(STEPS, OF_STEPS[kind])
        assert without_views(lists).to_pylist() == STEPS
        assert without_views(pa.chunked_array([lists[1:], lists[:2]])).to_pylist() == STEPS[1:] + STEPS[:2]
    assert without_views(pa.array([1.0])).type == pa.float64()
