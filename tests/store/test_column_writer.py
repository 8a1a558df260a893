import numpy as np
import pytest

from avfusion.sequences import SequenceArray
from avfusion.store import _column_writer
from avfusion.store._column_writer import ColumnWriter
from avfusion.store._table import TableWriter


@pytest.mark.parametrize("block", [1, 7, 1 << 22])
def test_blocks_of_any_size_give_the_same_file(block, tmp_path, monkeypatch):
    monkeypatch.setattr(_column_writer, "BLOCK", block)
    frames = np.random.default_rng(0).normal(size=(20, 3))
    column = ColumnWriter(tmp_path, 4, "audio", "float32")
    column.put(SequenceArray(frames, [12, 0, 3, 0], [8, 5, 4, -1]))
    about = column.finish(TableWriter())
    assert about["frames"]["file"] == "frames_004.npy"
    expected = np.concatenate([frames[:7], frames[12:]])
    np.testing.assert_array_equal(np.load(tmp_path / "frames_004.npy"), expected, strict=True)


def test_rates_are_one_where_all_rows_have_it_and_a_column_where_not(tmp_path):
    for number, (rates, common) in enumerate([((25, 25), 25.0), ((25, 30), None)]):
        column, table = ColumnWriter(tmp_path, number, "audio", "float32"), TableWriter()
        column.append([1.0], rates[0])
        column.append(None)
        column.append([1.0], rates[1])
        about = column.finish(table)
        assert about["rate_hz"] == common
        assert (about["rates"] is None) == (common is not None)


def test_only_rows_that_are_there_can_be_repeated(tmp_path):
    column = ColumnWriter(tmp_path, 0, "audio", "float32")
    with pytest.raises(ValueError, match="'audio' has 0 rows so far, and none of number 0"):
        column.repeat(0)
    column.append(None)
    assert column.repeat(0) == 1
    with pytest.raises(ValueError, match="none of number -1"):
        column.repeat(-1)
