import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from avfusion import StoreWriter, import_folder, load_folder
from avfusion.sequences import as_sequences
from avfusion.sequences._narrowing import MANY, Watch, narrowed

RNG = np.random.default_rng(0)
FORMS = {
    "cells": lambda rows: {"audio": rows},
    "nested lists": lambda rows: {"audio": [row.tolist() for row in rows]},
    "an array": lambda rows: {"audio": np.array(rows)},
    "a plain array": np.array,
    "padded": lambda rows: {"audio": (np.pad(np.array(rows), ((0, 0), (0, 3), (0, 0))), [5] * len(rows))},
    "Arrow": lambda rows: pa.table({"audio": pa.array([row.tolist() for row in rows])}),
    "tables": lambda rows: {"audio": [pd.DataFrame(row, columns=["x", "y"]) for row in rows]},
    "mappings": lambda rows: [{"audio": row} for row in rows],
    "integers": lambda rows: {"audio": [np.round(row * 64).astype(np.int64) for row in rows]},
}


def warned(read):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        read()
    return [str(warning.message) for warning in said]


@pytest.mark.parametrize("offset", [1e8, 1e12])  # float32 has steps of 8 and of 65536 there
@pytest.mark.parametrize("form", FORMS)
def test_features_that_float32_cannot_tell_apart_are_named(form, offset):
    rows = [RNG.normal(size=(5, 2)) for _ in range(4)]
    assert warned(lambda: as_sequences(FORMS[form](rows))) == []
    far = FORMS[form]([row + np.array([0.0, offset]) for row in rows])
    (message,) = warned(lambda: as_sequences(far))
    assert "float32 cannot hold, or not tell apart, numbers of feature 1, from" in message
    assert "dtype='float64'" in message
    assert warned(lambda: as_sequences(far, dtype="float64")) == []


def test_a_long_table():
    table = pd.DataFrame({"film": list("aabb"), "unix": 1.7e9 + np.arange(4.0), "rms": RNG.normal(size=4)})
    (message,) = warned(lambda: as_sequences(table, {"audio": ["rms", "unix"]}, recording="film"))
    assert message.startswith("Column 'audio': float32")
    assert "feature 1, from 1700000000 to 1700000003" in message


@pytest.mark.parametrize(
    "values",
    [
        np.full(5, 1 / 3),
        1 / 3 + 1e-16 * np.arange(5),
        np.zeros(5),
        np.full(5, np.nan),
        [1.7e9, 0.0, 1.7e9, 0.0, np.nan],  # there or not
        1e4 + np.arange(5.0),
        1e30 * np.arange(5.0),
    ],
)
def test_what_float32_holds_well_enough_is_no_cause(values):
    assert warned(lambda: as_sequences({"audio": [values, None, []]})) == []


@pytest.mark.parametrize("scale", [1e-60, 1e60])
def test_numbers_beyond_float32_are_named_once(scale):
    assert len(warned(lambda: as_sequences({"audio": [scale * np.arange(1.0, 5.0)]}))) == 1


def test_ranges_are_those_of_all_blocks():
    watch, values = Watch(), 1e8 + RNG.normal(size=(3 * MANY + 7, 2, 3))
    for block in values:
        watch.see(block, np.dtype("float32"))
    assert watch.coarse().all()
    np.testing.assert_array_equal(watch.low, values.min(axis=(0, 1)))
    np.testing.assert_array_equal(watch.high, values.max(axis=(0, 1)))


def test_an_error_passes_through():
    far = [np.array([1e8, 1e8 + 1]), np.zeros((2, 2, 2))]
    with pytest.raises(ValueError, match="row 1"):
        as_sequences({"audio": far})
    assert warned(lambda: narrowed(far[0], np.float32)) == []  # nobody watches any more


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "audio").mkdir()
    (tmp_path / "labels").mkdir()
    for name in "ab":
        pd.DataFrame({"rms": RNG.normal(size=6), "unix": 1.7e9 + RNG.random(6)}).to_csv(
            tmp_path / "audio" / f"{name}.csv", index=False
        )
        pd.DataFrame({"mood": RNG.normal(size=6)}).to_csv(tmp_path / "labels" / f"{name}.csv", index=False)
    return tmp_path


@pytest.mark.parametrize("kind", ["memory", "store"])
def test_features_of_files_that_float32_cannot_tell_apart_are_named(folder, tmp_path_factory, kind):
    store = tmp_path_factory.mktemp("out") / "store"
    said = warned(lambda: load_folder(folder) if kind == "memory" else import_folder(folder, store))
    (message,) = [text for text in said if "float32 cannot hold" in text]
    assert message.startswith("Column 'audio': float32")
    assert "numbers of feature 1, from 17000000" in message


def test_features_that_are_dropped_are_not_named(tmp_path):
    with warnings.catch_warnings(), StoreWriter(tmp_path / "store") as writer:
        warnings.simplefilter("error")
        writer.append("audio", [[0.5, 1e8], [0.25, 1e8 + 1]])
        writer.drop_columns("audio", [1])
