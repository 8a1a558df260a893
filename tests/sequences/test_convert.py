import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from avfusion.sequences import Sequence, SequenceArray, SequenceDtype, as_sequences, sequence_columns
from tests.sequences.sequence_models import assert_holds

RNG = np.random.default_rng(0)
AUDIO = [RNG.normal(size=(n, 3)) for n in (4, 0, 7)]
VIDEO = [RNG.normal(size=(2, 5)), None, RNG.normal(size=(6, 5))]


def single(cells):
    return [None if cell is None else cell.astype("float32") for cell in cells]


def check(X, rates=(None, None), dtype="float32"):
    assert list(X) == sequence_columns(X) == ["audio", "video"]
    cast = [None if cell is None else cell.astype(dtype) for cell in AUDIO]
    assert_holds(X["audio"].array, cast, SequenceDtype(dtype, 3, rates[0]))
    cast = [None if cell is None else cell.astype(dtype) for cell in VIDEO]
    assert_holds(X["video"].array, cast, SequenceDtype(dtype, 5, rates[1]))


# what goes in


def test_mapping_of_lists():
    check(as_sequences({"audio": AUDIO, "video": VIDEO}))
    check(as_sequences({"audio": AUDIO, "video": VIDEO}, rate_hz=25), rates=(25, 25))
    check(as_sequences({"audio": AUDIO, "video": VIDEO}, rate_hz={"video": 1.5}), rates=(None, 1.5))
    check(as_sequences({"audio": AUDIO, "video": VIDEO}, dtype="float64"), dtype="float64")
    check(as_sequences({"audio": AUDIO, "video": VIDEO, "text": AUDIO}, ["video", "audio"]))
    check(as_sequences({"audio": AUDIO, "video": VIDEO}, {"audio": 3, "video": 5}))


def test_list_of_mappings():
    rows = [{"audio": a, "video": v} for a, v in zip(AUDIO, VIDEO)]
    del rows[1]["video"]
    check(as_sequences(rows))
    X = as_sequences([{"audio": AUDIO[0]}, {}, None])
    assert X["audio"].isna().tolist() == [False, True, True]


def test_a_modality_that_is_absent_everywhere_gets_its_width_from_modalities():
    X = as_sequences({"audio": AUDIO, "video": [None] * 3}, {"audio": 3, "video": 5}, rate_hz=25)
    assert X.dtypes["video"] == SequenceDtype("float32", 5, 25)
    assert X["video"].isna().all()


def test_cells_may_be_tensors():
    check(as_sequences({"audio": [torch.tensor(cell) for cell in AUDIO], "video": VIDEO}))


@pytest.mark.parametrize(
    "box", [list, tuple, lambda cells: pd.Series(cells, dtype=object), SequenceArray.from_sequences]
)
def test_one_modality(box):
    X = as_sequences(box(single(AUDIO)))
    assert_holds(X["features"].array, single(AUDIO), SequenceDtype("float32", 3))
    assert list(as_sequences(box(single(AUDIO)), modalities=["audio"])) == ["audio"]


def test_an_object_array_is_a_list():
    cells = np.empty(3, dtype=object)
    cells[:] = VIDEO
    assert_holds(as_sequences(cells)["features"].array, single(VIDEO), SequenceDtype("float32", 5))
    assert_holds(as_sequences({"v": cells})["v"].array, single(VIDEO), SequenceDtype("float32", 5))


def test_nested_lists_are_cells_and_flat_ones_are_a_table():
    nested = [[[1, 2], [3, 4]], [[5, 6]]]
    assert as_sequences(nested)["features"].array.lengths.tolist() == [2, 1]
    table = as_sequences([[1, 2], [3, 4], [5, 6]])
    assert table["features"].array.lengths.tolist() == [1, 1, 1]
    assert table["features"].dtype == SequenceDtype("float64", 2)


def test_frames_with_sequences_stay_as_they_are():
    X = as_sequences({"audio": AUDIO, "video": VIDEO}).assign(subject=["a", "b", "c"], age=[1, 2, 3])
    X.index = ["x", "y", "z"]
    assert as_sequences(X) is X
    assert as_sequences(X, ["audio", "video"]) is X
    assert as_sequences(X, dtype="float64") is X
    assert list(as_sequences(X, ["video"])) == ["video", "subject", "age"]
    rated = as_sequences(X, rate_hz={"audio": 25})
    assert rated["audio"].dtype.rate_hz == 25
    assert rated["audio"].array.frames is X["audio"].array.frames
    assert X["audio"].dtype.rate_hz is None
    assert rated.index.tolist() == ["x", "y", "z"]


def test_object_columns_of_arrays_become_sequences():
    X = pd.DataFrame(
        {"audio": AUDIO, "tags": [["a"], ["b"], []], "video": VIDEO, "n": [1, 2, 3]}, index=[3, 4, 5]
    )
    converted = as_sequences(X)
    check(converted[["audio", "video"]])
    assert list(converted) == list(X)
    pd.testing.assert_frame_equal(converted[["tags", "n"]], X[["tags", "n"]])
    assert X["audio"].dtype == object


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_table_is_one_step_per_row_and_keeps_its_dtype(dtype):
    table = RNG.normal(size=(6, 4)).astype(dtype)
    for X in (as_sequences(table), as_sequences(pd.DataFrame(table)), as_sequences({"features": table})):
        assert_holds(X["features"].array, list(table[:, None]), SequenceDtype(dtype, 4))
    assert np.shares_memory(as_sequences(table)["features"].array.frames, table)
    assert as_sequences(table.astype(int))["features"].dtype == SequenceDtype("float64", 4)
    assert as_sequences(table.astype(object))["features"].dtype == SequenceDtype("float64", 4)


def test_a_table_keeps_its_index():
    assert as_sequences(pd.DataFrame({"a": [1.0, 2.0]}, index=["x", "y"])).index.tolist() == ["x", "y"]


def test_tables_split_by_width_and_by_name():
    table = RNG.normal(size=(6, 4))
    by_width = as_sequences(table, {"audio": 1, "video": 3})
    frame = pd.DataFrame(table, columns=list("abcd")).assign(subject=list("uvwxyz"))
    by_name = as_sequences(frame, {"audio": "a", "video": ["b", "c", "d"]})
    assert list(by_name) == ["subject", "audio", "video"]
    for X in (by_width, by_name):
        np.testing.assert_array_equal(X["audio"].array.frames, table[:, :1])
        np.testing.assert_array_equal(X["video"].array.pack().frames, table[:, 1:])


def test_three_axes():
    array = RNG.normal(size=(2, 7, 4))
    X = as_sequences(array)
    assert_holds(X["features"].array, list(array.astype("float32")), SequenceDtype("float32", 4))
    X = as_sequences(array, {"audio": 1, "video": 3}, dtype=None)
    assert_holds(X["video"].array, list(array[..., 1:]), SequenceDtype("float64", 3))
    assert np.shares_memory(as_sequences(array, dtype=None)["features"].array.frames, array)


def test_padding_is_what_lengths_and_masks_say_and_zeros_are_data():
    array = RNG.normal(size=(3, 5, 2)).astype("float32")
    array[0, :2] = 0
    lengths, mask = [5, 0, 2], np.array([[0, 0, 1, 1, 1], [1, 0, 0, 0, 1], [0, 0, 0, 0, 0]], bool)
    by_length = [array[i, :n] for i, n in enumerate(lengths)]
    by_mask = [array[i, m] for i, m in enumerate(mask)]
    for data in (
        (array, lengths),
        {"audio": (array, lengths)},
        {"audio": {"frames": array, "lengths": lengths}},
    ):
        assert_holds(as_sequences(data).iloc[:, 0].array, by_length, SequenceDtype("float32", 2))
    for data in ((array, mask), {"audio": (array, mask)}, {"audio": {"frames": array, "mask": mask}}):
        assert_holds(as_sequences(data).iloc[:, 0].array, by_mask, SequenceDtype("float32", 2))
    assert_holds(as_sequences({"audio": array})["audio"].array, list(array), SequenceDtype("float32", 2))


def test_two_recordings_are_not_an_array_with_lengths():
    assert len(as_sequences({"audio": (np.zeros((4, 2)), np.zeros((3, 2)))})) == 2


def test_columns_over_a_memory_map_are_used_as_they_are(tmp_path):
    np.save(tmp_path / "frames.npy", np.zeros((9, 2)))
    column = SequenceArray(np.load(tmp_path / "frames.npy", mmap_mode="r"), [0, 4], [4, 5])
    X = as_sequences({"audio": column, "video": AUDIO[:2]})
    assert X["audio"].array.frames is column.frames
    X = as_sequences({"audio": pd.Series(column, index=["x", "y"]), "video": AUDIO[:2]})
    assert X.index.tolist() == ["x", "y"]


def test_rates_of_cells_are_kept():
    X = as_sequences({"audio": [Sequence([1.0], 25), None]})
    assert X["audio"].dtype == SequenceDtype("float32", 1, 25)


# what is refused


CELLS = pd.DataFrame({"audio": AUDIO, "video": VIDEO}, index=["x", "y", "z"])
FRAME = as_sequences(CELLS, rate_hz=25)


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        # nothing there
        ({}, {}, ValueError, "The mapping is empty"),
        ({"audio": []}, {}, ValueError, "The data has no rows"),
        (FRAME.iloc[:0], {}, ValueError, "The data has no rows"),
        (np.zeros((0, 3)), {}, ValueError, "0 sample"),
        (np.zeros((3, 0)), {}, ValueError, "0 feature"),
        # cells
        (
            {"audio": [AUDIO[0], np.zeros((2, 4))]},
            {},
            ValueError,
            "in row 1, column 'audio' has 4 features per step, but that in row 0, column 'audio' has 3",
        ),
        (
            CELLS.assign(audio=[AUDIO[0], np.zeros((2, 4)), None]),
            {},
            ValueError,
            "row 1 .index 'y'., column 'audio'",
        ),
        ({"audio": [np.zeros((2, 2, 2))]}, {}, ValueError, "row 0, column 'audio': .* axes"),
        ({"audio": ["a", "b"]}, {}, TypeError, "In row 0, column 'audio': A cell must be an array"),
        ({"audio": [np.zeros(2, complex)]}, {}, TypeError, "row 0, column 'audio': .* complex128"),
        (
            {"audio": [1.0, 2.0]},
            {},
            TypeError,
            "In row 0, column 'audio': A cell must be an array .* not float '1.0'",
        ),
        ([{"audio": AUDIO[0]}, AUDIO[0]], {}, TypeError, "Row 1 is no mapping"),
        # rows
        (
            {"audio": AUDIO, "video": VIDEO[:2]},
            {},
            ValueError,
            "Modality 'audio' has 3 rows, but 'video' has 2",
        ),
        (
            {"audio": CELLS["audio"], "video": CELLS["video"].set_axis(["x", "y", "q"])},
            {},
            ValueError,
            "'audio' and 'video' have different",
        ),
        # columns
        ({"audio": 3.0}, {}, TypeError, "In column 'audio': A list of arrays .* not float"),
        ({"audio": "abc"}, {}, TypeError, "In column 'audio': A list of arrays .* not str"),
        (
            {"audio": np.zeros((2, 2, 2), complex)},
            {},
            ValueError,
            "column 'audio': Complex data not supported",
        ),
        (
            {"audio": np.zeros((2, 2, 2, 2))},
            {},
            ValueError,
            "In column 'audio': An array must have the axes .rows, steps, features.",
        ),
        ({1: AUDIO}, {}, TypeError, "Names of modalities must be strings, not 1"),
        (
            pd.concat([FRAME, FRAME], axis=1).assign(n=[1, 2, 3]),
            {},
            ValueError,
            "Two columns have the name 'audio'",
        ),
        # padding
        ((np.zeros((2, 5, 3)), [5, 6]), {}, ValueError, "Row 1 has length 6, but it must be within 0 to 5"),
        ((np.zeros((2, 5, 3)), [5, -1]), {}, ValueError, "Row 1 has length -1, but it must be within"),
        (
            (np.zeros((2, 5, 3)), [5]),
            {},
            ValueError,
            r"needs lengths of shape \(2,\) or .* mask of shape \(2, 5\)",
        ),
        ((np.zeros((2, 5, 3)), np.ones((2, 4), bool)), {}, ValueError, r"not bool of shape \(2, 4\)"),
        (
            {"audio": {"frames": np.zeros((2, 5, 3)), "sizes": [5, 5]}},
            {},
            ValueError,
            '"lengths" or "mask", not',
        ),
        # plain arrays
        (np.zeros(3), {}, ValueError, "Expected 2D array, got 1D array"),
        (np.zeros((2, 2, 2, 2)), {}, ValueError, "must have the axes"),
        (np.zeros((2, 2), complex), {}, ValueError, "Complex data not supported"),
        (sparse.eye_array(3).tocsr(), {}, TypeError, "[Ss]parse"),
        (3.0, {}, ValueError, "Expected 2D array, got scalar"),
        (
            np.zeros((3, 600)),
            {"modalities": {"audio": 88, "video": 500}},
            ValueError,
            "sum to 588, .* has 600 features",
        ),
        (
            np.zeros((3, 6)),
            {"modalities": ["audio", "video"]},
            ValueError,
            "modalities has 2 names, but the data is one modality",
        ),
        (np.zeros((3, 6)), {"modalities": {"audio": "a"}}, ValueError, "must map names to widths"),
        (np.zeros((3, 6)), {"modalities": {"audio": 0, "video": 6}}, ValueError, "must map names to widths"),
        # frames of numbers
        (
            pd.DataFrame({"a": [1.0], "s": ["x"]}),
            {},
            ValueError,
            r"No column holds sequences, and some do not hold numbers: 's'",
        ),
        (pd.DataFrame({"s": ["x"]}), {}, ValueError, "could not convert string to float"),
        (
            pd.DataFrame({"a": [1.0]}),
            {"modalities": {"m": ["b"]}},
            ValueError,
            "There is no column 'b'. The columns are 'a'.",
        ),
        (
            pd.DataFrame({"a": [1.0], "b": [1]}),
            {"modalities": {"b": "a"}},
            ValueError,
            "name of the modality 'b'",
        ),
        # choices
        (
            FRAME,
            {"modalities": ["text"]},
            ValueError,
            r"There is no modality 'text'. The modalities are 'audio', 'video'",
        ),
        (
            FRAME,
            {"modalities": "audio"},
            TypeError,
            "modalities='audio' is a string",
        ),
        (
            FRAME,
            {"modalities": {"audio": 4}},
            ValueError,
            "Column 'audio' has 3 features per step, not 4",
        ),
        (FRAME, {"rate_hz": {"text": 1}}, ValueError, "rate_hz has 'text', but the modalities are"),
        (
            FRAME,
            {"rate_hz": 50},
            ValueError,
            "In column 'audio': Sequences at 25 Hz cannot be relabelled as 50 Hz",
        ),
        (FRAME, {"rate_hz": {"audio": 0}}, ValueError, "rate_hz must be positive"),
        (FRAME, {"recording": "film"}, ValueError, "A long table needs the columns of each modality"),
    ],
)
def test_bad_data_is_named(data, options, error, message):
    with pytest.raises(error, match=message):
        as_sequences(data, **options)


def test_sequence_columns_needs_a_frame():
    with pytest.raises(
        TypeError, match=r"X must be a DataFrame with sequence columns, not ndarray. .*as_sequ"
    ):
        sequence_columns(np.zeros((2, 2)))
