"""Weights of labels in every form, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import avfusion as av
from avfusion.sequences import SequenceArray, as_targets
from avfusion.sequences._recordings import read_recordings
from avfusion.sequences._weights import weights_by_row, weights_of, with_weights

LENGTHS = (3, 1, 2)
FRAMES = [np.array([0.1, 0.2, 0.3]), np.array([0.4]), np.array([0.5, 0.6])]
EACH = [np.array([1.0, 2.0, 0.0]), np.array([4.0]), np.array([0.5, 6.0])]


def sequences(cells, **time):
    return av.as_sequences({"y": list(cells)}, dtype="float64", **time)["y"]


def ragged(values, lengths):
    return np.split(np.asarray(values), np.cumsum(lengths)[:-1])


def objects(cells):
    result = np.empty(len(cells), dtype=object)
    result[:] = cells
    return result


FORMS = {
    "list of arrays": list,
    "tuple": tuple,
    "object array": objects,
    "arrays (T, 1)": lambda cells: [cell[:, None] for cell in cells],
    "Series of sequences": sequences,
    "DataFrame": lambda cells: sequences(cells).to_frame("weight"),
    "Series of arrays": lambda cells: pd.Series(list(cells)),
    "numbers": lambda cells: [cell.astype(int) if (cell % 1 == 0).all() else cell for cell in cells],
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=20)
@given(data=st.data())
def test_every_form_of_weights_per_frame_is_read_alike(form, data):
    lengths = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    numbers = st.floats(0, 1e6, allow_subnormal=False)
    weights = np.array(data.draw(st.lists(numbers, min_size=sum(lengths), max_size=sum(lengths))))
    weights[0] = 1.0
    y = as_targets(ragged(np.arange(float(sum(lengths))), lengths))
    given_weights = weights_by_row(FORMS[form](ragged(weights, lengths)), None)
    np.testing.assert_array_equal(with_weights(y, given_weights).weights[:, 0], weights)
    two = as_targets([np.column_stack([cell, -cell]) for cell in ragged(np.arange(len(weights)), lengths)])
    found = with_weights(two, given_weights).weights  # a weight per frame counts for all targets
    np.testing.assert_array_equal(found, np.column_stack([weights, weights]))


@pytest.mark.parametrize(
    "rows",
    [
        [1, 0, 2],
        (1.0, 0.0, 2.0),
        np.array([1, 0, 2]),
        np.array([[1.0], [0.0], [2.0]]),
        pd.Series([1.0, 0.0, 2.0], index=["a", "b", "c"]),
        pd.Series([1, 0, 2], dtype="Int64"),
        pd.Series([1.0, 0.0, 2.0], dtype="Float64"),
        pd.DataFrame({"trust": [1.0, 0.0, 2.0]}),
        {"c": 2.0, "a": 1.0, "b": 0.0},
        "trust",
    ],
    ids=lambda rows: type(rows).__name__,
)
def test_a_weight_of_a_row_counts_for_all_its_labels(rows):
    X = av.as_sequences({"audio": FRAMES}).assign(trust=[1, 0, 2]).set_axis(["a", "b", "c"])
    data = read_recordings(X, FRAMES, sample_weight=rows, caller="Ridge")
    assert data.targets.weights[:, 0].tolist() == [1, 1, 1, 0, 2, 2]
    clips = read_recordings(X, [5.0, 6.0, 7.0], sample_weight=rows, caller="Ridge")
    assert clips.targets.weights[:, 0].tolist() == [1, 0, 2]


def test_what_weighs_nothing_is_no_label():
    targets = with_weights(as_targets(FRAMES), EACH)
    assert np.isnan(targets.counted.values[:, 0]).tolist() == [False, False, True, False, False, False]
    assert targets.values[2, 0] == 0.3
    assert with_weights(as_targets(FRAMES), [0, 1, 0]).labelled[:, 0].tolist() == [False, True, False]


def test_rows_without_labels_need_no_weights():
    y = as_targets([FRAMES[0], None, np.array([np.nan, 0.6])])
    weights = [EACH[0], None, np.array([np.nan, 6.0])]
    np.testing.assert_array_equal(with_weights(y, weights).weights[:, 0], [1, 2, 0, np.nan, 6])
    np.testing.assert_array_equal(with_weights(y, [1.0, np.nan, 2.0]).weights[:, 0], [1, 1, 1, np.nan, 2])


def test_weights_go_with_their_rows_and_come_out_as_fit_takes_them():
    targets = with_weights(as_targets(FRAMES), EACH)
    assert targets.take([2, 0]).weights[:, 0].tolist() == [0.5, 6.0, 1.0, 2.0, 0.0]
    found = weights_of(targets, [2, 1])
    assert [cell.tolist() for cell in found] == [[0.5, 6.0], [4.0]]
    clips = with_weights(as_targets([[1.0, 2.0], [3.0, np.nan]]), np.array([[1.0, 2.0], [3.0, np.nan]]))
    assert weights_of(clips).tolist() == [[1.0, 2.0], [3.0, 0.0]]
    assert weights_of(clips, [1]).tolist() == [3.0]
    assert weights_of(as_targets([1.0])) is None


def test_labels_that_are_moved_in_time_take_their_weights_along():
    X = av.as_sequences({"audio": [np.zeros(6)]}, rate_hz=2.0, start_s=0.0)
    y = sequences([[0.1, 0.2, 0.3]], rate_hz=2.0, start_s=1.0)
    data = read_recordings(X, y, sample_weight=[np.array([1.0, 2.0, 3.0])], caller="Ridge")
    np.testing.assert_array_equal(data.targets.weights[:, 0], [np.nan, np.nan, 1, 2, 3, np.nan])
    late = sequences([[2.0, 3.0, 4.0, 5.0]], rate_hz=2.0, start_s=0.5)  # weights have a time of their own
    data = read_recordings(X, y, sample_weight=late, caller="Ridge")
    np.testing.assert_array_equal(data.targets.weights[:, 0], [np.nan, np.nan, 3, 4, 5, np.nan])


def test_labels_that_share_a_step_are_averaged_by_weight():
    X = av.as_sequences({"audio": [np.zeros(2)]}, rate_hz=1.0, start_s=0.0)
    times = [[0.0, 0.2], [0.3, 0.5], [1.0, 1.5]]
    y = pd.Series(
        SequenceArray.from_sequences([av.Sequence([1.0, 3.0, 5.0], times_s=times)], dtype="float64")
    )
    for weight, value, share in (([1, 3, 2], 2.5, 2.0), ([0, 3, 2], 3.0, 3.0), ([1, 1, 1], 2.0, 1.0)):
        data = read_recordings(X, y, sample_weight=[np.array(weight, dtype=float)], caller="Ridge")
        np.testing.assert_allclose(data.targets.values[:, 0], [value, 5.0])
        np.testing.assert_allclose(data.targets.weights[:, 0], [share, weight[2]])
    holes = y.array.with_frames(np.array([[np.nan], [3.0], [5.0]]))
    data = read_recordings(X, pd.Series(holes), sample_weight=[np.array([np.nan, 3, 2])], caller="Ridge")
    np.testing.assert_allclose(data.targets.values[:, 0], [3.0, 5.0])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 2.0], r"sample_weight has 2 rows, but y has 3\."),
        (2.0, r"sample_weight is 2\.0, but must hold a weight, or a sequence of them, for each row"),
        ([1.0, -1.0, 1.0], r"sample_weight is -1 at a label in row 1.*Weights are 0 or more\."),
        ([1.0, 1.0, np.nan], r"sample_weight is nan at a label in row 2.* Use 0 for a label that does not"),
        ([1.0, np.inf, 1.0], r"sample_weight is inf at a label in row 1"),
        ([0.0, 0.0, 0.0], r"sample_weight is zero at all labels of 'target' in y, so that none counts"),
        ([EACH[0], EACH[1], np.ones(3)], r"sample_weight has 3 weights in row 2, but y has 2 labels"),
        ([EACH[0], None, EACH[2]], r"sample_weight has 0 weights in row 1, but y has 1 labels"),
        (np.ones((3, 2)), r"sample_weight has 2 columns for 1 target\(s\) of y"),
        (["a", "b", "c"], r"sample_weight"),
        ("trust", r"sample_weight='trust' is no column of X"),
        ("audio", r"sample_weight='audio' is a modality of X.*sample_weight=X\['audio'\]"),
        ("site", r"sample_weight='site' is a column of .*, and weights are numbers"),
        (pd.Series([1.0, 2.0, 3.0], index=["c", "b", "a"]), r"X and sample_weight carry the same labels in"),
        (pd.Series([1.0, 2.0, 3.0], index=["x", "y", "z"]), r"X and sample_weight carry different labels"),
        ({"a": 1.0, "b": 2.0}, r"sample_weight has no weights for 1 of 3 recordings.*0 where"),
    ],
)
def test_refused_by_row_and_column(weights, message):
    X = av.as_sequences({"audio": FRAMES}).assign(site=["n", "s", "n"]).set_axis(["a", "b", "c"])
    with pytest.raises((ValueError, TypeError), match=message):
        read_recordings(X, FRAMES, sample_weight=weights, caller="Ridge")


def test_columns_of_weights_are_those_of_the_labels():
    y = as_targets(pd.DataFrame({"arousal": [0.1, 0.2], "valence": [0.3, 0.4]}))
    swapped = pd.DataFrame({"valence": [1.0, 2.0], "arousal": [3.0, 4.0]})
    with pytest.raises(ValueError, match=r"columns 'valence', 'arousal', but y 'arousal', 'valence'"):
        with_weights(y, swapped)
    found = with_weights(y, swapped[["arousal", "valence"]]).weights
    assert found.tolist() == [[3.0, 1.0], [4.0, 2.0]]
    with pytest.raises(ValueError, match=r"sample_weight is zero at all labels of 'valence'"):
        with_weights(y, np.array([[1.0, 0.0], [1.0, 0.0]]))


def test_sequences_cannot_weigh_numbers_per_row():
    with pytest.raises(ValueError, match="holds sequences, but y has numbers per row"):
        with_weights(as_targets([1.0, 2.0]), [np.ones(3), np.ones(2)])


def test_tables_of_other_libraries():
    polars = pytest.importorskip("polars")
    X = av.as_sequences({"audio": FRAMES})
    for weights in (polars.Series([1.0, 0.0, 2.0]), polars.DataFrame({"trust": [1.0, 0.0, 2.0]})):
        data = read_recordings(X, FRAMES, sample_weight=weights, caller="Ridge")
        assert data.targets.weights[:, 0].tolist() == [1, 1, 1, 0, 2, 2]
    found = polars.DataFrame({"loudness": [1.0, 2.0, 3.0], "trust": [1.0, 0.0, 2.0]})
    assert weights_by_row("trust", found).tolist() == [1, 0, 2]
