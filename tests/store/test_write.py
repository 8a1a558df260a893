"""A store returns what was written to it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import avfusion as av
from avfusion.sequences import SequenceArray, as_targets
from tests.sequences.sequence_models import columns
from tests.store.data import assert_same, recordings


def through_store(folder, X, y=None):
    av.write_store(folder / "store", X, y)
    return av.read_store(folder / "store", verify=True)


def test_all_that_columns_know_comes_back(tmp_path):
    X, y = recordings()
    again, labels = through_store(tmp_path, X, y)
    assert_same(again, X)
    assert_same(labels, y)


@st.composite
def clocks(draw, n_rows):
    seconds = st.sampled_from([0.0, 15.5, np.nan])
    start_s = draw(st.none() | st.lists(seconds, min_size=n_rows, max_size=n_rows))
    rates = st.sampled_from([0.1, 25.0, 29.97])
    return {"rate_hz": draw(st.lists(rates, min_size=n_rows, max_size=n_rows)), "start_s": start_s}


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_column_comes_back(tmp_path_factory, data):
    array, _ = data.draw(columns(min_rows=1))
    if data.draw(st.booleans()):
        array = array.with_clock(**data.draw(clocks(len(array))))
    elif data.draw(st.booleans()):
        array = array.with_clock(times_s=np.arange(len(array.frames)) / 3)
    name = data.draw(
        st.text(max_size=3) | st.sampled_from(["../x", "a/b", "CON", 300 * "n", "manifest.json"])
    )
    other = array[::-1].with_features([f"f{k}" for k in range(array.width)])
    X = pd.DataFrame({name: array, f"{name} 2": other, f"{name}3": range(len(array))})
    folder = tmp_path_factory.mktemp("any")
    assert_same(through_store(folder, X)[0], X)
    assert {path.name for path in folder.iterdir()} == {"store"}


INDEXES = [
    pd.Index(["x", "y", "z"], name="clip"),
    pd.RangeIndex(5, 11, 2, name=("a", 1)),
    pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin", name=3),
    pd.CategoricalIndex(["b", "a", "b"]),
    pd.Index([1.5, np.nan, 3]),
    pd.Index([None, "a", 3], dtype=object),
]


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: type(index).__name__)
def test_every_index_comes_back(index, tmp_path):
    X = pd.DataFrame({"a": SequenceArray.from_sequences([[1.0], [2.0], None])}, index=index)
    y = pd.Series([1.0, 2.0, 3.0], index=index, name="rating")
    if not (index.hasnans and index.dtype == object):
        assert_same(through_store(tmp_path, X, y)[1], y)
        assert_same(av.read_store(tmp_path / "store")[0], X)


METADATA = {
    "str": ["a", None, "c"],
    "object": pd.Series(["a", None, "c"], dtype=object),
    "NaN in objects": pd.Series(["a", np.nan, "c"], dtype=object),
    "bool": [True, False, True],
    "int8": np.array([1, 2, 3], "int8"),
    "float16": np.array([1, np.nan, 3], "float16"),
    "category": pd.Categorical(["a", None, "b"], categories=["b", "a", "c"], ordered=True),
    "boolean": pd.array([True, None, False], dtype="boolean"),
    "Float32": pd.array([1.5, None, 2.5], dtype="Float32"),
    "seconds": pd.Series(["2024-01-01", None, "2024-01-03"], dtype="datetime64[s]"),
    "nanoseconds": pd.Series(pd.to_datetime([1, 2, 3], unit="ns")),
    "duration": pd.to_timedelta([1, 2, 3], unit="s"),
    "period": pd.period_range("2024-01", periods=3, freq="M"),
    "interval": pd.interval_range(0, 3),
    "bytes": pd.Series([b"\0", b"", None], dtype=object),
    "all missing": pd.Series([None] * 3, dtype=object),
}


@pytest.mark.parametrize("name", METADATA)
def test_metadata_comes_back_with_its_type(name, tmp_path):
    X = pd.DataFrame({"a": SequenceArray.from_sequences([[1.0], [2.0], None]), name: METADATA[name]})
    assert_same(through_store(tmp_path, X)[0], X)


@pytest.mark.parametrize("values", [[1, "a", 2.0], [{1}, {2}, {3}], [1j, 2j, 3j], ["\udce9", "a", "b"]])
def test_what_parquet_cannot_hold_is_refused_by_column(values, tmp_path):
    X = pd.DataFrame(
        {"a": SequenceArray.from_sequences([[1.0], [2.0], None]), "odd": pd.Series(values, dtype=object)}
    )
    with pytest.raises(TypeError, match=r"Column 'odd' .* cannot give back as it is. Turn it into text"):
        av.write_store(tmp_path / "store", X)
    assert not list(tmp_path.iterdir())


LABELS = {
    "numbers": [1.0, np.nan, 3.0],
    "array": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, np.nan]]),
    "block": np.arange(12.0).reshape(3, 2, 2),
    "cells": [np.arange(3.0), None, np.arange(2.0)],
    "wide cells": [np.ones((3, 2)), np.zeros((1, 2)), np.ones((2, 2))],
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_come_back_in_the_form_in_which_predictions_would(name, tmp_path):
    X = {"a": [[1.0], [2.0], None]}
    expected = as_targets(LABELS[name])
    found = as_targets(through_store(tmp_path, X, LABELS[name])[1])
    np.testing.assert_array_equal(found.values, expected.values, strict=True)
    assert found.form == expected.form
    if expected.lengths is not None:
        assert found.lengths.tolist() == expected.lengths.tolist()


def test_labels_keep_their_own_index_names_and_types(tmp_path):
    X = pd.DataFrame({"a": SequenceArray.from_sequences([[1.0], [2.0]])}, index=["r1", "r2"])
    y = pd.DataFrame({0: np.array([1, 2], "int16"), "a": [0.5, 1.5]}, index=[7, 8])
    assert_same(through_store(tmp_path, X, y)[1], y)
    single = pd.Series(SequenceArray.from_sequences([[1.0], None]), index=X.index)
    av.write_store(tmp_path / "store", X, single, overwrite=True)
    assert_same(av.read_store(tmp_path / "store")[1].rename("y"), single.rename("y"))
    assert av.read_store(tmp_path / "store")[1].name is None


def test_rows_must_agree(tmp_path):
    X = pd.DataFrame({"a": SequenceArray.from_sequences([[1.0], [2.0]])}, index=["r1", "r2"])
    with pytest.raises(ValueError, match="X has 2 rows, y has 3"):
        av.write_store(tmp_path / "store", X, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="order"):
        av.write_store(tmp_path / "store", X, pd.Series([1.0, 2.0], index=["r2", "r1"]))
    assert not list(tmp_path.iterdir())


def test_a_store_of_a_store_and_of_a_part_of_one(tmp_path):
    X, y = recordings()
    X, y = through_store(tmp_path, X, y)
    av.write_store(tmp_path / "part", X.iloc[[3, 0]], y.iloc[[3, 0]])
    again, labels = av.read_store(tmp_path / "part")
    assert_same(again, X.iloc[[3, 0]].copy())
    assert_same(labels, y.iloc[[3, 0]].copy())
    assert len(again["audio"].array.frames) == 8  # only the frames of these rows
    av.write_store(tmp_path / "store", X, y, overwrite=True)  # over the very files that are mapped
    assert_same(av.read_store(tmp_path / "store")[0], X)
