import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import KFold, cross_val_predict

from avfusion.sequences._array import SequenceArray
from avfusion.sequences._sequence import Sequence
from avfusion.sequences._targets import as_targets

LENGTHS = (3, 0, 5, 1)
INDEX = pd.Index(["a", "b", "c", "d"], name="clip")


def arrays(width=None, dtype="float64", lengths=LENGTHS):
    rng = np.random.default_rng(0)
    return [rng.normal(size=n if width is None else (n, width)).astype(dtype) for n in lengths]


def objects(cells):
    out = np.empty(len(cells), dtype=object)
    for i, cell in enumerate(cells):
        out[i] = cell
    return out


def column(width=1, dtype="float32", rate_hz=2.0, cells=None):
    cells = arrays(width, dtype) if cells is None else cells
    return SequenceArray.from_sequences(cells, dtype=dtype, width=width, rate_hz=rate_hz)


def frame():
    return pd.DataFrame({"arousal": column(1), "both": column(2, "float64", None)}, index=INDEX)


FORMS = {
    "DataFrame": frame,
    "DataFrame of object columns": lambda: pd.DataFrame({"a": objects(arrays()), "b": objects(arrays(2))}),
    "Series": lambda: pd.Series(column(1), index=INDEX, name="arousal"),
    "Series of width 3": lambda: pd.Series(column(3), index=INDEX),
    "Series of arrays": lambda: pd.Series(objects(arrays()), index=INDEX, name="arousal"),
    "list of (T,)": arrays,
    "tuple of (T, 1)": lambda: tuple(arrays(1)),
    "list of (T, 2)": lambda: arrays(2, "float32"),
    "object array of (T, 2)": lambda: objects(arrays(2)),
    "list of Sequence": lambda: [Sequence(a) for a in arrays(2)],
    "object array (n, 2) of Sequence": lambda: np.asarray(frame(), dtype=object),
    "(n, T, K)": lambda: np.random.default_rng(1).normal(size=(4, 6, 2)),
    "(n,)": lambda: np.arange(4.0),
    "(n, 1)": lambda: np.arange(4.0)[:, None],
    "(n, K) of float32": lambda: np.arange(8, dtype="float32").reshape(4, 2),
    "list of numbers": lambda: [1.0, 2, 3.5, 0],
    "list of lists of numbers": lambda: [[1.0, 2.0], [3.0, 4.0]],
    "list with None": lambda: [1.0, None, 2.0],
    "Series of numbers": lambda: pd.Series([1.0, 2.0, np.nan, 4.0], index=INDEX, name="rating"),
    "DataFrame of numbers": lambda: pd.DataFrame({"a": [1.0, 2.0], "b": np.array([3, 4], "float32")}),
    "nullable numbers": lambda: pd.Series([1.0, None], dtype="Float64", name="r"),
}


def plain(y):
    """Any form as nested lists of numbers, written without the code under test."""
    if isinstance(y, pd.DataFrame):
        return [plain(y[name]) for name in y]
    if isinstance(y, (pd.Series, list, tuple)) or (isinstance(y, np.ndarray) and y.dtype.hasobject):
        return [plain(cell) for cell in y]
    if y is None or y is pd.NA:
        return None
    return np.asarray(y, dtype=float).tolist()


@pytest.mark.parametrize("name", FORMS)
def test_values_go_back_into_the_form_they_came_in(name):
    y = FORMS[name]()
    targets = as_targets(y)
    index = y.index if isinstance(y, (pd.Series, pd.DataFrame)) else None
    wrapped = pickle.loads(pickle.dumps(targets.form)).wrap(targets.values, targets.lengths, index)
    if isinstance(y, pd.DataFrame):
        assert isinstance(wrapped, pd.DataFrame)
        pd.testing.assert_index_equal(wrapped.index, y.index)
        assert list(wrapped.columns) == list(y.columns)
    elif isinstance(y, pd.Series):
        assert wrapped.name == y.name
        pd.testing.assert_index_equal(wrapped.index, y.index)
    else:
        assert isinstance(wrapped, np.ndarray)
        assert wrapped.shape == (y.shape if isinstance(y, np.ndarray) else np.asarray(y, object).shape) or (
            wrapped.dtype == object and wrapped.shape == (len(y),)
        )
    again = as_targets(wrapped)
    assert again.form.per_frame == targets.form.per_frame
    np.testing.assert_array_equal(again.values, targets.values)
    if isinstance(y, (pd.Series, pd.DataFrame)) and name != "nullable numbers":
        pandas_equal = (
            pd.testing.assert_frame_equal if isinstance(y, pd.DataFrame) else pd.testing.assert_series_equal
        )
        pandas_equal(wrapped, y)
    elif name not in ("list with None", "nullable numbers"):
        assert plain(wrapped) == plain(y)


def test_sequence_columns_keep_dtype_width_and_rate():
    y = frame()
    targets = as_targets(y)
    assert targets.form.n_targets == 3
    assert targets.form.target_names == ["arousal", "both 0", "both 1"]
    wrapped = targets.form.wrap(np.zeros((6, 3)), lengths=[2, 2, 1, 1], index=INDEX)
    assert list(wrapped.dtypes) == list(y.dtypes)
    assert [len(cell) for cell in wrapped["both"]] == [2, 2, 1, 1]


def test_values_are_packed_in_row_order_even_after_selection():
    y = frame().iloc[[2, 0]]
    targets = as_targets(y)
    np.testing.assert_array_equal(targets.lengths, [5, 3])
    np.testing.assert_array_equal(targets.row_of_value, [0] * 5 + [1] * 3)
    expected = np.concatenate([np.asarray(y["both"].iloc[0]), np.asarray(y["both"].iloc[1])])
    np.testing.assert_array_equal(targets.values[:, 1:], expected)


def test_cells_have_one_axis_only_if_all_came_with_one():
    assert as_targets(arrays()).form.wrap(np.zeros(9), LENGTHS)[2].shape == (5,)
    assert as_targets(arrays(1)).form.wrap(np.zeros(9), LENGTHS)[2].shape == (5, 1)


def test_equal_lengths_do_not_turn_cells_into_a_cube():
    targets = as_targets([np.zeros(4), np.ones(4)])
    assert targets.form.per_frame
    assert targets.n_rows == 2
    wrapped = targets.form.wrap(targets.values, targets.lengths)
    assert wrapped.shape == (2,)
    assert wrapped[1].tolist() == [1.0] * 4


@pytest.mark.parametrize("missing", [None, pd.NA, np.nan])
def test_missing_rows_have_length_minus_one_and_no_values(missing):
    targets = as_targets([np.ones(2), missing, np.zeros(1)])
    np.testing.assert_array_equal(targets.lengths, [2, -1, 1])
    np.testing.assert_array_equal(targets.row_of_value, [0, 0, 2])
    wrapped = targets.form.wrap(targets.values, targets.lengths)
    assert wrapped[1] is None
    assert len(targets.form.wrap(np.zeros(6), [2, 3, 1])[1]) == 3  # predictions know the length


def test_missing_rows_of_sequence_columns():
    y = pd.Series(column(cells=[np.ones(2), None, np.zeros(1)]), name="v")
    targets = as_targets(y)
    np.testing.assert_array_equal(targets.lengths, [2, -1, 1])
    assert targets.form.wrap(targets.values, targets.lengths).isna().tolist() == [False, True, False]


def test_a_row_missing_in_one_column_is_nan_there():
    y = pd.DataFrame({"a": column(cells=[[1.0, 2.0], None]), "b": column(cells=[[3.0, 4.0], [5.0]])})
    targets = as_targets(y)
    np.testing.assert_array_equal(targets.lengths, [2, 1])
    np.testing.assert_array_equal(targets.values, [[1, 3], [2, 4], [np.nan, 5]])


def test_a_column_without_any_label_follows_the_others():
    y = objects([pd.NA, pd.NA])
    targets = as_targets(np.stack([objects([np.ones(2), np.ones(3)]), y], axis=1))
    np.testing.assert_array_equal(targets.lengths, [2, 3])
    assert np.isnan(targets.values[:, 1]).all()


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=6),
    st.integers(1, 3),
    st.lists(st.booleans(), min_size=6, max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_list_round_trip(lengths, width, missing):
    rng = np.random.default_rng(0)
    cells = [None if gone else rng.normal(size=(n, width)) for n, gone in zip(lengths, missing)]
    if all(cell is None for cell in cells):
        cells[0] = np.ones((2, width))
    targets = as_targets(cells)
    expected = np.concatenate([cell for cell in cells if cell is not None])
    np.testing.assert_array_equal(targets.values, expected)
    for before, after in zip(cells, targets.form.wrap(targets.values, targets.lengths)):
        assert (before is None) == (after is None)
        if before is not None:
            np.testing.assert_array_equal(before, after)


class EchoRegressor(RegressorMixin, BaseEstimator):
    """Predicts the labels themselves, which it finds in X, in the form of y."""

    def fit(self, X, y):
        self.form_ = as_targets(y).form
        return self

    def predict(self, X):
        cells = [np.asarray(cell) for cell in X["labels"]]
        return self.form_.wrap(np.concatenate(cells), [len(c) for c in cells], X.index)


@pytest.mark.parametrize(
    "make",
    [
        lambda cells: pd.DataFrame({"a": column(cells=[c[:, :1] for c in cells]),
                                    "b": column(cells=[c[:, 1:] for c in cells])}),
        lambda cells: pd.Series(column(2, cells=cells)),
        lambda cells: cells,
        objects,
    ],
    ids=["DataFrame", "Series", "list", "object array"],
)  # fmt: skip
def test_what_cross_val_predict_makes_of_predictions_reads_back(make):
    cells = arrays(2, "float32", lengths=(3, 2, 4, 1, 2))
    X = pd.DataFrame({"labels": column(2, cells=cells)})
    predicted = cross_val_predict(EchoRegressor(), X, make(cells), cv=KFold(2, shuffle=True, random_state=0))
    targets = as_targets(predicted)
    np.testing.assert_array_equal(targets.values, np.concatenate(cells))
    np.testing.assert_array_equal(targets.lengths, [3, 2, 4, 1, 2])


def test_cube_cannot_hold_rows_of_different_lengths():
    form = as_targets(np.zeros((2, 3, 1))).form
    with pytest.raises(ValueError, match=r"rows have different lengths \(2 to 4 frames"):
        form.wrap(np.zeros((6, 1)), [2, 4])


def test_wrap_refuses_values_of_another_shape():
    with pytest.raises(ValueError, match=r"shape \(4, 2\).*\(5, 1\)"):
        as_targets([np.zeros(2), np.zeros(3)]).form.wrap(np.zeros((4, 2)), [2, 3])


def labelled(cell):
    return pd.Series(objects([np.zeros(2), cell]), index=["first", "second"], name="v")


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (None, ValueError, "requires y to be passed, but the target y is None"),
        ([], ValueError, "0 sample"),
        (np.empty((3, 0)), ValueError, "0 sample"),
        (np.empty((0, 4, 1)), ValueError, "0 sample"),
        ([np.empty((3, 0))], ValueError, "0 sample"),
        (pd.DataFrame(index=[1, 2]), ValueError, "0 sample"),
        (pd.Series([], dtype=float), ValueError, "0 sample"),
        (frame().iloc[:0], ValueError, "0 sample"),
        ([1.0, np.inf], ValueError, r"Input y contains infinity.*row 1, target"),
        (labelled(np.array([0.0, -np.inf])), ValueError, r"infinity.*row 1 \(index 'second'\), v"),
        (np.array([1 + 1j]), ValueError, "Complex data not supported"),
        (labelled(np.array([1j])), ValueError, r"Complex data not supported: y, row 1 \(index 'second'\)"),
        (pd.DataFrame({"a": [1j]}), ValueError, "Complex data not supported: y.'a'"),
        (["1", "2"], TypeError, "y has dtype <U1; targets must be numbers"),
        (pd.DataFrame({"mood": ["1", "2"]}), TypeError, "y.'mood'. has dtype str"),
        (labelled(np.array(["x"])), TypeError, r"y, row 1 \(index 'second'\), has dtype <U1"),
        (pd.Series(pd.to_datetime(["2020-01-01"])), TypeError, "dtype datetime64"),
        (sparse.csr_array(np.eye(3)), TypeError, r"y is sparse.*toarray"),
        ("valence", TypeError, "y is a str"),
        ({"a": [1.0]}, TypeError, "y is a dict"),
        (3.0, TypeError, "y is a float"),
        (labelled(0.5), ValueError, r"mixes labels per frame \(row 0 .*\) and per clip \(row 1 .*second"),
        (pd.DataFrame({"v": column(), "n": 1.0}), ValueError, r"frame \(y.'v'.\) .* \(y.'n'."),
        ([np.zeros((2, 1)), np.zeros((3, 2))], ValueError, "row 1 has 2 targets, but row 0 has 1"),
        (labelled(np.zeros((1, 2, 3))), ValueError, r"row 1 .* has shape \(1, 2, 3\)"),
        ([[1.0, 2.0], [3.0]], ValueError, r"ragged.*numpy.asarray"),
        (np.zeros((1, 2, 3, 4)), ValueError, "4 dimensions"),
        (
            pd.DataFrame({"a": column(cells=[[1], [1, 2]]), "b": column(cells=[[1], [1, 2, 3]])}, [7, 9]),
            ValueError,
            r"row 1 \(index 9\) have 2 frames in y.'a'. but 3 in y.'b'..*pad",
        ),
    ],
)  # fmt: skip
def test_bad_targets_are_refused_with_the_place_and_the_remedy(y, error, message):
    with pytest.raises(error, match=message):
        as_targets(y)


def test_messages_use_the_name_of_the_argument():
    with pytest.raises(ValueError, match="Input y_pred contains infinity"):
        as_targets([np.inf], name="y_pred")


TAKEN = {
    "frames with missing rows": [np.arange(3.0), None, np.arange(4.0), np.zeros(0), np.ones(2)],
    "several targets": [np.full((n, 2), float(n)) for n in (3, 1, 2, 4, 2)],
    "clips": [1.0, np.nan, 3.0, 4.0, 5.0],
    "several per clip": np.arange(10.0).reshape(5, 2),
    "one array of frames": np.arange(30.0).reshape(5, 3, 2),
}  # fmt: skip


@pytest.mark.parametrize("form", TAKEN)
@pytest.mark.parametrize("rows", [[4, 0], [1, 2, 3], [2, 2, 0], [0, 1, 2, 3, 4], np.array([3])])
def test_taking_rows_is_reading_these_rows(form, rows):
    y = TAKEN[form]
    some = y[np.asarray(rows)] if isinstance(y, np.ndarray) else [y[row] for row in rows]
    taken = as_targets(y).take(rows)
    if all(cell is None for cell in some):
        return
    read = as_targets(some)
    np.testing.assert_array_equal(taken.values, read.values)
    np.testing.assert_array_equal(taken.row_of_value, read.row_of_value)
    assert (taken.lengths is None) == (read.lengths is None)
    if taken.lengths is not None:
        np.testing.assert_array_equal(taken.lengths, read.lengths)


def test_taken_rows_keep_their_index():
    y = pd.Series([1.0, 2.0, 3.0], index=list("abc"))
    assert as_targets(y).take([2, 0]).index.tolist() == ["c", "a"]


def test_targets_are_not_read_again():
    targets = as_targets([1.0, 2.0])
    assert as_targets(targets) is targets


def test_masked_labels_are_missing():
    y = np.ma.array([[1, 2], [3, 4]], mask=[[False, True], [False, False]])
    np.testing.assert_array_equal(as_targets(y).values, [[1, np.nan], [3, 4]])


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]}, index=["r", "s"]), ["a", "b"]),
        (np.array([[1.0, 3.0], [2.0, 4.0]]), ["target", "target"]),
        (np.arange(12.0).reshape(2, 3, 2), ["target", "target"]),
        ([np.ones((2, 2)), np.zeros((3, 2))], ["target", "target"]),
        (pd.Series([np.ones((2, 2)), np.zeros((3, 2))], name="pose"), ["pose 0", "pose 1"]),
        (pd.DataFrame({"x": [np.ones(2), None], "p": [np.ones((2, 2)), None]}), ["x", "p 0", "p 1"]),
    ],
)
def test_one_target_has_its_values_and_a_form_of_its_own(y, names):
    targets = as_targets(y)
    for k, name in enumerate(names):
        one = targets.of_target(k)
        assert one.form.target_names == [name]
        np.testing.assert_array_equal(one.values[:, 0], targets.values[:, k])
        wrapped = one.form.wrap(one.values, one.lengths, one.index)
        again = as_targets(wrapped)
        np.testing.assert_array_equal(again.values, one.values)
        assert again.form.target_names == [name]
        assert type(wrapped) is (np.ndarray if isinstance(y, list) else type(y))
