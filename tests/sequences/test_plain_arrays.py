import itertools
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import Ridge

import avfusion as av
from avfusion.sequences import as_sequences, as_targets
from avfusion.sequences._plain_arrays import floats_of, plain_array, whole_numbers

HIDDEN = 9e9  # what stands behind masks: no result may know it


def masked(values, mask):
    return np.ma.MaskedArray(np.where(mask, HIDDEN, values), mask=mask)


FLAT, FLAT_MASK = np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, False, True, False])
CUBE = np.arange(12.0).reshape(2, 3, 2)
CUBE_MASK = (CUBE == 3) | (CUBE == 10)


def as_objects(cells):
    return pd.Series(cells, dtype=object).to_numpy()


LABELS = {  # of arrays of numbers, and of the same in which some are not there
    "per clip": lambda flat, cube: flat,
    "per clip, several": lambda flat, cube: cube[0],
    "per clip, scalars": lambda flat, cube: list(flat),
    "per clip, rows of scalars": lambda flat, cube: [list(row) for row in cube[0]],
    "per clip, rows": lambda flat, cube: list(cube[0]),
    "per clip, objects": lambda flat, cube: flat.astype(object),
    "three axes": lambda flat, cube: cube,
    "list": lambda flat, cube: [flat, flat[:3]],
    "list of tables": lambda flat, cube: [cube[0], cube[1][:2]],
    "tuple": lambda flat, cube: (flat, flat[1:]),
    "array of objects": lambda flat, cube: as_objects([flat, None, flat[2:]]),
    "steps in lists": lambda flat, cube: pd.Series([list(cube[0]), list(cube[1][:2])]),
    "series": lambda flat, cube: pd.Series([flat, flat[:3]]),
    "table": lambda flat, cube: pd.DataFrame({"a": [flat, flat[:3]], "b": [flat, flat[1:]]}),
}


@pytest.mark.filterwarnings("ignore:Warning. converting a masked element to nan")
@pytest.mark.parametrize("form", LABELS)
@pytest.mark.parametrize("hard", [False, True])
def test_masked_labels_are_those_that_are_nan(form, hard):
    flat, cube = masked(FLAT, FLAT_MASK), masked(CUBE, CUBE_MASK)
    if hard:
        flat.harden_mask(), cube.harden_mask()
    known = np.where(FLAT_MASK, np.nan, FLAT), np.where(CUBE_MASK, np.nan, CUBE)
    given, expected = as_targets(LABELS[form](flat, cube)), as_targets(LABELS[form](*known))
    np.testing.assert_array_equal(given.values, expected.values)
    np.testing.assert_array_equal(given.lengths, expected.lengths)
    assert given.form.per_frame is expected.form.per_frame


STREAMS = {
    "cells": lambda flat, cube: {"a": [flat, flat[:3]]},
    "tables": lambda flat, cube: {"a": [cube[0], cube[1][:2]]},
    "cells of a table": lambda flat, cube: pd.DataFrame({"a": [flat, flat[1:]]}),
    "objects": lambda flat, cube: {"a": [flat.astype(object)]},
    "rows by name": lambda flat, cube: [{"a": flat}, {"a": flat[1:]}],
    "steps in lists": lambda flat, cube: {"a": [list(cube[0]), list(cube[1])]},
    "three axes": lambda flat, cube: {"a": cube},
    "three axes alone": lambda flat, cube: cube,
    "lengths": lambda flat, cube: {"a": (cube, [3, 2])},
    "mask": lambda flat, cube: {"a": (cube, np.array([[True, True, False], [True, True, True]]))},
    "plain table": lambda flat, cube: cube[0],
    "list of rows": lambda flat, cube: list(cube[0]),
    "column": lambda flat, cube: {"a": av.SequenceArray(cube[0], [0, 1], [1, 2])},
    "one cell": lambda flat, cube: {"a": [av.Sequence(flat)]},
}


@pytest.mark.parametrize("form", STREAMS)
def test_masked_features_are_those_that_are_nan(form):
    known = np.where(FLAT_MASK, np.nan, FLAT), np.where(CUBE_MASK, np.nan, CUBE)
    given = as_sequences(STREAMS[form](masked(FLAT, FLAT_MASK), masked(CUBE, CUBE_MASK)))
    expected = as_sequences(STREAMS[form](*known))
    assert given.dtypes.equals(expected.dtypes)
    for one, other in zip(given.iloc[:, 0], expected.iloc[:, 0], strict=True):
        np.testing.assert_array_equal(one.frames, other.frames)


@pytest.mark.parametrize("values", [[1, 0, 1], [True, False, True]], ids=["int", "bool"])
def test_masked_integers_become_floats(values):
    given = as_targets(np.ma.MaskedArray(values, mask=[False, True, False]))
    np.testing.assert_array_equal(given.values.ravel(), [1.0, np.nan, 1.0])


def test_what_is_masked_trains_nothing():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    mask = np.arange(30) % 5 == 0
    given = av.FrameRegressor(Ridge()).fit(X, masked(y, mask)).predict(X)
    expected = av.FrameRegressor(Ridge()).fit(X, np.where(mask, np.nan, y)).predict(X)
    np.testing.assert_array_equal(given, expected)
    scores = [av.metrics.ccc_score(labels, given) for labels in (masked(y, mask), np.where(mask, np.nan, y))]
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (lambda one: av.SequenceArray(np.zeros((4, 1)), one, [1, 1]), "starts is masked in row 1"),
        (lambda one: av.SequenceArray(np.zeros((4, 1)), [0, 1], one), "lengths is masked in row 1"),
        (lambda one: av.SequenceArray.from_packed(np.zeros((4, 1)), one), "lengths is masked in row 1"),
        (lambda one: av.SequenceArray(np.zeros((4, 1)), [0, 1], [1, 1], one), "rate_hz is missing for row 1"),
        (lambda one: av.Sequence([1.0, 2.0], times_s=one), "step 1 has no time"),
        (lambda one: as_sequences({"a": (np.zeros((2, 3, 1)), one)}), "are masked themselves"),
        (lambda one: av.FrameRegressor().fit(np.eye(2), np.ones(2), sample_weight=one), "nan at a label"),
        (lambda one: av.metrics.ccc_score([0.1, 0.2], one), "y_pred is NaN where there is a label: row 1"),
        (lambda one: av.metrics.ccc_score(*[[0.1, 0.2]] * 2, sample_weight=one), "nan at a label in row 1"),
        (lambda one: av.FrameRegressor().fit(one[:, None], np.ones(2)), "contains NaN"),
    ],
)
def test_masked_numbers_that_are_needed_are_refused(what, message):
    with pytest.raises(ValueError, match=message):
        what(np.ma.MaskedArray([1, 1], mask=[False, True]))


def test_masked_groups_are_missing():
    groups = np.ma.MaskedArray(list("aabb"), mask=[False, True, False, False])
    with pytest.raises(ValueError, match="groups is missing for row 1"):
        av.compare({"ridge": av.FrameRegressor()}, np.eye(4), np.arange(4.0), groups=groups, cv=2)


def test_a_start_that_is_masked_is_not_known():
    starts = np.ma.MaskedArray([2.0, 7.0], mask=[False, True])
    column = av.SequenceArray(np.zeros((2, 1)), [0, 1], [1, 1], 25.0, start_s=starts)
    np.testing.assert_array_equal(column.starts_s, [2.0, np.nan])


def test_masked_records_are_refused():
    records = np.ma.array([(1.0, 2.0)], dtype=[("a", float), ("b", float)], mask=[(0, 1)])
    with pytest.raises(TypeError, match="records are not read"):
        as_targets(records)


@pytest.mark.parametrize("missing", ["Int64", "Float64", "UInt8"])
def test_missing_values_of_pandas_are_unlabelled(missing):
    column = pd.array([1, None, 0], dtype=missing)
    for y in (pd.Series(column), column, [1, pd.NA, 0], pd.Series([1, pd.NA, 0], dtype=object)):
        np.testing.assert_array_equal(as_targets(y).values.ravel(), [1.0, np.nan, 0.0])
    np.testing.assert_array_equal(as_targets([column, column[:1]]).values.ravel(), [1.0, np.nan, 0.0, 1.0])


TENSORS = {
    "gradient": torch.arange(6.0).reshape(3, 2).requires_grad_(),
    "bfloat16": torch.arange(6.0).reshape(3, 2).to(torch.bfloat16),
    "parameter": torch.nn.Parameter(torch.arange(6.0).reshape(3, 2)),
    "turned": torch.arange(6.0).reshape(2, 3).T.contiguous().T.T,
    "integers": torch.arange(6).reshape(3, 2),
}


@pytest.mark.parametrize("kind", TENSORS)
def test_tensors_are_read_as_their_numbers(kind):
    tensor = TENSORS[kind]
    numbers = tensor.detach().to(torch.float64).numpy()
    np.testing.assert_array_equal(as_targets(tensor).values, numbers)
    np.testing.assert_array_equal(as_targets([tensor, tensor[:1]]).values, np.vstack([numbers, numbers[:1]]))
    np.testing.assert_array_equal(as_targets(list(tensor[:, 0])).values.ravel(), numbers[:, 0])
    for X in (tensor, [list(row) for row in tensor], {"a": [tensor]}, {"a": [list(tensor)]}):
        np.testing.assert_array_equal(as_sequences(X).iloc[:, 0].array.frames, numbers)
    model = av.FrameRegressor().fit(tensor, tensor[:, 0])
    assert np.isfinite(model.predict(tensor)).all()


@pytest.mark.parametrize("wrap", [lambda t: t, lambda t: [t, t]], ids=["alone", "in a list"])
@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.zeros(2, 2, device="meta"), "no numbers"),
        (torch.eye(2).to_sparse(), "cannot be read"),
    ],
    ids=["meta", "sparse"],
)
def test_tensors_without_plain_numbers_are_refused(wrap, tensor, message):
    for read in (as_targets, as_sequences, lambda t: as_sequences({"a": t})):
        with pytest.raises((TypeError, ValueError), match=message):
            read(wrap(tensor))


LARGE = 10**400


@pytest.mark.parametrize(
    "y",
    [
        [LARGE, 1],
        np.array([LARGE, 1], dtype=object),
        pd.Series([LARGE, 1]),
        [[LARGE, 1], [1, 2]],
        [np.array([LARGE, 1], dtype=object)],
        [Fraction(LARGE), Fraction(1)],
    ],
)
def test_integers_beyond_floats_are_refused_by_row(y):
    with pytest.raises(ValueError, match=r"row 0.* beyond the range of floats"):
        as_targets(y)


@pytest.mark.parametrize("X", [[[LARGE, 1], [1, 2]], np.array([[LARGE, 1], [1, 2]], dtype=object)])
def test_features_beyond_floats_are_refused(X):
    for read in (as_sequences, lambda X: av.FrameRegressor().fit(X, [1.0, 2.0])):
        with pytest.raises(ValueError, match="beyond the range of floats"):
            read(X)


def test_exact_numbers_are_read_to_the_last_bit():
    values = [Decimal("0.1"), Fraction(1, 3), 2**53 + 1, 10**30, np.float16(0.1), np.bool_(True), None, pd.NA]
    expected = [0.1, 1 / 3, float(2**53 + 1), 1e30, float(np.float16(0.1)), 1.0, np.nan, np.nan]
    np.testing.assert_array_equal(floats_of(as_objects(values)), expected)
    np.testing.assert_array_equal(as_targets(values).values.ravel(), expected)


@pytest.mark.parametrize(
    "wrong",
    [
        [1 + 0j, 2.0],
        [np.complex64(1 + 2j), 2.0],
        ["1", "2"],
        [b"1", 2.0],
        [np.timedelta64(1, "s"), np.timedelta64(2, "s")],
        [pd.Timedelta(1, "s"), 1.0],
        [pd.Timestamp("2020-01-01"), 1.0],
        [object(), 1.0],
    ],
    ids=lambda wrong: type(wrong[0]).__name__,
)
def test_what_is_no_real_number_is_refused(wrong):
    flat, frames = as_objects(wrong), [as_objects(wrong)]
    for read, given in itertools.product([as_targets], [wrong, flat, frames]):
        with pytest.raises((TypeError, ValueError), match=r"^(y|In y|Complex data)"):
            read(given)
    with pytest.raises((TypeError, ValueError), match="row 0, column 'a'"):
        as_sequences({"a": frames})


@pytest.mark.parametrize("kind", ["m8[s]", "M8[s]"])
def test_masked_times_are_not_a_time(kind):
    values = np.ma.MaskedArray(np.array([1, 2], dtype=kind), mask=[False, True])
    assert np.isnat(plain_array(values)).tolist() == [False, True]


def test_whole_numbers_must_fit():
    assert whole_numbers(np.array([1, 2], dtype=">u2"), "lengths").tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"lengths is 18446744073709551615 in row 1"):
        whole_numbers(np.array([0, 2**64 - 1], dtype="u8"), "lengths")
    for wrong in ([1.5], [True], ["1"], np.array([1], dtype=object)):
        with pytest.raises(TypeError, match="starts must be whole numbers"):
            whole_numbers(wrong, "starts")
