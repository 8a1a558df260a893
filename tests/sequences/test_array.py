import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib import Parallel, delayed

from avfusion.sequences import Sequence, SequenceArray, SequenceDtype
from tests.sequences.sequence_models import assert_holds, columns

FRAMES = np.arange(24.0, dtype="float32").reshape(12, 2)


def ragged(**kwargs):
    return SequenceArray(FRAMES, [0, 0, 5, 3], [5, -1, 0, 6], **kwargs)


# the same as a list of arrays


@given(columns(min_rows=1), st.data())
def test_selections_hold_what_a_list_would(column, data):
    array, model = column
    rows = data.draw(st.lists(st.integers(-len(model), len(model) - 1)))
    mask = data.draw(st.lists(st.booleans(), min_size=len(model), max_size=len(model)))
    piece = data.draw(st.slices(len(model)))
    assert_holds(array[np.array(rows, int)], [model[i] for i in rows], array.dtype)
    assert_holds(array.take(rows), [model[i] for i in rows], array.dtype)
    assert_holds(array[np.array(mask)], [c for c, keep in zip(model, mask) if keep], array.dtype)
    assert_holds(array[piece], model[piece], array.dtype)
    for selection in (array[np.array(rows, int)], array[np.array(mask)], array[piece]):
        assert selection.frames is array.frames


@given(columns(min_rows=1), st.data())
def test_take_fills_with_missing_rows(column, data):
    array, model = column
    rows = data.draw(st.lists(st.integers(-1, len(model) - 1)))
    expected = [None if i == -1 else model[i] for i in rows]
    assert_holds(array.take(rows, allow_fill=True), expected, array.dtype)


@given(columns())
def test_pack_owns_exactly_the_frames_of_its_rows(column):
    array, model = column
    packed = array.pack()
    assert_holds(packed, model, array.dtype)
    cells = [cell for cell in model if cell is not None]
    expected = np.concatenate([np.empty((0, array.width), array.frames.dtype), *cells])
    np.testing.assert_array_equal(packed.frames, expected, strict=True)
    assert packed.pack() is packed


@given(columns())
def test_new_frames_stay_with_their_rows(column):
    array, model = column
    new = array.with_frames(np.hstack([array.pack().frames, array.pack().frames]).astype("float64"))
    expected = [None if cell is None else np.hstack([cell, cell]).astype("float64") for cell in model]
    assert_holds(new, expected, SequenceDtype("float64", 2 * array.width, array.rate_hz))


@given(columns(), columns(), st.data())
def test_concatenation_holds_what_lists_would(one, other, data):
    (a, model_a), (b, model_b) = one, other
    b = b if b.dtype == a.dtype else SequenceArray(a.frames.copy(), a.starts, a.lengths, a.rate_hz)
    model_b = model_b if b.dtype == other[0].dtype and b is other[0] else model_a
    assert_holds(SequenceArray._concat_same_type([a, b, a[:2]]), [*model_a, *model_b, *model_a[:2]], a.dtype)


@given(columns())
def test_pickles_hold_the_same(column):
    array, model = column
    assert_holds(pickle.loads(pickle.dumps(array)), model, array.dtype)


@given(columns())
def test_equality_hashing_and_factorizing_agree_with_contents(column):
    array, model = column
    keys = [
        None if cell is None else (cell.shape, np.nan_to_num(cell + 0, nan=-7.0).tobytes()) for cell in model
    ]
    first = {key: i for i, key in reversed(list(enumerate(keys)))}
    again = SequenceArray.from_sequences(model, array.frames.dtype, array.width, array.rate_hz)
    assert (array == again).tolist() == [key is not None for key in keys]
    assert [i for i, again in enumerate(array.duplicated()) if not again] == sorted(first.values())
    codes, uniques = array.factorize()
    assert [None if code < 0 else keys.index(keys[i]) for i, code in enumerate(codes)] == [
        None if key is None else first[key] for key in keys
    ]
    assert len(uniques) == len(set(keys) - {None})
    assert len(set(pd.util.hash_array(array))) == len(set(keys))


# nothing is copied that need not be


def test_selections_of_a_frame_share_the_buffer():
    X = pd.DataFrame({"audio": ragged(), "n": range(4)})
    pieces = [
        X.iloc[[3, 0]],
        X[X["n"] > 1],
        X.copy(),
        X.reindex([3, 9]),
        pd.concat([X, X.iloc[:1]]),
        X.sample(3),
    ]
    pieces += [X.sort_values("n", ascending=False), X.drop_duplicates("n"), X.merge(X[["n"]], on="n")]
    pieces += [
        X.assign(audio=X["audio"].where(X["n"] > 0)),
        X.shift(1),
        copy.deepcopy(X),
        X.loc[::-1].reset_index(),
    ]
    assert all(np.shares_memory(piece["audio"].array.frames, FRAMES) for piece in pieces)
    assert all(piece["audio"].array.frames is X["audio"].array.frames for piece in pieces)


def test_consecutive_rows_pack_into_a_view():
    array = SequenceArray(FRAMES, [0, 4, 8], [4, 4, 4])
    assert array.pack() is array
    assert np.shares_memory(array[1:].pack().frames, FRAMES)
    assert not np.shares_memory(array[::-1].pack().frames, FRAMES)


def test_different_buffers_leave_unused_frames_behind():
    other = SequenceArray(FRAMES.copy(), [2], [3])
    assert len(SequenceArray._concat_same_type([ragged()[:1], other]).frames) == 5 + 3
    assert SequenceArray._concat_same_type([ragged(), SequenceArray(FRAMES[:0], [0], [-1])]).frames.shape == (
        12,
        2,
    )


def test_pickles_of_small_selections_are_small():
    frames = np.zeros((100_000, 4))
    windows = SequenceArray(frames, np.arange(0, 99_000, 10), np.full(9_900, 1000))
    small = pickle.loads(pickle.dumps(windows[[7, 8]]))
    assert small.frames.shape == (1010, 4)  # the windows still share their overlap
    assert len(pickle.loads(pickle.dumps(windows)).frames) == len(frames)
    assert len(pickle.dumps(pd.DataFrame({"audio": windows}).iloc[:3])) < 50_000


def test_the_buffer_is_used_as_it_is_and_cannot_be_changed():
    array = ragged()
    assert np.shares_memory(array.frames, FRAMES)
    assert FRAMES.flags.writeable
    for part in (array.frames, array.starts, array.lengths, array[0].frames, array.pack().frames):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 1


# memory maps


def backing_file(frames):
    while frames is not None and not isinstance(frames, np.memmap):
        frames = frames.base
    return None if frames is None else frames.filename


def describe(X):
    array = X["audio"].array
    return (
        str(backing_file(array.frames)),
        array.frames.flags.writeable,
        [float(c.frames.sum()) for c in array],
    )


@pytest.fixture
def on_disk(tmp_path):
    np.save(tmp_path / "frames.npy", np.random.default_rng(0).normal(size=(5000, 8)))
    return tmp_path / "frames.npy"


def test_a_memory_map_is_never_loaded(on_disk):
    frames = np.load(on_disk, mmap_mode="r")
    array = SequenceArray(frames, [0, 2000], [2000, 3000])
    assert isinstance(array[1:].pack().frames, np.memmap)
    assert backing_file(array[[1, 0]].frames) == on_disk
    assert type(array[0].frames) is np.ndarray
    np.testing.assert_array_equal(array[1].frames, np.load(on_disk)[2000:])


def test_a_memory_map_pickles_by_value(on_disk):
    array = SequenceArray(np.load(on_disk, mmap_mode="r"), [0, 2000], [2000, 3000])
    again = pickle.loads(pickle.dumps(array))
    assert type(again.frames) is np.ndarray
    assert again.equals(array)


@pytest.mark.parametrize("memory_map", [False, True])
def test_workers_map_the_buffer_instead_of_copying_it(on_disk, memory_map):
    frames = np.load(on_disk, mmap_mode="r" if memory_map else None)
    X = pd.DataFrame({"audio": SequenceArray(frames, [0, 4000, 1], [2000, 1000, 4999])})
    answers = Parallel(n_jobs=2, max_nbytes=1000)(delayed(describe)(X) for _ in range(2))
    expected = [frames[:2000].sum(), frames[4000:].sum(), frames[1:].sum()]
    for file, writeable, sums in answers:
        assert file == str(on_disk) if memory_map else "joblib_memmapping" in file
        assert not writeable
        np.testing.assert_allclose(sums, expected)


# making arrays


def test_cells_of_every_kind():
    cells = [
        [1, 2, 3],
        np.ones((2, 1), "float32"),
        None,
        np.nan,
        pd.NA,
        [],
        Sequence([5.0]),
        np.array([True]),
    ]
    expected = [[1, 2, 3], [1, 1], None, None, None, [], [5], [1]]
    model = [None if cell is None else np.array(cell, float)[:, None] for cell in expected]
    assert_holds(SequenceArray.from_sequences(cells), model, SequenceDtype("float64"))


def test_the_dtype_of_cells_is_the_smallest_that_holds_them():
    single, double = np.ones((1, 2), "float32"), np.ones((1, 2))
    assert SequenceArray.from_sequences([single, None, []]).dtype == SequenceDtype("float32", 2)
    assert SequenceArray.from_sequences([single, double]).dtype == SequenceDtype("float64", 2)
    assert SequenceArray.from_sequences([double], dtype="float16").dtype == SequenceDtype("float16", 2)
    assert SequenceArray.from_sequences([None], width=7).dtype == SequenceDtype("float32", 7)
    assert len(SequenceArray.from_sequences([])) == 0


@pytest.mark.parametrize(
    ("cells", "error", "message"),
    [
        (
            [[1.0], 3.0],
            TypeError,
            r"In row 1: A cell must be an array of shape .* or None if it is absent, not float '3.0'",
        ),
        ([["a", "b"]], TypeError, "In row 0: A sequence must hold real numbers, not dtype <U1"),
        (["ab"], TypeError, "In row 0: A cell must be an array .* not str 'ab'"),
        ([{"a": 1}], TypeError, "In row 0: A cell must be an array .* not dict"),
        (
            [None, np.ones(2, complex)],
            TypeError,
            "In row 1: A sequence must hold real .* complex128",
        ),
        (
            [np.ones((2, 2, 2))],
            ValueError,
            r"In row 0: A sequence must have .* not the shape \(2, 2, 2\)",
        ),
        ([[[1, 2], [3]]], ValueError, "In row 0: Step 1 has 1 features, but step 0 has 2. All steps need"),
        (
            [None, [[1, 2]], [[1, 2, 3]]],
            ValueError,
            "in row 2 has 3 features per step, but that in row 1 has 2",
        ),
        (
            [Sequence([1.0], 25), Sequence([1.0], 50), Sequence([1.0])],
            ValueError,
            "in row 0 has 25 steps per second, and that in row 2 has no rate",
        ),
    ],
)
def test_bad_cells_are_named(cells, error, message):
    with pytest.raises(error, match=message):
        SequenceArray.from_sequences(cells)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (np.ones(3), [0], [1]),
            ValueError,
            r"frames must have the shape \(n_frames, n_features\), not \(3,\)",
        ),
        ((np.ones((3, 0)), [0], [1]), ValueError, "frames must have the shape"),
        ((np.array([["a"]]), [0], [1]), TypeError, "A sequence must hold real numbers"),
        ((FRAMES, [0], [1, 2]), ValueError, "starts has 1 rows, but lengths has 2"),
        ((FRAMES, [0.0], [1]), TypeError, "starts must be whole numbers, not of dtype float64"),
        ((FRAMES, [[0]], [[1]]), ValueError, "starts must have one axis"),
        ((FRAMES, [0, 10], [1, 3]), ValueError, "Row 1 starts at frame 10 and has length 3, .* 12 frames"),
        ((FRAMES, [0, 0], [1, -2]), ValueError, "Row 1 starts at frame 0 and has length -2"),
        ((FRAMES, [0, -1], [1, 1]), ValueError, "Row 1 starts at frame -1"),
        ((FRAMES, [0], [1], -25), ValueError, "rate_hz must be positive and finite, not -25"),
        (
            (FRAMES, [0], [1], "fast"),
            TypeError,
            "rate_hz must be a number .* or None, not 'fast'",
        ),
    ],
)
def test_bad_parts_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        SequenceArray(*arguments)


def test_buffers_of_other_kinds_are_converted():
    assert SequenceArray([[1, 2]], [0], [1]).dtype == SequenceDtype("float64", 2)
    by_columns = SequenceArray(np.asfortranarray(FRAMES), [0], [12])
    assert by_columns.frames.flags.c_contiguous
    np.testing.assert_array_equal(by_columns.frames, FRAMES)


def test_new_frames_must_be_as_many():
    with pytest.raises(ValueError, match="frames has 12 frames, but the rows have 11 together"):
        ragged().with_frames(FRAMES)


# what it tells


def test_what_is_shown():
    array = ragged(rate_hz=25)
    assert repr(array[:3]) == (
        "<SequenceArray>\n[Sequence(5 x 2, 0.2 s), <NA>, Sequence(0 x 2, 0.0 s)]\n"
        "Length: 3, dtype: sequence[float32, 2, 25Hz]"
    )
    X = pd.DataFrame({"audio": array[:2], "subject": ["a", "b"]})
    assert repr(X) == "          audio subject\n0  5 x 2, 0.2 s       a\n1          <NA>       b"
    assert "<td>5 x 2, 0.2 s</td>" in X._repr_html_()


def test_size_counts_the_frames_of_the_rows():
    assert ragged()[[0]].nbytes == 5 * 2 * 4 + 2 * 8
    assert ragged().nbytes == 11 * 2 * 4 + 4 * 2 * 8
