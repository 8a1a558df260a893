import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array, dok_array
from sklearn.base import BaseEstimator

from avfusion.sequences import SequenceArray, as_sequences, sequence_columns
from avfusion.sequences import _reading as reading
from avfusion.sequences._reading import check_finite, check_widths, is_table, listed, read_columns

CELLS = [np.zeros((3, 2)), np.ones((5, 2))]


class Reader(BaseEstimator):
    """Remembers what regressors and transformers remember."""

    def read(self, X, reset=True, **kwargs):
        columns = read_columns(self, X, reset=reset, **kwargs)
        if reset:
            self.modalities_ = dict.fromkeys(sequence_columns(columns))
        return columns


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((3, 2)),
        np.zeros((3, 2), dtype=object),
        np.zeros(3),
        [[1.0, 2.0], [3.0, 4.0]],
        [(1, 2), [3, 4]],
        [np.zeros(2), np.ones(2)],
        [1.0, 2.0],
        [],
        pd.DataFrame({"a": [1, 2], "b": [0.5, None]}),
        pd.DataFrame({"a": ["x", "y"]}),
        pd.Series([1.0, 2.0]),
        csr_array(np.eye(2)),
        dok_array(np.eye(2)),
    ],
)
def test_tables(X):
    assert is_table(X)


@pytest.mark.parametrize(
    "X",
    [
        CELLS,
        tuple(CELLS),
        [None, *CELLS],
        [[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]],
        {"audio": CELLS},
        [{"audio": CELLS[0]}, {"audio": None}],
        [None, {"audio": CELLS[0]}],
        np.zeros((3, 4, 2)),
        (np.zeros((3, 4, 2)), [4, 2, 1]),
        pd.Series(CELLS),
        pd.Series(CELLS).to_numpy(),
        list(SequenceArray.from_sequences(CELLS)),
        np.asarray(SequenceArray.from_sequences(CELLS)),
        pd.DataFrame({"audio": SequenceArray.from_sequences(CELLS)}).astype(object),
        SequenceArray.from_sequences(CELLS),
        pd.Series(SequenceArray.from_sequences(CELLS)),
        pd.DataFrame({"audio": SequenceArray.from_sequences(CELLS), "age": [1, 2]}),
        pd.DataFrame({"audio": pd.Series([None, CELLS[0]], dtype=object)}),
    ],
)
def test_sequences(X):
    assert not is_table(X)
    columns = Reader().read(X)
    (name,) = sequence_columns(columns)
    assert columns[name].array.width == 2
    assert max(columns[name].array.lengths) >= 2


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_a_table_becomes_one_modality_of_one_step(dtype):
    X = pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]}, index=[7, 8, 9], dtype=dtype)
    reader = Reader()
    columns = reader.read(X)
    assert columns["features"].dtype == f"sequence[{'float32' if dtype == 'float32' else 'float64'}, 2]"
    assert columns.index.tolist() == [7, 8, 9]
    np.testing.assert_array_equal(columns["features"].array.frames, X)
    assert reader.n_features_in_ == 2
    assert reader.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
        reader.read(X[["a"]], reset=False)


def test_nan_in_a_table_only_where_allowed():
    X = [[1.0, np.nan], [2.0, 3.0]]
    with pytest.raises(ValueError, match="Input X contains NaN"):
        Reader().read(X)
    assert np.isnan(Reader().read(X, allow_nan=True)["features"].array.frames).sum() == 1
    for allow_nan in (True, False):
        with pytest.raises(ValueError, match="infinity"):
            Reader().read([[1.0, np.inf]], allow_nan=allow_nan)


def test_metadata_is_kept_and_counted():
    X = as_sequences({"audio": CELLS}).assign(subject=["a", "b"])
    reader = Reader()
    assert reader.read(X) is X
    assert (reader.n_features_in_, reader.feature_names_in_.tolist()) == (2, ["audio", "subject"])
    assert reader.read(X.drop(columns="subject"), reset=False).columns.tolist() == ["audio"]


def test_kind_of_fit_and_predict():
    X, table = as_sequences({"features": CELLS}), np.zeros((2, 2))
    reader = Reader()
    reader.read(X)
    message = (
        "Reader was fitted on the sequence columns 'features', but X has none; make them with avfusion.as"
    )
    with pytest.raises(ValueError, match=message):
        reader.read(table, reset=False)
    reader.read(table)
    message = (
        "Reader was fitted on a 2-D table of numbers, but X has sequence columns 'features'; fit it on such"
    )
    with pytest.raises(ValueError, match=message):
        reader.read(X, reset=False)


def test_what_cannot_be_read():
    X = as_sequences({"audio": CELLS}).assign(age=[1, 2])
    with pytest.raises(ValueError, match="X has no rows; Reader needs at least one recording"):
        Reader().read(X.iloc[:0])
    with pytest.raises(ValueError, match="the columns of X have names in common: 'age'"):
        Reader().read(pd.concat([X, X[["age"]]], axis=1))
    with pytest.raises(
        ValueError, match="no sequence column, and columns that are not numbers: 'subject'; turn"
    ):
        Reader().read(pd.DataFrame({"subject": ["a", "b"], "age": [1, 2]}))
    with pytest.raises(ValueError, match=r"columns have lost .* call its set_output\(transform=\"pandas"):
        Reader().read(X.to_numpy())
    with pytest.raises(TypeError, match="dense data is required"):
        Reader().read(csr_array(np.eye(2)))


def test_widths():
    X = as_sequences({"audio": CELLS, "video": CELLS})
    check_widths(Reader(), X, {"audio": 2})
    with pytest.raises(
        ValueError, match="X lacks sequence columns that Reader was fitted on: 'text', 'eeg'; an"
    ):
        check_widths(Reader(), X, {"audio": 2, "text": 1, "eeg": 3})
    with pytest.raises(
        ValueError, match="column 'video' has 2 features per frame, but Reader was fitted on 3;"
    ):
        check_widths(Reader(), X, {"audio": 2, "video": 3})


@given(st.lists(st.integers(-1, 6), min_size=1, max_size=9), st.integers(1, 3), st.data())
def test_the_infinite_value_is_found_wherever_it_is(lengths, width, data):
    rng = np.random.default_rng(0)
    cells = [None if n < 0 else rng.normal(size=(n, width)) for n in lengths]
    column = SequenceArray.from_sequences(cells, width=width)
    order = data.draw(st.permutations(range(len(lengths))))
    filled = [row for row in range(len(lengths)) if lengths[row] > 0]
    index = [f"r{k}" for k in range(len(lengths))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK", data.draw(st.integers(1, 12)))
        check_finite(pd.DataFrame({"audio": column[order]}), ["audio"])
        if not filled:
            return
        row = data.draw(st.sampled_from(filled))
        step = data.draw(st.integers(0, lengths[row] - 1))
        cells[row][step, data.draw(st.integers(0, width - 1))] = data.draw(st.sampled_from([np.inf, -np.inf]))
        X = pd.DataFrame({"audio": SequenceArray.from_sequences(cells, width=width)}, index=index).iloc[order]
        message = (
            f"row {order.index(row)} (index 'r{row}'), column 'audio': step {step} holds an infinite value"
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            check_finite(X, ["audio"])


def test_only_the_columns_asked_for_are_checked():
    X = as_sequences({"audio": CELLS, "video": [np.full((3, 1), np.inf), None]})
    check_finite(X, ["audio"])
    with pytest.raises(ValueError, match=r"row 0 \(index 0\), column 'video': step 0"):
        check_finite(X, ["audio", "video"])


def test_listed():
    assert listed(["a", 1]) == "'a', 1"


@pytest.mark.parametrize("video", [None, np.nan, SequenceArray.from_sequences([None, None])])
def test_a_modality_that_is_missing_everywhere_is_as_wide_as_in_fit(video):
    X = as_sequences({"audio": CELLS, "video": CELLS}, rate_hz=5)
    reader = Reader()
    reader.read(X)
    reader.modalities_ = {"audio": 2, "video": 2}
    found = reader.read(X.assign(video=video), reset=False)
    check_widths(reader, found, reader.modalities_)
    assert found["video"].isna().all()
    assert found["audio"].equals(X["audio"])
    reader.modalities_ = {"audio": (2, 5.0), "video": (2, 5.0)}
    assert reader.read(X.assign(video=video), reset=False).dtypes["video"] == X.dtypes["video"]
