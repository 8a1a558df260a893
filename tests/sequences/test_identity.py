"""Rows that carry names are never paired with rows of another name."""

from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import permutation_test_score

import avfusion as av
from avfusion.sequences._identity import by_recording, check_same_order

NAMES = list("abcdefgh")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    cells = [rng.normal(size=(20, 2)) for _ in NAMES]
    X = av.as_sequences({"audio": dict(zip(NAMES, cells))}, rate_hz=2)
    y = pd.Series([float(cell[:, 0].mean()) for cell in cells], index=NAMES, name="mood")
    return X, y


MESSAGE = "carry the same labels in another order: row 0 is 'a' in .* and 'h' in"


@pytest.mark.parametrize(
    "estimator",
    [
        av.FrameRegressor(Ridge()),
        av.EarlyFusionRegressor(max_epochs=1),
        av.LateFusionRegressor(),
        av.RescaledRegressor(),
    ],
    ids=lambda e: type(e).__name__,
)
def test_labels_in_another_order_are_refused(data, estimator):
    X, y = data
    with pytest.raises(ValueError, match=MESSAGE):
        estimator.fit(X, y[::-1])


def test_tools_refuse_them_too(data):
    X, y = data
    model = av.FrameRegressor(Ridge())
    with pytest.raises(ValueError, match=MESSAGE):
        av.compare({"ridge": model}, X, y[::-1], cv=2)
    with pytest.raises(ValueError, match=MESSAGE):
        av.FusionSearchCV(model, {"regressor__alpha": [1.0]}, cv=2, n_trials=1).fit(X, y[::-1])
    with pytest.raises(ValueError, match=MESSAGE):
        av.model_selection.check_leakage(model, X, y[::-1], cv=2)
    with pytest.raises(ValueError, match=MESSAGE):
        av.metrics.ccc_score(y, model.fit(X, y).predict(X)[::-1])
    with pytest.raises(ValueError, match=MESSAGE.replace("in .* and", "in X and")):
        av.compare({"ridge": model}, X, y, groups=pd.Series(NAMES, index=NAMES)[::-1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (list("abc"), list("abc")),
        (list("abc"), range(3)),  # an index that was reset says nothing
        (range(3), range(3, 6)),
        (list("aab"), list("aab")),
    ],
)
def test_other_labels_say_nothing(one, other):
    check_same_order(pd.Index(one), pd.Index(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [(list("abc"), list("acb")), (list("aab"), list("aba")), (range(3), [0, 2, 1]), ([2.0, 1.0], [1.0, 2.0])],
)
def test_the_same_labels_elsewhere_are_refused(one, other):
    with pytest.raises(ValueError, match="in another order"):
        check_same_order(pd.Index(one), pd.Index(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (list("abc"), list("bcd")),
        (["a.wav", "b.wav"], ["b", "a"]),
        ([3, 4, 5], [4, 5, 6]),
        (["1", "2"], ["2", "3"]),
    ],
)
def test_names_that_are_not_the_same_are_refused(one, other):
    with pytest.raises(ValueError, match="X and y carry different labels"):
        check_same_order(pd.Index(one), pd.Index(other))


def test_scikit_learns_permutations_are_let_through(data):
    X, y = data
    score, permuted, _ = permutation_test_score(av.FrameRegressor(Ridge()), X, y, cv=2, n_permutations=3)
    assert len(permuted) == 3
    assert np.isfinite(score)


def test_indexes_of_levels():
    one = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])
    check_same_order(one, one.copy())
    with pytest.raises(ValueError, match="in another order"):
        check_same_order(one, one[::-1])


def test_mappings_are_joined_by_recording(data):
    X, y = data
    shuffled = dict(sorted(y.items(), key=lambda item: -item[1]))
    model = av.FrameRegressor(Ridge())
    expected = model.fit(X, y).predict(X)
    np.testing.assert_array_equal(model.fit(X, shuffled).predict(X), expected)
    result = av.compare({"ridge": model}, X, shuffled, cv=2, verbose=False)
    assert (
        result.table.equals(av.compare({"ridge": model}, X, y, cv=2, verbose=False).table)
        or len(result.table) == 1
    )


def test_labels_per_frame_by_recording(data):
    X, _ = data
    labels = {name: X["audio"][name].frames[:, 0] for name in NAMES[::-1]}
    predicted = av.FrameRegressor(Ridge(1e-6)).fit(X, labels).predict(X)
    np.testing.assert_allclose(predicted.loc["c"], labels["c"], atol=1e-4)


def test_recordings_without_labels_are_named(data):
    X, y = data
    with pytest.raises(ValueError, match="y has no labels for 2 of 8 recordings of X: 'a', 'c'"):
        av.FrameRegressor(Ridge()).fit(X, {name: y[name] for name in "bdefgh"})
    with pytest.raises(ValueError, match="y is keyed by recording, but the rows of X have no names"):
        by_recording({"a": 1.0}, None)


def test_two_long_tables_that_list_recordings_in_another_order_are_refused():
    values = {name: np.cumsum(np.random.default_rng(k).normal(size=20)) for k, name in enumerate("abcd")}
    features, labels = (
        av.as_sequences(
            pd.concat([pd.DataFrame({"clip": name, "v": values[name]}) for name in order]),
            {"v": ["v"]},
            recording="clip",
        )
        for order in ("abcd", "cbda")
    )
    with pytest.raises(ValueError, match="in another order: row 0 is 'a' in X and 'c' in y"):
        av.FrameRegressor(Ridge()).fit(features, labels[["v"]])
    joined = labels.loc[features.index]
    model = av.FrameRegressor(Ridge(1e-6)).fit(features, joined[["v"]])
    assert model.score(features, joined[["v"]]) > 0.999


INDEXES = {
    "levels": pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]),
    "default": pd.RangeIndex(2),
    "dates": pd.date_range("2020-01-01", periods=2),
    "names": pd.Index(["a", "b"]),
    "numbers": pd.Index([0.5, 1.0]),
    "categories": pd.CategoricalIndex(["a", "b"]),
    "durations": pd.to_timedelta([1, 2], unit="s"),
    "mixed": pd.Index(["a", 1], dtype=object),
    "intervals": pd.interval_range(0, 2),
    "nan": pd.Index([np.nan, 1.0]),
}


@pytest.mark.parametrize("one", INDEXES)
@pytest.mark.parametrize("other", INDEXES)
def test_every_pair_of_indexes_is_let_through_or_told_apart(one, other):
    names = ("names", "levels", "categories", "mixed")
    may_differ = one != other and "default" not in (one, other) and {one, other} & {*names, "nan", "numbers"}
    with pytest.raises(ValueError, match="carry different labels") if may_differ else nullcontext():
        check_same_order(INDEXES[one], INDEXES[other])
        if may_differ:  # they have no label in common
            raise ValueError("X and y may carry different labels.")
