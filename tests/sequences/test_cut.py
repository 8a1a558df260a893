from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avfusion.sequences import Sequence, SequenceArray, as_sequences, cut


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([1.0, 2.5, 25.0]),
    st.floats(0, 10),
    st.lists(st.floats(0.0, 20.0), min_size=2, max_size=5, unique=True),
)
def test_pieces_hold_the_steps_whose_centres_are_in_them(rate, start, borders):
    n = 60
    X = as_sequences({"audio": [np.arange(float(n))]}, rate_hz=rate, start_s=start, dtype=float)
    borders = sorted(borders)
    centres = start + (np.arange(n) + 0.5) / rate
    for begin, end in pairwise(borders):
        expected = np.flatnonzero((centres >= begin) & (centres < end))
        near = np.abs(centres[:, None] - [begin, end]).min() * rate < 1e-5  # on a border, up to rounding
        table = pd.DataFrame({"recording": [0], "start": [begin], "end": [end]})
        if near or not len(expected):
            continue
        cell = cut(X, table)["audio"].iloc[0]
        np.testing.assert_array_equal(cell.frames[:, 0], expected)
        assert cell.start_s == pytest.approx(start + expected[0] / rate)
        assert np.shares_memory(cell.frames, X["audio"].array.frames)


def test_metadata_times_and_columns_of_the_table_go_along():
    X = as_sequences(
        {
            "audio": [np.arange(20.0), np.arange(20.0), None],
            "words": [Sequence([1.0, 2.0, 3.0], times_s=[[0, 1], [1.5, 3], [4, 5]]), None, None],
        },
        rate_hz={"audio": 2},
    )
    X["speaker"] = ["anna", "ben", "ben"]
    X.index = ["a", "b", "c"]
    table = pd.DataFrame(
        {"file": ["b", "a", "a"], "start": [0, 0, 2], "end": [3, 2, 6], "trial": [1, 2, 3]}, index=list("xyz")
    )
    pieces = cut(X, table)
    assert list(pieces.index) == list("xyz")
    assert pieces["speaker"].tolist() == ["ben", "anna", "anna"]
    assert pieces["trial"].tolist() == [1, 2, 3]
    assert [len(cell) for cell in pieces["audio"]] == [6, 4, 8]
    assert pieces["audio"].array.starts_s.tolist() == [0, 0, 2]
    assert pieces["words"].isna().tolist() == [True, False, False]
    np.testing.assert_array_equal(pieces["words"].iloc[1].times_s, [[0, 1], [1.5, 2]])
    np.testing.assert_array_equal(pieces["words"].iloc[2].times_s, [[2, 3], [4, 5]])


def test_labels_are_cut_alike():
    y = pd.Series(SequenceArray.from_packed(np.arange(20.0)[:, None], [20], 2), name="arousal")
    table = pd.DataFrame({"recording": [0, 0], "start": [0, 5], "end": [5, 10]})
    pieces = cut(y, table)
    assert pieces.name == "arousal"
    assert [cell.frames[0, 0] for cell in pieces] == [0, 10]
    X = as_sequences({"audio": [np.arange(100.0)]}, rate_hz=10)
    for labels in (y, y.to_frame()):
        cut_X, cut_y = cut(X, table, labels)
        assert [len(cell) for cell in cut_X["audio"]] == [50, 50]
        cells = cut_y if isinstance(labels, pd.Series) else cut_y["arousal"]
        assert list(cells) == list(pieces)


def test_levels_of_an_index_and_timedeltas_are_read():
    X = as_sequences({"audio": {"a.wav": np.arange(100.0)}}, rate_hz=10)
    index = pd.MultiIndex.from_tuples(
        [("a.wav", pd.Timedelta(1, "s"), pd.Timedelta(3, "s"))], names=["file", "start", "end"]
    )
    assert cut(X, pd.DataFrame({"emotion": ["joy"]}, index=index))["audio"].iloc[0].frames[0, 0] == 10


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"recording": [5], "start": [0], "end": [1]},
            "names recordings that X does not have: 5. X has 0, 1",
        ),
        ({"recording": [0], "start": [2], "end": [1]}, "Line 0 of the table is from 2 to 1 s"),
        ({"recording": [0], "start": [200], "end": [201]}, "Line 0 .* 200 to 201 s, holds no step of row 0"),
        ({"clip": [0], "start": [0], "end": [1]}, "No column of the table names the recording: 'clip'"),
        ({"recording": [0], "onset": [0], "end": [1]}, "There is no column 'start', which cut names"),
    ],
)
def test_bad_tables_are_named(table, message):
    X = as_sequences({"audio": [np.arange(9.0)] * 2}, rate_hz=1)
    with pytest.raises(ValueError, match=message):
        cut(X, pd.DataFrame(table))


def test_streams_without_time_cannot_be_cut():
    with pytest.raises(ValueError, match="Column 'audio' has no rate, so seconds mean nothing"):
        cut(
            as_sequences({"audio": [np.arange(9.0)]}),
            pd.DataFrame({"recording": [0], "start": [0], "end": [1]}),
        )


def test_labels_to_cut_have_a_clock():
    X = as_sequences({"audio": [np.arange(9.0)]}, rate_hz=1)
    with pytest.raises(TypeError, match="y must be a DataFrame or Series of sequences, not list"):
        cut(X, pd.DataFrame({"recording": [0], "start": [0], "end": [1]}), [np.arange(9.0)])


@pytest.mark.parametrize("form", [pl.from_pandas, pa.table])
def test_tables_of_other_libraries_name_stretches(form):
    X = as_sequences({"audio": [np.arange(100.0), np.arange(50.0)]}, rate_hz=10)
    table = pd.DataFrame({"recording": [0, 1], "start": [0.0, 1.0], "end": [1.0, 4.0], "word": ["a", "b"]})
    pd.testing.assert_frame_equal(cut(form(X), form(table)), cut(X, table))
