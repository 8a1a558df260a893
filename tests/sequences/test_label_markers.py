"""Markers for "no label": which values are taken for one, and how they become NaN in every form of labels."""

import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch

import avfusion as av
from avfusion.sequences import LabelMarkerWarning, as_targets, mask_labels
from avfusion.sequences._label_markers import (
    find_markers,
    marker_message,
    markers_told_once,
    warn_of_markers,
)

RNG = np.random.default_rng(0)
CONTINUOUS = RNG.uniform(-1, 1, 500)


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (np.append(CONTINUOUS, [-5] * 60), {-5.0: 60}),
        (np.append(CONTINUOUS, [9999] * 3), {9999.0: 3}),
        (np.append(np.abs(CONTINUOUS), [-1] * 20), {-1.0: 20}),
        (np.append(CONTINUOUS, [-5, -5, -5, 9999, 9999, 9999]), {-5.0: 3, 9999.0: 3}),
        (np.append(CONTINUOUS, [8888] * 4 + [9999] * 5), {8888.0: 4, 9999.0: 5}),
        (np.append(RNG.integers(1, 6, 100), [99] * 5), {99.0: 5}),
        (np.append(CONTINUOUS, [-5] * 60 + [np.nan] * 9), {-5.0: 60}),
        (np.append(CONTINUOUS, [-5] * 2000), {-5.0: 2000}),
    ],
)
def test_extreme_values_that_stand_out_and_repeat_are_found(labels, found):
    assert find_markers(RNG.permutation(labels)) == found


@pytest.mark.parametrize(
    "labels",
    [
        [],
        [np.nan],
        [3.0],
        CONTINUOUS,
        np.clip(2 * CONTINUOUS, -1, 1),  # the ends of a joystick's way
        np.append(CONTINUOUS, [0.0] * 300),
        np.append(np.abs(CONTINUOUS), [0.0] * 300),  # rest, and deflections from it
        RNG.integers(0, 2, 100),
        RNG.choice([-1, 1], 100),
        RNG.integers(1, 8, 200),
        RNG.integers(0, 101, 200),
        np.append(RNG.integers(0, 11, 200), [-1] * 3),
        np.append(CONTINUOUS, [7.0]),  # one outlier
        np.append(CONTINUOUS, [2.5] * 9),
        RNG.standard_t(2, size=500),
        np.round(RNG.exponential(size=500), 1),
        np.append([1.0] * 50, [5.0] * 3),
    ],
)
def test_other_labels_have_none(labels):
    assert find_markers(labels) == {}


def test_the_message_names_target_value_number_and_remedy():
    labels = np.c_[CONTINUOUS, CONTINUOUS]
    labels[:75, 1] = -5
    message = marker_message(labels, ["valence", "arousal"])
    assert "arousal is -5 in 75 of 500" in message
    assert "missing_label=-5" in message
    assert "valence" not in message
    labels[:75] = [-5, 9999]
    assert "missing_label=[-5, 9999]" in marker_message(labels, ["valence", "arousal"])
    many = np.tile(labels[:, :1], (1, 6))
    assert "and 4 more targets" in marker_message(many, list("abcdef"))
    assert len(marker_message(many, list("abcdef"))) <= 320


PER_CLIP = np.array([0.5, -5.0, 0.25])
PER_FRAME = [np.array([0.5, -5.0]), np.array([-5.0])]


def test_numbers_in_every_form_become_nan():
    expected = [0.5, np.nan, 0.25]
    np.testing.assert_array_equal(mask_labels(PER_CLIP, -5), expected)
    assert PER_CLIP[1] == -5  # y itself is as it was
    np.testing.assert_array_equal(mask_labels(PER_CLIP.astype("float32"), -5).dtype, "float32")
    np.testing.assert_array_equal(mask_labels([0.5, -5, 0.25], -5), expected)
    np.testing.assert_array_equal(mask_labels([[1, -5], [-1, 3]], [-5, -1]), [[1, np.nan], [np.nan, 3]])
    np.testing.assert_array_equal(mask_labels(np.array([1, -5]), -5), [1, np.nan])
    series = mask_labels(pd.Series(PER_CLIP, index=list("abc"), name="mood"), -5)
    pd.testing.assert_series_equal(series, pd.Series(expected, index=list("abc"), name="mood"))
    frame = mask_labels(pd.DataFrame({"mood": [1, -5], "site": [2, 3]}), -5)
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"mood": [1, np.nan], "site": [2.0, 3.0]}))
    nullable = mask_labels(pd.Series(pd.array([1, None, -5], dtype="Int64")), -5)
    np.testing.assert_array_equal(nullable, [1, np.nan, np.nan])


@pytest.mark.parametrize(
    "form",
    [
        lambda y: y,
        tuple,
        lambda y: np.array([*y, None], dtype=object)[:2],
        lambda y: av.as_sequences({"arousal": y}, dtype="float64", rate_hz=2),
        lambda y: av.as_sequences({"arousal": y}, dtype="float64", rate_hz=2)["arousal"],
        lambda y: pd.Series(y),
        lambda y: np.array([[[0.5], [-5.0]], [[-5.0], [np.nan]]]),
    ],
)
def test_sequences_in_every_form_become_nan(form):
    y = form(PER_FRAME)
    masked = mask_labels(y, -5)
    assert type(masked) is type(y)
    labels = as_targets(masked)
    np.testing.assert_array_equal(labels.values[~np.isnan(labels.values)], [0.5])
    assert labels.lengths.tolist() == as_targets(y).lengths.tolist()
    assert str(getattr(masked, "dtypes", None)) == str(getattr(y, "dtypes", None))


def test_rates_and_times_stay():
    y = pd.Series(av.SequenceArray.from_sequences([[-5.0, 1.0], [2.0]], rate_hz=[2.0, 4.0]))
    assert mask_labels(y, -5).array.dtype == y.array.dtype
    cell = av.Sequence([-5.0, 1.0], rate_hz=2, start_s=15.5)
    [masked] = mask_labels([cell], -5)
    assert masked == av.Sequence([np.nan, 1.0], rate_hz=2, start_s=15.5)


def test_missing_rows_stay_missing():
    masked = mask_labels([np.array([-5.0, 1.0]), None], -5)
    assert masked[1] is None
    series = pd.Series(av.SequenceArray.from_sequences([[-5.0, 1.0], None]))
    assert mask_labels(series, -5).isna().tolist() == [False, True]


@pytest.mark.parametrize("missing_label", ["-5", None, ["x"], 1j])
def test_markers_are_numbers(missing_label):
    with pytest.raises(TypeError, match="missing_label must be a number or a list of numbers"):
        mask_labels(PER_CLIP, missing_label)


def test_an_estimator_that_fits_parts_tells_once():
    targets = as_targets(np.append(CONTINUOUS, [-5] * 60))

    def fit():
        with markers_told_once(targets):
            warn_of_markers(targets)

    with pytest.warns(LabelMarkerWarning) as caught:
        fit()
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_markers(as_targets(CONTINUOUS))


def test_targets_that_are_bookkeeping_are_told():
    rng = np.random.default_rng(0)
    values = np.c_[np.arange(60) * 500, rng.normal(size=60), np.ones(60)]
    message = marker_message(values, ["timestamp", "value", "segment_id"])
    assert message == "Targets look like bookkeeping: 'timestamp', 'segment_id'. If so, leave them out of y."
    assert marker_message(values[:, 1:2], ["confidence"]) is None  # the only target is meant
    assert marker_message(values, ["arousal", "valence", "dominance"]) is None


def test_the_remedy_finds_what_it_names():
    for marker in (9999999, 2147483647, -99):
        values = np.append(np.linspace(-1, 1, 50), [marker] * 5)[:, None]
        text = marker_message(values, ["arousal"]).partition("missing_label=")[2].partition(" ")[0]
        assert np.isnan(mask_labels(values, float(text))).sum() == 5


@pytest.mark.parametrize("form", [list, tuple, pd.Series, lambda rows: pd.Series(rows).to_numpy()])
def test_what_is_masked_is_no_label_and_its_number_is_gone(form):
    rows = [
        np.ma.array([1.0, 9e9, -5.0], mask=[False, True, False]),
        np.ma.array([3, -5], mask=[True, False]),
    ]
    found = mask_labels(form(rows), -5)
    for got, expected in zip(found, [[1.0, np.nan, np.nan], [np.nan, np.nan]]):
        assert not isinstance(got, np.ma.MaskedArray)
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(mask_labels(rows[0], [-5, np.ma.masked]), [1.0, np.nan, np.nan])


def test_numbers_of_other_kinds():
    found = mask_labels([Decimal("-5"), Fraction(1, 2), np.ma.masked], -5)
    np.testing.assert_array_equal(np.array(found, dtype=float), [np.nan, 0.5, np.nan])
    tensor = torch.tensor([1.0, -5.0], requires_grad=True)
    np.testing.assert_array_equal(mask_labels([tensor], -5)[0], [1.0, np.nan])
