import numpy as np
import pytest
from sklearn.datasets import load_iris

from avfusion.model_selection.leakage._duplicates import same_rows, same_stretches
from avfusion.model_selection.leakage._parted import PartedRows
from avfusion.sequences._array import SequenceArray


def everybody(n_rows):
    return PartedRows([(np.arange(n_rows), np.arange(n_rows))], n_rows)


def test_rows_of_a_table():
    table = np.random.default_rng(0).normal(size=(80, 5))
    table[4, 2] = np.nan
    table[[11, 60]] = table[[4, 30]]
    table[[5, 6]] = 0.0  # a stream that failed
    assert same_rows(table, everybody(80)) == [(4, 11), (30, 60)]
    assert same_rows(table, everybody(80).without([[4, 11]])) == [(30, 60)]


def test_equal_rows_that_chance_makes_mean_nothing():
    flags = np.random.default_rng(0).integers(0, 2, size=(100, 6)).astype(float)
    assert same_rows(flags, everybody(100)) is None
    assert same_rows(load_iris().data, everybody(150)) is None  # two flowers of equal size
    assert same_rows(np.eye(10)[np.arange(50) % 10], everybody(50)) is None


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_stretches_anywhere_in_thousands_of_rows(dtype):
    rng = np.random.default_rng(0)
    rows = list(rng.normal(size=(2000, 160, 2)).astype(dtype))
    rows[1500][40:] = rows[7][:120]
    assert same_stretches(SequenceArray.from_sequences(rows, dtype=dtype), everybody(2000)) == [(7, 1500)]


def test_silence_ramps_and_short_rows_are_no_stretches():
    rows = [np.zeros(300), np.zeros(300), np.arange(300.0), np.arange(300.0), np.ones(20), None]
    assert same_stretches(SequenceArray.from_sequences(rows), everybody(6)) == []
