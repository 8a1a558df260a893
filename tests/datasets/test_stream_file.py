"""The steps of a recording in one file: bookkeeping set aside, the clock kept, messages with the path."""

import numpy as np
import pandas as pd
import pytest

from avfusion.datasets._stream_file import asked_of, failed_steps, stream_of
from avfusion.formats._registry import DamagedFileError, read_parts


def read_stream_file(path, **options):
    (part,) = read_parts(path)
    return stream_of(part, path, **options)


def test_the_file_keeps_its_clock(tmp_path):
    table = pd.DataFrame({"timestamp": np.arange(30) / 30, "confidence": 0.9, "AU04_r": np.arange(30) % 7})
    table.to_csv(tmp_path / "a.csv", index=False)
    file = read_stream_file(tmp_path / "a.csv")
    assert file.names == ["AU04_r"]
    np.testing.assert_array_equal(file.aside["timestamp"], table["timestamp"])
    assert (file.ticks.rate_hz, file.ticks.start_s) == (30, None)


def test_a_rate_that_is_given_overrides_the_clock_only_where_they_agree(tmp_path):
    pd.DataFrame({"timestamp": np.arange(30) / 30, "x": 1.0}).to_csv(tmp_path / "a.csv", index=False)
    assert read_stream_file(tmp_path / "a.csv", rate_hz=30).ticks.rate_hz == 30
    with pytest.raises(DamagedFileError, match="rate_hz is 10, but the times in 'timestamp' go on by"):
        read_stream_file(tmp_path / "a.csv", rate_hz=10)


def test_text_is_named_with_its_file(tmp_path):
    (tmp_path / "a.csv").write_text("smile,gaze\n1,happy\n")
    with pytest.raises(DamagedFileError, match=r"a\.csv cannot be read: Column 'gaze' holds text") as caught:
        read_stream_file(tmp_path / "a.csv")
    assert caught.value.path == tmp_path / "a.csv"


def test_valid_is_a_name_or_thresholds():
    assert asked_of({"confidence": "0.8"}) == {"confidence": 0.8}
    aside = pd.DataFrame({"confidence": [0.9, 0.1, np.nan], "success": [1, 1, 1]})
    assert failed_steps(aside, {"confidence": 0.8})["confidence"].tolist() == [False, True, True]
