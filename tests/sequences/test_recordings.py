import pickle
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array, dok_array

from avfusion.sequences import SequenceArray, _buffers, as_sequences
from avfusion.sequences._recording_checks import first_infinite
from avfusion.sequences._recordings import is_table, read_recordings

CELLS = [np.zeros((3, 2)), np.ones((5, 2))]


def read(X, *labels, **options):
    return read_recordings(X, *labels, caller="Reader", **options)


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
    (column,) = read(X).columns.values()
    assert column.width == 2
    assert max(column.lengths) >= 2


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_a_table_becomes_one_modality_of_one_step(dtype):
    X = pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]}, index=[7, 8, 9], dtype=dtype)
    data = read(X)
    assert data.frame["features"].dtype == f"sequence[{'float32' if dtype == 'float32' else 'float64'}, 2]"
    assert data.index.tolist() == [7, 8, 9]
    np.testing.assert_array_equal(data.columns["features"].frames, X)
    assert (data.n_columns, data.column_names.tolist()) == (2, ["a", "b"])
    with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
        read(X[["a"]], spec=data.spec())


def test_nan_in_a_table_only_where_allowed():
    X = [[1.0, np.nan], [2.0, 3.0]]
    with pytest.raises(ValueError, match="Input X contains NaN"):
        read(X)
    assert np.isnan(read(X, allow_nan=True).columns["features"].frames).sum() == 1
    for allow_nan in (True, False):
        with pytest.raises(ValueError, match="infinity"):
            read([[1.0, np.inf]], allow_nan=allow_nan)


def test_metadata_is_kept_and_counted():
    X = as_sequences({"audio": CELLS}).assign(subject=["a", "b"])
    data = read(X)
    assert data.frame is X
    assert (data.n_columns, data.column_names.tolist()) == (2, ["audio", "subject"])
    without = read(X.drop(columns="subject"), spec=data.spec())
    assert without.frame.columns.tolist() == ["audio"]


def test_kind_of_fit_and_predict():
    X, table = as_sequences({"features": CELLS}), np.zeros((2, 2))
    message = r"fitted on the sequence columns 'features', but X has none\. Make them with avfusion.as"
    with pytest.raises(ValueError, match=message):
        read(table, spec=read(X).spec())
    message = r"fitted on a 2-D table of numbers, but X has sequence columns 'features'\. Fit it on such"
    with pytest.raises(ValueError, match=message):
        read(X, spec=read(table).spec())


def test_what_cannot_be_read():
    X = as_sequences({"audio": CELLS}).assign(age=[1, 2])
    with pytest.raises(ValueError, match="X has no rows; Reader needs at least one recording"):
        read(X.iloc[:0])
    with pytest.raises(ValueError, match="The columns of X have names in common: 'age'"):
        read(pd.concat([X, X[["age"]]], axis=1))
    with pytest.raises(
        ValueError, match=r"no sequence column, and columns that are not numbers: 'subject'\. Turn"
    ):
        read(pd.DataFrame({"subject": ["a", "b"], "age": [1, 2]}))
    with pytest.raises(ValueError, match=r"no column of X\. .* call set_output\(transform=\"pandas"):
        read(X.to_numpy(), groups="age")  # an array has no names
    with pytest.raises(TypeError, match="dense data is required"):
        read(csr_array(np.eye(2)))


def test_an_array_of_cells_has_columns_by_position():
    X = as_sequences({"audio": CELLS}).assign(age=[1, 2])
    data = read(X.to_numpy())
    assert data.frame.columns.tolist() == ["x0", "x1"]
    assert data.frame["x0"].array.equals(X["audio"].array)


def test_labels_and_groups_are_read_with_the_rows():
    X = as_sequences({"audio": CELLS}).assign(subject=["a", "b"])
    data = read(X, [0.5, np.nan], groups="subject")
    np.testing.assert_array_equal(data.targets.values, [[0.5], [np.nan]])
    assert data.groups.tolist() == ["a", "b"]
    assert data.spec().target_form is data.targets.form
    with pytest.raises(ValueError, match="X has 2 rows, y has 3"):
        read(X, [0.5, 0.1, 0.2])
    with pytest.raises(ValueError, match="requires y to be passed"):
        read(X, None)
    with pytest.raises(ValueError, match=r"validation_groups='speaker' is no column of X"):
        read(X, groups="speaker", groups_name="validation_groups")


def test_streams_of_fit():
    X = as_sequences({"audio": CELLS, "video": CELLS})
    read(X, spec=read(X[["audio"]]).spec())
    more = as_sequences({"audio": CELLS, "video": [np.zeros((1, 3))] * 2, "text": CELLS, "eeg": CELLS})
    with pytest.raises(
        ValueError, match=r"X lacks sequence columns that Reader was fitted on: 'text', 'eeg'\. An"
    ):
        read(X, spec=read(more).spec())
    with pytest.raises(
        ValueError, match=r"Column 'video' has 2 features per frame, but Reader was fitted on 3"
    ):
        read(X, spec=read(more[["audio", "video"]]).spec())


def test_what_travels_to_another_process_holds_the_frames_once():
    data = read({"audio": [np.zeros((50_000, 4), np.float32)]})
    data.columns  # noqa: B018 - fills the cache
    assert len(pickle.dumps(data)) < 1.2 * 50_000 * 4 * 4


@given(st.lists(st.integers(-1, 6), min_size=1, max_size=9), st.integers(1, 3), st.data())
def test_the_infinite_value_is_found_wherever_it_is(lengths, width, data):
    rng = np.random.default_rng(0)
    cells = [None if n < 0 else rng.normal(size=(n, width)) for n in lengths]
    column = SequenceArray.from_sequences(cells, width=width)
    order = data.draw(st.permutations(range(len(lengths))))
    filled = [row for row in range(len(lengths)) if lengths[row] > 0]
    index = [f"r{k}" for k in range(len(lengths))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_buffers, "BLOCK", data.draw(st.integers(1, 12)))
        assert first_infinite(column[order]) is None
        if not filled:
            return
        row = data.draw(st.sampled_from(filled))
        step = data.draw(st.integers(0, lengths[row] - 1))
        cells[row][step, data.draw(st.integers(0, width - 1))] = data.draw(st.sampled_from([np.inf, -np.inf]))
        X = pd.DataFrame({"audio": SequenceArray.from_sequences(cells, width=width)}, index=index).iloc[order]
        message = (
            f"Column 'audio', row {order.index(row)} (index 'r{row}'): step {step} holds an infinite value"
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            read(X).check_finite(["audio"])


def test_only_the_columns_asked_for_are_checked():
    data = read({"audio": CELLS, "video": [np.full((3, 1), np.inf), None]})
    data.check_finite(["audio"])
    with pytest.raises(ValueError, match=r"Column 'video', row 0 \(index 0\): step 0"):
        data.check_finite(["audio", "video"])


@pytest.mark.parametrize("video", [None, np.nan, SequenceArray.from_sequences([None, None])])
def test_a_modality_that_is_missing_everywhere_is_as_in_fit(video):
    X = as_sequences({"audio": CELLS, "video": CELLS}, rate_hz=5)
    found = read(X.assign(video=video), spec=read(X).spec()).frame
    assert found["video"].isna().all()
    assert found.dtypes["video"] == X.dtypes["video"]
    assert found["audio"].equals(X["audio"])


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA])
def test_a_table_in_which_all_that_was_fitted_is_absent(nothing):
    spec = read({"audio": CELLS, "video": CELLS}).spec()
    X = pd.DataFrame({"audio": [nothing], "video": [nothing], "age": [3]}, index=["a"])
    data = read(X, spec=spec)
    assert {name: array.width for name, array in data.columns.items()} == {"audio": 2, "video": 2}
    assert all(array.isna().all() for array in data.columns.values())
    assert data.frame.columns.tolist() == ["audio", "video", "age"]
    assert data.index.tolist() == ["a"]
