import numpy as np
import pandas as pd

from avfusion.sequences import SequenceArray, as_sequences, cut
from avfusion.sequences._row_spans import row_spans


def test_first_begin_and_last_end_of_the_streams():
    audio = SequenceArray.from_sequences([np.zeros(4), None, np.zeros(2)])
    video = SequenceArray.from_sequences([np.zeros(4), None, None])
    audio, video = audio.with_clock(2, start_s=[1.0, 0.0, 5.0]), video.with_clock(1, start_s=[0.5, 0.0, 0.0])
    begins, ends, durations = row_spans(pd.DataFrame({"audio": audio, "video": video}))
    np.testing.assert_array_equal(begins, [0.5, np.nan, 5.0])
    np.testing.assert_array_equal(ends, [4.5, np.nan, 6.0])
    np.testing.assert_array_equal(durations, [4.0, np.nan, 1.0])


def test_times_of_steps():
    column = SequenceArray.from_packed(
        np.zeros((3, 1)), [2, 1], times_s=np.array([[1.0, 4.0], [3.0, 9.0], [0.0, 0.0]])
    )
    begins, ends, durations = row_spans(pd.DataFrame({"audio": column}))
    assert begins.tolist() == [1.0, 0.0]
    assert ends.tolist() == [9.0, 0.0]
    assert durations.tolist() == [8.0, 0.0]


def test_a_start_that_nobody_declared_is_unknown():
    begins, ends, durations = row_spans(as_sequences({"audio": [[1.0, 2.0]]}, rate_hz=1))
    assert np.isnan(begins).all()
    assert np.isnan(ends).all()
    assert durations.tolist() == [2.0]
    assert np.isnan(row_spans(np.zeros((2, 3)))).all()


def test_rows_of_cut_say_when_they_begin():
    X = as_sequences({"audio": [np.arange(10.0)]}, rate_hz=2)
    pieces = cut(X, pd.DataFrame({"recording": [0, 0], "start": [0.0, 3.0], "end": [2.0, 4.5]}))
    begins, ends, _ = row_spans(pieces)
    assert begins.tolist() == [0.0, 3.0]
    assert ends.tolist() == [2.0, 4.5]
