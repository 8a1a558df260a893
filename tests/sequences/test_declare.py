import numpy as np
import pytest

from avfusion.sequences import Sequence, as_sequences
from avfusion.sequences._declare import timed_as_in_fit

CELLS = {"audio": [np.zeros(4), np.zeros(6), None], "video": [np.zeros(2), None, np.zeros(3)]}


def test_rates_and_starts_of_each_row():
    X = as_sequences(CELLS, rate_hz={"audio": [4, 2, 1]}, start_s={"audio": [0.0, 15.5, np.nan], "video": 3})
    assert str(X["audio"].dtype) == "sequence[float32, 1, rates]"
    assert [(cell.rate_hz, cell.start_s) for cell in X["audio"].dropna()] == [(4, 0.0), (2, 15.5)]
    assert X["video"].iloc[0].start_s == 3.0
    assert X["video"].dtype.rate_hz is None


def test_columns_of_metadata_say_them():
    X = as_sequences(CELLS).assign(fps=[25, 30, 25], begin=[0, 1.5, 2])
    Y = as_sequences(X, rate_hz="fps", start_s={"video": "begin"})
    assert Y["audio"].array.rates_hz.tolist() == [25, 30, 25]
    assert str(Y["video"].dtype) == "sequence[float32, 1, 25Hz]"  # the row at 30 Hz has no video
    assert Y["video"].array.starts_s.tolist() == [0, 1.5, 2]


def test_what_is_there_stays():
    X = as_sequences(CELLS, rate_hz=5, start_s=1.0)
    again = as_sequences(X, rate_hz=5)
    assert again["audio"].iloc[0].start_s == 1.0
    assert as_sequences(X, start_s=2.0)["audio"].iloc[0].rate_hz == 5


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"rate_hz": "fps"}, ValueError, "rate_hz='fps' is no column of metadata"),
        ({"start_s": {"text": 1}}, ValueError, "start_s has 'text', but the modalities are"),
        ({"start_s": [1.0, 2.0]}, ValueError, r"In column 'audio': start_s has the shape \(2,\)"),
        ({"rate_hz": [1.0, np.nan, 1.0]}, ValueError, "In column 'audio': rate_hz is missing for row 1"),
    ],
)
def test_what_cannot_be_declared(options, error, message):
    with pytest.raises(error, match=message):
        as_sequences(CELLS, **options)


def test_times_are_not_overruled():
    X = as_sequences({"words": [Sequence([1.0], times_s=[2.0])]})
    with pytest.raises(ValueError, match="Its steps have times already"):
        as_sequences(X, rate_hz=5)


def test_metadata_must_hold_numbers():
    with pytest.raises(TypeError, match="rate_hz='name' names a column of"):
        as_sequences(as_sequences(CELLS).assign(name=list("abc")), rate_hz="name")


def test_columns_without_a_clock_have_the_rate_of_fit():
    known = as_sequences(CELLS, rate_hz=5)
    assert timed_as_in_fit(as_sequences(CELLS), {"audio": 5.0})["audio"].equals(known["audio"])
    assert timed_as_in_fit(known, {"audio": 25.0}) is known  # a rate that is declared stays, to be refused
    assert timed_as_in_fit(as_sequences(CELLS), {"audio": None, "video": 3.0})["audio"].dtype.rate_hz is None
