import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import avfusion as av
from avfusion.sequences._classes import refuse_classes
from avfusion.sequences._targets import as_targets

MOODS = ["happy", "sad", "happy"]
X = av.as_sequences({"audio": [np.arange(4.0), np.arange(3.0), np.arange(5.0)]}, rate_hz=1)


@pytest.mark.parametrize(
    "y",
    [
        MOODS,
        tuple(MOODS),
        np.array(MOODS),
        np.array(MOODS, dtype=object),
        np.array([m.encode() for m in MOODS]),
        pd.Series(MOODS),
        pd.Series(MOODS, dtype="category"),
        pd.DataFrame({"valence": [1.0, 2.0, 3.0], "mood": MOODS}),
        pl.Series(MOODS),
        [None, "sad", "happy"],
        [True, False, True],
        np.array([True, False, True]),
        pd.Series([True, None, False], dtype="boolean"),
        pd.Series([True, None, False], dtype=object),
        [["sad", "sad"], ["happy"], ["sad"]],
        [np.array(["sad", "sad"]), None, np.array(["sad"])],
        [np.array([True, False]), np.array([True]), np.array([False])],
    ],
)
def test_classes_are_refused_in_one_sentence_and_one_way_out(y):
    with pytest.raises(
        TypeError, match=r"^y(\['mood'\])? holds classes, such as .* in row \d.*classifier after"
    ) as error:
        as_targets(y)
    assert len(str(error.value)) <= 320


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 0],  # numbers, whatever they stand for
        [0.5, None, 1.0],
        np.array([0.5, None, 1.0], dtype=object),
        pd.DataFrame({"a": [1, 2, 3]}),
        [np.zeros(2), np.zeros(1), None],
        ["1.5", "2", "3"],  # not numbers yet: the message on their type says so
        [[], [1.0], [2.0]],
    ],
)
def test_numbers_are_no_classes(y):
    refuse_classes(y, "y")


def test_truth_values_may_be_weights():
    model = av.FrameRegressor().fit(X, [1.0, 2.0, 3.0], sample_weight=[True, True, False])
    other = av.FrameRegressor().fit(X, [1.0, 2.0, np.nan])
    np.testing.assert_allclose(model.predict(X), other.predict(X))


@pytest.mark.parametrize("name", sorted(av.all_estimators().index))
def test_every_estimator_refuses_classes_before_it_trains(name):
    with pytest.raises(TypeError, match="y holds classes, such as 'happy' in row 0"):
        av.all_estimators()["estimator"][name]().fit(X, MOODS)


def test_compare_refuses_them_for_estimators_of_others_too():
    with pytest.raises(TypeError, match="y holds classes, such as 'happy'"):
        av.compare({"mean": DummyRegressor()}, X, MOODS, verbose=False)


def test_the_way_out_works():
    predicted = make_pipeline(av.Functionals(), LogisticRegression()).fit(X, MOODS).predict(X)
    assert set(predicted) <= set(MOODS)
