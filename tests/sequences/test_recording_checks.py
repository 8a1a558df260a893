import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from avfusion.sequences import SequenceArray, as_sequences
from avfusion.sequences._recording_checks import check_orientation, check_recordings, first_infinite


def test_the_first_infinite_value_is_found_in_a_memory_map(tmp_path):
    frames = np.memmap(tmp_path / "frames", dtype="float32", mode="w+", shape=(100, 3))
    column = SequenceArray(frames, [50, 0], [50, 50])
    assert first_infinite(column) is None
    frames[30, 1] = np.inf
    assert first_infinite(column) == (1, 30)


@pytest.mark.parametrize("turned", ["X", "y"])
def test_what_is_turned_is_named(turned):
    X, y = np.zeros((6, 2)), np.zeros((6, 3))
    check_orientation(X, y)
    with pytest.raises(ValueError, match=rf"If the columns of {turned} are the rows, give {turned}\.T"):
        check_orientation(*((X.T, y) if turned == "X" else (X, y.T)))


def test_recordings_are_lists_or_have_three_axes():
    check_recordings(
        {"audio": [np.zeros((5, 2))], "video": np.zeros((1, 5, 2)), "text": pd.Series([np.zeros(3)])}
    )
    with pytest.raises(ValueError, match="5 recordings of one step, or one recording of 5 steps"):
        check_recordings({"audio": np.zeros((5, 2))})


def test_sparse_tables_have_a_shape():
    check_orientation(csr_array(np.eye(3)), [1.0, 2.0, 3.0])


def test_sequences_are_not_turned():
    check_orientation(as_sequences({"a": [[1.0], [2.0]], "b": [[1.0], [2.0]]}), [0.0, 1.0])
