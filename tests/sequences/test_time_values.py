import numpy as np
import pandas as pd
import pytest

from avfusion.sequences._time_values import seconds, time_values


def test_units():
    np.testing.assert_array_equal(seconds(pd.Series([0, 40, 80]), "timestamp", rate_hz=25), [0, 0.04, 0.08])
    np.testing.assert_array_equal(seconds(pd.Series([0, 0.04]), "timestamp", rate_hz=25), [0, 0.04])
    np.testing.assert_array_equal(seconds(pd.Series([0, 500]), "time (ms)"), [0, 0.5])
    dates = pd.Series(pd.to_datetime(["2020-01-01 00:00:00.0", "2020-01-01 00:00:01.5"]))
    assert np.diff(seconds(dates, "when")) == 1.5


@pytest.mark.parametrize(
    ("values", "name", "unit"),
    [
        ([0, 1], "frameTime", None),
        ([0, 1], "time_s", 1.0),
        ([0, 1], "time (ms)", 1e-3),
        ([0, 1], "timestampMs", 1e-3),
        ([0, 1], "elapsed_minutes", 60.0),
        ([1.6e9, 1.6e9 + 1], "t", 1.0),
        ([1.6e12, 1.6e12 + 1], "t", 1e-3),
        ([1.6e18, 1.6e18 + 1], "t", 1e-9),
        (pd.to_timedelta([0, 1], unit="h"), "t", 1.0),
    ],
)
def test_units_that_are_certain(values, name, unit):
    assert time_values(pd.Series(values), name)[1] == unit


@pytest.mark.parametrize("values", [["a", "b"], ["soon", "1"]])
def test_what_is_no_time_is_refused(values):
    with pytest.raises(TypeError, match="Column 't' holds no times, but"):
        time_values(pd.Series(values), "t")


def test_floats_far_apart_are_seconds():
    np.testing.assert_array_equal(seconds(pd.Series([0.0, 10.0]), "t", units=True), [0, 10])
    with pytest.raises(ValueError, match="steps of 10: are these seconds or milliseconds"):
        seconds(pd.Series([0, 10]), "t", units=True)


def test_minutes_and_seconds_are_no_time_of_this_day():
    np.testing.assert_array_equal(seconds(pd.Series(["00:01", "01:02.5", None]), "t"), [1, 62.5, np.nan])
    np.testing.assert_array_equal(seconds(pd.Series(["00:00:01", "01:00:00"]), "t"), [1, 3600])
    with pytest.raises(TypeError, match="holds no times, but '00:00:01:24'"):
        seconds(pd.Series(["00:00:01:24", "00:00:02:00"]), "timecode")


@pytest.mark.parametrize(
    "text", ["2024-03-01 10:00:00", "01.03.2024 10:00", "1 Mar 2024 10:00", "20240301T100000"]
)
def test_dates_are_read(text):
    assert seconds(pd.Series([text]), "t")[0] > 1.7e9
