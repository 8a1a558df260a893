"""One constant per stimulus, or per person."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, cross_val_predict

import avfusion as av


def study(n_people=6, n_steps=10):
    """Each person watches each video; the labels are a curve of the video, a person's offset, and noise."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame([(p, v) for p in range(n_people) for v in "abc"], columns=["subject", "video"])
    curve = {v: rng.normal(size=n_steps) + k for k, v in enumerate("abc")}
    offset = rng.normal(size=n_people)
    y = [curve[v] + offset[p] + 0.1 * rng.normal(size=n_steps) for p, v in table.to_numpy()]
    return av.as_sequences({"pulse": [rng.normal(size=(n_steps, 1)) for _ in y]}, rate_hz=1.0).join(table), y


def test_it_is_the_mean_of_the_training_labels_of_that_stimulus():
    X, y = study()
    found = cross_val_predict(av.StimulusMeanRegressor("video"), X, y, cv=GroupKFold(3), groups=X["subject"])
    for train, test in GroupKFold(3).split(X, groups=X["subject"]):
        for row in test:
            same = [y[other] for other in train if X["video"][other] == X["video"][row]]
            np.testing.assert_allclose(found[row], np.concatenate(same).mean())


def test_per_step_it_is_the_mean_curve():
    X, y = study()
    model = av.StimulusMeanRegressor(per_step=True).fit(X, y)
    same = np.array([cell for cell, video in zip(y, X["video"]) if video == "b"])
    np.testing.assert_allclose(model.predict(X)[1], same.mean(axis=0))


def test_curves_are_aligned_by_time():
    labels = [np.array([1.0, 2.0, 3.0]), np.array([9.0, 8.0])]
    streams = {"pulse": [np.zeros((3, 1)), np.zeros((2, 1))]}
    X = av.as_sequences(streams, rate_hz=2.0, start_s=[0.0, 1.0]).assign(video="a")
    found = av.StimulusMeanRegressor(per_step=True).fit(X, labels).predict(X)
    assert [cell.tolist() for cell in found] == [[1.0, 2.0, 6.0], [6.0, 8.0]]


def test_where_the_curve_ends_it_is_the_constant():
    X, y = study(n_steps=4)
    model = av.StimulusMeanRegressor(per_step=True).fit(X, y)
    longer = av.as_sequences({"pulse": [np.zeros((6, 1))]}, rate_hz=1.0).assign(subject=0, video="a")
    found = model.predict(longer)[0]
    np.testing.assert_allclose(found[4:], model.means_[model.levels_.index("a"), 0])


def test_levels_that_are_new_or_missing_get_the_mean_of_all():
    X = pd.DataFrame({"video": ["a", "a", "b"], "p": [0.0, 0.0, 0.0]})
    model = av.StimulusMeanRegressor().fit(X, [1.0, 2.0, 6.0])
    new = pd.DataFrame({"video": ["c", None, "b"], "p": [0.0, 0.0, 0.0]})
    assert model.predict(new).tolist() == [3.0, 3.0, 6.0]


def test_several_columns_are_one_level_together():
    X = pd.DataFrame({"video": [1, 1, 2, 2], "version": ["x", "y", "x", "y"], "p": np.zeros(4)})
    y = [1.0, 2.0, 3.0, 4.0]
    assert av.StimulusMeanRegressor(["video", "version"]).fit(X, y).predict(X).tolist() == y


def test_people_are_drawn_to_the_mean_by_what_is_known_of_them():
    X = pd.DataFrame({"subject": ["a"] * 3 + ["b"], "p": np.zeros(4)})
    found = av.PersonMeanRegressor().fit(X, [0.0, 0.0, 0.0, 4.0]).predict(X)
    np.testing.assert_allclose(found, [0.25, 0.25, 0.25, 2.5])


def test_of_a_person_who_is_tested_the_labelled_seconds_count():
    """Rows of one person on both sides: labelled seconds stand for those that are not labelled."""
    X, y = study()
    first, second = [cell[:5] for cell in y], [cell[5:] for cell in y]
    cut = av.as_sequences({"pulse": [np.zeros((5, 1))] * len(y)}).join(X[["subject", "video"]])
    model = av.PersonMeanRegressor(shrinkage=0.0).fit(cut, first)
    own = [np.concatenate([c for c, s in zip(first, X["subject"]) if s == p]).mean() for p in X["subject"]]
    np.testing.assert_allclose([cell[0] for cell in model.predict(cut)], own)
    assert av.metrics.ccc_score(second, model.predict(cut)) > 0.2


@pytest.mark.parametrize("shrinkage", [-1.0, np.nan, np.inf, "much", True])
def test_shrinkage_is_a_number(shrinkage):
    X, y = study()
    with pytest.raises(ValueError, match="shrinkage must be a number of at least 0"):
        av.StimulusMeanRegressor(shrinkage=shrinkage).fit(X, y)


@pytest.mark.parametrize("model", [av.StimulusMeanRegressor(per_step=True), av.PersonMeanRegressor()])
def test_copies_predict_the_same(model):
    X, y = study()
    fitted = clone(model).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(np.stack(again.predict(X)), np.stack(fitted.predict(X)))
