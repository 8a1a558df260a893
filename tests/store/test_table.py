import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from avfusion.store._table import TableWriter, read_column, read_index


def test_columns_of_one_name_do_not_replace_each_other(tmp_path):
    table = TableWriter()
    added = [table.add(name, pd.Series([value])) for name, value in [("a", 1), ("a", 2), ("a 2", 3)]]
    table.write(tmp_path)
    read = pq.read_table(tmp_path / "table.parquet")
    assert [read_column(read, about)[0] for about in added] == [1, 2, 3]


def test_levels_that_are_called_like_columns(tmp_path):
    index = pd.MultiIndex.from_arrays([["x", "y"], [1, 2]], names=["subject", "subject"])
    table = TableWriter()
    table.add("subject", pd.Series(["s1", "s2"]))
    about = table.add_index(index)
    table.write(tmp_path)
    assert read_index(pq.read_table(tmp_path / "table.parquet"), about).identical(index)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_what_stands_for_missing_comes_back(missing, tmp_path):
    table = TableWriter()
    about = table.add("k", pd.Series(["a", missing], dtype=object))
    table.write(tmp_path)
    assert read_column(pq.read_table(tmp_path / "table.parquet"), about)[1] is missing


def test_names_of_columns_need_not_be_text(tmp_path):
    table = TableWriter()
    assert table.add(("a", 1), pd.Series([1]))["column"] == "('a', 1)"
    assert table.add(None, pd.Series([1]))["column"] == "None"
