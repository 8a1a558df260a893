from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import avfusion as av
from avfusion.cli._trial import check_can_be_written

HEADER = {"targets": {"names": ["mood"], "per_frame": True}, "modalities": {"audio": {"width": 2}}}


def recordings(index=("a", "b"), **metadata):
    X = av.as_sequences({"audio": [np.zeros((3, 2)), np.ones((4, 2))]})
    return X.assign(**metadata).set_axis(pd.Index(list(index), dtype=object))


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".csv"])
def test_what_can_be_written_passes(suffix, tmp_path):
    X = recordings(age=[1, 2], when=pd.Timestamp("2020-01-01"), note=["x", None], mood=[1.0, 2.0])
    check_can_be_written(X, HEADER, tmp_path / f"p{suffix}")
    assert not list(tmp_path.iterdir())


ODD = {
    "a set": [{1}, {2}],
    "mappings": [{"a": 1}, {"b": 1}],
    "several kinds": ["a", 1],
    "an object": [object(), object()],
    "complex": [1j, 2j],
}


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
@pytest.mark.parametrize("values", ODD.values(), ids=ODD)
def test_metadata_that_a_file_cannot_hold_are_named_before_the_work(values, suffix):
    X = recordings(fine=[1, 2], odd=pd.Series(values, dtype=object, index=["a", "b"]).to_numpy())
    with pytest.raises(ValueError, match="cannot hold the column 'odd' of the recordings"):
        check_can_be_written(X, HEADER, Path(f"p{suffix}"))


def test_names_that_are_not_utf_8_are_refused_for_tables_and_not_for_folders():
    X = recordings(["caf\udce9", "b"])
    for suffix in (".parquet", ".feather", ".csv"):
        with pytest.raises(ValueError, match=r"'caf\\udce9' is a name that is not valid UTF-8"):
            check_can_be_written(X, HEADER, Path(f"p{suffix}"))
    check_can_be_written(X, HEADER, Path("predictions"))


def test_a_folder_is_refused_before_the_work_where_files_cannot_have_the_names():
    with pytest.raises(ValueError, match="cannot be the names of files"):
        check_can_be_written(recordings(["a", "A"]), HEADER, Path("predictions"))
    per_clip = HEADER | {"targets": {"names": ["mood"], "per_frame": False}}
    with pytest.raises(ValueError, match="Predictions are per clip"):
        check_can_be_written(recordings(), per_clip, Path("predictions"))
